//! Images: their life, their bad input, and every way to list them.

use contract_tests::{Options, Origin, Profile, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{encoded, ids, image, link, pointers, space, submit, view};

fn without_workers() -> Options {
    Options { workers: 0, ..Options::default() }
}

fn with(arguments: &[&str]) -> Options {
    Options { arguments: arguments.iter().map(|&a| a.to_owned()).collect(), ..Options::default() }
}

contract_test!(an_image_is_put_changed_and_deleted, profiles, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/plan-001");
    let body = json!({ "id": "plan-001", "origin": origin.picture("plan.jpg", 300, 200), "string1": "ship-12" });

    let put = tenant.request(server, "PUT", &path).json(&body).send().await.expect(201);
    let new = put.json();
    assert_eq!(put.must_header("location"), link(&new, "@id"));
    assert_eq!((&new["width"], &new["height"]), (&json!(300), &json!(200)));
    assert_eq!((&new["ingesting"], &new["error"]), (&json!(false), &json!("")));
    assert_eq!((&new["id"], &new["modelId"], &new["space"]), (&json!("plan-001"), &json!("plan-001"), &json!(space)));
    assert_eq!(new["mediaType"], "image/jpeg");
    assert!(new.get("batch").is_none(), "a PUT belongs to no batch: {new}");

    let get = tenant.request(server, "GET", &path).send().await.expect(200);
    assert_eq!(get.json(), new);
    let etag = get.must_header("etag").to_owned();
    assert_eq!(put.must_header("etag"), etag);
    tenant.request(server, "GET", &path).header("if-none-match", &etag).send().await.expect(304);
    tenant.request(server, "GET", &format!("{path}?noCache=true")).send().await.expect(200);

    let patched = tenant.request(server, "PATCH", &path).json(&json!({ "string2": "bow", "number1": 7 })).send().await;
    match server.profile() {
        Profile::Seed => {
            let answer = patched.expect(205);
            assert!(answer.body.is_empty());
            assert_eq!(answer.must_header("content-location"), link(&new, "@id"));
        }
        Profile::Today => assert_eq!(patched.expect(200).json()["string2"], "bow"),
    }
    let shown = view(server, &tenant, &path).await;
    assert_eq!(
        (&shown["string1"], &shown["string2"], &shown["number1"]),
        (&json!("ship-12"), &json!("bow"), &json!(7))
    );
    let asked = tenant.request(server, "PATCH", &path).header("prefer", "return=representation");
    let answer = asked.json(&json!({ "string2": null, "tags": ["a", "b"] })).send().await.expect(200);
    assert_eq!(answer.must_header("preference-applied"), "return=representation");
    assert_eq!((&answer.json()["string2"], &answer.json()["tags"]), (&json!(""), &json!(["a", "b"])));

    for method in ["PUT", "PATCH", "DELETE"] {
        let stale = tenant.request(server, method, &path).header("if-match", &etag);
        let stale = if method == "DELETE" { stale } else { stale.json(&body) };
        stale.send().await.expect_problem(412, "");
    }
    let only_new = tenant.request(server, "PUT", &path).header("if-none-match", "*").json(&body).send().await;
    only_new.expect_problem(412, "");

    // What was left out is the default again.
    let again = tenant.request(server, "PUT", &path).json(&body).send().await.expect(200).json();
    assert_eq!((&again["tags"], &again["number1"], &again["created"]), (&json!([]), &json!(0), &new["created"]));
    // What GET gave is a good PUT.
    let round = tenant.request(server, "PUT", &path).json(&again).send().await.expect(200).json();
    assert_eq!((&round["string1"], &round["width"]), (&again["string1"], &again["width"]));

    let gone = if server.profile() == Profile::Seed { 205 } else { 204 };
    let deleted = tenant.request(server, "DELETE", &path).send().await.expect(gone);
    assert!(deleted.body.is_empty());
    for method in ["GET", "DELETE", "PATCH"] {
        let absent = tenant.request(server, method, &path);
        let absent = if method == "PATCH" { absent.json(&json!({ "string1": "x" })) } else { absent };
        absent.send().await.expect_problem(404, "");
    }
});

contract_test!(an_image_is_posted_to_a_space, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images");
    let body = json!({ "origin": origin.picture("plan.png", 30, 20), "space": space });
    let post = tenant.request(server, "POST", &path).json(&body).send().await.expect(201);
    let minted = post.json();
    assert_eq!(post.must_header("location"), link(&minted, "@id"));
    assert!(!link(&minted, "id").is_empty());
    assert_eq!(minted["width"], 30);
    let body = json!({ "id": "named", "modelId": "named", "origin": origin.url("missing") });
    let failed = tenant.request(server, "POST", &path).json(&body).send().await.expect(201).json();
    assert_eq!(failed["id"], "named");
    assert!(link(&failed, "error").contains("404"), "{failed}");
    assert!(failed.get("width").is_none() && failed.get("imageService").is_none() && failed.get("infoJson").is_none());
    let minimal = tenant.request(server, "POST", &path).header("prefer", "return=minimal").json(&body);
    let minimal = minimal.send().await.expect(201);
    assert!(minimal.body.is_empty());
    assert_eq!(minimal.must_header("location"), link(&failed, "@id"));
    let elsewhere = tenant.request(server, "POST", "/spaces/99/images").json(&body).send().await;
    elsewhere.expect_problem(404, "");
});

contract_test!(bad_images_are_refused_with_pointers, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/plan-001");
    let origin = "http://127.0.0.1:9/plan.jpg";
    let long = "x".repeat(501);
    let channels = |media_type: &str, channels: &[&str]| json!({ "origin": origin, "mediaType": media_type, "deliveryChannels": channels });
    let cases = [
        (json!({}), "/origin"),
        (json!({ "origin": 7 }), "/origin"),
        (json!({ "origin": "" }), "/origin"),
        (json!({ "origin": "not a URL" }), "/origin"),
        (json!({ "origin": "file:///etc/passwd" }), "/origin"),
        (json!({ "origin": "http://10.0.0.1/a.jpg" }), "/origin"),
        (json!({ "origin": "http://[::ffff:169.254.169.254]/a.jpg" }), "/origin"),
        (json!({ "origin": "http://0x0a000001/a.jpg" }), "/origin"),
        (json!({ "origin": format!("http://127.0.0.1/{}", "x".repeat(1000)) }), "/origin"),
        (json!({ "origin": origin, "initialOrigin": "http://192.168.1.1/a" }), "/initialOrigin"),
        (json!({ "origin": origin, "maxUnauthorised": -2 }), "/maxUnauthorised"),
        (json!({ "origin": origin, "number1": "seven" }), "/number1"),
        (json!({ "origin": origin, "string1": long }), "/string1"),
        (json!({ "origin": origin, "tags": ["a,b"] }), "/tags/0"),
        (json!({ "origin": origin, "tags": "a" }), "/tags"),
        (json!({ "origin": origin, "roles": [""] }), "/roles/0"),
        (json!({ "origin": origin, "mediaType": "jpeg" }), "/mediaType"),
        (json!({ "origin": origin, "family": "X" }), "/family"),
        (json!({ "origin": origin, "deliveryChannels": [] }), "/deliveryChannels"),
        (json!({ "origin": origin, "deliveryChannels": ["painting"] }), "/deliveryChannels/0/channel"),
        (json!({ "origin": origin, "deliveryChannels": ["none", "file"] }), "/deliveryChannels/0/channel"),
        (json!({ "origin": origin, "deliveryChannels": ["file", "file"] }), "/deliveryChannels/1/channel"),
        (json!({ "origin": origin, "deliveryChannels": ["iiif-av"] }), "/deliveryChannels/0/channel"),
        (channels("application/pdf", &["iiif-img"]), "/deliveryChannels/0/channel"),
        (channels("text/plain", &["file", "thumbs"]), "/deliveryChannels/1/channel"),
        (channels("audio/mpeg", &["thumbs"]), "/deliveryChannels/0/channel"),
        (channels("application/pdf", &["iiif-av"]), "/deliveryChannels/0/channel"),
        (channels("image/unknown", &["iiif-av"]), "/deliveryChannels/0/channel"),
        (json!({ "origin": origin, "id": "plan-002" }), "/id"),
        (json!({ "origin": origin, "modelId": "plan-002" }), "/modelId"),
        (json!({ "origin": origin, "space": space + 1 }), "/space"),
        (json!({ "origin": origin, "width": 5 }), "/width"),
        (json!({ "origin": origin, "created": "2020-01-01T00:00:00Z" }), "/created"),
        (json!({ "origin": origin, "error": "none" }), "/error"),
    ];
    for (body, pointer) in cases {
        let problem = tenant.request(server, "PUT", &path).json(&body).send().await.expect_problem(400, "/invalid");
        assert!(pointers(&problem).contains(&pointer), "{body}: {problem}");
    }
    tenant.request(server, "GET", &path).send().await.expect(404);
    let body = json!({ "origin": origin });
    let unknown = tenant.request(server, "PUT", "/spaces/99/images/plan-001").json(&body).send().await;
    assert!(unknown.expect_problem(400, "/invalid")["detail"].as_str().unwrap().contains("99"));

    let posts = [
        (json!({ "id": "a", "modelId": "b", "origin": origin }), "/modelId"),
        (json!({ "id": "a/b", "origin": origin }), "/id"),
        (json!({ "id": "a", "space": space + 1, "origin": origin }), "/space"),
        (json!({ "id": "a".repeat(201), "origin": origin }), "/id"),
    ];
    for (body, pointer) in posts {
        let post = tenant.request(server, "POST", &format!("/spaces/{space}/images")).json(&body).send().await;
        let problem = post.expect_problem(400, "/invalid");
        assert!(pointers(&problem).contains(&pointer), "{body}: {problem}");
    }

    submit(server, &tenant, vec![json!({ "id": "plan-001", "space": space, "origin": origin })]).await;
    let patches = [
        (json!({ "origin": null }), "/origin"),
        (json!({ "origin": "http://10.0.0.1/" }), "/origin"),
        (json!({ "string1": long }), "/string1"),
        (json!({ "id": "plan-002" }), "/id"),
        (json!({ "width": 7 }), "/width"),
        (json!({ "ingesting": false }), "/ingesting"),
        (json!({ "deliveryChannels": ["none", "default"] }), "/deliveryChannels/0/channel"),
        (json!({ "maxUnauthorised": -7 }), "/maxUnauthorised"),
    ];
    let before = view(server, &tenant, &path).await;
    for (body, pointer) in patches {
        let problem = tenant.request(server, "PATCH", &path).json(&body).send().await.expect_problem(400, "/invalid");
        assert!(pointers(&problem).contains(&pointer), "{body}: {problem}");
    }
    assert_eq!(view(server, &tenant, &path).await, before);
});

contract_test!(
    ids_that_can_not_be_ids_are_refused_in_paths,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let body = json!({ "origin": "http://127.0.0.1:9/plan.jpg" });
        for id in ["a%2Fb", "a/b", "%00", "a%0Ab", "%7F", "a%20b", "%5C", "%2E%2E", "%ff", "a%2F..%2F..%2Fb"] {
            let path = format!("/spaces/{space}/images/{id}");
            for method in ["GET", "PUT", "PATCH", "DELETE"] {
                let request = tenant.request(server, method, &path);
                let request = if matches!(method, "GET" | "DELETE") { request } else { request.json(&body) };
                let answer = request.send().await;
                assert!(matches!(answer.status, 400 | 404), "{answer}");
                assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer}");
            }
        }
        let long = format!("/spaces/{space}/images/{}", "x".repeat(201));
        tenant.request(server, "PUT", &long).json(&body).send().await.expect_problem(400, "/invalid");
        let all = view(server, &tenant, "/allImages").await;
        assert_eq!(all["totalItems"], 0);
    }
);

contract_test!(
    a_policy_limits_the_number_of_images,
    profiles,
    options = Options { workers: 0, ..with(&["--storage-policy", "default=5/1000000"]) },
    async |server: &mut TestServer| {
        let status = if server.profile() == Profile::Seed { 400 } else { 507 };
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let member = |id: &str| json!({ "id": id, "space": space, "origin": "http://127.0.0.1:9/a.jpg" });
        let policy = view(server, &tenant, link(&view(server, &tenant, "/storage").await, "storagePolicy")).await;
        assert_eq!(policy["maximumNumberOfStoredImages"], 5);

        submit(server, &tenant, ["a", "b", "c", "d"].map(member).to_vec()).await;
        // A batch that crosses the limit is refused whole.
        let crossing = json!({ "member": [member("a"), member("e"), member("f")] });
        let before = view(server, &tenant, "/storage").await;
        let queue = view(server, &tenant, "/queue").await;
        let refused = tenant.request(server, "POST", "/queue").json(&crossing).send().await;
        refused.expect_problem(status, "/storage-limit-exceeded");
        assert_eq!(view(server, &tenant, "/storage").await, before);
        assert_eq!(view(server, &tenant, "/queue").await, queue);
        tenant.request(server, "GET", &format!("/spaces/{space}/images/e")).send().await.expect(404);

        // What exists already takes no more room.
        submit(server, &tenant, ["a", "b", "c", "d", "e"].map(member).to_vec()).await;
        let images = format!("/spaces/{space}/images");
        let one = json!({ "origin": "http://127.0.0.1:9/a.jpg" });
        let posted = tenant.request(server, "POST", &images).json(&one).send().await;
        posted.expect_problem(status, "/storage-limit-exceeded");
        let put = tenant.request(server, "PUT", &format!("{images}/f")).json(&one).send().await;
        put.expect_problem(status, "/storage-limit-exceeded");
        let first = json!({ "member": [member("g")] });
        let first = tenant.request(server, "POST", "/queue/priority").json(&first).send().await;
        first.expect_problem(status, "/storage-limit-exceeded");
    }
);

contract_test!(
    a_policy_limits_the_bytes,
    profiles,
    options = with(&["--storage-policy", "default=5/1000"]),
    async |server: &mut TestServer| {
        let origin = Origin::start().await;
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let body = json!({ "origin": origin.picture("large.png", 200, 200) });
        let put = tenant.request(server, "PUT", &format!("/spaces/{space}/images/a")).json(&body).send().await;
        let image = put.expect(201).json();
        let error = link(&image, "error");
        assert!(
            error.starts_with("StoragePolicy size limit exceeded: `default` allows 1000 bytes, 0 are stored"),
            "{error}"
        );
        assert_eq!(view(server, &tenant, "/storage").await["totalSizeOfStoredImages"], 0);
        assert_eq!(view(server, &tenant, "/storage").await["totalSizeOfThumbnails"], 0);
    }
);

contract_test!(texts_come_back_byte_for_byte, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let channels = json!([{ "channel": "iiif-img", "policy": "use-original" }, { "channel": "thumbs" }]);
    let sent = json!({
        "id": "Plan_ü-001", "space": space,
        "origin": "HTTP://127.0.0.1:9/a%2fb/../Å.TIF?x=%e2%82%ac&y=#frag",
        "roles": ["https://api.dlcs.io/customers/7/roles/clickThrough", "urn:Role", "https://b.example/roles/a"],
        "tags": ["z", "A tag", "ä"], "mediaType": "image/TIFF", "deliveryChannels": channels,
        "string1": " spaced \u{1F5BC} ", "number1": i64::MAX, "number2": i64::MIN, "maxUnauthorised": 1000,
    });
    submit(server, &tenant, vec![sent.clone()]).await;
    let got = image(server, &tenant, space, &encoded("Plan_ü-001")).await;
    for name in sent.as_object().unwrap().keys() {
        assert_eq!(got[name], sent[name], "{name}");
    }
    let names = json!({ "id": "b", "space": space, "origin": "http://127.0.0.1:9/b", "deliveryChannels": ["file"] });
    submit(server, &tenant, vec![names]).await;
    assert_eq!(image(server, &tenant, space, "b").await["deliveryChannels"], json!([{ "channel": "file" }]));
});

contract_test!(
    defaults_of_the_space_fill_in_what_is_absent,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let body = json!({ "name": "plans", "defaultTags": ["t1", "t2"], "maxUnauthorised": 400 });
        let created = tenant.request(server, "POST", "/spaces").json(&body).send().await.expect(201).json();
        let space = created["id"].as_i64().unwrap();
        let origin = "http://127.0.0.1:9/a.jpg";
        let members = vec![
            json!({ "id": "absent", "space": space, "origin": origin }),
            json!({ "id": "null", "space": space, "origin": origin, "roles": null, "tags": null, "maxUnauthorised": null }),
            json!({ "id": "empty", "space": space, "origin": origin, "roles": [], "tags": [], "maxUnauthorised": -1 }),
            json!({ "id": "own", "space": space, "origin": origin, "roles": ["urn:a"], "tags": ["x"], "maxUnauthorised": 0 }),
        ];
        submit(server, &tenant, members).await;
        let shown = async |id: &str| {
            let image = image(server, &tenant, space, id).await;
            json!([image["roles"], image["tags"], image["maxUnauthorised"]])
        };
        assert_eq!(shown("absent").await, json!([[], ["t1", "t2"], 400]));
        assert_eq!(shown("null").await, json!([[], ["t1", "t2"], 400]));
        assert_eq!(shown("empty").await, json!([[], [], -1]));
        assert_eq!(shown("own").await, json!([["urn:a"], ["x"], 0]));
        // A later change of the defaults changes no image.
        let change = json!({ "defaultTags": ["t3"], "maxUnauthorised": -1 });
        let patch = tenant.request(server, "PATCH", &format!("/spaces/{space}")).json(&change);
        patch.send().await.expect(205);
        assert_eq!(shown("absent").await, json!([[], ["t1", "t2"], 400]));
    }
);

contract_test!(the_query_language, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let (one, two) = (space(server, &tenant, "one").await, space(server, &tenant, "two").await);
    let member = |id: &str, space: i64, more: Value| {
        let mut all = json!({ "id": id, "space": space, "origin": "http://127.0.0.1:9/a.jpg" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let role = |name: &str| format!("https://roles.example/{name}");
    let members = vec![
        member("a", one, json!({ "string1": "ship-12", "number1": 1, "tags": ["plan", "hull"], "roles": [role("x")] })),
        member("b", one, json!({ "string1": "ship-12", "number1": 2, "tags": ["plan"], "roles": [role("y")] })),
        member(
            "c",
            one,
            json!({ "string1": "Ship-12", "number1": 1, "tags": ["planning"], "roles": [role("x"), role("y")] }),
        ),
        member("d", two, json!({ "string1": "ship-12", "number1": 1, "string2": "50% \"off\" & ü" })),
        member("e", two, json!({ "string3": "z", "number2": -4, "number3": 9_007_199_254_740_993_i64 })),
    ];
    let batch = submit(server, &tenant, members).await;
    let q = |query: Value| format!("q={}", encoded(&query.to_string()));
    let indented = "{\n  \"string1\": \"ship-12\",\n  \"number1\": 1\n}";
    let cases: Vec<(String, &[&str])> = vec![
        (String::new(), &["a", "b", "c", "d", "e"]),
        (q(json!({ "string1": "ship-12" })), &["a", "b", "d"]),
        (q(json!({ "String1": "ship-12", "Number1": "1" })), &["a", "d"]),
        (format!("q={}", encoded(indented)), &["a", "d"]),
        ("q={%22string1%22:%22ship-12%22,%22number1%22:1}".to_owned(), &["a", "d"]),
        ("string1=ship-12".to_owned(), &["a", "b", "d"]),
        ("string1=ship-12&number1=1".to_owned(), &["a", "d"]),
        (format!("{}&number1=2", q(json!({ "string1": "ship-12" }))), &["b"]),
        (format!("{}&string1=ship-12", q(json!({ "string1": "Ship-12" }))), &["a", "b", "d"]),
        (format!("string2={}", encoded("50% \"off\" & ü")), &["d"]),
        (q(json!({ "string2": "50% \"off\" & ü" })), &["d"]),
        (q(json!({ "string1": ["ship-12", "Ship-12"] })), &["a", "b", "c", "d"]),
        (q(json!({ "number1": [2, 3] })), &["b"]),
        (q(json!({ "number2": -4 })), &["e"]),
        ("number3=9007199254740993".to_owned(), &["e"]),
        (q(json!({ "tags": ["plan"] })), &["a", "b"]),
        (q(json!({ "tags": ["plan", "hull"] })), &["a"]),
        (q(json!({ "roles": [role("x")] })), &["a", "c"]),
        (q(json!({ "roles": [role("x"), role("y")] })), &["a", "b", "c"]),
        (q(json!({ "id": "a" })), &["a"]),
        (q(json!({ "id": ["a", "e", "zzz"] })), &["a", "e"]),
        (q(json!({ "space": two })), &["d", "e"]),
        (q(json!({ "space": [one, two], "string1": "ship-12" })), &["a", "b", "d"]),
        (q(json!({ "string1": null, "string2": "", "string3": "z" })), &["e"]),
        (q(json!({ "string1": "none" })), &[]),
        ("q=".to_owned(), &["a", "b", "c", "d", "e"]),
        ("include=adjuncts".to_owned(), &["a", "b", "c", "d", "e"]),
    ];
    let lists = ["/allImages".to_owned(), "/queue/images".to_owned(), link(&batch, "images").to_owned()];
    for (query, expected) in &cases {
        for list in &lists {
            let found = view(server, &tenant, &format!("{list}?{query}")).await;
            assert_eq!(ids(&found), *expected, "{list}?{query}");
            assert_eq!(found["totalItems"], expected.len(), "{list}?{query}");
        }
        let expected: Vec<&str> = expected.iter().copied().filter(|id| !["d", "e"].contains(id)).collect();
        let found = view(server, &tenant, &format!("/spaces/{one}/images?{query}")).await;
        let expected = if query.contains(&format!("space%22%3A{two}")) { Vec::new() } else { expected };
        assert_eq!(ids(&found), expected, "space {one}: {query}");
        assert_eq!(found["totalItems"], expected.len());
    }
    for name in ["errorImages", "completedImages"] {
        assert_eq!(view(server, &tenant, link(&batch, name)).await["totalItems"], 0);
    }

    let wrong = [
        (q(json!({ "colour": "red" })), "q/colour"),
        (q(json!({ "number1": "x" })), "q/number1"),
        (q(json!({ "string1": 7 })), "q/string1"),
        (q(json!({ "tags": [7] })), "q/tags"),
        ("q=nonsense".to_owned(), "q"),
        ("q=[]".to_owned(), "q"),
        ("number1=x".to_owned(), "number1"),
        ("orderBy=colour".to_owned(), "orderBy"),
        ("orderByDescending=x".to_owned(), "orderByDescending"),
        ("page=one".to_owned(), "page"),
        ("pageSize=1.5".to_owned(), "pageSize"),
        ("cursor=%21".to_owned(), "cursor"),
        ("cursor=WzFd".to_owned(), "cursor"),
        ("colour=red".to_owned(), "colour"),
    ];
    let others = [
        format!("/spaces/{one}/images"),
        link(&batch, "errorImages").to_owned(),
        link(&batch, "completedImages").to_owned(),
    ];
    for (query, pointer) in &wrong {
        for list in lists.iter().chain(&others) {
            // This list has one key only, so that the short cursor could be its own.
            if *pointer == "cursor" && list == "/queue/images" {
                continue;
            }
            let answer = tenant.request(server, "GET", &format!("{list}?{query}")).send().await;
            let problem = answer.expect_problem(400, "/invalid");
            assert!(pointers(&problem).contains(pointer), "{list}?{query}: {problem}");
        }
    }
});

/// What counts of an image in an order, `None` where it isn't set.
fn key(image: &Value, name: &str) -> Option<Value> {
    let value = image.get(name)?.clone();
    match name {
        "batch" => link(image, name).rsplit('/').next().and_then(|n| n.parse::<i64>().ok()).map(Value::from),
        _ => (value != "").then_some(value),
    }
}

/// Whether two keys stand in the right order.
fn in_order(before: &Option<Value>, after: &Option<Value>, descending: bool) -> bool {
    match (before, after) {
        (Some(a), Some(b)) => {
            let (a, b) = if descending { (b, a) } else { (a, b) };
            match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a <= b,
                _ => a.as_str() <= b.as_str(),
            }
        }
        (None, Some(_)) => false,
        (_, None) => true,
    }
}

contract_test!(every_order_puts_what_is_not_set_last, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    origin.picture("held.jpg", 10, 10);
    origin.hold("held.jpg");
    let member = |id: &str, origin: String, more: Value| {
        let mut all = json!({ "id": id, "space": space, "origin": origin });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let first = vec![
        member("b", origin.picture("w.jpg", 30, 20), json!({ "string1": "b", "number1": 3, "mediaType": "image/png" })),
        member("C", origin.url("missing"), json!({ "string2": "x", "number2": -1, "maxUnauthorised": 200 })),
        member("f", origin.url("page.html"), json!({ "string3": "y", "number3": 5 })),
    ];
    let first = submit(server, &tenant, first).await;
    crate::registered::finished(server, &tenant, &first).await;
    let direct = json!({ "origin": origin.picture("t.png", 20, 40), "string1": "B", "number1": -3, "string3": "a" });
    tenant.request(server, "PUT", &format!("/spaces/{space}/images/a")).json(&direct).send().await.expect(201);
    let held = member("e", origin.url("held.jpg"), json!({ "string1": "a", "string2": "y" }));
    submit(server, &tenant, vec![held]).await;

    let names = [
        "id",
        "modelId",
        "created",
        "finished",
        "origin",
        "width",
        "height",
        "duration",
        "string1",
        "string2",
        "string3",
        "number1",
        "number2",
        "number3",
        "error",
        "batch",
        "maxUnauthorised",
        "mediaType",
    ];
    for name in names {
        for (parameter, descending) in [("orderBy", false), ("orderByDescending", true)] {
            // A page at a time, so that cursors over keys that are not set are followed too.
            let mut next = Some(format!("/allImages?{parameter}={name}&pageSize=2"));
            let mut images = Vec::new();
            while let Some(link) = next {
                let page = view(server, &tenant, &link).await;
                images.extend(page["member"].as_array().unwrap().clone());
                next = page["view"]["next"].as_str().map(str::to_owned);
            }
            assert_eq!(images.len(), 5, "{parameter}={name}");
            for pair in images.windows(2) {
                let keys = [key(&pair[0], name), key(&pair[1], name)];
                assert!(in_order(&keys[0], &keys[1], descending), "{parameter}={name}: {keys:?}");
            }
        }
    }
    let both = view(server, &tenant, "/allImages?orderBy=id&orderByDescending=created").await;
    assert_eq!(ids(&both), ["C", "a", "b", "e", "f"]);
    origin.release("held.jpg");
});

contract_test!(
    pages_of_a_thousand_images_are_complete,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let member = |i: usize| {
            json!({ "id": format!("i{i:04}"), "space": space, "origin": "http://127.0.0.1:9/a.jpg",
                "string1": format!("group {}", i % 7), "string2": "a & b", "number1": i % 2 })
        };
        for start in (0..1050).step_by(210) {
            submit(server, &tenant, (start..start + 210).map(member).collect()).await;
        }
        let walk = async |first: String, kept: &[&str]| {
            let mut next = Some(first);
            let (mut all, mut pages) = (Vec::new(), 0);
            while let Some(link) = next {
                let page = view(server, &tenant, &link).await;
                all.extend(ids(&page).into_iter().map(str::to_owned));
                pages += 1;
                let shown = &page["view"];
                assert_eq!(shown["page"], pages);
                for name in ["first", "previous", "next", "last"] {
                    let link = shown[name].as_str();
                    assert!(link.is_none_or(|link| kept.iter().all(|part| link.contains(part))), "{name}: {shown}");
                }
                next = shown["next"].as_str().map(str::to_owned);
                assert_eq!(next.is_none(), shown["page"] == shown["totalPages"]);
            }
            (all, pages)
        };
        let (all, pages) = walk("/allImages".to_owned(), &["pageSize=100"]).await;
        assert_eq!(pages, 11);
        assert_eq!(all, (0..1050).map(|i| format!("i{i:04}")).collect::<Vec<_>>());

        let query = format!(
            "orderByDescending=string1&pageSize=60&string2={}&q={}",
            encoded("a & b"),
            encoded("{\"number1\":1}")
        );
        let kept = ["pageSize=60", "orderByDescending=string1", "string2=a", "b&", "q=%7B"];
        let (mut some, pages) = walk(format!("/spaces/{space}/images?{query}"), &kept).await;
        assert_eq!(pages, 9);
        assert!(some[0] > some[74], "within a string the ids count downwards too: {} {}", some[0], some[74]);
        some.sort();
        assert_eq!(some, (0..1050).filter(|i| i % 2 == 1).map(|i| format!("i{i:04}")).collect::<Vec<_>>());

        // Pages by number, also from the last one back.
        let last = view(server, &tenant, "/allImages?page=11").await;
        assert_eq!((ids(&last).len(), ids(&last)[49]), (50, "i1049"));
        let previous = view(server, &tenant, link(&last["view"], "previous")).await;
        assert_eq!(ids(&previous)[99], "i0999");
        assert_eq!(ids(&view(server, &tenant, link(&last["view"], "first")).await)[0], "i0000");
        assert!(last["view"].get("next").is_none() && last["view"].get("last").is_none());
        for (query, size, count) in [
            ("pageSize=500", 500, 500),
            ("pageSize=501", 100, 100),
            ("pageSize=-1", 100, 100),
            ("page=0", 100, 100),
            ("page=99", 100, 0),
        ] {
            let page = view(server, &tenant, &format!("/allImages?{query}")).await;
            assert_eq!((page["pageSize"].as_i64(), ids(&page).len()), (Some(size), count), "{query}");
            assert_eq!(page["totalItems"], 1050);
        }
    }
);

contract_test!(
    a_customer_does_not_see_the_images_of_another,
    options = without_workers(),
    async |server: &mut TestServer| {
        let (mine, other) = (server.new_customer("mine").await, server.new_customer("other").await);
        let member = |space: i64| json!({ "id": "a", "space": space, "origin": "http://127.0.0.1:9/a.jpg" });
        let empty = space(server, &mine, "empty").await;
        space(server, &other, "first").await;
        let theirs = space(server, &other, "second").await;
        let batch = submit(server, &other, vec![member(theirs)]).await;
        // Under one's own path another's space, image and batch are not there.
        let number = link(&batch, "@id").rsplit('/').next().unwrap().to_owned();
        for path in [
            format!("/spaces/{theirs}/images/a"),
            format!("/spaces/{theirs}/images"),
            format!("/queue/batches/{number}"),
        ] {
            mine.request(server, "GET", &path).send().await.expect_problem(404, "");
        }
        let refused = mine.request(server, "POST", "/queue").json(&json!({ "member": [member(theirs)] })).send().await;
        assert_eq!(pointers(&refused.expect_problem(400, "/invalid")), ["/member/0/space"]);
        assert_eq!(view(server, &mine, "/allImages").await["totalItems"], 0);
        assert_eq!(view(server, &mine, &format!("/spaces/{empty}/images")).await["totalItems"], 0);
    }
);

contract_test!(
    replacing_an_image_keeps_what_protects_it,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let role = "https://elsewhere.example/roles/reader";
        let body = json!({ "name": "plans", "defaultRoles": [role], "defaultTags": ["plan"], "maxUnauthorised": 200 });
        tenant.request(server, "PUT", "/spaces/3").json(&body).send().await.expect(201);
        let member = |more: Value| {
            let mut member = json!({ "id": "a", "space": 3, "origin": "https://masters.harbour.example/a.tif" });
            member.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            member
        };
        for _ in 0..2 {
            submit(server, &tenant, vec![member(json!({}))]).await;
            let image = image(server, &tenant, 3, "a").await;
            assert_eq!((&image["roles"], &image["tags"]), (&json!([role]), &json!(["plan"])));
            assert_eq!(image["maxUnauthorised"], 200);
        }
        submit(server, &tenant, vec![member(json!({ "roles": [], "tags": [] }))]).await;
        assert_eq!(image(server, &tenant, 3, "a").await["roles"], json!([]), "an empty list is a wish");
        let reset = json!({ "roles": null, "tags": null });
        tenant.request(server, "PATCH", "/spaces/3/images/a").json(&reset).send().await.expect(205);
        let image = image(server, &tenant, 3, "a").await;
        assert_eq!((&image["roles"], &image["tags"]), (&json!([role]), &json!(["plan"])));

        // As it was shown, it can be queued again; with what isn't so, it can't.
        submit(server, &tenant, vec![image]).await;
        let mut shown = view(server, &tenant, "/spaces/3/images/a").await.as_object().unwrap().clone();
        shown.insert("width".to_owned(), json!(7));
        let wrong = tenant.request(server, "POST", "/queue").json(&json!({ "member": [shown] })).send().await;
        assert_eq!(pointers(&wrong.expect_problem(400, "/invalid")), ["/member/0/width"]);
        let other = json!({ "member": [member(json!({ "family": "F" }))] });
        let other = tenant.request(server, "POST", "/queue").json(&other).send().await;
        assert_eq!(pointers(&other.expect_problem(400, "/invalid")), ["/member/0/family"]);
    }
);

contract_test!(
    odd_queries_conditions_and_pages_are_read_exactly,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let member = |id: &str, tags: &[&str], roles: &[&str]| json!({ "id": id, "space": space, "origin": "https://masters.harbour.example/a.tif", "tags": tags, "roles": roles });
        let tricky = [r#"say "x\"#, "x"];
        let members =
            vec![member("a", &["one", "two"], &["r:1", "r:2"]), member("b", &tricky, &[]), member("c", &[], &["r,:1"])];
        submit(server, &tenant, members).await;
        let found = async |q: Value| {
            let link = format!("/allImages?q={}", encoded(&q.to_string()));
            ids(&view(server, &tenant, &link).await).join(" ")
        };
        assert_eq!(found(json!({ "tags": [","] })).await, "");
        assert_eq!(found(json!({ "roles": [","] })).await, "");
        assert_eq!(found(json!({ "tags": ["x"] })).await, "b");
        assert_eq!(found(json!({ "tags": [r#"x\"#] })).await, "");
        assert_eq!(found(json!({ "tags": [tricky[0]] })).await, "b");
        assert_eq!(found(json!({ "roles": ["r,:1", "r:2"] })).await, "a c");
        assert_eq!(found(json!({ "id": [] })).await, "", "any of none is none");
        assert_eq!(found(json!({ "tags": [] })).await, "a b c", "all of none are all");

        let first = view(server, &tenant, "/allImages?pageSize=1").await;
        let next = link(&first["view"], "next").replace("page=2", &format!("page={}", i64::MAX));
        let far = view(server, &tenant, &next).await;
        assert_eq!(ids(&far), ["b"], "the cursor says where");
        assert!(far["view"]["page"].as_i64().unwrap() > 1_000_000);

        let latin = b"\"\xe9\"";
        let delete = tenant.request(server, "DELETE", &format!("/spaces/{space}/images/a"));
        delete.header_bytes("if-match", latin).send().await.expect_problem(412, "/precondition-failed");
        let huge =
            json!({ "number1": 9_223_372_036_854_775_808_u64, "origin": "https://masters.harbour.example/a.tif" });
        let huge = tenant.request(server, "PUT", &format!("/spaces/{space}/images/d")).json(&huge).send().await;
        let problem = huge.expect_problem(400, "/invalid");
        assert!(problem["detail"].as_str().unwrap().contains("9223372036854775807 at most"), "{problem}");
        for path in [format!("/spaces/0{space}"), format!("/spaces/+{space}")] {
            let none = tenant.request(server, "GET", &path).send().await;
            assert!(matches!(none.status, 400 | 404), "{none}");
        }
    }
);
