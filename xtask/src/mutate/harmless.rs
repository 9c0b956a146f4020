//! Why a mutant nobody caught does no harm.

use serde_json::Value;

use super::operators::{Class, Mutant, Operator};
use crate::normal::is_default;

/// The reason, by rule; none for a mutant that has to be looked at. `other` is what its node becomes.
#[must_use]
pub(super) fn reason(document: &Value, mutant: &Mutant, other: Option<&Value>) -> Option<&'static str> {
    let pointer = mutant.pointer.as_str();
    let value = document.pointer(pointer)?;
    let key = pointer.rsplit_once('/').map_or("", |(_, key)| key);
    match mutant.class {
        Class::Prose if mutant.operator == Operator::Change => {
            return Some("prose: people read it, and it is still there and not empty");
        }
        Class::Prose => return None,
        Class::Example => {
            return Some("an example that stays what its schema describes: X, which can tell, wasn't asked");
        }
        Class::Contract => {}
    }
    if mutant.operator == Operator::Delete && is_default(key, value) {
        return Some("says what its absence says");
    }
    if mutant.operator == Operator::Delete && key == "format" && (value == "int64" || value == "double") {
        return Some("the widest format is the one of a number without a format");
    }
    if mutant.operator == Operator::Delete && key == "additionalProperties" && *value == true {
        return Some("says to OpenAPI what its absence says; the closed check of oracle B needs it");
    }
    if mutant.operator == Operator::Change && key == "$ref" {
        return same(document, value, other?);
    }
    if pointer.starts_with("/servers") {
        return Some("a document without servers has the server `/`, which is ours");
    }
    if pointer == "/openapi" {
        return Some("the patch number of OpenAPI: readers ignore it");
    }
    None
}

/// The reason where a reference leads to another component, and S, silent, finds the same contract there.
fn same(document: &Value, one: &Value, other: &Value) -> Option<&'static str> {
    let target = |reference: &Value| document.pointer(reference.as_str()?.strip_prefix('#')?).cloned();
    let (mut one, mut other) = (target(one)?, target(other)?);
    for value in [&mut one, &mut other] {
        strip(value, "description");
    }
    if one == other {
        return Some("leads to a component of the same shape: only the description is another");
    }
    for value in [&mut one, &mut other] {
        strip(value, "example");
    }
    (one == other).then_some("leads to a component of the same shape: only descriptions and examples are others")
}

/// Takes the members of a name out of a value and of all in it.
fn strip(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            members.shift_remove(name);
            members.values_mut().for_each(|inner| strip(inner, name));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| strip(inner, name)),
        _ => {}
    }
}

/// The reason why oracle X, asked about a mutant, finds nothing: by the word that it gives; none where it gives
/// none.
#[must_use]
pub(super) fn unseen(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "made" => Some("an example of what only a server can make, as openapi/fixtures/server-made.yaml declares"),
        "unexecuted" => Some("an example that openapi/fixtures/server-made.yaml says can't be executed, and why"),
        "excerpt" => Some("an example that shows a part of an answer: now a smaller part"),
        "shown" => Some("an example of a property or of several answers: some answer shows the other value, too"),
        "taken" => Some("an example that is sent: the server takes it as it took the one before"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn gives_a_reason_by_rule_and_none_for_what_matters() {
        let document = json!({ "openapi": "3.0.3", "a": { "deprecated": false, "format": "int64", "maximum": 3 } });
        let why = |pointer: &str, operator, class| {
            reason(&document, &Mutant { pointer: pointer.into(), operator, class }, None)
        };
        assert!(why("/a/deprecated", Operator::Delete, Class::Contract).is_some());
        assert!(why("/a/format", Operator::Delete, Class::Contract).is_some());
        assert!(why("/a/maximum", Operator::Delete, Class::Example).is_some());
        assert_eq!(why("/a/format", Operator::Change, Class::Contract), None);
        assert!(unseen(Some("made")).is_some());
        assert_eq!(unseen(Some("made up")), None);
        assert_eq!(unseen(None), None);
        assert_eq!(why("/a/maximum", Operator::Delete, Class::Contract), None);
    }
    #[test]
    fn a_reference_may_lead_to_the_same() {
        let document = json!({ "r": { "$ref": "#/c/A" }, "c": {
            "A": { "description": "a", "maximum": 3, "example": 1 }, "B": { "description": "b", "maximum": 3, "example": 1 },
            "C": { "maximum": 3, "example": 2 }, "D": { "maximum": 4 }
        } });
        let mutant = Mutant { pointer: "/r/$ref".into(), operator: Operator::Change, class: Class::Contract };
        let why = |name: &str| reason(&document, &mutant, Some(&format!("#/c/{name}").into())).unwrap_or_default();
        assert!(why("B").ends_with("only the description is another"));
        assert!(why("C").ends_with("only descriptions and examples are others"));
        assert_eq!((why("D"), why("E")), ("", ""));
    }
}
