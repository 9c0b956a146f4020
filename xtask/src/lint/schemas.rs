//! Rules about schemas and their properties.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ACCOUNT, Report, is_empty};
use crate::{
    client_view::schema_name,
    pointer::{escape, items, members, operations},
};

pub(super) fn lint(report: &mut Report<'_>) {
    let snake = of_accounts(report.document());
    for (name, schema) in members(&report.document()["components"]["schemas"]) {
        let pointer = format!("/components/schemas/{}", escape(name));
        let pascal = name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.chars().all(|letter| letter.is_ascii_alphanumeric());
        if !pascal {
            report.find(&pointer, format!("the schema `{name}` is not in PascalCase"));
        }
        if is_empty(&schema["description"]) {
            report.find(&pointer, format!("the schema `{name}` has no description"));
        }
        schema_within(report, schema, &pointer, snake.contains(name));
    }
}

/// The schemas only operations of the tag `account` use.
fn of_accounts(document: &Value) -> BTreeSet<String> {
    let (mut own, mut others) = (BTreeSet::new(), BTreeSet::new());
    for operation in operations(document) {
        let account = items(&operation.value["tags"]).any(|tag| tag == ACCOUNT);
        reach(document, operation.value, if account { &mut own } else { &mut others });
    }
    own.retain(|name| !others.contains(name));
    own.into_iter().filter_map(|target| target.strip_prefix("#/components/schemas/").map(str::to_owned)).collect()
}

fn reach(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
    if let Some(target) = value["$ref"].as_str()
        && found.insert(target.to_owned())
    {
        reach(document, document.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null), found);
    }
    members(value).for_each(|(_, inner)| reach(document, inner, found));
    items(value).for_each(|inner| reach(document, inner, found));
}

fn schema_within(report: &mut Report<'_>, schema: &Value, pointer: &str, snake: bool) {
    let required: Vec<&str> = items(&schema["required"]).filter_map(Value::as_str).collect();
    for name in required {
        if schema.get("properties").is_some_and(|properties| properties.get(name).is_none()) {
            report.find(&format!("{pointer}/required"), format!("`{name}` is required, but is no property"));
        }
    }
    for (name, property) in members(&schema["properties"]) {
        let at = format!("{pointer}/properties/{}", escape(name));
        if !is_name(name, snake) {
            report.find(
                &at,
                format!("the property `{name}` is not in {}", if snake { "snake_case" } else { "camelCase" }),
            );
        }
        described(report, property, &at, name);
        schema_within(report, property, &at, snake);
    }
    for key in ["items", "additionalProperties", "not"] {
        if let Some(inner) = schema.get(key) {
            schema_within(report, inner, &format!("{pointer}/{key}"), snake);
        }
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, inner) in items(&schema[key]).enumerate() {
            schema_within(report, inner, &format!("{pointer}/{key}/{index}"), snake);
        }
    }
}

fn is_name(name: &str, snake: bool) -> bool {
    // JSON-LD keywords, and Hydra's terms in documents that aren't of our own context.
    let word = ["@", "hydra:"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let rest = if snake {
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
    } else {
        |letter: char| letter.is_ascii_alphanumeric()
    };
    word.starts_with(|first: char| first.is_ascii_lowercase()) && word.chars().all(rest)
}

/// Every property is described and exemplified; one that is another schema is by that schema.
fn described(report: &mut Report<'_>, property: &Value, at: &str, name: &str) {
    if schema_name(property).is_some() {
        return;
    }
    if is_empty(&property["description"]) {
        report.find(at, format!("the property `{name}` has no description"));
    }
    let by_schema = schema_name(&property["items"]).is_some()
        || property.get("allOf").is_some()
        || schema_name(&property["additionalProperties"]).is_some();
    if property.get("example").is_none() && !by_schema {
        report.find(at, format!("the property `{name}` has no example"));
    }
}
