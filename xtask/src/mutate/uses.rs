//! What a document refers to, and how often: whether something is still used can only be told of a whole one.

use std::collections::HashMap;

use serde_json::Value;

use crate::pointer::{items, members, operations};

/// The references and the tags of a document, each with how often it is there.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Uses(HashMap<String, isize>);

impl Uses {
    /// Those of a document, or of a part of one.
    #[must_use]
    pub fn of(document: &Value) -> Self {
        let mut found = HashMap::new();
        let mut open = vec![document];
        while let Some(value) = open.pop() {
            if let Some(target) = value["$ref"].as_str() {
                *found.entry(target.to_owned()).or_default() += 1;
            }
            open.extend(members(value).map(|(_, inner)| inner));
            open.extend(items(value));
        }
        for tag in operations(document).flat_map(|operation| items(&operation.value["tags"])) {
            *found.entry(format!("the tag {tag}")).or_default() += 1;
        }
        Self(found)
    }

    /// Those that a part leaves out.
    #[must_use]
    pub fn without(mut self, part: &Self) -> Self {
        for (name, count) in &part.0 {
            *self.0.entry(name.clone()).or_default() -= count;
        }
        self
    }

    /// Whether something that the part `before` uses is used neither in the part `after` nor outside of it.
    #[must_use]
    pub fn loses(&self, before: &Self, after: &Self) -> bool {
        let count = |uses: &Self, name: &str| uses.0.get(name).copied().unwrap_or_default();
        before.0.keys().any(|name| count(after, name) == 0 && count(self, name) == 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_used_elsewhere_is_not_lost() {
        let operation = |target: &str, tag: &str| json!({ "tags": [tag], "a": { "$ref": target } });
        let part = |target, tag| json!({ "paths": { "/a": { "get": operation(target, tag) } } });
        let whole = json!({ "paths": {
            "/a": { "get": operation("#/x", "t") }, "/b": { "get": operation("#/x", "u") }
        } });
        let before = Uses::of(&part("#/x", "t"));
        let outside = Uses::of(&whole).without(&before);
        assert!(!outside.loses(&before, &before));
        assert!(!outside.loses(&before, &Uses::of(&part("#/y", "t"))));
        assert!(outside.loses(&before, &Uses::of(&part("#/x", "v"))));
        assert!(Uses::default().loses(&before, &Uses::of(&part("#/y", "t"))));
    }
}
