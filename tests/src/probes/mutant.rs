//! One change of one node of the document, as `cargo xtask mutate` writes it.

use serde::Deserialize;
use serde_json::Value;
use xtask::mutate::change::Change;

/// What is done to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operator {
    /// It is taken out.
    Delete,
    /// It gets another value.
    Change,
    /// It gets another key.
    Rename,
}

/// A change of one node.
#[derive(Debug, Clone, Deserialize)]
pub struct Mutant {
    /// Where the node stands.
    pub pointer: String,
    /// What is done to it.
    pub operator: Operator,
    /// Its new value.
    #[serde(default)]
    pub value: Option<Value>,
    /// Its new key.
    #[serde(default)]
    pub key: Option<String>,
    /// The operations that can tell.
    #[serde(default)]
    pub operations: Vec<String>,
}

impl Mutant {
    /// The document with the change; nothing where there is no such node.
    #[must_use]
    pub fn applied(&self, document: &Value) -> Option<Value> {
        let change = match self.operator {
            Operator::Delete => Change::Delete,
            Operator::Change => Change::Value(self.value.clone()?),
            Operator::Rename => Change::Key(self.key.clone()?),
        };
        let mut changed = document.clone();
        change.apply(&mut changed, &self.pointer)?;
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_a_change() {
        let document = json!({ "a": [1, 2], "b/c": { "d": true } });
        let applied = |line: Value| serde_json::from_value::<Mutant>(line).unwrap().applied(&document);
        let deleted = applied(json!({ "pointer": "/a/0", "operator": "delete", "operations": ["x"] }));
        assert_eq!(deleted, Some(json!({ "a": [2], "b/c": { "d": true } })));
        let changed = applied(json!({ "pointer": "/b~1c/d", "operator": "change", "value": 5 }));
        assert_eq!(changed, Some(json!({ "a": [1, 2], "b/c": { "d": 5 } })));
        let renamed = applied(json!({ "pointer": "/b~1c", "operator": "rename", "key": "e" }));
        assert_eq!(renamed, Some(json!({ "a": [1, 2], "e": { "d": true } })));
        assert_eq!(applied(json!({ "pointer": "/b~1c", "operator": "rename" })), None);
    }
}
