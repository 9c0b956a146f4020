//! The queue: what is put on it, and what is refused.

use contract_tests::{Options, Origin, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{counts, finished, ids, image, link, pointers, space, submit, view};

fn without_workers() -> Options {
    Options { workers: 0, ..Options::default() }
}

contract_test!(a_batch_goes_through_the_queue, profiles, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let empty = tenant.request(server, "GET", "/queue").send().await.expect(200);
    assert_eq!((&empty.json()["size"], &empty.json()["batchesWaiting"]), (&json!(0), &json!(0)));
    let etag = empty.must_header("etag").to_owned();
    tenant.request(server, "GET", "/queue").header("if-none-match", &etag).send().await.expect(304);

    origin.hold("held.jpg");
    let member = |id: &str, origin: String| json!({ "id": id, "space": space, "origin": origin });
    let members =
        vec![member("one", origin.picture("one.jpg", 60, 40)), member("held", origin.picture("held.jpg", 50, 70))];
    let body = json!({ "@context": null, "@type": "Collection", "total_items": 2, "member": members });
    let post = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201);
    let batch = post.json();
    assert_eq!(post.must_header("location"), link(&batch, "@id"));
    assert_eq!(counts(&batch), [2, 0, 0]);
    assert_eq!(batch["superseded"], false);
    assert!(batch.get("finished").is_none());
    contract_tests::eventually(crate::registered::PATIENCE, "one is done", async || {
        (counts(&view(server, &tenant, link(&batch, "@id")).await) == [2, 1, 0]).then_some(())
    })
    .await;
    let queue = view(server, &tenant, "/queue").await;
    assert_eq!((&queue["size"], &queue["imagesWaiting"], &queue["batchesWaiting"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(ids(&view(server, &tenant, link(&queue, "images")).await), ["held"]);
    let waiting = image(server, &tenant, space, "held").await;
    assert_eq!(waiting["ingesting"], true);
    assert!(waiting.get("queued").is_some() && waiting.get("finished").is_none() && waiting.get("width").is_none());
    assert_eq!(view(server, &tenant, link(&queue, "active")).await["member"][0]["@id"], batch["@id"]);
    assert_eq!(view(server, &tenant, link(&queue, "recent")).await["totalItems"], 0);

    origin.release("held.jpg");
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [2, 2, 0]);
    let queue = view(server, &tenant, "/queue").await;
    assert_eq!((&queue["size"], &queue["batchesWaiting"]), (&json!(0), &json!(0)));
    assert_eq!(view(server, &tenant, link(&queue, "images")).await["totalItems"], 0);
    assert_eq!(view(server, &tenant, link(&queue, "active")).await["totalItems"], 0);
    assert_eq!(view(server, &tenant, link(&queue, "recent")).await["member"][0]["@id"], batch["@id"]);
    assert_eq!(view(server, &tenant, link(&queue, "batches")).await["totalItems"], 1);
    let done = image(server, &tenant, space, "held").await;
    assert_eq!((&done["width"], &done["height"], &done["batch"]), (&json!(50), &json!(70), &batch["@id"]));
    assert!(done.get("dequeued").is_some() && done.get("finished").is_some());
});

contract_test!(a_bad_member_refuses_the_whole_batch, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let good = json!({ "id": "good", "space": space, "origin": "http://127.0.0.1:9/a.jpg" });
    let bad = |name: &str, value: Value| {
        let mut member = good.clone();
        member["id"] = json!("bad");
        member[name] = value;
        member
    };
    let without = |name: &str| {
        let mut member = good.clone();
        member.as_object_mut().unwrap().remove(name);
        member
    };
    let cases = [
        (without("origin"), "/member/1/origin"),
        (without("space"), "/member/1/space"),
        (bad("space", json!(99)), "/member/1/space"),
        (bad("space", json!("first")), "/member/1/space"),
        (bad("space", json!(0)), "/member/1/space"),
        (bad("origin", json!("gopher://old.example/a")), "/member/1/origin"),
        (bad("origin", json!("http://2130706433.example/\n")), "/member/1/origin"),
        (bad("origin", json!("http://169.254.169.254/latest/meta-data/")), "/member/1/origin"),
        (bad("id", json!("good")), "/member/1/id"),
        (bad("id", json!("a/b")), "/member/1/id"),
        (bad("id", json!("a\u{7}")), "/member/1/id"),
        (bad("id", json!("")), "/member/1/id"),
        (bad("modelId", json!("another")), "/member/1/modelId"),
        (bad("string1", json!("x".repeat(501))), "/member/1/string1"),
        (bad("number1", json!(1.5)), "/member/1/number1"),
        (bad("mediaType", json!("nothing")), "/member/1/mediaType"),
        (bad("roles", json!(["https://a.example/r", 5])), "/member/1/roles/1"),
        (bad("tags", json!(["a,b"])), "/member/1/tags/0"),
        (bad("deliveryChannels", json!(["none", "file"])), "/member/1/deliveryChannels/0/channel"),
        (bad("width", json!(100)), "/member/1/width"),
        (bad("@type", json!("Space")), "/member/1/@type"),
        (bad("@type", json!("https://api.example.org/vocab#Collection")), "/member/1/@type"),
        (bad("finished", json!("2020-01-01T00:00:00Z")), "/member/1/finished"),
        (json!("good"), "/member/1"),
        (json!(null), "/member/1"),
    ];
    for (member, pointer) in cases {
        let body = json!({ "member": [good, member] });
        let problem = tenant.request(server, "POST", "/queue").json(&body).send().await.expect_problem(400, "/invalid");
        assert!(pointers(&problem).contains(&pointer), "{member}: {problem}");
    }
    // Everything that is wrong is named at once.
    let together = [
        ([bad("id", json!("a/b")), good.clone(), bad("number2", json!({}))], ["/member/0/id", "/member/2/number2"]),
        ([bad("origin", json!("x://y")), good.clone(), good.clone()], ["/member/2/id", "/member/0/origin"]),
        ([bad("space", json!(98)), good.clone(), bad("space", json!(99))], ["/member/0/space", "/member/2/space"]),
    ];
    for (members, expected) in together {
        let body = json!({ "member": members });
        let problem = tenant.request(server, "POST", "/queue").json(&body).send().await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), expected);
    }

    let many = |count: usize| -> Vec<Value> {
        (0..count).map(|i| json!({ "id": format!("i{i}"), "space": space, "origin": "http://127.0.0.1:9/a" })).collect()
    };
    let collections = [
        (json!({ "member": many(251) }), "/member"),
        (json!({ "member": [] }), "/member"),
        (json!({}), "/member"),
        (json!({ "member": good }), "/member"),
        (json!({ "member": [good], "view": { "page": 1 } }), "/view"),
        (json!({ "member": [good], "members": [] }), "/members"),
        (json!([good]), ""),
    ];
    for (body, pointer) in collections {
        let problem = tenant.request(server, "POST", "/queue").json(&body).send().await.expect_problem(400, "/invalid");
        assert!(pointers(&problem).contains(&pointer), "{problem}");
    }
    assert_eq!(view(server, &tenant, "/allImages").await["totalItems"], 0);
    assert_eq!(view(server, &tenant, "/queue/batches").await["totalItems"], 0);
    assert_eq!(view(server, &tenant, "/queue").await["size"], 0);

    // The most that is taken; and the same id in two spaces is two images.
    let second = self::space(server, &tenant, "drafts").await;
    let mut most = many(249);
    most.push(json!({ "id": "i0", "space": second, "origin": "http://127.0.0.1:9/a" }));
    assert_eq!(counts(&submit(server, &tenant, most).await), [250, 0, 0]);
    assert_eq!(view(server, &tenant, "/queue").await["size"], 250);
});

contract_test!(
    bodies_that_can_not_be_read_are_refused,
    options = without_workers(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let post = |body: &str| {
            tenant.request(server, "POST", "/queue").header("content-type", "application/json").body(body.to_owned())
        };
        post("{").send().await.expect_problem(400, "");
        post("").send().await.expect_problem(400, "");
        post("{\"member\":[],\"member\":7}").send().await.expect_problem(400, "");
        let csv = tenant.request(server, "POST", "/queue").header("content-type", "text/csv").body("a,b");
        csv.send().await.expect_problem(415, "");
        // Over the limit, by what the header says and by what is sent.
        let large = format!("{{\"member\":[],\"junk\":\"{}\"}}", "x".repeat(120_000_000));
        tenant
            .request(server, "POST", "/queue")
            .header("content-type", "application/json")
            .body(large)
            .send()
            .await
            .expect_problem(413, "");
    }
);

contract_test!(clients_of_today_are_understood, options = without_workers(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let origin = "http://127.0.0.1:9/a.jpg";
    let member = json!({
        "@type": "Image", "modelId": "old", "space": space.to_string(), "origin": origin, "number1": "4",
        "mediaType": null, "text": "noise", "textType": "alto", "unheardOf": { "a": [1] },
    });
    let members = json!([member, { "space": space, "origin": origin }]);
    let body = json!({ "@type": "hydra:Collection", "member": members, "members": members });
    let batch = tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201).json();
    assert_eq!(counts(&batch), [2, 0, 0]);
    let old = image(server, &tenant, space, "old").await;
    assert_eq!((&old["number1"], &old["mediaType"]), (&json!(4), &json!("image/jpeg")));
    // The other got an id of its own.
    let all = view(server, &tenant, link(&batch, "images")).await;
    assert_eq!(ids(&all).iter().filter(|id| id.len() == 36).count(), 1);
});
