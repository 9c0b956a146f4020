//! Requests of one customer that come at the same time: none waits for another for ever, each sees what the one
//! before it did.

use contract_tests::{Origin, TestServer, contract_test};
use futures::future::{join, join_all};
use serde_json::{Value, json};

use crate::registered::{counts, finished, space, submit};

contract_test!(spaces_change_while_images_are_ingested, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let member = |i: usize| json!({ "id": format!("i{i}"), "space": space, "origin": origin.picture(&format!("{i}.jpg"), 30, 20) });
    let batch = submit(server, &tenant, (0..40).map(member).collect()).await;
    let path = format!("/spaces/{space}");
    let changes = join_all((0..4).map(async |writer| {
        for round in 0..10 {
            let body = json!({ "defaultTags": [format!("{writer}-{round}")] });
            tenant.request(server, "PATCH", &path).json(&body).send().await.expect(205);
        }
    }));
    let (batch, _) = join(finished(server, &tenant, &batch), changes).await;
    assert_eq!(counts(&batch), [40, 40, 0]);
});

/// What a PUT can create, by path.
fn things() -> [(&'static str, Value); 6] {
    [
        ("/spaces/7", json!({ "name": "plans" })),
        ("/namedQueries/ledger", json!({ "name": "ledger", "template": "s1=p1" })),
        ("/originStrategies/masters", json!({ "regex": "masters", "strategy": "s3-ambient" })),
        ("/authServices/terms", json!({ "name": "terms" })),
        ("/roles/reader", json!({ "name": "reader" })),
        ("/portalUsers/reader", json!({ "email": "reader@harbour.example", "password": "open:sesame" })),
    ]
}

contract_test!(of_many_puts_of_one_path_one_creates, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for (path, body) in things() {
        let puts = (0..8).map(|_| tenant.request(server, "PUT", path).json(&body).send());
        let mut statuses: Vec<u16> = join_all(puts).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201], "{path}");
    }
});

contract_test!(what_must_not_exist_yet_is_created_once_and_left_alone, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for (path, body) in things() {
        let put = || tenant.request(server, "PUT", path).header("if-none-match", "*").json(&body).send();
        let mut statuses: Vec<u16> = join_all((0..8).map(|_| put())).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 412, 412, 412, 412, 412, 412, 412], "{path}");
        put().await.expect_problem(412, "/precondition-failed");
    }
});

contract_test!(global_queries_change_under_any_path_at_the_same_time, async |server: &mut TestServer| {
    let (harbour, quay) = (server.new_customer("harbour").await, server.new_customer("quay").await);
    for (tenant, name) in [(&harbour, "atlas"), (&quay, "ledger")] {
        let body = json!({ "name": name, "global": true, "template": "s1=p1" });
        server.post(&tenant.path("/namedQueries")).auth(&server.admin()).json(&body).send().await.expect(201);
    }
    let paths = [harbour.path("/namedQueries/ledger"), quay.path("/namedQueries/atlas")];
    let changes = (0..40).map(async |i| {
        let body = json!({ "template": format!("s1=p1&n1={i}") });
        server.patch(&paths[i % 2]).auth(&server.admin()).json(&body).send().await.expect(205);
    });
    join_all(changes).await;
});
