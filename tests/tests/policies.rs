//! The policies of the platform.

use contract_tests::{Tenant, TestServer, contract_test};
use serde_json::{Value, json};

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    server.get(link).auth(&tenant.credentials).send().await.expect(200).json()
}

contract_test!(policies_are_listed_and_viewed, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let expected = [
        (
            "storagePolicies",
            "default",
            2,
            json!({
                "@type": "StoragePolicy", "maximumNumberOfStoredImages": 1_000_000_000,
                "maximumTotalSizeOfStoredImages": 1_000_000_000_000_000_i64,
            }),
        ),
        (
            "thumbnailPolicies",
            "standard",
            1,
            json!({ "@type": "ThumbnailPolicy", "name": "Standard thumbnails", "sizes": [1024, 400, 200, 100] }),
        ),
        (
            "imageOptimisationPolicies",
            "use-original",
            1,
            json!({
                "@type": "ImageOptimisationPolicy", "name": "Use original",
                "technicalDetails": "The original is kept as it was fetched.",
            }),
        ),
    ];
    for (list, id, count, mut shown) in expected {
        shown["@id"] = json!(format!("{}/{list}/{id}", server.base_url()));
        let page = get(server, &tenant, &format!("/{list}")).await;
        assert_eq!((&page["totalItems"], &page["member"][0]), (&json!(count), &shown));
        assert!(page.get("view").is_none());
        let context = format!("{}/contexts/{}.jsonld", server.base_url(), shown["@type"].as_str().unwrap());
        shown["@context"] = json!(context);
        let link = format!("/{list}/{id}");
        let answer = server.get(&link).auth(&tenant.credentials).send().await.expect(200);
        assert_eq!(answer.json(), shown);
        let known = server.get(&link).auth(&tenant.credentials).header("if-none-match", answer.must_header("etag"));
        assert!(known.send().await.expect(304).body.is_empty());
        for unknown in ["nosuch", "DEFAULT", "..", "%00", "a%2Fb"] {
            let answer = server.get(&format!("/{list}/{unknown}")).auth(&tenant.credentials).send().await;
            answer.expect_problem(404, "/not-found");
        }
        for (query, pointer) in [
            ("page=x", "page"),
            ("cursor=x", "cursor"),
            ("cursor=WyJhIl0", "cursor"),
            ("cursor=Wy0xXQ", "cursor"),
            ("orderBy=name", "orderBy"),
        ] {
            let answer = server.get(&format!("/{list}?{query}")).auth(&tenant.credentials).send().await;
            assert_eq!(answer.expect_problem(400, "/invalid")["errors"][0]["pointer"], pointer, "{query}");
        }
        for method in ["PUT", "POST", "PATCH", "DELETE"] {
            server.request(method, &link).auth(&server.admin()).send().await.expect_problem(405, "/method-not-allowed");
        }
    }
});

contract_test!(policies_have_pages_too, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let first = get(server, &tenant, "/storagePolicies?pageSize=1").await;
    assert_eq!((&first["totalItems"], &first["view"]["totalPages"]), (&json!(2), &json!(2)));
    let second = get(server, &tenant, first["view"]["next"].as_str().unwrap()).await;
    let by_number = get(server, &tenant, "/storagePolicies?pageSize=1&page=2").await;
    assert_eq!((&second["member"], second["member"].as_array().unwrap().len()), (&by_number["member"], 1));
    assert_ne!(second["member"], first["member"]);
    assert!(second["view"].get("next").is_none());
    assert_eq!(get(server, &tenant, second["view"]["previous"].as_str().unwrap()).await["member"], first["member"]);
    assert_eq!(get(server, &tenant, "/storagePolicies?pageSize=1&page=3").await["member"], json!([]));
});
