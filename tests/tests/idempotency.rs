//! `Idempotency-Key`: a POST that is sent twice has one effect and one answer.

use std::time::Duration;

use contract_tests::http::basic;
use contract_tests::{Answer, Document, Origin, Tenant, TestServer, contract_test, eventually};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

fn own_parts(answer: &Answer) -> (u16, Option<&str>, Option<&str>, String) {
    (answer.status, answer.header("location"), answer.header("etag"), answer.text())
}

/// A customer with a space, and the image to be made in it, whose origin keeps everybody waiting.
async fn held(server: &TestServer) -> (Tenant, Origin, Value) {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let picture = origin.picture("plan.jpg", 40, 30);
    origin.hold("plan.jpg");
    tenant.request(server, "PUT", "/spaces/1").json(&json!({ "name": "plans" })).send().await.expect(201);
    (tenant, origin, json!({ "id": "plan", "origin": picture }))
}

async fn asked(origin: &Origin) {
    let is_asked = async || (origin.hits("plan.jpg") > 0).then_some(());
    eventually(Duration::from_secs(20), "the origin is asked", is_asked).await;
}

contract_test!(a_repeated_request_gets_the_first_answer, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let post = |key: &str, name: &str| {
        let request = tenant.request(server, "POST", "/spaces").header("Idempotency-Key", key);
        request.json(&json!({ "name": name }))
    };
    let first = post("one", "plans").send().await.expect(201);
    let again = post("one", "plans").send().await.expect(201);
    assert_eq!(own_parts(&first), own_parts(&again));
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    post("one", "maps").send().await.expect_problem(422, "/idempotency-key-reused");
    post("two", "plans").send().await.expect_problem(400, "/conflict");
    // What failed had no effect: its key is free.
    post("two", "maps").send().await.expect(201);
    let spaces = tenant.request(server, "GET", "/spaces").send().await.expect(200).json();
    assert_eq!(spaces["totalItems"], 2);

    // Another customer's keys are another's.
    let other = server.new_customer("quay").await;
    let body = json!({ "name": "plans" });
    other.request(server, "POST", "/spaces").header("Idempotency-Key", "one").json(&body).send().await.expect(201);

    post("", "x").send().await.expect_problem(400, "/invalid");
    post(&"k".repeat(256), "x").send().await.expect_problem(400, "/invalid");
    post(&"k".repeat(255), "charts").send().await.expect(201);
});

contract_test!(a_key_stands_for_one_request_also_where_nothing_changes, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let find = |image: &str| {
        let body = json!({ "member": [{ "id": format!("{}/1/{image}", tenant.id) }] });
        tenant.request(server, "POST", "/allImages").header("Idempotency-Key", "k").json(&body).send()
    };
    let first = find("a").await.expect(200);
    assert_eq!(own_parts(&first), own_parts(&find("a").await));
    find("b").await.expect_problem(422, "/idempotency-key-reused");
});

contract_test!(a_secret_is_repeated_and_kept_sealed, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let post = || tenant.request(server, "POST", "/keys").header("Idempotency-Key", "k");
    let first = post().send().await.expect(201).json();
    assert_eq!(first, post().send().await.expect(201).json());
    let keys = tenant.request(server, "GET", "/keys").send().await.expect(200).json();
    assert_eq!(keys["totalItems"], 2);
    let secret = first["secret"].as_str().unwrap().as_bytes();
    for file in std::fs::read_dir(server.data()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            let bytes = std::fs::read(&file).unwrap();
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{}", file.display());
        }
    }
});

contract_test!(parallel_repeats_have_one_effect, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for round in 0..10 {
        let requests = (0..8).map(|_| {
            let request = tenant.request(server, "POST", "/spaces").header("Idempotency-Key", &format!("r{round}"));
            request.json(&json!({ "name": format!("space {round}") })).send()
        });
        let answers: Vec<Answer> = join_all(requests).await;
        for answer in &answers {
            assert_eq!(own_parts(answer), own_parts(&answers[0]));
            assert_eq!(answer.status, 201, "{answer}");
        }
    }
    let spaces = tenant.request(server, "GET", "/spaces").send().await.expect(200).json();
    assert_eq!(spaces["totalItems"], 10);
});

contract_test!(every_post_refuses_a_key_that_stands_for_another_request, async |server: &mut TestServer| {
    let admin = server.admin();
    let body = json!({ "name": "plans" });
    let request = server.post("/customers/1/spaces").auth(&admin).header("Idempotency-Key", "taken");
    request.json(&body).send().await.expect(201);
    let mut refused = 0;
    for operation in Document::committed().operations().filter(|o| o.method == "POST" && o.responses.contains_key(&422))
    {
        let path = operation.template.split('/').map(|s| if s.starts_with('{') { "1" } else { s });
        let path = path.collect::<Vec<_>>().join("/");
        let request = server.post(&path).auth(&admin).header("Idempotency-Key", "taken");
        request.json(&json!({ "name": "other" })).send().await.expect_problem(422, "/idempotency-key-reused");
        refused += 1;
    }
    let posts = Document::committed().operations().filter(|o| o.method == "POST").count();
    assert_eq!(refused, posts, "every POST documents 422");
});

contract_test!(a_repeat_of_a_request_under_way_is_told_to_wait, async |server: &mut TestServer| {
    let (tenant, origin, body) = held(server).await;
    let post = || {
        let request = tenant.request(server, "POST", "/spaces/1/images").header("Idempotency-Key", "slow");
        request.json(&body).send()
    };
    let (first, second) = tokio::join!(post(), async {
        asked(&origin).await;
        let second = post().await;
        origin.release("plan.jpg");
        second
    });
    second.expect_problem(503, "/under-way");
    let first = first.expect(201);
    assert_eq!(own_parts(&post().await.expect(201)), own_parts(&first));
});

contract_test!(an_answer_is_kept_also_where_nobody_waited_for_it, async |server: &mut TestServer| {
    let (tenant, origin, body) = held(server).await;
    let (target, sent) = (tenant.path("/spaces/1/images"), body.to_string());
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Idempotency-Key: left\r\nContent-Length: {}\r\n\r\n{sent}",
        server.direct(),
        basic(&tenant.credentials),
        sent.len()
    );
    let mut client = TcpStream::connect(server.direct()).await.unwrap();
    client.write_all(head.as_bytes()).await.unwrap();
    asked(&origin).await;
    drop(client);
    let again = || tenant.request(server, "POST", "/spaces/1/images").header("Idempotency-Key", "left").json(&body);
    let (answer, ()) = tokio::join!(again().send(), async { origin.release("plan.jpg") });
    let answer = answer.expect(201);
    assert_eq!(own_parts(&again().send().await), own_parts(&answer));
    let images = tenant.request(server, "GET", "/spaces/1/images").send().await.expect(200).json();
    assert_eq!((&images["totalItems"], origin.hits("plan.jpg")), (&json!(1), 1));
});

contract_test!(what_fails_half_way_frees_its_key, async |server: &mut TestServer| {
    let (tenant, origin, body) = held(server).await;
    let post = || {
        let request = tenant.request(server, "POST", "/spaces/1/images").header("Idempotency-Key", "half");
        request.json(&body).send()
    };
    let (first, ()) = tokio::join!(post(), async {
        asked(&origin).await;
        tenant.request(server, "DELETE", "/spaces/1/images/plan").send().await.expect(205);
        origin.release("plan.jpg");
    });
    first.expect_problem(404, "/not-found");
    let again = post().await.expect(201);
    assert_eq!(own_parts(&post().await), own_parts(&again));
});

contract_test!(an_answer_that_a_killed_server_owes_is_lost_at_once, only sqlite, async |server: &mut TestServer| {
    let (tenant, origin, body) = held(server).await;
    let post = |server: &TestServer| {
        tenant.request(server, "POST", "/spaces/1/images").header("Idempotency-Key", "owed").json(&body)
    };
    let first = tokio::spawn(post(server).try_send());
    asked(&origin).await;
    server.kill().await;
    first.await.unwrap().unwrap_err();
    origin.release("plan.jpg");
    server.restart().await;
    post(server).send().await.expect_problem(422, "/idempotency-key-reused");
});
