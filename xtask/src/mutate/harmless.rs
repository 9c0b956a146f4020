//! Why a mutant nobody caught does no harm.

use serde_json::Value;

use super::operators::{Class, Mutant, Operator};
use crate::normal::is_default;

/// The reason, by rule; none for a mutant that has to be looked at.
#[must_use]
pub(super) fn reason(document: &Value, mutant: &Mutant) -> Option<&'static str> {
    let pointer = mutant.pointer.as_str();
    let value = document.pointer(pointer)?;
    let key = pointer.rsplit_once('/').map_or("", |(_, key)| key);
    match mutant.class {
        Class::Prose => return Some("prose: people read it, and it is still there and not empty"),
        Class::Example => return Some("an example that stays what its schema describes: oracle X executes it"),
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
        // S compares what a reference leads to: silent, it leads to the same.
        return Some("leads to a component of the same shape: only the description is another");
    }
    if pointer.starts_with("/servers") {
        return Some("a document without servers has the server `/`, which is ours");
    }
    if pointer == "/openapi" {
        return Some("the patch number of OpenAPI: readers ignore it");
    }
    None
}

/// The reason why oracle X, asked about a mutant, finds nothing: by the word that it gives; none where it gives
/// none.
#[must_use]
pub(super) fn unseen(word: Option<&str>) -> Option<&'static str> {
    match word? {
        "made" => Some("an example of what only a server can make, as openapi/fixtures/server-made.yaml declares"),
        "unexecuted" => Some("an example that openapi/fixtures/server-made.yaml says can't be executed, and why"),
        "excerpt" => Some("an example that shows a part of an answer: now a smaller part"),
        "shown" => Some("an example of a property: some answer shows the other value, too"),
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
        let why =
            |pointer: &str, operator, class| reason(&document, &Mutant { pointer: pointer.into(), operator, class });
        assert!(why("/a/deprecated", Operator::Delete, Class::Contract).is_some());
        assert!(why("/a/format", Operator::Delete, Class::Contract).is_some());
        assert!(why("/a/maximum", Operator::Delete, Class::Example).is_some());
        assert_eq!(why("/a/format", Operator::Change, Class::Contract), None);
        assert!(unseen(Some("made")).is_some());
        assert_eq!(unseen(Some("made up")), None);
        assert_eq!(unseen(None), None);
        assert_eq!(why("/a/maximum", Operator::Delete, Class::Contract), None);
    }
}
