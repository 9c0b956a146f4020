//! Lists of images: the query language, orders, pages.

use contract_tests::{Options, Origin, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{encoded, ids, link, pointers, space, submit, view};

fn without_workers() -> Options {
    Options { workers: 0, ..Options::default() }
}

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

contract_test!(
    a_list_in_a_query_may_be_as_long_as_the_query,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let member = |id: &str, more: Value| {
            let mut all = json!({ "id": id, "space": space, "origin": "https://masters.harbour.example/a.tif" });
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let members = vec![
            member("a", json!({ "roles": ["r:1", "1199"], "tags": ["one", "two"], "string1": "7", "number1": 7 })),
            member("b", json!({ "roles": ["r:2"], "tags": ["one"], "manifests": ["1198"], "number1": -1 })),
            member("1197", json!({})),
        ];
        submit(server, &tenant, members).await;
        let found = async |q: Value| {
            let text = q.to_string();
            assert!(text.len() <= 10_000, "{}", text.len());
            let page = view(server, &tenant, &format!("/allImages?q={}", encoded(&text))).await;
            let mut found = ids(&page);
            found.sort_unstable();
            assert_eq!(page["totalItems"], found.len());
            found.join(" ")
        };
        let texts: Vec<String> = (0..1200).map(|n| n.to_string()).collect();
        assert_eq!(found(json!({ "roles": texts })).await, "a");
        assert_eq!(found(json!({ "manifests": texts })).await, "b");
        assert_eq!(found(json!({ "string1": texts })).await, "a");
        assert_eq!(found(json!({ "id": texts })).await, "1197");
        assert_eq!(found(json!({ "number1": (0..1200).collect::<Vec<_>>() })).await, "1197 a");
        assert_eq!(found(json!({ "number1": (1..1200).collect::<Vec<_>>() })).await, "a");
        assert_eq!(found(json!({ "space": (space..space + 1200).collect::<Vec<_>>() })).await, "1197 a b");
        assert_eq!(found(json!({ "tags": texts })).await, "");
        let repeated: Vec<&str> = ["one", "two"].into_iter().cycle().take(1200).collect();
        assert_eq!(found(json!({ "tags": repeated })).await, "a", "each counts once");

        // No stored text holds NUL.
        assert_eq!(found(json!({ "roles": ["\u{0}", "r:2"], "id": ["b", "\u{0}"] })).await, "b");
        assert_eq!(found(json!({ "tags": ["one", "\u{0}"] })).await, "");
    }
);

contract_test!(the_case_of_an_order_does_not_count, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str, n: i64| json!({ "id": id, "space": space, "number1": n, "origin": "https://masters.harbour.example/a.tif" });
    submit(server, &tenant, vec![member("a", 2), member("b", 1), member("c", 3)]).await;
    for (list, order) in [("/allImages", "Number1"), ("/spaces", "NAME"), ("/queue/batches", "Submitted")] {
        for by in ["orderBy", "orderByDescending"] {
            let usual = view(server, &tenant, &format!("{list}?{by}={}", order.to_lowercase())).await;
            let other = view(server, &tenant, &format!("{list}?{by}={order}")).await;
            assert_eq!(usual["member"], other["member"], "{list} {by}");
        }
    }
    let up = view(server, &tenant, "/allImages?orderBy=Number1").await;
    assert_eq!(ids(&up), ["b", "a", "c"]);
    let unknown = tenant.request(server, "GET", "/allImages?orderBy=Number4").send().await;
    assert_eq!(pointers(&unknown.expect_problem(400, "/invalid")), ["orderBy"]);
});
