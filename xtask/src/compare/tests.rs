//! Neutral rewrites are silent; every change of meaning is found.

use serde_json::json;

use super::*;

fn document() -> Value {
    json!({
        "openapi": "3.0.3", "info": { "title": "A", "version": "1" }, "tags": [{ "name": "a" }], "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "key": [] }],
        "paths": { "/a/{id}": {
            "parameters": [{ "$ref": "#/components/parameters/Id" }],
            "get": { "operationId": "a_view", "tags": ["a"],
                "parameters": [{ "name": "pageSize", "in": "query", "schema": { "type": "integer", "format": "int64", "minimum": 1, "maximum": 100, "default": 20 } }, { "name": "If-None-Match", "in": "header", "schema": { "type": "string" } }, { "name": "t", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } }],
                "responses": { "200": { "$ref": "#/components/responses/A" }, "404": { "description": "No." } } },
            "put": { "operationId": "a_replace", "tags": ["a"], "security": [],
                "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } },
                "responses": { "205": { "description": "Done.", "headers": { "ETag": { "schema": { "type": "string" } } } } } } } },
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" }, "key": { "type": "apiKey", "in": "header", "name": "Fastly-Key" } },
            "parameters": { "Id": { "name": "id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1, "pattern": "^a" } } },
            "responses": { "A": { "description": "It.", "headers": { "ETag": { "required": true, "schema": { "type": "string" } } }, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A" } } } } },
            "schemas": {
                "A": { "type": "object", "required": ["id", "kind"], "properties": {
                    "id": { "type": "string" }, "kind": { "type": "string", "enum": ["x", "y"] }, "size": { "type": "number", "minimum": 0, "nullable": true },
                    "parts": { "type": "array", "items": { "$ref": "#/components/schemas/A" } }, "b": { "$ref": "#/components/schemas/B" }, "free": { "type": "object" } } },
                "B": { "type": "object", "properties": { "n": { "type": "integer", "minimum": 1, "exclusiveMinimum": true } } } } }
    })
}

/// Puts a value at a pointer, making the member when there is none.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    let name = crate::pointer::unescape(name);
    match document.pointer_mut(above).unwrap() {
        Value::Object(map) => drop(map.insert(name, value)),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
}

const GET: &str = "/paths/~1a~1{id}/get";
const A: &str = "/components/schemas/A";

/// Rewrites that mean the same, each with its name.
type Rewrites = Vec<(&'static str, Vec<(String, Value)>)>;

/// What the document has at a pointer.
fn at(pointer: &str) -> Value {
    document().pointer(pointer).unwrap().clone()
}

/// Rewrites of what people read, and what nothing leads to.
fn unread() -> Rewrites {
    vec![
        ("titles", vec![(format!("{A}/title"), json!("A")), (format!("{A}/properties/id/title"), json!("Id"))]),
        (
            "prose",
            vec![
                (format!("{GET}/summary"), json!("x")),
                (format!("{GET}/responses/404/description"), json!("x")),
                (format!("{A}/properties/id/example"), json!("x")),
                ("/info/description".into(), json!("x")),
                ("/info/contact".into(), json!({ "name": "x" })),
                ("/tags/0/description".into(), json!("x")),
            ],
        ),
        (
            "extensions",
            vec![(format!("{GET}/x-a"), json!(1)), (format!("{A}/x-a"), json!(1)), ("/x-a".into(), json!(1))],
        ),
        ("unused component", vec![("/components/schemas/Spare".into(), json!({}))]),
        ("patch number", vec![("/openapi".into(), json!("3.0.0"))]),
    ]
}

/// Rewrites of what is spelled otherwise.
fn spelled() -> Rewrites {
    vec![
        (
            "charset",
            vec![(
                "/components/responses/A/content".into(),
                json!({ "application/json; charset=utf-8": { "schema": { "$ref": "#/components/schemas/A" } } }),
            )],
        ),
        ("server slash", vec![("/servers/0/url".into(), json!(""))]),
        (
            "orders",
            vec![
                (format!("{A}/required"), json!(["kind", "id"])),
                (format!("{A}/properties/kind/enum"), json!(["y", "x"])),
                ("/security".into(), json!([{ "key": [] }, { "basic": [] }])),
            ],
        ),
        (
            "numbers",
            vec![
                (format!("{A}/properties/size/minimum"), json!(0.0)),
                (format!("{GET}/parameters/0/schema/maximum"), json!(100.0)),
                (format!("{GET}/parameters/0/schema/default"), json!(20.0)),
            ],
        ),
        (
            "formats",
            vec![
                ("/components/schemas/B/properties/n/format".into(), json!("int64")),
                (format!("{A}/properties/size/format"), json!("double")),
            ],
        ),
        (
            "header names",
            vec![(
                "/components/responses/A/headers".into(),
                json!({ "etag": { "required": true, "schema": { "type": "string" } } }),
            )],
        ),
    ]
}

/// Rewrites of what says what its absence says.
fn defaults() -> Rewrites {
    vec![
        ("no servers", vec![("/servers".into(), json!([]))]),
        (
            "defaults",
            vec![
                (format!("{GET}/deprecated"), json!(false)),
                (format!("{GET}/parameters/0/required"), json!(false)),
                (format!("{GET}/parameters/0/style"), json!("form")),
                (format!("{GET}/parameters/0/explode"), json!(true)),
                (format!("{GET}/parameters/2/explode"), json!(true)),
                (format!("{GET}/parameters/1/style"), json!("simple")),
                (format!("{GET}/parameters/1/explode"), json!(true)),
                (format!("{A}/properties/free/additionalProperties"), json!({})),
                (format!("{A}/properties/id/minLength"), json!(0)),
                (format!("{A}/properties/id/nullable"), json!(false)),
                (format!("{A}/properties/b/readOnly"), json!(false)),
            ],
        ),
        (
            "empty lists",
            vec![
                ("/components/schemas/B/required".into(), json!([])),
                (format!("{GET}/responses/404/headers"), json!({})),
                (format!("{GET}/responses/404/content"), json!({})),
            ],
        ),
    ]
}

/// Rewrites of what stands elsewhere.
fn moved() -> Rewrites {
    vec![
        (
            "single allOf",
            vec![(format!("{A}/properties/b"), json!({ "allOf": [{ "$ref": "#/components/schemas/B" }] }))],
        ),
        (
            "allOf with siblings",
            vec![(
                format!("{A}/properties/b"),
                json!({ "allOf": [{ "$ref": "#/components/schemas/B" }, { "description": "x" }], "description": "x" }),
            )],
        ),
        (
            "single oneOf",
            vec![(format!("{A}/properties/b"), json!({ "oneOf": [{ "$ref": "#/components/schemas/B" }] }))],
        ),
        ("inlined schema", vec![(format!("{A}/properties/b"), at("/components/schemas/B"))]),
        ("inlined recursive schema", vec![("/components/responses/A/content/application~1json/schema".into(), at(A))]),
        ("inlined response", vec![(format!("{GET}/responses/200"), at("/components/responses/A"))]),
        ("inlined parameter", vec![("/paths/~1a~1{id}/parameters/0".into(), at("/components/parameters/Id"))]),
        (
            "parameters on the operations",
            vec![
                ("/paths/~1a~1{id}/parameters".into(), json!([])),
                ("/paths/~1a~1{id}/put/parameters".into(), json!([{ "$ref": "#/components/parameters/Id" }])),
                (
                    format!("{GET}/parameters"),
                    json!([at(&format!("{GET}/parameters/2")), at(&format!("{GET}/parameters/1")), { "$ref": "#/components/parameters/Id" }, at(&format!("{GET}/parameters/0"))]),
                ),
            ],
        ),
        (
            "effective security",
            vec![(format!("{GET}/security"), json!([{ "basic": [] }, { "key": [] }])), ("/security".into(), json!([]))],
        ),
    ]
}

#[test]
fn neutral_rewrites_are_silent() {
    let original = document();
    for (name, edits) in [unread(), spelled(), defaults(), moved()].concat() {
        let mut changed = document();
        for (pointer, value) in edits {
            // A reference takes no siblings; this edit is of what it leads to.
            let pointer = pointer.replace("/properties/b/readOnly", "/properties/id/readOnly");
            put(&mut changed, &pointer, value);
        }
        for found in [compare(&original, &changed), compare(&changed, &original)] {
            assert!(
                found.is_empty(),
                "{name}: {}",
                found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
            );
        }
    }
}

/// Every pointer of a value.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (escape(key), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        let at = format!("{at}/{key}");
        pointers(value, &at, out);
        out.push(at);
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let (above, name) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(above).unwrap() {
        Value::Object(map) => drop(map.shift_remove(&crate::pointer::unescape(name))),
        Value::Array(items) => drop(items.remove(name.parse().unwrap())),
        _ => panic!("{pointer}"),
    }
}

#[test]
fn deleting_any_node_is_found() {
    // What may go: prose, and what says no more than a default does.
    let silent = [
        "/description",
        "/tags/0/name",
        "/servers",
        "/servers/0",
        "/servers/0/url",
        "/pageSize/format",
        "/get/parameters/0/schema/format",
    ];
    let original = document();
    let mut all = Vec::new();
    pointers(&original, "", &mut all);
    let mut missed = Vec::new();
    for pointer in all {
        let mut changed = document();
        remove(&mut changed, &pointer);
        if compare(&original, &changed).is_empty() && !silent.iter().any(|end| pointer.ends_with(end)) {
            missed.push(pointer);
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn a_difference_names_operation_place_and_both_values() {
    let mut changed = document();
    put(&mut changed, &format!("{GET}/parameters/0/schema/maximum"), json!(99));
    put(&mut changed, "/components/schemas/B/properties/n/minimum", json!(2));
    let found: Vec<String> = compare(&document(), &changed).iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "a_view /paths/~1a~1{id}/get/parameters/query pageSize/schema/maximum: canonical 100, emitted 99",
            "/components/schemas/B/properties/n/minimum: canonical 1, emitted 2",
        ]
    );
}

/// What differs between two documents that have these schemas, in both directions.
fn between(one: &Value, other: &Value) -> Vec<Difference> {
    let with = |schema: &Value| {
        let mut document = document();
        document["components"]["schemas"]["A"]["properties"]["b"] = schema.clone();
        document["components"]["schemas"]["C"] = json!({ "type": "integer", "maximum": 3 });
        document
    };
    [compare(&with(one), &with(other)), compare(&with(other), &with(one))].concat()
}

#[test]
fn parts_that_limit_one_another_are_not_merged() {
    let properties = |names: &[&str]| -> Value {
        json!(
            names
                .iter()
                .map(|name| ((*name).to_owned(), json!({ "type": "string" })))
                .collect::<serde_json::Map<_, _>>()
        )
    };
    let text = json!({ "type": "string", "nullable": true });
    for (one, other) in [
        (
            json!({ "allOf": [
                { "properties": properties(&["a"]), "additionalProperties": false },
                { "properties": properties(&["b"]), "required": ["b"] }] }),
            json!({ "properties": properties(&["a", "b"]), "additionalProperties": false, "required": ["b"] }),
        ),
        (
            json!({ "properties": properties(&["a"]), "allOf": [{ "additionalProperties": { "type": "integer" } }] }),
            json!({ "properties": properties(&["a"]), "additionalProperties": { "type": "integer" } }),
        ),
        (
            json!({ "allOf": [text, { "type": "string", "maxLength": 3 }] }),
            json!({ "type": "string", "nullable": true, "maxLength": 3 }),
        ),
        (
            json!({ "allOf": [{ "type": "string", "maxLength": 3 }, text] }),
            json!({ "type": "string", "nullable": true, "maxLength": 3 }),
        ),
    ] {
        assert!(!between(&one, &other).is_empty(), "{one} is {other}");
    }
    let open = json!({ "allOf": [{ "additionalProperties": true, "properties": properties(&["a"]) }], "additionalProperties": true });
    assert_eq!(between(&open, &json!({ "properties": properties(&["a"]) })), []);
    assert_eq!(between(&json!({ "nullable": true, "allOf": [{ "type": "string" }] }), &text), []);
}

#[test]
fn not_everything_empty_is_a_default() {
    for empty in [json!({ "not": {} }), json!({ "enum": [] }), json!({ "default": [] }), json!({ "default": {} })] {
        assert!(!between(&empty, &json!({})).is_empty(), "{empty}");
    }
    for empty in [json!({ "items": {} }), json!({ "allOf": [] }), json!({ "required": [], "properties": {} })] {
        assert_eq!(between(&empty, &json!({})), [], "{empty}");
    }
}

#[test]
fn alternatives_have_no_order() {
    let (a, b, c) = (
        json!({ "$ref": "#/components/schemas/A" }),
        json!({ "$ref": "#/components/schemas/B" }),
        json!({ "$ref": "#/components/schemas/C" }),
    );
    let in_place = json!({ "type": "integer", "maximum": 3 });
    for key in ["oneOf", "anyOf", "allOf"] {
        assert_eq!(between(&json!({ key: [a, b, c] }), &json!({ key: [c, a, b] })), [], "{key}");
        assert_eq!(between(&json!({ key: [a, b, c] }), &json!({ key: [in_place, b, a] })), [], "{key}");
    }
    let told =
        between(&json!({ "oneOf": [a, b, c] }), &json!({ "oneOf": [{ "type": "integer", "maximum": 4 }, b, a] }));
    assert_eq!(told[0].to_string(), "/components/schemas/A/properties/b/oneOf/2/maximum: canonical 3, emitted 4");
    assert_eq!(told.len(), 2);
}

#[test]
fn a_composition_that_holds_itself_in_a_property_comes_to_an_end() {
    let with = |maximum: i64| {
        let more = json!({ "properties": { "m": { "type": "integer", "maximum": maximum } } });
        json!({ "allOf": [{ "$ref": "#/components/schemas/A" }, more] })
    };
    assert_eq!(between(&with(3), &with(3)), []);
    assert!(!between(&with(3), &with(4)).is_empty());
}

#[test]
fn servers_with_other_variables_are_others() {
    let with = |variable: Value| {
        let mut document = document();
        document["servers"] = json!([{ "url": "/{a}", "variables": { "a": variable } }]);
        document
    };
    let one = with(json!({ "default": "x", "enum": ["x", "y"], "description": "Which." }));
    assert_eq!(compare(&one, &with(json!({ "enum": ["y", "x"], "default": "x" }))), []);
    assert_eq!(compare(&one, &with(json!({ "enum": ["x", "y"], "default": "y" }))).len(), 1);
}

#[test]
fn schemes_there_are_none_of_keep_their_names() {
    let with = |name: &str| {
        let mut document = document();
        document["security"] = json!([{ name: [] }]);
        document
    };
    assert!(!compare(&with("one"), &with("other")).is_empty());
    assert!(compare(&with("one"), &with("one")).is_empty());
}
