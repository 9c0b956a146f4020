//! A change of one node of a document, however it was told.

use serde_json::Value;

use crate::pointer::unescape;

/// What is done to a node.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It is taken out.
    Delete,
    /// It gets this value.
    Value(Value),
    /// It gets this key.
    Key(String),
}

impl Change {
    /// Changes the node that stands at a pointer, and answers the value above it as it was; nothing where there is
    /// no such node, which leaves the document as it is.
    pub fn apply(self, document: &mut Value, pointer: &str) -> Option<Value> {
        let (above, key) = pointer.rsplit_once('/')?;
        let key = unescape(key);
        let parent = document.pointer_mut(above)?;
        let before = parent.clone();
        match (self, parent) {
            (Self::Delete, Value::Object(members)) => drop(members.shift_remove(&key)?),
            (Self::Delete, Value::Array(items)) => {
                let index = key.parse().ok().filter(|index: &usize| *index < items.len())?;
                items.remove(index);
            }
            (Self::Value(value), Value::Object(members)) => *members.get_mut(&key)? = value,
            (Self::Value(value), Value::Array(items)) => *items.get_mut(key.parse::<usize>().ok()?)? = value,
            (Self::Key(other), Value::Object(members)) if members.contains_key(&key) => {
                let renamed = |name: String| if name == key { other.clone() } else { name };
                *members = std::mem::take(members).into_iter().map(|(name, value)| (renamed(name), value)).collect();
            }
            _ => return None,
        }
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_node_is_changed_or_none() {
        let document = json!({ "a": [1, 2], "b/c": { "d": true, "e": 3 } });
        let changed = |pointer: &str, change: Change| {
            let mut changed = document.clone();
            let before = change.apply(&mut changed, pointer);
            before.map(|before| (before, changed))
        };
        let (list, object) = (document["a"].clone(), document["b/c"].clone());
        let (before, after) = changed("/a/0", Change::Delete).unwrap();
        assert_eq!((before, &after["a"]), (list, &json!([2])));
        let (before, after) = changed("/b~1c/d", Change::Value(json!(5))).unwrap();
        assert_eq!((before, &after["b/c"]), (object, &json!({ "d": 5, "e": 3 })));
        let (_, after) = changed("/b~1c/d", Change::Key("f".to_owned())).unwrap();
        assert_eq!(after["b/c"].to_string(), r#"{"f":true,"e":3}"#);
        for (pointer, change) in [
            ("/a/2", Change::Delete),
            ("/a/2", Change::Value(json!(1))),
            ("/a/0", Change::Key("f".to_owned())),
            ("/x/y", Change::Delete),
            ("/b~1c/x", Change::Key("f".to_owned())),
            ("/b~1c/x", Change::Value(json!(1))),
            ("", Change::Delete),
        ] {
            assert_eq!(changed(pointer, change), None, "{pointer}");
        }
    }
}
