//! The rules the normal form is measured by. They are not tuned to: a rule is only ever added.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Rule, add, all, extract,
    known::{media_types, wrap},
};
use crate::{
    edition_31::edition_31,
    pointer::{METHODS, items},
    visit::{Kind, each},
    yaml,
};

pub(super) const RULES: &[Rule] = &[
    Rule { name: "parameters all operations of a path share on the path", apply: parameters_up },
    Rule { name: "examples instead of example", apply: examples },
    Rule { name: "an object's properties in two parts of an allOf", apply: split },
    Rule { name: "style as it is by default", apply: style },
    Rule {
        name: "nullable: false",
        apply: |document| all(document, Kind::Schema, |map| add(map, "nullable", false.into())),
    },
    Rule {
        name: "exclusive bounds: false",
        apply: |document| {
            all(document, Kind::Schema, |map| {
                (map.contains_key("minimum") && add(map, "exclusiveMinimum", false.into()))
                    | (map.contains_key("maximum") && add(map, "exclusiveMaximum", false.into()))
            })
        },
    },
    Rule { name: "least lengths of zero", apply: zeros },
    Rule {
        name: "additionalProperties: true",
        apply: |document| {
            all(document, Kind::Schema, |map| is(map, "object") && add(map, "additionalProperties", true.into()))
        },
    },
    Rule {
        name: "additionalProperties: {}",
        apply: |document| {
            all(document, Kind::Schema, |map| is(map, "object") && add(map, "additionalProperties", json!({})))
        },
    },
    Rule {
        name: "a component for every request body",
        apply: |document| extract(document, Kind::RequestBody, "requestBodies", |_| true),
    },
    Rule {
        name: "a component for every response",
        apply: |document| extract(document, Kind::Response, "responses", |_| true),
    },
    Rule {
        name: "a component for every header",
        apply: |document| extract(document, Kind::Header, "headers", |_| true),
    },
    Rule {
        name: "a component for every parameter",
        apply: |document| extract(document, Kind::Parameter, "parameters", |_| true),
    },
    Rule { name: "extensions everywhere", apply: extensions },
    Rule { name: "empty lists and maps", apply: empty },
    Rule { name: "media types in capitals", apply: |document| media_types(document, str::to_ascii_uppercase) },
    Rule { name: "other names for security schemes", apply: scheme_names },
    Rule { name: "oneOf of one around references", apply: |document| wrap(document, "oneOf") },
    Rule { name: "anyOf of one around references", apply: |document| wrap(document, "anyOf") },
    Rule {
        name: "integers without int64, which says nothing",
        apply: |document| {
            all(document, Kind::Schema, |map| {
                is(map, "integer") && map.get("format") == Some(&json!("int64")) && map.shift_remove("format").is_some()
            })
        },
    },
    Rule { name: "flags that are false by default", apply: flags },
    Rule {
        name: "the document's servers on each path",
        apply: |document| {
            let servers = document["servers"].clone();
            all(document, Kind::PathItem, |map| add(map, "servers", servers.clone()))
        },
    },
    Rule { name: "the scheme's name in capitals", apply: scheme_capitals },
    Rule { name: "references with escaped letters", apply: escaped },
    Rule { name: "YAML with anchors", apply: anchors },
    Rule { name: "3.1 with null in anyOf, const and lists of one type", apply: spellings_31 },
    Rule {
        name: "an empty schema more in allOf",
        apply: |document| {
            let mut count = 0;
            each(document, &mut |kind, value| {
                if kind == Kind::Schema && value.get("$ref").is_some() {
                    *value = json!({ "allOf": [value.take(), {}] });
                    count += 1;
                }
            });
            count
        },
    },
    Rule {
        name: "allOf within allOf",
        apply: |document| {
            all(document, Kind::Schema, |map| {
                let inner = std::mem::take(map);
                map.insert("allOf".into(), json!([{ "allOf": [inner] }]));
                true
            })
        },
    },
    Rule {
        name: "null among the words of a nullable enum",
        apply: |document| {
            all(document, Kind::Schema, |map| {
                let nullable = map.get("nullable") == Some(&Value::Bool(true));
                let Some(words) = map.get_mut("enum").and_then(Value::as_array_mut).filter(|_| nullable) else {
                    return false;
                };
                words.push(Value::Null);
                true
            })
        },
    },
];

fn is(map: &Map<String, Value>, kind: &str) -> bool {
    map.get("type").is_some_and(|found| found == kind)
}

fn parameters_up(document: &mut Value) -> usize {
    all(document, Kind::PathItem, |item| {
        let lists = || METHODS.iter().filter_map(|method| item.get(*method)).map(|operation| &operation["parameters"]);
        let Some(first) = lists().next().cloned() else {
            return false;
        };
        let shared: Vec<Value> =
            items(&first).filter(|one| lists().all(|list| items(list).any(|other| other == *one))).cloned().collect();
        for method in METHODS {
            let list = item.get_mut(*method).and_then(|operation| operation.get_mut("parameters"));
            if let Some(list) = list.and_then(Value::as_array_mut) {
                list.retain(|one| !shared.contains(one));
            }
        }
        let moved = !shared.is_empty();
        if let Some(all) = item.entry("parameters").or_insert_with(|| json!([])).as_array_mut() {
            all.extend(shared);
        }
        moved
    })
}

fn examples(document: &mut Value) -> usize {
    [Kind::Media, Kind::Parameter, Kind::Header]
        .iter()
        .map(|kind| {
            all(document, *kind, |map| {
                let Some(example) = map.remove("example") else {
                    return false;
                };
                map.insert("examples".into(), json!({ "one": { "value": example } }));
                true
            })
        })
        .sum()
}

fn split(document: &mut Value) -> usize {
    all(document, Kind::Schema, |map| {
        let Some(Value::Object(properties)) = map.remove("properties") else {
            return false;
        };
        let half = properties.len() / 2;
        let (mut one, mut other) = (Map::new(), Map::new());
        for (index, (name, schema)) in properties.into_iter().enumerate() {
            if index < half { &mut one } else { &mut other }.insert(name, schema);
        }
        let required = map.remove("required").unwrap_or_else(|| json!([]));
        let mut second = json!({ "properties": other });
        if required.as_array().is_some_and(|list| !list.is_empty()) {
            second["required"] = required;
        }
        map.insert("allOf".into(), json!([{ "type": "object", "properties": one }, second]));
        true
    })
}

fn style(document: &mut Value) -> usize {
    let of = |map: &Map<String, Value>| {
        let form = map.get("in").is_some_and(|place| place == "query" || place == "cookie");
        if form { "form" } else { "simple" }
    };
    all(document, Kind::Parameter, |map| add(map, "style", of(map).into()))
        + all(document, Kind::Header, |map| add(map, "style", "simple".into()))
}

fn zeros(document: &mut Value) -> usize {
    all(document, Kind::Schema, |map| {
        [("string", "minLength"), ("array", "minItems"), ("object", "minProperties")]
            .iter()
            .any(|(kind, key)| is(map, kind) && add(map, key, 0.into()))
    })
}

fn extensions(document: &mut Value) -> usize {
    let mut count = 0;
    each(document, &mut |_, value| {
        if let Some(map) = value.as_object_mut().filter(|map| !map.contains_key("$ref")) {
            map.insert("x-internal".into(), json!({ "team": [1, null] }));
            count += 1;
        }
    });
    count
}

fn empty(document: &mut Value) -> usize {
    all(document, Kind::Schema, |map| {
        is(map, "object") && add(map, "required", json!([])) | add(map, "properties", json!({}))
    }) + all(document, Kind::Operation, |map| add(map, "parameters", json!([])) | add(map, "callbacks", json!({})))
        + all(document, Kind::PathItem, |map| add(map, "parameters", json!([])))
        + all(document, Kind::Response, |map| {
            add(map, "headers", json!({})) | add(map, "content", json!({})) | add(map, "links", json!({}))
        })
        + all(document, Kind::Media, |map| add(map, "encoding", json!({})))
}

fn scheme_names(document: &mut Value) -> usize {
    let other = |map: Map<String, Value>| -> Map<String, Value> {
        map.into_iter().map(|(name, value)| (format!("other-{name}"), value)).collect()
    };
    let Some(schemes) = document.pointer_mut("/components/securitySchemes").and_then(Value::as_object_mut) else {
        return 0;
    };
    *schemes = other(std::mem::take(schemes));
    let rename = |map: &mut Map<String, Value>| {
        for one in map.get_mut("security").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(names) = one.as_object_mut() {
                *names = other(std::mem::take(names));
            }
        }
        true
    };
    all(document, Kind::Operation, rename) + all(document, Kind::Root, rename)
}

fn flags(document: &mut Value) -> usize {
    all(document, Kind::Parameter, |map| {
        let query = map.get("in").is_some_and(|place| place == "query");
        add(map, "required", false.into())
            | (query && add(map, "allowReserved", false.into()) | add(map, "allowEmptyValue", false.into()))
    }) + all(document, Kind::Header, |map| add(map, "required", false.into()))
        + all(document, Kind::RequestBody, |map| add(map, "required", false.into()))
        + all(document, Kind::Schema, |map| {
            add(map, "readOnly", false.into())
                | add(map, "writeOnly", false.into())
                | (is(map, "array") && add(map, "uniqueItems", false.into()))
        })
}

/// HTTP's names of schemes have no case (RFC 9110, 11.1).
fn scheme_capitals(document: &mut Value) -> usize {
    all(document, Kind::Scheme, |map| {
        let Some(scheme) = map.get("scheme").and_then(Value::as_str).map(str::to_ascii_uppercase) else {
            return false;
        };
        map.insert("scheme".into(), scheme.into());
        true
    })
}

/// A reference is a URI: its fragment may have any letter percent-encoded (RFC 3986, 2.1).
fn escaped(document: &mut Value) -> usize {
    let mut count = 0;
    each(document, &mut |_, value| {
        if let Some(target) = value["$ref"].as_str()
            && let Some((above, name)) = target.rsplit_once('/')
            && let Some(first) = name.chars().next().filter(char::is_ascii)
        {
            value["$ref"] = format!("{above}/%{:02X}{}", first as u8, &name[1..]).into();
            count += 1;
        }
    });
    count
}

/// Written as YAML in which every list and map that stands there twice is an alias, and read again.
fn anchors(document: &mut Value) -> usize {
    let mut writer = Anchors::default();
    writer.write(document);
    if let Ok(parsed) = yaml::parse(&writer.text) {
        *document = parsed.value;
        return writer.aliases;
    }
    // Not read: nothing is left, which the comparison must notice.
    *document = Value::Null;
    1
}

#[derive(Default)]
struct Anchors {
    text: String,
    /// What is complete and can be an alias, and the number of its anchor.
    seen: BTreeMap<String, usize>,
    anchors: usize,
    aliases: usize,
}

impl Anchors {
    fn write(&mut self, value: &Value) {
        let (open, close) = match value {
            Value::Object(map) if !map.is_empty() => ('{', '}'),
            Value::Array(list) if !list.is_empty() => ('[', ']'),
            other => return self.text.push_str(&other.to_string()),
        };
        let whole = value.to_string();
        if let Some(known) = self.seen.get(&whole) {
            self.aliases += 1;
            return self.text.push_str(&format!("*a{known} "));
        }
        let number = self.anchors;
        self.anchors += 1;
        self.text.push_str(&format!("&a{number} {open}"));
        for (key, inner) in crate::pointer::members(value) {
            self.text.push_str(&format!("{}: ", Value::from(key.as_str())));
            self.write(inner);
            self.text.push_str(", ");
        }
        for inner in items(value) {
            self.write(inner);
            self.text.push_str(", ");
        }
        self.text.push(close);
        self.seen.insert(whole, number);
    }
}

fn spellings_31(document: &mut Value) -> usize {
    *document = edition_31(document);
    all(document, Kind::Schema, |map| {
        if let Some([only]) = map.get("enum").and_then(Value::as_array).map(Vec::as_slice) {
            let only = only.clone();
            map.remove("enum");
            map.insert("const".into(), only);
        }
        match map.get("type").cloned() {
            Some(Value::String(kind)) => drop(map.insert("type".into(), json!([kind]))),
            Some(Value::Array(kinds)) if kinds.len() == 2 && kinds[1] == "null" => {
                map.insert("type".into(), kinds[0].clone());
                if let Some(words) = map.get_mut("enum").and_then(Value::as_array_mut) {
                    words.retain(|word| !word.is_null());
                }
                let inner = std::mem::take(map);
                map.insert("anyOf".into(), json!([{ "type": "null" }, inner]));
            }
            _ => return false,
        }
        true
    })
}
