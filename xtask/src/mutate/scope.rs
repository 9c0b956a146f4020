//! Small documents that hold all that a change of one node can reach.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{
    compare::Place,
    normal::Piece,
    pointer::{METHODS, Operation, escape, items, members, operations, unescape},
};

/// A part of the document whose nodes are mutated, and the document they are mutated in.
#[derive(Debug)]
pub struct Unit {
    /// The pointers whose nodes are mutated, those below them included.
    pub pointers: Vec<String>,
    /// The pointers of nodes that are mutated without those below them.
    pub alone: Vec<String>,
    /// The operations the document keeps.
    pub kept: Vec<Kept>,
}

/// A path and a method.
pub type Kept = (String, &'static str);

/// Divides the document: a unit for each operation, each component, and for the rest. A component's
/// unit has the one operation that reaches it and reaches least besides: what a change of a
/// component does, it does wherever the component is used, so what is caught there is caught in the
/// whole.
#[must_use]
pub fn units(document: &Value) -> Vec<Unit> {
    let mut cheapest: BTreeMap<String, (usize, Kept)> = BTreeMap::new();
    let mut units = Vec::new();
    let mut least: Option<(usize, Kept)> = None;
    let mut items: BTreeMap<&str, Unit> = BTreeMap::new();
    for operation in operations(document) {
        let kept = (operation.path.to_owned(), operation.method);
        let part = part(document, std::slice::from_ref(&kept));
        let known = (weight(&part), kept.clone());
        for (kind, named) in members(&part["components"]) {
            for (name, _) in members(named) {
                let target = format!("/components/{kind}/{}", escape(name));
                let cheapest = cheapest.entry(target).or_insert_with(|| known.clone());
                if known.0 < cheapest.0 {
                    *cheapest = known.clone();
                }
            }
        }
        if least.as_ref().is_none_or(|least| known.0 < least.0) {
            least = Some(known);
        }
        units.push(Unit { pointers: vec![operation.pointer()], alone: Vec::new(), kept: vec![kept.clone()] });
        items.entry(operation.path).or_insert_with(|| item(document, operation.path, kept));
    }
    units.extend(items.into_values());
    let some: Vec<Kept> = least.map(|(_, kept)| kept).into_iter().collect();
    for (kind, named) in members(&document["components"]) {
        for (name, _) in members(named) {
            let pointer = format!("/components/{kind}/{}", escape(name));
            let kept = match cheapest.get(&pointer) {
                // Every part has the schemes; only where one is asked for they matter.
                Some(_) if kind == "securitySchemes" => secured(document, Some(name), Vec::new()),
                Some((_, kept)) => vec![kept.clone()],
                None => some.clone(),
            };
            units.push(Unit { pointers: vec![pointer], alone: Vec::new(), kept });
        }
    }
    let rest = members(document).map(|(key, _)| key).filter(|key| !["paths", "components"].contains(&key.as_str()));
    let pointers = rest.map(|key| format!("/{}", escape(key))).collect();
    units.push(Unit { pointers, alone: Vec::new(), kept: secured(document, None, some) });
    units
}

/// The ids of the operations of a unit.
#[must_use]
pub fn ids(document: &Value, unit: &Unit) -> Vec<String> {
    unit.kept.iter().filter_map(|(path, method)| Some(Operation::find(document, path, method)?.id())).collect()
}

/// What a path item has besides its operations.
fn item(document: &Value, path: &str, kept: Kept) -> Unit {
    let pointer = format!("/paths/{}", escape(path));
    let besides = members(&document["paths"][path]).filter(|(key, _)| !METHODS.contains(&key.as_str()));
    let pointers = besides.map(|(key, _)| format!("{pointer}/{}", escape(key))).collect();
    Unit { pointers, alone: vec![pointer], kept: vec![kept] }
}

/// One more operation, whose security names a scheme; without a scheme, one that takes the document's.
fn secured(document: &Value, scheme: Option<&str>, mut kept: Vec<Kept>) -> Vec<Kept> {
    let found = operations(document).find(|operation| {
        let own = operation.value.get("security");
        match scheme {
            None => own.is_none(),
            Some(name) => items(own.unwrap_or(&document["security"])).any(|one| one.get(name).is_some()),
        }
    });
    kept.extend(found.map(|operation| (operation.path.to_owned(), operation.method)));
    kept
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

/// The least of the document that has to be compared to see a change of the node at `pointer`; none
/// where that is all of it.
#[must_use]
pub fn place(document: &Value, kept: &[Kept], pointer: &str) -> Option<Place> {
    let parts: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["paths", path, method, inside @ ..] => {
            let method = METHODS.iter().find(|known| *known == method)?;
            let piece = match inside {
                // What is done to the node itself is seen from above it.
                ["responses", status, _, ..] => Piece::Response((*status).to_owned()),
                ["parameters", ..] => Piece::Parameters,
                ["requestBody", _, ..] => Piece::Body,
                [] => return None,
                _ => Piece::Whole,
            };
            Some(Place::Piece((*path).to_owned(), method, piece))
        }
        ["components", "schemas", name, _, ..] => Some(Place::Schema((*name).to_owned())),
        ["components", kind, name, _, ..] if *kind != "securitySchemes" => {
            let target = format!("/components/{kind}/{}", escape(name));
            kept.iter().find_map(|(path, method)| user(&Operation::find(document, path, method)?, document, &target))
        }
        _ => None,
    }
}

/// The piece of an operation that leads to a component.
fn user(operation: &Operation<'_>, document: &Value, target: &str) -> Option<Place> {
    let leads = |value: &Value| reach(document, value).contains(target);
    let response = members(&operation.value["responses"]).find(|(_, response)| leads(response));
    let piece = match response {
        Some((status, _)) => Piece::Response(status.clone()),
        None if leads(&operation.value["parameters"]) || leads(&operation.item["parameters"]) => Piece::Parameters,
        None if operation.value.get("requestBody").is_some_and(leads) => Piece::Body,
        None => return None,
    };
    Some(Place::Piece(operation.path.to_owned(), operation.method, piece))
}

/// The document with these operations alone, and the components they lead to.
#[must_use]
pub fn part(document: &Value, kept: &[Kept]) -> Value {
    let keeps = |path: &str, key: &str| {
        !METHODS.contains(&key) || kept.iter().any(|(known, method)| known == path && *method == key)
    };
    let paths: Map<String, Value> = members(&document["paths"])
        .filter(|(path, _)| kept.iter().any(|(known, _)| known == *path))
        .map(|(path, item)| {
            let item = members(item).filter(|(key, _)| keeps(path, key));
            (path.clone(), Value::Object(item.map(|(key, value)| (key.clone(), value.clone())).collect()))
        })
        .collect();
    let kept = Value::Object(paths);
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
            let part = part(&document, &unit.kept);
            assert_eq!(crate::shape::dangling(&part), Vec::<String>::new());
            for pointer in &unit.pointers {
                assert_eq!(part.pointer(pointer), document.pointer(pointer), "{pointer}");
                assert!(all.insert(pointer.clone()), "{pointer} is in two units");
            }
        }
        let alone: usize = units.iter().map(|unit| unit.alone.len()).sum();
        let total: usize =
            alone + all.iter().filter_map(|pointer| document.pointer(pointer)).map(weight).sum::<usize>();
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
            part(&document, &[("/a".into(), "get")]),
            json!({ "openapi": "3.0.3", "paths": { "/a": { "get": reference("A") } },
                    "components": { "schemas": { "A": reference("B"), "B": {} } } })
        );
    }
}
