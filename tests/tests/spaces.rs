//! Spaces.

use contract_tests::http::Answer;
use contract_tests::{Options, Places, Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

/// Nothing needs to be processed here.
fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

fn seed(server: &TestServer) -> bool {
    server.profile() == Profile::Seed
}

/// The status of a conflict.
fn conflict(server: &TestServer) -> u16 {
    if seed(server) { 400 } else { 409 }
}

async fn send(server: &TestServer, tenant: &Tenant, method: &str, link: &str, body: Value) -> Answer {
    tenant.request(server, method, link).json(&body).send().await
}

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

/// The pointers of a problem, sorted.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("a refusal says what to change");
    let mut all: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    all.sort_unstable();
    all
}

#[track_caller]
fn invalid(answer: Answer, expected: &[&str]) {
    let problem = answer.expect_problem(400, "/invalid");
    assert_eq!(pointers(&problem), expected, "{problem}");
}

contract_test!(a_space_lives_and_dies, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    tenant.request(server, "GET", "/spaces/7").send().await.expect_problem(404, "/not-found");
    send(server, &tenant, "PATCH", "/spaces/7", json!({ "name": "a" })).await.expect_problem(404, "/not-found");
    tenant.request(server, "DELETE", "/spaces/7").send().await.expect_problem(404, "/not-found");

    let body = json!({ "name": "plans", "defaultTags": ["ship", "hull"], "maxUnauthorised": 400 });
    let made = send(server, &tenant, "PUT", "/spaces/7", body).await.expect(201);
    let link = format!("{}{}", server.base_url(), tenant.path("/spaces/7"));
    assert_eq!(made.must_header("location"), link);
    let space = made.json();
    let created = space["created"].as_str().unwrap();
    let expected = json!({
        "@context": format!("{}/contexts/Space.jsonld", server.base_url()), "@id": link, "@type": "Space",
        "id": 7, "modelId": 7, "name": "plans", "created": created, "defaultTags": ["ship", "hull"],
        "maxUnauthorised": 400, "defaultMaxUnauthorised": 400, "approximateNumberOfImages": 0,
        "defaultRoles": format!("{link}/defaultRoles"), "images": format!("{link}/images"),
        "metadata": format!("{link}/metadata"), "storage": format!("{link}/storage"),
    });
    assert_eq!(space, expected);
    let shown = tenant.request(server, "GET", "/spaces/7").send().await.expect(200);
    assert_eq!(shown.must_header("etag"), made.must_header("etag"));
    assert_eq!(shown.json(), space);

    // What is left out of a PUT gets its default.
    let replaced = send(server, &tenant, "PUT", "/spaces/7", json!({ "name": "charts" })).await.expect(200);
    assert_eq!(replaced.header("location"), None);
    let replaced = replaced.json();
    assert_eq!((&replaced["name"], &replaced["created"]), (&json!("charts"), &json!(created)));
    assert_eq!((&replaced["defaultTags"], &replaced["maxUnauthorised"]), (&json!([]), &json!(-1)));

    let patched = send(server, &tenant, "PATCH", "/spaces/7", json!({ "defaultTags": ["old"] })).await;
    let patched = patched.expect(if seed(server) { 205 } else { 200 });
    assert_eq!(patched.must_header("content-location"), link);
    let now = tenant.request(server, "GET", "/spaces/7").send().await.expect(200);
    assert_eq!(patched.must_header("etag"), now.must_header("etag"));
    assert_eq!((&now.json()["name"], &now.json()["defaultTags"]), (&json!("charts"), &json!(["old"])));
    if seed(server) {
        assert_eq!((patched.body.len(), patched.must_header("content-length")), (0, "0"));
    } else {
        assert_eq!(patched.json(), now.json());
    }

    let deleted =
        tenant.request(server, "DELETE", "/spaces/7").send().await.expect(if seed(server) { 205 } else { 204 });
    // 204 has no length, 205 says that it has none.
    assert_eq!((deleted.body.len(), deleted.header("content-length")), (0, seed(server).then_some("0")));
    tenant.request(server, "DELETE", "/spaces/7").send().await.expect_problem(404, "/not-found");
    tenant.request(server, "GET", "/spaces/7").send().await.expect_problem(404, "/not-found");
    assert_eq!(get(server, &tenant, "/spaces").await["totalItems"], 0);
});

contract_test!(numbers_are_given_upwards_and_not_again, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for number in 1..=2 {
        let made = send(server, &tenant, "POST", "/spaces", json!({ "name": format!("s{number}") })).await.expect(201);
        assert_eq!(
            made.must_header("location"),
            format!("{}{}", server.base_url(), tenant.path(&format!("/spaces/{number}")))
        );
        assert_eq!(made.json()["id"], number);
        assert_eq!(made.json()["maxUnauthorised"], -1);
    }
    tenant.request(server, "DELETE", "/spaces/2").send().await.expect(205);
    assert_eq!(send(server, &tenant, "POST", "/spaces", json!({ "name": "s2" })).await.expect(201).json()["id"], 3);
    send(server, &tenant, "PUT", "/spaces/2147483647", json!({ "name": "last" })).await.expect(201);
    // No higher number is left, so the first gap is filled.
    assert_eq!(send(server, &tenant, "POST", "/spaces", json!({ "name": "gap" })).await.expect(201).json()["id"], 2);
    for number in ["0", "-1", "abc", "1.5", "2147483648"] {
        let link = format!("/spaces/{number}");
        send(server, &tenant, "PUT", &link, json!({ "name": "x" })).await.expect_problem(400, "/invalid");
        tenant.request(server, "GET", &link).send().await.expect_problem(404, "/not-found");
        send(server, &tenant, "PATCH", &link, json!({})).await.expect_problem(404, "/not-found");
        tenant.request(server, "DELETE", &link).send().await.expect_problem(404, "/not-found");
    }
    assert_eq!(get(server, &tenant, "/spaces").await["totalItems"], 4);
});

contract_test!(names_are_unique_within_a_customer, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for name in ["plans", "charts"] {
        send(server, &tenant, "POST", "/spaces", json!({ "name": name })).await.expect(201);
    }
    let taken = json!({ "name": "plans" });
    for (method, link) in [("POST", "/spaces"), ("PUT", "/spaces/2"), ("PUT", "/spaces/9"), ("PATCH", "/spaces/2")] {
        let answer = send(server, &tenant, method, link, taken.clone()).await;
        let problem = answer.expect_problem(conflict(server), "/conflict");
        assert_eq!(pointers(&problem), ["/name"], "{method} {link}");
    }
    let names: Vec<Value> = get(server, &tenant, "/spaces").await["member"]
        .as_array()
        .unwrap()
        .iter()
        .map(|space| space["name"].clone())
        .collect();
    assert_eq!(names, ["plans", "charts"]);
    // One's own name is free, and so is that of another customer's space.
    send(server, &tenant, "PUT", "/spaces/1", taken.clone()).await.expect(200);
    let other = server.new_customer("lighthouse").await;
    send(server, &other, "POST", "/spaces", taken).await.expect(201);
});

contract_test!(a_space_with_images_stays, profiles, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let tenant = &places.tenant;
    let link = format!("/spaces/{}", places.space);
    let answer = tenant.request(server, "DELETE", &link).send().await;
    answer.expect_problem(conflict(server), "/conflict");
    assert_eq!(get(server, tenant, &link).await["approximateNumberOfImages"], 1);
    let gone = if seed(server) { 205 } else { 204 };
    tenant.request(server, "DELETE", &format!("{link}/images/plan-001")).send().await.expect(gone);
    tenant.request(server, "DELETE", &link).send().await.expect(gone);
});

contract_test!(two_names_of_one_member_must_agree, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let both = |new: i64, old: i64| json!({ "name": "a", "maxUnauthorised": new, "defaultMaxUnauthorised": old });
    let limit = async |link: &str| get(server, &tenant, link).await["maxUnauthorised"].clone();
    send(server, &tenant, "POST", "/spaces", both(200, 200)).await.expect(201);
    for (method, link) in [("POST", "/spaces"), ("PUT", "/spaces/1"), ("PUT", "/spaces/2"), ("PATCH", "/spaces/1")] {
        invalid(send(server, &tenant, method, link, both(1, 2)).await, &["/defaultMaxUnauthorised"]);
    }
    assert_eq!(limit("/spaces/1").await, 200);
    for (body, expected) in [
        (json!({ "defaultMaxUnauthorised": 100 }), 100),
        (json!({ "maxUnauthorised": 0 }), 0),
        (json!({}), 0),
        (json!({ "maxUnauthorised": null }), -1),
        (json!({ "maxUnauthorised": "512" }), 512),
        (json!({ "maxUnauthorised": 300.0 }), 300),
        (json!({ "defaultMaxUnauthorised": null }), -1),
    ] {
        send(server, &tenant, "PATCH", "/spaces/1", body.clone()).await.expect(205);
        assert_eq!(limit("/spaces/1").await, expected, "{body}");
    }
    // A null in a PUT is the same as nothing.
    let body = json!({ "name": "a", "maxUnauthorised": null, "defaultMaxUnauthorised": 5, "defaultTags": null });
    let replaced = send(server, &tenant, "PUT", "/spaces/1", body).await.expect(200).json();
    assert_eq!((&replaced["maxUnauthorised"], &replaced["defaultTags"]), (&json!(5), &json!([])));
    invalid(
        send(server, &tenant, "PATCH", "/spaces/1", json!({ "maxUnauthorised": null, "defaultMaxUnauthorised": 7 }))
            .await,
        &["/defaultMaxUnauthorised"],
    );
});

contract_test!(what_a_get_gave_a_put_takes_back, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let body = json!({ "name": "plans", "defaultTags": ["ship"], "maxUnauthorised": 400 });
    send(server, &tenant, "POST", "/spaces", body).await.expect(201);
    let before = tenant.request(server, "GET", "/spaces/1").send().await.expect(200);
    for method in ["PUT", "PATCH"] {
        let answer = send(server, &tenant, method, "/spaces/1", before.json()).await;
        assert!(matches!(answer.status, 200 | 205), "{answer}");
        assert_eq!(answer.must_header("etag"), before.must_header("etag"));
        assert_eq!(get(server, &tenant, "/spaces/1").await, before.json());
    }
    // The same document makes the space anew, once what has changed since is left out.
    let mut document = before.json();
    document["junk"] = json!({ "deep": [1, null] });
    for member in ["created", "images", "metadata", "storage", "approximateNumberOfImages"] {
        document.as_object_mut().unwrap().remove(member);
    }
    tenant.request(server, "DELETE", "/spaces/1").send().await.expect(205);
    let again = send(server, &tenant, "PUT", "/spaces/1", document).await.expect(201).json();
    assert!(again.get("junk").is_none());
    assert_eq!(again["defaultTags"], json!(["ship"]));
});

contract_test!(read_only_members_stay, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    send(server, &tenant, "POST", "/spaces", json!({ "name": "plans" })).await.expect(201);
    let changed = json!({
        "name": "plans", "@id": "https://elsewhere.example.org/", "id": 2, "modelId": "3",
        "created": "2001-01-01T00:00:00Z", "approximateNumberOfImages": 5, "images": "x", "storage": "y",
    });
    let all = ["/@id", "/approximateNumberOfImages", "/created", "/id", "/images", "/modelId", "/storage"];
    for (method, link) in [("PUT", "/spaces/1"), ("PATCH", "/spaces/1"), ("POST", "/spaces"), ("PUT", "/spaces/8")] {
        invalid(send(server, &tenant, method, link, changed.clone()).await, &all);
    }
    // The number of the path may be repeated, as a text too; in a POST there is none to repeat.
    send(server, &tenant, "PUT", "/spaces/8", json!({ "name": "eight", "id": 8, "modelId": "8" })).await.expect(201);
    invalid(send(server, &tenant, "POST", "/spaces", json!({ "name": "nine", "id": 9 })).await, &["/id"]);
    invalid(send(server, &tenant, "PUT", "/spaces/1", json!({ "@type": "Key", "name": "k" })).await, &["/@type"]);
    for class in ["Space", "vocab:Space", "https://example.org/vocab#Space", "SomethingElse"] {
        send(server, &tenant, "PUT", "/spaces/1", json!({ "@type": class, "name": "plans" })).await.expect(200);
    }
    assert_eq!(get(server, &tenant, "/spaces").await["totalItems"], 2);
    // A link may come as it was shown under another name of the host, or as its path.
    let path = tenant.path("/spaces/1");
    let body = json!({ "name": "plans", "@id": path, "images": format!("https://mirror.example{path}/images") });
    send(server, &tenant, "PUT", "/spaces/1", body).await.expect(200);
    let body = json!({ "name": "plans", "@id": format!("https://mirror.example{path}1") });
    invalid(send(server, &tenant, "PUT", "/spaces/1", body).await, &["/@id"]);
});

contract_test!(every_fault_of_a_body_is_named, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    send(server, &tenant, "PUT", "/spaces/1", json!({ "name": "plans" })).await.expect(201);
    let tags: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let cases: [(Value, &[&str]); 13] = [
        (json!({}), &["/name"]),
        (json!({ "name": null }), &["/name"]),
        (json!({ "name": "" }), &["/name"]),
        (json!({ "name": "é".repeat(501) }), &["/name"]),
        (json!({ "name": "a\u{0}b" }), &["/name"]),
        (json!({ "name": 5 }), &["/name"]),
        (json!({ "name": ["a"] }), &["/name"]),
        (json!({ "name": "a", "maxUnauthorised": -2 }), &["/maxUnauthorised"]),
        (json!({ "name": "a", "maxUnauthorised": 4.5 }), &["/maxUnauthorised"]),
        (json!({ "name": "a", "maxUnauthorised": "many" }), &["/maxUnauthorised"]),
        (json!({ "name": "a", "defaultTags": "ship" }), &["/defaultTags"]),
        (json!({ "name": "a", "defaultTags": tags }), &["/defaultTags"]),
        (
            json!({ "name": 1, "defaultTags": ["ok", "a,b", 7, ""], "defaultMaxUnauthorised": true }),
            &["/defaultMaxUnauthorised", "/defaultTags/1", "/defaultTags/2", "/defaultTags/3", "/name"],
        ),
    ];
    for (body, expected) in &cases {
        for (method, link) in [("POST", "/spaces"), ("PUT", "/spaces/1"), ("PUT", "/spaces/2"), ("PATCH", "/spaces/1")]
        {
            if method == "PATCH" && body == &json!({}) {
                continue;
            }
            invalid(send(server, &tenant, method, link, body.clone()).await, expected);
        }
    }
    // The largest that is allowed is allowed.
    let body = json!({ "name": "é".repeat(500), "defaultTags": tags[1..], "maxUnauthorised": i64::MAX });
    let made = send(server, &tenant, "PUT", "/spaces/2", body).await.expect(201).json();
    assert_eq!(made["defaultTags"].as_array().unwrap().len(), 100);
    assert_eq!(made["maxUnauthorised"], i64::MAX);
});

contract_test!(writes_depend_on_entity_tags, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let ask = |method: &str, condition: &str, tag: &str| {
        let request = tenant.request(server, method, "/spaces/1").header(condition, tag);
        if matches!(method, "GET" | "DELETE") { request } else { request.json(&json!({ "name": "b" })) }.send()
    };
    for (condition, tag) in [("if-match", "*"), ("if-match", "\"0123456789abcdef\"")] {
        ask("PUT", condition, tag).await.expect_problem(412, "/precondition-failed");
    }
    let made = ask("PUT", "if-none-match", "*").await.expect(201);
    let old = made.must_header("etag").to_owned();
    assert!(old.starts_with('"') && old.ends_with('"'));
    for tag in [old.clone(), format!("W/{old}"), format!("\"x\", {old}"), "*".to_owned()] {
        let known = ask("GET", "if-none-match", &tag).await.expect(304);
        assert_eq!(known.must_header("etag"), old);
    }
    ask("GET", "if-none-match", "\"x\"").await.expect(200);
    let change = json!({ "defaultTags": ["new"] });
    let changed = tenant.request(server, "PATCH", "/spaces/1").header("if-match", &old).json(&change).send().await;
    let new = changed.expect(205).must_header("etag").to_owned();
    assert_ne!(new, old);
    for method in ["PUT", "PATCH", "DELETE"] {
        for (condition, tag) in [
            ("if-match", old.clone()),
            ("if-match", format!("W/{new}")),
            ("if-match", "nonsense".to_owned()),
            ("if-none-match", "*".to_owned()),
            ("if-none-match", new.clone()),
        ] {
            ask(method, condition, &tag).await.expect_problem(412, "/precondition-failed");
        }
    }
    let unchanged = ask("GET", "if-none-match", &old).await.expect(200);
    assert_eq!((unchanged.must_header("etag"), &unchanged.json()["defaultTags"]), (new.as_str(), &json!(["new"])));
    let replaced = ask("PUT", "if-match", &format!("\"x\", {new}")).await.expect(200);
    let last = replaced.must_header("etag").to_owned();
    ask("DELETE", "if-match", &last).await.expect(205);
});

contract_test!(two_writers_with_one_tag_are_told_apart, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let made = send(server, &tenant, "PUT", "/spaces/1", json!({ "name": "a" })).await.expect(201);
    let tag = made.must_header("etag");
    let writers = (0..8).map(|number| {
        let body = json!({ "name": format!("writer {number}") });
        tenant.request(server, "PATCH", "/spaces/1").header("if-match", tag).json(&body).send()
    });
    let statuses: Vec<u16> = futures::future::join_all(writers).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 205).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 7, "{statuses:?}");
});

contract_test!(answers_are_as_long_as_wished, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let ask = |method: &str, link: &str, prefer: &str, name: &str| {
        tenant.request(server, method, link).header("prefer", prefer).json(&json!({ "name": name })).send()
    };
    let minimal = "return=minimal";
    let whole = "return=representation";
    let made = ask("POST", "/spaces", minimal, "a").await.expect(201);
    assert_eq!((made.body.len(), made.must_header("preference-applied")), (0, minimal));
    assert!(made.must_header("location").ends_with("/spaces/1"));
    let shown = tenant.request(server, "GET", "/spaces/1").send().await.expect(200);
    assert_eq!(made.must_header("etag"), shown.must_header("etag"));
    let made = ask("PUT", "/spaces/2", "respond-async, return=\"minimal\"", "b").await.expect(201);
    assert_eq!((made.body.len(), made.must_header("preference-applied")), (0, minimal));
    let replaced = ask("PUT", "/spaces/2", minimal, "c").await.expect(200);
    assert_eq!((replaced.body.len(), replaced.must_header("preference-applied")), (0, minimal));
    let replaced = ask("PUT", "/spaces/2", whole, "d").await.expect(200);
    assert_eq!((&replaced.json()["name"], replaced.must_header("preference-applied")), (&json!("d"), whole));
    let patched = ask("PATCH", "/spaces/2", whole, "e").await.expect(200);
    assert_eq!((&patched.json()["name"], patched.must_header("preference-applied")), (&json!("e"), whole));
    assert!(patched.must_header("content-location").ends_with("/spaces/2"));
    let other = ask("PATCH", "/spaces/2", "handling=lenient", "f").await;
    assert_eq!(other.expect(if seed(server) { 205 } else { 200 }).header("preference-applied"), None);
});

async fn seven_spaces(server: &TestServer) -> Tenant {
    let tenant = server.new_customer("harbour").await;
    for name in ["d & e", "b", "f", "a", "g", "c", "é"] {
        send(server, &tenant, "POST", "/spaces", json!({ "name": name })).await.expect(201);
    }
    tenant
}

fn ids(page: &Value) -> Vec<i64> {
    page["member"].as_array().unwrap().iter().map(|space| space["id"].as_i64().unwrap()).collect()
}

contract_test!(pages_by_link_and_by_number_are_the_same, async |server: &mut TestServer| {
    let tenant = seven_spaces(server).await;
    let orders = [
        ("", vec![1, 2, 3, 4, 5, 6, 7]),
        ("&orderBy=id", vec![1, 2, 3, 4, 5, 6, 7]),
        ("&orderByDescending=id", vec![7, 6, 5, 4, 3, 2, 1]),
        ("&orderBy=name", vec![4, 2, 6, 1, 3, 5, 7]),
        ("&orderByDescending=name", vec![7, 5, 3, 1, 6, 2, 4]),
        ("&orderBy=created", vec![1, 2, 3, 4, 5, 6, 7]),
        ("&orderByDescending=created&orderBy=name", vec![4, 2, 6, 1, 3, 5, 7]),
    ];
    for (order, expected) in orders {
        let mut page = get(server, &tenant, &format!("/spaces?pageSize=3{order}")).await;
        assert!(page["view"].get("first").is_none() && page["view"].get("previous").is_none());
        let mut seen = Vec::new();
        for number in 1..=3 {
            let view = &page["view"];
            assert_eq!((&page["totalItems"], &page["pageSize"]), (&json!(7), &json!(3)));
            assert_eq!((&view["page"], &view["totalPages"], &view["pageSize"]), (&json!(number), &json!(3), &json!(3)));
            let mut by_number = get(server, &tenant, &format!("/spaces?page={number}&pageSize=3{order}")).await;
            // By its own link a page is the same again.
            assert_eq!(get(server, &tenant, view["@id"].as_str().unwrap()).await, page, "{order}");
            by_number["view"]["@id"] = view["@id"].clone();
            assert_eq!(by_number, page, "{order} {number}");
            for link in ["first", "previous", "next", "last"].iter().filter_map(|name| view[*name].as_str()) {
                assert!(link.contains(order), "{link} has lost {order}");
            }
            seen.extend(ids(&page));
            if number == 2 {
                let first = get(server, &tenant, view["previous"].as_str().unwrap()).await;
                assert_eq!(ids(&first), expected[..3]);
                assert_eq!(view["first"], view["previous"]);
                let last = get(server, &tenant, view["last"].as_str().unwrap()).await;
                assert_eq!(ids(&last), expected[6..]);
            }
            match view["next"].as_str() {
                Some(next) => page = get(server, &tenant, next).await,
                None => assert_eq!(number, 3),
            }
        }
        assert!(page["view"].get("next").is_none() && page["view"].get("last").is_none());
        assert_eq!(seen, expected, "{order}");
    }
});

contract_test!(pages_keep_their_place_while_spaces_come_and_go, async |server: &mut TestServer| {
    let tenant = seven_spaces(server).await;
    let first = get(server, &tenant, "/spaces?pageSize=3&orderBy=name").await;
    assert_eq!(ids(&first), [4, 2, 6]);
    send(server, &tenant, "POST", "/spaces", json!({ "name": "a first one" })).await.expect(201);
    tenant.request(server, "DELETE", "/spaces/6").send().await.expect(205);
    let second = get(server, &tenant, first["view"]["next"].as_str().unwrap()).await;
    assert_eq!((ids(&second), &second["totalItems"]), (vec![1, 3, 5], &json!(7)));
});

contract_test!(paging_parameters_are_read_kindly, async |server: &mut TestServer| {
    let tenant = seven_spaces(server).await;
    let whole = get(server, &tenant, "/spaces").await;
    assert!(whole.get("view").is_none());
    assert_eq!(whole["@id"], format!("{}{}", server.base_url(), tenant.path("/spaces")));
    assert_eq!((&whole["@type"], &whole["pageSize"]), (&json!("Collection"), &json!(100)));
    assert!(whole["member"].as_array().unwrap().iter().all(|space| space.get("@context").is_none()));
    for query in
        ["pageSize=0", "pageSize=-1", "pageSize=501", "page=0", "page=-3", "page=", "pageSize=&cursor=", "page=%201"]
    {
        assert_eq!(get(server, &tenant, &format!("/spaces?{query}")).await, whole, "{query}");
    }
    assert_eq!(get(server, &tenant, "/spaces?pageSize=500").await["pageSize"], 500);
    for page in ["9", "9223372036854775807"] {
        let beyond = get(server, &tenant, &format!("/spaces?pageSize=3&page={page}")).await;
        assert_eq!((&beyond["member"], &beyond["totalItems"]), (&json!([]), &json!(7)));
        assert!(beyond["view"].get("next").is_none());
        let last = get(server, &tenant, beyond["view"]["previous"].as_str().unwrap()).await;
        assert_eq!(ids(&last), [7]);
    }
    let by_name = get(server, &tenant, "/spaces?pageSize=3&orderBy=name").await;
    let next = by_name["view"]["next"].as_str().unwrap();
    let cursor = next.split("cursor=").nth(1).unwrap();
    let long = "A".repeat(5_000);
    for (query, pointer) in [
        ("page=x", "page"),
        ("page=1.5", "page"),
        ("page=99999999999999999999", "page"),
        ("pageSize=many", "pageSize"),
        ("cursor=nonsense", "cursor"),
        ("cursor=W10", "cursor"),
        ("cursor=%00", "cursor"),
        (&format!("cursor={long}"), "cursor"),
        (&format!("cursor={cursor}"), "cursor"),
        ("orderBy=colour", "orderBy"),
        ("orderBy=name;DROP", "orderBy"),
        ("orderByDescending=modelId", "orderByDescending"),
        ("orderBy=name&orderByDescending=x", "orderByDescending"),
    ] {
        invalid(tenant.request(server, "GET", &format!("/spaces?{query}")).send().await, &[pointer]);
    }
});

contract_test!(requests_may_come_in_any_json_type, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let types = ["application/json", "application/json; charset=utf-8", "application/ld+json", "APPLICATION/JSON"];
    for (number, given) in types.iter().enumerate() {
        let body = json!({ "name": format!("space {number}") }).to_string();
        tenant.request(server, "POST", "/spaces").header("content-type", given).body(body).send().await.expect(201);
    }
    tenant.request(server, "POST", "/spaces").body("{\"name\": \"no type\"}").send().await.expect(201);
    let patch = tenant.request(server, "PATCH", "/spaces/1").header("content-type", "application/merge-patch+json");
    patch.body("{\"name\": \"patched\"}").send().await.expect(205);
    assert_eq!(get(server, &tenant, "/spaces/1").await["name"], "patched");
    assert_eq!(get(server, &tenant, "/spaces").await["totalItems"], 5);
});
