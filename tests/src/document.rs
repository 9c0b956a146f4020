//! The document as the tests see it: paths, operations, and what each may answer.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The methods a path item can have, in the document's spelling.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "options", "head"];

/// References that lead to references are followed so far.
const REFERENCES: usize = 64;

/// An OpenAPI 3.0 document in one file.
#[derive(Debug)]
pub struct Document {
    root: Value,
    paths: Vec<PathItem>,
}

/// One path of the document and its operations.
#[derive(Debug)]
pub struct PathItem {
    /// The template as written, such as `/customers/{customer}`.
    pub template: String,
    /// Operations by method, in upper case.
    pub operations: BTreeMap<String, Operation>,
    segments: Vec<Segment>,
}

/// One operation of the document.
#[derive(Debug)]
pub struct Operation {
    /// The operationId.
    pub id: String,
    /// The method, in upper case.
    pub method: String,
    /// The template of its path.
    pub template: String,
    /// What it may answer, by status.
    pub responses: BTreeMap<u16, Response>,
    /// Parameters of the operation and of its path, references resolved.
    pub parameters: Vec<Value>,
    /// Request body by media type: the schema as written.
    pub request_content: BTreeMap<String, Value>,
    /// The operation as written.
    pub node: Value,
}

/// One documented answer.
#[derive(Debug, Default)]
pub struct Response {
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, Header>,
    /// Schemas by media type; null where a media type has none.
    pub content: BTreeMap<String, Value>,
}

/// One documented response header.
#[derive(Debug, Clone)]
pub struct Header {
    /// Whether every such answer has it.
    pub required: bool,
    /// Its schema, null when there is none.
    pub schema: Value,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Variable,
}

type Segment = Vec<Part>;

impl Document {
    /// Reads a bundled document.
    ///
    /// # Errors
    /// When it is not JSON, a reference leads nowhere, or an operation has no operationId or a status
    /// that is not a number.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Self::read(text.parse()?)
    }

    /// As [`parse`](Self::parse), of what is read already.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn read(root: Value) -> anyhow::Result<Self> {
        let mut paths = Vec::new();
        for (template, item) in root["paths"].as_object().into_iter().flatten() {
            paths.push(read_path(&root, template, item)?);
        }
        Ok(Self { root, paths })
    }

    /// The committed bundle.
    ///
    /// # Panics
    /// When the bundle can't be read: nothing can be tested then.
    #[must_use]
    pub fn committed() -> &'static Self {
        static DOCUMENT: std::sync::OnceLock<Document> = std::sync::OnceLock::new();
        DOCUMENT.get_or_init(|| {
            Self::parse(include_str!("../../openapi/openapi.json")).expect("openapi/openapi.json is readable")
        })
    }

    /// The whole document.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Every path.
    #[must_use]
    pub fn paths(&self) -> &[PathItem] {
        &self.paths
    }

    /// Every operation, in the document's order of paths.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.paths.iter().flat_map(|path| path.operations.values())
    }

    /// The operation with this operationId.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations().find(|operation| operation.id == id)
    }

    /// The path item a raw request path (no query) belongs to; literal segments win over variables.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&PathItem> {
        let given: Vec<&str> = path.split('/').skip(1).collect();
        self.paths.iter().filter(|item| item.matches(&given)).max_by_key(|item| item.rank())
    }

    /// Follows a reference, if the node is one.
    ///
    /// # Errors
    /// When the reference leads nowhere.
    pub fn resolve<'a>(&'a self, node: &'a Value) -> anyhow::Result<&'a Value> {
        resolve(&self.root, node)
    }

    /// Headers that every answer of every operation documents, by lower-case name.
    #[must_use]
    pub fn common_headers(&self) -> BTreeMap<String, Header> {
        let mut responses = self.operations().flat_map(|operation| operation.responses.values());
        let mut common = responses.next().map(|first| first.headers.clone()).unwrap_or_default();
        for response in responses {
            common.retain(|name, _| response.headers.contains_key(name));
        }
        common
    }
}

impl PathItem {
    /// The value `Allow` must have: the document's methods, HEAD where GET is, OPTIONS; sorted.
    #[must_use]
    pub fn allow(&self) -> Vec<String> {
        let mut methods: Vec<String> = self.operations.keys().cloned().collect();
        if self.operations.contains_key("GET") {
            methods.push("HEAD".into());
        }
        methods.push("OPTIONS".into());
        methods.sort();
        methods.dedup();
        methods
    }

    fn matches(&self, given: &[&str]) -> bool {
        self.segments.len() == given.len()
            && self
                .segments
                .iter()
                .zip(given)
                .all(|(segment, text)| matches_segment(segment, &percent_decode_str(text).decode_utf8_lossy()))
    }

    /// Per segment: 2 all literal, 1 partly, 0 a variable. Compared from the left.
    fn rank(&self) -> Vec<u8> {
        let rank = |segment: &Segment| match segment.as_slice() {
            [Part::Variable] => 0,
            parts if parts.iter().all(|part| matches!(part, Part::Literal(_))) => 2,
            _ => 1,
        };
        self.segments.iter().map(rank).collect()
    }
}

fn matches_segment(parts: &[Part], text: &str) -> bool {
    match parts {
        [] => text.is_empty(),
        [Part::Literal(literal), rest @ ..] => {
            text.strip_prefix(literal.as_str()).is_some_and(|left| matches_segment(rest, left))
        }
        [Part::Variable] => !text.is_empty(),
        [Part::Variable, rest @ ..] => text.char_indices().skip(1).any(|(at, _)| matches_segment(rest, &text[at..])),
    }
}

fn parse_segment(text: &str) -> Segment {
    let mut parts = Vec::new();
    let mut left = text;
    while let Some(open) = left.find('{') {
        if open > 0 {
            parts.push(Part::Literal(left[..open].to_owned()));
        }
        parts.push(Part::Variable);
        left = left[open..].find('}').map_or("", |close| &left[open + close + 1..]);
    }
    if !left.is_empty() {
        parts.push(Part::Literal(left.to_owned()));
    }
    parts
}

fn resolve<'a>(root: &'a Value, node: &'a Value) -> anyhow::Result<&'a Value> {
    let mut node = node;
    for _ in 0..REFERENCES {
        let Some(reference) = node.get("$ref").and_then(Value::as_str) else { return Ok(node) };
        node = reference
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer))
            .ok_or_else(|| anyhow::anyhow!("{reference} leads nowhere"))?;
    }
    anyhow::bail!("a reference leads to itself: {node}")
}

fn read_path(root: &Value, template: &str, item: &Value) -> anyhow::Result<PathItem> {
    let mut operations = BTreeMap::new();
    for method in METHODS {
        if let Some(node) = item.get(method) {
            let operation = read_operation(root, template, method, node, &item["parameters"])?;
            operations.insert(method.to_uppercase(), operation);
        }
    }
    Ok(PathItem {
        template: template.to_owned(),
        operations,
        segments: template.split('/').skip(1).map(parse_segment).collect(),
    })
}

fn read_operation(
    root: &Value,
    template: &str,
    method: &str,
    node: &Value,
    shared: &Value,
) -> anyhow::Result<Operation> {
    let id = node["operationId"].as_str().ok_or_else(|| anyhow::anyhow!("{method} {template} has no operationId"))?;
    let mut responses = BTreeMap::new();
    for (status, response) in node["responses"].as_object().into_iter().flatten() {
        let status = status.parse().map_err(|_| anyhow::anyhow!("{id}: {status} is not a status"))?;
        responses.insert(status, read_response(root, resolve(root, response)?)?);
    }
    let mut parameters = Vec::new();
    let own = node["parameters"].as_array().into_iter().flatten();
    for parameter in shared.as_array().into_iter().flatten().chain(own) {
        parameters.push(resolve(root, parameter)?.clone());
    }
    let body = node.get("requestBody").map(|body| resolve(root, body)).transpose()?;
    Ok(Operation {
        id: id.to_owned(),
        method: method.to_uppercase(),
        template: template.to_owned(),
        responses,
        parameters,
        request_content: body.map(read_content).unwrap_or_default(),
        node: node.clone(),
    })
}

fn read_response(root: &Value, node: &Value) -> anyhow::Result<Response> {
    let mut headers = BTreeMap::new();
    for (name, header) in node["headers"].as_object().into_iter().flatten() {
        let header = resolve(root, header)?;
        let required = header["required"].as_bool().unwrap_or(false);
        headers.insert(name.to_lowercase(), Header { required, schema: header["schema"].clone() });
    }
    Ok(Response { headers, content: read_content(node) })
}

fn read_content(node: &Value) -> BTreeMap<String, Value> {
    let content = node["content"].as_object().into_iter().flatten();
    content.map(|(media_type, node)| (media_type.clone(), node["schema"].clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        Document::parse(crate::validate::sample::DOCUMENT).unwrap()
    }

    #[test]
    fn literal_segments_win() {
        let document = document();
        let found = |path| document.find(path).map(|item| item.template.as_str());
        assert_eq!(found("/customers/1/spaces/top"), Some("/customers/{customer}/spaces/top"));
        assert_eq!(found("/customers/1/spaces/5"), Some("/customers/{customer}/spaces/{space}"));
        assert_eq!(found("/contexts/A.B.jsonld"), Some("/contexts/{name}.jsonld"));
        assert_eq!(found("/contexts/.jsonld"), None);
        assert_eq!(found("/customers//spaces/5"), None);
        assert_eq!(found("/customers/1/spaces/a%2Fb"), Some("/customers/{customer}/spaces/{space}"));
        assert_eq!(found("/customers/1/spaces/5/"), None);
    }

    #[test]
    fn shared_parts_are_resolved() {
        let document = document();
        let view = document.operation("space_view").unwrap();
        assert!(view.responses[&404].content.contains_key("application/problem+json"));
        assert_eq!(view.parameters.len(), 2);
        assert!(document.common_headers().contains_key("x-request-id"));
    }

    #[test]
    fn allow_has_head_and_options() {
        let document = document();
        let item = document.find("/customers/1/spaces/5").unwrap();
        assert_eq!(item.allow(), ["DELETE", "GET", "HEAD", "OPTIONS"]);
    }
}
