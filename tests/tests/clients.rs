//! Requests in the shape in which known clients send them, and what these clients read of the answers.

use std::time::Duration;

use contract_tests::{Options, Origin, Profile, RawRequest, Tenant, TestServer, contract_test, eventually};
use serde_json::{Value, json};

fn today() -> Options {
    Options { profile: Profile::Today, ..Options::default() }
}

fn link(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no link {name} in {value}")).to_owned()
}

/// A query as these clients write it, percent-encoded whole.
fn encoded(q: &str) -> String {
    q.bytes().map(|b| format!("%{b:02X}")).collect()
}

async fn finished(server: &TestServer, tenant: &Tenant, batch: &str) -> Value {
    eventually(Duration::from_secs(20), "the batch is finished", async || {
        let batch = tenant.request(server, "GET", batch).send().await.expect(200).json();
        batch.get("finished").is_some().then_some(batch)
    })
    .await
}

// The samples of the documentation: Python's requests, a content type on everything, bodies read whatever the status.
contract_test!(the_documentation_samples_run, options = today(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let send =
        |method: &str, link: &str| tenant.request(server, method, link).header("content-type", "application/json");
    let root = server.get("/").send().await.expect(200).json();
    let customers = send("GET", &link(&root, "customers")).send().await.expect(200).json();
    let customer = link(&customers["member"][0], "@id");
    send("GET", &format!("{}/queue", link(&root, "@id"))).send().await.expect(200);
    send("GET", &link(&root, "storagePolicies")).send().await.expect(200);
    let renamed = send("PATCH", &customer).json(&json!({ "displayName": "Harbour" })).send().await.expect(200).json();
    assert_eq!(renamed["displayName"], "Harbour");

    send("GET", "/spaces/98765").send().await.expect(404);
    let made = send("PUT", "/spaces/98765").json(&json!({ "name": "made" })).send().await.expect(201).json();
    assert_eq!(made["name"], "made");
    let changed = send("PATCH", "/spaces/98765").json(&json!({ "defaultTags": ["t"] })).send().await.expect(200);
    assert_eq!(changed.json()["defaultTags"], json!(["t"]));
    send("DELETE", "/spaces/98765").send().await.expect(204);
    let space = send("POST", "/spaces").json(&json!({ "name": "images" })).send().await.expect(201).json();
    let images = link(&space, "images");

    let put = json!({ "mediaType": "image/jpeg", "origin": origin.picture("a.jpg", 60, 40), "string1": "x y" });
    send("PUT", &format!("{images}/a")).json(&put).send().await.expect(201);
    let image = send("PUT", &format!("{images}/a")).json(&put).send().await.expect(200).json();
    assert_eq!((&image["width"], &image["mediaType"]), (&json!(60), &json!("image/jpeg")));
    let patch = json!({ "string1": "x z", "tags": ["one"] });
    let image = send("PATCH", &format!("{images}/a")).json(&patch).send().await.expect(200).json();
    assert_eq!(image["string1"], "x z");
    let collection = json!({ "@type": "Collection", "member": [{ "id": "a", "string1": "x y" }] });
    let patched = send("PATCH", &images).json(&collection).send().await.expect(200).json();
    assert_eq!(patched["member"][0]["string1"], "x y");
    let refused = json!({ "member": [{ "id": "a", "origin": origin.url("b.jpg") }] });
    assert_eq!(send("PATCH", &images).json(&refused).send().await.expect(400).json()["statusCode"], 400);

    for query in [
        format!("q={}", encoded(r#"{"string1":"x y"}"#)),
        format!("q={}", encoded(r#"{"string1": "x y", "tags": ["one"], "id": ["a", "b"]}"#)),
        "string1=x+y".to_owned(),
        "string1=x%20y&orderByDescending=width&pageSize=10&page=1&include=adjuncts".to_owned(),
    ] {
        let found = send("GET", &format!("{images}?{query}")).send().await.expect(200).json();
        assert_eq!(link(&found["member"][0], "@id"), link(&image, "@id"), "{query}");
    }

    let member = |id: &str| {
        json!({ "id": id, "space": space["id"], "mediaType": "image/jpeg", "string1": "s", "number1": 1,
            "origin": origin.picture(&format!("{id}.jpg"), 50, 40) })
    };
    let body = json!({ "@type": "hydra:Collection", "member": [member("b"), member("c")] });
    for queue in ["/queue", "/queue/priority"] {
        let batch = send("POST", queue).json(&body).send().await.expect(201).json();
        let id = link(&batch, "@id");
        let done = finished(server, &tenant, &id).await;
        assert_eq!((&done["count"], &done["completed"]), (&json!(2), &json!(2)));
        let assets = send("GET", &format!("{id}/assets")).send().await.expect(200).json();
        assert_eq!(assets["totalItems"], 2);
        send("GET", &link(&batch, "images")).send().await.expect(200);
        let image = send("GET", &format!("{images}/b")).send().await.expect(200).json();
        assert_eq!(link(&image, "batch"), id);
        send("POST", &link(&batch, "test")).json(&json!({})).send().await.expect(200);
    }
    for list in ["/queue/batches", "/queue/active", "/queue/recent", "/queue"] {
        send("GET", list).send().await.expect(200);
    }
    let ids = json!({ "member": [{ "id": format!("{}/{}/b", tenant.id, space["id"]) }] });
    assert_eq!(send("POST", "/allImages").json(&ids).send().await.expect(200).json()["member"][0]["id"], "b");
    send("DELETE", &format!("{images}/b")).send().await.expect(204);
    // Empty, yet called JSON.
    let key = send("POST", "/keys").send().await.expect(201).json();
    send("DELETE", &link(&key, "@id")).send().await.expect(204);
    let storage = send("GET", "/storage").send().await.expect(200).json();
    send("GET", &link(&storage, "storagePolicy")).send().await.expect(200);
});

// A generated client, which has its own names for the members of bodies.
contract_test!(the_generated_python_client_is_understood, options = today(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let body = json!({ "name": "plans", "modelId": null, "type": "Space", "context": "x", "customerId": tenant.id });
    let space = tenant.request(server, "POST", "/spaces").json(&body).send().await.expect(201).json();
    let spaces = tenant.request(server, "GET", "/spaces?page=1&pageSize=-1").send().await.expect(200).json();
    assert_eq!(spaces["pageSize"], 100);
    let member = json!({ "modelId": "a", "space": space["id"], "origin": "https://masters.example.org/a.tif",
        "customerId": tenant.id, "withContext": true, "storageIdentifier": "s" });
    let body = json!({ "members": [member], "type": "Collection", "withContext": false });
    let batch = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json();
    assert_eq!(batch["count"], 1);
    let ids = json!({ "members": [{ "id": format!("{}/{}/a", tenant.id, space["id"]) }] });
    let found = tenant.request(server, "POST", "/allImages").json(&ids).send().await.expect(200).json();
    assert_eq!(found["totalItems"], 1);
    let gone = tenant.request(server, "POST", "/deleteImages").json(&ids).send().await.expect(200).json();
    assert_eq!(gone["deleted"], 1);
});

/// As the C# client sends everything.
fn builder(request: RawRequest) -> RawRequest {
    request.header("accept", "application/json").header("x-correlation-id", "4711").header("x-dds-sync-id", "s")
}

fn builder_json(request: RawRequest, body: &Value) -> RawRequest {
    let text = serde_json::to_string_pretty(body).expect("JSON");
    builder(request).header("content-type", "application/json; charset=utf-8").body(text)
}

// The C# client in production, which compares what it reads with what it sent.
contract_test!(the_builder_reads_back_what_it_sent, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let space = tenant.request(server, "POST", "/spaces").json(&json!({ "name": "dds", "defaultTags": ["t"] }));
    let space = space.send().await.expect(201).json()["id"].as_u64().expect("a number");
    let role = "https://api.dlcs.io/customers/2/roles/clickthrough";
    let sent = |i: usize| {
        let limits = [-1, 0, 200, 1000];
        // An origin that another writer of URLs would spell otherwise.
        let origin = origin.url(&format!("b{i}%20%c3%BC+%7e/./../x.jpg?x=%2F&y="));
        json!({ "id": format!("b{i}.jp2"), "space": space, "origin": origin, "string1": "b1234", "string2": format!("M\"{i}\" ü"), "string3": "", "number1": i, "number2": 0,
            "mediaType": "image/jp2", "family": "I", "text": "none", "textType": "alto", "roles": if i == 0 { json!([role, "x:y"]) } else { json!([]) },
            "tags": [], "maxUnauthorised": limits[i % 4],
            "deliveryChannels": [{ "channel": "thumbs" }, { "channel": "iiif-img", "policy": "use-original" }, { "channel": "file", "policy": "none" }] })
    };
    let all: Vec<Value> = (0..4).map(sent).collect();
    let body = json!({ "@context": "http://www.w3.org/ns/hydra/context.json", "@type": "Collection", "member": all });
    let batch = builder_json(tenant.request(server, "POST", "/queue/priority"), &body).send().await.expect(201);
    assert!(batch.must_header("content-type").starts_with("application/json"));
    let batch = batch.json();
    for name in ["count", "completed", "errors"] {
        assert!(batch[name].is_i64(), "{name}");
    }
    let batch = link(&batch, "@id");
    finished(server, &tenant, &batch).await;

    let q = encoded(&format!("{{\n  \"string1\": \"b1234\",\n  \"space\": {space}\n}}"));
    let mut next = Some(format!("/spaces/{space}/images?pageSize=3&q={q}"));
    let mut read = Vec::new();
    while let Some(page) = next {
        let page = builder(tenant.request(server, "GET", &page)).send().await.expect(200).json();
        read.extend(page["member"].as_array().expect("members").clone());
        next = page["view"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(read.len(), 4);
    for (i, image) in read.iter().enumerate() {
        let sent = sent(i);
        for name in [
            "origin",
            "string1",
            "string2",
            "string3",
            "number1",
            "number2",
            "mediaType",
            "roles",
            "tags",
            "maxUnauthorised",
            "deliveryChannels",
            "id",
            "space",
        ] {
            assert_eq!(image[name], sent[name], "{name}");
        }
        assert_eq!(image["number3"], 0);
    }

    let ids: Vec<Value> = (0..1200).map(|i| json!({ "id": format!("{}/{space}/b{i}.jp2", tenant.id) })).collect();
    let list = json!({ "@context": null, "@type": "Collection", "member": ids });
    let found = builder_json(tenant.request(server, "POST", "/allImages"), &list).send().await.expect(200).json();
    assert_eq!(found["member"].as_array().map(Vec::len), Some(4));

    let patches: Vec<Value> = (0..4)
        .map(|i| {
            let mut member = sent(i);
            let members = member.as_object_mut().expect("an object");
            members.retain(|name, _| !["origin", "maxUnauthorised", "deliveryChannels"].contains(&name.as_str()));
            members.insert("id".to_owned(), json!(format!("{}/{space}/b{i}.jp2", tenant.id)));
            members.insert("roles".to_owned(), json!([role]));
            member
        })
        .collect();
    let body = json!({ "@type": "Collection", "member": patches });
    let images = format!("/spaces/{space}/images");
    let patched = builder_json(tenant.request(server, "PATCH", &images), &body).send().await.expect(200).json();
    assert_eq!(patched["member"][3]["roles"], json!([role]));

    let batch = batch.rsplit('/').next().expect("a number").to_owned();
    builder(tenant.request(server, "GET", &format!("/queue/batches/{batch}"))).send().await.expect(200);
    let test = builder(tenant.request(server, "POST", &format!("/queue/batches/{batch}/test"))).send().await;
    assert!(test.expect(200).json()["success"].is_boolean());
    let again = builder(tenant.request(server, "POST", &format!("{images}/b0.jp2/reingest"))).send().await;
    assert!(again.expect(200).json()["@id"].is_string());
    let summary = server.get("/queue").auth(&tenant.credentials);
    let summary = builder(summary).send().await.expect(200).json();
    assert!(summary["incoming"].is_i64() && summary["priority"].is_i64());
    let gone = builder_json(tenant.request(server, "POST", "/deleteImages"), &list).send().await.expect(200).json();
    assert!(gone["message"].is_string());
});

// The client of 2016, its sample application, the command line of 2020 and the portal.
contract_test!(older_clients_are_understood, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let ld = |method: &str, link: &str| tenant.request(server, method, link).header("accept", "application/ld+json");
    let made = ld("POST", "/spaces").json(&json!({ "@type": "Space", "name": "iiifly" })).send().await.expect(201);
    let space = made.must_header("location").to_owned();
    let id = made.json()["id"].as_u64().expect("a number");
    let registered = json!({ "@context": null, "@type": "vocab:Image", "modelId": "a", "space": id.to_string(),
        "origin": origin.picture("a.jpg", 70, 50), "string1": "x", "number1": "3" });
    let image = ld("PUT", &format!("{space}/images/a")).json(&registered).send().await.expect(201).json();
    assert_eq!((&image["width"], &image["height"], &image["number1"]), (&json!(70), &json!(50), &json!(3)));
    // A content type without a body.
    let found = ld("GET", &format!("{space}/images?string1=x")).header("content-type", "application/json");
    assert_eq!(found.send().await.expect(200).json()["totalItems"], 1);

    let full = format!("{}/{id}/b", tenant.id);
    let body = json!({ "@context": null, "@id": null, "@type": "Collection", "total_items": 1, "member": [
        { "id": full, "space": id, "origin": origin.picture("b.jpg", 30, 20), "string1": "x", "family": "I",
          "string2": null, "tags": null, "deliveryChannels": null }] });
    let batch = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json();
    assert!(batch.get("finished").is_none(), "a date or nothing, never null");
    let done = finished(server, &tenant, &link(&batch, "@id")).await;
    assert_eq!(done["count"], done["completed"]);
    ld("GET", &format!("{space}/images/b")).send().await.expect(200);
    let wrong = json!({ "member": [
        { "id": format!("{}/{id}/c", tenant.id + 1), "space": id, "origin": origin.url("b.jpg") },
        { "id": format!("{}/{}/c", tenant.id, id + 1), "space": id, "origin": origin.url("b.jpg") }] });
    let problem = tenant.request(server, "POST", "/queue").json(&wrong).send().await.expect_problem(400, "/invalid");
    let pointers: Vec<&Value> = problem["errors"].as_array().unwrap().iter().map(|e| &e["pointer"]).collect();
    assert_eq!(pointers, ["/member/0/id", "/member/1/id"]);
    let one = json!({ "id": format!("{}/{id}/d", tenant.id), "origin": origin.picture("d.jpg", 30, 20) });
    let one = tenant.request(server, "POST", &format!("{space}/images")).json(&one).send().await.expect(201).json();
    assert_eq!(one["id"], "d");

    // No body at all, nothing called nothing, and an empty object.
    for path in ["/keys".to_owned(), format!("{}/test", link(&batch, "@id")), format!("{space}/images/a/reingest")] {
        let post = || tenant.request(server, "POST", &path);
        let created = if path == "/keys" { 201 } else { 200 };
        post().send().await.expect(created);
        post().header("content-type", "application/json").send().await.expect(created);
        post().json(&json!({})).send().await.expect(created);
    }
});
