//! Tests of the harness itself: what it lets through and what it finds.

use std::time::Duration;

use bytes::Bytes;
use contract_tests::origin::{ORIGIN_PASSWORD, ORIGIN_USER};
use contract_tests::proxy::stand_in;
use contract_tests::validate::Validator;
use contract_tests::{Credentials, Document, Origin, Proxy, RawRequest, TestServer, basic, contract_test, eventually};
use hyper::{Method, Response};

/// A proxy in front of a server that always gives this answer.
async fn proxied(answer: Response<Bytes>) -> Proxy {
    let server = stand_in(answer).await.unwrap();
    let proxy = Proxy::start(Validator::committed()).await.unwrap();
    proxy.forward_to(Some(server));
    proxy
}

fn answer(status: u16, media_type: &str, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", media_type)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

#[tokio::test]
async fn the_proxy_changes_nothing_and_finds_what_is_not_documented() {
    let proxy = proxied(answer(200, "text/plain", "hello")).await;
    let request = RawRequest::new(proxy.address(), Method::GET, "/customers/1%2F2/../x?a=%zz");
    let got = request.send().await;
    assert_eq!((got.status, got.text().as_str()), (200, "hello"));
    assert_eq!(got.headers.len(), 2, "{got}");
    let violations = proxy.take_violations();
    assert_eq!(violations.len(), 1);
    assert!(violations[0].contains("GET /customers/1%2F2/../x?a=%zz → 200"), "{}", violations[0]);
}

#[tokio::test]
async fn what_is_outside_the_contract_passes_unless_it_fails() {
    let get = |proxy: &Proxy| RawRequest::new(proxy.address(), Method::GET, "/docs/index.html");
    let proxy = proxied(answer(200, "text/html", "<!doctype html>")).await;
    get(&proxy).send().await.expect(200);
    assert_eq!(proxy.violations(), [""; 0]);
    let proxy = proxied(answer(500, "text/html", "")).await;
    get(&proxy).send().await.expect(500);
    assert_eq!(proxy.violations().len(), 1);
}

#[tokio::test]
async fn a_stopped_server_is_no_violation() {
    let proxy = Proxy::start(Validator::committed()).await.unwrap();
    let request = RawRequest::new(proxy.address(), Method::GET, "/");
    assert!(request.try_send().await.is_err());
    assert_eq!(proxy.violations(), [""; 0]);
}

#[test]
fn every_schema_of_the_document_compiles() {
    let (document, validator) = (Document::committed(), Validator::committed());
    let mut schemas = 0;
    for operation in document.operations() {
        for response in operation.responses.values() {
            let headers = response.headers.values().map(|header| &header.schema);
            for schema in response.content.values().chain(headers).filter(|schema| schema.is_object()) {
                // The faults of null don't matter, only that there are answers.
                let _ = validator.faults(schema, &serde_json::Value::Null);
                schemas += 1;
            }
        }
    }
    assert!(schemas > 0);
}

#[tokio::test]
async fn an_origin_holds_counts_and_asks_who() {
    let origin = Origin::start().await;
    origin.picture("a.jpg", 30, 20);
    let get = |path: &str| RawRequest::new(origin.address(), Method::GET, path);

    origin.hold("a.jpg");
    let held = tokio::spawn(get("/a.jpg").send());
    eventually(Duration::from_secs(5), "the request is there", async || (origin.hits("a.jpg") == 1).then_some(()))
        .await;
    assert!(!held.is_finished());
    origin.release("a.jpg");
    let picture = held.await.unwrap().expect(200);
    assert_eq!(picture.body.len(), origin.size("a.jpg"));
    assert_eq!(picture.header("content-type"), Some("image/jpeg"));

    get("/basic/a.jpg").send().await.expect(401);
    let credentials = Credentials::new(ORIGIN_USER, ORIGIN_PASSWORD);
    get("/basic/a.jpg").auth(&credentials).send().await.expect(200);
    assert_eq!(origin.authorizations(), [("basic/a.jpg".to_owned(), basic(&credentials))]);

    get("/missing").send().await.expect(404);
    let redirect = get("/redirect?to=http%3A%2F%2F10.0.0.1%2Fa").send().await.expect(302);
    assert_eq!(redirect.header("location"), Some("http://10.0.0.1/a"));
    let truncated = get("/truncated/a.jpg").send().await.expect(200);
    assert_eq!(truncated.body.len(), origin.size("a.jpg") / 2);
}

contract_test!(a_server_keeps_its_data_over_kill_and_restart, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let before = tenant.request(server, "GET", "").send().await.expect(200).json();
    server.kill().await;
    assert!(server.get("/").try_send().await.is_err());
    server.restart().await;
    let after = tenant.request(server, "GET", "").send().await.expect(200).json();
    assert_eq!(before, after);
    let (now, most) = server.memory();
    assert!(now > 1.0 && most >= now);
    assert!(server.stop().await, "SIGTERM ends the server well");
});
