//! What a change says, whom it reaches, and whether it breaks anyone.

use serde_json::json;

use super::*;

fn document() -> Value {
    let content =
        |name: &str| json!({ "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    json!({
        "openapi": "3.0.3", "info": { "title": "A", "version": "1" }, "security": [{ "basic": [] }],
        "paths": { "/a": {
            "get": { "operationId": "a_view", "tags": ["a"],
                "parameters": [{ "name": "n", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 9 } }],
                "responses": { "200": { "description": "x", "headers": { "ETag": { "required": true, "schema": { "type": "string" } } }, "content": content("A") }, "404": { "description": "x" } } },
            "put": { "operationId": "a_replace", "tags": ["a"],
                "requestBody": { "content": content("AReplace") }, "responses": { "205": { "description": "x" } } } } },
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" }, "key": { "type": "apiKey", "in": "header", "name": "k" } },
            "schemas": {
                "A": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" }, "kind": { "$ref": "#/components/schemas/Kind" } } },
                "AReplace": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string", "maxLength": 9, "default": "x" }, "kind": { "$ref": "#/components/schemas/Kind" } } },
                "Kind": { "type": "string", "enum": ["x", "y"] } } }
    })
}

/// The changes a new value at a pointer makes; `null` takes it out.
fn put(pointer: &str, value: Value) -> Vec<Change> {
    let mut new = document();
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let map = new.pointer_mut(above).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => drop(map.shift_remove(&unescape(name))),
        value => drop(map.insert(unescape(name), value)),
    }
    changes(&document(), &new)
}

const GET: &str = "/paths/~1a/get";
const PUT: &str = "/paths/~1a/put";
const REPLACE: &str = "/components/schemas/AReplace";
const A: &str = "/components/schemas/A";
const KIND: &str = "/components/schemas/Kind";

#[test]
fn tells_what_breaks_clients() {
    let maximum = |number: i64| json!([{ "name": "n", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": number } }]);
    for (pointer, value, why) in [
        ("/paths/~1a".to_owned(), Value::Null, "the path is gone"),
        (PUT.to_owned(), Value::Null, "the operation is gone"),
        (format!("{GET}/operationId"), json!("a_show"), "the client's method"),
        (format!("{GET}/parameters"), json!([]), "the parameter is gone"),
        (format!("{GET}/parameters"), maximum(8), "a request that was taken is refused"),
        (format!("{GET}/security"), json!([{ "key": [] }]), "credentials"),
        (format!("{PUT}/requestBody/required"), json!(true), "the body has become required"),
        (format!("{PUT}/requestBody"), Value::Null, "the body is no longer taken"),
        (format!("{PUT}/requestBody/content"), json!({ "a/b": {} }), "the media type is gone"),
        (format!("{GET}/responses/200"), Value::Null, "the answer no longer comes"),
        (format!("{PUT}/responses/200"), json!({ "description": "x" }), "clients don't know this answer"),
        (format!("{GET}/responses/200/headers"), json!({}), "the header no longer comes"),
        (format!("{GET}/responses/200/headers/ETag/required"), json!(false), "no longer always comes"),
        (format!("{A}/required"), json!([]), "an answer can be"),
        (format!("{A}/properties/id"), Value::Null, "the member `id` is gone"),
        (format!("{A}/properties/id/nullable"), json!(true), "an answer can be"),
        (format!("{REPLACE}/required"), json!(["id", "kind"]), "a request that was taken is refused"),
        (format!("{REPLACE}/properties/id/maxLength"), json!(8), "a request that was taken is refused"),
        (format!("{REPLACE}/properties/id/default"), json!("y"), "what isn't sent"),
        (format!("{REPLACE}/properties/id/pattern"), json!("^a"), "a request that was taken is refused"),
        (format!("{KIND}/enum"), json!(["x"]), "a request that was taken is refused"),
        (format!("{KIND}/enum"), json!(["x", "y", "z"]), "an answer can be"),
        (format!("{KIND}/type"), json!("integer"), "a request that was taken is refused"),
    ] {
        let found: Vec<String> = put(&pointer, value).iter().map(ToString::to_string).collect();
        assert!(found.iter().any(|line| line.contains("BREAKS") && line.contains(why)), "{pointer}: {found:#?}");
    }
}

#[test]
fn tells_what_breaks_nobody() {
    for (pointer, value) in [
        ("/paths/~1b".to_owned(), json!({ "get": { "operationId": "b", "responses": {} } })),
        (format!("{GET}/tags"), json!(["b"])),
        (format!("{GET}/deprecated"), json!(true)),
        (format!("{GET}/security"), json!([{ "basic": [] }, { "key": [] }])),
        (format!("{GET}/security"), json!([])),
        (format!("{GET}/responses/404"), Value::Null),
        (format!("{PUT}/responses/409"), json!({ "description": "x" })),
        (format!("{REPLACE}/required"), json!([])),
        (format!("{REPLACE}/properties/id/maxLength"), json!(10)),
        (format!("{REPLACE}/properties/more"), json!({ "type": "string" })),
        (format!("{A}/required"), json!(["id", "kind"])),
        (format!("{A}/properties/more"), json!({ "type": "string" })),
        (format!("{A}/properties/id/maxLength"), json!(10)),
        ("/info/version".into(), json!("2")),
    ] {
        let found = put(&pointer, value);
        assert!(!found.is_empty(), "{pointer} is no change");
        assert!(found.iter().all(|change| change.breaks.is_none()), "{pointer}: {found:#?}");
    }
}

#[test]
fn a_shared_part_names_the_operations_it_reaches() {
    let found = put(&format!("{KIND}/enum"), json!(["x"]));
    assert_eq!(
        found[0].to_string(),
        "BREAKS  /components/schemas/Kind/enum: old [\"x\",\"y\"], new [\"x\"]\n        \
         because a request that was taken is refused\n        \
         ├─ a_replace in requests\n        \
         └─ a_view in responses"
    );
}

#[test]
fn another_name_of_a_schema_is_a_change_of_the_client_alone() {
    let text = document().to_string().replace("/Kind", "/Sort").replace("\"Kind\"", "\"Sort\"");
    let found = changes(&document(), &serde_json::from_str(&text).unwrap());
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().contains("the client's type has another name"));
}

#[test]
fn the_two_editions_are_one_contract() {
    assert_eq!(changes(&document(), &crate::edition_31::edition_31(&document())), []);
}
