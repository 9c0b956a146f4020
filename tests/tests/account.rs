//! The account operations, as Fastly's clients use them.

use std::collections::BTreeSet;

use contract_tests::{Answer, FreshDatabase, Options, Origin, Profile, TestServer, contract_test};
use serde_json::{Value, json};

use crate::fastly::{FORM, JSON, account, encoded, fails};
use crate::registered::pointers;

/// The members that can be changed, without the name and the owner, and two values of each.
const TEXTS: [(&str, &str, &str); 5] = [
    ("billing_network_type", "private", "public"),
    ("ip_whitelist", "127.0.0.0/8", ""),
    ("phone_number", "+44 20 7946 0011", ""),
    ("pricing_plan", "None", "developer"),
    ("pricing_plan_id", "5hXj2PwLs8NcVt1gRyA9Ek", ""),
];
const NULLABLE: [&str; 6] = [
    "billing_contact_id",
    "billing_ref",
    "legal_contact_id",
    "security_contact_id",
    "technical_contact_id",
    "postal_address",
];
const FLAGS: [&str; 6] =
    ["force_2fa", "force_sso", "has_account_panel", "has_improved_events", "has_openstack_logging", "has_pci"];
const READ_ONLY: [&str; 5] = [
    "can_configure_wordpress",
    "can_reset_passwords",
    "can_upload_vcl",
    "has_improved_ssl_config",
    "has_pci_passwords",
];

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

contract_test!(every_member_is_set_and_read_back, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let before = own.shown(server).await;
    let mut cases: Vec<(&str, Value)> = Vec::new();
    cases.extend(TEXTS.iter().flat_map(|(name, one, other)| [(*name, json!(one)), (*name, json!(other))]));
    for name in NULLABLE {
        cases.extend([(name, json!("4 Harbour Lane\nUnit 2 & \"ä+1\"  ")), (name, Value::Null)]);
    }
    cases.extend(FLAGS.iter().flat_map(|name| [(*name, json!(true)), (*name, json!(false))]));
    cases.extend([
        ("name", json!("Harbour & Söhne")),
        ("name", json!("harbour")),
        ("owner_id", before["owner_id"].clone()),
    ]);
    let mut round_trips = BTreeSet::new();
    for media_type in [FORM, JSON] {
        for (name, value) in &cases {
            let body = match (media_type, value) {
                (JSON, value) => json!({ *name: value }).to_string(),
                (_, Value::Null) => format!("{name}="),
                (_, Value::String(text)) => format!("{name}={}", encoded(text)),
                (_, value) => format!("{name}={value}"),
            };
            let answer = own.put(server, media_type, body).await.expect(200).json();
            assert_eq!(answer[*name], *value, "{name} as {media_type}");
            let shown = own.shown(server).await;
            assert_eq!(shown, answer);
            round_trips.insert((*name, media_type));
        }
        for name in READ_ONLY {
            let sent = !before[name].as_bool().unwrap_or(false);
            let body = if media_type == JSON {
                json!({ name: sent, "phone_number": name }).to_string()
            } else {
                format!("{name}={sent}&phone_number={name}")
            };
            let answer = own.put(server, media_type, body).await.expect(200).json();
            assert_eq!((&answer[name], &answer["phone_number"]), (&before[name], &json!(name)));
        }
    }
    println!(
        "{} of {} members round-tripped in forms and JSON",
        round_trips.len() / 2,
        TEXTS.len() + NULLABLE.len() + FLAGS.len() + 2
    );
    assert_eq!(round_trips.len(), 38);
    let after = own.shown(server).await;
    assert_eq!(after["created_at"], before["created_at"]);
    assert!(after["updated_at"].as_str() >= before["updated_at"].as_str());
});

contract_test!(values_are_read_as_clients_write_them, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    for (text, value) in [("True", true), ("FALSE", false), ("1", true), ("0", false), ("true", true), ("", false)] {
        let shown = own.form(server, &format!("has_pci={text}")).await.expect(200).json();
        assert_eq!(shown["has_pci"], value, "{text}");
    }
    let shown =
        own.form(server, "billing_ref=a&billing_ref=b%20c+d&unknown=1&id=x&created_at=y").await.expect(200).json();
    assert_eq!((&shown["billing_ref"], &shown["id"]), (&json!("b c d"), &json!(own.id)));
    let twice = r#"{"billing_ref":"a","billing_ref":"b","unknown":[1],"deleted_at":3,"can_upload_vcl":"x"}"#;
    let shown = own.put(server, JSON, twice).await.expect(200).json();
    assert_eq!(shown["billing_ref"], "b");
    let typed = "application/json; charset=UTF-8";
    assert_eq!(own.put(server, typed, r#"{"billing_ref":"None"}"#).await.expect(200).json()["billing_ref"], "None");
    let typed = "application/x-www-form-urlencoded; charset=UTF-8";
    let shown = own.put(server, typed, "billing_ref=").await.expect(200).json();
    assert_eq!(shown["billing_ref"], Value::Null);
    let shown = own.json(server, &json!({ "billing_ref": "" })).await.expect(200).json();
    assert_eq!(shown["billing_ref"], Value::Null);

    // Nothing asked for, nothing changed.
    for (media_type, body) in [(FORM, ""), (JSON, ""), (JSON, "{}"), ("text/plain", "")] {
        assert_eq!(own.put(server, media_type, body).await.expect(200).json(), shown);
    }
    assert_eq!(own.request(server, "PUT", &own.path).send().await.expect(200).json(), shown);
    // A whole record may be sent back.
    assert_eq!(own.json(server, &shown).await.expect(200).json(), shown);
});

contract_test!(bad_values_are_refused_and_change_nothing, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let other = account(server, "quay").await;
    let user = own.user(server, "first@harbour.example").await;
    let second = own.user(server, "second@harbour.example").await;
    let foreign = other.shown(server).await["owner_id"].clone();
    let before = own.shown(server).await;
    assert_eq!(before["owner_id"], user["id"]);
    let forms = [
        "name=",
        "name=+",
        "name=quay",
        "owner_id=",
        "owner_id=nobody",
        "billing_network_type=secret",
        "billing_network_type=",
        "has_pci=yes",
        "force_2fa=2",
        "force_sso=None",
    ];
    for bad in forms {
        let error = fails(own.form(server, &format!("phone_number=1&{bad}&pricing_plan=x")).await, 400);
        assert_eq!(error["msg"], "Bad request", "{bad}");
        assert!(error["detail"].is_string(), "{bad}");
    }
    for bad in [&b"phone_number=%FF"[..], b"phone_number=\xff", b"%C3=1"] {
        fails(own.put(server, FORM, bad).await, 400);
    }
    let bodies = [
        json!({ "owner_id": second["id"] }),
        json!({ "owner_id": foreign }),
        json!({ "owner_id": null }),
        json!({ "name": null }),
        json!({ "name": 7 }),
        json!({ "name": "x".repeat(501) }),
        json!({ "name": "a\u{0}b" }),
        json!({ "phone_number": null }),
        json!({ "pricing_plan": true }),
        json!({ "billing_ref": 7 }),
        json!({ "has_pci": "true" }),
        json!({ "has_pci": 1 }),
        json!({ "has_pci": null }),
        json!({ "billing_network_type": null }),
        json!({ "postal_address": ["a"] }),
        json!([]),
        json!("name"),
        json!(null),
    ];
    for mut bad in bodies {
        if let Some(members) = bad.as_object_mut() {
            members.insert("ip_whitelist".to_owned(), json!("10.0.0.0/8"));
        }
        assert_eq!(fails(own.json(server, &bad).await, 400)["msg"], "Bad request", "{bad}");
    }
    for bad in [&b"{"[..], b"name=x", b"{\"name\":\"\xff\"}", b" "] {
        fails(own.put(server, JSON, bad).await, 400);
    }
    for media_type in ["text/plain", "multipart/form-data", "application/xml", "application/ld+json"] {
        fails(own.put(server, media_type, "name=x").await, 415);
    }
    fails(own.request(server, "PUT", &own.path).body("name=x").send().await, 415);
    let large = own.put(server, FORM, format!("phone_number={}", "1".repeat(1024 * 1024))).await;
    assert!(large.header("fastly-ratelimit-remaining").is_some());
    fails(large, 413);
    assert_eq!(own.shown(server).await, before);
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
    }
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
