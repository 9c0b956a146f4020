//! Keys that were made for portal users, on both interfaces.

use contract_tests::{Answer, Credentials, TestServer, contract_test};
use serde_json::{Value, json};

use crate::fastly::{Account, JSON, account, fails};
use crate::registered::{link, pointers};

/// A portal user, as a customer sees it.
async fn person(server: &TestServer, own: &Account, email: &str) -> Value {
    let body = json!({ "email": email, "password": "tide-table-of-1851" });
    own.tenant.request(server, "POST", "/portalUsers").json(&body).send().await.expect(201).json()
}

async fn make(server: &TestServer, own: &Account, body: &Value) -> Answer {
    own.tenant.request(server, "POST", "/keys").json(body).send().await
}

/// A key made for a portal user.
async fn key_of(server: &TestServer, own: &Account, user: &Value) -> Value {
    make(server, own, &json!({ "portalUser": user["@id"] })).await.expect(201).json()
}

fn credentials(key: &Value) -> Credentials {
    Credentials::new(link(key, "key"), link(key, "secret"))
}

/// What `/current_user` answers to a key.
async fn current(server: &TestServer, key: &Value) -> Answer {
    server.get("/current_user").header("fastly-key", link(key, "token")).send().await
}

/// How many keys a customer has by its count, which must be that of the list.
async fn keys(server: &TestServer, own: &Account) -> i64 {
    let request = server.get(&own.tenant.path("/keys")).auth(&server.admin());
    let list = request.send().await.expect(200).json();
    assert_eq!(list["totalItems"], list["member"].as_array().unwrap().len(), "{list}");
    list["totalItems"].as_i64().unwrap()
}

contract_test!(a_key_stands_for_the_portal_user_it_was_made_for, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let owner = person(server, &own, "owner@harbour.example").await;
    let reader = person(server, &own, "reader@harbour.example").await;
    let uri = link(&reader, "@id");
    let path = uri.strip_prefix(&server.base_url()).unwrap();
    let id = uri.rsplit('/').next().unwrap();
    let mut last = Value::Null;
    for reference in [json!(uri), json!(path), json!(id), json!({ "@id": uri })] {
        let key = make(server, &own, &json!({ "portalUser": reference })).await.expect(201).json();
        assert_eq!(key["portalUser"], uri, "{reference}");
        last = key;
    }
    let shown = own.tenant.request(server, "GET", link(&last, "@id")).send().await.expect(200).json();
    assert_eq!(shown["portalUser"], uri);
    own.tenant.request(server, "GET", link(&shown, "portalUser")).send().await.expect(200);
    let list = own.tenant.request(server, "GET", "/keys").send().await.expect(200).json();
    let of_users = list["member"].as_array().unwrap().iter().filter(|key| key["portalUser"] == uri).count();
    assert_eq!((list["totalItems"].as_i64(), of_users), (Some(5), 4));

    let users = own.get(server, &format!("{}/users", own.path)).await.expect(200).json();
    let login = |email: &str| users.as_array().unwrap().iter().find(|user| user["login"] == email).unwrap();
    assert_eq!(current(server, &last).await.expect(200).json(), *login("reader@harbour.example"));
    let basic = server.get("/current_user").auth(&credentials(&last)).send().await.expect(200).json();
    assert_eq!(basic["login"], "reader@harbour.example");
    assert_eq!(own.get(server, "/current_user").await.expect(200).json(), *login("owner@harbour.example"));
    let for_owner = key_of(server, &own, &owner).await;
    assert_eq!(current(server, &for_owner).await.expect(200).json()["login"], "owner@harbour.example");

    // It opens what every key of the customer opens, and the audit tells whose it was.
    let token = link(&last, "token");
    let customer = server.get("/current_customer").header("fastly-key", token).send().await.expect(200).json();
    assert_eq!(customer["id"], own.id);
    let renamed = server.put(&own.path).header("fastly-key", token).header("content-type", JSON);
    renamed.body(r#"{"phone_number":"1"}"#).send().await.expect(200);
    let audit = own.tenant.request(server, "GET", "/audit").send().await.expect(200).json();
    let newest = &audit["member"][0];
    assert_eq!((&newest["operation"], &newest["key"]), (&json!("account_update"), &last["key"]));
    assert_eq!((newest["portalUser"].as_str(), audit["member"][1].get("portalUser")), (Some(id), None));
});

contract_test!(no_body_makes_a_key_of_the_owner, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let post = || own.tenant.request(server, "POST", "/keys");
    let requests = [
        post(),
        post().header("content-type", JSON),
        post().header("content-type", "text/plain"),
        post().header("content-type", JSON).body(" \n"),
        post().json(&json!({})),
        post().json(&json!({ "portalUser": null, "unknown": 1 })),
    ];
    for request in requests {
        let key = request.send().await.expect(201).json();
        assert_eq!(key.get("portalUser"), None);
        assert_eq!(current(server, &key).await.expect(200).json()["role"], "superuser");
    }
    let other = account(server, "quay").await;
    let foreign = person(server, &other, "reader@quay.example").await;
    for reference in [
        json!("nobody"),
        json!(own.tenant.path("/portalUsers/nobody")),
        foreign["@id"].clone(),
        json!("https://example.org/customers/1/portalUsers/a"),
        json!(""),
        json!("."),
        json!(7),
        json!([]),
        json!({ "@id": 7 }),
        json!({}),
    ] {
        let refused = make(server, &own, &json!({ "portalUser": reference })).await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&refused), ["/portalUser"], "{reference}");
    }
    for bad in ["[", "[]", "7", "\"a\"", "null", "{\"portalUser\": \"a\" \"b\"}"] {
        post().header("content-type", JSON).body(bad).send().await.expect_problem(400, "/invalid");
    }
    let chosen = make(server, &own, &json!({ "key": "mine" })).await.expect_problem(400, "/invalid");
    assert_eq!(pointers(&chosen), ["/key"]);
    post().header("content-type", "text/plain").body("a").send().await.expect_problem(415, "/media-type");
    assert_eq!(keys(server, &own).await, 7);

    let body = json!({ "portalUser": person(server, &own, "reader@harbour.example").await["@id"] });
    let once = || post().header("idempotency-key", "once").json(&body).send();
    let first = once().await.expect(201).json();
    assert_eq!(once().await.expect(201).json(), first);
    post().header("idempotency-key", "once").send().await.expect(422);
    assert_eq!(keys(server, &own).await, 8);
});

contract_test!(a_key_ends_with_its_portal_user, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let owner = person(server, &own, "owner@harbour.example").await;
    let reader = person(server, &own, "reader@harbour.example").await;
    let (of_owner, key) = (key_of(server, &own, &owner).await, key_of(server, &own, &reader).await);
    let ends = async |server: &TestServer| {
        fails(current(server, &key).await, 401);
        server.get(&own.tenant.path("")).auth(&credentials(&key)).send().await.expect_problem(401, "/unauthorized");
    };
    let patch = |body: Value| own.tenant.request(server, "PATCH", link(&reader, "@id")).json(&body).send();
    patch(json!({ "enabled": false })).await.expect(205);
    ends(server).await;
    patch(json!({ "enabled": true, "locked": true })).await.expect(205);
    ends(server).await;
    // Others are not concerned, and the key itself is still there.
    current(server, &of_owner).await.expect(200);
    assert_eq!(keys(server, &own).await, 3);
    patch(json!({ "locked": false })).await.expect(205);
    current(server, &key).await.expect(200);

    own.tenant.request(server, "DELETE", link(&reader, "@id")).send().await.expect(205);
    ends(server).await;
    assert_eq!(keys(server, &own).await, 2);
    own.tenant.request(server, "GET", link(&key, "@id")).send().await.expect_problem(404, "/not-found");
    // Whoever comes under the same id is somebody else.
    let again = json!({ "email": "reader@harbour.example", "password": "tide-table-of-1851" });
    own.tenant.request(server, "PUT", link(&reader, "@id")).json(&again).send().await.expect(201);
    ends(server).await;
    let late = json!({ "portalUser": "deleted" });
    make(server, &own, &late).await.expect_problem(400, "/invalid");

    own.request(server, "DELETE", &own.path).send().await.expect(200);
    fails(current(server, &of_owner).await, 401);
});

contract_test!(a_key_of_the_owner_stays, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let reader = person(server, &own, "reader@harbour.example").await;
    let key = key_of(server, &own, &reader).await;
    let first = own.tenant.path(&format!("/keys/{}", own.tenant.credentials.key));
    let refused = own.tenant.request(server, "DELETE", &first).send().await.expect_problem(400, "/invalid");
    assert!(link(&refused, "detail").contains("made for no portal user"), "{refused}");
    // That of a user may go, by its own hand too.
    server.delete(link(&key, "@id")).auth(&credentials(&key)).send().await.expect(205);
    assert_eq!(keys(server, &own).await, 1);

    // Where the administrator made none but that of a user, it goes with the user.
    let body = json!({ "name": "quay", "displayName": "quay" });
    let quay = server.post("/customers").auth(&server.admin()).json(&body).send().await.expect(201).json();
    let path = |rest: &str| format!("{}{rest}", link(&quay, "@id"));
    let post = async |rest: &str, body: Value| {
        server.post(&path(rest)).auth(&server.admin()).json(&body).send().await.expect(201).json()
    };
    let user = post("/portalUsers", json!({ "email": "a@quay.example", "password": "b" })).await;
    let only = post("/keys", json!({ "portalUser": user["@id"] })).await;
    let refused = server.delete(link(&only, "@id")).auth(&server.admin()).send().await.expect_problem(400, "/invalid");
    assert!(link(&refused, "detail").contains("last key of the customer:"), "{refused}");
    server.delete(link(&user, "@id")).auth(&server.admin()).send().await.expect(205);
    let left = server.get(&path("/keys")).auth(&server.admin()).send().await.expect(200).json();
    assert_eq!((&left["totalItems"], &left["member"]), (&json!(0), &json!([])));
    post("/keys", json!({})).await;
});

contract_test!(no_key_outlives_a_user_who_goes_meanwhile, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    for n in 0..5 {
        let user = person(server, &own, &format!("reader-{n}@harbour.example")).await;
        let body = json!({ "portalUser": user["@id"] });
        let made = futures::future::join_all((0..4).map(|_| make(server, &own, &body)));
        let gone = own.tenant.request(server, "DELETE", link(&user, "@id")).send();
        let (made, gone) = futures::future::join(made, gone).await;
        gone.expect(205);
        for answer in made {
            if answer.status == 201 {
                fails(current(server, &answer.json()).await, 401);
            } else {
                answer.expect_problem(400, "/invalid");
            }
        }
        assert_eq!(keys(server, &own).await, 1);
    }
});
