//! Servers that stop or are killed in the middle of an ingest, and several that share a queue: nothing is lost,
//! nothing is counted twice.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use contract_tests::{
    Backend, FreshDatabase, Options, Origin, RawRequest, Tenant, TestServer, contract_test, eventually, process, run,
};
use hyper::Method;
use serde_json::{Value, json};

use crate::ingest::check_sizes;
use crate::registered::{PATIENCE, counts, finished, image, link, space, stored, submit, view};

/// Six pictures as one batch, of which the second three are held; waits until those have been asked for and the
/// others are done.
async fn half_done(server: &TestServer, tenant: &Tenant, origin: &Origin, space: i64) -> Value {
    let names = ["a.jpg", "b.jpg", "c.jpg", "x.jpg", "y.jpg", "z.jpg"];
    let members = names.map(|name| json!({ "id": name, "space": space, "origin": origin.picture(name, 300, 200) }));
    names[3..].iter().for_each(|name| origin.hold(name));
    let batch = submit(server, tenant, members.to_vec()).await;
    eventually(PATIENCE, "three are done and three are under way", async || {
        let now = view(server, tenant, link(&batch, "@id")).await;
        let asked = names[3..].iter().all(|name| origin.hits(name) == 1);
        (counts(&now) == [6, 3, 0] && asked).then_some(())
    })
    .await;
    batch
}

/// Everything is there and counted once.
async fn whole(server: &TestServer, tenant: &Tenant, origin: &Origin, space: i64, batch: &Value) {
    let done = finished(server, tenant, batch).await;
    assert_eq!(counts(&done), [6, 6, 0]);
    let queue = view(server, tenant, "/queue").await;
    assert_eq!((&queue["size"], &queue["batchesWaiting"]), (&json!(0), &json!(0)));
    let storage = view(server, tenant, "/storage").await;
    let names = ["a.jpg", "b.jpg", "c.jpg", "x.jpg", "y.jpg", "z.jpg"];
    assert_eq!(storage["numberOfStoredImages"], 6);
    assert_eq!(storage["totalSizeOfStoredImages"], names.iter().map(|name| origin.size(name)).sum::<usize>());
    for name in names {
        check_sizes(server, &image(server, tenant, space, name).await).await;
    }
    for name in &names[..3] {
        assert_eq!(origin.hits(name), 1, "{name} was done before and isn't fetched again");
    }
    assert_eq!(stored(server), 6 * 4, "three thumbnails each");
    let test = tenant.request(server, "POST", link(batch, "test")).send().await.expect(200).json();
    assert_eq!(test["success"], false, "there is nothing to correct");
}

contract_test!(a_crash_in_the_middle_loses_nothing_and_counts_nothing_twice, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let batch = half_done(server, &tenant, &origin, space).await;
    server.kill().await;
    ["x.jpg", "y.jpg", "z.jpg"].iter().for_each(|name| origin.release(name));
    let [dead] = &scratch(server)[..] else { panic!("one process, one directory: {:?}", scratch(server)) };
    std::fs::write(dead.join("half"), "of a file").expect("a file");
    server.restart().await;
    let [own] = &scratch(server)[..] else { panic!("what was left is cleared: {:?}", scratch(server)) };
    assert_ne!(own, dead);
    whole(server, &tenant, &origin, space, &batch).await;
});

/// The directories that processes work in.
fn scratch(server: &TestServer) -> Vec<PathBuf> {
    let all = std::fs::read_dir(server.data().join("scratch")).expect("a place to work in");
    all.map(|entry| entry.expect("a directory").path()).collect()
}

contract_test!(a_stop_waits_for_no_slow_origin, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let batch = half_done(server, &tenant, &origin, space).await;
    // Nobody lets the origin go on: it ends in its own time.
    assert!(server.stop().await, "it ends well");
    assert_eq!(scratch(server), Vec::<PathBuf>::new());
    ["x.jpg", "y.jpg", "z.jpg"].iter().for_each(|name| origin.release(name));
    server.restart_with(|options| options.workers = 0).await;
    let held = image(server, &tenant, space, "x.jpg").await;
    assert_eq!((&held["ingesting"], held.get("dequeued")), (&json!(true), None), "it is on the queue again");
    server.restart_with(|options| options.workers = 1).await;
    whole(server, &tenant, &origin, space, &batch).await;
});

contract_test!(a_stop_answers_whoever_waits_for_a_slow_origin, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/a");
    let body = json!({ "origin": origin.picture("a.jpg", 300, 200) });
    origin.hold("a.jpg");
    let put = tokio::spawn(tenant.request(server, "PUT", &path).json(&body).send());
    eventually(PATIENCE, "it is under way", async || (origin.hits("a.jpg") == 1).then_some(())).await;
    assert!(server.stop().await, "it ends well");
    let answer = put.await.unwrap().expect(201);
    assert_eq!(answer.json()["ingesting"], true, "{answer}");
});

contract_test!(a_stop_in_the_middle_finishes_what_is_under_way, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let batch = half_done(server, &tenant, &origin, space).await;
    let address = server.direct();
    let (stopped, ()) = futures::join!(server.stop(), async {
        // The server takes no more requests, but still waits for its origins.
        eventually(PATIENCE, "nobody listens", async || {
            tokio::net::TcpStream::connect(address).await.is_err().then_some(())
        })
        .await;
        ["x.jpg", "y.jpg", "z.jpg"].iter().for_each(|name| origin.release(name));
    });
    assert!(stopped, "it ends well");
    server.restart_with(|options| options.workers = 0).await;
    assert_eq!(counts(&view(server, &tenant, link(&batch, "@id")).await), [6, 6, 0]);
    whole(server, &tenant, &origin, space, &batch).await;
});

contract_test!(an_ingest_that_is_overtaken_writes_nothing, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/a");
    let old = json!({ "origin": origin.picture("old.jpg", 300, 200) });
    origin.hold("old.jpg");
    let put = tokio::spawn(tenant.request(server, "PUT", &path).json(&old).send());
    eventually(PATIENCE, "the first is under way", async || (origin.hits("old.jpg") == 1).then_some(())).await;
    let new = json!({ "id": "a", "space": space, "origin": origin.picture("new.png", 120, 160) });
    let batch = submit(server, &tenant, vec![new]).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [1, 1, 0]);
    origin.release("old.jpg");
    let answer = put.await.unwrap();
    assert_eq!(answer.json()["width"], 120, "{answer}");
    let shown = image(server, &tenant, space, "a").await;
    assert_eq!((&shown["width"], &shown["origin"]), (&json!(120), &json!(origin.url("new.png"))));
    assert_eq!(check_sizes(server, &shown).await, [(75, 100), (120, 160)]);
    assert_eq!(view(server, &tenant, "/storage").await["totalSizeOfStoredImages"], origin.size("new.png"));
    assert_eq!(stored(server), 3);

    // One that is overtaken by another PUT is answered when that has ended too.
    let path_b = format!("/spaces/{space}/images/b");
    origin.hold("old.jpg");
    let put = tokio::spawn(tenant.request(server, "PUT", &path_b).json(&old).send());
    eventually(PATIENCE, "the first is under way", async || (origin.hits("old.jpg") == 2).then_some(())).await;
    let newer = json!({ "origin": origin.picture("newer.jpg", 80, 60) });
    origin.hold("newer.jpg");
    let second = tokio::spawn(tenant.request(server, "PUT", &path_b).json(&newer).send());
    eventually(PATIENCE, "so is the second", async || (origin.hits("newer.jpg") == 1).then_some(())).await;
    origin.release("old.jpg");
    // Time enough for the first to end.
    let other = json!({ "origin": origin.url("new.png") });
    tenant.request(server, "PUT", &format!("/spaces/{space}/images/c")).json(&other).send().await.expect(201);
    origin.release("newer.jpg");
    for answer in [put.await.unwrap(), second.await.unwrap()] {
        let shown = answer.json();
        assert_eq!((&shown["width"], &shown["ingesting"]), (&json!(80), &json!(false)), "{shown}");
    }
    for id in ["b", "c"] {
        tenant.request(server, "DELETE", &format!("/spaces/{space}/images/{id}")).send().await.expect(205);
    }

    // Deleted under way: it stays deleted, and nothing of it is kept.
    origin.hold("old.jpg");
    let put = tokio::spawn(tenant.request(server, "PUT", &path).json(&old).send());
    eventually(PATIENCE, "it is under way again", async || (origin.hits("old.jpg") == 3).then_some(())).await;
    tenant.request(server, "DELETE", &path).send().await.expect(205);
    origin.release("old.jpg");
    put.await.unwrap().expect_problem(404, "");
    tenant.request(server, "GET", &path).send().await.expect(404);
    let storage = view(server, &tenant, "/storage").await;
    assert_eq!((&storage["numberOfStoredImages"], &storage["totalSizeOfStoredImages"]), (&json!(0), &json!(0)));
    assert_eq!(view(server, &tenant, "/queue").await["size"], 0);
    assert_eq!(stored(server), 0);
});

contract_test!(a_healthy_image_outlives_a_server_that_is_killed_again_and_again, only sqlite, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = json!({ "id": "a", "space": space, "origin": origin.picture("a.jpg", 60, 40) });
    origin.hold("a.jpg");
    let batch = submit(server, &tenant, vec![member]).await;
    for kill in 1..=7 {
        eventually(PATIENCE, "it is under way", async || (origin.hits("a.jpg") == kill).then_some(())).await;
        server.restart().await;
    }
    origin.release("a.jpg");
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [1, 1, 0]);
    assert_eq!(image(server, &tenant, space, "a").await["error"], "");
});

/// A server or worker on a database that several share.
fn shared(command: &str, database: &FreshDatabase, data: &std::path::Path, workers: usize) -> tokio::process::Command {
    let mut process = tokio::process::Command::new(process::binary().expect("the server can be built"));
    process.arg(command).args(["--database", &database.url, "--origin-allow", "127.0.0.0/8", "--data"]).arg(data);
    process.args(["--workers", &workers.to_string()]).kill_on_drop(true);
    process
}

#[test]
fn servers_and_workers_share_a_queue() {
    let options = Options { backend: Backend::Postgres, workers: 0, ..Options::default() };
    run(options, async |server: &mut TestServer| {
        let origin = Origin::start().await;
        let database = FreshDatabase::create().await.unwrap();
        let log = Arc::<Mutex<String>>::default();
        let key = ["--admin-key", "0e0c5e31-6ee2-4b2a-8f4c-1c8f1f5a1f10", "--admin-secret", "shared-by-the-tests"];
        let credentials = contract_tests::Credentials::new(key[1], key[3]);
        let mut servers = Vec::new();
        for workers in [0, 1] {
            let mut command = shared("serve", &database, server.data(), workers);
            command.args(["--listen", "127.0.0.1:0"]).args(key);
            servers.push(process::start(&mut command, log.clone()).await.unwrap());
        }
        let mut worker = shared("worker", &database, server.data(), 1).stdout(Stdio::null()).spawn().unwrap();
        let ask = async |server: usize, method: Method, path: &str, body: Option<Value>| {
            let request = RawRequest::new(servers[server].1, method, path).auth(&credentials);
            let request = match body {
                Some(body) => request.json(&body),
                None => request,
            };
            let answer = request.send().await;
            assert!(answer.status < 300, "{answer}");
            answer.json()
        };
        let space = ask(0, Method::POST, "/customers/1/spaces", Some(json!({ "name": "plans" }))).await["id"].clone();
        let names: Vec<String> = (0..20).map(|i| format!("p{i:02}.jpg")).collect();
        for name in &names {
            origin.picture(name, 200, 150);
            origin.hold(name);
        }
        let members: Vec<Value> =
            names.iter().map(|name| json!({ "id": name, "space": space, "origin": origin.url(name) })).collect();
        let batch = ask(0, Method::POST, "/customers/1/queue", Some(json!({ "member": members }))).await;
        let number = link(&batch, "@id").rsplit('/').next().unwrap().to_owned();
        // One worker has four fetches under way at most: eight means that both took part.
        let asked = || names.iter().map(|name| origin.hits(name)).sum::<usize>();
        eventually(PATIENCE, "both have taken their share", async || (asked() >= 8).then_some(())).await;
        assert_eq!(asked(), 8);
        names.iter().for_each(|name| origin.release(name));
        let path = format!("/customers/1/queue/batches/{number}");
        let done = eventually(PATIENCE, "the batch has finished", async || {
            let now = ask(1, Method::GET, &path, None).await;
            now.get("finished").is_some().then_some(now)
        })
        .await;
        assert_eq!(counts(&done), [20, 20, 0]);
        assert!(names.iter().all(|name| origin.hits(name) == 1), "nobody did the work of another");
        let storage = ask(0, Method::GET, "/customers/1/storage", None).await;
        assert_eq!(storage["totalSizeOfStoredImages"], names.iter().map(|name| origin.size(name)).sum::<usize>());
        assert_eq!(ask(1, Method::GET, "/customers/1/queue", None).await["size"], 0);
        worker.kill().await.unwrap();
        for (mut process, _) in servers {
            process.kill().await.unwrap();
        }
        database.remove().await.unwrap();
    });
}
