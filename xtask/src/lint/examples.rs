//! Every example is what its schema describes, and has nothing its schema doesn't.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::Report;
use crate::{
    edition_31::schema_31,
    pointer::{escape, items, members, resolve},
    schemas,
};

pub(super) fn lint(report: &mut Report<'_>, checks: &mut Checks) {
    let document = report.document();
    let mut components = json!({ "components": { "schemas": document["components"]["schemas"] } });
    schemas::each(&mut components, &mut closed);
    let components = components["components"].take();
    if checks.components != components {
        *checks = Checks { components, validators: HashMap::new() };
    }
    visit(report, checks, document, "");
}

/// A schema as examples are checked by: of 2020-12, closed, without what says nothing of values.
fn closed(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut() {
        map.retain(|key, _| !["description", "example", "title"].contains(&key.as_str()));
    }
    let mut changed = schema_31(&schema.take());
    close(&mut changed);
    *schema = changed;
}

/// No member the schema doesn't list, except where it says that there may be.
fn close(schema: &mut Value) {
    if let Some(map) = schema.as_object_mut()
        && map.contains_key("properties")
        && !["additionalProperties", "allOf", "oneOf", "anyOf"].iter().any(|key| map.contains_key(*key))
    {
        map.insert("additionalProperties".into(), false.into());
    }
}

/// The schemas examples are checked by, kept while the components stay as they are.
#[derive(Default)]
pub struct Checks {
    components: Value,
    validators: HashMap<String, Result<Validator, String>>,
}

impl Checks {
    /// What is wrong with a value, by a schema of the 3.0 document.
    fn check(&mut self, schema: &Value, value: &Value) -> Vec<String> {
        let mut schema = schema.clone();
        schemas::inside(&mut schema, &mut closed);
        let components = &self.components;
        let validator = self.validators.entry(schema.to_string()).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": components });
            jsonschema::options()
                .with_draft(jsonschema::Draft::Draft202012)
                .should_validate_formats(true)
                .build(&whole)
                .map_err(|error| error.to_string())
        });
        match validator {
            Ok(validator) => {
                validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
            }
            Err(error) => vec![format!("its schema can't be used: {error}")],
        }
    }
}

/// Walks everything outside of data, and checks what stands beside a schema as its example.
fn visit(report: &mut Report<'_>, checker: &mut Checks, value: &Value, pointer: &str) {
    if let Some(schema) = value.get("schema").filter(|schema| schema.is_object()) {
        beside(report, checker, schema, value, pointer);
        of_schema(report, checker, schema, &format!("{pointer}/schema"));
    }
    for (key, inner) in members(value) {
        let at = format!("{pointer}/{}", escape(key));
        match key.as_str() {
            "example" | "value" | "schema" => {}
            "schemas" if pointer == "/components" => members(inner).for_each(|(name, schema)| {
                of_schema(report, checker, schema, &format!("{at}/{}", escape(name)));
            }),
            _ => visit(report, checker, inner, &at),
        }
    }
    for (index, inner) in items(value).enumerate() {
        visit(report, checker, inner, &format!("{pointer}/{index}"));
    }
}

fn beside(report: &mut Report<'_>, checker: &mut Checks, schema: &Value, holder: &Value, pointer: &str) {
    if let Some(example) = holder.get("example") {
        tell(report, checker.check(schema, example), &format!("{pointer}/example"));
    }
    for (name, example) in members(&holder["examples"]) {
        let example = resolve(report.document(), example);
        let at = format!("{pointer}/examples/{}", escape(name));
        match example.get("value") {
            Some(value) => tell(report, checker.check(schema, value), &at),
            None => report.find(&at, "an example without a value"),
        }
    }
}

fn of_schema(report: &mut Report<'_>, checker: &mut Checks, schema: &Value, pointer: &str) {
    if !schema.is_object() {
        return;
    }
    if let Some(example) = schema.get("example") {
        tell(report, checker.check(schema, example), &format!("{pointer}/example"));
    }
    for (name, inner) in members(&schema["properties"]) {
        of_schema(report, checker, inner, &format!("{pointer}/properties/{}", escape(name)));
    }
    for key in ["items", "additionalProperties", "not"] {
        of_schema(report, checker, &schema[key], &format!("{pointer}/{key}"));
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, inner) in items(&schema[key]).enumerate() {
            of_schema(report, checker, inner, &format!("{pointer}/{key}/{index}"));
        }
    }
}

fn tell(report: &mut Report<'_>, errors: Vec<String>, pointer: &str) {
    for error in errors {
        report.find(pointer, format!("the example is not what its schema describes: {error}"));
    }
}
