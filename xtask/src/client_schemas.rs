//! Schemas as the client generator can take them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::{
    client_view::schema_name,
    pointer::{items, members},
    schemas,
};

/// JSON-LD keywords and their names in the view. `@id` beside `id` would make two fields of one
/// name; the wire names are put back into the generated source.
pub const KEYWORDS: &[(&str, &str)] = &[("@id", "Iri"), ("@type", "Kind"), ("@context", "Context")];

/// The extension that tells the generator's settings which Rust type a schema stands for.
pub const RUST_TYPE: &str = "x-nullable-of";

/// Constraints that would make a newtype of a plain value, and defaults, which would make an
/// absent member look like a sent one.
const CONSTRAINTS: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "example",
    "readOnly",
    "writeOnly",
];

/// Formats that have a Rust type; any other string stays a string.
const FORMATS: &[&str] = &["date-time", "int32", "int64", "float", "double"];

/// Changes the schemas of a view.
///
/// - Constraints, defaults and formats without a Rust type are dropped: a client doesn't validate.
/// - A number of any size is 64 bits wide.
/// - A property that may be absent is `Option`, lists and maps too.
/// - In a merge patch (`…Update`), absent, `null` and a value are three things: `Nullable`.
/// - JSON-LD keywords get names that are words; see [`KEYWORDS`].
/// - Schemas nothing leads to are dropped.
pub fn view(view: &mut Value) {
    schemas::each(view, &mut plain);
    let mut nullables = Map::new();
    for (name, schema) in view.pointer_mut("/components/schemas").and_then(Value::as_object_mut).into_iter().flatten() {
        let update = name.ends_with("Update");
        schemas::inside(schema, &mut |schema| {
            optional(schema, update, &mut nullables);
            rename(schema);
        });
    }
    if let Some(named) = view.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        named.extend(nullables);
    }
    let used = used(view);
    if let Some(named) = view.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        named.retain(|name, _| used.contains(name));
    }
}

fn plain(schema: &mut Value) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    map.retain(|key, value| match key.as_str() {
        "format" => value.as_str().is_some_and(|format| FORMATS.contains(&format)),
        "additionalProperties" => value.is_object(),
        "externalDocs" | "xml" => false,
        key => !CONSTRAINTS.contains(&key) && !key.starts_with("x-"),
    });
    if map.get("type").is_some_and(|kind| kind == "integer") {
        map.insert("format".into(), "int64".into());
    }
    // Words only: a number among several is a number.
    if map.get("type").is_some_and(|kind| kind != "string") {
        map.remove("enum");
    }
    // A free-form member beside declared ones only tells that unknown ones may come.
    if map.contains_key("properties") {
        map.remove("additionalProperties");
    }
    // `allOf` of one reference is how 3.0 describes a reference.
    if let Some([only]) = map.get("allOf").and_then(Value::as_array).map(Vec::as_slice)
        && only.get("$ref").is_some()
        && map.get("nullable") != Some(&Value::Bool(true))
    {
        *schema = only.clone();
    }
}

fn optional(schema: &mut Value, update: bool, nullables: &mut Map<String, Value>) {
    let required: BTreeSet<String> = items(&schema["required"]).filter_map(Value::as_str).map(str::to_owned).collect();
    for (name, property) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if required.contains(name) {
            continue;
        }
        if update {
            let (title, rust) = rust_type(property);
            nullables.insert(
                title.clone(),
                json!({ "type": "object", RUST_TYPE: rust, "description": "A value, or null for the default." }),
            );
            *property = json!({ "$ref": format!("#/components/schemas/{title}") });
        } else if property["type"] == "array" || property["type"] == "object" {
            property["nullable"] = true.into();
        }
    }
}

/// A name for a property's type, and its Rust type within the generated `types`.
fn rust_type(property: &Value) -> (String, String) {
    if let Some(name) = schema_name(property).or_else(|| schema_name(&property["allOf"][0])) {
        return (format!("Nullable{name}"), format!("crate::generated::types::{name}"));
    }
    let (title, rust) = match (property["type"].as_str(), property["format"].as_str()) {
        (Some("string"), Some("date-time")) => ("Time", "::chrono::DateTime<::chrono::offset::Utc>".into()),
        (Some("string"), _) => ("String", "::std::string::String".into()),
        (Some("integer"), _) => ("Integer", "i64".into()),
        (Some("number"), _) => ("Number", "f64".into()),
        (Some("boolean"), _) => ("Boolean", "bool".into()),
        (Some("array"), _) => {
            let (inner, rust) = rust_type(&property["items"]);
            return (format!("{inner}s"), format!("::std::vec::Vec<{rust}>"));
        }
        (Some("object"), _) => ("Object", "::serde_json::Map<::std::string::String, ::serde_json::Value>".to_owned()),
        _ => ("Value", "::serde_json::Value".into()),
    };
    (format!("Nullable{title}"), rust)
}

fn rename(schema: &mut Value) {
    let word = |name: &str| KEYWORDS.iter().find(|(wire, _)| *wire == name).map(|(_, word)| (*word).to_owned());
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        *properties =
            std::mem::take(properties).into_iter().map(|(name, value)| (word(&name).unwrap_or(name), value)).collect();
    }
    for name in schema.get_mut("required").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(word) = name.as_str().and_then(word) {
            *name = word.into();
        }
    }
}

/// The schemas something leads to, from the paths.
fn used(view: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![&view["paths"]];
    while let Some(value) = open.pop() {
        if let Some(name) = schema_name(value)
            && found.insert(name.to_owned())
        {
            open.push(&view["components"]["schemas"][name]);
        }
        open.extend(members(value).map(|(_, inner)| inner));
        open.extend(items(value));
        // A nullable names its type outside of references.
        if let Some(name) = value[RUST_TYPE].as_str().and_then(|rust| rust.trim_end_matches('>').rsplit_once("types::"))
        {
            let name = name.1;
            if found.insert(name.to_owned()) {
                open.push(&view["components"]["schemas"][name]);
            }
        }
    }
    found
}
