//! Nodes of the document that know where they stand, so that it can be told which of them were executed.

use serde_json::Value;

use crate::document::{Document, Operation};

/// A node of a document and its JSON pointer, references followed.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    document: &'a Document,
    /// Where it stands.
    pub(super) pointer: String,
    /// What stands there.
    pub(super) value: &'a Value,
}

/// A media type of a request or an answer.
#[derive(Debug, Clone)]
pub(super) struct Media<'a> {
    /// Its name, such as `application/json`.
    pub(super) name: String,
    /// What stands under it.
    pub(super) node: Node<'a>,
}

/// A documented header of an answer, or a parameter of a request.
#[derive(Debug, Clone)]
pub(super) struct Named<'a> {
    /// The name on the wire.
    pub(super) name: String,
    /// What stands under it.
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The node at a pointer.
    ///
    /// # Panics
    /// When nothing stands there.
    #[must_use]
    pub(super) fn at(document: &'a Document, pointer: &str) -> Self {
        let value = document.root().pointer(pointer);
        let value = value.unwrap_or_else(|| panic!("nothing stands at {pointer}"));
        Self { document, pointer: pointer.to_owned(), value }.followed()
    }

    /// The node that describes an operation.
    #[must_use]
    pub(super) fn of(document: &'a Document, operation: &Operation) -> Self {
        Self::at(document, &format!("/paths/{}/{}", escaped(&operation.template), operation.method.to_lowercase()))
    }

    fn followed(self) -> Self {
        match self.value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => Self::at(self.document, pointer),
            None => self,
        }
    }

    /// The member of this name, if there is one.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        let pointer = format!("{}/{}", self.pointer, escaped(name));
        Some(Self { document: self.document, pointer, value }.followed())
    }

    /// Its members, if it is an object.
    pub(super) fn members(&self) -> Vec<Named<'a>> {
        let names = self.value.as_object().into_iter().flatten().map(|(name, _)| name);
        names.filter_map(|name| Some(Named { name: name.clone(), node: self.get(name)? })).collect()
    }

    /// Its items, if it is a list.
    pub(super) fn items(&self) -> Vec<Self> {
        let count = self.value.as_array().map_or(0, Vec::len);
        (0..count).map(|index| Self::at(self.document, &format!("{}/{index}", self.pointer))).collect()
    }

    /// The media types of a request body or of an answer.
    #[must_use]
    pub(super) fn media(&self) -> Vec<Media<'a>> {
        let content = self.get("content").map(|content| content.members()).unwrap_or_default();
        content.into_iter().map(|Named { name, node }| Media { name, node }).collect()
    }

    /// The headers of an answer.
    #[must_use]
    pub(super) fn headers(&self) -> Vec<Named<'a>> {
        self.get("headers").map(|headers| headers.members()).unwrap_or_default()
    }

    /// The last part of the pointer: the name of a shared part.
    #[must_use]
    pub(super) fn last(&self) -> &str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }
}

/// The answer of an operation with this status.
///
/// # Panics
/// When it isn't documented.
#[must_use]
pub(super) fn answer<'a>(document: &'a Document, operation: &Operation, status: u16) -> Node<'a> {
    let found = Node::of(document, operation).get("responses").and_then(|all| all.get(&status.to_string()));
    found.unwrap_or_else(|| panic!("{} documents no {status}", operation.id))
}

/// The pointers of what has the examples of an answer: its headers, and this media type of it.
pub(super) fn answered(
    document: &Document,
    operation: &Operation,
    status: u16,
    media: Option<&Media<'_>>,
) -> Vec<String> {
    let headers = answer(document, operation, status).headers();
    let mut all: Vec<String> = headers.into_iter().map(|header| header.node.pointer).collect();
    all.extend(media.map(|media| media.node.pointer.clone()));
    all
}

/// The media types of the body that an operation takes.
#[must_use]
pub(super) fn bodies<'a>(document: &'a Document, operation: &Operation) -> Vec<Media<'a>> {
    Node::of(document, operation).get("requestBody").map(|body| body.media()).unwrap_or_default()
}

/// The parameters of an operation and of its path.
#[must_use]
pub(super) fn parameters<'a>(document: &'a Document, operation: &Operation) -> Vec<Node<'a>> {
    let item = Node::at(document, &format!("/paths/{}", escaped(&operation.template)));
    let lists = [item.get("parameters"), Node::of(document, operation).get("parameters")];
    lists.iter().flatten().flat_map(Node::items).collect()
}

/// Every example of the document outside of its schemas, by the pointer of what it is an example of.
#[must_use]
pub(super) fn all(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    let root = document.root();
    for part in ["paths", "components"] {
        collect(&root[part], &format!("/{part}"), &mut found);
    }
    found
}

fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if value.get("schema").is_some() && value.get("example").is_some() {
        found.push(pointer.to_owned());
    }
    for (name, inner) in value.as_object().into_iter().flatten() {
        // Whatever stands in an example is data.
        if !matches!(name.as_str(), "schema" | "schemas" | "example") {
            collect(inner, &format!("{pointer}/{}", escaped(name)), found);
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        collect(inner, &format!("{pointer}/{index}"), found);
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
