//! From the schemas of OpenAPI 3.0 to JSON Schema 2020-12, closed: what isn't listed is refused.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// Keywords whose value is carried over as it stands.
const PLAIN: [&str; 14] = [
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "uniqueItems",
];

/// Compiled schemas of one document, each compiled when first asked for.
pub(crate) struct Schemas {
    components: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl std::fmt::Debug for Schemas {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Schemas").finish_non_exhaustive()
    }
}

impl Schemas {
    /// Converts the components of a document.
    pub(crate) fn new(document: &Value) -> Self {
        let (mut closed, mut open) = (Map::new(), Map::new());
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            closed.insert(name.clone(), convert(schema, true));
            open.insert(name.clone(), convert(schema, false));
        }
        Self { components: json!({ "schemas": closed, "open": open }), compiled: Mutex::default() }
    }

    /// What is wrong with a value, one line per fault: where, then what.
    /// A schema that can't be compiled is a fault, whatever the value is.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = match self.validator(schema) {
            Ok(validator) => validator,
            Err(error) => return vec![error],
        };
        validator
            .iter_errors(value)
            .map(|error| {
                let place = error.instance_path().to_string();
                format!("{}: {error}", if place.is_empty() { "/" } else { &place })
            })
            .collect()
    }

    fn validator(&self, schema: &Value) -> Result<Arc<Validator>, String> {
        let key = schema.to_string();
        let mut compiled = self.compiled.lock().expect("no panic while the lock is held");
        if let Some(validator) = compiled.get(&key) {
            return Ok(validator.clone());
        }
        let mut root = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" });
        root["allOf"] = json!([convert(schema, true)]);
        root["components"] = self.components.clone();
        let built = jsonschema::options().should_validate_formats(true).build(&root);
        drop(compiled);
        let validator = built.map_err(|error| format!("the schema {key} can't be compiled: {error}"))?;
        let validator = Arc::new(validator);
        compiled = self.compiled.lock().expect("no panic while the lock is held");
        Ok(compiled.entry(key).or_insert(validator).clone())
    }
}

/// Converts one schema; `closed` forbids members an object schema doesn't list.
fn convert(schema: &Value, closed: bool) -> Value {
    let Some(given) = schema.as_object() else {
        return schema.clone();
    };
    if let Some(reference) = given.get("$ref").and_then(Value::as_str) {
        // In 3.0 whatever stands beside a reference is ignored.
        let home = if closed { "#/components/schemas/" } else { "#/components/open/" };
        return json!({ "$ref": reference.replace("#/components/schemas/", home) });
    }
    let mut out = Map::new();
    for keyword in PLAIN {
        if let Some(value) = given.get(keyword) {
            out.insert(keyword.to_owned(), value.clone());
        }
    }
    bounds(given, &mut out);
    types(given, &mut out);
    members(given, closed, &mut out);
    if given.get("nullable") == Some(&Value::Bool(true)) { nullable(out) } else { Value::Object(out) }
}

fn bounds(given: &Map<String, Value>, out: &mut Map<String, Value>) {
    for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        if given.get(exclusive) == Some(&Value::Bool(true))
            && let Some(value) = out.remove(bound)
        {
            out.insert(exclusive.to_owned(), value);
        }
    }
}

fn types(given: &Map<String, Value>, out: &mut Map<String, Value>) {
    if let Some(name) = given.get("type") {
        out.insert("type".to_owned(), name.clone());
    }
    let (least, most) = match given.get("format").and_then(Value::as_str) {
        Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
        Some("int64") => (i64::MIN, i64::MAX),
        _ => return,
    };
    out.remove("format");
    if !out.contains_key("exclusiveMinimum") {
        out.entry("minimum").or_insert(json!(least));
    }
    if !out.contains_key("exclusiveMaximum") {
        out.entry("maximum").or_insert(json!(most));
    }
}

fn members(given: &Map<String, Value>, closed: bool, out: &mut Map<String, Value>) {
    let properties = given.get("properties").and_then(Value::as_object);
    // Closing each branch of a composition would refuse the members of its sisters, so a composition
    // is closed as a whole.
    let composed = given.contains_key("allOf")
        || (properties.is_some() && (given.contains_key("oneOf") || given.contains_key("anyOf")));
    if let Some(properties) = properties {
        let converted = properties.iter().map(|(name, schema)| (name.clone(), convert(schema, true)));
        out.insert("properties".to_owned(), Value::Object(converted.collect()));
    }
    match given.get("additionalProperties") {
        Some(rule) => {
            out.insert("additionalProperties".to_owned(), convert(rule, true));
        }
        None if closed && composed => {
            out.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
        }
        None if closed && properties.is_some() => {
            out.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        None => {}
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        if let Some(branches) = given.get(keyword).and_then(Value::as_array) {
            let branches = branches.iter().map(|branch| convert(branch, closed && !composed));
            out.insert(keyword.to_owned(), branches.collect());
        }
    }
    if let Some(items) = given.get("items") {
        out.insert("items".to_owned(), convert(items, true));
    }
    if let Some(refused) = given.get("not") {
        out.insert("not".to_owned(), convert(refused, false));
    }
}

fn nullable(mut schema: Map<String, Value>) -> Value {
    let Some(name) = schema.get("type").cloned() else {
        return json!({ "anyOf": [schema, { "type": "null" }] });
    };
    schema.insert("type".to_owned(), json!([name, "null"]));
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    Value::Object(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(schema: &Value, value: &Value) -> usize {
        Schemas::new(&json!({ "components": { "schemas": {
            "Named": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } },
        } } }))
        .faults(schema, value)
        .len()
    }

    #[test]
    fn objects_are_closed_unless_they_say_otherwise() {
        let named = json!({ "$ref": "#/components/schemas/Named" });
        assert_eq!(faults(&named, &json!({ "name": "a" })), 0);
        assert_eq!(faults(&named, &json!({ "name": "a", "more": 1 })), 1);
        let map = json!({ "type": "object", "additionalProperties": { "type": "integer" } });
        assert_eq!(faults(&map, &json!({ "a": 1 })), 0);
        assert_eq!(faults(&map, &json!({ "a": "b" })), 1);
        assert_eq!(faults(&json!({ "type": "object" }), &json!({ "a": 1 })), 0);
    }

    #[test]
    fn compositions_are_closed_as_a_whole() {
        let schema = json!({ "allOf": [
            { "$ref": "#/components/schemas/Named" },
            { "type": "object", "properties": { "age": { "type": "integer" } } },
        ] });
        assert_eq!(faults(&schema, &json!({ "name": "a", "age": 1 })), 0);
        assert_eq!(faults(&schema, &json!({ "name": "a", "age": 1, "more": 1 })), 1);
    }

    #[test]
    fn null_bounds_and_formats() {
        let nullable = json!({ "type": "string", "nullable": true, "enum": ["a"] });
        assert_eq!(faults(&nullable, &Value::Null), 0);
        assert!(faults(&nullable, &json!("b")) > 0);
        let above = json!({ "type": "integer", "minimum": 1, "exclusiveMinimum": true });
        assert_eq!(faults(&above, &json!(1)), 1);
        assert_eq!(faults(&above, &json!(2)), 0);
        let small = json!({ "type": "integer", "format": "int32" });
        assert_eq!(faults(&small, &json!(2_147_483_648_i64)), 1);
        let time = json!({ "type": "string", "format": "date-time" });
        assert_eq!(faults(&time, &json!("yesterday")), 1);
        assert_eq!(faults(&time, &json!("2026-02-03T04:05:06Z")), 0);
        let uri = json!({ "type": "string", "format": "uri" });
        assert_eq!(faults(&uri, &json!("/relative")), 1);
        assert_eq!(faults(&uri, &json!("http://127.0.0.1/a")), 0);
    }
}
