//! Values for the parameters of every path of the document, of things that exist: what sweeps over all
//! operations start from.

use customer_client::Credentials;
use serde_json::{Value, json};

use crate::document::{Document, Operation};
use crate::http::RawRequest;
use crate::server::TestServer;
use crate::tenant::Tenant;

/// Whether an operation wants credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody may call it.
    Open,
    /// Credentials are looked at where there are any.
    Optional,
    /// Only callers with credentials.
    Required,
}

/// What the document says of the credentials of an operation.
#[must_use]
pub fn access(operation: &Operation) -> Access {
    let root = &Document::committed().root()["security"];
    let stated = operation.node.get("security").unwrap_or(root).as_array().cloned().unwrap_or_default();
    if stated.is_empty() {
        Access::Open
    } else if stated.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty)) {
        Access::Optional
    } else {
        Access::Required
    }
}

/// A customer with a space, and in it an image that was registered by a batch.
#[derive(Debug)]
pub struct Places {
    /// The customer.
    pub tenant: Tenant,
    /// The number of the space.
    pub space: u64,
    /// The id of the image.
    pub image: String,
    /// The number of the batch.
    pub batch: u64,
}

/// The number at the end of a link.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn number(link: &Value) -> u64 {
    let last = link.as_str().and_then(|link| link.rsplit('/').next()?.parse().ok());
    last.unwrap_or_else(|| panic!("{link} doesn't end in a number"))
}

impl Places {
    /// Makes the things, under a new customer of this name.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn make(server: &TestServer, name: &str) -> Self {
        let tenant = server.new_customer(name).await;
        let body = json!({ "name": "plans" });
        let space = tenant.request(server, "POST", "/spaces").json(&body).send().await.expect(201).json();
        let space = space["id"].as_u64().expect("a space has a number");
        let image = "plan-001".to_owned();
        // The discard service: nobody is there, and nobody needs to be.
        let member = json!({ "id": image, "space": space, "origin": "http://127.0.0.1:9/plan-001.jpg" });
        let body = json!({ "member": [member] });
        let batch = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json();
        // Under the ids that the document has for examples.
        let email = format!("reader@{name}.example");
        let strategy = json!({ "user": "collection", "password": "correct-horse" });
        let things = [
            ("/portalUsers/9b2e6a1c-3f7d-4c58-8e90-1d4b7a6c5e21", json!({ "email": email, "password": "open sesame" })),
            ("/namedQueries/ledger", json!({ "name": "ledger", "template": "canvas=n2&space=p1&s1=p2" })),
            (
                "/originStrategies/masters",
                json!({ "regex": "^https://masters/", "strategy": "basic-http-authentication", "credentials": strategy }),
            ),
            ("/authServices/terms", json!({ "name": "terms" })),
            ("/authServices/terms/roleProvider", json!({ "configuration": "{}" })),
            ("/roles/openWithAdvisory", json!({ "name": "Open with advisory", "authService": "terms" })),
        ];
        for (path, body) in things {
            tenant.request(server, "PUT", path).json(&body).send().await.expect(201);
        }
        Self { space, image, batch: number(&batch["@id"]), tenant }
    }

    /// The path of a template, with some parameters given and existing things for all others. What is not
    /// known here gets the example of the document.
    ///
    /// # Panics
    /// When there is no value for a parameter.
    #[must_use]
    pub fn path(&self, template: &str, given: &[(&str, &str)]) -> String {
        let parts = template.split('/').map(|segment| {
            let Some((before, rest)) = segment.split_once('{') else { return segment.to_owned() };
            let (name, after) = rest.split_once('}').expect("a template closes its braces");
            let value = given.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            format!("{before}{}{after}", value.unwrap_or_else(|| self.value(template, name)))
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn value(&self, template: &str, name: &str) -> String {
        match name {
            "customer" => self.tenant.id.to_string(),
            "space" => self.space.to_string(),
            "image" => self.image.clone(),
            "batch" => self.batch.to_string(),
            "key" => self.tenant.credentials.key.clone(),
            "name" if template.starts_with("/contexts/") => "Space.jsonld".to_owned(),
            _ => example(template, name),
        }
    }

    /// A request for an operation, without credentials; with an empty object where it takes a body.
    #[must_use]
    pub fn request(&self, server: &TestServer, operation: &Operation, given: &[(&str, &str)]) -> RawRequest {
        let path = format!("{}{}", self.path(&operation.template, given), needed_query(operation));
        with_body(server.request(&operation.method, &path), operation)
    }

    /// As [`request`](Self::request), with the customer's key.
    #[must_use]
    pub fn allowed(&self, server: &TestServer, operation: &Operation, given: &[(&str, &str)]) -> RawRequest {
        self.request(server, operation, given).auth(&self.tenant.credentials)
    }

    /// A further key of the customer.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn key(&self, server: &TestServer) -> Credentials {
        let key = self.tenant.request(server, "POST", "/keys").send().await.expect(201).json();
        let text = |member: &str| key[member].as_str().unwrap_or_default().to_owned();
        Credentials::new(text("key"), text("secret"))
    }
}

/// Adds an empty object to a request of an operation that takes a body.
#[must_use]
pub fn with_body(request: RawRequest, operation: &Operation) -> RawRequest {
    if operation.request_content.is_empty() { request } else { request.json(&json!({})) }
}

/// The query that an operation can't do without, with the examples of the document.
fn needed_query(operation: &Operation) -> String {
    let needed = operation.parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true);
    let pairs: Vec<String> =
        needed.filter_map(|p| Some(format!("{}={}", p["name"].as_str()?, p["example"].as_str()?))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Whether a path follows the rules of the resources; those for Fastly's clients have rules of their own.
#[must_use]
pub fn is_general(template: &str) -> bool {
    !template.starts_with("/customer/") && !template.starts_with("/current_")
}

/// The names of the parameters in the path of an operation.
#[must_use]
pub fn path_parameters(operation: &Operation) -> Vec<&str> {
    let all = operation.parameters.iter().filter(|parameter| parameter["in"] == "path");
    all.filter_map(|parameter| parameter["name"].as_str()).collect()
}

fn example(template: &str, name: &str) -> String {
    let operations = Document::committed().operations().filter(|operation| operation.template == template);
    let mut parameters = operations.flat_map(|operation| &operation.parameters);
    match parameters.find(|parameter| parameter["name"] == name).map(|parameter| &parameter["example"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => panic!("{template}: there is no value for {name}"),
    }
}
