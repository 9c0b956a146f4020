//! What the view changes, and that it changes nothing else.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::{client, client_schemas::KEYWORDS, generate, pointer::operations};

fn document() -> Value {
    let thing = json!({ "$ref": "#/components/schemas/Thing" });
    let both = json!({ "application/json": { "schema": thing }, "application/ld+json": { "schema": thing } });
    let failure = json!({ "description": "No.", "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } });
    let change = json!({ "schema": { "$ref": "#/components/schemas/ThingUpdate" } });
    json!({
        "openapi": "3.0.3", "info": { "title": "A", "version": "1" }, "security": [{ "basic": [] }],
        "paths": {
            "/things/{thing}": {
                "parameters": [{ "name": "thing", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 1 } }],
                "get": { "operationId": "thing_view", "parameters": [{ "name": "If-None-Match", "in": "header", "schema": { "type": "string" } }, { "name": "Prefer", "in": "header", "schema": { "type": "string" } }],
                    "responses": { "200": { "description": "It.", "content": both }, "304": { "description": "Same." }, "404": failure } },
                "patch": { "operationId": "thing_update", "summary": "Change a thing",
                    "requestBody": { "required": true, "content": { "application/json": change, "application/merge-patch+json": change } },
                    "responses": { "200": { "description": "It.", "content": both }, "205": { "description": "Done." }, "400": failure } },
                "put": { "operationId": "thing_replace", "requestBody": { "required": true, "content": { "application/json": { "schema": thing } } },
                    "responses": { "200": { "description": "It.", "content": both }, "201": { "description": "It.", "content": both }, "204": { "description": "Done." } } },
                "delete": { "operationId": "thing_delete", "responses": { "204": { "description": "Done." }, "205": { "description": "Done." }, "503": failure } } },
            "/pixels": { "get": { "operationId": "pixels_view", "responses": { "200": { "description": "It.", "content": { "image/jpeg": { "schema": { "type": "string", "format": "binary" } } } }, "303": { "description": "There." } } } }
        },
        "components": { "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } }, "schemas": {
            "Thing": { "type": "object", "description": "A thing.", "required": ["@id", "size"], "properties": {
                "@id": { "type": "string", "format": "uri" }, "id": { "type": "string", "minLength": 1 }, "size": { "type": "integer", "minimum": 1 },
                "tags": { "type": "array", "items": { "type": "string" } }, "limit": { "type": "integer", "default": 3 } } },
            "ThingUpdate": { "type": "object", "description": "A change.", "properties": { "size": { "type": "integer", "nullable": true }, "tags": { "type": "array", "nullable": true, "items": { "type": "string" } } } },
            "Problem": { "type": "object", "description": "A problem.", "required": ["title"], "properties": { "title": { "type": "string" } } }
        } }
    })
}

#[test]
fn one_type_of_success_and_failure_each() {
    let view = client_view(&document());
    let statuses = |path: &str, method: &str| {
        members(&view["paths"][path][method]["responses"]).map(|(status, _)| status.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(statuses("/things/{thing}", "get"), ["200", "4XX", "5XX"]);
    assert_eq!(statuses("/things/{thing}", "put"), ["200", "201", "4XX", "5XX"]);
    assert_eq!(statuses("/things/{thing}", "delete"), ["204", "205", "4XX", "5XX"]);
    assert_eq!(statuses("/things/{thing}", "patch"), ["200", "205", "4XX", "5XX"]);
    assert_eq!(view["paths"]["/things/{thing}"]["patch"]["responses"]["200"], json!({ "description": "It." }));
    let twin = &view["paths"]["/things/{thing-}"];
    assert_eq!(twin["patch"]["operationId"], "thing_update_returning");
    assert_eq!(twin["parameters"][0]["name"], "thing-");
    assert!(twin["patch"]["responses"]["200"]["content"]["application/json"].is_object());
    assert_eq!(view["paths"]["/things/{thing}"]["get"]["parameters"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_source_says_what_the_document_says() {
    let source = client::source(&client_view(&document())).unwrap();
    let compact: String = source.split_whitespace().collect();
    for expected in [
        "rename=\"@id\"",
        "pubiri:::std::string::String",
        "pubid:::std::option::Option<::std::string::String>",
        "pubsize:i64",
        "publimit:::std::option::Option<i64>",
        "pubtags:::std::option::Option<::std::vec::Vec<::std::string::String>>",
        "pubsize:::std::option::Option<crate::Nullable<i64>>",
        "crate::Nullable<::std::vec::Vec<::std::string::String>>",
        "deserialize_with=\"crate::nullable::present\"",
        "Result<ResponseValue<types::Thing>,Error<types::Problem>>",
        "Result<ResponseValue<()>,Error<types::Problem>>",
        "Result<ResponseValue<ByteStream>,Error<types::Problem>>",
        "fnthing_update_returning",
        "operation_id:\"thing_update_returning\"",
    ] {
        assert!(compact.contains(expected), "{expected} is missing");
    }
}

/// The committed document: what a person reads in it is what the client's user gets.
#[test]
fn nothing_else_differs_from_the_canonical_document() {
    let canonical = generate::canonical(&generate::repository()).unwrap().document;
    let view = client_view(&canonical);
    let ids = |document: &Value| {
        operations(document)
            .map(|operation| operation.id())
            .filter(|id| !id.ends_with(RETURNING))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&canonical), ids(&view));
    let wire = |name: &str| KEYWORDS.iter().find(|(_, word)| *word == name).map_or(name, |(wire, _)| wire).to_owned();
    for (name, schema) in members(&view["components"]["schemas"]) {
        let original = &canonical["components"]["schemas"][name];
        if original.is_null() {
            assert!(name.starts_with("Nullable"), "{name} comes from nowhere");
            continue;
        }
        let names = |schema: &Value| members(&schema["properties"]).map(|(name, _)| wire(name)).collect::<Vec<_>>();
        let required =
            |schema: &Value| items(&schema["required"]).filter_map(Value::as_str).map(wire).collect::<Vec<_>>();
        assert_eq!(names(original), names(schema), "{name}");
        assert_eq!(required(original), required(schema), "{name}");
        assert_eq!(names(schema).len(), names(schema).iter().collect::<BTreeSet<_>>().len(), "{name}");
        if name.ends_with("Update") {
            continue;
        }
        for ((property, one), (_, other)) in members(&original["properties"]).zip(members(&schema["properties"])) {
            assert!(
                one["type"] == other["type"] || schema_name(other).is_some(),
                "{name}.{property}: {one} became {other}"
            );
        }
    }
}
