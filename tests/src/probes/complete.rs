//! What a document has to say so that requests can be derived from it and answers be held against it, closed: where
//! something is left open anything would be as it says.

use serde_json::Value;

/// The places of a parameter.
const PLACES: [&str; 4] = ["path", "query", "header", "cookie"];
/// The types of OpenAPI 3.0.
const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
/// What stands in place of a type.
const INSTEAD: [&str; 5] = ["$ref", "allOf", "oneOf", "anyOf", "enum"];

/// What is left open, by the pointers of the nodes.
#[must_use]
pub fn left_open(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(&document["paths"], "/paths", Kind::Paths, &mut found);
    walk(&document["components"], "/components", Kind::Other, &mut found);
    found
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Paths,
    Path,
    Schemas,
    Schema,
    Schemata,
    Parameters,
    Parameter,
    Responses,
    Response,
    Headers,
    Header,
    Content,
    Media,
    Other,
}

/// What the member of a node is.
fn below(kind: Kind, name: &str) -> Kind {
    match (kind, name) {
        (Kind::Paths, _) => Kind::Path,
        (Kind::Schemas, _) => Kind::Schema,
        (Kind::Parameters, _) => Kind::Parameter,
        (Kind::Responses, _) => Kind::Response,
        (Kind::Headers, _) => Kind::Header,
        (Kind::Content, _) => Kind::Media,
        (Kind::Schemata, _) => Kind::Schema,
        (Kind::Schema, "properties") => Kind::Schemas,
        (Kind::Schema, "items" | "not") => Kind::Schema,
        (Kind::Schema, "allOf" | "oneOf" | "anyOf") => Kind::Schemata,
        (Kind::Parameter | Kind::Header | Kind::Media, "schema") => Kind::Schema,
        (Kind::Other, "schemas") => Kind::Schemas,
        (Kind::Path | Kind::Other, "parameters") => Kind::Parameters,
        (Kind::Other, "responses") => Kind::Responses,
        (Kind::Response | Kind::Other, "headers") => Kind::Headers,
        (Kind::Response | Kind::Other, "content") => Kind::Content,
        _ => Kind::Other,
    }
}

fn walk(node: &Value, pointer: &str, kind: Kind, found: &mut Vec<String>) {
    if node.is_object() && is_open(node, kind) {
        found.push(pointer.to_owned());
    }
    let inner: Vec<(String, &Value)> = match node {
        Value::Object(members) => members.iter().map(|(name, inner)| (name.clone(), inner)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, inner)| (index.to_string(), inner)).collect(),
        _ => return,
    };
    let is_named = matches!(kind, Kind::Paths | Kind::Schemas | Kind::Headers | Kind::Content | Kind::Responses);
    for (name, inner) in inner {
        // Whatever stands in an example is data.
        if is_named || name != "example" {
            let at = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            walk(inner, &at, below(kind, &name), found);
        }
    }
}

fn is_open(node: &Value, kind: Kind) -> bool {
    let has = |name: &str| node.get(name).is_some();
    match kind {
        _ if has("$ref") => false,
        Kind::Schema => match node.get("type") {
            Some(name) => !name.as_str().is_some_and(|name| TYPES.contains(&name)),
            None => !INSTEAD.iter().any(|keyword| has(keyword)),
        },
        Kind::Parameter => {
            let place = node["in"].as_str().unwrap_or_default();
            !node["name"].is_string() || !PLACES.contains(&place) || !has("schema")
        }
        Kind::Header | Kind::Media => !has("schema"),
        Kind::Response => !node["description"].is_string(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::Document;

    #[test]
    fn the_document_leaves_nothing_open() {
        assert_eq!(left_open(Document::committed().root()), Vec::<String>::new());
    }

    #[test]
    fn what_is_left_open_is_found() {
        let schema =
            json!({ "properties": { "a": { "format": "uri" }, "example": { "type": "string" } }, "type": "object" });
        let header = json!({ "description": "Nobody knows what." });
        let response = json!({ "description": "", "headers": { "A": header }, "content": { "a/b": {} } });
        let parameters = json!([{ "name": "a", "in": "nowhere", "schema": { "type": "string" } }, {}]);
        let document = json!({
            "paths": { "/": { "get": { "parameters": parameters, "responses": { "200": response, "400": {} } } } },
            "components": { "schemas": { "A": schema, "B": { "type": "thing" } } },
        });
        let all = "/paths/~1/get/parameters/0 /paths/~1/get/parameters/1 /paths/~1/get/responses/200/headers/A \
                   /paths/~1/get/responses/200/content/a~1b /paths/~1/get/responses/400 \
                   /components/schemas/A/properties/a /components/schemas/B";
        assert_eq!(left_open(&document), all.split_whitespace().collect::<Vec<_>>());
    }
}
