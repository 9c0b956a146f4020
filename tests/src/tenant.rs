//! What most tests start from: a customer of its own.

use customer_client::Credentials;
use serde_json::json;

use crate::http::RawRequest;
use crate::server::TestServer;

/// A customer and a key of it.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The number in its path.
    pub id: u64,
    /// A key of this customer.
    pub credentials: Credentials,
}

impl Tenant {
    /// A path under the customer: `path("/spaces")` is `/customers/7/spaces`.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/customers/{}{rest}", self.id)
    }

    /// A request of this customer, authenticated; a link that begins with `/customers/` or `http` is
    /// taken as it stands, anything else is under the customer.
    #[must_use]
    pub fn request(&self, server: &TestServer, method: &str, link: &str) -> RawRequest {
        let whole = link.starts_with("/customers/") || link.starts_with("http");
        let link = if whole { link.to_owned() } else { self.path(link) };
        server.request(method, &link).auth(&self.credentials)
    }
}

impl TestServer {
    /// Creates a customer, as the administrator, and a key for it.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn new_customer(&self, name: &str) -> Tenant {
        let body = json!({ "name": name, "displayName": name });
        let customer = self.post("/customers").auth(&self.admin()).json(&body).send().await.expect(201).json();
        let link = customer["@id"].as_str().expect("a customer has an @id");
        let id = link.rsplit('/').next().and_then(|id| id.parse().ok()).expect("it ends in a number");
        let keys = format!("/customers/{id}/keys");
        let key = self.post(&keys).auth(&self.admin()).send().await.expect(201).json();
        let text = |member: &str| key[member].as_str().expect("a key has a key and a secret").to_owned();
        Tenant { id, credentials: Credentials::new(text("key"), text("secret")) }
    }
}
