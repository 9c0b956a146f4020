//! The rules the normal form was written against.

use serde_json::{Map, Value, json};

use super::{Rule, add, all, extract, inline, reverse};
use crate::{
    edition_31::edition_31,
    pointer::{METHODS, items},
    visit::{Kind, each},
};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "keys of every object in reverse", apply: keys },
    Rule { name: "enum values in reverse", apply: |document| all(document, Kind::Schema, |map| reverse(map, "enum")) },
    Rule { name: "required in reverse", apply: |document| all(document, Kind::Schema, |map| reverse(map, "required")) },
    Rule {
        name: "alternatives in reverse",
        apply: |document| {
            all(document, Kind::Schema, |map| reverse(map, "oneOf") | reverse(map, "anyOf") | reverse(map, "allOf"))
        },
    },
    Rule { name: "declared tags in reverse", apply: |document| all(document, Kind::Root, |map| reverse(map, "tags")) },
    Rule {
        name: "parameters in reverse",
        apply: |document| {
            all(document, Kind::Operation, |map| reverse(map, "parameters"))
                + all(document, Kind::PathItem, |map| reverse(map, "parameters"))
        },
    },
    Rule {
        name: "security alternatives in reverse",
        apply: |document| {
            all(document, Kind::Root, |map| reverse(map, "security"))
                + all(document, Kind::Operation, |map| reverse(map, "security"))
        },
    },
    Rule { name: "schemas in place of references", apply: |document| inline(document, Kind::Schema) },
    Rule { name: "responses in place of references", apply: |document| inline(document, Kind::Response) },
    Rule { name: "parameters in place of references", apply: |document| inline(document, Kind::Parameter) },
    Rule { name: "headers in place of references", apply: |document| inline(document, Kind::Header) },
    Rule {
        name: "a component for every schema",
        apply: |document| extract(document, Kind::Schema, "schemas", |_| true),
    },
    Rule { name: "allOf of one around references", apply: |document| wrap(document, "allOf") },
    Rule { name: "parameters of a path on its operations", apply: parameters_down },
    Rule { name: "whole numbers with a fraction", apply: fractions },
    Rule {
        name: "charset on media types",
        apply: |document| media_types(document, |name| format!("{name}; charset=utf-8")),
    },
    Rule {
        name: "titles on schemas",
        apply: |document| all(document, Kind::Schema, |map| add(map, "title", "A title".into())),
    },
    Rule { name: "a slash after the server's URL, or none", apply: server_slash },
    Rule { name: "other descriptions", apply: descriptions },
    Rule {
        name: "deprecated: false",
        apply: |document| {
            [Kind::Operation, Kind::Parameter, Kind::Header, Kind::Schema]
                .iter()
                .map(|kind| all(document, *kind, |map| add(map, "deprecated", false.into())))
                .sum()
        },
    },
    Rule {
        name: "explode as it is by default",
        apply: |document| {
            let form = |map: &Map<String, Value>| map.get("in").is_some_and(|place| place == "query");
            all(document, Kind::Parameter, |map| add(map, "explode", form(map).into()))
                + all(document, Kind::Header, |map| add(map, "explode", false.into()))
        },
    },
    Rule { name: "the document's security on each operation", apply: security_down },
    Rule { name: "header names in capitals", apply: header_names },
    Rule {
        name: "the 3.1 edition",
        apply: |document| {
            *document = edition_31(document);
            1
        },
    },
    Rule {
        name: "components nothing leads to",
        apply: |document| {
            document["components"]["schemas"]["Spare"] = json!({ "type": "string" });
            document["components"]["responses"]["Spare"] = json!({ "description": "Spare." });
            2
        },
    },
];

fn keys(value: &mut Value) -> usize {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
            members.reverse();
            let inner: usize = members.iter_mut().map(|(_, value)| keys(value)).sum();
            map.extend(members);
            inner + usize::from(map.len() > 1)
        }
        Value::Array(list) => list.iter_mut().map(keys).sum(),
        _ => 0,
    }
}

/// A composition of one around every reference to a schema.
pub(super) fn wrap(document: &mut Value, keyword: &str) -> usize {
    let mut count = 0;
    each(document, &mut |kind, value| {
        if kind == Kind::Schema && value.get("$ref").is_some() {
            *value = json!({ keyword: [value.take()] });
            count += 1;
        }
    });
    count
}

fn parameters_down(document: &mut Value) -> usize {
    all(document, Kind::PathItem, |item| {
        let Some(shared) = item.remove("parameters") else {
            return false;
        };
        for method in METHODS {
            if let Some(operation) = item.get_mut(*method).and_then(Value::as_object_mut) {
                let own = operation.entry("parameters").or_insert_with(|| json!([]));
                if let Some(own) = own.as_array_mut() {
                    own.extend(items(&shared).cloned());
                }
            }
        }
        true
    })
}

fn fractions(document: &mut Value) -> usize {
    all(document, Kind::Schema, |map| {
        let mut changed = false;
        for key in ["minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "default"] {
            if let Some(number) = map.get_mut(key).filter(|number| number.is_i64() || number.is_u64())
                && let Some(float) = number.as_f64()
            {
                *number = json!(float);
                changed = true;
            }
        }
        changed
    })
}

/// Other spellings of the names of media types.
pub(super) fn media_types(document: &mut Value, spelling: fn(&str) -> String) -> usize {
    [Kind::RequestBody, Kind::Response]
        .iter()
        .map(|kind| {
            all(document, *kind, |map| {
                let Some(content) = map.get_mut("content").and_then(Value::as_object_mut) else {
                    return false;
                };
                *content = std::mem::take(content).into_iter().map(|(name, media)| (spelling(&name), media)).collect();
                true
            })
        })
        .sum()
}

fn server_slash(document: &mut Value) -> usize {
    all(document, Kind::Server, |map| {
        let url = map.get("url").and_then(Value::as_str).unwrap_or_default();
        let other = url.strip_suffix('/').map_or_else(|| format!("{url}/"), str::to_owned);
        map.insert("url".into(), other.into());
        true
    })
}

fn descriptions(document: &mut Value) -> usize {
    let mut count = 0;
    each(document, &mut |kind, value| {
        if let Some(map) = value.as_object_mut()
            && !map.contains_key("$ref")
            && kind != Kind::Root
        {
            map.insert("description".into(), "Other words.".into());
            count += 1;
        }
    });
    count
}

fn security_down(document: &mut Value) -> usize {
    let Some(security) = document.as_object_mut().and_then(|root| root.remove("security")) else {
        return 0;
    };
    all(document, Kind::Operation, |map| add(map, "security", security.clone()))
}

fn header_names(document: &mut Value) -> usize {
    let responses = all(document, Kind::Response, |map| {
        let Some(headers) = map.get_mut("headers").and_then(Value::as_object_mut) else {
            return false;
        };
        *headers =
            std::mem::take(headers).into_iter().map(|(name, header)| (name.to_ascii_uppercase(), header)).collect();
        true
    });
    let parameters = all(document, Kind::Parameter, |map| {
        let name = map.get("name").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
        let header = map.get("in").is_some_and(|place| place == "header");
        header && map.insert("name".into(), name.into()).is_some()
    });
    responses + parameters
}
