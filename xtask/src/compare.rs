//! What differs between two documents in their normal form.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::{
    client_view::schema_name,
    edition_30::edition_30,
    normal::{self, Piece, normal, shape},
    pointer::{Operation, escape, operations},
};

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The operation it belongs to; none for what several share.
    pub operation: Option<String>,
    /// The JSON pointer, in the normal form.
    pub pointer: String,
    /// What the first document says there, if anything.
    pub left: Option<Value>,
    /// What the second says.
    pub right: Option<Value>,
}

impl Difference {
    /// The difference in words, the documents called by these names.
    #[must_use]
    pub fn told(&self, left: &str, right: &str) -> String {
        let operation = self.operation.as_ref().map(|operation| format!("{operation} ")).unwrap_or_default();
        let what = match (&self.left, &self.right) {
            (Some(value), None) => format!("only {left} has {}", short(value)),
            (None, Some(value)) => format!("only {right} has {}", short(value)),
            (one, other) => format!(
                "{left} {}, {right} {}",
                one.as_ref().map_or("nothing".into(), short),
                other.as_ref().map_or("nothing".into(), short)
            ),
        };
        format!("{operation}{}: {what}", self.pointer)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.told("canonical", "emitted"))
    }
}

fn short(value: &Value) -> String {
    const LONGEST: usize = 160;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Compares two documents. A schema that both share by reference is compared once, however often
/// it is used; a reference and the same schema written in place are equal, and so are the 3.0 and
/// the 3.1 edition of one contract.
#[must_use]
pub fn compare(left: &Value, right: &Value) -> Vec<Difference> {
    let (left, right) = (edition_30(left), edition_30(right));
    Walk::start(&left, &right).found
}

/// A document and its normal form, for comparing it with many.
#[derive(Debug)]
pub struct Formed<'doc> {
    document: Cow<'doc, Value>,
    normal: Value,
}

impl<'doc> Formed<'doc> {
    /// The normal form of a document of either edition.
    #[must_use]
    pub fn new(document: &'doc Value) -> Self {
        let document = edition_30(document);
        let normal = normal(&document);
        Self { document, normal }
    }

    /// Whether the two differ at all.
    #[must_use]
    pub fn differs(&self, other: &Formed<'_>) -> bool {
        let mut walk = Walk::to_the_first(&self.document, &other.document, &NONE);
        walk.structure(&self.normal, &other.normal, "");
        !walk.found.is_empty()
    }

    /// The schemas of two documents that agree, by the places they have in common.
    #[must_use]
    pub fn pairs(&self, other: &Formed<'_>) -> Pairs {
        let mut walk = Walk::to_the_first(&self.document, &other.document, &NONE);
        walk.structure(&self.normal, &other.normal, "");
        walk.seen
    }
}

/// Schemas of one place in two documents: their names, or a name and a place.
pub type Pairs = BTreeSet<(String, String)>;

static NONE: Pairs = Pairs::new();

/// What of two documents can be compared by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A schema, by its name.
    Schema(String),
    /// A piece of an operation: the path, the method, the piece.
    Piece(String, &'static str, Piece),
}

/// Whether two documents that agreed in the schemas of `agreed` differ at one place, if that place
/// can be compared by itself.
#[must_use]
pub fn differs_at(left: &Value, right: &Value, place: &Place, agreed: &Pairs) -> Option<bool> {
    match place {
        Place::Schema(name) => {
            // A schema that is only ever merged into others has no counterpart.
            let (_, counterpart) = agreed.iter().find(|(one, _)| one == name)?;
            let one = left["components"]["schemas"].get(name)?;
            let other = right["components"]["schemas"].get(counterpart)?;
            // What leads back here agrees if this does.
            let mut walk = Walk::to_the_first(left, right, agreed);
            walk.schema(one, other, "");
            Some(!walk.found.is_empty())
        }
        Place::Piece(path, method, piece) => {
            let form = |document| {
                let operation = Operation::find(document, path, method)?;
                Some(normal::piece(document, &operation, piece))
            };
            let (one, other) = (form(left), form(right)?);
            let mut walk = Walk::to_the_first(left, right, agreed);
            walk.structure(&one.unwrap_or_default(), &other, "");
            Some(!walk.found.is_empty())
        }
    }
}

/// The schemas that have one place in both documents and two names: nothing on the wire, two types
/// to users of a client.
#[must_use]
pub fn renamed(left: &Value, right: &Value) -> Vec<(String, String)> {
    let (left, right) = (edition_30(left), edition_30(right));
    let walk = Walk::start(&left, &right);
    walk.seen.into_iter().filter(|(one, other)| !other.starts_with('/') && one != other).collect()
}

/// Longer pointers than this go round in a circle.
const DEEPEST: usize = 4096;

fn composed(schema: &Value) -> bool {
    ["allOf", "oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some())
}

struct Walk<'doc> {
    left: &'doc Value,
    right: &'doc Value,
    ids: BTreeMap<String, String>,
    /// Pairs that are known to agree.
    agreed: &'doc Pairs,
    seen: Pairs,
    found: Vec<Difference>,
    /// Whether the first difference is enough.
    first: bool,
}

impl<'doc> Walk<'doc> {
    fn start(left: &'doc Value, right: &'doc Value) -> Self {
        let ids =
            operations(left).chain(operations(right)).map(|operation| (operation.pointer(), operation.id())).collect();
        let mut walk = Self { left, right, ids, agreed: &NONE, seen: Pairs::new(), found: Vec::new(), first: false };
        walk.structure(&normal(left), &normal(right), "");
        walk
    }

    fn to_the_first(left: &'doc Value, right: &'doc Value, agreed: &'doc Pairs) -> Self {
        Self { left, right, ids: BTreeMap::new(), agreed, seen: Pairs::new(), found: Vec::new(), first: true }
    }

    /// Whether a pair of schemas has to be looked at, which is so once.
    fn meets(&mut self, one: &str, other: &str) -> bool {
        let pair = (one.to_owned(), other.to_owned());
        !self.agreed.contains(&pair) && self.seen.insert(pair)
    }

    fn enough(&self) -> bool {
        self.first && !self.found.is_empty()
    }

    fn differ(&mut self, pointer: &str, left: Option<&Value>, right: Option<&Value>) {
        let operation = self
            .ids
            .iter()
            .find(|(above, _)| {
                pointer.strip_prefix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
            .map(|(_, id)| id.clone());
        let found = Difference { operation, pointer: pointer.to_owned(), left: left.cloned(), right: right.cloned() };
        self.found.push(found);
    }

    fn structure(&mut self, left: &Value, right: &Value, at: &str) {
        let (Value::Object(one), Value::Object(other)) = (left, right) else {
            if left != right {
                self.differ(at, Some(left), Some(right));
            }
            return;
        };
        for (key, value) in one {
            if self.enough() {
                return;
            }
            let at = format!("{at}/{}", escape(key));
            match other.get(key) {
                Some(same) if key == "schema" => self.schema(value, same, &at),
                Some(same) => self.structure(value, same, &at),
                None => self.differ(&at, Some(value), None),
            }
        }
        for (key, value) in other.iter().filter(|(key, _)| !one.contains_key(*key)) {
            self.differ(&format!("{at}/{}", escape(key)), None, Some(value));
        }
    }

    fn schema(&mut self, left: &Value, right: &Value, at: &str) {
        if self.enough() {
            return;
        }
        let mut at = at;
        let shared;
        match (schema_name(left), schema_name(right)) {
            (Some(one), Some(other)) => {
                if !self.meets(one, other) {
                    return;
                }
                shared = format!("/components/schemas/{one}");
                at = &shared;
            }
            // One in place beside a reference could go round.
            (Some(one), None) | (None, Some(one)) => {
                if at.len() > DEEPEST || !self.meets(one, at) {
                    return;
                }
            }
            // So could two that are merged with what they are composed of; others written in place end.
            (None, None) if composed(left) || composed(right) => {
                let pair = (left.to_string(), right.to_string());
                if self.seen.insert(pair.clone()) {
                    self.shapes(left, right, at);
                    // Not by a name, so told at every place.
                    self.seen.remove(&pair);
                }
                return;
            }
            (None, None) => {}
        }
        self.shapes(left, right, at);
    }

    fn shapes(&mut self, left: &Value, right: &Value, at: &str) {
        if left.is_boolean() || right.is_boolean() {
            if left != right {
                self.differ(at, Some(left), Some(right));
            }
            return;
        }
        let (one, other) = (shape(self.left, left), shape(self.right, right));
        let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
        for key in keys {
            let inner = format!("{at}/{}", escape(key));
            match (one.get(key), other.get(key)) {
                (Some(one), Some(other)) => self.keyword(key, one, other, &inner),
                (one, other) => self.differ(&inner, one, other),
            }
        }
    }

    fn keyword(&mut self, key: &str, left: &Value, right: &Value, at: &str) {
        match (key, left, right) {
            ("properties", Value::Object(one), Value::Object(other)) => {
                let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for name in names {
                    let inner = format!("{at}/{}", escape(name));
                    match (one.get(name), other.get(name)) {
                        (Some(one), Some(other)) => self.schema(one, other, &inner),
                        (one, other) => self.differ(&inner, one, other),
                    }
                }
            }
            ("items" | "additionalProperties" | "not", _, _) => self.schema(left, right, at),
            ("allOf" | "oneOf" | "anyOf", Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                self.branches(one, other, at);
            }
            _ if left == right => {}
            _ => self.differ(at, Some(left), Some(right)),
        }
    }
    /// Compares the branches of a composition, whose order means nothing: those that agree with none
    /// are told against one another, each at its place on the left.
    fn branches(&mut self, left: &[Value], right: &[Value], at: &str) {
        let mut open: Vec<usize> = (0..right.len()).collect();
        let mut alone = Vec::new();
        for (index, one) in left.iter().enumerate() {
            let at = format!("{at}/{index}");
            // Two of one shape can have two names; the likeliest is the one that is written alike, then that of the
            // same place.
            open.sort_by_key(|other| (right[*other] != *one, *other != index, *other));
            match open.iter().position(|other| self.agree(one, &right[*other], &at)) {
                Some(found) => drop(open.remove(found)),
                None => alone.push((one, at)),
            }
        }
        open.sort_unstable();
        for ((one, at), other) in alone.into_iter().zip(open) {
            self.schema(one, &right[other], &at);
        }
    }

    /// Whether two schemas agree. If they don't, nothing of it is told, and nothing counts as seen.
    fn agree(&mut self, left: &Value, right: &Value, at: &str) -> bool {
        let mut trial = Walk { seen: self.seen.clone(), ..Walk::to_the_first(self.left, self.right, self.agreed) };
        trial.schema(left, right, at);
        let agree = trial.found.is_empty();
        if agree {
            self.seen = trial.seen;
        }
        agree
    }
}

#[cfg(test)]
mod tests;
