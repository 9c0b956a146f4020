//! Batches: the receipts, their lists, and what re-registration does to them.

use contract_tests::{Options, Origin, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{counts, finished, ids, image, link, pointers, space, submit, view};

contract_test!(a_batch_with_a_bad_origin_tells_which, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str, origin: String| json!({ "id": id, "space": space, "origin": origin });
    let members = vec![
        member("a", origin.picture("a.jpg", 40, 30)),
        member("b", origin.url("missing")),
        member("c", origin.picture("c.png", 30, 40)),
    ];
    let batch = submit(server, &tenant, members).await;
    let done = finished(server, &tenant, &batch).await;
    assert_eq!(counts(&done), [3, 2, 1]);
    assert_eq!(ids(&view(server, &tenant, link(&done, "images")).await), ["a", "b", "c"]);
    assert_eq!(ids(&view(server, &tenant, link(&done, "completedImages")).await), ["a", "c"]);
    let errors = view(server, &tenant, link(&done, "errorImages")).await;
    assert_eq!(ids(&errors), ["b"]);
    assert!(link(&errors["member"][0], "error").contains("404"));
    assert_eq!(errors["member"][0]["ingesting"], false);

    let answer = tenant.request(server, "GET", link(&batch, "@id")).send().await.expect(200);
    let etag = answer.must_header("etag").to_owned();
    tenant.request(server, "GET", link(&batch, "@id")).header("if-none-match", &etag).send().await.expect(304);

    // The link of the image leads to its batch, that of the test takes POST only.
    let shown = image(server, &tenant, space, "a").await;
    assert_eq!(view(server, &tenant, link(&shown, "batch")).await, done);
    let wrong = tenant.request(server, "GET", link(&batch, "test")).send().await.expect(405);
    assert!(wrong.must_header("allow").contains("POST"));
    for body in [None, Some(""), Some("{}")] {
        let test = tenant.request(server, "POST", link(&batch, "test"));
        let test = body.map_or_else(
            || tenant.request(server, "POST", link(&batch, "test")),
            |body| test.header("content-type", "application/json").body(body.to_owned()),
        );
        assert_eq!(test.send().await.expect(200).json(), json!({ "success": false }));
    }

    // The later one has fewer errors.
    let fine = submit(server, &tenant, vec![member("d", origin.picture("d.jpg", 40, 30))]).await;
    finished(server, &tenant, &fine).await;
    let listed = view(server, &tenant, "/queue/batches?orderBy=errors").await;
    let links: Vec<&str> = listed["member"].as_array().unwrap().iter().map(|one| link(one, "@id")).collect();
    assert_eq!(links, [link(&fine, "@id"), link(&batch, "@id")]);
});

async fn test(server: &TestServer, tenant: &contract_tests::Tenant, batch: &Value) -> bool {
    let answer = tenant.request(server, "POST", link(batch, "test")).send().await.expect(200).json();
    answer["success"].as_bool().expect("a boolean")
}

contract_test!(images_move_to_the_batch_that_registered_them_last, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str| json!({ "id": id, "space": space, "origin": origin.picture("a.jpg", 40, 30) });
    let first = submit(server, &tenant, ["a", "b", "c"].map(member).to_vec()).await;
    finished(server, &tenant, &first).await;
    let second = submit(server, &tenant, ["a", "b"].map(member).to_vec()).await;
    assert_eq!(counts(&finished(server, &tenant, &second).await), [2, 2, 0]);
    assert_eq!(ids(&view(server, &tenant, link(&first, "images")).await), ["c"]);
    // The counters of the older batch change when it is tested.
    let older = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!((counts(&older), &older["superseded"]), ([3, 3, 0], &json!(false)));
    assert!(test(server, &tenant, &first).await);
    assert_eq!(counts(&view(server, &tenant, link(&first, "@id")).await), [1, 1, 0]);
    assert!(!test(server, &tenant, &first).await);

    let third = submit(server, &tenant, vec![member("c")]).await;
    finished(server, &tenant, &third).await;
    test(server, &tenant, &first).await;
    assert!(!test(server, &tenant, &first).await);
    let older = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!(older["superseded"], true);
    assert_eq!(view(server, &tenant, link(&first, "images")).await["totalItems"], 0);
    let queue = view(server, &tenant, "/queue").await;
    let recent = view(server, &tenant, link(&queue, "recent")).await;
    let listed: Vec<&Value> = recent["member"].as_array().unwrap().iter().map(|b| &b["@id"]).collect();
    assert_eq!(listed, [&third["@id"], &second["@id"]], "the newest first, without the superseded");

    // A direct PUT takes the image out of its batch.
    let body = json!({ "origin": origin.url("a.jpg") });
    let put = tenant.request(server, "PUT", &format!("/spaces/{space}/images/c")).json(&body).send().await;
    assert!(put.expect(200).json().get("batch").is_none());
    assert_eq!(view(server, &tenant, link(&third, "@id")).await["superseded"], true);
});

contract_test!(a_batch_overtaken_under_way_is_put_right_by_its_test, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str, name: &str| json!({ "id": id, "space": space, "origin": origin.picture(name, 40, 30) });
    origin.hold("held.jpg");
    let first = submit(server, &tenant, vec![member("a", "held.jpg"), member("b", "b.jpg")]).await;
    let second = submit(server, &tenant, vec![member("a", "b.jpg")]).await;
    finished(server, &tenant, &second).await;
    contract_tests::eventually(crate::registered::PATIENCE, "b is done", async || {
        (view(server, &tenant, link(&first, "@id")).await["completed"] == 1).then_some(())
    })
    .await;
    // Nothing of it is left to do, so it has finished; what its counters miss is for its test.
    let left = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!((counts(&left), &left["superseded"]), ([2, 1, 0], &json!(false)));
    assert!(left.get("finished").is_some(), "{left}");
    assert_eq!(view(server, &tenant, "/queue").await["batchesWaiting"], 0);
    assert!(test(server, &tenant, &first).await);
    let right = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!((counts(&right), &right["finished"]), ([1, 1, 0], &left["finished"]));
    assert!(!test(server, &tenant, &first).await);
    origin.release("held.jpg");
});

contract_test!(a_batch_ends_when_the_last_it_waits_for_is_taken_away, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str, name: &str| json!({ "id": id, "space": space, "origin": origin.picture(name, 40, 30) });
    origin.hold("held.jpg");
    let image = |id: &str| format!("/spaces/{space}/images/{id}");
    let mut batches = Vec::new();
    for id in ["deleted", "put"] {
        let batch = submit(server, &tenant, vec![member(id, "held.jpg"), member(&format!("{id}-not"), "a.jpg")]).await;
        contract_tests::eventually(crate::registered::PATIENCE, "one is done", async || {
            (view(server, &tenant, link(&batch, "@id")).await["completed"] == 1).then_some(())
        })
        .await;
        batches.push(batch);
    }
    assert_eq!(view(server, &tenant, "/queue").await["batchesWaiting"], 2);
    tenant.request(server, "DELETE", &image("deleted")).send().await.expect(205);
    let body = json!({ "origin": origin.url("a.jpg") });
    tenant.request(server, "PUT", &image("put")).json(&body).send().await.expect(200);
    for batch in &batches {
        let now = view(server, &tenant, link(batch, "@id")).await;
        assert_eq!((counts(&now), &now["superseded"]), ([2, 1, 0], &json!(false)), "{now}");
        assert!(now.get("finished").is_some(), "{now}");
        assert!(test(server, &tenant, batch).await);
        assert!(!test(server, &tenant, batch).await);
        assert_eq!(counts(&view(server, &tenant, link(batch, "@id")).await), [1, 1, 0]);
    }
    let queue = view(server, &tenant, "/queue").await;
    assert_eq!(queue["batchesWaiting"], 0);
    let recent = view(server, &tenant, link(&queue, "recent")).await;
    assert_eq!(recent["totalItems"], 2);
    origin.release("held.jpg");
});

contract_test!(a_superseded_batch_is_tested_down_to_nothing, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str, origin: String| json!({ "id": id, "space": space, "origin": origin });
    let good = origin.picture("a.jpg", 40, 30);
    let members = vec![member("a", good.clone()), member("b", good.clone()), member("c", origin.url("missing"))];
    let first = submit(server, &tenant, members).await;
    assert_eq!(counts(&finished(server, &tenant, &first).await), [3, 2, 1]);
    let second = submit(server, &tenant, vec![member("a", good.clone())]).await;
    finished(server, &tenant, &second).await;
    assert!(test(server, &tenant, &first).await);
    assert_eq!(counts(&view(server, &tenant, link(&first, "@id")).await), [2, 1, 1]);
    let third = submit(server, &tenant, vec![member("b", good.clone()), member("c", good)]).await;
    finished(server, &tenant, &third).await;
    test(server, &tenant, &first).await;
    assert!(!test(server, &tenant, &first).await);
    let over = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!((counts(&over), &over["superseded"]), ([0, 0, 0], &json!(true)));
    assert_eq!(view(server, &tenant, link(&first, "images")).await["totalItems"], 0);
    assert_eq!(counts(&view(server, &tenant, link(&second, "@id")).await), [1, 1, 0]);
    assert!(!test(server, &tenant, &second).await);
});

contract_test!(a_batch_runs_again_while_a_member_is_ingested_again, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |id: &str| json!({ "id": id, "space": space, "origin": origin.picture(&format!("{id}.jpg"), 40, 30) });
    let batch = submit(server, &tenant, ["a", "b"].map(member).to_vec()).await;
    let before = finished(server, &tenant, &batch).await;
    let a = format!("/spaces/{space}/images/a");
    // By reingest, and by a change that asks for another ingest.
    for round in 0..2 {
        origin.hold("a.jpg");
        if round == 0 {
            tenant.request(server, "POST", &format!("{a}/reingest")).send().await.expect(200);
        } else {
            let change = json!({ "maxUnauthorised": 100 });
            tenant.request(server, "PATCH", &a).json(&change).send().await.expect(205);
        }
        let running = view(server, &tenant, link(&batch, "@id")).await;
        assert_eq!((counts(&running), running.get("finished")), ([2, 1, 0], None), "{running}");
        assert_eq!(ids(&view(server, &tenant, link(&batch, "completedImages")).await), ["b"]);
        let queue = view(server, &tenant, "/queue").await;
        let numbers = ["size", "batchesWaiting", "imagesWaiting"].map(|name| queue[name].as_i64().unwrap());
        assert_eq!(numbers, [1, 1, 1]);
        let listed = async |name: &str| view(server, &tenant, link(&queue, name)).await["totalItems"].clone();
        assert_eq!((listed("active").await, listed("recent").await), (json!(1), json!(0)));
        assert!(!test(server, &tenant, &batch).await, "every number is right");
        origin.release("a.jpg");
        let after = finished(server, &tenant, &batch).await;
        assert_eq!(counts(&after), [2, 2, 0]);
        assert!(after["finished"].as_str() > before["finished"].as_str(), "{after}");
        assert_eq!((listed("active").await, listed("recent").await), (json!(0), json!(1)));
        assert!(!test(server, &tenant, &batch).await);
    }
});

contract_test!(
    batches_are_listed_in_every_order,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        let mut batches = Vec::new();
        for count in [2, 1, 3, 1, 2] {
            let member = |i: usize| json!({ "id": format!("{}-{i}", batches.len()), "space": space, "origin": "http://127.0.0.1:9/a" });
            let batch = submit(server, &tenant, (0..count).map(member).collect()).await;
            batches.push(batch);
        }
        let listed = async |query: &str| -> Vec<usize> {
            let mut next = Some(format!("/queue/batches?pageSize=2{query}"));
            let mut found = Vec::new();
            while let Some(link) = next {
                let page = view(server, &tenant, &link).await;
                assert_eq!(page["totalItems"], 5);
                for batch in page["member"].as_array().unwrap() {
                    found.push(batches.iter().position(|b| b["@id"] == batch["@id"]).unwrap());
                }
                next = page["view"]["next"].as_str().map(str::to_owned);
                assert!(next.as_ref().is_none_or(|link| link.contains(query)), "{next:?}");
            }
            found
        };
        assert_eq!(listed("").await, [4, 3, 2, 1, 0]);
        assert_eq!(listed("&orderBy=id").await, [0, 1, 2, 3, 4]);
        assert_eq!(listed("&orderByDescending=id").await, [4, 3, 2, 1, 0]);
        assert_eq!(listed("&orderBy=submitted").await, [0, 1, 2, 3, 4]);
        assert_eq!(listed("&orderBy=count").await, [1, 3, 0, 4, 2]);
        assert_eq!(listed("&orderByDescending=count").await, [2, 4, 0, 3, 1]);
        assert_eq!(listed("&orderBy=errors").await, [0, 1, 2, 3, 4]);
        assert_eq!(listed("&orderBy=finished").await, [0, 1, 2, 3, 4]);
        assert_eq!(
            view(server, &tenant, "/queue/active?orderBy=count&pageSize=1").await["member"][0]["@id"],
            batches[1]["@id"]
        );
        // What it waited for is gone, so that it is finished.
        tenant.request(server, "DELETE", &format!("/spaces/{space}/images/3-0")).send().await.expect(205);
        assert_eq!(listed("&orderBy=finished").await, [3, 0, 1, 2, 4]);
        assert_eq!(listed("&orderByDescending=finished").await[0], 3);

        for list in ["/queue/batches", "/queue/active", "/queue/recent"] {
            for (query, pointer) in
                [("orderBy=colour", "orderBy"), ("page=x", "page"), ("cursor=%21", "cursor"), ("q=%7B%7D", "q")]
            {
                let answer = tenant.request(server, "GET", &format!("{list}?{query}")).send().await;
                assert_eq!(pointers(&answer.expect_problem(400, "/invalid")), [pointer], "{list}?{query}");
            }
        }
        for path in ["", "/images", "/errorImages", "/completedImages"] {
            tenant.request(server, "GET", &format!("/queue/batches/999999{path}")).send().await.expect_problem(404, "");
            let odd = tenant.request(server, "GET", &format!("/queue/batches/first{path}")).send().await;
            assert!(matches!(odd.status, 400 | 404), "{odd}");
        }
        tenant.request(server, "POST", "/queue/batches/999999/test").send().await.expect_problem(404, "");
        let unknown = format!("{}?colour=red", link(&batches[0], "test"));
        tenant.request(server, "POST", &unknown).send().await.expect_problem(400, "/invalid");
        let unknown = format!("{}?colour=red", link(&batches[0], "@id"));
        tenant.request(server, "GET", &unknown).send().await.expect_problem(400, "/invalid");
        tenant.request(server, "GET", "/queue?colour=red").send().await.expect_problem(400, "/invalid");
    }
);
