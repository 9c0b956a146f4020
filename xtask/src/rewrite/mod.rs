//! Rewrites of a document that change nothing of what it means: no oracle may tell them apart.
//!
//! A rule is applied wherever the document allows it, at once. [`known`] are the rules the normal
//! form was written against; [`held_out`] were written before it was hardened and not looked at
//! while it was, so that they measure it.

mod held_out;
mod known;

use serde_json::{Map, Value, json};

use crate::{
    compare::{Difference, compare},
    visit::Kind,
};

/// A rewriting rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it does, in words.
    pub name: &'static str,
    /// Applies it everywhere; answers at how many places.
    apply: fn(&mut Value) -> usize,
}

impl Rule {
    /// The rewritten document; none where the document has no place for the rule.
    #[must_use]
    pub fn apply(&self, document: &Value) -> Option<Value> {
        let mut changed = document.clone();
        ((self.apply)(&mut changed) > 0).then_some(changed)
    }

    /// What the comparison alarms about, in both directions; none where the rule doesn't apply.
    #[must_use]
    pub fn alarms(&self, document: &Value) -> Option<Vec<Difference>> {
        let changed = self.apply(document)?;
        let mut found = compare(document, &changed);
        found.extend(compare(&changed, document));
        Some(found)
    }
}

/// The rules the normal form was written against.
#[must_use]
pub fn known() -> &'static [Rule] {
    known::RULES
}

/// The rules it was measured by.
#[must_use]
pub fn held_out() -> &'static [Rule] {
    held_out::RULES
}

/// Changes the objects of one kind that aren't references; answers how many `change` did.
fn all(document: &mut Value, kind: Kind, change: impl Fn(&mut Map<String, Value>) -> bool) -> usize {
    let mut count = 0;
    crate::visit::each(document, &mut |found, value| {
        if found == kind
            && let Some(map) = value.as_object_mut()
            && !map.contains_key("$ref")
        {
            count += usize::from(change(map));
        }
    });
    count
}

/// Adds a member where there is none.
fn add(map: &mut Map<String, Value>, key: &str, value: Value) -> bool {
    let free = !map.contains_key(key);
    if free {
        map.insert(key.to_owned(), value);
    }
    free
}

/// Reverses a list of more than one.
fn reverse(map: &mut Map<String, Value>, key: &str) -> bool {
    let Some(list) = map.get_mut(key).and_then(Value::as_array_mut).filter(|list| list.len() > 1) else {
        return false;
    };
    list.reverse();
    true
}

/// Puts what they lead to in place of the references of one kind, one level deep.
fn inline(document: &mut Value, kind: Kind) -> usize {
    let original = document.clone();
    let mut count = 0;
    crate::visit::each(document, &mut |found, value| {
        if found == kind && value.get("$ref").is_some() {
            *value = crate::pointer::resolve(&original, value).clone();
            count += 1;
        }
    });
    count
}

/// Makes a component of every object of one kind written in place that `fits`.
fn extract(document: &mut Value, kind: Kind, section: &str, fits: impl Fn(&Value) -> bool) -> usize {
    let mut parts = Map::new();
    crate::visit::each(document, &mut |found, value| {
        if found == kind && value.get("$ref").is_none() && fits(value) {
            let name = format!("Part{}", parts.len());
            parts.insert(
                name.clone(),
                std::mem::replace(value, json!({ "$ref": format!("#/components/{section}/{name}") })),
            );
        }
    });
    let count = parts.len();
    let components = document["components"].as_object_mut();
    if let Some(section) = components.and_then(|all| all.entry(section).or_insert_with(|| json!({})).as_object_mut()) {
        section.extend(parts);
    }
    count
}

#[cfg(test)]
mod tests;
