//! Sweeps over all operations: who may come in.

use base64::Engine as _;
use contract_tests::document::Operation;
use contract_tests::http::{Answer, RawRequest};
use contract_tests::places::{Access, access, is_general, path_parameters};
use contract_tests::{Credentials, Document, Options, Places, TestServer, basic, contract_test};
use serde_json::Value;

const CHALLENGE: &str = "Basic realm=\"customer-api\", charset=\"UTF-8\"";

/// Nothing needs to be processed here.
fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// `Authorization` headers that hold no key and secret.
fn malformed(own: &Credentials) -> Vec<String> {
    let pair = format!("{}:{}", own.key, own.secret);
    vec![
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        format!("Basic {pair}"),
        format!("Basic {}", base64(own.key.as_bytes())),
        format!("Basic {}", base64(b"\xff\xfe:\xff")),
        format!("Basic{}", base64(pair.as_bytes())),
        format!("Bearer {}", base64(pair.as_bytes())),
        format!("Digest username=\"{}\"", own.key),
        base64(pair.as_bytes()),
    ]
}

/// `Authorization` headers with a key and a secret that don't open anything.
async fn wrong(server: &TestServer, places: &Places) -> Vec<String> {
    let own = &places.tenant.credentials;
    let revoked = places.key(server).await;
    let link = format!("/keys/{}", revoked.key);
    places.tenant.request(server, "DELETE", &link).send().await.expect(205);
    let admin = server.admin();
    [
        Credentials::new("", ""),
        Credentials::new("nobody", "nothing"),
        Credentials::new("nobody", own.secret.as_str()),
        Credentials::new(own.key.as_str(), ""),
        Credentials::new(own.key.as_str(), format!("{}x", own.secret)),
        Credentials::new(own.key.to_uppercase(), own.secret.as_str()),
        Credentials::new(own.key.as_str(), admin.secret.as_str()),
        Credentials::new(own.secret.as_str(), own.key.as_str()),
        Credentials::new("' OR ''='", "' OR ''='"),
        Credentials::new(own.key.as_str(), own.key.as_str()),
        revoked,
    ]
    .iter()
    .map(basic)
    .collect()
}

#[track_caller]
fn challenged(answer: Answer) {
    assert_eq!(answer.must_header("www-authenticate"), CHALLENGE);
    let problem = answer.expect_problem(401, "/unauthorized");
    assert_eq!(problem["@type"], "Error");
    assert_eq!((&problem["status"], &problem["statusCode"]), (&401.into(), &401.into()));
    assert!(problem.get("errors").is_none());
}

fn operations(wanted: impl Fn(&Operation) -> bool) -> Vec<&'static Operation> {
    let general = Document::committed().operations().filter(|operation| is_general(&operation.template));
    general.filter(|operation| wanted(operation)).collect()
}

fn under_customer(template: &str) -> bool {
    template == "/customers/{customer}" || template.starts_with("/customers/{customer}/")
}

contract_test!(nothing_opens_without_the_right_key, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let closed = operations(|operation| access(operation) == Access::Required);
    let guarded = operations(|operation| access(operation) != Access::Open);
    let mut sent = 0;
    for operation in &closed {
        challenged(places.request(server, operation, &[]).send().await);
        sent += 1;
    }
    let mut values = malformed(&places.tenant.credentials);
    values.extend(wrong(server, &places).await);
    assert_eq!(values.len(), 22);
    for operation in &guarded {
        for value in &values {
            challenged(places.request(server, operation, &[]).header("authorization", value).send().await);
            sent += 1;
        }
    }
    assert_eq!(sent, closed.len() + guarded.len() * 22);
    println!("{sent} requests without the right key, all 401");
    // Everything is still there: none of it got through to a DELETE.
    places.tenant.request(server, "GET", &format!("/spaces/{}/images/plan-001", places.space)).send().await.expect(200);
});

contract_test!(the_right_key_opens_however_it_is_spelled, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let pair = basic(&places.tenant.credentials);
    let (_, encoded) = pair.split_once(' ').unwrap();
    for value in [format!("basic {encoded}"), format!("BASIC {encoded}"), format!("Basic   {encoded} ")] {
        server.get(&places.tenant.path("")).header("authorization", &value).send().await.expect(200);
    }
    for operation in operations(|operation| operation.method == "GET") {
        let status = places.allowed(server, operation, &[]).send().await.status;
        // The picture was never fetched, so only what delivers it has nothing to give.
        let missing = operation.template.starts_with("/iiif-img/") || operation.template.starts_with("/thumbs/");
        assert!(matches!(status, 200 | 303) || (missing && status == 404), "{}: {status}", operation.id);
    }
});

contract_test!(what_is_public_asks_nobody, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let open = operations(|operation| access(operation) == Access::Open);
    let ids: Vec<&str> = open.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids, ["entry_point_view", "entry_point_ping", "hydra_vocab", "hydra_context"]);
    for operation in open {
        places.request(server, operation, &[]).send().await.expect(200);
        // Credentials don't matter, so wrong ones don't either.
        places.request(server, operation, &[]).header("authorization", "Bearer x").send().await.expect(200);
    }
    for page in ["/docs/", "/openapi.json"] {
        server.get(page).send().await.expect(200);
    }
});

/// Requests under the path of a customer, whether they make sense or not: for every operation seven kinds,
/// one more for each further parameter of its path, and for every path the methods it hasn't.
fn all_kinds(server: &TestServer, places: &Places, customer: &str) -> Vec<RawRequest> {
    let own = [("customer", customer)];
    let mut all = Vec::new();
    for operation in operations(|operation| under_customer(&operation.template)) {
        let path = places.path(&operation.template, &own);
        let bare = |path: &str| server.request(&operation.method, path);
        all.push(places.request(server, operation, &own));
        all.push(bare(&format!("{path}?nosuch=1&page=x")));
        all.push(bare(&path).header("content-type", "application/json").body("{\"name\": "));
        all.push(bare(&path).header("content-type", "text/plain").body("plans"));
        all.push(bare(&path).header("if-match", "\"0\"").header("if-none-match", "*"));
        all.push(bare(&format!("{path}/")));
        all.push(bare(&format!("{path}/nothing/at/all")));
        for parameter in path_parameters(operation).into_iter().filter(|name| *name != "customer") {
            all.push(bare(&places.path(&operation.template, &[own[0], (parameter, "..%2F%00")])));
        }
    }
    for item in Document::committed().paths().iter().filter(|item| under_customer(&item.template)) {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE", "BREW"] {
            if !item.operations.contains_key(method) {
                all.push(server.request(method, &places.path(&item.template, &own)));
            }
        }
    }
    all
}

/// How many requests [`all_kinds`] makes, from the document.
fn count_of_all_kinds() -> usize {
    let of_operations = operations(|operation| under_customer(&operation.template));
    let further: usize = of_operations.iter().map(|operation| path_parameters(operation).len() - 1).sum();
    let paths = Document::committed().paths().iter().filter(|item| under_customer(&item.template)).count();
    of_operations.len() * 7 + further + paths * 8 - of_operations.len()
}

/// A refusal without what differs from request to request.
fn told(answer: &Answer) -> Value {
    let mut problem = answer.json();
    let members = problem.as_object_mut().unwrap();
    members.retain(|name, _| name != "requestId" && name != "instance");
    problem
}

contract_test!(another_customer_is_closed_whatever_is_asked, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let stranger = server.new_customer("lighthouse").await;
    let mut said = Vec::new();
    // Whether a customer exists can't be told from the outside.
    for customer in
        [places.tenant.id.to_string().as_str(), "1", "999999", "0", "-1", "abc", "%31", "1%2F2", "..", "%00"]
    {
        for request in all_kinds(server, &places, customer) {
            let answer = request.auth(&stranger.credentials).send().await.expect(403);
            if !answer.body.is_empty() {
                said.push(told(&answer));
            }
        }
    }
    // Each path is also asked for its HEAD, which has no body to compare.
    let heads = Document::committed().paths().iter().filter(|item| under_customer(&item.template)).count();
    assert_eq!(said.len(), 10 * (count_of_all_kinds() - heads));
    assert!(said[0]["type"].as_str().unwrap().ends_with("/forbidden"));
    assert!(said.iter().all(|problem| *problem == said[0]));
    println!("{} requests for other customers, all 403", 10 * count_of_all_kinds());
    // The same requests without credentials.
    for request in all_kinds(server, &places, &places.tenant.id.to_string()) {
        let answer = request.send().await.expect(401);
        assert_eq!(answer.must_header("www-authenticate"), CHALLENGE);
    }
    places.tenant.request(server, "GET", &format!("/spaces/{}/images/plan-001", places.space)).send().await.expect(200);
});

contract_test!(an_administrator_is_told_of_unknown_customers, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let admin = server.admin();
    let mut sent = 0;
    for customer in ["999999", "0", "-1", "abc", "99999999999999999999", "01", ".."] {
        for request in all_kinds(server, &places, customer) {
            let answer = request.auth(&admin).send().await.expect(404);
            assert!(answer.body.is_empty() || told(&answer)["type"].as_str().unwrap().ends_with("/not-found"));
            sent += 1;
        }
    }
    assert_eq!(sent, 7 * count_of_all_kinds());
    println!("{sent} requests for unknown customers, all 404");
    // On one that exists an administrator may do what its own keys may.
    for operation in operations(|operation| operation.method == "GET" && under_customer(&operation.template)) {
        places.request(server, operation, &[]).auth(&admin).send().await.expect(200);
    }
    let space = places.tenant.path("/spaces/9");
    let body = serde_json::json!({ "name": "by-the-administrator" });
    server.put(&space).auth(&admin).json(&body).send().await.expect(201);
    let shown = places.tenant.request(server, "GET", &space).send().await.expect(200).json();
    assert_eq!(shown["name"], "by-the-administrator");
});
