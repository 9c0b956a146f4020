//! A mutant as it is told to the probes: with everything that is done, so that they needn't know why.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    change::Change,
    operators::{Mutant, Operator, renamed},
};
use crate::pointer::unescape;

/// A change of one node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// Where the node stands.
    pub pointer: String,
    /// What is done to it.
    pub operator: Operator,
    /// Its new value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The operations that can tell.
    #[serde(default)]
    pub operations: Vec<String>,
}

impl Told {
    /// The mutant with its new value, where it has one.
    pub(super) fn new(mutant: &Mutant, value: Option<Value>, operations: Vec<String>) -> Self {
        let name = || mutant.pointer.rsplit('/').next().map(unescape).unwrap_or_default();
        let key = (mutant.operator == Operator::Rename).then(|| renamed(&name()));
        Self { pointer: mutant.pointer.clone(), operator: mutant.operator, value, key, operations }
    }

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

    use super::super::operators::mutants;
    use super::*;

    #[test]
    fn a_line_is_a_change() {
        let document = json!({ "a": [1, 2], "b/c": { "d": true } });
        let applied = |line: Value| serde_json::from_value::<Told>(line).unwrap().applied(&document);
        let deleted = applied(json!({ "pointer": "/a/0", "operator": "delete", "operations": ["x"] }));
        assert_eq!(deleted, Some(json!({ "a": [2], "b/c": { "d": true } })));
        let changed = applied(json!({ "pointer": "/b~1c/d", "operator": "change", "value": 5 }));
        assert_eq!(changed, Some(json!({ "a": [1, 2], "b/c": { "d": 5 } })));
        let renamed = applied(json!({ "pointer": "/b~1c", "operator": "rename", "key": "e" }));
        assert_eq!(renamed, Some(json!({ "a": [1, 2], "e": { "d": true } })));
        assert_eq!(applied(json!({ "pointer": "/b~1c", "operator": "rename" })), None);
    }

    #[test]
    fn what_is_told_does_what_the_mutant_does() {
        let document = json!({ "a": [1, 2], "b/c": { "d": true } });
        let all = mutants(&document, "/b~1c");
        assert!(all.len() > 3);
        for mutant in all {
            let mut changed = document.clone();
            mutant.apply(&mut changed).unwrap();
            let line = serde_json::to_string(&Told::new(&mutant, mutant.value(&document), Vec::new())).unwrap();
            let told: Told = serde_json::from_str(&line).unwrap();
            assert_eq!(told.applied(&document), Some(changed), "{mutant}");
        }
    }
}
