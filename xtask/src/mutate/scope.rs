//! Small documents that hold all that a change of one node can reach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::pointer::{escape, items, members, operations};

/// A part of the document whose nodes are mutated, and the document they are mutated in.
#[derive(Debug)]
pub struct Unit {
    /// The pointers whose nodes are mutated, those below them included.
    pub pointers: Vec<String>,
    /// The paths the document keeps.
    pub paths: Vec<String>,
}

/// Divides the document: a unit for each path, each component, and for the rest. A component's
/// unit has the one path that reaches it and reaches least besides: what a change of a component
/// does, it does wherever the component is used, so what is caught there is caught in the whole.
#[must_use]
pub fn units(document: &Value) -> Vec<Unit> {
    let mut cheapest: BTreeMap<String, (usize, &str)> = BTreeMap::new();
    let mut units = Vec::new();
    let mut least: Option<(usize, &str)> = None;
    for (path, item) in members(&document["paths"]) {
        let reached = reach(document, item);
        let size = reached.iter().filter_map(|target| document.pointer(target)).chain([item]).map(weight).sum();
        for target in reached {
            let known = cheapest.entry(target).or_insert((size, path));
            *known = (*known).min((size, path));
        }
        least = Some(least.map_or((size, path.as_str()), |known| known.min((size, path))));
        units.push(Unit { pointers: vec![format!("/paths/{}", escape(path))], paths: vec![path.clone()] });
    }
    let some: Vec<String> = least.map(|(_, path)| path.to_owned()).into_iter().collect();
    for (kind, named) in members(&document["components"]) {
        for (name, _) in members(named) {
            let pointer = format!("/components/{kind}/{}", escape(name));
            let paths = cheapest.get(&pointer).map_or_else(|| some.clone(), |(_, path)| vec![(*path).to_owned()]);
            units.push(Unit { pointers: vec![pointer], paths });
        }
    }
    let rest = members(document).map(|(key, _)| key).filter(|key| !["paths", "components"].contains(&key.as_str()));
    units
        .push(Unit { pointers: rest.map(|key| format!("/{}", escape(key))).collect(), paths: secured(document, some) });
    units
}

/// One more path, with an operation that takes the document's own security.
fn secured(document: &Value, mut paths: Vec<String>) -> Vec<String> {
    let found = operations(document).find(|operation| operation.value.get("security").is_none());
    paths.extend(found.map(|operation| operation.path.to_owned()));
    paths
}

/// How many nodes a value has.
fn weight(value: &Value) -> usize {
    1 + members(value).map(|(_, inner)| weight(inner)).sum::<usize>() + items(value).map(weight).sum::<usize>()
}

/// The pointers of the components a value leads to.
fn reach(document: &Value, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        if let Some(target) = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'))
            && found.insert(target.to_owned())
        {
            open.extend(document.pointer(target));
        }
        open.extend(members(value).map(|(_, inner)| inner));
        open.extend(items(value));
    }
    found
}

/// The document with these paths alone, and the components they lead to.
#[must_use]
pub fn part(document: &Value, paths: &[String]) -> Value {
    let kept: Map<String, Value> = members(&document["paths"])
        .filter(|(path, _)| paths.contains(path))
        .map(|(path, item)| (path.clone(), item.clone()))
        .collect();
    let kept = Value::Object(kept);
    let reached = reach(document, &kept);
    let mut out = Map::new();
    for (key, value) in members(document) {
        let value = match key.as_str() {
            "paths" => kept.clone(),
            "components" => Value::Object(
                members(value).map(|(kind, named)| (kind.clone(), section(kind, named, &reached))).collect(),
            ),
            _ => value.clone(),
        };
        out.insert(key.clone(), value);
    }
    Value::Object(out)
}

fn section(kind: &str, named: &Value, reached: &BTreeSet<String>) -> Value {
    let kept = members(named)
        .filter(|(name, _)| {
            // Schemes are named, not referred to; every failure has the schema Problem.
            kind == "securitySchemes" || reached.contains(&format!("/components/{kind}/{}", escape(name)))
        })
        .map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(kept.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_node_is_in_one_unit_and_parts_are_whole() {
        let document = crate::generate::canonical(&crate::generate::repository()).unwrap().document;
        let units = units(&document);
        let mut all = BTreeSet::new();
        for unit in &units {
            let part = part(&document, &unit.paths);
            assert_eq!(crate::shape::dangling(&part), Vec::<String>::new());
            for pointer in &unit.pointers {
                assert_eq!(part.pointer(pointer), document.pointer(pointer), "{pointer}");
                assert!(all.insert(pointer.clone()), "{pointer} is in two units");
            }
        }
        let total: usize = all.iter().filter_map(|pointer| document.pointer(pointer)).map(weight).sum();
        let sections = members(&document["components"]).count();
        // What is in no unit: the document, paths, components, and the sections of components.
        assert_eq!(total + sections + 3, weight(&document));
    }

    #[test]
    fn a_part_keeps_what_its_paths_lead_to() {
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        let document = json!({ "openapi": "3.0.3", "paths": { "/a": { "get": reference("A") }, "/b": {} },
            "components": { "schemas": { "A": reference("B"), "B": {}, "C": {} } } });
        assert_eq!(
            part(&document, &["/a".into()]),
            json!({ "openapi": "3.0.3", "paths": { "/a": { "get": reference("A") } },
                    "components": { "schemas": { "A": reference("B"), "B": {} } } })
        );
    }
}
