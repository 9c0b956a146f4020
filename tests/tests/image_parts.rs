//! What belongs to one image: its roles, its batch, its policies; and ingesting it again.

use std::time::Duration;

use contract_tests::{Options, Origin, Tenant, TestServer, contract_test, eventually};
use serde_json::{Value, json};

fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

/// A space, and the link of an image in it that is on the queue.
async fn queued(server: &TestServer, tenant: &Tenant, origin: &str) -> (String, Value) {
    let space = tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    let space = space.json()["id"].as_u64().expect("a number");
    let body = json!({ "member": [{ "id": "a", "space": space, "origin": origin }] });
    let batch = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json();
    (format!("/spaces/{space}/images/a"), batch)
}

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

async fn settled(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    eventually(Duration::from_secs(20), "the image is ingested", async || {
        let image = get(server, tenant, link).await;
        (image["ingesting"] == false).then_some(image)
    })
    .await
}

fn counts(batch: &Value) -> [i64; 3] {
    ["count", "completed", "errors"].map(|name| batch[name].as_i64().expect("a number"))
}

contract_test!(reingesting_mends_an_image_and_its_batch, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let (image, batch) = queued(server, &tenant, &origin.url("late.jpg")).await;
    let batch = batch["@id"].as_str().expect("a link");
    assert_ne!(settled(server, &tenant, &image).await["error"], "");
    let failed = get(server, &tenant, batch).await;
    assert_eq!(counts(&failed), [1, 0, 1]);
    assert!(failed.get("finished").is_some());

    origin.picture("late.jpg", 40, 30);
    origin.hold("late.jpg");
    let again = tenant.request(server, "POST", &format!("{image}/reingest")).send().await.expect(200).json();
    assert_eq!((&again["@type"], &again["ingesting"], &again["error"]), (&json!("Image"), &json!(true), &json!("")));
    assert!(again.get("finished").is_none());
    let running = get(server, &tenant, batch).await;
    assert_eq!(counts(&running), [1, 0, 0], "it is to be counted once more");
    assert!(running.get("finished").is_none(), "{running}");
    assert_eq!(get(server, &tenant, "/queue").await["batchesWaiting"], 1);
    assert_eq!(get(server, &tenant, "/queue").await["size"], 1);
    // While it waits, another one changes nothing.
    tenant.request(server, "POST", &format!("{image}/reingest")).send().await.expect(200);
    assert_eq!(get(server, &tenant, "/queue").await["size"], 1);
    origin.release("late.jpg");
    let mended = settled(server, &tenant, &image).await;
    assert_eq!((&mended["error"], &mended["width"]), (&json!(""), &json!(40)));
    let finished = get(server, &tenant, batch).await;
    assert_eq!(counts(&finished), [1, 1, 0]);
    assert!(finished.get("finished").is_some());
    assert_eq!(get(server, &tenant, "/queue").await["batchesWaiting"], 0);
    let test = tenant.request(
        server,
        "POST",
        batch.rsplit_once("/queue").map(|(_, b)| format!("/queue{b}/test")).unwrap().as_str(),
    );
    assert_eq!(test.send().await.expect(200).json(), json!({ "success": false }), "every number is right");
});

contract_test!(a_change_of_origin_is_counted_once, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let (image, batch) = queued(server, &tenant, &origin.picture("a.jpg", 40, 30)).await;
    settled(server, &tenant, &image).await;
    let change = json!({ "origin": origin.picture("b.jpg", 20, 10) });
    tenant.request(server, "PATCH", &image).json(&change).send().await.expect(205);
    assert_eq!(settled(server, &tenant, &image).await["width"], 20);
    assert_eq!(counts(&get(server, &tenant, batch["@id"].as_str().unwrap()).await), [1, 1, 0]);
});

contract_test!(only_images_that_exist_are_ingested_again, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let (image, _) = queued(server, &tenant, "https://masters.example.org/a.tif").await;
    let space = image.trim_end_matches("/a");
    let body = json!({ "member": [{ "id": "f", "space": space.split('/').nth(2).unwrap(), "family": "F",
        "origin": "https://masters.example.org/f.pdf" }] });
    tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201);
    let post = |link: String| tenant.request(server, "POST", &link);
    post(format!("{space}/f/reingest")).send().await.expect_problem(400, "/invalid");
    post(format!("{space}/nobody/reingest")).send().await.expect_problem(404, "/not-found");
    post(format!("{image}/reingest")).header("content-type", "application/json").send().await.expect(200);
    post(format!("{image}/reingest")).json(&json!({})).send().await.expect(200);
    tenant.request(server, "GET", &format!("{image}/reingest")).send().await.expect_problem(405, "/method-not-allowed");
});

contract_test!(roles_are_listed_and_added, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let (image, _) = queued(server, &tenant, "https://masters.example.org/a.tif").await;
    let roles = format!("{image}/roles");
    let none = get(server, &tenant, &roles).await;
    assert_eq!((&none["totalItems"], &none["member"]), (&json!(0), &json!([])));
    let add = |body: Value| tenant.request(server, "POST", &roles).json(&body).send();
    let (r1, r2) = ("https://api.elsewhere.example/customers/2/roles/clickthrough", "urn:role:Ä");
    let one = add(json!({ "@id": r1, "@type": "Role" })).await.expect(200).json();
    assert_eq!(one["member"], json!([{ "@id": r1, "@type": "Role" }]));
    let two = add(json!({ "@type": "Collection", "members": [r1, { "@id": r2 }] })).await.expect(200).json();
    assert_eq!(two["totalItems"], 2);
    assert_eq!(get(server, &tenant, &image).await["roles"], json!([r1, r2]));
    let first = get(server, &tenant, &format!("{roles}?pageSize=1")).await;
    let second = get(server, &tenant, first["view"]["next"].as_str().unwrap()).await;
    assert_eq!(second["member"], json!([{ "@id": r2, "@type": "Role" }]));
    assert!(second["view"].get("next").is_none());
    let nothing = add(json!({ "member": [] })).await.expect(200).json();
    assert_eq!(nothing["totalItems"], 2);
    // A role of the customer may be given by its id, and is shown with what is known of it.
    let local = add(json!(["CLICKTHROUGH"])).await.expect(200).json();
    assert_eq!((&local["member"][2]["name"], &local["totalItems"]), (&json!("clickthrough"), &json!(3)));
    let uri = local["member"][2]["@id"].as_str().unwrap();
    assert_eq!(get(server, &tenant, &image).await["roles"], json!([r1, r2, uri]));
    assert_eq!(get(server, &tenant, uri).await["@id"], uri);
    // What the image has may be named though it is a role no more.
    tenant.request(server, "DELETE", "/roles/clickthrough").send().await.expect(205);
    let kept = add(json!([uri, "Clickthrough"])).await.expect(200).json();
    assert_eq!(kept["totalItems"], 3);
    let minimal = tenant.request(server, "POST", &roles).header("prefer", "return=minimal").json(&json!([r1]));
    let minimal = minimal.send().await.expect(200);
    assert_eq!((minimal.header("preference-applied"), minimal.body.len()), (Some("return=minimal"), 0));

    for (body, pointer) in [
        (json!({}), "/member"),
        (json!({ "member": [{}] }), "/member/0"),
        (json!({ "member": [""] }), "/member/0"),
        (json!({ "member": [{ "@id": "r".repeat(1001) }] }), "/member/0"),
        (json!("nobody"), ""),
        (json!({ "@id": "nobody" }), "/@id"),
        (json!({ "member": [r1, "nobody"] }), "/member/1"),
        (json!({ "member": (0..98).map(|i| format!("urn:role:{i}")).collect::<Vec<_>>() }), "/member"),
    ] {
        let problem = add(body).await.expect_problem(400, "/invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(get(server, &tenant, &roles).await["totalItems"], 3);
    let unknown = image.replace("/a", "/nobody") + "/roles";
    tenant.request(server, "GET", &unknown).send().await.expect_problem(404, "/not-found");
    let body = json!({ "@id": r1 });
    tenant.request(server, "POST", &unknown).json(&body).send().await.expect_problem(404, "/not-found");
});

contract_test!(an_image_leads_to_its_batch_and_its_policies, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let (image, batch) = queued(server, &tenant, &origin.picture("a.jpg", 40, 30)).await;
    let shown = settled(server, &tenant, &image).await;
    let found = get(server, &tenant, &format!("{image}/batch")).await;
    assert_eq!(found["@id"], shown["batch"]);
    assert_eq!(found["@id"], batch["@id"]);
    for name in ["imageOptimisationPolicy", "thumbnailPolicy"] {
        let link = format!("{image}/{name}");
        let answer = tenant.request(server, "GET", &link).send().await.expect(200);
        assert_eq!(answer.json()["@id"], shown[name]);
        let tag = answer.must_header("etag");
        tenant.request(server, "GET", &link).header("if-none-match", tag).send().await.expect(304);
        let unknown = image.replace("/a", "/nobody");
        let unknown = tenant.request(server, "GET", &format!("{unknown}/{name}")).send().await;
        unknown.expect_problem(404, "/not-found");
    }
    let tag = tenant.request(server, "GET", &format!("{image}/batch")).send().await;
    let tag = tag.must_header("etag").to_owned();
    tenant.request(server, "GET", &format!("{image}/batch")).header("if-none-match", &tag).send().await.expect(304);
    // Registered directly, the image leaves its batch.
    let body = json!({ "origin": origin.url("a.jpg") });
    tenant.request(server, "PUT", &image).json(&body).send().await.expect(200);
    tenant.request(server, "GET", &format!("{image}/batch")).send().await.expect_problem(404, "/not-found");
});
