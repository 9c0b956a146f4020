//! Where every walk through the API starts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contract_tests::{Document, Origin, TestServer, contract_test, eventually};
use serde_json::{Value, json};

contract_test!(the_entry_point_leads_everywhere, async |server: &mut TestServer| {
    let answer = server.get("/").send().await.expect(200);
    let base = server.base_url();
    let expected = json!({
        "@context": format!("{base}/contexts/EntryPoint.jsonld"), "@id": base, "@type": "EntryPoint",
        "customers": format!("{base}/customers"), "storagePolicies": format!("{base}/storagePolicies"),
        "thumbnailPolicies": format!("{base}/thumbnailPolicies"),
        "imageOptimisationPolicies": format!("{base}/imageOptimisationPolicies"),
    });
    let shown = answer.json();
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
    let known = server.get("/").header("if-none-match", answer.must_header("etag")).send().await.expect(304);
    assert!(known.body.is_empty());
    let refused = server.get("/?page=1").send().await.expect_problem(400, "/invalid");
    assert_eq!(refused["errors"][0]["pointer"], "page");
    assert_eq!(server.get("/ping").send().await.expect(200).json(), json!({ "status": "ok" }));
    let refused = server.get("/ping?x=1").send().await.expect_problem(400, "/invalid");
    assert_eq!(refused["errors"][0]["pointer"], "x");
});

/// Every text of a document that is a link to this server.
fn links(value: &Value, base: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text == base || text.starts_with(&format!("{base}/")) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| links(item, base, found)),
        Value::Object(members) => members.values().for_each(|member| links(member, base, found)),
        _ => {}
    }
}

contract_test!(no_link_is_dead, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    tenant.request(server, "PUT", "/spaces/1").json(&json!({ "name": "a" })).send().await.expect(201);
    tenant.request(server, "PUT", "/spaces/2").json(&json!({ "name": "b" })).send().await.expect(201);
    let ids = ["plain", "ü&?#%", "50%25", "a+b;c=d"];
    let members: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "space": 1, "origin": origin.picture("a.jpg", 600, 400) }))
        .chain([json!({ "id": "lost", "space": 1, "origin": origin.url("missing.jpg") })])
        .collect();
    let answer = tenant.request(server, "POST", "/queue").json(&json!({ "member": members })).send().await;
    let batch = answer.expect(201).must_header("location").to_owned();
    eventually(Duration::from_secs(30), "the batch is finished", async || {
        let batch = tenant.request(server, "GET", &batch).send().await.expect(200).json();
        batch.get("finished").filter(|finished| finished.is_string()).map(drop)
    })
    .await;

    let base = server.base_url();
    let mut waiting: VecDeque<(String, String)> = VecDeque::new();
    let starts = ["/", "/spaces?pageSize=1", "/allImages?pageSize=2&orderBy=string1&string1="];
    waiting.push_back((base.clone(), "the start".to_owned()));
    waiting.extend(starts[1..].iter().map(|start| (format!("{base}{}", tenant.path(start)), "the start".to_owned())));
    let mut seen: BTreeMap<String, u16> = BTreeMap::new();
    while let Some((link, from)) = waiting.pop_front() {
        let link = link.replace("{?field}", "?field=string1");
        let target = link.split('#').next().unwrap_or_default().to_owned();
        if seen.contains_key(&target) {
            continue;
        }
        assert!(seen.len() < 2_000, "the walk has no end");
        let answer = server.get(&target).auth(&tenant.credentials).send().await;
        // What only takes POST says so.
        let posted = answer.status == 405 && answer.must_header("allow").contains("POST");
        assert!(matches!(answer.status, 200 | 303) || posted, "{link} in {from}\n{answer}");
        seen.insert(target, answer.status);
        if let Some(location) = answer.header("location") {
            waiting.push_back((location.to_owned(), link.clone()));
        }
        if answer.status == 200 && answer.header("content-type").is_some_and(|given| given.contains("json")) {
            let mut found = Vec::new();
            links(&answer.json(), &base, &mut found);
            waiting.extend(found.into_iter().map(|found| (found, link.clone())));
        }
    }
    // Whatever can be got, the walk has got to.
    let walked = |template: &str| {
        let item = |link: &str| {
            link.strip_prefix(&base).and_then(|target| {
                let path = target.split('?').next().unwrap_or_default();
                Document::committed().find(if path.is_empty() { "/" } else { path })
            })
        };
        seen.keys().any(|link| item(link).is_some_and(|item| item.template == template))
    };
    for template in [
        "/vocab",
        "/customers/{customer}/keys/{key}",
        "/customers/{customer}/spaces/{space}/images/{image}/storage",
        "/thumbs/{customer}/{space}/{image}/{region}/{size}/{rotation}/{quality}",
        "/iiif-img/{customer}/{space}/{image}/info.json",
        "/customers/{customer}/queue/batches/{batch}/errorImages",
    ] {
        assert!(walked(template), "{template} is not linked: {seen:#?}");
    }
});
