//! What keeps a bundle from being a usable OpenAPI document, besides its references.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    bundle::Sources,
    finding::Finding,
    pointer::{METHODS, escape, members, operations, parameters},
};

/// Operations of one id, parameters that don't fit their path, path items that aren't objects.
pub(crate) fn check(document: &Value, sources: &Sources, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, String> = BTreeMap::new();
    for (path, item) in members(&document["paths"]) {
        let pointer = format!("/paths/{}", escape(path));
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
    for operation in operations(document) {
        let pointer = operation.pointer();
        if let Some(id) = operation.value["operationId"].as_str() {
            let place = sources.place(&format!("{pointer}/operationId"));
            match seen.get(id) {
                Some(first) => findings
                    .push(Finding::new(place, format!("two operations are called `{id}`, the other at {first}"))),
                None => drop(seen.insert(id, place)),
            }
        }
        let declared: Vec<&str> = parameters(document, &operation)
            .into_iter()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let used = variables(operation.path);
        for name in declared.iter().filter(|name| !used.contains(name)) {
            findings.push(Finding::new(
                sources.place(&pointer),
                format!("{} has the path parameter `{name}`, its path {} has not", operation.id(), operation.path),
            ));
        }
        for name in used.iter().filter(|name| !declared.contains(name)) {
            findings.push(Finding::new(
                sources.place(&pointer),
                format!("{} describes no path parameter `{name}` of {}", operation.id(), operation.path),
            ));
        }
    }
}

/// The names between braces of a path template.
#[must_use]
pub fn variables(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
}
