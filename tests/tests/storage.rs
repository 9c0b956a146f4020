//! What customers, spaces and images take up.

use std::time::Duration;

use contract_tests::{Options, Origin, Places, Tenant, TestServer, contract_test, eventually};
use serde_json::{Value, json};

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

/// Images, bytes of originals, bytes of thumbnails.
async fn held(server: &TestServer, tenant: &Tenant, link: &str) -> [i64; 3] {
    let storage = get(server, tenant, link).await;
    ["numberOfStoredImages", "totalSizeOfStoredImages", "totalSizeOfThumbnails"]
        .map(|member| storage[member].as_i64().unwrap_or(-1))
}

async fn put(server: &TestServer, tenant: &Tenant, link: &str, origin: &str) -> Value {
    let body = json!({ "origin": origin });
    let answer = tenant.request(server, "PUT", link).json(&body).send().await;
    assert!(matches!(answer.status, 200 | 201), "{answer}");
    answer.json()
}

contract_test!(storage_is_what_is_stored, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let (large, small) = (origin.picture("large.jpg", 1200, 800), origin.picture("small.png", 300, 200));
    let sizes = ["large.jpg", "small.png"].map(|name| i64::try_from(origin.size(name)).unwrap());
    for space in ["/spaces/1", "/spaces/2"] {
        tenant.request(server, "PUT", space).json(&json!({ "name": space })).send().await.expect(201);
    }
    for link in ["/storage", "/spaces/1/storage"] {
        assert_eq!(held(server, &tenant, link).await, [0, 0, 0]);
    }
    let empty = get(server, &tenant, "/storage").await;
    assert_eq!(empty["@id"], format!("{}{}", server.base_url(), tenant.path("/storage")));
    assert_eq!(empty["storagePolicy"], format!("{}/storagePolicies/default", server.base_url()));

    assert_eq!(put(server, &tenant, "/spaces/1/images/a", &large).await["width"], 1200);
    put(server, &tenant, "/spaces/2/images/b", &small).await;
    // The same again takes up no more.
    put(server, &tenant, "/spaces/1/images/a", &large).await;
    let a = get(server, &tenant, "/spaces/1/images/a/storage").await;
    let b = get(server, &tenant, "/spaces/2/images/b/storage").await;
    assert_eq!((&a["size"], &b["size"]), (&json!(sizes[0]), &json!(sizes[1])));
    assert_eq!((&a["checkingInProgress"], &a["@type"]), (&json!(false), &json!("ImageStorage")));
    assert!(a["lastChecked"].is_string());
    let thumbnails = [&a, &b].map(|storage| storage["thumbnailSize"].as_i64().unwrap());
    assert!(thumbnails.iter().all(|size| *size > 0));
    assert_eq!(held(server, &tenant, "/spaces/1/storage").await, [1, sizes[0], thumbnails[0]]);
    assert_eq!(held(server, &tenant, "/spaces/2/storage").await, [1, sizes[1], thumbnails[1]]);
    assert_eq!(held(server, &tenant, "/storage").await, [2, sizes[0] + sizes[1], thumbnails[0] + thumbnails[1]]);

    // Another original in its place, then none.
    put(server, &tenant, "/spaces/1/images/a", &small).await;
    assert_eq!(held(server, &tenant, "/spaces/1/storage").await, [1, sizes[1], thumbnails[1]]);
    for link in ["/spaces/1/images/a", "/spaces/2/images/b"] {
        tenant.request(server, "DELETE", link).send().await.expect(205);
        tenant.request(server, "GET", &format!("{link}/storage")).send().await.expect_problem(404, "/not-found");
    }
    for link in ["/storage", "/spaces/1/storage", "/spaces/2/storage"] {
        assert_eq!(held(server, &tenant, link).await, [0, 0, 0], "{link}");
    }
});

contract_test!(a_failed_image_takes_up_nothing, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    tenant.request(server, "PUT", "/spaces/1").json(&json!({ "name": "plans" })).send().await.expect(201);
    let member = json!({ "id": "lost", "space": 1, "origin": origin.url("missing.jpg") });
    tenant.request(server, "POST", "/queue").json(&json!({ "member": [member] })).send().await.expect(201);
    let image = eventually(Duration::from_secs(20), "the image fails", async || {
        let image = get(server, &tenant, "/spaces/1/images/lost").await;
        (image["ingesting"] == false).then_some(image)
    })
    .await;
    assert!(!image["error"].as_str().unwrap().is_empty());
    let storage = get(server, &tenant, "/spaces/1/images/lost/storage").await;
    assert_eq!((&storage["size"], &storage["thumbnailSize"]), (&json!(0), &json!(0)));
    assert_eq!(held(server, &tenant, "/storage").await, [1, 0, 0]);
});

contract_test!(
    storage_is_conditional_and_refuses,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let places = Places::make(server, "harbour").await;
        let space = format!("/spaces/{}", places.space);
        let image = format!("{space}/images/{}", places.image);
        for link in ["/storage".to_owned(), format!("{space}/storage"), format!("{image}/storage")] {
            let answer = places.tenant.request(server, "GET", &link).send().await.expect(200);
            let known = places.tenant.request(server, "GET", &link).header("if-none-match", answer.must_header("etag"));
            known.send().await.expect(304);
            let refused = places.tenant.request(server, "GET", &format!("{link}?page=1")).send().await;
            assert_eq!(refused.expect_problem(400, "/invalid")["errors"][0]["pointer"], "page");
        }
        let waiting = places.tenant.request(server, "GET", &format!("{image}/storage")).send().await.expect(200).json();
        assert_eq!((&waiting["checkingInProgress"], &waiting["size"]), (&json!(true), &json!(0)));
        assert!(waiting.get("lastChecked").is_none());
        for link in [
            "/spaces/99/storage",
            "/spaces/0/storage",
            "/spaces/99/images/plan-001/storage",
            &format!("{space}/images/other/storage"),
        ] {
            places.tenant.request(server, "GET", link).send().await.expect_problem(404, "/not-found");
        }
        let storage = places.tenant.request(server, "GET", "/storage").send().await.expect(200);
        assert!(storage.text().contains("\"numberOfStoredImages\":1"));
    }
);
