//! What tests of the account operations begin with: a customer as Fastly's clients see it.

use contract_tests::http::RawRequest;
use contract_tests::{Answer, Tenant, TestServer};
use serde_json::{Value, json};

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json";

/// A customer as Fastly's clients see it.
pub(crate) struct Account {
    pub(crate) tenant: Tenant,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) token: String,
}

pub(crate) async fn account(server: &TestServer, name: &str) -> Account {
    let tenant = server.new_customer(name).await;
    let shown = tenant.request(server, "GET", "").send().await.expect(200).json();
    let link = shown["account"].as_str().expect("a customer links to its account");
    let path = link.strip_prefix(&server.base_url()).expect("the link is one of this service").to_owned();
    let id = path.strip_prefix("/customer/").expect("it is where Fastly's clients look").to_owned();
    let token = format!("{}.{}", tenant.credentials.key, tenant.credentials.secret);
    Account { tenant, id, path, token }
}

impl Account {
    pub(crate) fn request(&self, server: &TestServer, method: &str, path: &str) -> RawRequest {
        server.request(method, path).header("fastly-key", &self.token)
    }

    pub(crate) async fn get(&self, server: &TestServer, path: &str) -> Answer {
        self.request(server, "GET", path).send().await
    }

    pub(crate) async fn shown(&self, server: &TestServer) -> Value {
        self.get(server, "/current_customer").await.expect(200).json()
    }

    pub(crate) async fn put(&self, server: &TestServer, media_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        let body: Vec<u8> = body.into();
        self.request(server, "PUT", &self.path).header("content-type", media_type).body(body).send().await
    }

    pub(crate) async fn form(&self, server: &TestServer, body: &str) -> Answer {
        self.put(server, FORM, body).await
    }

    pub(crate) async fn json(&self, server: &TestServer, body: &Value) -> Answer {
        self.put(server, JSON, body.to_string()).await
    }

    /// Creates a portal user and answers how the account shows it.
    pub(crate) async fn user(&self, server: &TestServer, email: &str) -> Value {
        let body = json!({ "email": email, "password": "tide-table-of-1851" });
        self.tenant.request(server, "POST", "/portalUsers").json(&body).send().await.expect(201);
        let users = self.get(server, &format!("{}/users", self.path)).await.expect(200).json();
        users.as_array().unwrap().iter().find(|u| u["login"] == email).cloned().expect("the user is listed")
    }
}

/// Asserts a failure in the shape of Fastly's: its status, and that it says something.
#[track_caller]
pub(crate) fn fails(answer: Answer, status: u16) -> Value {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some(JSON), "{answer}");
    let error = answer.json();
    assert!(error["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{answer}");
    assert!(!error.as_object().unwrap().contains_key("detail") || error["detail"].is_string(), "{answer}");
    error
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b == b' ' { "+".to_owned() } else { format!("%{b:02X}") }).collect()
}
