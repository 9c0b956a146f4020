//! What keeps a bundle from being a usable OpenAPI document, besides its references.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    bundle::Sources,
    finding::Finding,
    pointer::{METHODS, Operation, escape, items, members, operations, parameters, steps, unescape},
};

/// Circles, path items and operations that aren't objects, operations of one id, security schemes
/// there are none of, parameters that don't fit their path.
pub(crate) fn check(document: &Value, sources: &Sources, findings: &mut Vec<Finding>) {
    for (name, reference) in circles(document) {
        findings.push(Finding::new(sources.place(&reference), format!("`{name}` leads back to itself")));
    }
    path_items(document, sources, findings);
    schemes(document, document, "", sources, findings);
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for operation in operations(document) {
        let pointer = operation.pointer();
        if !operation.value.is_object() {
            findings.push(Finding::new(sources.place(&pointer), "an operation must be a mapping"));
            continue;
        }
        if let Some(id) = operation.value["operationId"].as_str() {
            let place = sources.place(&format!("{pointer}/operationId"));
            match seen.get(id) {
                Some(first) => findings
                    .push(Finding::new(place, format!("two operations are called `{id}`, the other at {first}"))),
                None => drop(seen.insert(id, place)),
            }
        }
        schemes(document, operation.value, &pointer, sources, findings);
        path_parameters(document, &operation, &sources.place(&pointer), findings);
    }
}

fn path_items(document: &Value, sources: &Sources, findings: &mut Vec<Finding>) {
    if document.get("paths").is_some_and(|paths| !paths.is_object()) {
        findings.push(Finding::new(sources.place("/paths"), "`paths` must be a mapping"));
    }
    for (path, item) in members(&document["paths"]).filter(|(path, _)| !path.starts_with("x-")) {
        let pointer = format!("/paths/{}", escape(path));
        if !item.is_object() {
            findings.push(Finding::new(sources.place(&pointer), "a path item must be a mapping"));
        }
        for (key, _) in members(item) {
            let known = METHODS.contains(&key.as_str())
                || ["parameters", "summary", "description", "servers"].contains(&key.as_str());
            if !known && !key.starts_with("x-") {
                findings.push(Finding::new(
                    sources.place(&format!("{pointer}/{}", escape(key))),
                    format!("`{key}` means nothing in a path item"),
                ));
            }
        }
    }
}

/// The schemes the security of `holder` names, which stands at `pointer`.
fn schemes(document: &Value, holder: &Value, pointer: &str, sources: &Sources, findings: &mut Vec<Finding>) {
    for (index, alternative) in items(&holder["security"]).enumerate() {
        for (name, _) in members(alternative) {
            if document["components"]["securitySchemes"].get(name).is_none() {
                let place = sources.place(&format!("{pointer}/security/{index}/{}", escape(name)));
                findings.push(Finding::new(place, format!("no security scheme is called `{name}`")));
            }
        }
    }
}

fn path_parameters(document: &Value, operation: &Operation<'_>, place: &str, findings: &mut Vec<Finding>) {
    let declared: Vec<&str> = parameters(document, operation)
        .into_iter()
        .filter(|parameter| parameter["in"] == "path")
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let used = variables(operation.path);
    let (id, path) = (operation.id(), operation.path);
    for name in declared.iter().filter(|name| !used.contains(name)) {
        findings.push(Finding::new(place, format!("{id} has the path parameter `{name}`, its path {path} has not")));
    }
    for name in used.iter().filter(|name| !declared.contains(name)) {
        findings.push(Finding::new(place, format!("{id} describes no path parameter `{name}` of {path}")));
    }
}

/// References that lead back to themselves with nothing between them but compositions: they
/// describe nothing. Through a property or an item of a list a schema may hold itself. Each by the
/// component it starts at, and the pointer of the reference that leads round.
#[must_use]
pub fn circles(document: &Value) -> Vec<(String, String)> {
    let mut targets = BTreeMap::new();
    references(document, &mut String::new(), &mut |_, value| targets.extend(steps(document, value).next()));
    let mut search = Search { document, way: Vec::new(), done: BTreeSet::new(), circles: BTreeMap::new() };
    for (target, found) in targets {
        search.visit(&target, found);
    }
    let named = |(target, reference): (String, String)| {
        (unescape(target.rsplit_once('/').map_or("", |(_, name)| name)), format!("{reference}/$ref"))
    };
    search.circles.into_iter().map(named).collect()
}

/// A search for circles, by depth.
struct Search<'doc> {
    document: &'doc Value,
    /// The targets on the way, and where in each of them the reference stands that leads on.
    way: Vec<(String, String)>,
    done: BTreeSet<String>,
    /// Where each circle starts, and the reference in it that leads round.
    circles: BTreeMap<String, String>,
}

impl<'doc> Search<'doc> {
    fn visit(&mut self, target: &str, value: &'doc Value) {
        if let Some((start, reference)) = self.way.iter().find(|(known, _)| known == target) {
            self.circles.entry(start.clone()).or_insert_with(|| reference.clone());
        }
        if !self.done.insert(target.to_owned()) {
            return;
        }
        let mut leads = Vec::new();
        composed(value, target.to_owned(), &mut leads);
        for (reference, value) in leads {
            if let Some((next, found)) = steps(self.document, value).next() {
                self.way.push((target.to_owned(), reference));
                self.visit(&next, found);
                self.way.pop();
            }
        }
    }
}

/// The references a value is, or is composed of.
fn composed<'doc>(value: &'doc Value, pointer: String, found: &mut Vec<(String, &'doc Value)>) {
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, inner) in items(&value[key]).enumerate() {
            composed(inner, format!("{pointer}/{key}/{index}"), found);
        }
    }
    if let Some(inner) = value.get("not") {
        composed(inner, format!("{pointer}/not"), found);
    }
    if value["$ref"].is_string() {
        found.push((pointer, value));
    }
}

/// References within the document that lead nowhere, by their pointers.
#[must_use]
pub fn dangling(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    references(document, &mut String::new(), &mut |pointer, value| {
        if steps(document, value).next().is_none() {
            found.push(pointer.to_owned());
        }
    });
    found
}

/// What holds nodes by names, which are no keywords.
const NAMES: [&str; 6] = ["/properties", "/schemas", "/responses", "/parameters", "/headers", "/requestBodies"];

/// Calls `found` with every reference and its pointer.
fn references<'doc>(value: &'doc Value, pointer: &mut String, found: &mut impl FnMut(&str, &'doc Value)) {
    if value["$ref"].is_string() {
        found(pointer, value);
    }
    let length = pointer.len();
    let data = |key: &str| ["example", "examples", "default", "enum"].contains(&key);
    let names = NAMES.iter().any(|holder| pointer.ends_with(holder));
    for (key, inner) in members(value).filter(|(key, _)| names || !data(key)) {
        pointer.push('/');
        pointer.push_str(&escape(key));
        references(inner, pointer, found);
        pointer.truncate(length);
    }
    for (index, inner) in items(value).enumerate() {
        pointer.push_str(&format!("/{index}"));
        references(inner, pointer, found);
        pointer.truncate(length);
    }
}

/// The names between braces of a path template.
#[must_use]
pub fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(document: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        check(document, &Sources::default(), &mut findings);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn a_composition_must_not_lead_back_to_itself() {
        let schemas = |a: Value| {
            let b = json!({ "allOf": [{ "$ref": "#/components/schemas/A" }] });
            json!({ "components": { "schemas": { "A": a, "B": b } } })
        };
        let (a, b) = (json!({ "$ref": "#/components/schemas/A" }), json!({ "$ref": "#/components/schemas/B" }));
        for circle in [
            a.clone(),
            json!({ "allOf": [a, { "type": "object" }] }),
            json!({ "allOf": [a, a] }),
            json!({ "oneOf": [{ "type": "string" }, { "anyOf": [a] }] }),
            json!({ "not": a }),
            json!({ "$ref": "#/components/schemas/%41" }),
        ] {
            assert_eq!(found(&schemas(circle.clone())), ["`A` leads back to itself"], "{circle}");
        }
        assert_eq!(found(&schemas(json!({ "anyOf": [b] }))).len(), 1);
        for tree in [
            json!({ "type": "array", "items": a }),
            json!({ "allOf": [{ "properties": { "parts": { "allOf": [a] } } }] }),
            json!({ "oneOf": [{ "additionalProperties": b }, { "default": a }] }),
        ] {
            assert_eq!(found(&schemas(tree.clone())), Vec::<String>::new(), "{tree}");
        }
    }

    #[test]
    fn security_names_schemes_there_are() {
        let document = json!({
            "security": [{ "basic": [] }, { "gone": [] }], "components": { "securitySchemes": { "basic": {} } },
            "paths": { "/a": { "get": { "security": [{ "basic": [], "key": [] }] } } } });
        assert_eq!(found(&document), ["no security scheme is called `gone`", "no security scheme is called `key`"]);
    }

    #[test]
    fn extensions_of_paths_are_no_path_items() {
        assert_eq!(found(&json!({ "paths": { "x-a": 5, "/a": {} } })), Vec::<String>::new());
        assert_eq!(found(&json!({ "paths": { "/a": 5 } })), ["a path item must be a mapping"]);
    }
}
