//! The audit: one entry for each request that changed something.

use contract_tests::{TestServer, contract_test};
use serde_json::{Value, json};

fn operations(page: &Value) -> Vec<&str> {
    page["member"].as_array().unwrap().iter().map(|e| e["operation"].as_str().unwrap()).collect()
}

contract_test!(every_change_leaves_one_entry, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let before = tenant.request(server, "GET", "/audit").send().await.expect(200).json();
    // The administrator made the key of the new customer.
    assert_eq!(operations(&before), ["key_create"]);

    let body = json!({ "name": "plans" });
    let created = tenant.request(server, "POST", "/spaces").json(&body).send().await.expect(201);
    let request_id = created.must_header("x-request-id").to_owned();
    tenant.request(server, "POST", "/spaces").json(&body).send().await.expect_problem(400, "/conflict");
    tenant.request(server, "PATCH", "/spaces/1").json(&json!({ "defaultTags": ["a"] })).send().await.expect(205);
    tenant.request(server, "GET", "/spaces/1").send().await.expect(200);
    tenant.request(server, "PUT", "/spaces/9").json(&json!({ "name": "maps" })).send().await.expect(201);
    tenant.request(server, "DELETE", "/spaces/9").send().await.expect(205);
    tenant.request(server, "DELETE", "/spaces/9").send().await.expect_problem(404, "/not-found");
    // What leaves everything as it is leaves no entry.
    tenant.request(server, "PATCH", "/spaces/1").json(&json!({})).send().await.expect(205);
    tenant
        .request(server, "PUT", "/spaces/1")
        .json(&json!({ "name": "plans", "defaultTags": ["a"] }))
        .send()
        .await
        .expect(200);
    let nobody = json!({ "member": [{ "id": format!("{}/1/nobody", tenant.id) }] });
    tenant.request(server, "POST", "/deleteImages").json(&nobody).send().await.expect(200);

    let page = tenant.request(server, "GET", "/audit").send().await.expect(200).json();
    let expected = ["space_delete", "space_replace", "space_update", "space_create", "key_create"];
    assert_eq!(operations(&page), expected);
    assert_eq!(page["totalItems"], 5);
    let entry = &page["member"][3];
    assert_eq!(entry["requestId"], request_id);
    assert_eq!(entry["target"], tenant.path("/spaces"));
    assert_eq!(entry["key"], tenant.credentials.key);
    assert_eq!(entry["actor"], tenant.id);
    assert_eq!(page["member"][4]["actor"], 1);

    let first = tenant.request(server, "GET", "/audit?pageSize=2").send().await.expect(200).json();
    let next = first["view"]["next"].as_str().unwrap().to_owned();
    let second = tenant.request(server, "GET", &next).send().await.expect(200).json();
    assert_eq!([operations(&first), operations(&second)].concat(), expected[..4]);
});
