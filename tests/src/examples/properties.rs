//! The examples that stand in schemas. Those of what is sent are sent together; those of what is shown are values
//! that some answer has.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::node::{self, Node};
use super::place::Place;
use crate::document::Document;

/// Values of answers by the names of their places.
#[derive(Debug, Default)]
pub(super) struct Shown(BTreeSet<(String, String)>);

impl Shown {
    /// What the examples of all answers show.
    pub(super) fn of_examples(document: &Document) -> Self {
        let mut shown = Self::default();
        for operation in document.operations() {
            for status in operation.responses.keys() {
                for media in node::answer(document, operation, *status).media() {
                    if let Some(example) = media.node.value.get("example") {
                        shown.add(&Place::new(document, &operation.id, &media.node.value["schema"]), example);
                    }
                }
            }
        }
        shown
    }

    /// Adds a body in the words of the document.
    pub(super) fn add(&mut self, place: &Place<'_>, body: &Value) {
        place.visit(body, &mut |place, value| {
            self.0.insert((place.to_owned(), value.to_string()));
        });
    }

    /// Takes in what another has.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether a value stands at a place of some answer.
    pub(super) fn has(&self, place: &str, value: &Value) -> bool {
        self.0.contains(&(place.to_owned(), value.to_string()))
    }
}

/// An example in a schema.
#[derive(Debug)]
pub(super) struct Property<'a> {
    /// The pointer of the schema it is an example of.
    pub(super) pointer: String,
    /// The name of the place.
    pub(super) place: String,
    /// The example.
    pub(super) example: &'a Value,
}

/// All examples in the schemas of the document.
pub(super) fn all(document: &Document) -> Vec<Property<'_>> {
    let mut found = Vec::new();
    for schema in Node::at(document, "/components/schemas").members() {
        collect(&schema.node, &schema.name, &mut found);
    }
    found
}

fn collect<'a>(schema: &Node<'a>, place: &str, found: &mut Vec<Property<'a>>) {
    if let Some(example) = schema.value.get("example") {
        found.push(Property { pointer: schema.pointer.clone(), place: place.to_owned(), example });
    }
    // What is another schema is an example there.
    let own = |node: &Node<'_>| node.pointer.starts_with(&schema.pointer);
    for property in schema.get("properties").iter().flat_map(Node::members).filter(|property| own(&property.node)) {
        collect(&property.node, &format!("{place}.{}", property.name), found);
    }
    if let Some(items) = schema.get("items").filter(own) {
        collect(&items, &format!("{place}[]"), found);
    }
    for branches in ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| schema.get(key)) {
        branches.items().iter().filter(|branch| own(branch)).for_each(|branch| collect(branch, place, found));
    }
}

/// A body of the examples of all properties, and the pointers of these examples. Where a list is of another
/// schema, and for so many levels, an item of the examples of that one takes the place of the list's own example.
pub(super) fn body(schema: &Node<'_>, levels: usize) -> Option<(Value, Vec<String>)> {
    let mut pointers = Vec::new();
    let mut members = Map::new();
    for property in schema.get("properties")?.members() {
        if let Some(value) = value(&property.node, levels, &mut pointers) {
            members.insert(property.name, value);
        }
    }
    Some((Value::Object(members), pointers))
}

fn value(schema: &Node<'_>, levels: usize, pointers: &mut Vec<String>) -> Option<Value> {
    let below = levels.checked_sub(1);
    let items = schema.get("items").filter(|items| !items.pointer.starts_with(&schema.pointer));
    if let Some((item, within)) = below.zip(items).and_then(|(levels, items)| body(&items, levels)) {
        pointers.extend(within);
        return Some(Value::Array(vec![item]));
    }
    if let Some(example) = schema.value.get("example") {
        pointers.push(schema.pointer.clone());
        return Some(example.clone());
    }
    let (whole, within) = body(schema, levels)?;
    pointers.extend(within);
    Some(whole)
}
