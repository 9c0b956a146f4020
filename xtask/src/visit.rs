//! Visits every object of a document, telling what it is to the specification.

use serde_json::Value;

use crate::{pointer::METHODS, schemas};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The document itself.
    Root,
    /// `info`.
    Info,
    /// A server.
    Server,
    /// A declared tag.
    Tag,
    /// A path item.
    PathItem,
    /// An operation.
    Operation,
    /// A parameter.
    Parameter,
    /// A header of a response.
    Header,
    /// A request body.
    RequestBody,
    /// A response.
    Response,
    /// One media type of a body.
    Media,
    /// A schema.
    Schema,
    /// A security scheme.
    Scheme,
}

/// Calls `change` with every object, inner ones before the one that holds them; references too.
pub fn each(document: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    if let Some(info) = document.get_mut("info") {
        change(Kind::Info, info);
    }
    listed(document, "servers", &mut |one| change(Kind::Server, one));
    listed(document, "tags", &mut |one| change(Kind::Tag, one));
    named(document, "paths", &mut |item| path_item(item, change));
    if let Some(components) = document.get_mut("components") {
        named(components, "schemas", &mut |one| schema(one, change));
        named(components, "responses", &mut |one| response(one, change));
        named(components, "parameters", &mut |one| parameter(one, Kind::Parameter, change));
        named(components, "requestBodies", &mut |one| body(one, change));
        named(components, "headers", &mut |one| parameter(one, Kind::Header, change));
        named(components, "securitySchemes", &mut |one| change(Kind::Scheme, one));
    }
    change(Kind::Root, document);
}

fn named(holder: &mut Value, key: &str, change: &mut impl FnMut(&mut Value)) {
    holder.get_mut(key).and_then(Value::as_object_mut).into_iter().flatten().for_each(|(_, one)| change(one));
}

fn listed(holder: &mut Value, key: &str, change: &mut impl FnMut(&mut Value)) {
    holder.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(change);
}

fn path_item(item: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    listed(item, "servers", &mut |one| change(Kind::Server, one));
    listed(item, "parameters", &mut |one| parameter(one, Kind::Parameter, change));
    for method in METHODS {
        let Some(operation) = item.get_mut(*method) else {
            continue;
        };
        listed(operation, "servers", &mut |one| change(Kind::Server, one));
        listed(operation, "parameters", &mut |one| parameter(one, Kind::Parameter, change));
        if let Some(request) = operation.get_mut("requestBody") {
            body(request, change);
        }
        named(operation, "responses", &mut |one| response(one, change));
        change(Kind::Operation, operation);
    }
    change(Kind::PathItem, item);
}

fn parameter(one: &mut Value, kind: Kind, change: &mut impl FnMut(Kind, &mut Value)) {
    if let Some(inner) = one.get_mut("schema") {
        schema(inner, change);
    }
    content(one, change);
    change(kind, one);
}

fn body(one: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    content(one, change);
    change(Kind::RequestBody, one);
}

fn response(one: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    named(one, "headers", &mut |header| parameter(header, Kind::Header, change));
    content(one, change);
    change(Kind::Response, one);
}

fn content(holder: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    named(holder, "content", &mut |media| {
        if let Some(inner) = media.get_mut("schema") {
            schema(inner, change);
        }
        change(Kind::Media, media);
    });
}

fn schema(one: &mut Value, change: &mut impl FnMut(Kind, &mut Value)) {
    schemas::inside(one, &mut |inner| change(Kind::Schema, inner));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_what_each_object_is() {
        let schema = json!({ "type": "array", "items": { "type": "string" } });
        let mut document = json!({
            "info": {}, "servers": [{}], "tags": [{}],
            "paths": { "/a": { "parameters": [{ "schema": schema }], "get": {
                "requestBody": { "content": { "a/b": { "schema": schema } } },
                "responses": { "200": { "headers": { "A": { "schema": schema } }, "content": { "a/b": {} } } } } } },
            "components": { "schemas": { "A": schema }, "securitySchemes": { "a": {} } }
        });
        let mut seen = Vec::new();
        each(&mut document, &mut |kind, _| seen.push(kind));
        use Kind::*;
        assert_eq!(
            seen,
            [
                Info,
                Server,
                Tag,
                Schema,
                Schema,
                Parameter,
                Schema,
                Schema,
                Media,
                RequestBody,
                Schema,
                Schema,
                Header,
                Media,
                Response,
                Operation,
                PathItem,
                Schema,
                Schema,
                Scheme,
                Root
            ]
        );
    }
}
