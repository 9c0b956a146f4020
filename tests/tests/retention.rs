//! What becomes of a deleted customer: it stays on disk until the retention time is over, then nothing is left.

use std::collections::BTreeMap;
use std::path::PathBuf;

use contract_tests::{Options, Origin, S3, TestServer, contract_test, eventually, files};
use serde_json::json;

use crate::fastly::{Account, account};
use crate::registered::{PATIENCE, finished, space, submit};

fn retention(time: &str) -> Vec<String> {
    vec!["--retention".to_owned(), time.to_owned()]
}

/// The stored files of a customer and their contents.
fn stored_files(server: &TestServer, customer: u64) -> BTreeMap<PathBuf, Vec<u8>> {
    let found = files(&server.data().join(format!("objects/c{customer}")));
    found.into_iter().map(|file| (file.clone(), std::fs::read(file).unwrap_or_default())).collect()
}

/// A customer that owns something of every kind, and one image with its pixels.
async fn rich(server: &TestServer, origin: &Origin, name: &str) -> Account {
    let own = account(server, name).await;
    let email = format!("keeper@{name}.example");
    own.user(server, &email).await;
    let plans = space(server, &own.tenant, "plans").await;
    let member = json!({ "id": "a", "space": plans, "origin": origin.picture("a.jpg", 400, 300) });
    let batch = submit(server, &own.tenant, vec![member]).await;
    finished(server, &own.tenant, &batch).await;
    let rule = json!({ "regex": "^https://archive", "strategy": "basic-http-authentication",
        "credentials": { "user": "a", "password": "b" } });
    for (path, body) in [
        ("/namedQueries", json!({ "name": "all", "template": "space=p1" })),
        ("/originStrategies", rule),
        ("/roles", json!({ "name": "Reader" })),
        ("/keys", json!({})),
    ] {
        let post = own.tenant.request(server, "POST", path).header("idempotency-key", path).json(&body);
        post.send().await.expect(201);
    }
    own
}

/// Whether a customer may have this name; it has it then.
async fn is_free(server: &TestServer, name: &str) -> bool {
    let body = json!({ "name": name, "displayName": name });
    let answer = server.post("/customers").auth(&server.admin()).json(&body).send().await;
    if answer.status == 201 {
        return true;
    }
    answer.expect_problem(400, "/conflict");
    false
}

async fn freed(server: &TestServer, name: &str) {
    eventually(PATIENCE, "the name is free", async || is_free(server, name).await.then_some(())).await;
}

contract_test!(a_deleted_customer_is_on_disk_until_its_time_is_over, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let own = rich(server, &origin, "harbour").await;
    let other = rich(server, &origin, "quay").await;
    let stored = async |server: &TestServer, own: &Account| {
        let mut rows = server.rows_of(own.tenant.id).await;
        // The deletion ends the keys, and is itself an entry of the audit.
        rows.remove("keys");
        rows.remove("audit");
        (rows, stored_files(server, own.tenant.id))
    };
    let (before, others) = (stored(server, &own).await, stored(server, &other).await);
    assert!(before.0.len() == 12 && before.1.len() >= 2, "{before:?}");
    own.request(server, "DELETE", &own.path).send().await.expect(200);

    let user = json!({ "email": "Keeper@harbour.example", "password": "tide-table-of-1851" });
    let invite =
        async |server: &TestServer| other.tenant.request(server, "POST", "/portalUsers").json(&user).send().await;
    for arguments in [vec![], retention("never"), retention("1h")] {
        server.restart_with(|options| options.arguments = arguments).await;
        assert!(!is_free(server, "harbour").await);
        invite(server).await.expect_problem(400, "/conflict");
        assert_eq!(stored(server, &own).await, before);
    }

    server.restart_with(|options| options.arguments = retention("0")).await;
    freed(server, "harbour").await;
    assert_eq!(server.rows_of(own.tenant.id).await, BTreeMap::new());
    assert_eq!(stored_files(server, own.tenant.id), BTreeMap::new());
    // Nothing of anybody else was touched.
    assert_eq!(stored(server, &other).await, others);
    let pixels = format!("/thumbs/{}/1/a/info.json", other.tenant.id);
    server.get(&pixels).send().await.expect(200);
    invite(server).await.expect(201);
});

contract_test!(files_in_s3_are_destroyed_too, only sqlite, async |server: &mut TestServer| {
    let s3 = S3::start().await;
    s3.put("own", "elsewhere/c2/s1/a/g1/original", b"a");
    let objects = vec!["--objects".to_owned(), "s3://own/prefix".to_owned()];
    server
        .restart_with(|options| {
            options.environment = s3.environment();
            // The database has known other objects.
            options.arguments = [objects.clone(), vec!["--adopt".to_owned()]].concat();
        })
        .await;
    let origin = Origin::start().await;
    let own = rich(server, &origin, "harbour").await;
    let other = rich(server, &origin, "quay").await;
    let (root, kept) = (format!("prefix/c{}/", own.tenant.id), format!("prefix/c{}/", other.tenant.id));
    own.request(server, "DELETE", &own.path).send().await.expect(200);
    server.restart().await;
    let (before, others) = (s3.keys("own", &root), s3.keys("own", &kept));
    assert!(before.len() >= 2 && before.len() == others.len(), "{before:?} {others:?}");
    server.restart_with(|options| options.arguments = [objects.clone(), retention("0")].concat()).await;
    freed(server, "harbour").await;
    assert_eq!(s3.keys("own", &root), Vec::<String>::new());
    assert_eq!(s3.keys("own", &kept), others);
    assert_eq!(s3.keys("own", "elsewhere/").len(), 1);
});

contract_test!(
    a_purge_survives_the_death_of_the_server,
    options = Options { workers: 0, arguments: retention("0s"), ..Options::default() },
    async |server: &mut TestServer| {
        let (own, other) = (account(server, "harbour").await, account(server, "quay").await);
        for (own, batches) in [(&own, 8), (&other, 1)] {
            let plans = space(server, &own.tenant, "plans").await;
            for batch in 0..batches {
                let member =
                    |n| json!({ "id": format!("{batch}-{n}"), "space": plans, "origin": "http://127.0.0.1:1/a" });
                submit(server, &own.tenant, (0..250).map(member).collect()).await;
            }
        }
        let others = server.rows_of(other.tenant.id).await;
        assert_eq!((others["images"], others["batch_members"]), (250, 250));
        own.request(server, "DELETE", &own.path).send().await.expect(200);
        let mut left = 2000 + 2000;
        while left > 0 {
            let count = eventually(PATIENCE, "the purge goes on", async || {
                let rows = server.rows_of(own.tenant.id).await;
                let count = rows.get("images").unwrap_or(&0) + rows.get("batch_members").unwrap_or(&0);
                (count < left).then_some(count)
            });
            left = count.await;
            server.restart().await;
        }
        freed(server, "harbour").await;
        assert_eq!(server.rows_of(own.tenant.id).await, BTreeMap::new());
        assert_eq!(server.rows_of(other.tenant.id).await, others);
    }
);

contract_test!(
    what_a_worker_holds_is_waited_for,
    options = Options { arguments: retention("0s"), ..Options::default() },
    async |server: &mut TestServer| {
        let origin = Origin::start().await;
        let own = account(server, "harbour").await;
        let plans = space(server, &own.tenant, "plans").await;
        let member = |id: &str| json!({ "id": id, "space": plans, "origin": origin.picture(id, 400, 300) });
        let quick = submit(server, &own.tenant, vec![member("quick.jpg")]).await;
        finished(server, &own.tenant, &quick).await;
        origin.hold("slow.jpg");
        submit(server, &own.tenant, vec![member("slow.jpg")]).await;
        eventually(PATIENCE, "a worker has it", async || (origin.hits("slow.jpg") > 0).then_some(())).await;
        own.request(server, "DELETE", &own.path).send().await.expect(200);
        eventually(PATIENCE, "the other image goes", async || {
            (server.rows_of(own.tenant.id).await.get("images") == Some(&1)).then_some(())
        })
        .await;
        assert!(!is_free(server, "harbour").await);
        origin.release("slow.jpg");
        freed(server, "harbour").await;
        assert_eq!(server.rows_of(own.tenant.id).await, BTreeMap::new());
        assert_eq!(stored_files(server, own.tenant.id), BTreeMap::new());
    }
);

contract_test!(nothing_more_is_fetched_for_a_deleted_customer, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let own = account(server, "harbour").await;
    let plans = space(server, &own.tenant, "plans").await;
    // More than one worker takes at once.
    let names: Vec<String> = (0..30).map(|n| format!("{n}.jpg")).collect();
    names.iter().for_each(|name| origin.hold(name));
    let member = |id: &String| json!({ "id": id, "space": plans, "origin": origin.picture(id, 40, 30) });
    submit(server, &own.tenant, names.iter().map(member).collect()).await;
    let fetched = || names.iter().filter(|name| origin.hits(name) > 0).count();
    eventually(PATIENCE, "a worker has begun", async || (fetched() > 0).then_some(())).await;
    own.request(server, "DELETE", &own.path).send().await.expect(200);
    names.iter().for_each(|name| origin.release(name));
    eventually(PATIENCE, "the queue is empty", async || {
        let queue = server.get("/queue").auth(&server.admin()).send().await.expect(200).json();
        (queue["incoming"] == 0).then_some(())
    })
    .await;
    assert!(fetched() < names.len(), "{}", fetched());
});
