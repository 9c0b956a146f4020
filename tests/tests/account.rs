//! The account operations, as Fastly's clients use them.

use std::collections::BTreeMap;

use contract_tests::{Answer, FreshDatabase, Options, Origin, Profile, TestServer, contract_test};
use serde_json::{Value, json};

use crate::fastly::{JSON, account, fails};
use crate::registered::pointers;

contract_test!(the_account_the_users_and_the_user_are_shown, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let answer = own.get(server, &own.path).await.expect(200);
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.must_header("cache-control"), "no-store");
    assert_eq!(answer.header("fastly-ratelimit-remaining"), None, "reads are not counted");
    let shown = answer.json();
    assert_eq!(shown.as_object().unwrap().len(), 28);
    assert_eq!((&shown["id"], &shown["name"]), (&json!(own.id), &json!("harbour")));
    assert!(own.id.len() == 22 && own.id.bytes().all(|b| b.is_ascii_alphanumeric()), "{}", own.id);
    assert_eq!(shown["ip_whitelist"], "0.0.0.0/0");
    for time in ["created_at", "updated_at"] {
        let text = shown[time].as_str().unwrap();
        assert!(text.len() == 20 && text.ends_with('Z'), "{time}: {text}");
    }
    let null: Vec<&String> = shown.as_object().unwrap().iter().filter(|(_, v)| v.is_null()).map(|(n, _)| n).collect();
    assert_eq!(null.len(), 8, "{null:?}");

    // The other ways to ask the same.
    assert_eq!(own.shown(server).await, shown);
    let basic = server.get(&own.path).auth(&own.tenant.credentials).send().await.expect(200);
    assert_eq!(basic.json(), shown);
    let odd = own.request(server, "GET", &format!("{}?_=1732000000000&x", own.path)).header("content-type", JSON);
    assert_eq!(odd.header("accept", "*/*").send().await.expect(200).json(), shown);
    own.request(server, "HEAD", &own.path).send().await.expect(200);

    let users = own.get(server, &format!("{}/users", own.path)).await.expect(200);
    assert_eq!(users.must_header("cache-control"), "no-store");
    let user = own.get(server, "/current_user").await.expect(200).json();
    assert_eq!(users.json(), json!([user]));
    assert_eq!((&user["id"], &user["customer_id"]), (&shown["owner_id"], &shown["id"]));
    assert_eq!((&user["role"], &user["login"]), (&json!("superuser"), &json!("owner@harbour.invalid")));
    server.restart().await;
    assert_eq!(own.shown(server).await, shown);
    assert_eq!(own.get(server, "/current_user").await.expect(200).json(), user);
});

contract_test!(nobody_else_gets_in, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let other = account(server, "quay").await;
    let users = format!("{}/users", own.path);
    let operations = [
        ("GET", own.path.as_str()),
        ("PUT", &own.path),
        ("DELETE", &own.path),
        ("GET", &users),
        ("GET", "/current_customer"),
        ("GET", "/current_user"),
    ];
    let secret = other.tenant.credentials.secret.as_str();
    let tokens = ["", ".", "nonsense", "a.b", &format!("{}.{secret}", own.tenant.credentials.key), &own.token[1..]];
    for (method, path) in operations {
        let answer = server.request(method, path).send().await;
        assert_eq!(fails(answer, 401)["msg"], "Provided credentials are missing or invalid");
        for token in tokens {
            let answer = server.request(method, path).header("fastly-key", token).body("{").send().await;
            assert_eq!(answer.header("fastly-ratelimit-remaining"), None);
            fails(answer, 401);
        }
        let query = format!("{path}?Fastly-Key={}", own.token);
        fails(server.request(method, &query).send().await, 401);
        if path.starts_with("/customer/") {
            // Bad bodies too: what is not one's own is not looked at.
            let answer =
                other.request(server, method, path).header("content-type", "text/plain").body("{").send().await;
            assert_eq!(answer.header("fastly-ratelimit-remaining").is_some(), method != "GET");
            let error = fails(answer, 404);
            assert_eq!(error["msg"], "Record not found");
            assert_eq!(error["detail"], format!("Cannot find customer '{}'", own.id));
            let administrator = server.request(method, path).auth(&server.admin()).send().await;
            fails(administrator, 404);
            for id in ["0000000000000000000000", "7", "%FF", "%2e%2e", &own.id.to_lowercase()] {
                let path = path.replace(&own.id, id);
                fails(own.request(server, method, &path).send().await, 404);
            }
        }
    }
    assert_eq!(own.shown(server).await["name"], "harbour");

    // A Fastly-Key opens nothing else, and a wrong one is not made good by a right password.
    own.request(server, "GET", &own.tenant.path("")).send().await.expect_problem(401, "/unauthorized");
    fails(server.get(&own.path).header("fastly-key", "a.b").auth(&own.tenant.credentials).send().await, 401);

    for path in ["/customer", "/customer/", "/customer//users", "/current_user/x", &format!("{users}/x")] {
        fails(own.get(server, path).await, 404);
        fails(server.get(path).send().await, 401);
    }
    fails(server.post(&own.path).send().await, 401);
    let wrong = own.request(server, "POST", &own.path).send().await;
    assert_eq!(wrong.must_header("allow"), "GET, PUT, DELETE, HEAD, OPTIONS");
    fails(wrong, 405);
    fails(own.request(server, "PUT", "/current_customer").send().await, 405);
    let preflight = server.request("OPTIONS", &own.path).send().await.expect(204);
    assert!(preflight.must_header("access-control-allow-headers").contains("Fastly-Key"));
});

contract_test!(users_are_portal_users, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let stand_in = own.shown(server).await["owner_id"].clone();
    let first = own.user(server, "first@harbour.example").await;
    let second = own.user(server, "Second@harbour.example").await;
    assert_eq!((&first["role"], &second["role"]), (&json!("superuser"), &json!("user")));
    assert_eq!((&first["name"], &first["locked"]), (&json!("first@harbour.example"), &Value::Null));
    let users = format!("{}/users", own.path);
    let listed = own.get(server, &users).await.expect(200).json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|u| u["id"].as_str().unwrap()).collect();
    assert!(ids.len() == 2 && ids.is_sorted(), "{ids:?}");
    assert_eq!(own.shown(server).await["owner_id"], first["id"]);
    assert_eq!(own.get(server, "/current_user").await.expect(200).json(), first);
    let chosen = own.json(server, &json!({ "owner_id": first["id"], "billing_contact_id": second["id"] })).await;
    assert_eq!(chosen.expect(200).json()["billing_contact_id"], second["id"]);
    fails(own.json(server, &json!({ "owner_id": stand_in })).await, 400);

    // What happens on the other side shows here.
    let portal = own.tenant.request(server, "GET", "/portalUsers").send().await.expect(200).json();
    let links: Vec<&str> = portal["member"].as_array().unwrap().iter().map(|u| u["@id"].as_str().unwrap()).collect();
    let change = json!({ "email": "captain@harbour.example", "enabled": false });
    own.tenant.request(server, "PATCH", links[0]).json(&change).send().await.expect(205);
    let captain = own.get(server, "/current_user").await.expect(200).json();
    assert_eq!((&captain["login"], &captain["locked"]), (&json!("captain@harbour.example"), &json!(true)));
    assert_eq!(captain["id"], first["id"]);
    own.tenant.request(server, "DELETE", links[0]).send().await.expect(205);
    let shown = own.shown(server).await;
    assert_eq!(shown["owner_id"], stand_in, "a customer always has an owner");
    let listed = own.get(server, &users).await.expect(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!own.get(server, &users).await.text().contains("password_hash"));
});

contract_test!(what_is_said_of_a_user_shows_on_both_sides, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let first = own.user(server, "first@harbour.example").await;
    let users = format!("{}/users", own.path);
    let body = json!({ "email": "second@harbour.example", "password": "a", "name": "Harbour Ops", "accountRole": "billing",
        "limitServices": true, "locked": true, "requireNewPassword": true, "twoFactorAuthEnabled": true,
        "twoFactorSetupRequired": true });
    let made = own.tenant.request(server, "POST", "/portalUsers").json(&body).send().await.expect(201).json();
    let second = async |server: &TestServer| {
        let listed = own.get(server, &users).await.expect(200).json();
        listed.as_array().unwrap().iter().find(|u| u["id"] != first["id"]).cloned().unwrap()
    };
    let told = |user: &Value| {
        [
            "name",
            "role",
            "limit_services",
            "locked",
            "require_new_password",
            "two_factor_auth_enabled",
            "two_factor_setup_required",
        ]
        .map(|member| user[member].clone())
    };
    let all = json!(["Harbour Ops", "billing", true, true, true, true, true]);
    assert_eq!(json!(told(&second(server).await)), all);

    // A client that knows nothing of it replaces the user without losing it.
    let link = made["@id"].as_str().unwrap();
    let plain = json!({ "email": "second@harbour.example" });
    let replaced = own.tenant.request(server, "PUT", link).json(&plain).send().await.expect(200).json();
    assert_eq!((&replaced["name"], &replaced["accountRole"]), (&json!("Harbour Ops"), &json!("billing")));
    assert_eq!(json!(told(&second(server).await)), all);
    for role in ["user", "tls_viewer", "tls_admin", "billing", "engineer", "superuser"] {
        let change = json!({ "accountRole": role });
        own.tenant.request(server, "PATCH", link).json(&change).send().await.expect(205);
        assert_eq!(second(server).await["role"], role);
    }
    let unset = json!({ "name": null, "limitServices": null, "locked": null, "requireNewPassword": null,
        "twoFactorAuthEnabled": null, "twoFactorSetupRequired": null });
    own.tenant.request(server, "PATCH", link).json(&unset).send().await.expect(205);
    let bare = json!(["second@harbour.example", "superuser", false, null, null, null, false]);
    assert_eq!(json!(told(&second(server).await)), bare);
    let shown = own.tenant.request(server, "GET", link).send().await.expect(200).json();
    assert_eq!((shown.get("name"), &shown["locked"]), (None, &json!(false)));

    // Every superuser may be the owner, as long as it is one.
    assert_eq!(own.shown(server).await["owner_id"], first["id"]);
    let id = second(server).await["id"].clone();
    assert_eq!(own.json(server, &json!({ "owner_id": id })).await.expect(200).json()["owner_id"], id);
    assert_eq!(own.get(server, "/current_user").await.expect(200).json()["id"], id);
    let change = json!({ "accountRole": null });
    own.tenant.request(server, "PATCH", link).json(&change).send().await.expect(205);
    assert_eq!(second(server).await["role"], "user");
    assert_eq!(own.shown(server).await["owner_id"], first["id"]);
    fails(own.json(server, &json!({ "owner_id": id })).await, 400);

    for (member, value) in [
        ("name", json!("x".repeat(501))),
        ("name", json!(7)),
        ("accountRole", json!("king")),
        ("limitServices", json!("yes")),
        ("locked", json!(1)),
        ("twoFactorAuthEnabled", json!([])),
    ] {
        let bad = own.tenant.request(server, "PATCH", link).json(&json!({ member: value })).send().await;
        assert_eq!(pointers(&bad.expect_problem(400, "/invalid")), [format!("/{member}")]);
    }
});

contract_test!(a_name_shows_on_both_sides, profiles, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    account(server, "quay").await;
    own.form(server, "name=Harbour+Lane").await.expect(200);
    let dlcs = own.tenant.request(server, "GET", "").send().await.expect(200);
    assert_eq!(dlcs.json()["displayName"], "Harbour Lane");
    let change = own.tenant.request(server, "PATCH", "").json(&json!({ "displayName": "Harbour Archive" }));
    let stale = change.header("if-match", dlcs.must_header("etag"));
    stale.send().await.expect(if server.profile() == Profile::Seed { 205 } else { 200 });
    assert_eq!(own.shown(server).await["name"], "Harbour Archive");
    assert_eq!(fails(own.form(server, "name=quay").await, 400)["msg"], "Bad request");
    let taken = json!({ "displayName": "Harbour Archive" });
    let other = server.request("POST", "/customers").auth(&server.admin());
    let taken = other.json(&json!({ "name": "x", "displayName": taken["displayName"] })).send().await;
    taken.expect_problem(if server.profile() == Profile::Seed { 400 } else { 409 }, "/conflict");
});

contract_test!(a_deleted_customer_is_gone, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let other = account(server, "quay").await;
    own.tenant.request(server, "POST", "/spaces").json(&json!({ "name": "plans" })).send().await.expect(201);
    let origin = Origin::start().await;
    origin.picture("a.jpg", 400, 300);
    let image = json!({ "origin": origin.url("a.jpg") });
    own.tenant.request(server, "PUT", "/spaces/1/images/a").json(&image).send().await.expect(201);
    let pixels =
        [format!("/thumbs/{}/1/a/info.json", own.tenant.id), format!("/iiif-img/{}/1/a/info.json", own.tenant.id)];
    for path in &pixels {
        server.get(path).send().await.expect(200);
    }
    let answer = own.request(server, "DELETE", &own.path).header("content-type", JSON).send().await.expect(200);
    assert_eq!(answer.json(), json!({ "status": "ok" }));
    assert_eq!(answer.header("content-type"), Some(JSON));
    assert_eq!(answer.must_header("fastly-ratelimit-remaining"), "999");

    let users = format!("{}/users", own.path);
    for path in ["/current_customer", "/current_user", &own.path, &users] {
        fails(own.get(server, path).await, 401);
    }
    fails(own.request(server, "DELETE", &own.path).send().await, 401);
    fails(own.request(server, "PUT", &own.path).send().await, 401);
    fails(other.get(server, &own.path).await, 404);
    fails(other.request(server, "DELETE", &own.path).send().await, 404);

    for path in &pixels {
        server.get(path).send().await.expect_problem(404, "/not-found");
        server.get(path).auth(&server.admin()).send().await.expect_problem(404, "/not-found");
    }

    // The other side doesn't know it either; the names stay taken.
    for path in ["", "/spaces", "/spaces/1", "/keys", "/storage"] {
        own.tenant.request(server, "GET", path).send().await.expect_problem(401, "/unauthorized");
        let path = own.tenant.path(path);
        server.get(&path).auth(&server.admin()).send().await.expect_problem(404, "/not-found");
    }
    let listed = server.get("/customers").auth(&server.admin()).send().await.expect(200).json();
    assert_eq!(listed["totalItems"], 2);
    assert!(!listed.to_string().contains("harbour"), "{listed}");
    let key = server.post(&own.tenant.path("/keys")).auth(&server.admin());
    key.send().await.expect_problem(404, "/not-found");
    let again = json!({ "name": "harbour", "displayName": "Another" });
    server.post("/customers").auth(&server.admin()).json(&again).send().await.expect_problem(400, "/conflict");
    server.restart().await;
    fails(own.get(server, &own.path).await, 401);

    // The service can't lose its administrator.
    let admin = server.get("/current_customer").auth(&server.admin()).send().await.expect(200).json();
    let path = format!("/customer/{}", admin["id"].as_str().unwrap());
    fails(server.delete(&path).auth(&server.admin()).send().await, 403);
    server.get(&path).auth(&server.admin()).send().await.expect(200);
});

contract_test!(
    writes_are_limited_by_the_hour,
    options = Options { arguments: vec!["--account-writes-per-hour".to_owned(), "2".to_owned()], ..Options::default() },
    async |server: &mut TestServer| {
        let own = account(server, "harbour").await;
        let other = account(server, "quay").await;
        let first = own.form(server, "").await.expect(200);
        let number = |answer: &Answer, name: &str| answer.must_header(name).parse::<u64>().unwrap();
        assert_eq!(number(&first, "fastly-ratelimit-remaining"), 1);
        assert_eq!(number(&first, "fastly-ratelimit-reset") % 3600, 0);
        // Failures count; the hour may end meanwhile, once.
        let mut limited = None;
        for _ in 0..5 {
            let answer = own.form(server, "has_pci=x").await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
            fails(answer, 400);
        }
        let limited = limited.expect("the limit is kept");
        assert_eq!(number(&limited, "fastly-ratelimit-remaining"), 0);
        assert!((1..=3600).contains(&number(&limited, "retry-after")));
        let error = fails(limited, 429);
        assert!(error["msg"].as_str().unwrap().starts_with("You have exceeded your hourly rate limit."));
        fails(own.request(server, "DELETE", &own.path).send().await, 429);
        own.get(server, &own.path).await.expect(200);
        other.form(server, "").await.expect(200);
    }
);

contract_test!(
    whoever_comes_at_once_is_counted_exactly,
    options =
        Options { arguments: vec!["--account-writes-per-hour".to_owned(), "20".to_owned()], ..Options::default() },
    async |server: &mut TestServer| {
        let own = account(server, "harbour").await;
        let put = async |n: usize| own.form(server, &format!("phone_number={n}")).await;
        let answers = futures::future::join_all((0..50).map(put)).await;
        // The hour may end meanwhile; each has its own count.
        let mut windows: BTreeMap<String, (Vec<u32>, usize)> = BTreeMap::new();
        for answer in answers {
            let window = windows.entry(answer.must_header("fastly-ratelimit-reset").to_owned()).or_default();
            let remaining: u32 = answer.must_header("fastly-ratelimit-remaining").parse().unwrap();
            if answer.status == 200 {
                window.0.push(remaining);
            } else {
                fails(answer, 429);
                assert_eq!(remaining, 0);
                window.1 += 1;
            }
        }
        assert!(windows.len() <= 2, "{windows:?}");
        for (mut remaining, refused) in windows.into_values() {
            remaining.sort_unstable_by(|a, b| b.cmp(a));
            let told: Vec<u32> = (0..20).rev().take(remaining.len()).collect();
            assert_eq!(remaining, told);
            assert!(refused == 0 || told.len() == 20);
        }
    }
);

contract_test!(without_the_database_every_operation_says_so, only sqlite, async |server: &mut TestServer| {
    let database = FreshDatabase::create().await.expect("there is a cluster");
    server.restart_with(|options| options.arguments = vec!["--database".to_owned(), database.url.clone()]).await;
    let own = account(server, "harbour").await;
    database.remove().await.expect("the database can be taken away");
    let users = format!("{}/users", own.path);
    for path in ["/current_customer", "/current_user", &own.path, &users] {
        let answer = own.get(server, path).await;
        assert_eq!(answer.must_header("retry-after"), "1");
        fails(answer, 503);
    }
    for method in ["PUT", "DELETE"] {
        let answer = own.request(server, method, &own.path).send().await;
        assert!(answer.must_header("fastly-ratelimit-remaining").parse::<u32>().is_ok());
        fails(answer, 503);
    }
});
