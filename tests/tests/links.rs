//! Hypermedia: every link in every answer leads somewhere.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use contract_tests::{Document, Origin, TestServer, contract_test, eventually};
use serde_json::{Value, json};

/// The links of a representation that lead back to the service, with where they stand.
fn links(base: &str, value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.starts_with(base) => {
            let link = text.split('#').next().unwrap_or(text);
            found.push((link.to_owned(), at.to_owned()));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| links(base, v, &format!("{at}/{i}"), found)),
        Value::Object(members) => {
            for (name, member) in members {
                links(base, member, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

contract_test!(a_crawl_from_the_root_finds_no_dead_link, profiles, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    origin.picture("a.jpg", 1200, 900);
    let tenant = server.new_customer("harbour").await;
    tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    let member = |id: &str, path: &str| json!({ "id": id, "space": 1, "origin": origin.url(path) });
    let batch = json!({ "member": [member("fine", "a.jpg"), member("odd~ä%:", "a.jpg"), member("bad", "missing")] });
    let receipt = tenant.request(server, "POST", "/queue").json(&batch).send().await.expect(201).json();
    let link = receipt["@id"].as_str().unwrap();
    eventually(Duration::from_secs(30), "the batch finishes", async || {
        let batch = tenant.request(server, "GET", link).send().await.expect(200).json();
        batch["finished"].is_string().then_some(())
    })
    .await;
    let body = json!({ "origin": origin.url("a.jpg"), "roles": ["https://example.org/roles/staff"] });
    tenant.request(server, "PUT", "/spaces/1/images/closed").json(&body).send().await.expect(201);

    let base = server.base_url().to_owned();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut waiting = VecDeque::from([(base.clone(), "the root".to_owned())]);
    let mut dead = Vec::new();
    while let Some((link, from)) = waiting.pop_front() {
        if seen.contains_key(&link) || link.contains('{') {
            continue;
        }
        seen.insert(link.clone(), from.clone());
        let answer = server.get(if link == base { "/" } else { &link }).auth(&tenant.credentials).send().await;
        let only_posts = answer.status == 405 && answer.header("allow").is_some_and(|a| a.contains("POST"));
        if answer.status >= 400 && !only_posts {
            dead.push(format!("{link} ({} from {from})", answer.status));
        }
        let is_json = answer.header("content-type").is_some_and(|t| t.contains("json"));
        let mut found = Vec::new();
        if is_json && answer.status == 200 {
            links(&base, &answer.json(), "", &mut found);
        }
        found.extend(answer.header("location").map(|l| (l.to_owned(), "location".to_owned())));
        waiting.extend(found.into_iter().map(|(to, at)| (to, format!("{link} {at}"))));
    }
    assert!(dead.is_empty(), "{} links, dead:\n{}", seen.len(), dead.join("\n"));
    assert!(seen.len() > 60, "only {} links were found", seen.len());
    println!("{} links crawled, 0 dead", seen.len());
});

contract_test!(the_vocabulary_lists_every_operation_with_its_statuses, profiles, async |server: &mut TestServer| {
    let vocab = server.get("/vocab").send().await.expect(200).json();
    let today = server.profile() == contract_tests::Profile::Today;
    let mut listed: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for class in vocab["supportedClass"].as_array().unwrap() {
        let links = class["supportedProperty"].as_array().unwrap().iter();
        let links = links.flat_map(|p| p["property"]["supportedOperation"].as_array().into_iter().flatten());
        for operation in class["supportedOperation"].as_array().unwrap().iter().chain(links) {
            let statuses = operation["statusCode"].as_array().unwrap();
            let statuses = statuses.iter().map(|s| s["statusCode"].as_u64().unwrap()).collect();
            let id = operation["@id"].as_str().unwrap().trim_start_matches("_:").to_owned();
            assert!(listed.insert(id.clone(), statuses).is_none(), "{id} is listed twice");
        }
    }
    for operation in Document::committed().operations() {
        // What the running profile never answers is not listed.
        let never: &[u64] = match (today, operation.method.as_str()) {
            (true, "PATCH" | "DELETE") => &[205],
            (true, _) => &[],
            (false, "DELETE") => &[204, 409, 507],
            (false, _) => &[409, 507],
        };
        let documented = operation.responses.keys().map(|s| u64::from(*s)).filter(|s| !never.contains(s));
        assert_eq!(listed.get(&operation.id), Some(&documented.collect()), "{}", operation.id);
    }
    assert_eq!(listed.len(), Document::committed().operations().count());
});

contract_test!(every_class_has_a_context_that_covers_its_properties, only sqlite, async |server: &mut TestServer| {
    let vocab = server.get("/vocab").send().await.expect(200).json();
    let mut classes = 0;
    for class in vocab["supportedClass"].as_array().unwrap() {
        let Some(name) = class["@id"].as_str().unwrap().strip_prefix("vocab:") else { continue };
        classes += 1;
        for file in [format!("{name}.jsonld"), format!("DLCS.HydraModel.Model.{name}.jsonld")] {
            let context = server.get(&format!("/contexts/{file}")).send().await.expect(200).json();
            for property in class["supportedProperty"].as_array().unwrap() {
                let property = property["hydra:title"].as_str().unwrap();
                assert!(context["@context"].get(property).is_some(), "{name}.{property}");
            }
        }
    }
    assert!(classes >= 12, "{classes}");
    server.get("/contexts/Nothing.jsonld").send().await.expect_problem(404, "/not-found");
    server.get("/contexts/Space").send().await.expect_problem(404, "/not-found");
});
