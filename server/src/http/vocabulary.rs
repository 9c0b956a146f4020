//! The Hydra vocabulary and the JSON-LD contexts (`reference/dlcs.md` §2.10), read off the canonical document.

use super::{
    Profile,
    document::{entries, resolve},
    links::Links,
    types::Uri,
};
use crate::api::hydra::{
    Anything, ApiClass, ApiDocumentation, ApiOperation, ApiProperty, ApiStatus, ApiSupportedProperty,
};
use poem::http::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the document says of classes and operations, without the document.
#[derive(Debug)]
pub struct Vocabulary {
    classes: Vec<Class>,
    /// With all their statuses, whatever the profile.
    operations: BTreeMap<Place, Vec<ApiOperation>>,
}

/// A class of the vocabulary.
#[derive(Debug)]
struct Class {
    name: String,
    description: String,
    /// In the order of the document.
    properties: Vec<Property>,
}

#[derive(Debug)]
struct Property {
    name: String,
    description: String,
    is_link: bool,
    /// What its values are, where no operation tells it of what it links to.
    range: &'static str,
    required: bool,
    writable: bool,
}

/// The class that a schema shows: what it says of its own `@type`.
fn class_of(schema: &Value) -> Option<&str> {
    let class = schema.pointer("/properties/@type/example")?.as_str()?;
    let view = schema.pointer("/properties/@id").is_some();
    (view && !matches!(class, "Collection" | "PartialCollectionView" | "Error")).then_some(class)
}

fn schemas(document: &Value) -> impl Iterator<Item = (&str, &Value)> {
    entries(&document["components"]["schemas"])
}

fn classes(document: &Value) -> Vec<Class> {
    let mut classes: BTreeMap<&str, Class> = BTreeMap::new();
    for (_, schema) in schemas(document) {
        let Some(name) = class_of(schema).filter(|c| !c.contains(':') && !is_vocabulary(c)) else { continue };
        let class = classes.entry(name).or_insert_with(|| Class {
            name: name.to_owned(),
            description: text(schema, "description"),
            properties: Vec::new(),
        });
        for (property, shape) in entries(&schema["properties"]) {
            if !property.starts_with('@') && !class.properties.iter().any(|known| known.name == property) {
                class.properties.push(Property::read(document, name, property, shape));
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required {
            class.properties.iter_mut().filter(|known| known.name == name).for_each(|known| known.required = true);
        }
    }
    classes.into_values().collect()
}

impl Property {
    fn read(document: &Value, class: &str, name: &str, shape: &Value) -> Self {
        let writable = schemas(document)
            .any(|(schema, shape)| stem(schema) == Some(class) && shape["properties"].get(name).is_some());
        Self {
            name: name.to_owned(),
            description: text(shape, "description"),
            is_link: shape["format"] == "uri",
            range: range(shape),
            required: false,
            writable,
        }
    }

    /// As the vocabulary of a class shows it, with the operations on what it links to.
    fn shown(&self, class: &str, operations: Vec<ApiOperation>) -> ApiSupportedProperty {
        let read = operations.iter().find(|operation| operation.method == "GET");
        let pointed_at = read.and_then(|get| get.returns.clone());
        ApiSupportedProperty {
            property: ApiProperty {
                id: format!("vocab:{class}/{}", self.name),
                class: if self.is_link { "hydra:Link" } else { "rdf:Property" }.to_owned(),
                label: self.name.clone(),
                description: self.description.clone(),
                domain: format!("vocab:{class}"),
                range: pointed_at.unwrap_or_else(|| self.range.to_owned()),
                supported_operation: self.is_link.then_some(operations),
            },
            title: self.name.clone(),
            description: self.description.clone(),
            required: self.required,
            readonly: !self.writable,
            writeonly: false,
        }
    }
}

/// The classes that describe the vocabulary itself.
fn is_vocabulary(class: &str) -> bool {
    matches!(class, "ApiDocumentation" | "Class" | "Status")
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

impl Vocabulary {
    /// What a document says.
    pub(super) fn read(document: &Value) -> Self {
        let classes = classes(document);
        let operations = operations(document, &classes);
        Self { classes, operations }
    }

    /// The context of a class; `Space.jsonld`, and the dotted names of old such as
    /// `DLCS.HydraModel.Model.Space.jsonld`.
    pub fn context(&self, links: &Links, file: &str) -> Option<Anything> {
        let name = file.strip_suffix(".jsonld")?;
        let name = name.rsplit('.').next()?;
        let class = self.classes.iter().find(|c| c.name == name)?;
        let mut context = Anything::new();
        context.insert("hydra".to_owned(), json!("http://www.w3.org/ns/hydra/core#"));
        context.insert("vocab".to_owned(), json!(format!("{}#", links.path("/vocab"))));
        context.insert(name.to_owned(), json!(format!("vocab:{name}")));
        for property in &class.properties {
            let id = format!("vocab:{name}/{}", property.name);
            let meaning = if property.is_link { json!({ "@id": id, "@type": "@id" }) } else { json!(id) };
            context.insert(property.name.clone(), meaning);
        }
        Some(context)
    }

    /// The documentation of the API, with the statuses of a profile.
    pub fn documentation(&self, links: &Links, profile: Profile) -> ApiDocumentation {
        let mut operations = self.of_profile(profile);
        let mut under = |place: Place| operations.remove(&place).unwrap_or_default();
        let mut supported_class = Vec::with_capacity(self.classes.len() + 1);
        for class in &self.classes {
            let supported_operation = under(Place::Class(class.name.clone()));
            let mut described = |property: &Property| {
                let linked = under(Place::Link(class.name.clone(), property.name.clone()));
                property.shown(&class.name, linked)
            };
            supported_class.push(ApiClass {
                id: format!("vocab:{}", class.name),
                class: "Class".to_owned(),
                sub_class_of: "hydra:Resource".to_owned(),
                label: class.name.clone(),
                description: class.description.clone(),
                supported_operation,
                supported_property: class.properties.iter().map(&mut described).collect(),
            });
        }
        supported_class.push(ApiClass {
            id: "hydra:Resource".to_owned(),
            class: "Class".to_owned(),
            sub_class_of: "hydra:Resource".to_owned(),
            label: "Resource".to_owned(),
            description: "Whatever no class links to.".to_owned(),
            supported_operation: operations.into_values().flatten().collect(),
            supported_property: Vec::new(),
        });
        ApiDocumentation {
            context: root_context(links),
            id: Uri(format!("{}#", links.path("/vocab"))),
            class: "ApiDocumentation".to_owned(),
            supported_class,
        }
    }

    /// The operations with the statuses that a server of this profile answers with.
    fn of_profile(&self, profile: Profile) -> BTreeMap<Place, Vec<ApiOperation>> {
        let mut operations = self.operations.clone();
        for operation in operations.values_mut().flatten() {
            let method = operation.method.clone();
            operation.status_code.retain(|status| answers_with(profile, &method, status.status_code));
        }
        operations
    }
}

fn root_context(links: &Links) -> Anything {
    let link = |id: &str| json!({ "@id": id, "@type": "@id" });
    let vocab = format!("{}#", links.path("/vocab"));
    [
        ("hydra", json!("http://www.w3.org/ns/hydra/core#")),
        ("vocab", json!(vocab)),
        ("rdf", json!("http://www.w3.org/1999/02/22-rdf-syntax-ns#")),
        ("rdfs", json!("http://www.w3.org/2000/01/rdf-schema#")),
        ("owl", json!("http://www.w3.org/2002/07/owl#")),
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

/// The class that the schema of an input is for, by its name.
fn stem(schema: &str) -> Option<&str> {
    ["Create", "Replace", "Update", "Registration"].iter().find_map(|suffix| schema.strip_suffix(suffix))
}

/// What operations are operations on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// A resource of a class.
    Class(String),
    /// What a property of a class links to.
    Link(String, String),
    /// Anything else, by its path.
    Path(String),
}

/// All operations by what they are operations on: the class that GET of their path answers with; else what the
/// resource one segment up links to by the name of the last segment.
fn operations(document: &Value, classes: &[Class]) -> BTreeMap<Place, Vec<ApiOperation>> {
    let class_at = |path: &str| {
        let get = document["paths"].get(path)?.get("get")?;
        let (class, is_collection) = answered(document, get)?;
        (!is_collection).then_some(class)
    };
    let link_at = |path: &str| {
        let (above, name) = path.rsplit_once('/')?;
        let class = class_at(if above.is_empty() { "/" } else { above })?;
        let known = classes.iter().find(|c| c.name == class)?;
        let links = known.properties.iter().any(|property| property.name == name && property.is_link);
        links.then(|| Place::Link(class, name.to_owned()))
    };
    let mut all: BTreeMap<Place, Vec<ApiOperation>> = BTreeMap::new();
    for (path, item) in entries(&document["paths"]) {
        for method in ["get", "put", "post", "patch", "delete"] {
            let Some(operation) = item.get(method) else { continue };
            let place = link_at(path)
                .or_else(|| class_at(path).map(Place::Class))
                .unwrap_or_else(|| Place::Path(path.to_owned()));
            all.entry(place).or_default().push(described(document, method, operation));
        }
    }
    all
}

/// The class of the body of the first success that has one; of a collection that of its members, and that it is one.
fn answered(document: &Value, operation: &Value) -> Option<(String, bool)> {
    ["200", "201"].iter().find_map(|status| {
        let schema = body(document, operation["responses"].get(status)?)?;
        let items = schema.pointer("/properties/member/items").map(|items| resolve(document, items));
        let class = class_of(items.unwrap_or(schema)).filter(|class| !is_vocabulary(class))?;
        Some((class.to_owned(), items.is_some()))
    })
}

/// What the body of a request is: the class that its schema is for, or a collection.
fn expected(document: &Value, operation: &Value) -> Option<String> {
    let content = resolve(document, operation.get("requestBody")?).get("content")?;
    let schema = entries(content).next()?.1.get("schema")?;
    let name = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()).unwrap_or_default();
    let known = |class: &&str| schemas(document).any(|(_, schema)| class_of(schema) == Some(class));
    Some(match stem(name).filter(known) {
        Some(class) => format!("vocab:{class}"),
        None if resolve(document, schema).pointer("/properties/member").is_some() => "hydra:Collection".to_owned(),
        None => "hydra:Resource".to_owned(),
    })
}

fn body<'a>(document: &'a Value, message: &'a Value) -> Option<&'a Value> {
    let schema = resolve(document, message).pointer("/content/application~1json/schema")?;
    Some(resolve(document, schema))
}

fn described(document: &Value, method: &str, operation: &Value) -> ApiOperation {
    let returns = answered(document, operation).map(|(class, is_collection)| {
        if is_collection { "hydra:Collection".to_owned() } else { format!("vocab:{class}") }
    });
    let gone = method == "delete";
    ApiOperation {
        id: format!("_:{}", text(operation, "operationId")),
        class: "hydra:Operation".to_owned(),
        method: method.to_uppercase(),
        label: text(operation, "summary"),
        description: text(operation, "description"),
        expects: expected(document, operation),
        returns: if gone { Some("owl:Nothing".to_owned()) } else { returns },
        status_code: entries(&operation["responses"])
            .filter_map(|(status, response)| Some((status.parse().ok()?, resolve(document, response))))
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
fn answers_with(profile: Profile, method: &str, status: i32) -> bool {
    match (method, status) {
        ("DELETE", 204 | 205) => status == i32::from(profile.deleted()),
        ("PATCH", 205) => !profile.patch_shows(),
        (_, 409) => profile.conflict() == 409,
        (_, 507) => profile.quota() == 507,
        _ => true,
    }
}

fn title(status: u16) -> String {
    StatusCode::from_u16(status).ok().and_then(|s| s.canonical_reason()).unwrap_or_default().to_owned()
}
