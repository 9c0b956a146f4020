//! What probes are derived from: a document, one of its operations, and a request that is accepted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::request::{Body, Caller, Request, Scheme};
use crate::document::{Document, Operation};
use crate::http::FORM;

/// Schemas that refer to each other are followed so far.
const DEPTH: usize = 16;

/// Replaces what the examples say by what a server says.
pub type Translate<'a> = &'a (dyn Fn(&Value) -> Value + Sync);

/// An operation of a document, ready to be probed.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The document.
    pub document: &'a Document,
    /// The operation.
    pub operation: &'a Operation,
    /// From the words of the document to those of a server.
    pub translate: Translate<'a>,
    /// Patterns that were read.
    pub patterns: &'a Patterns,
}

impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Subject").field(&self.operation.id).finish()
    }
}

/// Patterns, each read once.
#[derive(Debug, Default)]
pub struct Patterns(Mutex<HashMap<String, Option<Arc<jsonschema::Validator>>>>);

impl Patterns {
    /// Whether a text matches; none does where the pattern can't be read.
    pub fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let read = known.entry(pattern.to_owned()).or_insert_with(|| {
            jsonschema::validator_for(&json!({ "type": "string", "pattern": pattern })).ok().map(Arc::new)
        });
        read.as_ref().is_some_and(|read| read.is_valid(&Value::String(text.to_owned())))
    }
}

/// The schemas that describe a value together, as one.
#[must_use]
pub(super) fn flat(document: &Document, schema: &Value) -> Map<String, Value> {
    let mut whole = Map::new();
    flatten(document, schema, DEPTH, &mut whole);
    whole
}

fn flatten(document: &Document, schema: &Value, depth: usize, whole: &mut Map<String, Value>) {
    let Some(given) = schema.as_object().filter(|_| depth > 0) else { return };
    if given.contains_key("$ref") {
        if let Ok(target) = document.resolve(schema) {
            flatten(document, target, depth - 1, whole);
        }
        return;
    }
    for branch in given.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        flatten(document, branch, depth - 1, whole);
    }
    for (keyword, value) in given.iter().filter(|(keyword, _)| *keyword != "allOf") {
        match (whole.get_mut(keyword), value) {
            (Some(Value::Object(known)), Value::Object(more)) if keyword == "properties" => known.extend(more.clone()),
            (Some(Value::Array(known)), Value::Array(more)) if keyword == "required" => known.extend(more.clone()),
            _ => drop(whole.insert(keyword.clone(), value.clone())),
        }
    }
}

impl<'a> Subject<'a> {
    /// The schemas that describe a value together, as one.
    #[must_use]
    pub fn flat(&self, schema: &Value) -> Map<String, Value> {
        flat(self.document, schema)
    }

    /// Whether the operation follows the rules of the resources, not those of Fastly's clients.
    #[must_use]
    pub fn is_general(&self) -> bool {
        crate::places::is_general(&self.operation.template)
    }

    /// Whether the operation lists a header of this name.
    #[must_use]
    pub fn has_header(&self, name: &str) -> bool {
        let mut all = self.operation.parameters.iter().filter(|parameter| parameter["in"] == "header");
        all.any(|parameter| parameter["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    }

    /// Whether the operation documents a status.
    #[must_use]
    pub fn documents(&self, status: u16) -> bool {
        self.operation.responses.contains_key(&status)
    }

    /// The requirements of the operation, by the names of the schemes; an empty one lets everybody in.
    #[must_use]
    pub fn security(&self) -> Vec<Vec<String>> {
        let stated = self.operation.node.get("security").unwrap_or(&self.document.root()["security"]);
        let names = |one: &Value| one.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        stated.as_array().into_iter().flatten().map(names).collect()
    }

    /// The media types of the request, each with its example.
    #[must_use]
    pub fn bodies(&self) -> Vec<(String, Value)> {
        let body = self.document.resolve(&self.operation.node["requestBody"]).unwrap_or(&Value::Null);
        let content = body["content"].as_object().into_iter().flatten();
        content.map(|(media, node)| (media.clone(), (self.translate)(&node["example"]))).collect()
    }

    /// Whether the request needs a body.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        let body = self.document.resolve(&self.operation.node["requestBody"]).unwrap_or(&Value::Null);
        body["required"] == true
    }

    /// The example of a parameter, as the server would say it: ids may be numbers.
    #[must_use]
    pub fn example(&self, parameter: &Value) -> Option<Value> {
        let example = parameter.get("example")?;
        let translated = (self.translate)(&Value::String(as_text(example)));
        let number = translated.as_str().filter(|_| example.is_number()).and_then(|text| text.parse::<i64>().ok());
        Some(match number {
            Some(number) => json!(number),
            None if example.is_string() => translated,
            None => example.clone(),
        })
    }

    /// The request that the operation has for an example.
    #[must_use]
    pub fn base(&self) -> Request {
        let mut request = Request {
            method: self.operation.method.clone(),
            template: self.operation.template.clone(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Absent,
            caller: if self.security().iter().any(|one| !one.is_empty()) { Caller::Usual } else { Caller::Nobody },
            scheme: Scheme::Basic,
            fresh: self.fresh(),
        };
        for parameter in &self.operation.parameters {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            let value = as_text(&self.example(parameter).unwrap_or_default());
            match parameter["in"].as_str() {
                Some("path") => request.path.push((name, value)),
                Some("query") if parameter["required"] == true => request.query.push((name, value)),
                _ => {}
            }
        }
        if let Some((media, example)) = self.bodies().into_iter().next() {
            request = with_media(request, &media, example);
        }
        // What is deleted is gone: a condition that never holds tells that everything else was accepted.
        if self.operation.method == "DELETE" && self.has_header("If-Match") {
            request = request.with_header("If-Match", super::conditions::NEVER);
        }
        request
    }

    /// What is made by POST and can't be deleted is made under another name each time.
    fn fresh(&self) -> Vec<String> {
        let made = self.documents(201) && self.operation.method == "POST";
        let below = format!("{}/{{", self.operation.template);
        let deletable = self.document.paths().iter().any(|path| {
            let rest = path.template.strip_prefix(&below);
            path.operations.contains_key("DELETE") && rest.is_some_and(|rest| !rest.contains('/'))
        });
        let schema = self.operation.request_content.values().next().filter(|_| made && !deletable);
        let Some(schema) = schema.map(|schema| self.flat(schema)) else { return Vec::new() };
        let names = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        // An `@id` is no name, but refers to something.
        let names = names.filter(|name| !name.starts_with('@'));
        let property = |name: &str| schema.get("properties").map(|all| self.flat(&all[name])).unwrap_or_default();
        let texts = names.filter(|name| property(name).get("type") == Some(&json!("string")));
        texts.map(str::to_owned).collect()
    }
}

/// Gives a request a body of a media type.
#[must_use]
pub(super) fn with_media(request: Request, media: &str, value: Value) -> Request {
    let mut request = request.with_header("Content-Type", media);
    request.body = if media == FORM { Body::Form(value) } else { Body::Json(value) };
    request
}

/// A value as it stands in a path or a query.
#[must_use]
pub(super) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
