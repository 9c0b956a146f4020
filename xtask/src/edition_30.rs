//! An OpenAPI 3.1 document as 3.0, for comparing editions.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::{pointer::items, schemas};

/// The same contract in OpenAPI 3.0, as far as 3.0 has words for it; what it has none for stays as
/// it is written. A document that isn't 3.1 is answered as it stands.
#[must_use]
pub fn edition_30(document: &Value) -> Cow<'_, Value> {
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")) {
        return Cow::Borrowed(document);
    }
    let mut document = document.clone();
    document["openapi"] = "3.0.3".into();
    if let Some(root) = document.as_object_mut() {
        root.remove("jsonSchemaDialect");
    }
    schemas::each(&mut document, &mut schema);
    Cow::Owned(document)
}

fn schema(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    map.remove("$schema");
    map.remove("$comment");
    examples(map);
    if let Some(only) = map.remove("const") {
        map.insert("enum".into(), json!([only]));
    }
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if map.get(exclusive).is_some_and(Value::is_number)
            && let Some(number) = map.remove(exclusive)
        {
            map.insert(bound.into(), number);
            map.insert(exclusive.into(), true.into());
        }
    }
    if map.get("contentEncoding").is_some_and(|encoding| encoding == "base64") {
        map.remove("contentEncoding");
        map.insert("format".into(), "byte".into());
    }
    types(map);
    for key in ["anyOf", "oneOf"] {
        alternative_to_null(map, key);
    }
    // What stands beside a reference counts in 3.1, and doesn't in 3.0.
    if map.len() > 1
        && let Some(target) = map.remove("$ref")
    {
        let mut parts = vec![json!({ "$ref": target })];
        parts.extend(map.get("allOf").map(items).into_iter().flatten().cloned());
        map.insert("allOf".into(), parts.into());
    }
}

/// One example of a list.
fn examples(map: &mut Map<String, Value>) {
    if let Some(Value::Array(mut list)) = map.remove("examples")
        && !list.is_empty()
    {
        map.insert("example".into(), list.remove(0));
    }
}

fn types(map: &mut Map<String, Value>) {
    let Some(list) = map.get("type").and_then(Value::as_array) else {
        return;
    };
    let nullable = list.iter().any(|kind| kind == "null");
    let others: Vec<Value> = list.iter().filter(|kind| *kind != "null").cloned().collect();
    match others.as_slice() {
        [only] => drop(map.insert("type".into(), only.clone())),
        // Several types, or null alone: 3.0 has no word for them.
        _ => return,
    }
    if nullable {
        map.insert("nullable".into(), true.into());
    }
}

/// `anyOf` something and null, as that something, nullable.
fn alternative_to_null(map: &mut Map<String, Value>, key: &str) {
    let Some(list) = map.get_mut(key).and_then(Value::as_array_mut) else {
        return;
    };
    let before = list.len();
    list.retain(|one| *one != json!({ "type": "null" }) && *one != json!({ "type": ["null"] }));
    if list.len() < before && !list.is_empty() {
        map.insert("nullable".into(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edition_31::edition_31;

    #[test]
    fn undoes_what_the_31_edition_does() {
        let document = json!({ "openapi": "3.0.3", "components": { "schemas": { "A": {
            "type": "object", "nullable": true, "properties": {
                "a": { "type": "string", "nullable": true, "enum": ["x"], "example": "x" },
                "b": { "type": "integer", "minimum": 1, "exclusiveMinimum": true },
                "c": { "type": "string", "format": "byte" },
                "d": { "type": "integer", "maximum": 3 } } } } } });
        let back = edition_30(&edition_31(&document)).into_owned();
        // The words of a nullable enum have null among them; the normal form drops it.
        assert_eq!(back["components"]["schemas"]["A"]["properties"]["a"]["enum"], json!(["x", null]));
        let mut expected = document;
        expected["components"]["schemas"]["A"]["properties"]["a"]["enum"] = json!(["x", null]);
        assert_eq!(back, expected);
    }

    #[test]
    fn knows_every_spelling_of_null() {
        for (of_31, of_30) in [
            (
                json!({ "anyOf": [{ "type": "null" }, { "type": "string" }] }),
                json!({ "anyOf": [{ "type": "string" }], "nullable": true }),
            ),
            (
                json!({ "oneOf": [{ "$ref": "#/a" }, { "type": ["null"] }] }),
                json!({ "oneOf": [{ "$ref": "#/a" }], "nullable": true }),
            ),
            (json!({ "type": ["null", "string"] }), json!({ "type": "string", "nullable": true })),
            (json!({ "type": ["string"], "const": "a" }), json!({ "type": "string", "enum": ["a"] })),
            (json!({ "$ref": "#/a", "description": "x" }), json!({ "description": "x", "allOf": [{ "$ref": "#/a" }] })),
            (json!({ "type": ["string", "integer"] }), json!({ "type": ["string", "integer"] })),
        ] {
            let document = json!({ "openapi": "3.1.0", "components": { "schemas": { "A": of_31 } } });
            assert_eq!(edition_30(&document)["components"]["schemas"]["A"], of_30);
        }
    }
}
