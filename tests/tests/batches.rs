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
    assert_eq!(view(server, &tenant, "/queue").await["batchesWaiting"], 1);
    assert!(test(server, &tenant, &first).await);
    let right = view(server, &tenant, link(&first, "@id")).await;
    assert_eq!(counts(&right), [1, 1, 0]);
    assert!(right.get("finished").is_some());
    assert_eq!(view(server, &tenant, "/queue").await["batchesWaiting"], 0);
    origin.release("held.jpg");
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
