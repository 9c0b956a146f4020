//! Whether a change breaks clients of the older document: a request that was taken no longer is, an
//! answer is no longer what was promised, or what a client calls is gone.

use serde_json::Value;

use super::Ways;
use crate::pointer::items;

/// Why clients break, if they do. `parts` is the pointer in the normal form.
pub(super) fn why(parts: &[&str], ways: Ways, left: Option<&Value>, right: Option<&Value>) -> Option<String> {
    let gone = left.is_some() && right.is_none();
    let set = right == Some(&Value::Bool(true));
    let because = |holds: bool, reason: &str| holds.then(|| reason.to_owned());
    match parts {
        ["components", "schemas", _, rest @ ..] => schema(rest, ways, left, right),
        ["servers"] => because(less(left, right), "a server's URL is gone"),
        ["paths", _] => because(gone, "the path is gone"),
        ["paths", _, _] => because(gone, "the operation is gone"),
        ["paths", _, _, "operationId"] => Some("the client's method has another name".into()),
        ["paths", _, _, "servers"] => because(less(left, right), "a server's URL is gone"),
        ["paths", _, _, "security"] => because(stricter(left, right), "credentials that were enough no longer are"),
        ["paths", _, _, "parameters", _] => {
            let demanded = right.is_some_and(|one| one["required"] == true);
            because(gone, "the parameter is gone, and unlisted ones are refused")
                .or_else(|| because(demanded, "the new parameter is required"))
        }
        ["paths", _, _, "parameters", _, "required"] => because(set, "the parameter has become required"),
        ["paths", _, _, "requestBody"] => {
            let demanded = right.is_some_and(|one| one["required"] == true);
            because(gone, "the body is no longer taken").or_else(|| because(demanded, "a body has become required"))
        }
        ["paths", _, _, "requestBody", "required"] => because(set, "the body has become required"),
        ["paths", _, _, "requestBody" | "responses", .., "content", _] => because(gone, "the media type is gone"),
        ["paths", _, _, "responses", status] if status.starts_with(['2', '3']) => {
            because(gone, "the answer no longer comes").or_else(|| Some("clients don't know this answer".into()))
        }
        ["paths", _, _, "responses", _, "headers", _] => because(gone, "the header no longer comes"),
        ["paths", _, _, "responses", _, "headers", _, "required"] => because(gone, "the header no longer always comes"),
        ["paths", _, _, rest @ ..] => match rest.iter().position(|part| *part == "schema") {
            Some(at) => schema(&rest[at + 1..], ways, left, right),
            // The remaining members of a parameter say how it is written.
            None => because(ways.request && rest.last() != Some(&"deprecated"), "it is written in another way"),
        },
        _ => None,
    }
}

/// Whether a list lost something.
fn less(left: Option<&Value>, right: Option<&Value>) -> bool {
    let kept: Vec<&Value> = right.map(items).into_iter().flatten().collect();
    left.map(items).into_iter().flatten().any(|one| !kept.contains(&one))
}

/// No alternatives at all is what everybody has.
fn stricter(left: Option<&Value>, right: Option<&Value>) -> bool {
    let none = |list: Option<&Value>| list.map(items).into_iter().flatten().next().is_none();
    !none(right) && (none(left) || less(left, right))
}

/// What became of the values a schema describes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Became {
    Fewer,
    More,
    Others,
    Same,
}

fn schema(parts: &[&str], ways: Ways, left: Option<&Value>, right: Option<&Value>) -> Option<String> {
    let (keyword, property) = keyword(parts);
    let reason = |became: Became| match became {
        Became::Fewer | Became::Others if ways.request => Some("a request that was taken is refused".to_owned()),
        Became::More | Became::Others if ways.response => {
            Some("an answer can be what the older document ruled out".to_owned())
        }
        _ => None,
    };
    if let Some(name) = property {
        return (left.is_some() && right.is_none()).then(|| format!("the member `{name}` is gone"));
    }
    if keyword == "default" {
        return ways.request.then(|| "what isn't sent means something else".to_owned());
    }
    reason(became(keyword, left, right))
}

fn became(keyword: &str, left: Option<&Value>, right: Option<&Value>) -> Became {
    let narrower = |than: bool| if than { Became::Fewer } else { Became::More };
    let number = |value: Option<&Value>| value.and_then(Value::as_f64);
    match keyword {
        "minimum" | "minLength" | "minItems" | "minProperties" => {
            narrower(number(right).unwrap_or(f64::NEG_INFINITY) > number(left).unwrap_or(f64::NEG_INFINITY))
        }
        "maximum" | "maxLength" | "maxItems" | "maxProperties" => {
            narrower(number(right).unwrap_or(f64::INFINITY) < number(left).unwrap_or(f64::INFINITY))
        }
        "nullable" => narrower(right.is_none()),
        "required" => match (less(left, right), less(right, left)) {
            (true, true) => Became::Others,
            (lost, _) => narrower(!lost),
        },
        "enum" => match (left, right) {
            (Some(_), None) => Became::More,
            (None, _) => Became::Fewer,
            _ => match (less(left, right), less(right, left)) {
                (true, true) => Became::Others,
                (lost, _) => narrower(lost),
            },
        },
        "deprecated" | "readOnly" | "writeOnly" => Became::Same,
        // Whatever else a schema says, saying it narrows and saying something else does both.
        _ => match (left, right) {
            (None, Some(_)) => Became::Fewer,
            (Some(_), None) => Became::More,
            _ => Became::Others,
        },
    }
}

/// The keyword a pointer within a schema ends at, or the property.
fn keyword<'a>(parts: &[&'a str]) -> (&'a str, Option<&'a str>) {
    match parts {
        ["properties", name] => ("properties", Some(name)),
        ["properties" | "allOf" | "oneOf" | "anyOf", _, rest @ ..] => keyword(rest),
        ["items" | "additionalProperties" | "not", rest @ ..] if !rest.is_empty() => keyword(rest),
        [keyword, ..] => (keyword, None),
        [] => ("", None),
    }
}
