//! YAML read with the position of every node, so that a finding can name file, line and column.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// A line and a column, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

impl From<&Marker> for Position {
    fn from(mark: &Marker) -> Self {
        Self { line: mark.line(), column: mark.col() + 1 }
    }
}

/// A YAML document as JSON, and where each node stands (by JSON pointer).
#[derive(Debug, Clone, Default)]
pub struct Parsed {
    /// The content; anchors, aliases and merge keys (`<<`) are resolved.
    pub value: Value,
    marks: HashMap<String, Position>,
}

impl Parsed {
    /// Where the node at `pointer` stands, or the nearest node above it. A member of a mapping
    /// stands where its key does.
    #[must_use]
    pub fn position(&self, pointer: &str) -> Position {
        let mut pointer = pointer;
        loop {
            if let Some(found) = self.marks.get(pointer) {
                return *found;
            }
            match pointer.rsplit_once('/') {
                Some((above, _)) => pointer = above,
                None => return Position { line: 1, column: 1 },
            }
        }
    }
}

/// What is wrong with a YAML text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Where.
    pub at: Position,
    /// What, as part of a sentence.
    pub what: String,
}

/// A node as parsed: its own place, its content.
#[derive(Debug, Clone)]
struct Node {
    at: Position,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Position, Node)>),
}

/// Reads one YAML document.
///
/// # Errors
/// What isn't YAML, a second document, a key that is twice in one mapping or isn't a plain word, an
/// unknown alias, a merge of something else than a mapping.
pub fn parse(text: &str) -> Result<Parsed, YamlError> {
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new() };
    let root = loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err(fail(&span.start, "an empty document"));
            }
            (event, span) => break reader.node(event, span)?,
        }
    };
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => break,
            (Event::DocumentEnd | Event::Nothing, _) => {}
            (_, span) => return Err(fail(&span.start, "a second document in one file")),
        }
    }
    let mut parsed = Parsed::default();
    parsed.value = place(root, &mut String::new(), &mut parsed.marks);
    Ok(parsed)
}

struct Reader<'input> {
    events: Parser<'input, saphyr_parser::StrInput<'input>>,
    anchors: BTreeMap<usize, Node>,
}

impl<'input> Reader<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), YamlError> {
        match self.events.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(fail(error.marker(), error.info())),
            None => Err(YamlError { at: Position { line: 1, column: 1 }, what: "the text ends early".into() }),
        }
    }

    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, YamlError> {
        let at = Position::from(&span.start);
        let (anchor, content) = match event {
            Event::Alias(id) => {
                let Some(known) = self.anchors.get(&id) else {
                    return Err(fail(&span.start, "an alias of something that isn't complete yet"));
                };
                // The alias' own place: a finding there belongs to whoever wrote the alias.
                return Ok(Node { at, content: known.content.clone() });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = if plain { scalar(&text) } else { Value::String(text.into_owned()) };
                (anchor, Content::Scalar(value))
            }
            Event::SequenceStart(anchor, _) => (anchor, self.sequence()?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping()?),
            other => return Err(fail(&span.start, &format!("unexpected {other:?}"))),
        };
        let node = Node { at, content };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Content, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::Sequence(items)),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Content, YamlError> {
        let mut members: Vec<(String, Position, Node)> = Vec::new();
        let mut merged: Vec<(String, Position, Node)> = Vec::new();
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, ..), span) => (text.into_owned(), span.start),
                (_, span) => return Err(fail(&span.start, "a key that isn't a plain word")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if key == "<<" {
                merged.extend(merge(value)?);
            } else if members.iter().any(|(known, ..)| *known == key) {
                return Err(fail(&at, &format!("the key `{key}` is twice in one mapping")));
            } else {
                members.push((key, Position::from(&at), value));
            }
        }
        // What is merged comes first, in its own order; what is written here wins.
        let mut all: Vec<(String, Position, Node)> = Vec::new();
        for (key, at, node) in merged.into_iter().chain(members) {
            match all.iter_mut().find(|(known, ..)| *known == key) {
                Some(earlier) => *earlier = (key, at, node),
                None => all.push((key, at, node)),
            }
        }
        Ok(Content::Mapping(all))
    }
}

fn merge(value: Node) -> Result<Vec<(String, Position, Node)>, YamlError> {
    match value.content {
        Content::Mapping(members) => Ok(members),
        Content::Sequence(items) => {
            let mut all = Vec::new();
            // Of several merged mappings the earlier wins, hence backwards.
            for item in items.into_iter().rev() {
                all.extend(merge(item)?);
            }
            Ok(all)
        }
        Content::Scalar(_) => Err(YamlError { at: value.at, what: "`<<` merges mappings only".into() }),
    }
}

fn place(node: Node, pointer: &mut String, marks: &mut HashMap<String, Position>) -> Value {
    marks.entry(pointer.clone()).or_insert(node.at);
    let length = pointer.len();
    match node.content {
        Content::Scalar(value) => value,
        Content::Sequence(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                list.push(place(item, pointer, marks));
                pointer.truncate(length);
            }
            Value::Array(list)
        }
        Content::Mapping(members) => {
            let mut map = Map::with_capacity(members.len());
            for (key, at, value) in members {
                pointer.push('/');
                pointer.push_str(&crate::pointer::escape(&key));
                marks.insert(pointer.clone(), at);
                let value = place(value, pointer, marks);
                pointer.truncate(length);
                map.insert(key, value);
            }
            Value::Object(map)
        }
    }
}

/// A plain scalar by the core schema of YAML 1.2: `yes` is a word, not a truth value.
fn scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        if let Ok(number) = text.strip_prefix('+').unwrap_or(text).parse::<i64>() {
            return number.into();
        }
        let digits = unsigned.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
        if digits
            && let Ok(number) = text.parse::<f64>()
            && let Some(number) = Number::from_f64(number)
        {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

fn fail(at: &Marker, what: &str) -> YamlError {
    YamlError { at: Position::from(at), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_documents_use() {
        let text = "a: &a { x: 1, y: '2' }\nb: *a\nc:\n  <<: *a\n  y: yes\n  z: [1.5, null, true, 2026-01-05, 3.0.3]\nd: >-\n  two\n  lines\n";
        assert_eq!(
            parse(text).unwrap().value,
            json!({
                "a": { "x": 1, "y": "2" }, "b": { "x": 1, "y": "2" },
                "c": { "x": 1, "y": "yes", "z": [1.5, null, true, "2026-01-05", "3.0.3"] },
                "d": "two lines"
            })
        );
    }

    #[test]
    fn knows_where_things_stand() {
        let parsed = parse("a:\n  b/c:\n    - x\n    - y: 1\n").unwrap();
        assert_eq!(parsed.position("/a/b~1c").to_string(), "2:3");
        assert_eq!(parsed.position("/a/b~1c/1/y").to_string(), "4:7");
        assert_eq!(parsed.position("/a/b~1c/1/y/unknown").to_string(), "4:7");
    }

    #[test]
    fn names_the_place_of_what_it_refuses() {
        for (text, at) in
            [("a: 1\nb: 2\na: 3\n", "3:1"), ("a: *b\n", "1:4"), ("a: 1\n---\nb: 2\n", "2:1"), ("a:\n  <<: 3\n", "2:7")]
        {
            let error = parse(text).unwrap_err();
            assert_eq!(error.at.to_string(), at, "{text:?}: {}", error.what);
        }
    }
}
