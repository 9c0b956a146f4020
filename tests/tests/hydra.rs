//! The vocabulary and the JSON-LD contexts.

use std::collections::{BTreeMap, BTreeSet};

use contract_tests::{Document, Profile, TestServer, contract_test};
use serde_json::{Value, json};

/// The statuses that a server of a profile answers with, of those that an operation documents.
fn statuses(profile: Profile, method: &str, documented: impl Iterator<Item = u16>) -> BTreeSet<u64> {
    let never: &[u16] = match (profile, method) {
        (Profile::Seed, "DELETE") => &[204, 409, 507],
        (Profile::Seed, _) => &[409, 507],
        (Profile::Today, "DELETE" | "PATCH") => &[205],
        (Profile::Today, _) => &[],
    };
    documented.filter(|status| !never.contains(status)).map(u64::from).collect()
}

contract_test!(the_vocabulary_has_every_operation_and_its_statuses, profiles, async |server: &mut TestServer| {
    let answer = server.get("/vocab").send().await.expect(200);
    let vocabulary = answer.json();
    assert_eq!(vocabulary["@id"], format!("{}/vocab#", server.base_url()));
    let known = server.get("/vocab").header("if-none-match", answer.must_header("etag")).send().await;
    assert!(known.expect(304).body.is_empty());
    let refused = server.get("/vocab?q=1").send().await.expect_problem(400, "/invalid");
    assert_eq!(refused["errors"][0]["pointer"], "q");

    let classes = vocabulary["supportedClass"].as_array().unwrap();
    let mut described: BTreeMap<String, (String, BTreeSet<u64>)> = BTreeMap::new();
    let mut links = BTreeMap::new();
    let mut all: Vec<&Value> = Vec::new();
    for class in classes {
        all.extend(class["supportedOperation"].as_array().unwrap());
        for property in class["supportedProperty"].as_array().unwrap().iter().map(|p| &p["property"]) {
            let linked = property["supportedOperation"].as_array();
            assert_eq!(linked.is_some(), property["@type"] == "hydra:Link", "{property}");
            let ids = linked.into_iter().flatten().map(|operation| operation["@id"].as_str().unwrap());
            links.insert(property["@id"].as_str().unwrap(), ids.collect::<Vec<_>>());
            all.extend(linked.into_iter().flatten());
        }
    }
    assert_eq!(links["vocab:Customer/spaces"], ["_:space_list", "_:space_create"]);
    assert_eq!(links["vocab:Batch/test"], ["_:batch_test"]);
    let known: BTreeSet<&str> = classes.iter().map(|class| class["@id"].as_str().unwrap()).collect();
    for operation in all {
        for class in [&operation["expects"], &operation["returns"]].into_iter().filter_map(Value::as_str) {
            assert!(known.contains(class) || ["hydra:Collection", "owl:Nothing"].contains(&class), "{operation}");
        }
        let id = operation["@id"].as_str().unwrap().trim_start_matches("_:").to_owned();
        let all = operation["statusCode"].as_array().unwrap();
        let all = all.iter().map(|status| status["statusCode"].as_u64().unwrap()).collect();
        let method = operation["method"].as_str().unwrap().to_owned();
        assert!(described.insert(id.clone(), (method, all)).is_none(), "{id} stands there twice");
    }
    let document = Document::committed();
    assert_eq!(described.len(), document.operations().count());
    for operation in document.operations() {
        let expected = statuses(server.profile(), &operation.method, operation.responses.keys().copied());
        assert_eq!(described[&operation.id], (operation.method.clone(), expected), "{}", operation.id);
    }
});

/// The views of the document: schemas with an `@id` and a `@type` of their own, by that type.
fn classes() -> BTreeMap<String, BTreeSet<String>> {
    let schemas = Document::committed().root()["components"]["schemas"].as_object().unwrap();
    let mut classes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for schema in schemas.values() {
        let properties = &schema["properties"];
        let class = properties["@type"]["example"].as_str().unwrap_or_default();
        let own = properties.get("@id").is_some() && properties.get("@context").is_some();
        if !own || class.is_empty() || class.contains(':') || ["Collection", "ApiDocumentation"].contains(&class) {
            continue;
        }
        let names = properties.as_object().unwrap().keys().filter(|name| !name.starts_with('@')).cloned();
        classes.entry(class.to_owned()).or_default().extend(names);
    }
    classes
}

contract_test!(every_member_on_the_wire_has_a_meaning, async |server: &mut TestServer| {
    let classes = classes();
    assert!(classes.contains_key("Space") && classes.contains_key("EntryPoint"), "{classes:?}");
    let vocabulary = server.get("/vocab").send().await.expect(200).json();
    for (class, members) in &classes {
        let context = server.get(&format!("/contexts/{class}.jsonld")).send().await.expect(200);
        let meanings = context.json()["@context"].clone();
        for member in members {
            let meaning = &meanings[member];
            let id = meaning["@id"].as_str().or_else(|| meaning.as_str()).unwrap_or_default();
            assert_eq!(id, format!("vocab:{class}/{member}"));
        }
        assert_eq!(meanings["vocab"], format!("{}/vocab#", server.base_url()));
        let dotted = server.get(&format!("/contexts/DLCS.HydraModel.Model.{class}.jsonld")).send().await.expect(200);
        assert_eq!(dotted.json()["@context"], meanings);
        let known =
            server.get(&format!("/contexts/{class}.jsonld")).header("if-none-match", context.must_header("etag"));
        known.send().await.expect(304);
        let named = vocabulary["supportedClass"].as_array().unwrap().iter().find(|known| known["label"] == **class);
        let properties = named.unwrap_or_else(|| panic!("{class} is missing"))["supportedProperty"].as_array().unwrap();
        let labels: BTreeSet<String> =
            properties.iter().map(|property| property["property"]["label"].as_str().unwrap().to_owned()).collect();
        assert_eq!(labels, *members, "{class}");
    }
    let space = server.get("/contexts/Space.jsonld").send().await.expect(200).json();
    assert_eq!(space["@context"]["images"], json!({ "@id": "vocab:Space/images", "@type": "@id" }));
    for unknown in
        ["Space", "space.jsonld", "Nothing.jsonld", ".jsonld", "Space.json", "..", "%00.jsonld", "Problem.jsonld"]
    {
        server.get(&format!("/contexts/{unknown}")).send().await.expect_problem(404, "/not-found");
    }
    let refused: Value = server.get("/contexts/Space.jsonld?x").send().await.expect_problem(400, "/invalid");
    assert_eq!(refused["errors"][0]["pointer"], "x");
});
