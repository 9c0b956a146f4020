//! The pairs of the founding matrix (tests/matrix.txt) that nothing else asks for in every profile.

use contract_tests::{Options, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

/// Nothing needs to be processed here.
fn without_workers() -> Options {
    Options { workers: 0, ..Options::default() }
}

async fn made(server: &TestServer) -> Tenant {
    let tenant = server.new_customer("harbour").await;
    for (method, link, body) in [
        ("POST", "/spaces", json!({ "name": "plans" })),
        ("PUT", "/originStrategies/masters", strategy()),
        ("POST", "/queue", json!({ "member": [{ "id": "a", "space": 1, "origin": "https://masters.example/a.jpg" }] })),
    ] {
        tenant.request(server, method, link).json(&body).send().await.expect(201);
    }
    tenant
}

fn strategy() -> Value {
    json!({ "regex": "https://masters.example/.*", "strategy": "basic-http-authentication",
            "credentials": { "user": "a", "password": "b" } })
}

contract_test!(
    bodies_of_the_wrong_type_are_refused,
    profiles,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = made(server).await;
        let user = json!({ "email": "keeper@harbour.example", "password": "correct horse battery" });
        let user = tenant.request(server, "POST", "/portalUsers").json(&user).send().await.expect(201).json();
        let user = user["@id"].as_str().unwrap();
        let wrong = json!({ "name": 7, "label": 7, "regex": 7, "email": 7, "origin": 7, "string1": 7, "template": 7 });
        for (method, link) in [
            ("POST", "/authServices"),
            ("PUT", "/authServices/clickthrough"),
            ("PATCH", "/authServices/clickthrough"),
            ("POST", "/roles"),
            ("PUT", "/roles/clickthrough"),
            ("PATCH", "/roles/clickthrough"),
            ("POST", "/namedQueries"),
            ("POST", "/originStrategies"),
            ("PUT", "/originStrategies/masters"),
            ("PATCH", "/originStrategies/masters"),
            ("POST", "/portalUsers"),
            ("PATCH", user),
            ("PUT", "/spaces/1/images/a"),
            ("PATCH", "/spaces/1/images/a"),
            ("POST", "/spaces/1/defaultRoles"),
        ] {
            let refused = tenant.request(server, method, link).json(&wrong).send().await;
            assert!(!refused.expect_problem(400, "/invalid")["errors"][0].is_null(), "{method} {link}");
        }
        let nobody = tenant.request(server, "PATCH", "/portalUsers/00000000-0000-4000-8000-000000000000");
        nobody.json(&json!({ "enabled": true })).send().await.expect_problem(404, "/not-found");
    }
);

contract_test!(
    lists_and_strangers_are_told_what_is_wrong,
    profiles,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = made(server).await;
        let other = server.new_customer("quay").await;
        let foreign = server.get(&tenant.path("")).auth(&other.credentials).send().await;
        foreign.expect_problem(403, "/forbidden");
        let batches = ["images", "errorImages", "completedImages"];
        let batch = tenant.request(server, "GET", "/queue/batches").send().await.expect(200).json();
        let batch = batch["member"][0]["@id"].as_str().unwrap().to_owned();
        let lists = batches.iter().map(|list| format!("{batch}/{list}"));
        let lists = lists.chain(["/queue/images", "/allImages", "/spaces/1/images"].map(str::to_owned));
        for list in lists {
            tenant.request(server, "GET", &format!("{list}?q=none")).send().await.expect_problem(400, "/invalid");
        }
        for list in batches {
            let link = format!("/queue/batches/99999/{list}");
            tenant.request(server, "GET", &link).send().await.expect_problem(404, "/not-found");
        }
        let distinct = |space: u8, field: &str| {
            tenant.request(server, "GET", &format!("/spaces/{space}/metadata/distinct?field={field}")).send()
        };
        distinct(1, "string1").await.expect(200);
        distinct(1, "colour").await.expect_problem(400, "/invalid");
        distinct(99, "string1").await.expect_problem(404, "/not-found");
        let roles = tenant.request(server, "POST", "/spaces/1/defaultRoles").json(&json!(["clickthrough"]));
        roles.send().await.expect(200);
    }
);
