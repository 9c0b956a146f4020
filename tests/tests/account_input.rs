//! What a change of an account may say, member by member, in forms and in JSON.

use std::collections::BTreeSet;
use std::time::{Duration, UNIX_EPOCH};

use contract_tests::{TestServer, contract_test, eventually};
use serde_json::{Value, json};

use crate::fastly::{FORM, JSON, account, encoded, fails};

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

contract_test!(every_member_has_its_type, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let texts = [
        "id",
        "name",
        "owner_id",
        "billing_network_type",
        "ip_whitelist",
        "phone_number",
        "pricing_plan",
        "pricing_plan_id",
    ];
    let flags = FLAGS.iter().chain(&READ_ONLY).filter(|member| **member != "can_configure_wordpress");
    // Clients break on a null that they don't expect, so nullability is looked at with everything set and unset.
    let cleared = own.shown(server).await;
    let all: serde_json::Map<String, Value> = NULLABLE.iter().map(|member| (member.to_string(), json!("x"))).collect();
    let set = own.json(server, &json!(all)).await.expect(200).json();
    for shown in [&cleared, &set] {
        assert_eq!(shown.as_object().unwrap().len(), 28);
        assert!(texts.iter().all(|member| shown[*member].is_string()), "{shown}");
        assert!(flags.clone().all(|member| shown[*member].is_boolean()), "{shown}");
        assert!(["created_at", "updated_at"].iter().all(|member| shown[*member].is_string()), "{shown}");
        assert!(["deleted_at", "can_configure_wordpress"].iter().all(|member| shown[*member].is_null()), "{shown}");
    }
    assert!(NULLABLE.iter().all(|member| cleared[*member].is_null() && set[*member] == "x"), "{cleared} {set}");

    // What the server sets is not for others to set, and no reason to refuse the rest.
    for member in ["id", "created_at", "updated_at", "deleted_at"] {
        for value in [json!("2001-01-01T00:00:00Z"), Value::Null, json!(7)] {
            let shown = own.json(server, &json!({ member: value, "phone_number": member })).await.expect(200).json();
            assert_ne!(shown[member], "2001-01-01T00:00:00Z");
            assert_eq!((&shown["id"], &shown["created_at"]), (&cleared["id"], &cleared["created_at"]));
            assert_eq!((&shown["deleted_at"], &shown["phone_number"]), (&Value::Null, &json!(member)));
        }
        let shown = own.form(server, &format!("{member}=x&phone_number=2{member}")).await.expect(200).json();
        assert_eq!(shown["phone_number"], format!("2{member}"));
        assert_eq!((&shown["id"], &shown["created_at"]), (&cleared["id"], &cleared["created_at"]));
    }
});

contract_test!(no_member_takes_another_type, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let before = own.shown(server).await;
    let texts = TEXTS.iter().map(|(member, ..)| *member).chain(["name", "owner_id"]);
    let not_texts = [json!(7), json!(true), json!([]), json!({})];
    let null = [Value::Null];
    let not_flags = [json!(1), json!("true"), json!([]), json!({}), Value::Null];
    let mut cases: Vec<(&str, &Value)> = Vec::new();
    for member in texts.clone() {
        cases.extend(not_texts.iter().chain(&null).map(|value| (member, value)));
    }
    for member in NULLABLE {
        cases.extend(not_texts.iter().map(|value| (member, value)));
    }
    for member in FLAGS {
        cases.extend(not_flags.iter().map(|value| (member, value)));
    }
    for (member, value) in &cases {
        let mut body = json!({ "billing_ref": "a", "has_pci": true });
        body[*member] = (*value).clone();
        let error = fails(own.json(server, &body).await, 400);
        let detail = error["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(&format!("`{member}`")), "{member} {value}: {detail}");
    }
    for member in FLAGS {
        for text in ["yes", "None", "2", "on", "tru", "true%20"] {
            fails(own.form(server, &format!("billing_ref=a&{member}={text}&pricing_plan=x")).await, 400);
        }
    }
    println!("{} wrong types of {} members refused", cases.len(), TEXTS.len() + NULLABLE.len() + FLAGS.len() + 2);
    assert_eq!(own.shown(server).await, before);
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
    // A whole record may be sent back, in a later second too, of which `updated_at` then tells nothing.
    let second = || UNIX_EPOCH.elapsed().map(|time| time.as_secs()).unwrap();
    let read = second();
    eventually(Duration::from_secs(5), "the second is over", async || (second() > read).then_some(())).await;
    assert_eq!(own.json(server, &shown).await.expect(200).json(), shown);
    assert_eq!(own.shown(server).await, shown);
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
        let told = fails(own.put(server, media_type, "name=x").await, 415);
        let detail = told["detail"].as_str().unwrap_or_default();
        assert!([media_type, FORM, JSON].iter().all(|named| detail.contains(&format!("`{named}`"))), "{told}");
    }
    fails(own.request(server, "PUT", &own.path).body("name=x").send().await, 415);
    // A mebibyte is read, and found to be nothing; more isn't.
    fails(own.put(server, JSON, " ".repeat(1024 * 1024)).await, 400);
    fails(own.put(server, JSON, " ".repeat(1024 * 1024 + 1)).await, 413);
    let large = own.put(server, FORM, format!("phone_number={}", "1".repeat(1024 * 1024))).await;
    assert!(large.header("fastly-ratelimit-remaining").is_some());
    fails(large, 413);
    assert_eq!(own.shown(server).await, before);
});
