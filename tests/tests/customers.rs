//! Customers.

use contract_tests::http::Answer;
use contract_tests::places::number;
use contract_tests::{Profile, TestServer, contract_test};
use serde_json::{Value, json};

fn seed(server: &TestServer) -> bool {
    server.profile() == Profile::Seed
}

async fn create(server: &TestServer, body: Value) -> Answer {
    server.post("/customers").auth(&server.admin()).json(&body).send().await
}

#[track_caller]
fn refused(answer: Answer, status: u16, kind: &str, pointers: &[&str]) {
    let problem = answer.expect_problem(status, kind);
    let errors = problem["errors"].as_array().expect("a refusal says what to change");
    let given: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    assert_eq!(given, pointers, "{problem}");
}

contract_test!(an_administrator_creates_customers, profiles, async |server: &mut TestServer| {
    let made =
        create(server, json!({ "name": "harbour", "displayName": "Harbour Archive", "junk": 1 })).await.expect(201);
    let customer = made.json();
    let link = format!("{}/customers/2", server.base_url());
    let expected = json!({
        "@context": format!("{}/contexts/Customer.jsonld", server.base_url()), "@id": link, "@type": "Customer",
        "name": "harbour", "displayName": "Harbour Archive", "created": customer["created"], "administrator": false,
    });
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&customer[member], value, "{member}");
    }
    for link_to in ["spaces", "allImages", "queue", "keys", "storage"] {
        assert_eq!(customer[link_to], format!("{link}/{link_to}"));
    }
    assert_eq!(made.must_header("location"), link);
    let shown = server.get(&link).auth(&server.admin()).send().await.expect(200);
    assert_eq!((shown.must_header("etag"), shown.json()), (made.must_header("etag"), customer));

    let conflict = if seed(server) { 400 } else { 409 };
    for name in ["harbour", "HARBOUR"] {
        let taken = create(server, json!({ "name": name, "displayName": "Another" })).await;
        refused(taken, conflict, "/conflict", &["/name"]);
    }
    let taken = create(server, json!({ "name": "another", "displayName": "Harbour Archive" })).await;
    refused(taken, conflict, "/conflict", &["/displayName"]);
    let minimal = server.post("/customers").auth(&server.admin()).header("prefer", "return=minimal");
    let minimal = minimal.json(&json!({ "name": "lighthouse", "displayName": "Lighthouse" })).send().await.expect(201);
    assert_eq!((minimal.body.len(), minimal.must_header("preference-applied")), (0, "return=minimal"));
    // Refused ones used up no number.
    assert_eq!(minimal.must_header("location"), format!("{}/customers/3", server.base_url()));
});

contract_test!(who_may_not_create_customers_is_told_so_first, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for body in ["", "{}", "{", r#"{"name": "quay", "displayName": "Quay"}"#] {
        let request = server.post("/customers").auth(&tenant.credentials).header("content-type", "application/json");
        request.body(body).send().await.expect_problem(403, "/forbidden");
    }
});

contract_test!(new_customers_need_two_good_names, async |server: &mut TestServer| {
    let both = |name: Value, display: Value| json!({ "name": name, "displayName": display });
    let cases: [(Value, &[&str]); 15] = [
        (json!({}), &["/name", "/displayName"]),
        (both(json!("a/b"), json!("A")), &["/name"]),
        (both(json!("a b"), json!("A")), &["/name"]),
        (both(json!(""), json!("")), &["/name", "/displayName"]),
        (both(json!("a".repeat(61)), json!("A")), &["/name"]),
        (both(json!("a"), json!("A".repeat(501))), &["/displayName"]),
        (both(json!(5), json!(["A"])), &["/name", "/displayName"]),
        (both(json!("admin"), json!("A")), &["/name"]),
        (both(json!("Admin"), json!("A")), &["/name"]),
        (both(json!("v2"), json!("A")), &["/name"]),
        (both(json!("a"), json!(" \t\u{a0}")), &["/displayName"]),
        (both(json!("v2"), json!(" ")), &["/name", "/displayName"]),
        (both(json!(".."), json!("A")), &["/name"]),
        (both(json!("."), json!("A")), &["/name"]),
        (json!({ "name": "a", "displayName": "A", "administrator": true }), &["/administrator"]),
    ];
    for (body, pointers) in cases {
        refused(create(server, body).await, 400, "/invalid", pointers);
    }
    refused(
        create(server, json!({ "@type": "Space", "name": "a", "displayName": "A" })).await,
        400,
        "/invalid",
        &["/@type"],
    );
    let tenant = server.new_customer("harbour").await;
    let body = json!({ "name": "a", "displayName": "A" });
    let answer = server.post("/customers").auth(&tenant.credentials).json(&body).send().await;
    answer.expect_problem(403, "/forbidden");
    let all = server.get("/customers").auth(&server.admin()).send().await.expect(200).json();
    assert_eq!(all["totalItems"], 2);
});

contract_test!(everybody_sees_themselves_and_administrators_all, async |server: &mut TestServer| {
    let none = server.get("/customers/0").auth(&server.admin()).send().await.expect_problem(404, "/not-found");
    assert_eq!(none["detail"], "`customer` is 0, but must be at least 1.");
    let tenants = [
        server.new_customer("harbour").await,
        server.new_customer("lighthouse").await,
        server.new_customer("pier").await,
    ];
    for tenant in &tenants {
        let seen = server.get("/customers").auth(&tenant.credentials).send().await.expect(200).json();
        assert_eq!((&seen["totalItems"], seen["member"].as_array().unwrap().len()), (&json!(1), 1));
        assert_eq!(number(&seen["member"][0]["@id"]), tenant.id);
        assert!(seen.get("view").is_none() && seen["member"][0].get("@context").is_none());
    }
    let ask = |link: &str| server.get(link).auth(&server.admin()).send();
    let mut page = ask("/customers?pageSize=3").await.expect(200).json();
    let mut seen: Vec<u64> = Vec::new();
    for expected in [1, 2] {
        let by_number = ask(&format!("/customers?pageSize=3&page={expected}")).await.expect(200).json();
        assert_eq!(by_number["member"], page["member"]);
        assert_eq!((&page["totalItems"], &page["view"]["page"]), (&json!(4), &json!(expected)));
        seen.extend(page["member"].as_array().unwrap().iter().map(|customer| number(&customer["@id"])));
        if let Some(next) = page["view"]["next"].as_str() {
            page = ask(next).await.expect(200).json();
        }
    }
    assert_eq!(seen, [1, 2, 3, 4]);
    let member = page["member"][0].clone();
    assert_eq!((&member["name"], &member["administrator"]), (&json!("pier"), &json!(false)));
    refused(ask("/customers?page=x").await, 400, "/invalid", &["page"]);
    refused(ask("/customers?orderBy=name").await, 400, "/invalid", &["orderBy"]);
    refused(ask("/customers?cursor=x").await, 400, "/invalid", &["cursor"]);
    let admin = ask("/customers/1").await.expect(200).json();
    assert_eq!((&admin["name"], &admin["administrator"]), (&json!("admin"), &json!(true)));
});

contract_test!(a_customer_changes_its_display_name, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let changed = if seed(server) { 205 } else { 200 };
    let patch = |body: Value| tenant.request(server, "PATCH", "").json(&body).send();
    let before = tenant.request(server, "GET", "").send().await.expect(200);
    let old = before.must_header("etag");

    let answer = patch(json!({ "displayName": "Harbour Archive" })).await.expect(changed);
    assert_eq!(answer.must_header("content-location"), format!("{}{}", server.base_url(), tenant.path("")));
    let after = tenant.request(server, "GET", "").send().await.expect(200);
    assert_eq!(after.json()["displayName"], "Harbour Archive");
    assert_eq!(after.must_header("etag"), answer.must_header("etag"));
    assert_ne!(after.must_header("etag"), old);
    tenant.request(server, "GET", "").header("if-none-match", after.must_header("etag")).send().await.expect(304);
    tenant.request(server, "GET", "").header("if-none-match", old).send().await.expect(200);

    let stale = tenant.request(server, "PATCH", "").header("if-match", old).json(&json!({ "displayName": "x" }));
    stale.send().await.expect_problem(412, "/precondition-failed");
    let fresh = tenant.request(server, "PATCH", "").header("if-match", after.must_header("etag"));
    let fresh = fresh.header("prefer", "return=representation").json(&json!({ "displayName": "Harbour" }));
    let shown = fresh.send().await.expect(200);
    assert_eq!(
        (&shown.json()["displayName"], shown.must_header("preference-applied")),
        (&json!("Harbour"), "return=representation")
    );

    // What a GET gave changes nothing, and neither does nothing.
    patch(shown.json()).await.expect(changed);
    patch(json!({})).await.expect(changed);
    assert_eq!(tenant.request(server, "GET", "").send().await.expect(200).json(), shown.json());

    server.new_customer("lighthouse").await;
    let conflict = if seed(server) { 400 } else { 409 };
    refused(patch(json!({ "displayName": "lighthouse" })).await, conflict, "/conflict", &["/displayName"]);
    for (body, pointers) in [
        (json!({ "displayName": "" }), vec!["/displayName"]),
        (json!({ "displayName": " \t" }), vec!["/displayName"]),
        (json!({ "displayName": null }), vec!["/displayName"]),
        (json!({ "displayName": 5 }), vec!["/displayName"]),
        (json!({ "displayName": "A".repeat(501) }), vec!["/displayName"]),
        (json!({ "name": "other", "administrator": true }), vec!["/name", "/administrator"]),
        (json!({ "@id": "https://example.org/", "keys": "x" }), vec!["/@id", "/keys"]),
        (json!({ "@type": "Key" }), vec!["/@type"]),
    ] {
        refused(patch(body).await, 400, "/invalid", &pointers);
    }
    assert_eq!(tenant.request(server, "GET", "").send().await.expect(200).json(), shown.json());
});
