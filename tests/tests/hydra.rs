//! The vocabulary and the JSON-LD contexts.

use std::collections::{BTreeMap, BTreeSet};

use contract_tests::places::is_general;
use contract_tests::{Document, Options, Places, Profile, TestServer, contract_test};
use serde_json::{Value, json};

fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

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

contract_test!(every_item_leads_to_the_context_of_its_class, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let gets = Document::committed().operations().filter(|operation| operation.method == "GET");
    let mut classes = BTreeSet::new();
    for operation in gets.filter(|operation| is_general(&operation.template)) {
        let answer = places.allowed(server, operation, &[]).send().await;
        let typed = answer.header("content-type").is_some_and(|content_type| content_type == "application/ld+json");
        if answer.status != 200 || !typed {
            continue;
        }
        let item = answer.json();
        let Some(class) = item["@type"].as_str() else { continue };
        let expected = match class {
            "Collection" => "http://www.w3.org/ns/hydra/context.jsonld".to_owned(),
            // The vocabulary brings its own.
            "ApiDocumentation" => continue,
            class => format!("{}/contexts/{}.jsonld", server.base_url(), class.trim_start_matches("vocab:")),
        };
        assert_eq!(item["@context"], expected, "{}", operation.id);
        for member in item["member"].as_array().into_iter().flatten() {
            assert!(member.get("@context").is_none(), "{}: the context of the collection is that of all", operation.id);
        }
        classes.insert(class.to_owned());
    }
    assert!(classes.len() > 15, "{classes:?}");
});

contract_test!(properties_are_described_as_they_are, only sqlite, async |server: &mut TestServer| {
    let vocabulary = server.get("/vocab").send().await.expect(200).json();
    let classes = vocabulary["supportedClass"].as_array().unwrap();
    let class = |label: &str| classes.iter().find(|class| class["label"] == label).unwrap();
    // What describes the vocabulary is no part of it, and neither are pages and failures.
    for other in ["ApiDocumentation", "Class", "Status", "Collection", "PartialCollectionView", "Error"] {
        assert!(classes.iter().all(|class| class["label"] != other), "{other}");
    }
    let context = &vocabulary["@context"];
    assert_eq!(context["vocab"], format!("{}/vocab#", server.base_url()));
    assert_eq!(context["range"], json!({ "@id": "rdfs:range", "@type": "@id" }));
    let xsd = |name: &str| format!("http://www.w3.org/2001/XMLSchema#{name}");
    let list = || "http://www.w3.org/1999/02/22-rdf-syntax-ns#List".to_owned();
    let resource = || "http://www.w3.org/ns/hydra/core#Resource".to_owned();
    // Of each its range, and whether it is a link, required and read-only.
    let expected = [
        ("Batch", "submitted", xsd("dateTime"), false, true, true),
        ("Batch", "count", xsd("integer"), false, true, true),
        ("Batch", "finished", xsd("dateTime"), false, false, true),
        ("Batch", "superseded", xsd("boolean"), false, true, true),
        ("Batch", "images", "hydra:Collection".to_owned(), true, true, true),
        ("Batch", "test", resource(), true, true, true),
        ("NamedQuery", "name", xsd("string"), false, true, false),
        ("NamedQuery", "global", xsd("boolean"), false, true, false),
        ("NamedQuery", "warnings", list(), false, true, true),
        ("Queue", "priority", "vocab:Queue".to_owned(), true, true, true),
        ("Space", "id", xsd("integer"), false, true, true),
        ("Space", "defaultTags", list(), false, true, false),
        ("Space", "defaultRoles", "hydra:Collection".to_owned(), true, true, false),
        ("Space", "metadata", "vocab:Metadata".to_owned(), true, true, true),
    ];
    for (label, name, range, link, required, readonly) in expected {
        let all = class(label)["supportedProperty"].as_array().unwrap();
        let told = all.iter().find(|known| known["property"]["label"] == name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(told["property"]["range"], range, "{label} {name}");
        let kind = if link { "hydra:Link" } else { "rdf:Property" };
        assert_eq!(told["property"]["@type"], kind, "{label} {name}");
        assert_eq!((&told["required"], &told["readonly"]), (&json!(required), &json!(readonly)), "{label} {name}");
    }
    let mut operations = Vec::new();
    for class in classes {
        operations.extend(class["supportedOperation"].as_array().unwrap());
        let properties = class["supportedProperty"].as_array().unwrap().iter();
        operations.extend(properties.filter_map(|one| one["property"]["supportedOperation"].as_array()).flatten());
    }
    let operation = |id: &str| *operations.iter().find(|one| one["@id"] == id).unwrap_or_else(|| panic!("{id}"));
    let expected = [
        ("_:space_replace", "vocab:Space", "vocab:Space"),
        ("_:image_find", "hydra:Collection", "hydra:Collection"),
        ("_:portal_user_add_role", "hydra:Resource", "vocab:PortalRole"),
        ("_:space_delete", "", "owl:Nothing"),
    ];
    for (id, expects, returns) in expected {
        let told = |member: &str| operation(id)[member].as_str().unwrap_or_default();
        assert_eq!((told("expects"), told("returns")), (expects, returns), "{id}");
    }
    let statuses = operation("_:space_replace")["statusCode"].as_array().unwrap();
    let titles: Vec<&str> = statuses.iter().filter_map(|status| status["title"].as_str()).collect();
    assert_eq!(titles[..2], ["OK", "Created"]);
});
