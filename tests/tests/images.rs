//! Images: their life and their bad input.

use contract_tests::{Options, Origin, Profile, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{encoded, image, link, pointers, space, submit, view};

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
    for no_cache in ["true", "True", "FALSE", ""] {
        tenant.request(server, "GET", &format!("{path}?noCache={no_cache}")).send().await.expect(200);
    }
    tenant.request(server, "GET", &format!("{path}?noCache=1")).send().await.expect_problem(400, "/invalid");

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
        // What is no text names nothing, and nothing can be made of it.
        let odd = format!("/spaces/{space}/images/%ff");
        tenant.request(server, "GET", &odd).send().await.expect_problem(404, "/not-found");
        tenant.request(server, "PUT", &odd).json(&body).send().await.expect_problem(400, "/invalid");
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

contract_test!(clients_that_fill_in_every_member_are_understood, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let images = format!("/spaces/{space}/images");
    let url = origin.picture("a.jpg", 60, 40);
    let filled = |more: Value| {
        let mut all = json!({ "@type": "Image", "space": 0, "origin": url, "initialOrigin": "" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    tenant.request(server, "PUT", &format!("{images}/a")).json(&filled(json!({}))).send().await.expect(201);
    tenant.request(server, "POST", &images).json(&filled(json!({ "id": "b" }))).send().await.expect(201);
    submit(server, &tenant, vec![filled(json!({ "id": "c", "space": space }))]).await;
    let patch = json!({ "@type": "Image", "space": 0, "string1": "x" });
    let patched = tenant.request(server, "PATCH", &format!("{images}/a")).json(&patch).send().await;
    assert!(patched.status < 300, "{patched}");
    assert_eq!(image(server, &tenant, space, "a").await["string1"], "x");
    for method in ["PUT", "PATCH"] {
        let other = filled(json!({ "space": space + 1 }));
        let other = tenant.request(server, method, &format!("{images}/a")).json(&other).send().await;
        assert_eq!(pointers(&other.expect_problem(400, "/invalid")), ["/space"]);
    }
});

contract_test!(the_view_of_an_image_can_be_posted_again, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let images = format!("/spaces/{space}/images");
    let new = json!({ "id": "a", "origin": origin.picture("a.jpg", 60, 40) });
    tenant.request(server, "POST", &images).json(&new).send().await.expect(201);
    let mut shown = image(server, &tenant, space, "a").await;
    assert_eq!(shown["width"], 60);
    tenant.request(server, "POST", &images).json(&shown).send().await.expect(201);
    shown["width"] = json!(61);
    let wrong = tenant.request(server, "POST", &images).json(&shown).send().await.expect_problem(400, "/invalid");
    assert!(pointers(&wrong).contains(&"/width"), "{wrong}");
    let unknown = json!({ "id": "b", "origin": new["origin"], "width": 60 });
    let unknown = tenant.request(server, "POST", &images).json(&unknown).send().await;
    assert_eq!(pointers(&unknown.expect_problem(400, "/invalid")), ["/width"]);
});
