//! Each rule finds what it is for, in a small document that otherwise keeps all of them.

use serde_json::{Value, json};

use super::lint;
use crate::bundle::Bundle;

fn sound() -> Value {
    json!({
        "openapi": "3.0.3", "info": { "title": "A", "version": "1" },
        "servers": [{ "url": "/", "description": "This one." }],
        "tags": [{ "name": "openapis", "description": "Everything." }],
        "paths": { "/a/{id}": { "get": {
            "operationId": "openapi_view", "tags": ["openapis"], "summary": "View", "description": "View it.",
            "parameters": [{ "name": "id", "in": "path", "required": true, "description": "Which.", "example": 7, "schema": { "type": "integer" } }],
            "responses": {
                "200": { "description": "It.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" }, "example": { "@id": "http://example.org/a/7", "size": 3 } } } },
                "205": { "description": "Nothing." },
                "401": { "description": "Who?", "headers": { "WWW-Authenticate": { "description": "How.", "schema": { "type": "string" } } },
                         "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } }
            } } } },
        "components": { "securitySchemes": { "key": { "type": "http", "scheme": "basic", "description": "A key." } }, "schemas": {
            "Thing": { "type": "object", "description": "A thing.", "required": ["@id"], "properties": {
                "@id": { "type": "string", "format": "uri", "description": "Its URI.", "example": "http://example.org/a/7" },
                "size": { "type": "integer", "minimum": 1, "description": "How large.", "example": 3 },
                "parts": { "type": "array", "description": "Its parts.", "items": { "$ref": "#/components/schemas/Thing" } } } },
            "Problem": { "type": "object", "description": "A problem.", "properties": { "title": { "type": "string", "description": "What.", "example": "No" } } }
        } }
    })
}

fn findings(document: Value) -> Vec<String> {
    lint(&Bundle { document, ..Bundle::default() }).iter().map(ToString::to_string).collect()
}

#[test]
fn finds_nothing_in_a_sound_document() {
    assert_eq!(findings(sound()), Vec::<String>::new());
}

/// Each change of the sound document gives a finding with these words.
fn check<const N: usize>(cases: [(String, Value, &str); N]) {
    for (pointer, value, expected) in cases {
        let mut document = sound();
        *document.pointer_mut(&pointer).unwrap() = value;
        let found = findings(document);
        assert!(found.iter().any(|line| line.contains(expected)), "{pointer}: {found:#?}");
    }
}

#[test]
fn finds_what_each_rule_is_for() {
    let get = "/paths/~1a~1{id}/get";
    let thing = "/components/schemas/Thing";
    check([
        (format!("{get}/operationId"), json!("viewIt"), "operationId must be"),
        (format!("{get}/summary"), json!(""), "no summary"),
        (format!("{get}/description"), json!(" "), "no description"),
        (format!("{get}/tags"), json!(["openapis", "b"]), "exactly one tag"),
        (format!("{get}/tags"), json!(["b"]), "not declared"),
        (format!("{get}/parameters/0/description"), json!(""), "no description"),
        (format!("{get}/parameters/0/example"), json!("x"), "not what its schema describes"),
        ("/servers/0/description".into(), json!(""), "the server has no description"),
        (
            "/components/securitySchemes/key/description".into(),
            json!(""),
            "the security scheme `key` has no description",
        ),
        (format!("{thing}/properties/size"), json!({ "type": "integer", "example": 3 }), "no description"),
        (format!("{thing}/properties/size"), json!({ "type": "integer", "description": "x" }), "no example"),
        (format!("{thing}/properties/size/example"), json!(0), "not what its schema describes"),
        (format!("{thing}/required"), json!(["@id", "colour"]), "is no property"),
        (
            format!("{thing}/properties"),
            json!({ "@id": { "type": "string", "description": "x", "example": "x" }, "a_b": { "type": "string", "description": "x", "example": "x" } }),
            "camelCase",
        ),
        ("/components/schemas/Thing/description".into(), json!(""), "no description"),
        ("/tags/0/name".into(), json!("b"), "no operation has the tag"),
    ]);
}

#[test]
fn finds_what_each_rule_of_responses_is_for() {
    let responses = "/paths/~1a~1{id}/get/responses";
    check([
        (format!("{responses}/200/description"), json!(""), "no description"),
        (format!("{responses}/205"), json!({ "description": "x", "content": {} }), "has no content"),
        (format!("{responses}/401/headers"), json!({}), "WWW-Authenticate"),
        (
            format!("{responses}/401/headers/WWW-Authenticate"),
            json!({ "$ref": "#/components/headers/Vary" }),
            "the header WWW-Authenticate refers to `#/components/headers/Vary`",
        ),
        (format!("{responses}/401/content"), json!({ "application/json": {} }), "must be application/problem+json"),
        (
            format!("{responses}/401/content/application~1problem+json"),
            json!({ "schema": { "$ref": "#/components/schemas/Problem" }, "example": { "status": 403 } }),
            "the example of a 401 says that it is a 403",
        ),
        (
            format!("{responses}/200/content/application~1json/example"),
            json!({ "@id": "http://example.org/a/7", "more": 1 }),
            "not what its schema describes",
        ),
        (
            format!("{responses}/200/content/application~1json/example"),
            json!({ "@id": "http://example.org/a/7", "size": 0 }),
            "not what its schema describes",
        ),
        (
            format!("{responses}/200/content/application~1json"),
            json!({ "schema": { "$ref": "#/components/schemas/Thing" } }),
            "no example",
        ),
    ]);
}

#[test]
fn finds_components_nothing_uses_and_odd_names() {
    let mut document = sound();
    document["components"]["schemas"]["spare_part"] = json!({ "type": "string", "description": "x" });
    let found = findings(document).join("\n");
    assert!(found.contains("nothing uses `spare_part`") && found.contains("PascalCase"), "{found}");
}

#[test]
fn ends_at_a_circle_of_references() {
    let mut document = sound();
    document["paths"]["/a/{id}"]["get"]["responses"]["205"] = json!({ "$ref": "#/components/responses/One" });
    document["components"]["responses"] = json!({
        "One": { "$ref": "#/components/responses/Two" }, "Two": { "$ref": "#/components/responses/One" } });
    assert!(findings(document).iter().any(|found| found.contains("the response 205 of openapi_view")));
}
