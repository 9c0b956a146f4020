//! Many images at once: found, changed and deleted by their ids.

use std::time::Duration;

use contract_tests::{Options, Origin, Tenant, TestServer, contract_test, eventually};
use serde_json::{Value, json};

fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

/// A space and images in it, waiting for workers that don't exist.
async fn stock(server: &TestServer, tenant: &Tenant, ids: &[&str]) -> u64 {
    let space = tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    let space = space.json()["id"].as_u64().expect("a number");
    let members: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "space": space, "origin": format!("https://masters.example.org/{id}.tif") }))
        .collect();
    tenant.request(server, "POST", "/queue").json(&json!({ "member": members })).send().await.expect(201);
    space
}

fn ids(collection: &Value) -> Vec<&str> {
    collection["member"].as_array().expect("members").iter().filter_map(|m| m["id"].as_str()).collect()
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().expect("errors").iter().filter_map(|e| e["pointer"].as_str()).collect()
}

contract_test!(
    images_are_found_by_every_name_they_have,
    profiles,
    options = idle(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = stock(server, &tenant, &["a", "b", "c", "d%2Fe"]).await;
        let (c, base) = (tenant.id, server.base_url());
        let found = tenant
            .request(server, "POST", "/allImages")
            .json(&json!({ "@context": null, "@type": "Collection", "member": [
            { "id": format!("{c}/{space}/c") },
            { "@id": format!("{base}/customers/{c}/spaces/{space}/images/a") },
            { "id": format!("/customers/{c}/spaces/{space}/images/d%252Fe"), "@type": "Image", "junk": 1 },
            { "id": format!("{c}/{space}/unknown") },
            format!("{c}/{space}/b"),
        ] }))
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(ids(&found), ["c", "a", "d%2Fe", "b"], "in the order of the list, unknown ones left out");
        assert_eq!((found["totalItems"].as_i64(), found["pageSize"].as_i64()), (Some(4), Some(4)));
        assert!(found.get("view").is_none());
        let body = json!({ "members": [{ "id": format!("{c}/{space}/unknown") }] });
        let none = tenant.request(server, "POST", "/allImages").json(&body).send().await.expect(200).json();
        assert_eq!(none["member"], json!([]));
    }
);

contract_test!(id_lists_name_each_image_of_the_customer_once, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = stock(server, &tenant, &["a"]).await;
    let c = tenant.id;
    let a = format!("{c}/{space}/a");
    let foreign = format!("{}/{space}/a", c + 1);
    for path in ["/allImages", "/deleteImages"] {
        let send = async |body: Value| {
            tenant.request(server, "POST", path).json(&body).send().await.expect_problem(400, "/invalid")
        };
        assert_eq!(pointers(&send(json!({})).await), ["/member"]);
        assert_eq!(pointers(&send(json!({ "member": [] })).await), ["/member"]);
        assert_eq!(pointers(&send(json!({ "member": [{}] })).await), ["/member/0/id"]);
        assert_eq!(pointers(&send(json!({ "member": [{ "id": 7 }] })).await), ["/member/0/id"]);
        let problem = send(json!({ "member": [{ "id": a }, { "id": foreign }, { "id": "a" }, { "id": a }] })).await;
        assert_eq!(pointers(&problem), ["/member/1/id", "/member/2/id", "/member/3/id"]);
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains("different customer")), "{problem}");
        let contradiction = json!({ "id": a, "@id": format!("/customers/{c}/spaces/{space}/images/b") });
        assert_eq!(pointers(&send(json!({ "member": [contradiction] })).await), ["/member/0/@id"]);
        let other = json!({ "@type": "Image", "member": [{ "id": a }] });
        assert_eq!(pointers(&send(other).await), ["/@type"]);
        tenant.request(server, "POST", path).send().await.expect_problem(400, "/invalid");
    }
    tenant.request(server, "GET", &format!("/spaces/{space}/images/a")).send().await.expect(200);
    // Two names that mean the same are one.
    let twice = json!({ "member": [{ "id": a, "@id": format!("/customers/{c}/spaces/{space}/images/a") }] });
    let found = tenant.request(server, "POST", "/allImages").json(&twice).send().await.expect(200).json();
    assert_eq!(ids(&found), ["a"]);
});

contract_test!(lists_of_five_thousand_ids_are_taken, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = stock(server, &tenant, &["p-0", "p-4999"]).await;
    let members: Vec<Value> = (0..5000).map(|i| json!({ "id": format!("{}/{space}/p-{i}", tenant.id) })).collect();
    let body = json!({ "member": members });
    let found = tenant.request(server, "POST", "/allImages").json(&body).send().await.expect(200).json();
    assert_eq!(ids(&found), ["p-0", "p-4999"]);
    let deleted = tenant.request(server, "POST", "/deleteImages").json(&body).send().await.expect(200).json();
    assert_eq!(deleted["deleted"], 2);
    assert_eq!(deleted["missing"], 4998);
    let many: Vec<Value> = (0..10001).map(|i| json!({ "id": format!("{}/{space}/p-{i}", tenant.id) })).collect();
    let problem = tenant.request(server, "POST", "/allImages").json(&json!({ "member": many })).send().await;
    assert_eq!(pointers(&problem.expect_problem(400, "/invalid")), ["/member"]);
});

contract_test!(manifests_and_other_fields_are_changed_by_list, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = stock(server, &tenant, &["a", "b", "c"]).await;
    let name = |id: &str| json!({ "id": format!("{}/{space}/{id}", tenant.id) });
    let send = async |ids: &[&str], field: &str, operation: &str, value: Value| {
        let member: Vec<Value> = ids.iter().map(|id| name(id)).collect();
        let body = json!({ "member": member, "field": field, "operation": operation, "value": value });
        tenant.request(server, "PATCH", "/allImages").json(&body).send().await
    };
    let (m1, m2) = ("https://iiif.example.org/1 /manifest", "https://iiif.example.org/2");
    let changed = send(&["b", "a", "nobody"], "manifests", "add", json!([m1, m2, m1])).await.expect(200).json();
    assert_eq!(ids(&changed), ["b", "a"]);
    assert_eq!(changed["member"][0]["manifests"], json!([m1, m2]));
    let image = tenant.request(server, "GET", &format!("/spaces/{space}/images/a")).send().await.expect(200).json();
    assert_eq!(image["manifests"], json!([m1, m2]));
    send(&["a"], "manifests", "remove", json!([m1])).await.expect(200);

    let query = async |q: Value| {
        let q: String = q.to_string().bytes().map(|b| format!("%{b:02X}")).collect();
        tenant.request(server, "GET", &format!("/allImages?q={q}")).send().await.expect(200).json()
    };
    assert_eq!(ids(&query(json!({ "manifests": m1 })).await), ["b"]);
    assert_eq!(ids(&query(json!({ "manifests": [m1, m2] })).await), ["a", "b"], "any of them");

    let cleared = send(&["b"], "manifests", "replace", json!([])).await.expect(200).json();
    assert_eq!(cleared["member"][0]["manifests"], json!([]));
    send(&["a", "b"], "tags", "replace", json!(["x", "y"])).await.expect(200);
    send(&["a"], "roles", "add", json!(["https://roles.example.org/r"])).await.expect(200);
    send(&["a"], "string2", "replace", json!("deck B")).await.expect(200);
    let last = send(&["a"], "number3", "replace", json!(-9_007_199_254_740_993_i64)).await.expect(200).json();
    let a = &last["member"][0];
    assert_eq!(a["tags"], json!(["x", "y"]));
    assert_eq!(a["roles"], json!(["https://roles.example.org/r"]));
    assert_eq!((a["string2"].as_str(), a["number3"].as_i64()), (Some("deck B"), Some(-9_007_199_254_740_993)));

    for (field, operation, value, pointer) in [
        ("origin", "replace", json!(["https://x.example.org/"]), "/field"),
        ("string1", "add", json!(["x"]), "/operation"),
        ("tags", "swap", json!(["x"]), "/operation"),
        ("tags", "add", json!(["a,b"]), "/value/0"),
        ("number1", "replace", json!(["x"]), "/value/0"),
        ("string1", "replace", json!([{}]), "/value/0"),
        ("string1", "replace", json!(5), "/value/0"),
        ("manifests", "add", json!([5.5]), "/value/0"),
        ("tags", "remove", json!(["a", 5]), "/value/1"),
        ("roles", "replace", json!([true]), "/value/0"),
        ("number1", "replace", json!([5.5]), "/value/0"),
    ] {
        let problem = send(&["a"], field, operation, value).await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), [pointer], "{field}");
    }
    let problem = send(&["a"], "origin", "replace", json!([])).await.json();
    assert!(problem["detail"].as_str().is_some_and(|d| d.starts_with("Unsupported field 'origin'")));
    let many: Vec<String> = (0..99).map(|i| format!("t{i}")).collect();
    let problem = send(&["c", "a"], "tags", "add", json!(many)).await.expect_problem(400, "/invalid");
    assert_eq!(pointers(&problem), ["/value"], "`a` has two tags already");
    let c = tenant.request(server, "GET", &format!("/spaces/{space}/images/c")).send().await.expect(200).json();
    assert_eq!(c["tags"], json!([]), "all or none");
    let body = json!({ "member": [name("a")], "field": "tags", "operation": "add", "value": ["z"] });
    let patch = || tenant.request(server, "PATCH", "/allImages").json(&body);
    patch().header("if-match", "\"5b1d0c8e7f3a9d24\"").send().await.expect_problem(412, "/precondition-failed");
    patch().header("if-match", "*").send().await.expect(200);
});

contract_test!(manifests_stay_when_an_image_is_registered_again, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = stock(server, &tenant, &["a"]).await;
    let link = format!("/spaces/{space}/images/a");
    let manifests = json!(["https://iiif.example.org/1"]);
    tenant.request(server, "PATCH", &link).json(&json!({ "manifests": manifests })).send().await.expect(205);
    let member = |extra: Value| {
        let mut member = json!({ "id": "a", "space": space, "origin": "https://masters.example.org/a.tif" });
        if let (Some(member), Some(extra)) = (member.as_object_mut(), extra.as_object()) {
            member.extend(extra.clone());
        }
        json!({ "member": [member] })
    };
    tenant.request(server, "POST", "/queue").json(&member(json!({}))).send().await.expect(201);
    let image = tenant.request(server, "GET", &link).send().await.expect(200).json();
    assert_eq!(image["manifests"], manifests);
    tenant.request(server, "POST", "/queue").json(&member(json!({ "manifests": [] }))).send().await.expect(201);
    let image = tenant.request(server, "GET", &link).send().await.expect(200).json();
    assert_eq!(image["manifests"], json!([]));
});

contract_test!(deleted_images_are_gone_with_their_files_and_numbers, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    let space = tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    let space = space.json()["id"].as_u64().expect("a number");
    let members: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|id| json!({ "id": id, "space": space, "origin": origin.picture(&format!("{id}.jpg"), 60, 40) }))
        .collect();
    let batch = tenant.request(server, "POST", "/queue").json(&json!({ "member": members })).send().await.expect(201);
    let batch = batch.json()["@id"].as_str().expect("a link").to_owned();
    eventually(Duration::from_secs(20), "three images are ingested", async || {
        let seen = tenant.request(server, "GET", &batch).send().await.json();
        (seen["completed"] == 3).then_some(())
    })
    .await;
    let files = || walk(&server.data().join("objects")).into_iter().filter(|f| f.contains("original")).count();
    assert_eq!(files(), 3, "an original of each");
    let thumbnail = tenant.request(server, "GET", &format!("/spaces/{space}/images/a")).send().await.json();
    let thumbnail = thumbnail["thumbnail400"].as_str().expect("a thumbnail").to_owned();
    server.get(&thumbnail).send().await.expect(200);

    let name = |id: &str| json!({ "id": format!("{}/{space}/{id}", tenant.id) });
    let body = json!({ "member": [name("a"), name("nobody"), name("b")] });
    let answer = tenant.request(server, "POST", "/deleteImages").json(&body).send().await.expect(200).json();
    let message = "2 images were deleted, 1 was not found.";
    assert_eq!(answer, json!({ "message": message, "requested": 3, "deleted": 2, "missing": 1 }));
    server.get(&thumbnail).send().await.expect(404);
    assert_eq!(files(), 1, "the files go with the images");
    let storage = tenant.request(server, "GET", "/storage").send().await.expect(200).json();
    assert_eq!(storage["numberOfStoredImages"], 1);
    let seen = tenant.request(server, "GET", &format!("{batch}/images")).send().await.expect(200).json();
    assert_eq!(ids(&seen), ["c"]);

    let again = tenant.request(server, "POST", "/deleteImages").json(&body).send().await.expect(200).json();
    assert_eq!(again["message"], "0 images were deleted, 3 were not found.");
    let rest = tenant.request(server, "POST", "/deleteImages").json(&json!({ "member": [name("c")] })).send().await;
    assert_eq!(rest.expect(200).json()["message"], "1 image was deleted.");
    let storage = tenant.request(server, "GET", "/storage").send().await.expect(200).json();
    assert_eq!(storage["totalSizeOfStoredImages"], 0);
    assert_eq!(storage["numberOfStoredImages"], 0);
});

/// The paths of all files under a directory.
fn walk(directory: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => walk(&path),
            path => vec![path.display().to_string()],
        })
        .collect()
}

contract_test!(
    images_of_a_space_are_changed_together_or_not_at_all,
    profiles,
    options = idle(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = stock(server, &tenant, &["a", "b", "c"]).await;
        let link = format!("/spaces/{space}/images");
        let full = format!("{}/{space}/b", tenant.id);
        let c: Value = tenant.request(server, "GET", &format!("{link}/c")).send().await.expect(200).json();
        let mut echo = c.clone();
        for name in ["origin", "maxUnauthorised", "imageOptimisationPolicy", "thumbnailPolicy"] {
            echo.as_object_mut().expect("an object").remove(name);
        }
        echo["tags"] = json!(["kept"]);
        let body = json!({ "@type": "hydra:Collection", "members": [
        { "id": null, "modelId": "a", "string1": "ship-12", "number1": "7", "mediaType": "image/jp2", "text": "junk" },
        { "id": full, "string1": null, "manifests": ["m-1"], "roles": ["https://other.example.org/customers/2/roles/clickthrough"] },
        echo,
    ] });
        let changed = tenant.request(server, "PATCH", &link).json(&body).send().await.expect(200).json();
        assert_eq!(ids(&changed), ["a", "b", "c"]);
        assert_eq!(changed["totalItems"], 3);
        let a = &changed["member"][0];
        assert_eq!(
            (&a["string1"], &a["number1"], &a["mediaType"]),
            (&json!("ship-12"), &json!(7), &json!("image/jp2"))
        );
        assert_eq!(changed["member"][1]["roles"], json!(["https://other.example.org/customers/2/roles/clickthrough"]));
        assert_eq!(changed["member"][1]["manifests"], json!(["m-1"]));
        assert_eq!(changed["member"][2]["tags"], json!(["kept"]));
        assert_eq!(changed["member"][2]["queued"], c["queued"], "nothing is ingested again");

        let body = json!({ "member": [
        { "id": "a", "string1": "lost" },
        { "id": "a", "string1": "twice" },
        { "string1": "nameless" },
        { "id": "1/2/3/4" },
        { "id": format!("{}/{}/b", tenant.id, space + 1) },
    ] });
        let problem = tenant.request(server, "PATCH", &link).json(&body).send().await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), ["/member/2/id"], "the form comes first");
        let body = json!({ "member": [
        { "id": "a", "string1": "lost" },
        { "id": "a", "string1": "twice" },
        { "id": "1/2/3/4" },
        { "id": format!("{}/{}/b", tenant.id, space + 1) },
    ] });
        let problem = tenant.request(server, "PATCH", &link).json(&body).send().await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), ["/member/1/id", "/member/2/id", "/member/3/id"]);
        let body = json!({ "member": [
        { "id": "a", "string1": "lost", "origin": "https://masters.example.org/a.tif", "maxUnauthorised": null },
        { "id": "nobody", "string1": "lost" },
        { "id": "c", "width": 5, "deliveryChannels": ["file"], "thumbnailPolicy": "x" },
    ] });
        let problem = tenant.request(server, "PATCH", &link).json(&body).send().await.expect_problem(400, "/invalid");
        let expected = [
            "/member/0/origin",
            "/member/0/maxUnauthorised",
            "/member/1/id",
            "/member/2/deliveryChannels",
            "/member/2/thumbnailPolicy",
            "/member/2/width",
        ];
        assert_eq!(pointers(&problem), expected);
        let a = tenant.request(server, "GET", &format!("{link}/a")).send().await.expect(200).json();
        assert_eq!(a["string1"], "ship-12", "nothing of it is stored");

        let many: Vec<Value> = (0..251).map(|i| json!({ "id": format!("p-{i}") })).collect();
        let problem = tenant.request(server, "PATCH", &link).json(&json!({ "member": many })).send().await;
        assert_eq!(pointers(&problem.expect_problem(400, "/invalid")), ["/member"]);
        let body = json!({ "member": [{ "id": "a" }] });
        tenant
            .request(server, "PATCH", "/spaces/4711/images")
            .json(&body)
            .send()
            .await
            .expect_problem(404, "/not-found");
        let stale = tenant.request(server, "PATCH", &link).header("if-match", "\"5b1d0c8e7f3a9d24\"").json(&body);
        stale.send().await.expect_problem(412, "/precondition-failed");
    }
);

contract_test!(a_media_type_must_suit_the_channels_that_stay, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = stock(server, &tenant, &["a"]).await;
    let member = json!({ "id": "v", "space": space, "origin": "https://masters.example.org/v.tif",
        "deliveryChannels": ["iiif-img"] });
    tenant.request(server, "POST", "/queue").json(&json!({ "member": [member] })).send().await.expect(201);
    let body = json!({ "member": [{ "id": "v", "mediaType": "video/mp4" }] });
    let problem = tenant.request(server, "PATCH", &format!("/spaces/{space}/images")).json(&body).send().await;
    assert_eq!(pointers(&problem.expect_problem(400, "/invalid")), ["/member/0/mediaType"]);
});

contract_test!(ids_of_others_are_out_of_reach, options = idle(), async |server: &mut TestServer| {
    let (harbour, museum) = (server.new_customer("harbour").await, server.new_customer("museum").await);
    let space = stock(server, &museum, &["a"]).await;
    let body = json!({ "member": [{ "id": format!("{}/{space}/a", museum.id) }] });
    for path in ["/allImages", "/deleteImages"] {
        harbour.request(server, "POST", path).json(&body).send().await.expect_problem(400, "/invalid");
        harbour.request(server, "POST", &museum.path(path)).json(&body).send().await.expect_problem(403, "/forbidden");
    }
    museum.request(server, "GET", &format!("/spaces/{space}/images/a")).send().await.expect(200);
});
