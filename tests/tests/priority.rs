//! The priority lane, the numbers of all queues, and everything that was submitted in a batch.

use std::time::Duration;

use contract_tests::{Options, Origin, Tenant, TestServer, contract_test, eventually};
use serde_json::{Value, json};

fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

async fn space(server: &TestServer, tenant: &Tenant) -> u64 {
    let made = tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    made.json()["id"].as_u64().expect("a number")
}

fn members(space: u64, ids: &[&str], origin: impl Fn(&str) -> String) -> Value {
    let all: Vec<Value> = ids.iter().map(|id| json!({ "id": id, "space": space, "origin": origin(id) })).collect();
    json!({ "@type": "Collection", "member": all })
}

fn far(id: &str) -> String {
    format!("https://masters.example.org/{id}.tif")
}

fn ids(collection: &Value) -> Vec<&str> {
    collection["member"].as_array().expect("members").iter().filter_map(|m| m["id"].as_str()).collect()
}

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

contract_test!(
    the_priority_lane_is_counted_and_comes_first,
    profiles,
    options = idle(),
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant).await;
        tenant.request(server, "POST", "/queue").json(&members(space, &["n1", "n2"], far)).send().await.expect(201);
        let posted = tenant.request(server, "POST", "/queue/priority").json(&members(space, &["p1"], far)).send().await;
        let posted = posted.expect(201);
        let batch = posted.json();
        assert_eq!(posted.header("location"), batch["@id"].as_str());
        assert_eq!((&batch["@type"], &batch["count"]), (&json!("Batch"), &json!(1)));

        let queue = get(server, &tenant, "/queue").await;
        let link = queue["priority"].as_str().expect("a link");
        assert!(link.ends_with("/queue/priority"));
        let lane = get(server, &tenant, link).await;
        assert_eq!(lane["@id"], link);
        assert_eq!(lane["@type"], "Queue");
        assert_eq!([&lane["size"], &lane["imagesWaiting"], &lane["batchesWaiting"]], [1, 1, 1]);
        assert_eq!([&queue["size"], &queue["imagesWaiting"], &queue["batchesWaiting"]], [3, 3, 2]);
        assert_eq!(lane["images"], queue["images"]);
        let waiting = get(server, &tenant, "/queue/images").await;
        assert_eq!(ids(&waiting), ["p1", "n1", "n2"], "in the order in which they are served");

        let answer = tenant.request(server, "GET", link).send().await;
        let tag = answer.must_header("etag");
        tenant.request(server, "GET", link).header("if-none-match", tag).send().await.expect(304);
    }
);

contract_test!(the_priority_lane_takes_images_only, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant).await;
    let mut body = members(space, &["a", "b", "c"], far);
    body["member"][0]["family"] = json!("I");
    body["member"][1]["family"] = json!("T");
    body["member"][2]["family"] = json!("F");
    let send = |body: &Value| tenant.request(server, "POST", "/queue/priority").json(body).send();
    let problem = send(&body).await.expect_problem(400, "/invalid");
    let pointers: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|e| e["pointer"].as_str()).collect();
    assert_eq!(pointers, ["/member/1/family", "/member/2/family"]);
    send(&json!({ "member": [] })).await.expect_problem(400, "/invalid");
    send(&members(4711, &["a"], far)).await.expect_problem(400, "/invalid");
    let nothing = get(server, &tenant, "/queue").await;
    assert_eq!(nothing["size"], 0);
    tenant.request(server, "POST", "/queue").json(&body).send().await.expect(201);
});

contract_test!(what_has_priority_is_ingested_before_what_came_earlier, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant).await;
    let origin = Origin::start().await;
    let busy = ["busy1", "busy2", "busy3", "busy4"];
    for name in busy.into_iter().chain(["later", "urgent"]) {
        origin.picture(&format!("{name}.jpg"), 30, 20);
        origin.hold(&format!("{name}.jpg"));
    }
    let served = |id: &str| origin.url(&format!("{id}.jpg"));
    let asked = |id: &str| origin.hits(&format!("{id}.jpg"));
    let send =
        |path: &str, ids: &[&str]| tenant.request(server, "POST", path).json(&members(space, ids, served)).send();
    send("/queue", &busy).await.expect(201);
    // One worker fetches four images at a time.
    eventually(Duration::from_secs(20), "the worker is busy", async || {
        busy.iter().all(|id| asked(id) == 1).then_some(())
    })
    .await;
    send("/queue", &["later"]).await.expect(201);
    send("/queue/priority", &["urgent"]).await.expect(201);
    origin.release("busy1.jpg");
    eventually(Duration::from_secs(20), "the next is fetched", async || {
        (asked("later") + asked("urgent") > 0).then_some(())
    })
    .await;
    assert_eq!((asked("urgent"), asked("later")), (1, 0));
    for id in ["urgent", "later", "busy2", "busy3", "busy4"] {
        origin.release(&format!("{id}.jpg"));
    }
    eventually(Duration::from_secs(20), "all is ingested", async || {
        (get(server, &tenant, "/queue").await["size"] == 0).then_some(())
    })
    .await;
});

contract_test!(the_summary_counts_all_queues, options = idle(), async |server: &mut TestServer| {
    let (harbour, museum) = (server.new_customer("harbour").await, server.new_customer("museum").await);
    let (a, b) = (space(server, &harbour).await, space(server, &museum).await);
    let mut body = members(a, &["a", "t", "f"], far);
    body["member"][1]["family"] = json!("T");
    body["member"][2]["family"] = json!("F");
    harbour.request(server, "POST", "/queue").json(&body).send().await.expect(201);
    museum.request(server, "POST", "/queue/priority").json(&members(b, &["p", "q"], far)).send().await.expect(201);
    let origin = Origin::start().await;
    let put = async |id: &str, origin: String| {
        let link = format!("/spaces/{b}/images/{id}");
        museum.request(server, "PUT", &link).json(&json!({ "origin": origin })).send().await.expect(201);
    };
    put("good", origin.picture("good.png", 20, 30)).await;
    put("bad", origin.url("missing")).await;
    let answer = harbour.request(server, "GET", &format!("{}/queue", server.base_url())).send().await.expect(200);
    let expected = json!({ "@context": format!("{}/contexts/QueueSummary.jsonld", server.base_url()),
        "@id": format!("{}/queue", server.base_url()), "@type": "QueueSummary",
        "incoming": 3, "priority": 2, "timebased": 1, "transcodeComplete": 0, "file": 1, "failed": 1, "success": 1 });
    assert_eq!(answer.json(), expected);
    let again = server.get("/queue").auth(&harbour.credentials).header("if-none-match", answer.must_header("etag"));
    again.send().await.expect(304);
    server.get("/queue").send().await.expect_problem(401, "/unauthorized");
    server.get("/queue?x=1").auth(&harbour.credentials).send().await.expect_problem(400, "/invalid");
});

contract_test!(a_batch_remembers_what_was_submitted_in_it, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant).await;
    let send = |ids: &[&str]| tenant.request(server, "POST", "/queue").json(&members(space, ids, far)).send();
    let first = send(&["a", "b", "c", "d"]).await.expect(201).json();
    send(&["b", "e"]).await.expect(201);
    tenant.request(server, "DELETE", &format!("/spaces/{space}/images/d")).send().await.expect(205);
    let assets = first["assets"].as_str().expect("a link");
    assert_eq!(ids(&get(server, &tenant, first["images"].as_str().unwrap()).await), ["a", "c"]);
    let all = get(server, &tenant, assets).await;
    assert_eq!(ids(&all), ["a", "b", "c"]);
    assert_eq!(all["totalItems"], 3);
    let page = get(server, &tenant, &format!("{assets}?pageSize=2&orderByDescending=id")).await;
    assert_eq!(ids(&page), ["c", "b"]);
    let rest = get(server, &tenant, page["view"]["next"].as_str().expect("another page")).await;
    assert_eq!(ids(&rest), ["a"]);
    let link = format!("/spaces/{space}/images/b");
    tenant.request(server, "PATCH", &link).json(&json!({ "string1": "x" })).send().await.expect(205);
    assert_eq!(ids(&get(server, &tenant, &format!("{assets}?string1=x")).await), ["b"]);
    let bad = tenant.request(server, "GET", &format!("{assets}?q=nonsense")).send().await;
    bad.expect_problem(400, "/invalid");
    let unknown = tenant.request(server, "GET", "/queue/batches/99/assets").send().await;
    unknown.expect_problem(404, "/not-found");
    let other = server.new_customer("museum").await;
    let stolen = assets.replace(&tenant.path("/"), &other.path("/"));
    other.request(server, "GET", &stolen).send().await.expect_problem(404, "/not-found");
});
