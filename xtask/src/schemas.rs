//! Visits every schema of a document, whatever stands around it.

use serde_json::Value;

/// Members that hold one schema inside a schema.
const ONE: &[&str] = &["items", "additionalProperties", "not"];
/// Members that hold a list of schemas.
const LIST: &[&str] = &["allOf", "oneOf", "anyOf"];
/// Members that hold data.
const DATA: &[&str] = &["example", "value", "default", "enum"];
/// Members of anything but a schema whose keys are names.
const NAMES: &[&str] = &[
    "responses",
    "parameters",
    "examples",
    "requestBodies",
    "headers",
    "securitySchemes",
    "content",
    "paths",
    "encoding",
];

/// Calls `change` with every schema, inner ones before the one that holds them.
pub fn each(document: &mut Value, change: &mut impl FnMut(&mut Value)) {
    if let Some(named) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        named.values_mut().for_each(|schema| inside(schema, change));
    }
    around(document, false, change);
}

/// Calls `change` with a schema and every schema in it, inner ones first.
pub fn inside(schema: &mut Value, change: &mut impl FnMut(&mut Value)) {
    if let Some(map) = schema.as_object_mut() {
        for key in ONE {
            if let Some(inner) = map.get_mut(*key).filter(|inner| inner.is_object()) {
                inside(inner, change);
            }
        }
        for key in LIST {
            for inner in map.get_mut(*key).and_then(Value::as_array_mut).into_iter().flatten() {
                inside(inner, change);
            }
        }
        for (_, inner) in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            inside(inner, change);
        }
    }
    change(schema);
}

fn around(value: &mut Value, names: bool, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match key.as_str() {
                    "schema" if !names => inside(inner, change),
                    "schemas" if !names => {}
                    key if !names && DATA.contains(&key) => {}
                    key => around(inner, !names && NAMES.contains(&key), change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| around(inner, false, change)),
        _ => {}
    }
}
