//! The Hydra vocabulary and the JSON-LD contexts (`reference/dlcs.md` §2.10), read off the canonical document.

use super::{
    Profile,
    document::{document, entries, resolve},
    links::Links,
    types::Uri,
};
use crate::api::hydra::{
    Anything, ApiClass, ApiDocumentation, ApiOperation, ApiProperty, ApiStatus, ApiSupportedProperty,
};
use poem::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A class of the vocabulary and the schemas that show it.
struct Class {
    name: String,
    description: String,
    /// Its properties with their schemas, in the order of the document.
    properties: Vec<(String, Value)>,
    required: Vec<String>,
}

/// The class that a schema shows: what it says of its own `@type`.
fn class_of(schema: &Value) -> Option<&str> {
    let class = schema.pointer("/properties/@type/example")?.as_str()?;
    let view = schema.pointer("/properties/@id").is_some();
    (view && !matches!(class, "Collection" | "PartialCollectionView" | "Error")).then_some(class)
}

fn schemas() -> impl Iterator<Item = (&'static str, &'static Value)> {
    entries(&document().json["components"]["schemas"])
}

fn classes() -> Vec<Class> {
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for (_, schema) in schemas() {
        let Some(name) = class_of(schema).filter(|c| !c.contains(':') && !is_vocabulary(c)) else { continue };
        let class = classes.entry(name).or_insert_with(|| Class {
            name: name.to_owned(),
            description: text(schema, "description"),
            properties: Vec::new(),
            required: Vec::new(),
        });
        for (property, shape) in entries(&schema["properties"]) {
            if !property.starts_with('@') && !class.properties.iter().any(|(known, _)| known == property) {
                class.properties.push((property.to_owned(), shape.clone()));
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        class.required.extend(required.map(str::to_owned));
    }
    classes.into_values().collect()
}

/// The classes that describe the vocabulary itself.
fn is_vocabulary(class: &str) -> bool {
    matches!(class, "ApiDocumentation" | "Class" | "Status")
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn is_link(shape: &Value) -> bool {
    shape["format"] == "uri"
}

/// The context of a class; `Space.jsonld`, and the dotted names of old such as `DLCS.HydraModel.Model.Space.jsonld`.
pub fn context(links: &Links, file: &str) -> Option<Anything> {
    let name = file.strip_suffix(".jsonld")?;
    let name = name.rsplit('.').next()?;
    let class = classes().into_iter().find(|c| c.name == name)?;
    let mut context = Anything::new();
    context.insert("hydra".to_owned(), json!("http://www.w3.org/ns/hydra/core#"));
    context.insert("vocab".to_owned(), json!(format!("{}#", links.path("/vocab"))));
    context.insert(name.to_owned(), json!(format!("vocab:{name}")));
    for (property, shape) in &class.properties {
        let id = format!("vocab:{name}/{property}");
        let meaning = if is_link(shape) { json!({ "@id": id, "@type": "@id" }) } else { json!(id) };
        context.insert(property.clone(), meaning);
    }
    Some(context)
}

/// The documentation of the API, with the statuses of a profile.
pub fn documentation(links: &Links, profile: Profile) -> ApiDocumentation {
    let operations = operations(profile);
    let supported_class = classes()
        .into_iter()
        .map(|class| ApiClass {
            id: format!("vocab:{}", class.name),
            class: "Class".to_owned(),
            sub_class_of: "hydra:Resource".to_owned(),
            label: class.name.clone(),
            description: class.description.clone(),
            supported_operation: operations.get(&class.name).cloned().unwrap_or_default(),
            supported_property: class
                .properties
                .iter()
                .map(|(name, shape)| property(&class, name, shape, &operations))
                .collect(),
        })
        .chain(others(&operations))
        .collect();
    ApiDocumentation {
        context: root_context(links),
        id: Uri(format!("{}#", links.path("/vocab"))),
        class: "ApiDocumentation".to_owned(),
        supported_class,
    }
}

/// Operations that answer with no class of the vocabulary stand together.
fn others(operations: &BTreeMap<String, Vec<ApiOperation>>) -> Option<ApiClass> {
    Some(ApiClass {
        id: "hydra:Resource".to_owned(),
        class: "Class".to_owned(),
        sub_class_of: "hydra:Resource".to_owned(),
        label: "Resource".to_owned(),
        description: "Whatever has no class of its own.".to_owned(),
        supported_operation: operations.get("").cloned()?,
        supported_property: Vec::new(),
    })
}

fn root_context(links: &Links) -> Anything {
    let link = |id: &str| json!({ "@id": id, "@type": "@id" });
    let vocab = format!("{}#", links.path("/vocab"));
    [
        ("hydra", json!("http://www.w3.org/ns/hydra/core#")),
        ("vocab", json!(vocab)),
        ("rdf", json!("http://www.w3.org/1999/02/22-rdf-syntax-ns#")),
        ("rdfs", json!("http://www.w3.org/2000/01/rdf-schema#")),
        ("ApiDocumentation", json!("hydra:ApiDocumentation")),
        ("Class", json!("hydra:Class")),
        ("Status", json!("hydra:Status")),
        ("property", link("hydra:property")),
        ("readonly", json!("hydra:readonly")),
        ("writeonly", json!("hydra:writeonly")),
        ("required", json!("hydra:required")),
        ("supportedClass", json!("hydra:supportedClass")),
        ("supportedProperty", json!("hydra:supportedProperty")),
        ("supportedOperation", json!("hydra:supportedOperation")),
        ("method", json!("hydra:method")),
        ("expects", link("hydra:expects")),
        ("returns", link("hydra:returns")),
        ("statusCode", json!("hydra:statusCode")),
        ("title", json!("hydra:title")),
        ("label", json!("rdfs:label")),
        ("description", json!("rdfs:comment")),
        ("domain", link("rdfs:domain")),
        ("range", link("rdfs:range")),
        ("subClassOf", link("rdfs:subClassOf")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

fn property(
    class: &Class,
    name: &str,
    shape: &Value,
    operations: &BTreeMap<String, Vec<ApiOperation>>,
) -> ApiSupportedProperty {
    let writable = schemas().any(|(schema, shape)| {
        let stem = ["Create", "Replace", "Update", "Registration"].iter().find_map(|s| schema.strip_suffix(s));
        stem == Some(&class.name) && shape["properties"].get(name).is_some()
    });
    let description = text(shape, "description");
    let linked = linked(shape, operations);
    let pointed_at = linked.iter().find(|operation| operation.method == "GET").and_then(|get| get.returns.clone());
    ApiSupportedProperty {
        property: ApiProperty {
            id: format!("vocab:{}/{name}", class.name),
            class: if is_link(shape) { "hydra:Link" } else { "rdf:Property" }.to_owned(),
            label: name.to_owned(),
            description: description.clone(),
            domain: format!("vocab:{}", class.name),
            range: pointed_at.unwrap_or_else(|| range(shape).to_owned()),
            supported_operation: (!linked.is_empty()).then_some(linked),
        },
        title: name.to_owned(),
        description,
        required: class.required.iter().any(|r| r == name),
        readonly: !writable,
        writeonly: false,
    }
}

/// What can be done with the resource that a link points at: the operations of the path that its example has.
fn linked(shape: &Value, operations: &BTreeMap<String, Vec<ApiOperation>>) -> Vec<ApiOperation> {
    let example = shape["example"].as_str().filter(|_| is_link(shape));
    let path =
        example.and_then(|link| link.split_once("://")).and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let route = path.and_then(|path| document().route(path));
    let ids = route.into_iter().flat_map(|route| &route.operations).map(|operation| format!("_:{}", operation.id));
    ids.filter_map(|id| operations.values().flatten().find(|operation| operation.id == id).cloned()).collect()
}

fn range(shape: &Value) -> &'static str {
    match (shape["type"].as_str(), shape["format"].as_str()) {
        (Some("string"), Some("uri")) => "http://www.w3.org/ns/hydra/core#Resource",
        (Some("string"), Some("date-time")) => "http://www.w3.org/2001/XMLSchema#dateTime",
        (Some("integer"), _) => "http://www.w3.org/2001/XMLSchema#integer",
        (Some("boolean"), _) => "http://www.w3.org/2001/XMLSchema#boolean",
        (Some("array"), _) => "http://www.w3.org/1999/02/22-rdf-syntax-ns#List",
        _ => "http://www.w3.org/2001/XMLSchema#string",
    }
}

/// All operations by the class they answer with; those of a path share the class of its GET.
fn operations(profile: Profile) -> BTreeMap<String, Vec<ApiOperation>> {
    let document = &document().json;
    let mut all: BTreeMap<String, Vec<ApiOperation>> = BTreeMap::new();
    for (_, item) in entries(&document["paths"]) {
        let of_path = item.get("get").and_then(|get| answered(document, get));
        for method in ["get", "put", "post", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let returns = answered(document, operation);
            let class = returns.clone().or_else(|| of_path.clone()).unwrap_or_default();
            all.entry(class).or_default().push(described(document, method, operation, returns, profile));
        }
    }
    all
}

/// The class of the body of the first success that has one; of a collection, that of its members.
fn answered(document: &Value, operation: &Value) -> Option<String> {
    ["200", "201"].iter().find_map(|status| {
        let schema = body(document, operation["responses"].get(status)?)?;
        let member = schema.pointer("/properties/member/items").map_or(schema, |items| resolve(document, items));
        class_of(member).filter(|class| !is_vocabulary(class)).map(str::to_owned)
    })
}

fn body<'a>(document: &'a Value, message: &'a Value) -> Option<&'a Value> {
    let schema = resolve(document, message).pointer("/content/application~1json/schema")?;
    Some(resolve(document, schema))
}

fn described(
    document: &Value,
    method: &str,
    operation: &Value,
    returns: Option<String>,
    profile: Profile,
) -> ApiOperation {
    let vocab = |class: String| format!("vocab:{class}");
    let gone = method == "delete";
    ApiOperation {
        id: format!("_:{}", text(operation, "operationId")),
        class: "hydra:Operation".to_owned(),
        method: method.to_uppercase(),
        label: text(operation, "summary"),
        description: text(operation, "description"),
        expects: operation.get("requestBody").map(|_| vocab(returns.clone().unwrap_or_default())),
        returns: if gone { Some("owl:Nothing".to_owned()) } else { returns.map(vocab) },
        status_code: entries(&operation["responses"])
            .filter_map(|(status, response)| Some((status.parse().ok()?, resolve(document, response))))
            .filter(|(status, _)| answers_with(profile, method, *status))
            .map(|(status, response)| ApiStatus {
                class: "Status".to_owned(),
                status_code: i32::from(status),
                title: title(status),
                description: text(response, "description"),
            })
            .collect(),
    }
}

/// Whether a server of this profile ever answers with this documented status.
fn answers_with(profile: Profile, method: &str, status: u16) -> bool {
    match (method, status) {
        ("delete", 204 | 205) => status == profile.deleted(),
        ("patch", 205) => !profile.patch_shows(),
        (_, 409) => profile.conflict() == 409,
        (_, 507) => profile.quota() == 507,
        _ => true,
    }
}

fn title(status: u16) -> String {
    StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default().to_owned()
}
