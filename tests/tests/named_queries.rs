//! Named queries: their life, their templates, and global ones.

use contract_tests::{Answer, Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

use crate::fastly::account;

const TEMPLATE: &str = "canvas=n1&space=p1&s1=p2";

async fn post(server: &TestServer, tenant: &Tenant, body: &Value) -> Answer {
    tenant.request(server, "POST", "/namedQueries").json(body).send().await
}

async fn create(server: &TestServer, tenant: &Tenant, name: &str) -> Value {
    post(server, tenant, &json!({ "name": name, "template": TEMPLATE })).await.expect(201).json()
}

/// A query that the administrator makes global, under its own path.
async fn create_global(server: &TestServer, name: &str) -> Value {
    let body = json!({ "name": name, "global": true, "template": "canvas=n3&s3=p1" });
    server.post("/customers/1/namedQueries").auth(&server.admin()).json(&body).send().await.expect(201).json()
}

async fn names(server: &TestServer, tenant: &Tenant) -> Vec<String> {
    let list = tenant.request(server, "GET", "/namedQueries").send().await.expect(200).json();
    let members = list["member"].as_array().unwrap();
    assert_eq!(list["totalItems"], members.len());
    members.iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect()
}

/// The pointer and the sentence of the only error of a 400.
#[track_caller]
fn only_error(problem: &Value) -> (String, String) {
    let errors = problem["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{problem}");
    let text = |member: &str| errors[0][member].as_str().unwrap().to_owned();
    (text("pointer"), text("detail"))
}

fn conflict(server: &TestServer) -> u16 {
    if server.profile() == Profile::Today { 409 } else { 400 }
}

contract_test!(a_query_lives, profiles, async |server: &mut TestServer| {
    let today = server.profile() == Profile::Today;
    let tenant = server.new_customer("harbour").await;
    let customer = tenant.request(server, "GET", "").send().await.expect(200).json();
    let collection = customer["namedQueries"].as_str().unwrap();
    let body = json!({ "name": "ledger of ships", "template": TEMPLATE });
    let created = tenant.request(server, "POST", collection).json(&body).send().await.expect(201);
    let query = created.json();
    let link = query["@id"].as_str().unwrap();
    assert_eq!(created.must_header("location"), link);
    assert!(link.starts_with(collection));
    assert_eq!(query["name"], "ledger of ships");
    assert_eq!((&query["global"], &query["template"]), (&json!(false), &json!(TEMPLATE)));
    assert_eq!(query["warnings"], json!([]));

    let get = |link: &str| tenant.request(server, "GET", link);
    let seen = get(link).send().await.expect(200);
    assert_eq!(seen.json(), query);
    assert_eq!(get("/namedQueries/ledger%20of%20ships").send().await.expect(200).json(), query);
    get(link).header("if-none-match", seen.must_header("etag")).send().await.expect(304);

    // With the template alone, as clients send it.
    let put = |body: Value| tenant.request(server, "PUT", link).json(&body);
    let replaced = put(json!({ "template": "n1=5" })).send().await.expect(200).json();
    assert_eq!((&replaced["name"], &replaced["template"]), (&query["name"], &json!("n1=5")));
    // What was read can be written back.
    assert_eq!(put(replaced.clone()).send().await.expect(200).json(), replaced);
    put(json!({ "template": "n1=6" })).header("prefer", "return=minimal").send().await.expect(200);

    let patch = |body: Value| tenant.request(server, "PATCH", link).json(&body);
    let patched = patch(json!({ "template": "s1=p1&sequence=n1" })).send().await.expect(if today { 200 } else { 205 });
    assert_eq!(patched.must_header("content-location"), link);
    let shown = patch(json!({ "name": "ledger of ships", "global": null }))
        .header("prefer", "return=representation")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(shown["template"], "s1=p1&sequence=n1");
    assert!(shown["warnings"][0].as_str().unwrap().contains("`sequence`"));
    let nothing = patch(json!({})).header("if-match", "\"0\"").send().await;
    nothing.expect_problem(412, "/precondition-failed");

    let delete = || tenant.request(server, "DELETE", link);
    delete().header("if-match", "\"0\"").send().await.expect_problem(412, "/precondition-failed");
    let current = get(link).send().await.expect(200).must_header("etag").to_owned();
    delete().header("if-match", &current).send().await.expect(if today { 204 } else { 205 });
    for method in ["GET", "DELETE"] {
        tenant.request(server, method, link).send().await.expect_problem(404, "/not-found");
    }
    patch(json!({ "template": "n1=5" })).send().await.expect_problem(404, "/not-found");
    assert_eq!(names(server, &tenant).await, [""; 0]);
});

contract_test!(put_creates_under_the_id_of_the_path, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let put = |key: &str, body: Value| tenant.request(server, "PUT", &format!("/namedQueries/{key}")).json(&body);
    let problem = put("by-hand", json!({ "template": TEMPLATE })).send().await.expect_problem(400, "/invalid");
    assert_eq!(only_error(&problem).0, "/name");
    let body = json!({ "name": "ledger", "template": TEMPLATE });
    put("by-hand", body.clone()).header("if-match", "*").send().await.expect_problem(412, "/precondition-failed");
    let created = put("by-hand", body.clone()).header("if-none-match", "*").send().await.expect(201);
    let query = created.json();
    assert_eq!(query["@id"], format!("{}{}", server.base_url(), tenant.path("/namedQueries/by-hand")));
    assert_eq!(created.must_header("location"), query["@id"]);
    let again = put("by-hand", body.clone()).header("if-none-match", "*").send().await;
    again.expect_problem(412, "/precondition-failed");
    // By its name it is the same one.
    put("ledger", body).send().await.expect(200);
    for key in ["%2E%2E", "a%2Fb", "a%5Cb", "a%07b", &"x".repeat(501)] {
        let body = json!({ "name": "other", "template": TEMPLATE });
        put(key, body).send().await.expect_problem(400, "/invalid");
    }
    assert_eq!(names(server, &tenant).await, ["ledger"]);
});

contract_test!(names_are_unique_and_stay, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let query = create(server, &tenant, "ledger").await;
    create(server, &tenant, "atlas").await;
    let taken = post(server, &tenant, &json!({ "name": "ledger", "template": TEMPLATE })).await;
    assert_eq!(only_error(&taken.expect_problem(conflict(server), "/conflict")).0, "/name");
    let taken = tenant.request(server, "PUT", "/namedQueries/new");
    let taken = taken.json(&json!({ "name": "ledger", "template": TEMPLATE })).send().await;
    taken.expect_problem(conflict(server), "/conflict");
    for method in ["PUT", "PATCH"] {
        let renamed = tenant.request(server, method, query["@id"].as_str().unwrap());
        let renamed = renamed.json(&json!({ "name": "other", "template": TEMPLATE })).send().await;
        let (pointer, detail) = only_error(&renamed.expect_problem(400, "/invalid"));
        assert_eq!(pointer, "/name");
        assert!(detail.starts_with("You cannot change the name"), "{detail}");
    }
    assert_eq!(names(server, &tenant).await, ["atlas", "ledger"]);
    // Another customer has names of its own.
    let other = server.new_customer("quay").await;
    create(server, &other, "ledger").await;
    other.request(server, "GET", query["@id"].as_str().unwrap()).send().await.expect_problem(403, "/forbidden");
    let id = query["@id"].as_str().unwrap().rsplit('/').next().unwrap();
    let mine = other.request(server, "GET", &format!("/namedQueries/{id}")).send().await;
    mine.expect_problem(404, "/not-found");
});

contract_test!(bodies_that_are_no_query_are_refused, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let long = |n: usize| "x".repeat(n);
    let cases = [
        (json!({ "template": TEMPLATE }), "/name"),
        (json!({ "name": "ledger" }), "/template"),
        (json!({ "name": "", "template": TEMPLATE }), "/name"),
        (json!({ "name": 7, "template": TEMPLATE }), "/name"),
        (json!({ "name": "a/b", "template": TEMPLATE }), "/name"),
        (json!({ "name": "..", "template": TEMPLATE }), "/name"),
        (json!({ "name": long(501), "template": TEMPLATE }), "/name"),
        (json!({ "name": "ledger", "global": "yes", "template": TEMPLATE }), "/global"),
        (json!({ "name": "ledger", "template": 7 }), "/template"),
        (json!({ "name": "ledger", "template": "" }), "/template"),
        (json!({ "name": "ledger", "template": format!("s1={}", long(998)) }), "/template"),
        (json!({ "name": "ledger", "template": TEMPLATE, "warnings": ["none"] }), "/warnings"),
        (json!({ "name": "ledger", "template": TEMPLATE, "@id": "https://api.example.org/x" }), "/@id"),
        (json!({ "name": "ledger", "template": TEMPLATE, "@type": "Space" }), "/@type"),
    ];
    for (body, pointer) in cases {
        let problem = post(server, &tenant, &body).await.expect_problem(400, "/invalid");
        assert_eq!(only_error(&problem).0, pointer, "{body}");
    }
    assert_eq!(names(server, &tenant).await, [""; 0]);
    let longest = json!({ "name": long(500), "template": format!("s1={}", long(997)) });
    post(server, &tenant, &longest).await.expect(201);
});

contract_test!(templates_are_read_when_they_are_saved, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let link = create(server, &tenant, "ledger").await["@id"].as_str().unwrap().to_owned();
    let faulty = [
        ("s1=prints", "Character 4: ", "write `s1=p1&#=prints`"),
        ("canvas=n1&&s1=p1", "Character 11: ", "nothing here"),
        ("s1=p1&", "Character 7: ", "nothing here"),
        ("s1=a=b", "Character 5: ", "second `=`"),
        ("canvas", "Character 1: ", "no value"),
        ("canvas=n9", "Character 8: ", "no field"),
        ("n1=many", "Character 4: ", "no whole number"),
    ];
    for (template, position, advice) in faulty {
        let refused = [
            post(server, &tenant, &json!({ "name": "other", "template": template })).await,
            tenant.request(server, "PUT", &link).json(&json!({ "template": template })).send().await,
            tenant.request(server, "PATCH", &link).json(&json!({ "template": template })).send().await,
        ];
        for answer in refused {
            let (pointer, detail) = only_error(&answer.expect_problem(400, "/invalid"));
            assert_eq!(pointer, "/template");
            assert!(detail.starts_with(position) && detail.contains(advice), "{template}: {detail}");
        }
    }
    let all = post(server, &tenant, &json!({ "name": "other", "template": "s1=prints&n1=x&" })).await;
    assert_eq!(all.expect_problem(400, "/invalid")["errors"].as_array().unwrap().len(), 3);
    let sound = [
        ("canvas=n2&spacename=p1&s1=p2", 0),
        ("canvas=n1&s1=p1&#=prints", 0),
        ("assetOrder=n1;n2 desc;s3 asc&space=p1", 0),
        ("manifest=s1&sequence=n1&canvas=n2&spacename=p1&s1=p2", 2),
        ("s1=p2", 1),
        ("canvas=n1", 1),
    ];
    for (template, warnings) in sound {
        let shown = tenant.request(server, "PUT", &link).json(&json!({ "template": template })).send().await;
        let shown = shown.expect(200).json();
        assert_eq!(shown["template"], template);
        assert_eq!(shown["warnings"].as_array().unwrap().len(), warnings, "{shown}");
    }
});

contract_test!(global_queries_are_for_all_and_changed_by_few, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let mine = create(server, &tenant, "atlas").await;
    for (method, link) in [
        ("POST", "/namedQueries"),
        ("PUT", "/namedQueries/new"),
        ("PUT", "/namedQueries/atlas"),
        ("PATCH", "/namedQueries/atlas"),
    ] {
        let name = if method == "POST" || link.ends_with("new") { "ledger" } else { "atlas" };
        let body = json!({ "name": name, "global": true, "template": TEMPLATE });
        let refused = tenant.request(server, method, link).json(&body).send().await;
        refused.expect_problem(403, "/forbidden");
    }
    let global = create_global(server, "ledger").await;
    assert_eq!(global["global"], true);
    assert_eq!(names(server, &tenant).await, ["atlas", "ledger"]);

    // It is seen under one's own path, by id and by name, but not changed there.
    let list = tenant.request(server, "GET", "/namedQueries").send().await.expect(200).json();
    let shown = list["member"][1].clone();
    let link = shown["@id"].as_str().unwrap();
    assert!(link.contains(&tenant.path("/namedQueries/")), "{link}");
    for link in [link, "/namedQueries/ledger"] {
        let seen = tenant.request(server, "GET", link).send().await.expect(200).json();
        assert_eq!((&seen["template"], &seen["@id"]), (&global["template"], &shown["@id"]));
        for method in ["PUT", "PATCH"] {
            let refused = tenant.request(server, method, link).json(&json!({ "template": TEMPLATE })).send().await;
            refused.expect_problem(403, "/forbidden");
        }
        tenant.request(server, "DELETE", link).send().await.expect_problem(403, "/forbidden");
    }

    // One's own of the same name comes first, in the list and by name.
    let own = create(server, &tenant, "ledger").await;
    assert_eq!(names(server, &tenant).await, ["atlas", "ledger"]);
    let seen = tenant.request(server, "GET", "/namedQueries/ledger").send().await.expect(200).json();
    assert_eq!(seen, own);
    let list = tenant.request(server, "GET", "/namedQueries").send().await.expect(200).json();
    assert_eq!(list["member"][1]["@id"], own["@id"]);
    let deleted = if server.profile() == Profile::Today { 204 } else { 205 };
    tenant.request(server, "DELETE", "/namedQueries/ledger").send().await.expect(deleted);
    assert_eq!(names(server, &tenant).await, ["atlas", "ledger"]);

    // An administrator makes a customer's query global, unless there is one of the name.
    let admin = |method: &str, link: &str| server.request(method, link).auth(&server.admin());
    let link = mine["@id"].as_str().unwrap();
    admin("PATCH", link).json(&json!({ "global": true })).send().await;
    let other = server.new_customer("quay").await;
    assert_eq!(names(server, &other).await, ["atlas", "ledger"]);
    let twin = create(server, &other, "atlas").await;
    let twin = admin("PATCH", twin["@id"].as_str().unwrap()).json(&json!({ "global": true })).send().await;
    assert_eq!(only_error(&twin.expect_problem(conflict(server), "/conflict")).0, "/name");
    // Its owner keeps it, and what was global may be sent back.
    let kept = tenant.request(server, "PUT", link).json(&json!({ "global": true, "template": "n1=p1" })).send().await;
    assert_eq!(kept.expect(200).json()["global"], true);
    tenant.request(server, "PATCH", link).json(&json!({ "global": null })).send().await;
    let seen = tenant.request(server, "GET", link).send().await.expect(200).json();
    assert_eq!(seen["global"], false);
    admin("DELETE", global["@id"].as_str().unwrap()).send().await.expect(deleted);
    assert_eq!(names(server, &other).await, ["atlas"]);
});

contract_test!(lists_are_read_page_by_page, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for name in ["c", "a", "e"] {
        create(server, &tenant, name).await;
    }
    for name in ["b", "d", "e"] {
        create_global(server, name).await;
    }
    let mut link = "/namedQueries?pageSize=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = tenant.request(server, "GET", &link).send().await.expect(200).json();
        assert_eq!(page["totalItems"], 5);
        let members = page["member"].as_array().unwrap();
        seen.extend(members.iter().map(|m| m["name"].as_str().unwrap().to_owned()));
        match page["view"]["next"].as_str() {
            Some(next) => link = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    tenant.request(server, "GET", "/namedQueries?orderBy=name").send().await.expect_problem(400, "/invalid");
    tenant.request(server, "GET", "/namedQueries?cursor=x").send().await.expect_problem(400, "/invalid");
});

/// The operations and targets of the audit of a customer, newest first.
async fn audit(server: &TestServer, tenant: &Tenant) -> Vec<(String, String)> {
    let page = tenant.request(server, "GET", "/audit").send().await.expect(200).json();
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
    page["member"].as_array().unwrap().iter().map(|e| (text(e, "operation"), text(e, "target"))).collect()
}

contract_test!(a_change_under_the_path_of_another_is_told_to_the_owner, async |server: &mut TestServer| {
    let (owner, other) = (server.new_customer("harbour").await, server.new_customer("quay").await);
    let admin = |method: &str, link: &str| server.request(method, link).auth(&server.admin());
    let body = json!({ "name": "atlas", "global": true, "template": TEMPLATE });
    admin("POST", &owner.path("/namedQueries")).json(&body).send().await.expect(201);
    let (before, others) = (audit(server, &owner).await, audit(server, &other).await);
    let path = other.path("/namedQueries/atlas");
    let body = json!({ "template": "s1=p1" });
    admin("PATCH", &path).json(&body).send().await.expect(205);
    admin("PUT", &path).json(&body).send().await.expect(200);
    admin("PUT", &path).json(&json!({ "template": "s2=p1" })).send().await.expect(200);
    admin("DELETE", &path).send().await.expect(205);
    let entries = ["named_query_delete", "named_query_replace", "named_query_update"];
    let expected = entries.map(|operation| (operation.to_owned(), path.clone()));
    assert_eq!(audit(server, &owner).await, [expected.as_slice(), before.as_slice()].concat());
    assert_eq!(audit(server, &other).await, others);
});

contract_test!(global_queries_of_a_deleted_customer_are_gone_for_everybody, async |server: &mut TestServer| {
    let (owner, other) = (account(server, "harbour").await, server.new_customer("quay").await);
    let body = json!({ "name": "ledger", "global": true, "template": TEMPLATE });
    let made = server.post(&owner.tenant.path("/namedQueries")).auth(&server.admin()).json(&body).send().await;
    let id = made.expect(201).json()["@id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(names(server, &other).await, ["ledger"]);
    owner.request(server, "DELETE", &owner.path).send().await.expect(200);
    assert_eq!(names(server, &other).await, [""; 0]);
    for key in ["ledger", &id] {
        let link = format!("/namedQueries/{key}");
        tenant_misses(server, &other, &link).await;
    }
    create_global(server, "ledger").await;
    assert_eq!(names(server, &other).await, ["ledger"]);
});

async fn tenant_misses(server: &TestServer, tenant: &Tenant, link: &str) {
    tenant.request(server, "GET", link).send().await.expect_problem(404, "/not-found");
    let admin = server.patch(&tenant.path(link)).auth(&server.admin()).json(&json!({ "template": "n1=p1" }));
    admin.send().await.expect_problem(404, "/not-found");
}
