//! The normal form of an OpenAPI 3.0 document: two documents that mean the same have the same.
//!
//! Dropped: prose and extensions ([`IGNORED`]), and what only repeats a default of the
//! specification. Made one: parameters of a path and of its operations, references and what they
//! lead to, orders that mean nothing, spellings of numbers, media types and header names.

use serde_json::{Map, Value, json};

use crate::pointer::{Operation, items, members, operations, parameters, resolve};

/// Members that tell people something and machines nothing.
pub const PROSE: &[&str] = &["summary", "description", "example", "examples", "title", "externalDocs", "xml"];

/// What the comparison of structures doesn't look at, in words.
pub const IGNORED: &[&str] = &[
    "summary, description, example and examples, externalDocs, everywhere",
    "title of schemas; info.description, info.contact, the patch number of `openapi`",
    "descriptions of tags, servers and security schemes; the order of tags",
    "extensions (x-…)",
    "components nothing leads to, and the names of components",
];

/// Keywords whose `false` is what their absence means.
const FALSE: &[&str] = &[
    "deprecated",
    "required",
    "nullable",
    "readOnly",
    "writeOnly",
    "uniqueItems",
    "allowEmptyValue",
    "allowReserved",
    "exclusiveMinimum",
    "exclusiveMaximum",
];
/// Keywords whose zero is what their absence means.
const ZERO: &[&str] = &["minLength", "minItems", "minProperties"];
/// Keywords whose empty list or map is what their absence means. Others mean something: no value is
/// in an empty `enum` or is `not` anything, and a `default` can be empty itself.
const EMPTY: &[&str] = &[
    "additionalProperties",
    "allOf",
    "callbacks",
    "content",
    "encoding",
    "headers",
    "items",
    "links",
    "parameters",
    "properties",
    "required",
    "schema",
    "tags",
    "variables",
];
/// Keywords with a number.
const NUMBERS: &[&str] = &[
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

/// The normal form of everything but schemas, which stay as they are written (see [`shape`]).
/// Members called `schema` hold them.
#[must_use]
pub fn normal(document: &Value) -> Value {
    let mut paths = Map::new();
    for one in operations(document) {
        let item = paths.entry(one.path).or_insert_with(|| json!({}));
        item[one.method] = operation(document, &one);
    }
    for (path, _) in members(&document["paths"]) {
        paths.entry(path.as_str()).or_insert_with(|| json!({}));
    }
    let tags: Map<String, Value> = items(&document["tags"])
        .filter_map(|tag| tag["name"].as_str())
        .map(|name| (name.to_owned(), json!({})))
        .collect();
    let info: Map<String, Value> = members(&document["info"])
        .filter(|(key, value)| {
            !["description", "contact", "summary"].contains(&key.as_str()) && !key.starts_with("x-") && !value.is_null()
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    json!({
        "info": info, "servers": servers(&document["servers"]), "tags": tags, "paths": paths,
        "openapi": document["openapi"].as_str().and_then(|version| version.rsplit_once('.')).map(|(version, _)| version),
    })
}

/// The URL of each server; one that has variables, with what may stand for them.
fn servers(servers: &Value) -> Value {
    let mut all: Vec<Value> = items(servers)
        .filter_map(|server| {
            let url = server["url"].as_str()?.trim_end_matches('/');
            let variables = variables(&server["variables"]);
            Some(if variables.is_empty() { json!(url) } else { json!({ "url": url, "variables": variables }) })
        })
        .collect();
    if all.is_empty() {
        all.push(json!(""));
    }
    all.sort_by_key(Value::to_string);
    json!(all)
}

fn variables(variables: &Value) -> Map<String, Value> {
    let normal = |variable: &Value| {
        let mut variable = plain(variable);
        if let Some(words) = variable.get_mut("enum").and_then(Value::as_array_mut) {
            words.sort_by_key(Value::to_string);
        }
        Value::Object(variable)
    };
    members(variables).map(|(name, variable)| (name.clone(), normal(variable))).collect()
}

/// A part of an operation that has a normal form of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The parameters in force.
    Parameters,
    /// The body of the request.
    Body,
    /// The answer of one status.
    Response(String),
    /// All of it.
    Whole,
}

/// The normal form of a piece of an operation; null where the operation has none such.
#[must_use]
pub fn piece(document: &Value, one: &Operation<'_>, piece: &Piece) -> Value {
    match piece {
        Piece::Parameters => parameters_of(document, one),
        Piece::Body => one.value.get("requestBody").map_or(Value::Null, |body| request(document, body)),
        Piece::Response(status) => {
            let response = one.value["responses"].get(status);
            response.map_or(Value::Null, |response| self::response(document, resolve(document, response)))
        }
        Piece::Whole => operation(document, one),
    }
}

fn operation(document: &Value, one: &Operation<'_>) -> Value {
    let mut out = plain(one.value);
    out.insert("parameters".into(), parameters_of(document, one));
    if let Some(body) = one.value.get("requestBody") {
        out.insert("requestBody".into(), request(document, body));
    }
    let responses = members(&one.value["responses"])
        .map(|(status, response)| (status.clone(), self::response(document, resolve(document, response))));
    out.insert("responses".into(), Value::Object(responses.collect()));
    let required = one.value.get("security").or_else(|| document.get("security"));
    out.insert("security".into(), security(document, required.unwrap_or(&Value::Null)));
    let mut tags: Vec<&Value> = items(&one.value["tags"]).collect();
    tags.sort_by_key(std::string::ToString::to_string);
    tags.dedup();
    out.insert("tags".into(), json!(tags));
    out.remove("servers");
    let everywhere = servers(&document["servers"]);
    if let Some(own) = one.value.get("servers").or_else(|| one.item.get("servers")).map(servers)
        && own != everywhere
    {
        out.insert("servers".into(), own);
    }
    Value::Object(out)
}

fn parameters_of(document: &Value, one: &Operation<'_>) -> Value {
    let mut named = Map::new();
    for parameter in parameters(document, one) {
        let (place, name) = (parameter["in"].as_str().unwrap_or("?"), parameter["name"].as_str().unwrap_or("?"));
        let name = if place == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
        named.insert(format!("{place} {name}"), self::parameter(document, parameter, place));
    }
    Value::Object(named)
}

fn request(document: &Value, body: &Value) -> Value {
    let body = resolve(document, body);
    let mut normal = plain(body);
    normal.insert("content".into(), content(document, &body["content"]));
    Value::Object(normal)
}

/// The members of an object that mean something beyond their default.
fn plain(value: &Value) -> Map<String, Value> {
    members(value)
        .filter(|(key, value)| !is_prose(key) && !is_default(key, value))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

fn is_prose(key: &str) -> bool {
    PROSE.contains(&key) || key.starts_with("x-")
}

/// Whether a member says what its absence says.
pub(crate) fn is_default(key: &str, value: &Value) -> bool {
    match value {
        Value::Bool(false) => FALSE.contains(&key),
        Value::Array(items) => items.is_empty() && EMPTY.contains(&key),
        Value::Object(map) => map.is_empty() && EMPTY.contains(&key),
        _ => false,
    }
}

fn parameter(document: &Value, parameter: &Value, place: &str) -> Value {
    let mut out = plain(parameter);
    out.remove("name");
    out.remove("in");
    let style = if matches!(place, "query" | "cookie") { "form" } else { "simple" };
    if out.get("style").is_some_and(|found| found == style) {
        out.remove("style");
    }
    let form = out.get("style").is_none() && style == "form" || out.get("style").is_some_and(|found| found == "form");
    let kind = shape(document, &parameter["schema"]);
    // Whether to explode only matters for what has several parts.
    let parts = kind.get("type").is_some_and(|kind| kind == "array" || kind == "object");
    if !parts || out.get("explode") == Some(&Value::Bool(form)) {
        out.remove("explode");
    }
    let holds_content = parameter.get("content").is_some();
    if holds_content {
        out.insert("content".into(), content(document, &parameter["content"]));
    } else {
        out.insert("schema".into(), parameter["schema"].clone());
    }
    Value::Object(out)
}

fn response(document: &Value, response: &Value) -> Value {
    let mut out = plain(response);
    out.insert("content".into(), content(document, &response["content"]));
    let headers = members(&response["headers"])
        // The specification says to ignore it here.
        .filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"))
        .map(|(name, header)| {
            (format!("header {}", name.to_ascii_lowercase()), parameter(document, resolve(document, header), "header"))
        });
    out.insert("headers".into(), Value::Object(headers.collect()));
    Value::Object(out)
}

fn content(_document: &Value, content: &Value) -> Value {
    let mut out = Map::new();
    for (name, media) in members(content) {
        let mut normal = plain(media);
        normal.insert("schema".into(), media.get("schema").cloned().unwrap_or_else(|| json!({})));
        out.insert(media_type(name), Value::Object(normal));
    }
    Value::Object(out)
}

/// A media type without the charset, which JSON has none of and text has by default.
fn media_type(name: &str) -> String {
    let mut parts = name.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    parts
        .filter(|part| !part.to_ascii_lowercase().starts_with("charset="))
        .fold(essence, |whole, part| format!("{whole};{part}"))
}

/// The alternatives, each scheme written out: a scheme's name is nothing on the wire.
fn security(document: &Value, required: &Value) -> Value {
    let schemes = &document["components"]["securitySchemes"];
    let mut alternatives: Vec<String> = items(required)
        .map(|alternative| {
            let mut all: Vec<String> = members(alternative)
                .map(|(name, scopes)| {
                    let mut scopes: Vec<String> = items(scopes).map(Value::to_string).collect();
                    scopes.sort();
                    // Of a scheme there is none of, nothing but the name is known.
                    let unknown = || format!("unknown {}", Value::from(name.as_str()));
                    let scheme = schemes.get(name).map_or_else(unknown, |scheme| self::scheme(document, scheme));
                    format!("{scheme} [{}]", scopes.join(","))
                })
                .collect();
            all.sort();
            all.join(" and ")
        })
        .collect();
    alternatives.sort();
    alternatives.dedup();
    json!(alternatives)
}

fn scheme(document: &Value, scheme: &Value) -> String {
    let mut members: Vec<String> = plain(resolve(document, scheme))
        .into_iter()
        .filter(|(key, _)| key != "bearerFormat")
        // The schemes of HTTP have no case (RFC 9110, 11.1).
        .map(|(key, value)| match value.as_str().filter(|_| key == "scheme") {
            Some(scheme) => format!("{key}={}", Value::from(scheme.to_ascii_lowercase())),
            None => format!("{key}={value}"),
        })
        .collect();
    members.sort();
    members.join(" ")
}

/// The normal form of one schema: its references followed, its wrappers removed; the schemas in it
/// stay as they are written.
#[must_use]
pub fn shape(document: &Value, schema: &Value) -> Map<String, Value> {
    shape_within(document, schema, 0)
}

fn shape_within(document: &Value, schema: &Value, depth: usize) -> Map<String, Value> {
    let mut out = plain(resolve(document, schema));
    if out.get("additionalProperties").is_some_and(|more| *more == json!(true)) {
        out.remove("additionalProperties");
    }
    // A composition that leads back to itself has no normal form; it stays as it is.
    if depth < 32 {
        unwrap(document, &mut out, depth);
    }
    for key in NUMBERS.iter().chain(&["default"]) {
        if let Some(number) = out.get(*key).and_then(whole) {
            out.insert((*key).to_owned(), number);
        }
    }
    for key in ZERO {
        if out.get(*key) == Some(&json!(0)) {
            out.remove(*key);
        }
    }
    let format = (out.get("type").and_then(Value::as_str), out.get("format").and_then(Value::as_str));
    if matches!(format, (Some("integer"), Some("int64")) | (Some("number"), Some("double"))) {
        out.remove("format");
    }
    let nullable = out.get("nullable") == Some(&Value::Bool(true));
    for key in ["required", "enum"] {
        if let Some(list) = out.get_mut(key).and_then(Value::as_array_mut) {
            list.iter_mut().for_each(|one| {
                if let Some(number) = whole(one) {
                    *one = number;
                }
            });
            list.retain(|one| !(nullable && one.is_null()));
            list.sort_by_key(Value::to_string);
            list.dedup();
        }
    }
    out
}

/// A number that is whole, as a whole number.
fn whole(value: &Value) -> Option<Value> {
    let number = value.as_f64().filter(|_| value.is_f64())?;
    // Beyond this an f64 can't tell neighbours apart.
    (number.fract() == 0.0 && number.abs() < 9e15).then(|| json!(number as i64))
}

/// Merges `allOf`, and a composition of one, into the schema that holds them, unless they disagree.
fn unwrap(document: &Value, out: &mut Map<String, Value>, depth: usize) {
    for key in ["allOf", "oneOf", "anyOf"] {
        let Some(list) = out.get(key).and_then(Value::as_array) else {
            continue;
        };
        if key != "allOf" && list.len() != 1 {
            continue;
        }
        let mut merged = out.clone();
        merged.remove(key);
        let fits = list.iter().all(|part| merge(&mut merged, shape_within(document, part, depth + 1)));
        if fits {
            *out = merged;
        }
    }
}

fn merge(into: &mut Map<String, Value>, part: Map<String, Value>) -> bool {
    if refuses_more_together(into, &part) || refuses_more_together(&part, into) || is_null_disputed(into, &part) {
        return false;
    }
    for (key, value) in part {
        match (into.get_mut(&key), value) {
            (None, value) => drop(into.insert(key, value)),
            (Some(known), value) if *known == value => {}
            (Some(Value::Array(known)), Value::Array(more)) if key == "required" => {
                known.extend(more);
            }
            (Some(Value::Object(known)), Value::Object(more)) if key == "properties" => {
                for (name, schema) in more {
                    if known.get(&name).is_some_and(|known| *known != schema) {
                        return false;
                    }
                    known.insert(name, schema);
                }
            }
            _ => return false,
        }
    }
    true
}

/// Whether what one part says of other properties is of some that the other part describes: merged,
/// it would no longer be.
fn refuses_more_together(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    // The normal form has none that says no more than its absence.
    one.contains_key("additionalProperties") && other.contains_key("properties")
}

/// Whether one part takes null and the other, by its type, doesn't.
fn is_null_disputed(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.contains_key("type") && other.contains_key("type") && one.get("nullable") != other.get("nullable")
}
