//! Places of a body by the name they have in the document, such as `Space.created`.

use serde_json::Value;

use crate::document::Document;

/// A schema and the name of the place it describes.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    document: &'a Document,
    pub(super) name: String,
    pub(super) schema: &'a Value,
}

impl<'a> Place<'a> {
    /// A place; the schema's own name comes before this one.
    pub(super) fn new(document: &'a Document, name: &str, schema: &'a Value) -> Self {
        Self { document, name: name.to_owned(), schema }
    }

    fn like(&self, name: &str, schema: &'a Value) -> Self {
        Self::new(self.document, name, schema)
    }

    /// The schemas that describe the value together, each under the name it is known by.
    fn shapes(&self) -> Vec<Self> {
        if let Some(reference) = self.schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            let schema = reference.strip_prefix('#').and_then(|pointer| self.document.root().pointer(pointer));
            return schema.map(|schema| self.like(name, schema).shapes()).unwrap_or_default();
        }
        let mut all = vec![self.clone()];
        for branches in ["allOf", "oneOf", "anyOf"].iter().filter_map(|key| self.schema[*key].as_array()) {
            all.extend(branches.iter().flat_map(|branch| self.like(&self.name, branch).shapes()));
        }
        all
    }

    /// The place of a member.
    pub(super) fn member(&self, name: &str) -> Self {
        let shapes = self.shapes();
        let found = shapes.iter().find_map(|shape| {
            let listed = shape.schema["properties"].get(name);
            let schema = listed.or_else(|| shape.schema.get("additionalProperties"))?;
            Some(self.like(&format!("{}.{name}", shape.name), schema))
        });
        found.unwrap_or_else(|| self.like(&format!("{}.{name}", self.name), &Value::Null))
    }

    /// The place of the items of a list.
    pub(super) fn item(&self) -> Self {
        let shapes = self.shapes();
        let found =
            shapes.iter().find_map(|shape| Some(self.like(&format!("{}[]", shape.name), shape.schema.get("items")?)));
        found.unwrap_or_else(|| self.like(&format!("{}[]", self.name), &Value::Null))
    }

    /// Visits a value and everything in it, each with the name of its place.
    pub(super) fn visit(&self, value: &Value, visitor: &mut impl FnMut(&str, &Value)) {
        for shape in self.shapes().iter().filter(|shape| shape.name != self.name) {
            visitor(&shape.name, value);
        }
        visitor(&self.name, value);
        for (name, member) in value.as_object().into_iter().flatten() {
            self.member(name).visit(member, visitor);
        }
        for item in value.as_array().into_iter().flatten() {
            self.item().visit(item, visitor);
        }
    }
}
