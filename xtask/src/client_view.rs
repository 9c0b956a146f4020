//! The document as the client generator can take it.
//!
//! progenitor reads one request media type, one type of success and one of failure per operation,
//! and JSON only as `application/json`. The view is mechanical and is committed
//! (`openapi/client.json`), so that what the generator saw can be reviewed; what it leaves out is
//! listed in it under `x-left-out`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    client_schemas,
    pointer::{METHODS, items, members, resolve},
};

/// The suffix of the second method an operation gets when `Prefer` chooses between a body and none.
pub const RETURNING: &str = "_returning";

/// Headers that are not arguments: the client sends them itself, or they would make it receive
/// what its method doesn't answer.
const NOT_ARGUMENTS: &[&str] = &["accept", "authorization", "content-type", "prefer"];

/// The view.
///
/// - Requests: one media type, JSON where it is offered.
/// - Successes: one type. Where a 200 with a body stands beside a 205 without (`Prefer`), the
///   operation answers nothing and its twin `…_returning` answers the body. Otherwise what has no
///   body gives way to what has. Bodies that aren't JSON are byte streams.
/// - Failures: `4XX` and `5XX` of one type, the schema the operation's failures have.
/// - `Prefer` and the headers the client itself sends are not arguments; cookies aren't either.
/// - Schemas: see [`client_schemas::view`].
#[must_use]
pub fn client_view(canonical: &Value) -> Value {
    let mut view = canonical.clone();
    let mut left_out = Vec::new();
    let mut twins: Vec<(String, Value)> = Vec::new();
    for (path, item) in view["paths"].as_object_mut().into_iter().flatten() {
        parameters(canonical, item);
        let shared = item["parameters"].clone();
        for method in METHODS {
            let Some(operation) = item.get_mut(*method) else {
                continue;
            };
            parameters(canonical, operation);
            request(canonical, operation, &mut left_out);
            if let Some(twin) = responses(canonical, operation, &mut left_out) {
                match twin_path(path) {
                    Some((other, name)) => {
                        twins.push((other, twin_item(&shared, &name, method, twin)));
                    }
                    None => left_out
                        .push(format!("{}{RETURNING}: {path} has no variable to tell the two apart by", id(operation))),
                }
            }
            if let Some(operation) = operation.as_object_mut() {
                operation.retain(|key, _| !["security", "callbacks", "servers"].contains(&key.as_str()));
            }
        }
    }
    for (path, item) in twins {
        match view["paths"].get_mut(&path).and_then(Value::as_object_mut) {
            Some(known) => known.extend(item.as_object().cloned().unwrap_or_default()),
            None => view["paths"][path] = item,
        }
    }
    if let Some(root) = view.as_object_mut() {
        root.remove("security");
        root.insert("x-left-out".into(), json!(left_out));
    }
    if let Some(components) = view["components"].as_object_mut() {
        components.retain(|kind, _| kind == "schemas");
    }
    client_schemas::view(&mut view);
    view
}

fn id(operation: &Value) -> &str {
    operation["operationId"].as_str().unwrap_or("?")
}

/// Resolves parameters, drops those that are no arguments, and leaves of each what the generator
/// reads.
fn parameters(canonical: &Value, holder: &mut Value) {
    let Some(list) = holder.get_mut("parameters").and_then(Value::as_array_mut) else {
        return;
    };
    let kept = list.iter().map(|one| resolve(canonical, one)).filter(|one| {
        let name = one["name"].as_str().unwrap_or_default();
        one["in"] != "cookie"
            && !(one["in"] == "header" && NOT_ARGUMENTS.iter().any(|known| name.eq_ignore_ascii_case(known)))
    });
    *list = kept
        .map(|one| {
            let mut one = one.clone();
            if let Some(map) = one.as_object_mut() {
                map.retain(|key, _| {
                    ["name", "in", "description", "required", "schema", "deprecated"].contains(&key.as_str())
                });
            }
            one
        })
        .collect();
}

/// One request media type: JSON where there is a choice.
fn request(canonical: &Value, operation: &mut Value, left_out: &mut Vec<String>) {
    let Some(body) = operation.get("requestBody") else {
        return;
    };
    let mut body = resolve(canonical, body).clone();
    if let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) {
        let kept = content
            .keys()
            .find(|name| *name == "application/json")
            .or_else(|| content.keys().find(|name| is_json(name)))
            .or_else(|| content.keys().next())
            .cloned();
        for other in content.keys().filter(|name| Some(*name) != kept.as_ref()) {
            if !is_json(other) {
                left_out.push(format!("{}: a request as {other}", id(operation)));
            }
        }
        content.retain(|name, _| Some(name) == kept.as_ref());
        if let Some((name, mut media)) = kept.and_then(|name| content.remove_entry(&name)) {
            strip_media(&mut media);
            let name = if is_json(&name) { "application/json".to_owned() } else { name };
            content.insert(name, media);
        }
    }
    operation["requestBody"] = body;
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

fn strip_media(media: &mut Value) {
    if let Some(media) = media.as_object_mut() {
        media.retain(|key, _| key == "schema");
    }
}

/// What an answer holds, to the generator.
#[derive(Clone, PartialEq)]
enum Kind {
    Nothing,
    Json(Value),
    Bytes(String),
}

fn kind(response: &Value) -> Kind {
    let mut media = members(&response["content"]).map(|(name, media)| (name, &media["schema"]));
    let json = media.clone().find(|(name, schema)| is_json(name) && !schema.is_null());
    match (json, media.next()) {
        (Some((_, schema)), _) => Kind::Json(schema.clone()),
        (None, Some((name, _))) => Kind::Bytes(name.clone()),
        (None, None) => Kind::Nothing,
    }
}

fn response(kind: &Kind, description: &Value) -> Value {
    match kind {
        Kind::Nothing => json!({ "description": description }),
        Kind::Json(schema) => {
            json!({ "description": description, "content": { "application/json": { "schema": schema } } })
        }
        Kind::Bytes(media) => {
            json!({ "description": description, "content": { media.clone(): {} } })
        }
    }
}

/// Rewrites the responses; answers the twin where there must be one.
fn responses(canonical: &Value, operation: &mut Value, left_out: &mut Vec<String>) -> Option<Value> {
    let all: Map<String, Value> = members(&operation["responses"])
        .map(|(status, one)| (status.clone(), resolve(canonical, one).clone()))
        .collect();
    let failures = failures(canonical, &all);
    let successes: Vec<(&String, Kind, &Value)> = all
        .iter()
        .filter(|(status, _)| status.starts_with('2'))
        .map(|(status, one)| (status, kind(one), &one["description"]))
        .collect();
    let answered = |chosen: &Kind, with: &dyn Fn(&Kind) -> bool| {
        let kept = successes
            .iter()
            .filter(|(_, kind, _)| with(kind))
            .map(|(status, _, description)| ((*status).clone(), response(chosen, description)));
        Value::Object(kept.chain(failures.clone()).collect())
    };
    let bodies: Vec<&Kind> = successes.iter().map(|(_, kind, _)| kind).filter(|kind| **kind != Kind::Nothing).collect();
    let Some(body) =
        bodies.iter().find(|kind| matches!(kind, Kind::Json(_))).or_else(|| bodies.first()).map(|kind| (*kind).clone())
    else {
        operation["responses"] = answered(&Kind::Nothing, &|_| true);
        return None;
    };
    for (status, kind, _) in &successes {
        if *kind != Kind::Nothing && *kind != body {
            left_out.push(format!("{}: the {status}, whose body is of another type", id(operation)));
        }
    }
    for (status, one) in all.iter().filter(|(status, _)| status.starts_with('2')) {
        for (name, _) in members(&one["content"]).filter(|(name, _)| !is_json(name) && matches!(body, Kind::Json(_))) {
            left_out.push(format!("{}: the {status} as {name}", id(operation)));
        }
    }
    let with_body = answered(&body, &|kind| *kind == body);
    if !successes.iter().any(|(status, kind, _)| *status == "205" && *kind == Kind::Nothing) {
        operation["responses"] = with_body;
        return None;
    }
    let mut twin = operation.clone();
    twin["operationId"] = format!("{}{RETURNING}", id(operation)).into();
    twin["summary"] =
        format!("{}, and answer what it has become", operation["summary"].as_str().unwrap_or_default()).into();
    twin["responses"] = with_body;
    // Every success is fine here: a server of the profile `today` answers a body unasked.
    operation["responses"] = answered(&Kind::Nothing, &|_| true);
    Some(twin)
}

/// `4XX` and `5XX` of the type most of the operation's failures have.
fn failures(canonical: &Value, all: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut counted: BTreeMap<String, (usize, Value)> = BTreeMap::new();
    for (_, one) in all.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
        if let Kind::Json(schema) = kind(one) {
            counted.entry(schema.to_string()).or_insert((0, schema)).0 += 1;
        }
    }
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    let most = counted.into_values().max_by_key(|(count, _)| *count).map(|(_, schema)| schema);
    let schema = most.or_else(|| canonical.pointer("/components/schemas/Problem").map(|_| problem));
    let Some(schema) = schema else {
        return Vec::new();
    };
    ["4XX", "5XX"]
        .iter()
        .map(|range| ((*range).to_owned(), response(&Kind::Json(schema.clone()), &"What went wrong.".into())))
        .collect()
}

/// Another key for the same URL: the last variable's name gets a dash, which its Rust name loses.
fn twin_path(path: &str) -> Option<(String, String)> {
    let (before, rest) = path.rsplit_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((format!("{before}{{{name}-}}{after}"), name.to_owned()))
}

fn twin_item(shared: &Value, name: &str, method: &str, mut twin: Value) -> Value {
    let mut shared = shared.clone();
    for list in [&mut shared, &mut twin["parameters"]] {
        if list.is_null() {
            *list = json!([]);
        }
        for one in list.as_array_mut().into_iter().flatten() {
            if one["in"] == "path" && one["name"] == name {
                one["name"] = format!("{name}-").into();
            }
        }
    }
    json!({ "parameters": shared, method: twin })
}

/// The name of a schema a reference leads to.
#[must_use]
pub fn schema_name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}

/// What the view leaves out, one sentence each.
pub fn left_out(view: &Value) -> impl Iterator<Item = &str> {
    items(&view["x-left-out"]).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests;
