//! What keeps a bundle from being a usable OpenAPI document, besides its references.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    bundle::Sources,
    finding::Finding,
    pointer::{METHODS, Operation, escape, items, members, operations, parameters},
};

/// Circles, path items and operations that aren't objects, operations of one id, parameters that
/// don't fit their path.
pub(crate) fn check(document: &Value, sources: &Sources, findings: &mut Vec<Finding>) {
    circles(document, sources, findings);
    path_items(document, sources, findings);
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

/// Components that are nothing but references to one another.
fn circles(document: &Value, sources: &Sources, findings: &mut Vec<Finding>) {
    let mut told = BTreeSet::new();
    for (kind, named) in members(&document["components"]) {
        for (name, _) in members(named) {
            let start = format!("/components/{kind}/{}", escape(name));
            let mut way = vec![start.clone()];
            while let Some(next) = way.last().and_then(|at| leads_to(document, at)) {
                if next == start && !told.contains(&start) {
                    let place = sources.place(&format!("{start}/$ref"));
                    findings.push(Finding::new(place, format!("`{name}` leads back to itself")));
                    // One line for the whole circle.
                    told.extend(way.iter().cloned());
                }
                if way.contains(&next) {
                    break;
                }
                way.push(next);
            }
        }
    }
}

fn leads_to(document: &Value, pointer: &str) -> Option<String> {
    Some(document.pointer(pointer)?["$ref"].as_str()?.strip_prefix('#')?.to_owned())
}

/// References within the document that lead nowhere, by their pointers.
#[must_use]
pub fn dangling(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), document)];
    while let Some((pointer, value)) = open.pop() {
        if let Some(target) = value["$ref"].as_str()
            && target.strip_prefix('#').is_none_or(|target| document.pointer(target).is_none())
        {
            found.push(pointer.clone());
        }
        let data = |key: &str| ["example", "examples", "default", "enum"].contains(&key);
        let names = pointer.ends_with("/properties");
        for (key, inner) in members(value).filter(|(key, _)| names || !data(key)) {
            open.push((format!("{pointer}/{}", escape(key)), inner));
        }
        for (index, inner) in items(value).enumerate() {
            open.push((format!("{pointer}/{index}"), inner));
        }
    }
    found
}

/// The names between braces of a path template.
#[must_use]
pub fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}
