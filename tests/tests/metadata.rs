//! The metadata fields of a space and their distinct values.

use contract_tests::customer_client::types::DistinctValues;
use contract_tests::{Options, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

/// Registers images in a space; nobody processes them.
async fn register(server: &TestServer, tenant: &Tenant, images: &Value) {
    tenant.request(server, "POST", "/queue").json(&json!({ "member": images })).send().await.expect(201);
}

async fn distinct(server: &TestServer, tenant: &Tenant, field: &str) -> Value {
    let link = format!("/spaces/1/metadata/distinct?field={field}");
    tenant.request(server, "GET", &link).send().await.expect(200).json()
}

contract_test!(
    distinct_values_are_sorted_and_complete,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        for name in ["plans", "letters"] {
            tenant.request(server, "POST", "/spaces").json(&json!({ "name": name })).send().await.expect(201);
        }
        assert_eq!(distinct(server, &tenant, "string1").await, json!([]));
        assert_eq!(distinct(server, &tenant, "number1").await, json!([]));
        let origin = "https://masters.harbour.example/plan.tif";
        let images = json!([
            { "id": "a", "space": 1, "origin": origin, "string1": "ship-2", "string3": "x", "number1": 30, "tags": ["rig", "hull"] },
            { "id": "b", "space": 1, "origin": origin, "string1": "Ship-1", "string3": "x", "number1": -4, "tags": ["hull"] },
            { "id": "c", "space": 1, "origin": origin, "string1": "ship-2", "number1": 4, "tags": [] },
            { "id": "d", "space": 1, "origin": origin, "string1": "" },
            { "id": "e", "space": 2, "origin": origin, "string1": "elsewhere", "number1": 7, "tags": ["other"] },
        ]);
        register(server, &tenant, &images).await;
        let cases = [
            ("string1", json!(["Ship-1", "ship-2"])),
            ("string2", json!([])),
            ("string3", json!(["x"])),
            ("number1", json!([-4, 0, 4, 30])),
            ("number2", json!([0])),
            ("number3", json!([0])),
            ("tags", json!(["hull", "rig"])),
        ];
        for (field, values) in cases {
            assert_eq!(distinct(server, &tenant, field).await, values, "{field}");
        }

        assert_eq!(distinct(server, &tenant, "STRING1").await, json!(["Ship-1", "ship-2"]), "case doesn't count");

        // The client tells texts and numbers apart.
        let client = server.client(&tenant.credentials);
        let ask = |field| client.space_metadata_distinct().customer(tenant.id as i64).space(1).field(field).send();
        use contract_tests::customer_client::types::SpaceMetadataDistinctField as Field;
        let texts = ask(Field::String1).await.unwrap().into_inner();
        assert_eq!(texts, DistinctValues::Texts(vec!["Ship-1".to_owned(), "ship-2".to_owned()]));
        let numbers = ask(Field::Number1).await.unwrap().into_inner();
        assert_eq!(numbers, DistinctValues::Numbers(vec![-4, 0, 4, 30]));
    }
);

contract_test!(metadata_is_linked_and_leads_to_the_values, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space =
        tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201).json();
    let link = space["metadata"].as_str().unwrap();
    let answer = tenant.request(server, "GET", link).send().await.expect(200);
    let metadata = answer.json();
    assert_eq!(metadata["@id"], link);
    let template = metadata["distinct"].as_str().unwrap();
    for field in metadata["fields"].as_array().unwrap() {
        let link = template.replace("{?field}", &format!("?field={}", field.as_str().unwrap()));
        assert_eq!(tenant.request(server, "GET", &link).send().await.expect(200).json(), json!([]));
    }
    assert_eq!(metadata["fields"].as_array().unwrap().len(), 7);
    let again = tenant.request(server, "GET", link).header("if-none-match", answer.must_header("etag"));
    again.send().await.expect(304);
});

contract_test!(what_is_no_field_or_space_is_refused, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    for query in ["", "?field=", "?field=string4", "?field=origin", "?field=string1&q=x"] {
        let link = format!("/spaces/1/metadata/distinct{query}");
        let problem = tenant.request(server, "GET", &link).send().await.expect_problem(400, "/invalid");
        let pointer = if query.contains("&q") { "q" } else { "field" };
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}: {problem}");
    }
    tenant.request(server, "GET", "/spaces/1/metadata?field=string1").send().await.expect_problem(400, "/invalid");
    for rest in ["", "/distinct?field=string1"] {
        let link = format!("/spaces/2/metadata{rest}");
        tenant.request(server, "GET", &link).send().await.expect_problem(404, "/not-found");
    }
    // The space of another customer is none under one's own path.
    let other = server.new_customer("quay").await;
    other.request(server, "GET", "/spaces/1/metadata").send().await.expect_problem(404, "/not-found");
    let foreign = tenant.path("/spaces/1/metadata/distinct?field=string1");
    other.request(server, "GET", &foreign).send().await.expect_problem(403, "/forbidden");
});
