//! Roles, and the auth services that grant them.

use contract_tests::{Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

async fn create(server: &TestServer, tenant: &Tenant, body: Value) -> Value {
    tenant.request(server, "POST", "/roles").json(&body).send().await.expect(201).json()
}

contract_test!(new_customers_have_a_clickthrough, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let customer = tenant.request(server, "GET", "").send().await.expect(200).json();
    let follow =
        async |link: &Value| tenant.request(server, "GET", link.as_str().unwrap()).send().await.expect(200).json();
    let roles = follow(&customer["roles"]).await;
    assert_eq!(roles["totalItems"], 1);
    let role = &roles["member"][0];
    assert_eq!(role["name"], "clickthrough");
    let service = follow(&role["authService"]).await;
    assert_eq!((&service["name"], &service["timeToLive"]), (&json!("clickthrough"), &json!(600)));
    let nested = follow(&service["nestedServices"]).await;
    assert_eq!(nested["totalItems"], 1);
    assert_eq!(nested["member"][0]["profile"], "http://iiif.io/api/auth/1/logout");
    assert_eq!(follow(&customer["authServices"]).await["totalItems"], 2);
    let admin = server.get("/customers/1/roles").auth(&server.admin()).send().await.expect(200).json();
    assert_eq!(admin["totalItems"], 0);
});

contract_test!(roles_live, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let body = json!({ "name": "Open with advisory", "aliases": ["advisory"], "authService": "clickthrough" });
    let made = tenant.request(server, "POST", "/roles").json(&body).send().await.expect(201);
    let role = made.json();
    let uri = role["@id"].as_str().unwrap().to_owned();
    assert_eq!(made.must_header("location"), uri);
    assert!(uri.ends_with("/roles/openWithAdvisory"), "{uri}");
    let service = format!("{}{}", server.base_url(), tenant.path("/authServices/clickthrough"));
    assert_eq!((&role["label"], &role["authService"]), (&json!(""), &json!(service)));

    let viewed = tenant.request(server, "GET", "/roles/OPENWITHadvisory").send().await.expect(200);
    assert_eq!(viewed.json(), role);
    let etag = viewed.must_header("etag").to_owned();
    tenant.request(server, "GET", &uri).header("if-none-match", &etag).send().await.expect(304);

    let (conflict, gone) = if server.profile() == Profile::Today { (409, 204) } else { (400, 205) };
    let again = tenant.request(server, "POST", "/roles").json(&json!({ "name": " open With Advisory" })).send().await;
    assert_eq!(again.expect_problem(conflict, "/conflict")["errors"][0]["pointer"], "/name");

    let patch = json!({ "aliases": ["a", "b"], "authService": null });
    let patched = tenant.request(server, "PATCH", &uri).header("if-match", &etag).json(&patch).send().await;
    match server.profile() {
        Profile::Seed => assert!(patched.expect(205).body.is_empty()),
        Profile::Today => assert_eq!(patched.expect(200).json()["aliases"], json!(["a", "b"])),
    }
    tenant.request(server, "PATCH", &uri).header("if-match", &etag).json(&patch).send().await.expect(412);
    let request = tenant.request(server, "PATCH", &uri).header("prefer", "return=representation");
    let renamed = request.json(&json!({ "name": "Closed", "aliases": null })).send().await.expect(200).json();
    assert_eq!((&renamed["@id"], &renamed["name"]), (&json!(uri), &json!("Closed")));
    assert_eq!((&renamed["aliases"], renamed.get("authService")), (&json!([]), None));
    let request = tenant.request(server, "PATCH", &uri).header("prefer", "return=representation");
    let named = request.json(&json!({ "authService": { "@id": service } })).send().await.expect(200).json();
    assert_eq!(named["authService"], service);

    assert_eq!(tenant.request(server, "PUT", &uri).json(&role).send().await.expect(200).json(), role);
    let put = json!({ "name": "Readers", "authService": tenant.path("/authServices/clickthrough") });
    let made = tenant.request(server, "PUT", "/roles/Readers_1").json(&put).send().await.expect(201);
    assert!(made.must_header("location").ends_with("/roles/Readers_1"));
    assert_eq!(made.json()["authService"], service);
    let again = tenant.request(server, "PUT", "/roles/READERS_1").json(&put).send().await.expect(200);
    assert_eq!(again.json()["@id"], made.json()["@id"]);
    let request = tenant.request(server, "PUT", "/roles/readers_1").header("if-none-match", "*");
    request.json(&put).send().await.expect(412);

    let list = tenant.request(server, "GET", "/roles?pageSize=2").send().await.expect(200).json();
    assert_eq!(list["totalItems"], 3);
    let next = list["view"]["next"].as_str().unwrap();
    let next = tenant.request(server, "GET", next).send().await.expect(200).json();
    assert_eq!(next["member"][0], without_context(&role));

    tenant.request(server, "DELETE", &uri).header("if-match", "\"0\"").send().await.expect(412);
    tenant.request(server, "DELETE", "/roles/openwithadvisory").send().await.expect(gone);
    tenant.request(server, "GET", &uri).send().await.expect_problem(404, "/not-found");
    tenant.request(server, "PATCH", &uri).json(&json!({})).send().await.expect(404);
    tenant.request(server, "DELETE", &uri).send().await.expect(404);
});

fn without_context(item: &Value) -> Value {
    let mut item = item.clone();
    item.as_object_mut().unwrap().remove("@context");
    item
}

contract_test!(faults_of_roles_are_all_named, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let elsewhere = format!("https://example.org{}", tenant.path("/authServices/clickthrough"));
    let cases = [
        (json!({}), vec!["/name"]),
        (
            json!({ "name": 7, "label": "x".repeat(1001), "aliases": ["a,b", ""] }),
            vec!["/name", "/label", "/aliases/0", "/aliases/1"],
        ),
        (json!({ "name": "…" }), vec!["/name"]),
        (json!({ "name": "x", "aliases": "a" }), vec!["/aliases"]),
        (json!({ "name": "x", "aliases": ["a".repeat(500), "b".repeat(500)] }), vec!["/aliases"]),
        (json!({ "name": "x", "authService": "none" }), vec!["/authService"]),
        (json!({ "name": "x", "authService": elsewhere }), vec!["/authService"]),
        (json!({ "name": "x", "authService": 7 }), vec!["/authService"]),
        (json!({ "name": "x", "@id": "https://example.org/" }), vec!["/@id"]),
        (json!({ "name": "x", "@type": "Space" }), vec!["/@type"]),
    ];
    for (body, pointers) in cases {
        let problem = tenant.request(server, "POST", "/roles").json(&body).send().await.expect_problem(400, "/invalid");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect::<Vec<_>>(), pointers);
    }
    let fits = json!({ "name": "x", "aliases": ["a".repeat(500), "b".repeat(499)] });
    create(server, &tenant, fits).await;
    let patch = tenant.request(server, "PATCH", "/roles/x").json(&json!({ "authService": "none" }));
    patch.send().await.expect_problem(400, "/invalid");
    let put = tenant.request(server, "PUT", "/roles/x").json(&json!({ "name": "x", "authService": "none" }));
    put.send().await.expect_problem(400, "/invalid");
    tenant.request(server, "PUT", "/roles/a%20b").json(&json!({ "name": "x" })).send().await.expect(400);
});

contract_test!(roles_are_granted_by_auth_services, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let role = create(server, &tenant, json!({ "name": "reader" })).await;
    let at = "/roles/READER/authService";
    let service = format!("{}{}", server.base_url(), tenant.path("/authServices/clickthrough"));
    let body = json!({ "@id": service });
    tenant.request(server, "GET", at).send().await.expect_problem(404, "/not-found");
    tenant.request(server, "PATCH", at).json(&body).send().await.expect(404);
    tenant.request(server, "DELETE", at).send().await.expect(404);

    let first = tenant.request(server, "PUT", at).json(&body).send().await.expect(201);
    assert_eq!(first.must_header("location"), service);
    let viewed = tenant.request(server, "GET", at).send().await.expect(200);
    assert_eq!(viewed.json()["@id"], service);
    let etag = viewed.must_header("etag").to_owned();
    tenant.request(server, "GET", at).header("if-none-match", &etag).send().await.expect(304);
    let shown = tenant.request(server, "GET", role["@id"].as_str().unwrap()).send().await.expect(200).json();
    assert_eq!(shown["authService"], service);
    // What is shown can be put back.
    tenant.request(server, "PUT", at).json(&viewed.json()).send().await.expect(200);
    // The role doesn't change the service; that of another is another's.
    for (method, id) in [("PUT", service.as_str()), ("PATCH", &service), ("PUT", "clickthrough-logout"), ("PATCH", "")]
    {
        let mut body = viewed.json();
        body["name"] = json!("changed");
        body["@id"] = json!(id);
        if id.is_empty() {
            body.as_object_mut().unwrap().remove("@id");
        }
        let problem = tenant.request(server, method, at).json(&body).send().await.expect_problem(400, "/invalid");
        assert!(problem["errors"].as_array().unwrap().iter().any(|error| error["pointer"] == "/name"), "{problem}");
    }
    assert_eq!(tenant.request(server, "GET", at).send().await.expect(200).must_header("etag"), etag);

    let other = json!({ "@id": "clickthrough-logout" });
    let patched = tenant.request(server, "PATCH", at).header("if-match", &etag).json(&other).send().await;
    let gone = match server.profile() {
        Profile::Seed => {
            assert!(patched.expect(205).body.is_empty());
            205
        }
        Profile::Today => {
            assert_eq!(patched.expect(200).json()["name"], "logout");
            204
        }
    };
    tenant.request(server, "PATCH", at).header("if-match", &etag).json(&other).send().await.expect(412);
    tenant.request(server, "PUT", at).header("if-match", &etag).json(&other).send().await.expect(412);
    tenant.request(server, "DELETE", at).header("if-match", &etag).send().await.expect(412);
    let request = tenant.request(server, "PATCH", at).header("prefer", "return=representation");
    assert_eq!(request.json(&json!({})).send().await.expect(200).json()["name"], "logout");

    for body in [json!({ "@id": "none" }), json!({ "@id": "https://example.org/x" }), json!({ "@id": 7 })] {
        for method in ["PUT", "PATCH"] {
            let problem = tenant.request(server, method, at).json(&body).send().await.expect_problem(400, "/invalid");
            assert_eq!(problem["errors"][0]["pointer"], "/@id");
        }
    }
    tenant.request(server, "PUT", at).json(&json!({})).send().await.expect_problem(400, "/invalid");
    tenant.request(server, "PUT", "/roles/none/authService").json(&body).send().await.expect(404);
    tenant.request(server, "DELETE", at).send().await.expect(gone);
    tenant.request(server, "GET", at).send().await.expect(404);
    tenant.request(server, "GET", "/authServices/clickthrough-logout").send().await.expect(200);
});

contract_test!(roles_of_others_are_not_found, async |server: &mut TestServer| {
    let (one, other) = (server.new_customer("harbour").await, server.new_customer("quay").await);
    create(server, &one, json!({ "name": "reader" })).await;
    other.request(server, "GET", "/roles/reader").send().await.expect(404);
    other.request(server, "GET", "/roles/reader/authService").send().await.expect(404);
    other.request(server, "DELETE", &one.path("/roles/reader")).send().await.expect(403);
});
