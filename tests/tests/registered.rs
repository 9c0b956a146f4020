//! What many tests begin with: a space, a batch that has finished, an image.

use std::time::Duration;

use contract_tests::{Tenant, TestServer, eventually, files};
use serde_json::{Value, json};

/// How long a few small pictures may take, also where the previous worker was killed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A link of a view.
#[track_caller]
pub(crate) fn link<'a>(view: &'a Value, member: &str) -> &'a str {
    match view[member].as_str() {
        Some(link) => link,
        None => panic!("no link {member} in {view}"),
    }
}

/// The ids of the members of a collection, in its order.
pub(crate) fn ids(collection: &Value) -> Vec<&str> {
    collection["member"].as_array().into_iter().flatten().filter_map(|member| member["id"].as_str()).collect()
}

/// The pointers of a problem.
pub(crate) fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

/// A text as it may stand in a query.
pub(crate) fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A new space; its number.
pub(crate) async fn space(server: &TestServer, tenant: &Tenant, name: &str) -> i64 {
    let space =
        tenant.request(server, "POST", "/spaces").json(&json!({ "name": name })).send().await.expect(201).json();
    space["id"].as_i64().expect("a space has a number")
}

/// Puts images on the queue; the batch.
pub(crate) async fn submit(server: &TestServer, tenant: &Tenant, members: Vec<Value>) -> Value {
    let body = json!({ "@type": "Collection", "member": members });
    tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json()
}

/// What a GET answers with 200.
pub(crate) async fn view(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

/// Waits until a batch has finished; the batch as it then is.
pub(crate) async fn finished(server: &TestServer, tenant: &Tenant, batch: &Value) -> Value {
    eventually(PATIENCE, "the batch has finished", async || {
        let now = view(server, tenant, link(batch, "@id")).await;
        now.get("finished").is_some().then_some(now)
    })
    .await
}

/// An image of a space.
pub(crate) async fn image(server: &TestServer, tenant: &Tenant, space: i64, id: &str) -> Value {
    view(server, tenant, &format!("/spaces/{space}/images/{id}")).await
}

/// The counts of a batch: all, completed, errors.
pub(crate) fn counts(batch: &Value) -> [i64; 3] {
    ["count", "completed", "errors"].map(|name| batch[name].as_i64().expect("a count"))
}

/// How many files of images a server has stored.
pub(crate) fn stored(server: &TestServer) -> usize {
    // One file says which objects these are.
    files(&server.data().join("objects")).len() - 1
}
