//! The changes a document is put to, each of one node.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::Change;
use crate::pointer::{escape, members, unescape};

/// What is done to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// It is taken out.
    Delete,
    /// Its value becomes another of the same kind.
    Change,
    /// Its key becomes another.
    Rename,
}

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// What a program can rely on.
    Contract,
    /// An example, or part of one.
    Example,
    /// What people read.
    Prose,
}

impl Class {
    /// Every class, as the table lists them.
    pub const ALL: [Self; 3] = [Self::Contract, Self::Example, Self::Prose];
}

/// One node, and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    /// Where the node stands.
    pub pointer: String,
    /// What is done.
    pub operator: Operator,
    /// What the node is for.
    pub class: Class,
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Delete => "delete",
            Self::Change => "change",
            Self::Rename => "rename",
        })
    }
}

impl fmt::Display for Mutant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.operator, self.pointer)
    }
}

const PROSE: &[&str] = &["summary", "description", "externalDocs", "contact", "title"];
const EXAMPLE: &[&str] = &["example", "examples"];
/// Members whose keys are names, so that `description` among them is no keyword.
const NAMES: &[&str] = &[
    "properties",
    "schemas",
    "responses",
    "parameters",
    "requestBodies",
    "headers",
    "securitySchemes",
    "content",
    "paths",
];

/// Every mutant of the node at `pointer` and of those in it.
#[must_use]
pub fn mutants(document: &Value, pointer: &str) -> Vec<Mutant> {
    let mut found = Vec::new();
    let Some(value) = document.pointer(pointer) else {
        return found;
    };
    // What the node is depends on what is above it.
    let (mut class, mut names, mut above) = (Class::Contract, false, String::new());
    for key in pointer.split('/').skip(1).map(unescape) {
        class = classed(class, names, &above, &key);
        names = !names && NAMES.contains(&key.as_str());
        above = format!("{above}/{}", escape(&key));
    }
    let keyed = pointer.rsplit_once('/').and_then(|(above, _)| document.pointer(above)).is_some_and(Value::is_object);
    node(value, pointer, keyed, class, names, &mut found);
    found
}

fn classed(above: Class, names: bool, at: &str, key: &str) -> Class {
    match above {
        Class::Contract if names => Class::Contract,
        Class::Contract if EXAMPLE.contains(&key) => Class::Example,
        // The title of the document is its name; any other is a heading.
        Class::Contract if PROSE.contains(&key) && !(at == "/info" && key == "title") => Class::Prose,
        above => above,
    }
}

fn node(value: &Value, pointer: &str, keyed: bool, class: Class, names: bool, found: &mut Vec<Mutant>) {
    let mut add = |operator| found.push(Mutant { pointer: pointer.to_owned(), operator, class });
    add(Operator::Delete);
    if keyed {
        add(Operator::Rename);
    }
    match value {
        Value::Object(_) => {
            for (key, inner) in members(value) {
                let at = format!("{pointer}/{}", escape(key));
                let names_within = !names && NAMES.contains(&key.as_str());
                node(inner, &at, true, classed(class, names, pointer, key), names_within, found);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                node(inner, &format!("{pointer}/{index}"), false, class, false, found);
            }
        }
        _ => add(Operator::Change),
    }
}

impl Mutant {
    /// Changes the document, and answers the value above the node as it was, to be put back.
    pub fn apply(&self, document: &mut Value) -> Option<Value> {
        let change = match self.operator {
            Operator::Delete => Change::Delete,
            Operator::Change => Change::Value(self.value(document)?),
            Operator::Rename => Change::Key(renamed(&unescape(self.pointer.rsplit('/').next()?))),
        };
        change.apply(document, &self.pointer)
    }

    /// A number by which samples are drawn: it is this mutant's own, whatever others there are (FNV-1a, 64 bits).
    #[must_use]
    pub fn lot(&self) -> u64 {
        let mixed = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        self.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, mixed)
    }

    /// What the value of the node becomes, where it becomes another.
    #[must_use]
    pub fn value(&self, document: &Value) -> Option<Value> {
        (self.operator == Operator::Change).then(|| Some(other(document, document.pointer(&self.pointer)?)))?
    }

    /// Undoes [`Mutant::apply`].
    pub fn undo(&self, document: &mut Value, before: Value) {
        if let Some((above, _)) = self.pointer.rsplit_once('/')
            && let Some(parent) = document.pointer_mut(above)
        {
            *parent = before;
        }
    }
}

/// What a key becomes.
pub(super) fn renamed(name: &str) -> String {
    format!("{name}Renamed")
}

/// Another value of the same kind; of a reference, one to another component of its section.
fn other(document: &Value, value: &Value) -> Value {
    match value {
        Value::String(text) => {
            let sibling =
                text.strip_prefix('#').and_then(|target| target.rsplit_once('/')).and_then(|(section, name)| {
                    let (other, _) = members(document.pointer(section)?).find(|(other, _)| *other != name)?;
                    Some(format!("#{section}/{other}"))
                });
            sibling.unwrap_or_else(|| format!("{text}-changed")).into()
        }
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => json!(whole.saturating_add(1)),
            (None, Some(float)) => json!(float + 0.5),
            (None, None) => json!(0),
        },
        Value::Bool(flag) => json!(!flag),
        _ => json!(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        json!({ "info": { "title": "A" }, "a": [1, "x"], "properties": { "description": { "example": { "b": true } } },
                "r": { "$ref": "#/s/A" }, "s": { "A": {}, "B": {} } })
    }

    #[test]
    fn every_node_is_deleted_every_key_renamed_every_scalar_changed() {
        let found: Vec<String> = mutants(&document(), "/a").iter().map(ToString::to_string).collect();
        assert_eq!(found, ["delete /a", "rename /a", "delete /a/0", "change /a/0", "delete /a/1", "change /a/1"]);
        let classes: Vec<Class> = mutants(&document(), "/properties").iter().map(|one| one.class).collect();
        assert_eq!(classes.iter().filter(|class| **class == Class::Example).count(), 5);
        assert!(!classes.contains(&Class::Prose));
        assert!(mutants(&document(), "/info").iter().all(|one| one.class == Class::Contract));
    }

    #[test]
    fn a_mutant_changes_one_node_and_can_be_undone() {
        let all = ["/info", "/a", "/properties", "/r", "/s"];
        let mut document = document();
        let original = document.clone();
        for mutant in all.iter().flat_map(|pointer| mutants(&original, pointer)) {
            let before = mutant.apply(&mut document).unwrap();
            assert_ne!(document, original, "{mutant}");
            mutant.undo(&mut document, before);
            assert_eq!(document.to_string(), original.to_string(), "{mutant}");
        }
        let change = Mutant { pointer: "/r/$ref".into(), operator: Operator::Change, class: Class::Contract };
        change.apply(&mut document).unwrap();
        assert_eq!(document["r"]["$ref"], "#/s/B");
    }
}
