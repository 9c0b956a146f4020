//! Auth services, the services nested in them, and role providers.

use contract_tests::{Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

/// What a member says in each member of a collection.
fn all<'a>(collection: &'a Value, member: &str) -> Vec<&'a str> {
    collection["member"].as_array().unwrap().iter().map(|m| m[member].as_str().unwrap()).collect()
}

async fn create(server: &TestServer, tenant: &Tenant, body: Value) -> Value {
    tenant.request(server, "POST", "/authServices").json(&body).send().await.expect(201).json()
}

fn link<'a>(item: &'a Value, member: &str) -> &'a str {
    item[member].as_str().unwrap()
}

contract_test!(auth_services_live, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let body = json!({ "name": "Terms of use", "label": "Please accept" });
    let made = tenant.request(server, "POST", "/authServices").json(&body).send().await.expect(201);
    let service = made.json();
    let uri = link(&service, "@id").to_owned();
    assert_eq!(made.must_header("location"), uri);
    assert!(uri.ends_with("/authServices/terms-of-use"), "{uri}");
    assert_eq!(service["profile"], "http://iiif.io/api/auth/1/login");
    assert_eq!((&service["timeToLive"], &service["callToAction"]), (&json!(0), &json!("")));
    assert_eq!(service.get("roleProvider"), None);

    let viewed = tenant.request(server, "GET", &uri).send().await.expect(200);
    assert_eq!(viewed.json(), service);
    let etag = viewed.must_header("etag").to_owned();
    tenant.request(server, "GET", &uri).header("if-none-match", &etag).send().await.expect(304);
    tenant.request(server, "PATCH", &uri).header("if-match", "\"0\"").json(&json!({})).send().await.expect(412);

    let patch = json!({ "profile": "http://iiif.io/api/auth/1/token", "timeToLive": null, "label": null });
    let changed = tenant.request(server, "PATCH", &uri).header("if-match", &etag).json(&patch).send().await;
    match server.profile() {
        Profile::Seed => assert!(changed.expect(205).body.is_empty()),
        Profile::Today => assert_eq!(changed.expect(200).json()["timeToLive"], 1800),
    }
    let request = tenant.request(server, "PATCH", &uri).header("prefer", "return=representation");
    let changed = request.json(&json!({ "name": "token" })).send().await.expect(200);
    assert_eq!(changed.must_header("content-location"), uri);
    let changed = changed.json();
    assert_eq!((&changed["timeToLive"], &changed["label"]), (&json!(1800), &json!("")));

    // What a view shows can be put back, with the read-only members as they are.
    let replaced = tenant.request(server, "PUT", &uri).json(&changed).send().await.expect(200).json();
    assert_eq!(replaced, changed);
    let replaced =
        tenant.request(server, "PUT", &uri).json(&json!({ "name": "plain" })).send().await.expect(200).json();
    assert_eq!((&replaced["timeToLive"], &replaced["profile"]), (&json!(0), &service["profile"]));
    tenant.request(server, "PUT", &uri).header("if-none-match", "*").json(&body).send().await.expect(412);

    let gone = if server.profile() == Profile::Today { 204 } else { 205 };
    tenant.request(server, "DELETE", &uri).header("if-match", "\"0\"").send().await.expect(412);
    tenant.request(server, "DELETE", &uri).send().await.expect(gone);
    tenant.request(server, "GET", &uri).send().await.expect_problem(404, "/not-found");
    tenant.request(server, "PATCH", &uri).json(&json!({ "label": "x" })).send().await.expect(404);
    tenant.request(server, "DELETE", &uri).send().await.expect(404);
});

contract_test!(auth_services_are_put_under_chosen_ids, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let path = tenant.path("/authServices/My.service~1");
    let body = json!({ "name": "mine", "@id": format!("{}{path}", server.base_url()) });
    let request = tenant.request(server, "PUT", &path).header("if-none-match", "*").json(&body);
    let made = request.send().await.expect(201);
    assert!(made.must_header("location").ends_with(&path));
    tenant.request(server, "GET", "/authServices/my.service~1").send().await.expect(404);

    let other = json!({ "name": "mine", "@id": format!("{}{path}x", server.base_url()) });
    let problem = tenant.request(server, "PUT", &path).json(&other).send().await.expect_problem(400, "/invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/@id");
    for id in ["a%20b", "%2F", "%C3%A9"] {
        let path = format!("/authServices/{id}");
        let problem = tenant.request(server, "PUT", &path).json(&json!({ "name": "x" })).send().await;
        problem.expect_problem(400, "/invalid");
        tenant.request(server, "GET", &path).send().await.expect(404);
    }
    tenant.request(server, "PUT", "/authServices/new").header("if-match", "*").json(&body).send().await.expect(412);
});

contract_test!(faults_of_auth_services_are_all_named, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let post = async |body: Value| {
        let answer = tenant.request(server, "POST", "/authServices").json(&body).send().await;
        let problem = answer.expect_problem(400, "/invalid");
        let errors = problem["errors"].as_array().unwrap().iter();
        errors.map(|e| e["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(post(json!({ "label": "x" })).await, ["/name"]);
    let body = json!({ "name": "n".repeat(251), "label": 7, "timeToLive": -1, "profile": "" });
    assert_eq!(post(body).await, ["/name", "/profile", "/label", "/timeToLive"]);
    let link = json!({ "name": "x", "nestedServices": "https://example.org/", "roleProvider": "https://example.org/" });
    assert_eq!(post(link).await, ["/nestedServices", "/roleProvider"]);
    assert_eq!(post(json!({ "name": "x", "@type": "Role" })).await, ["/@type"]);
    let name = "n".repeat(250);
    let made = create(server, &tenant, json!({ "name": name })).await;
    assert_eq!(made["name"], name);
    let uri = link_of(&made);
    tenant.request(server, "PATCH", &uri).json(&json!({ "name": null })).send().await.expect_problem(400, "/invalid");
    tenant.request(server, "PUT", &uri).json(&json!({})).send().await.expect_problem(400, "/invalid");
});

fn link_of(item: &Value) -> String {
    link(item, "@id").to_owned()
}

contract_test!(services_nest_one_level_deep, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let outer = create(server, &tenant, json!({ "name": "login" })).await;
    let nested = link(&outer, "nestedServices");
    for profile in ["token", "logout"] {
        let body = json!({ "name": profile, "profile": format!("http://iiif.io/api/auth/1/{profile}") });
        let made = tenant.request(server, "POST", nested).json(&body).send().await.expect(201);
        assert!(made.must_header("location").ends_with(&format!("/authServices/login-{profile}")));
    }
    let list = tenant.request(server, "GET", nested).send().await.expect(200).json();
    assert_eq!((&list["totalItems"], all(&list, "name")), (&json!(2), vec!["logout", "token"]));
    let flat = tenant.request(server, "GET", "/authServices").send().await.expect(200).json();
    assert_eq!(all(&flat, "name"), ["clickthrough", "logout", "login", "logout", "token"]);
    let page = tenant.request(server, "GET", "/authServices?pageSize=2").send().await.expect(200).json();
    let next = tenant.request(server, "GET", link(&page["view"], "next")).send().await.expect(200).json();
    assert_eq!(all(&next, "name"), ["login", "logout"]);

    let inner = link(&list["member"][0], "nestedServices");
    let empty = tenant.request(server, "GET", inner).send().await.expect(200).json();
    assert_eq!(empty["totalItems"], 0);
    let body = json!({ "name": "deeper" });
    tenant.request(server, "POST", inner).json(&body).send().await.expect_problem(400, "/invalid");
    tenant.request(server, "POST", nested).json(&json!({})).send().await.expect_problem(400, "/invalid");
    tenant.request(server, "POST", "/authServices/none/nestedServices").json(&body).send().await.expect(404);
    tenant.request(server, "GET", "/authServices/none/nestedServices").send().await.expect(404);

    // A role that is granted by a nested service keeps both.
    let role = json!({ "name": "reader", "authService": "login-token" });
    let role = tenant.request(server, "POST", "/roles").json(&role).send().await.expect(201).json();
    let uri = link_of(&outer);
    let (conflict, gone) = if server.profile() == Profile::Today { (409, 204) } else { (400, 205) };
    tenant.request(server, "DELETE", &uri).send().await.expect_problem(conflict, "/conflict");
    tenant.request(server, "DELETE", link(&role, "@id")).send().await.expect(gone);
    tenant.request(server, "DELETE", &uri).send().await.expect(gone);
    tenant.request(server, "GET", "/authServices/login-token").send().await.expect(404);
    let flat = tenant.request(server, "GET", "/authServices").send().await.expect(200).json();
    assert_eq!(flat["totalItems"], 2);
});

contract_test!(role_providers_keep_their_credentials_to_themselves, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let service = create(server, &tenant, json!({ "name": "login" })).await;
    let path = "/authServices/login/roleProvider";
    tenant.request(server, "GET", path).send().await.expect_problem(404, "/not-found");
    tenant.request(server, "PATCH", path).json(&json!({ "credentials": null })).send().await.expect(404);
    tenant.request(server, "DELETE", path).send().await.expect(404);

    let configuration = json!({ "default": { "config": "cas", "target": "https://login.harbour.example/iiif" } });
    let secret = "s3cret-of-the-harbour";
    let body = json!({ "configuration": configuration, "credentials": { "username": "u", "password": secret } });
    let made = tenant.request(server, "PUT", path).json(&body).send().await.expect(201);
    let provider = made.json();
    let uri = link_of(&provider);
    assert_eq!(made.must_header("location"), uri);
    assert_eq!(provider["configuration"], configuration.to_string());
    assert_eq!(provider["credentials"], "xxx");
    let shown = tenant.request(server, "GET", link(&service, "@id")).send().await.expect(200).json();
    assert_eq!(shown["roleProvider"], uri);

    let viewed = tenant.request(server, "GET", &uri).send().await.expect(200);
    assert_eq!(viewed.json(), provider);
    let etag = viewed.must_header("etag").to_owned();
    tenant.request(server, "GET", &uri).header("if-none-match", &etag).send().await.expect(304);
    let put = async |body: &Value| tenant.request(server, "PUT", &uri).json(body).send().await;
    // What is shown can be put back, and leaves the credentials as they are.
    assert_eq!(put(&provider).await.expect(200).json(), provider);
    let text = json!({ "configuration": "{ \"config\" : \"oidc\" }" });
    let replaced = put(&text).await.expect(200).json();
    assert_eq!((&replaced["configuration"], replaced.get("credentials")), (&text["configuration"], None));
    let stale = tenant.request(server, "PUT", &uri).header("if-match", &etag).json(&text);
    stale.send().await.expect_problem(412, "/precondition-failed");

    let faults = [
        (json!({}), "/configuration"),
        (json!({ "configuration": "[]" }), "/configuration"),
        (json!({ "configuration": "nonsense" }), "/configuration"),
        (json!({ "configuration": format!("{{\"a\":\"{}\"}}", "x".repeat(4000)) }), "/configuration"),
        (json!({ "configuration": {}, "credentials": "secret" }), "/credentials"),
        (json!({ "configuration": {}, "@id": "https://example.org/" }), "/@id"),
    ];
    for (body, pointer) in faults {
        let problem = put(&body).await.expect_problem(400, "/invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(!problem.to_string().contains("\"secret\""));
    }

    let patch = tenant.request(server, "PATCH", &uri).json(&json!({ "credentials": { "username": secret } }));
    let patched = patch.send().await;
    let gone = match server.profile() {
        Profile::Seed => {
            assert!(patched.expect(205).body.is_empty());
            205
        }
        Profile::Today => {
            assert_eq!(patched.expect(200).json()["credentials"], "xxx");
            204
        }
    };
    let request = tenant.request(server, "PATCH", &uri).header("prefer", "return=representation");
    let patched = request.json(&json!({ "credentials": null })).send().await.expect(200).json();
    assert_eq!((&patched["configuration"], patched.get("credentials")), (&text["configuration"], None));
    let concealed = json!({ "configuration": "{}", "credentials": "xxx" });
    let nothing = tenant.request(server, "PUT", &uri).json(&concealed).send().await.expect_problem(400, "/invalid");
    assert_eq!(nothing["errors"][0]["pointer"], "/credentials");
    let patch = tenant.request(server, "PATCH", &uri).json(&json!({ "configuration": null }));
    patch.send().await.expect_problem(400, "/invalid");
    tenant.request(server, "PATCH", &uri).header("if-match", &etag).json(&json!({})).send().await.expect(412);

    tenant.request(server, "DELETE", &uri).header("if-match", &etag).send().await.expect(412);
    tenant.request(server, "DELETE", &uri).send().await.expect(gone);
    tenant.request(server, "GET", &uri).send().await.expect(404);
    let shown = tenant.request(server, "GET", link(&service, "@id")).send().await.expect(200).json();
    assert_eq!(shown, service);
    tenant.request(server, "PUT", "/authServices/none/roleProvider").json(&body).send().await.expect(404);
    assert!(!server.log().contains(secret));
});

contract_test!(credentials_are_encrypted_at_rest, only sqlite, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    create(server, &tenant, json!({ "name": "login" })).await;
    let (secret, shown) = ("s3cret-of-the-harbour", "login.harbour.example");
    let body = json!({ "configuration": { "target": format!("https://{shown}/") }, "credentials": { "p": secret } });
    tenant.request(server, "PUT", "/authServices/login/roleProvider").json(&body).send().await.expect(201);
    server.kill().await;
    let mut found = false;
    for file in std::fs::read_dir(server.data()).unwrap().map(Result::unwrap).filter(|f| f.path().is_file()) {
        let bytes = std::fs::read(file.path()).unwrap();
        let holds = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
        found |= holds(shown);
        assert!(!holds(secret), "{}", file.path().display());
    }
    assert!(found, "the configuration is stored readably");
    server.restart().await;
});

contract_test!(auth_services_of_others_are_not_found, async |server: &mut TestServer| {
    let (one, other) = (server.new_customer("harbour").await, server.new_customer("quay").await);
    create(server, &one, json!({ "name": "login" })).await;
    other.request(server, "GET", "/authServices/login").send().await.expect(404);
    other.request(server, "DELETE", "/authServices/login").send().await.expect(404);
    other.request(server, "GET", &one.path("/authServices/login")).send().await.expect(403);
    let role =
        json!({ "name": "reader", "authService": format!("{}{}", server.base_url(), one.path("/authServices/login")) });
    let problem = other.request(server, "POST", "/roles").json(&role).send().await.expect_problem(400, "/invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/authService");
});
