use serde_json::{Value, json};

use super::{Body, Caller, Expected, Patterns, Probe, Subject, derive};
use crate::document::Document;

/// Berths of a harbour, each with a few constraints.
fn document() -> Document {
    let body = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": { "type": "string", "minLength": 2, "maxLength": 4, "pattern": "^[a-z]+$" },
            "depth": { "type": "integer", "format": "int64", "minimum": 1 },
            "kind": { "type": "string", "enum": ["wet", "dry"] },
            "marks": { "type": "array", "maxItems": 2, "items": { "type": "string", "maxLength": 3 } },
        },
    });
    let number = json!({ "name": "number", "in": "path", "required": true, "example": 7,
        "schema": { "type": "integer", "minimum": 1, "maximum": 9 } });
    let page =
        json!({ "name": "page", "in": "query", "example": 2, "schema": { "type": "integer", "format": "int64" } });
    let condition = json!({ "name": "If-Match", "in": "header", "schema": { "type": "string" } });
    let content = json!({ "application/json": { "schema": body, "example": { "name": "abc", "depth": 3 } } });
    let answers = json!({ "200": { "description": "" }, "400": { "description": "" } });
    let root = json!({
        "security": [{ "basic": [] }],
        "components": { "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } } },
        "paths": { "/berths/{number}": {
            "parameters": [number],
            "get": { "operationId": "berth_view", "security": [], "parameters": [page], "responses": answers },
            "put": { "operationId": "berth_replace", "parameters": [condition], "responses": answers,
                "requestBody": { "required": true, "content": content } },
        } },
    });
    Document::parse(&root.to_string()).unwrap()
}

fn probes(document: &Document, id: &str) -> Vec<Probe> {
    let (translate, patterns) = (|value: &Value| value.clone(), Patterns::default());
    let operation = document.operation(id).unwrap();
    derive(&Subject { document, operation, translate: &translate, patterns: &patterns })
}

/// The values at a place of the body, of what is inside or outside.
fn sent(probes: &[Probe], name: &str, is_inside: bool) -> Vec<Value> {
    let at = format!("body /{name}");
    let of = probes.iter().filter(|probe| probe.at == at && probe.is_inside() == is_inside);
    let bodies = of.filter_map(|probe| match &probe.requests[0].body {
        Body::Json(body) => Some(body[name].clone()),
        _ => None,
    });
    bodies.collect()
}

fn targets(probes: &[Probe], at: &str, is_inside: bool) -> Vec<String> {
    let of = probes.iter().filter(|probe| probe.at == at && probe.is_inside() == is_inside);
    of.map(|probe| probe.requests[0].target()).collect()
}

#[test]
fn bounds_have_two_sides() {
    let all = probes(&document(), "berth_replace");
    let (inside, outside) = (sent(&all, "name", true), sent(&all, "name", false));
    assert!(inside.contains(&json!("bc")) && inside.contains(&json!("abca")), "{inside:?}");
    for value in [Value::Null, json!("c"), json!("abcaa"), json!("abc/"), json!(5)] {
        assert!(outside.contains(&value), "{value}: {outside:?}");
    }
    let (inside, outside) = (sent(&all, "depth", true), sent(&all, "depth", false));
    assert!(inside.contains(&json!(1)) && inside.contains(&json!(i64::MAX)) && inside.contains(&json!("3")));
    assert!(outside.contains(&json!(0)) && outside.contains(&json!(1_u64 << 63)) && !outside.contains(&json!("3")));
    assert_eq!(sent(&all, "kind", true)[1..], [json!("wet"), json!("dry")]);
    assert!(sent(&all, "kind", false).contains(&json!("wetx")));
    let (inside, outside) = (sent(&all, "marks", true), sent(&all, "marks", false));
    let lengths = |lists: &[Value]| lists.iter().filter_map(|list| list.as_array().map(Vec::len)).collect::<Vec<_>>();
    assert!(lengths(&inside).contains(&2) && lengths(&outside).contains(&3), "{inside:?} {outside:?}");
}

#[test]
fn paths_and_queries_have_two_sides() {
    let all = probes(&document(), "berth_view");
    let (inside, outside) = (targets(&all, "path number", true), targets(&all, "path number", false));
    assert_eq!(inside, ["/berths/7", "/berths/1", "/berths/9"]);
    assert!(outside.contains(&"/berths/0".to_owned()) && outside.contains(&"/berths/10".to_owned()), "{outside:?}");
    assert!(targets(&all, "query page", true).contains(&"/berths/7?page=2".to_owned()));
    assert!(targets(&all, "query page", false).contains(&"/berths/7?page=x".to_owned()));
    assert!(targets(&all, "query colour", false).contains(&"/berths/7?colour=1".to_owned()));
}

#[test]
fn everything_else_has_two_sides() {
    let document = document();
    let expected = |all: &[Probe], at: &str, constraint: &str| {
        let probe = all.iter().find(|probe| probe.at == at && probe.constraint == constraint);
        probe.map(|probe| (probe.expected.clone(), probe.requests[0].caller.clone()))
    };
    let refused = |status| Expected::Status(vec![status]);
    let (read, write) = (probes(&document, "berth_view"), probes(&document, "berth_replace"));
    assert_eq!(expected(&read, "security", "no credentials"), Some((Expected::Success, Caller::Nobody)));
    assert_eq!(expected(&write, "security", "no credentials"), Some((refused(401), Caller::Nobody)));
    assert_eq!(expected(&write, "body ", "required"), Some((refused(400), Caller::Usual)));
    assert_eq!(expected(&write, "body ", "unlisted media type text/plain"), Some((refused(415), Caller::Usual)));
    assert_eq!(expected(&write, "header If-Match", "another version"), Some((refused(412), Caller::Usual)));
    assert_eq!(expected(&read, "header If-Match", "unlisted"), Some((Expected::Success, Caller::Nobody)));
    // The methods of a path are probed once, with the first of its operations.
    assert_eq!(expected(&read, "method PATCH", "unlisted"), Some((Expected::Allow(405), Caller::Nobody)));
    assert_eq!(expected(&write, "method PATCH", "unlisted"), None);
    assert!(matches!(expected(&read, "method HEAD", "as GET"), Some((Expected::Head(_), _))));
}

#[test]
fn every_operation_and_constraint_of_the_document_is_probed() {
    let document = Document::committed();
    let mut constraints = 0;
    for operation in document.operations() {
        let all = probes(document, &operation.id);
        let has = |at: &str, is_inside: bool| all.iter().any(|one| one.at == at && one.is_inside() == is_inside);
        assert!(has("request", true) || operation.method == "DELETE", "{}", operation.id);
        assert_eq!(has("body ", false), !operation.request_content.is_empty(), "{}", operation.id);
        for parameter in &operation.parameters {
            let (place, name) = (parameter["in"].as_str().unwrap(), parameter["name"].as_str().unwrap());
            let at = format!("{place} {name}");
            assert!(all.iter().any(|probe| probe.at == at), "{}: {at}", operation.id);
            refused(&all, &at, &super::subject::flat(document, &parameter["schema"]));
        }
        let schema = operation.request_content.values().next().cloned().unwrap_or_default();
        let properties = super::subject::flat(document, &schema).get("properties").cloned().unwrap_or_default();
        for (name, schema) in properties.as_object().into_iter().flatten() {
            let at = format!("body /{name}");
            assert!(has(&at, true) && has(&at, false), "{}: {at}", operation.id);
            constraints += refused(&all, &at, &super::subject::flat(document, schema));
        }
    }
    assert!(constraints > 200, "{constraints}");
}

/// Checks that something is sent that each constraint of a schema refuses; answers how many constraints it has.
fn refused(all: &[Probe], at: &str, schema: &serde_json::Map<String, Value>) -> usize {
    let has = |constraint: &str| {
        all.iter().any(|probe| probe.at == at && !probe.is_inside() && probe.constraint.starts_with(constraint))
    };
    // A parameter without a text isn't there.
    let is_told = |keyword: &&str| *keyword != "minLength" || at.starts_with("body") || schema[*keyword] != 1;
    let keywords = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "enum"];
    let mut count = 0;
    for keyword in keywords.into_iter().filter(|keyword| schema.contains_key(*keyword)).filter(is_told) {
        count += 1;
        assert!(has(keyword), "{at}: {keyword}");
    }
    for format in ["uri", "date-time", "int32", "int64", "double"] {
        if schema.get("format") == Some(&json!(format)) {
            count += 1;
            assert!(has("format") || has("minimum") || has("type"), "{at}: {format}");
        }
    }
    count
}
