//! The OpenAPI 3.1 edition of the document, for tools that read no 3.0.

use serde_json::{Map, Value, json};

use crate::schemas;

/// The same document in OpenAPI 3.1: `nullable` becomes the type `null`, exclusive bounds become
/// numbers, a schema's `example` becomes `examples`, base64 becomes a content encoding.
#[must_use]
pub fn edition_31(document: &Value) -> Value {
    let mut document = document.clone();
    if document.is_object() {
        document["openapi"] = "3.1.0".into();
    }
    schemas::each(&mut document, &mut schema);
    document
}

/// One schema, alone, in the 2020-12 dialect.
#[must_use]
pub fn schema_31(schema_30: &Value) -> Value {
    let mut changed = schema_30.clone();
    schemas::inside(&mut changed, &mut schema);
    changed
}

fn schema(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    exclusive(map, "minimum", "exclusiveMinimum");
    exclusive(map, "maximum", "exclusiveMaximum");
    if let Some(example) = map.remove("example") {
        map.insert("examples".into(), json!([example]));
    }
    if map.get("format").is_some_and(|format| format == "byte") {
        map.remove("format");
        map.insert("contentEncoding".into(), "base64".into());
    }
    if map.remove("nullable") == Some(Value::Bool(true)) {
        nullable(map);
    }
}

fn exclusive(map: &mut Map<String, Value>, bound: &str, flag: &str) {
    if map.get(flag).is_some_and(Value::is_boolean)
        && map.remove(flag) == Some(Value::Bool(true))
        && let Some(number) = map.remove(bound)
    {
        map.insert(flag.to_owned(), number);
    }
}

fn nullable(map: &mut Map<String, Value>) {
    if let Some(values) = map.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(kind) = map.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
        return;
    }
    let composed: Vec<String> =
        ["allOf", "oneOf", "anyOf"].iter().filter(|key| map.contains_key(**key)).map(|key| (*key).to_owned()).collect();
    if composed.is_empty() {
        return;
    }
    let mut inner: Map<String, Value> =
        composed.into_iter().filter_map(|key| map.remove(&key).map(|value| (key, value))).collect();
    let only = inner.get("allOf").and_then(Value::as_array).filter(|all| all.len() == 1).map(|all| all[0].clone());
    let inner = match only {
        Some(Value::Object(only)) if inner.len() == 1 => Value::Object(only),
        _ => Value::Object(std::mem::take(&mut inner)),
    };
    map.insert("anyOf".into(), json!([inner, { "type": "null" }]));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn changes_the_keywords_and_nothing_else() {
        let schema = json!({
            "type": "object", "description": "A thing.",
            "properties": {
                "example": { "type": "string", "nullable": true, "enum": ["a"], "example": "a" },
                "nullable": { "type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false },
                "link": { "allOf": [{ "$ref": "#/components/schemas/X" }], "nullable": true, "description": "A link." },
                "bytes": { "type": "string", "format": "byte" }
            }
        });
        assert_eq!(
            schema_31(&schema),
            json!({
                "type": "object", "description": "A thing.",
                "properties": {
                    "example": { "type": ["string", "null"], "enum": ["a", null], "examples": ["a"] },
                    "nullable": { "type": "integer", "exclusiveMinimum": 1, "maximum": 9 },
                    "link": { "description": "A link.", "anyOf": [{ "$ref": "#/components/schemas/X" }, { "type": "null" }] },
                    "bytes": { "type": "string", "contentEncoding": "base64" }
                }
            })
        );
    }

    #[test]
    fn leaves_examples_that_are_not_of_schemas() {
        let document = json!({ "openapi": "3.0.3", "paths": { "/a": { "get": { "parameters": [
            { "name": "q", "in": "query", "example": { "nullable": true }, "schema": { "type": "string", "example": "x" } } ] } } } });
        let changed = edition_31(&document);
        assert_eq!(changed["openapi"], "3.1.0");
        assert_eq!(changed["paths"]["/a"]["get"]["parameters"][0]["example"], json!({ "nullable": true }));
        assert_eq!(
            changed["paths"]["/a"]["get"]["parameters"][0]["schema"],
            json!({ "type": "string", "examples": ["x"] })
        );
    }

    proptest! {
        #[test]
        fn bounds_and_null_mean_the_same(minimum in -50i64..50, exclusive: bool, nullable: bool, value in -60i64..60) {
            let schema = schema_31(&json!({ "type": "integer", "minimum": minimum, "exclusiveMinimum": exclusive, "nullable": nullable }));
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let inside = if exclusive { value > minimum } else { value >= minimum };
            prop_assert_eq!(validator.is_valid(&json!(value)), inside);
            prop_assert_eq!(validator.is_valid(&Value::Null), nullable);
        }

        #[test]
        fn a_31_schema_stays_as_it_is(minimum in 0i64..9, nullable: bool, names in proptest::collection::vec("[a-z]{1,4}", 0..4)) {
            let properties: Map<String, Value> = names.into_iter().map(|name| (name, json!({ "type": "integer", "minimum": minimum, "exclusiveMinimum": true, "nullable": nullable }))).collect();
            let once = schema_31(&json!({ "type": "object", "properties": properties }));
            prop_assert_eq!(schema_31(&once), once);
        }
    }
}
