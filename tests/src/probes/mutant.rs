//! One change of one node of the document, as `cargo xtask mutate --sample` writes it.

use serde::Deserialize;
use serde_json::Value;

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
        let mut changed = document.clone();
        let (above, key) = self.pointer.rsplit_once('/')?;
        let key = key.replace("~1", "/").replace("~0", "~");
        let parent = changed.pointer_mut(above)?;
        match (self.operator, parent) {
            (Operator::Delete, Value::Object(members)) => drop(members.shift_remove(&key)?),
            (Operator::Delete, Value::Array(items)) => {
                let index = key.parse().ok().filter(|index: &usize| *index < items.len())?;
                items.remove(index);
            }
            (Operator::Change, Value::Object(members)) => *members.get_mut(&key)? = self.value.clone()?,
            (Operator::Change, Value::Array(items)) => {
                *items.get_mut(key.parse::<usize>().ok()?)? = self.value.clone()?;
            }
            (Operator::Rename, Value::Object(members)) => {
                let other = self.key.as_ref().filter(|_| members.contains_key(&key))?;
                let renamed = |name: String| if name == key { other.clone() } else { name };
                *members = std::mem::take(members).into_iter().map(|(name, value)| (renamed(name), value)).collect();
            }
            _ => return None,
        }
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_of_one_node() {
        let document = json!({ "a": [1, 2], "b/c": { "d": true } });
        let applied = |line: Value| serde_json::from_value::<Mutant>(line).unwrap().applied(&document);
        let deleted = applied(json!({ "pointer": "/a/0", "operator": "delete", "operations": ["x"] }));
        assert_eq!(deleted, Some(json!({ "a": [2], "b/c": { "d": true } })));
        let changed = applied(json!({ "pointer": "/b~1c/d", "operator": "change", "value": 5 }));
        assert_eq!(changed, Some(json!({ "a": [1, 2], "b/c": { "d": 5 } })));
        let renamed = applied(json!({ "pointer": "/b~1c", "operator": "rename", "key": "e" }));
        assert_eq!(renamed, Some(json!({ "a": [1, 2], "e": { "d": true } })));
        assert_eq!(applied(json!({ "pointer": "/a/7", "operator": "delete" })), None);
        assert_eq!(applied(json!({ "pointer": "/x/y", "operator": "change", "value": 1 })), None);
    }
}
