//! Every example of the document, through the type that must hold it, and back.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::types;

// As the generator writes it: formatting it again would make it differ from what is generated.
#[rustfmt::skip]
mod generated;

/// The document the examples are read from, and what was wrong with them.
struct Faults {
    document: Value,
    checked: usize,
    found: Vec<String>,
}

impl Faults {
    /// Reads the example at a pointer, or the one the examples of a schema's properties make, and
    /// compares what the type writes with what it read.
    fn check<T: DeserializeOwned + Serialize>(&mut self, pointer: &str) {
        let Some(node) = self.document.pointer(pointer) else {
            return self.found.push(format!("{pointer}: there is no such example"));
        };
        let example = match pointer.starts_with("/components/schemas/") {
            true => match assembled(&self.document, node, 0) {
                Some(example) => example,
                // A required member without an example: what holds the whole shows it.
                None => return,
            },
            false => node.clone(),
        };
        self.checked += 1;
        let kind = std::any::type_name::<T>();
        match serde_json::from_value::<T>(example.clone()).and_then(serde_json::to_value) {
            Err(error) => self.found.push(format!("{pointer} is no {kind}: {error}")),
            Ok(back) if same(&example, &back) => {}
            Ok(back) => self.found.push(format!("{pointer} as {kind}:\n  {example}\nbecame\n  {back}")),
        }
    }
}

/// What the examples of an object's properties make; none where a required one has none.
fn assembled(document: &Value, schema: &Value, depth: usize) -> Option<Value> {
    if let Some(target) = schema["$ref"].as_str() {
        return assembled(document, document.pointer(target.strip_prefix('#')?)?, depth + 1);
    }
    if let Some(example) = schema.get("example") {
        return Some(example.clone());
    }
    if schema["type"] == "array" {
        return Some(Value::Array(assembled(document, &schema["items"], depth + 1).into_iter().collect()));
    }
    let properties = schema["properties"].as_object().filter(|_| depth < 8)?;
    let mut out = Map::new();
    for (name, property) in properties {
        let required = schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
        match assembled(document, property, depth + 1) {
            Some(example) => drop(out.insert(name.clone(), example)),
            None if required => return None,
            None => {}
        }
    }
    Some(Value::Object(out))
}

/// Equal up to optional members that are null or absent, spellings of numbers, and of one instant.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            keys.into_iter()
                .all(|key| same(one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::String(one), Value::String(other)) if one != other => {
            let time = |text| chrono::DateTime::parse_from_rfc3339(text).ok();
            time(one).is_some() && time(one) == time(other)
        }
        (one, other) => one == other,
    }
}

fn faults() -> Faults {
    let document = serde_json::from_str(include_str!("../../openapi/openapi.json")).unwrap();
    Faults { document, checked: 0, found: Vec::new() }
}

#[test]
fn every_example_goes_through_its_type_and_back() {
    let mut faults = faults();
    generated::all(&mut faults);
    assert!(faults.found.is_empty(), "{}", faults.found.join("\n"));
    assert!(faults.checked > 0);
}

#[test]
fn what_a_type_loses_or_refuses_is_told() {
    let mut faults = faults();
    faults.document["x"] = serde_json::json!({ "name": "a", "colour": "red" });
    faults.check::<types::SpaceCreate>("/x");
    faults.check::<types::SpaceCreate>("/y");
    faults.document["x"] = serde_json::json!({ "name": 7 });
    faults.check::<types::SpaceCreate>("/x");
    assert_eq!(faults.found.len(), 3, "{}", faults.found.join("\n"));
    assert_eq!(faults.checked, 2);
}

#[test]
fn one_instant_has_many_spellings() {
    let same = |one: &str, other: &str| same(&one.into(), &other.into());
    assert!(same("2026-11-23T06:00:00.000Z", "2026-11-23T07:00:00+01:00"));
    assert!(!same("2026-11-23T06:00:00Z", "2026-11-23T06:00:01Z"));
    assert!(!same("a", "b"));
}
