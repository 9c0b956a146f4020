//! The canonical document as the server uses it: the bytes it serves, the table of its paths, the
//! schemas of its request bodies.

use super::{arguments::Arguments, validate::Schemas, vocabulary::Vocabulary};
use percent_encoding::percent_decode_str;
use poem::http::Method;
use serde_json::Value;
use std::sync::OnceLock;

/// The bundle of `openapi/`, as served at `/openapi.json`.
pub const BUNDLE: &str = include_str!("../../../openapi/openapi.json");

/// Whether an operation wants credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Anybody may call it.
    Open,
    /// Credentials are looked at where there are any.
    Optional,
    /// Only callers with credentials.
    Required,
}

/// What the document says of an operation.
#[derive(Debug)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its operationId.
    pub id: String,
    /// The parameters it takes.
    pub arguments: Arguments,
    /// Whether it wants credentials.
    pub security: Security,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Variable,
}

/// A path of the document and its operations.
#[derive(Debug)]
pub struct Route {
    segments: Vec<Segment>,
    /// What can be done there.
    pub operations: Vec<Operation>,
}

impl Route {
    /// The value of an `Allow` header: HEAD goes where GET goes, OPTIONS goes everywhere.
    pub fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.operations.iter().map(|o| o.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    /// The operation behind a method.
    pub fn operation(&self, method: &Method) -> Option<&Operation> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.operations.iter().find(|o| o.method == *method)
    }

    fn matches(&self, path: &[&str]) -> bool {
        self.segments.len() == path.len()
            && self.segments.iter().zip(path).all(|(segment, text)| match segment {
                Segment::Literal(literal) => literal == text,
                Segment::Variable => !text.is_empty(),
            })
    }
}

/// The document, read once.
#[derive(Debug)]
pub struct Document {
    routes: Vec<Route>,
    /// The schemas of its components.
    pub schemas: Schemas,
    /// What it says of classes and operations.
    pub vocabulary: Vocabulary,
}

/// The document.
///
/// # Panics
/// At the first use, when the bundle that was built in is no OpenAPI document: a fault of the build.
pub fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let json: Value = BUNDLE.parse().unwrap_or_default();
        let mut routes: Vec<Route> = entries(&json["paths"])
            .map(|(path, item)| Route { segments: segments(path), operations: operations(&json, path, item) })
            .collect();
        // Literal segments win over variables.
        routes.sort_by_key(|r| r.segments.iter().map(|s| matches!(s, Segment::Variable)).collect::<Vec<_>>());
        let schemas = Schemas::read(&json["components"]["schemas"]);
        // The whole document takes several times the memory of all that is read off it.
        Document { routes, schemas, vocabulary: Vocabulary::read(&json) }
    })
}

impl Document {
    /// The route of a path as it came over the wire.
    pub fn route(&self, path: &str) -> Option<&Route> {
        // One slash only: `//customers/7` is no path of a customer, and no ownership is checked for it.
        let path: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        self.routes.iter().find(|route| route.matches(&path))
    }
}

/// The segments of a path as it came over the wire, decoded.
pub fn decoded(path: &str) -> Vec<String> {
    path.strip_prefix('/')
        .unwrap_or(path)
        .split('/')
        .map(|s| percent_decode_str(s).decode_utf8_lossy().into_owned())
        .collect()
}

/// The members of an object.
pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(k, v)| (k.as_str(), v))
}

fn segments(path: &str) -> Vec<Segment> {
    path.trim_start_matches('/')
        .split('/')
        .map(|s| if s.starts_with('{') { Segment::Variable } else { Segment::Literal(s.to_owned()) })
        .collect()
}

fn operations(document: &Value, path: &str, item: &Value) -> Vec<Operation> {
    ["get", "put", "post", "patch", "delete"]
        .into_iter()
        .filter_map(|name| Some((Method::from_bytes(name.to_uppercase().as_bytes()).ok()?, item.get(name)?)))
        .map(|(method, operation)| Operation {
            method,
            id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
            arguments: Arguments::read(document, path, item, operation),
            security: security(operation.get("security").or_else(|| document.get("security"))),
        })
        .collect()
}

fn security(requirements: Option<&Value>) -> Security {
    match requirements.and_then(Value::as_array) {
        Some(all) if all.iter().any(|r| r.as_object().is_some_and(serde_json::Map::is_empty)) => Security::Optional,
        Some(all) if !all.is_empty() => Security::Required,
        _ => Security::Open,
    }
}

/// Follows a reference within the document.
pub fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(value),
        None => value,
    }
}
