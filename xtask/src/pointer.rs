//! JSON pointers (RFC 6901), and the few questions every part asks of an OpenAPI document.

use std::borrow::Cow;

use serde_json::Value;

/// The methods of a path item, in the order the specification lists them.
pub const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// One name as a part of a JSON pointer.
#[must_use]
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The opposite of [`escape`].
#[must_use]
pub fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// An operation, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Operation<'doc> {
    /// The path template.
    pub path: &'doc str,
    /// The method, in lower case.
    pub method: &'static str,
    /// The path item.
    pub item: &'doc Value,
    /// The operation itself.
    pub value: &'doc Value,
}

impl<'doc> Operation<'doc> {
    /// The operation of a path and a method.
    #[must_use]
    pub fn find(document: &'doc Value, path: &str, method: &str) -> Option<Self> {
        let (path, item) = document["paths"].as_object()?.get_key_value(path)?;
        let method = METHODS.iter().find(|known| **known == method)?;
        Some(Self { path, method, item, value: item.get(*method)? })
    }

    /// Its JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/paths/{}/{}", escape(self.path), self.method)
    }

    /// Its `operationId`, or method and path where it has none.
    #[must_use]
    pub fn id(&self) -> String {
        self.value["operationId"].as_str().map_or_else(|| format!("{} {}", self.method, self.path), str::to_owned)
    }
}

/// Every operation, in the order of the document.
pub fn operations(document: &Value) -> impl Iterator<Item = Operation<'_>> {
    members(&document["paths"]).flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| item.get(*method).map(|value| Operation { path, method, item, value }))
    })
}

/// The members of an object; none of anything else.
pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> + Clone {
    value.as_object().into_iter().flatten()
}

/// The items of an array; none of anything else.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Follows `$ref` inside `document` until there is none; a dangling one is answered as it stands.
#[must_use]
pub fn resolve<'doc>(document: &'doc Value, value: &'doc Value) -> &'doc Value {
    steps(document, value).last().map_or(value, |(_, found)| found)
}

/// Each node that `$ref` after `$ref` leads to, and its pointer.
pub fn steps<'doc>(
    document: &'doc Value,
    value: &'doc Value,
) -> impl Iterator<Item = (Cow<'doc, str>, &'doc Value)> + use<'doc> {
    // No chain is longer than the document has components; a circle ends here too.
    const LONGEST: usize = 64;
    std::iter::successors(target(document, value), move |(_, found)| target(document, found)).take(LONGEST)
}

/// What a reference within the document leads to, and its pointer; none of anything else.
fn target<'doc>(document: &'doc Value, value: &'doc Value) -> Option<(Cow<'doc, str>, &'doc Value)> {
    let pointer = value.get("$ref")?.as_str()?.strip_prefix('#')?;
    if let Some(found) = document.pointer(pointer) {
        return Some((pointer.into(), found));
    }
    let pointer = decoded(pointer)?;
    let found = document.pointer(&pointer)?;
    Some((pointer.into(), found))
}

/// A fragment without percent-encoding (RFC 3986, 2.1); none where it isn't well-formed.
fn decoded(fragment: &str) -> Option<String> {
    let mut parts = fragment.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(part.get(2..)?.bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The parameters in force for an operation, resolved: its own, and those of its path it doesn't
/// override.
#[must_use]
pub fn parameters<'doc>(document: &'doc Value, operation: &Operation<'doc>) -> Vec<&'doc Value> {
    let own: Vec<&Value> = items(&operation.value["parameters"]).map(|one| resolve(document, one)).collect();
    let mut all: Vec<&Value> = items(&operation.item["parameters"])
        .map(|one| resolve(document, one))
        .filter(|one| !own.iter().any(|other| other["name"] == one["name"] && other["in"] == one["in"]))
        .collect();
    all.extend(own);
    all
}
