//! Portal users and portal roles.

use contract_tests::{Answer, Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

use crate::fastly::account;

const USERS: &str = "/portalUsers";
const PASSWORD: &str = "tide-table-of-1851";

/// Creates a portal user and answers how it is shown.
async fn user(server: &TestServer, tenant: &Tenant, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD });
    tenant.request(server, "POST", USERS).json(&body).send().await.expect(201).json()
}

fn link(of: &Value) -> String {
    of["@id"].as_str().expect("it has an @id").to_owned()
}

async fn send(server: &TestServer, tenant: &Tenant, method: &str, link: &str, body: Value) -> Answer {
    tenant.request(server, method, link).json(&body).send().await
}

async fn get(server: &TestServer, tenant: &Tenant, link: &str) -> Answer {
    tenant.request(server, "GET", link).send().await
}

/// The names of the portal roles of a user, as its sub-collection shows them.
async fn roles(server: &TestServer, tenant: &Tenant, user: &str) -> Vec<String> {
    let list = get(server, tenant, &format!("{user}/roles")).await.expect(200).json();
    assert_eq!(list["totalItems"], list["member"].as_array().unwrap().len());
    list["member"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["@id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect()
}

#[track_caller]
fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect()
}

fn conflict(server: &TestServer) -> u16 {
    match server.profile() {
        Profile::Seed => 400,
        Profile::Today => 409,
    }
}

contract_test!(a_user_is_created_shown_listed_changed_and_deleted, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let role = format!("{}/portalRoles/readonly", server.base_url());
    let body = json!({ "@type": "PortalUser", "email": "Reader@harbour.example", "password": PASSWORD,
        "enabled": false, "roles": [role, { "@id": "admin" }, "readonly"], "nickname": "ignored" });
    let answer = send(server, &tenant, "POST", USERS, body).await.expect(201);
    let made = answer.json();
    assert_eq!(answer.must_header("location"), link(&made));
    assert_eq!((made["email"].as_str(), made["enabled"].as_bool()), (Some("Reader@harbour.example"), Some(false)));
    assert_eq!(made["@context"], format!("{}/contexts/PortalUser.jsonld", server.base_url()));
    assert!(!answer.text().contains("password"), "{answer}");
    assert_eq!(made["roles"], format!("{}/roles", link(&made)));
    assert_eq!(roles(server, &tenant, &link(&made)).await, ["readonly", "admin"]);

    let viewed = get(server, &tenant, &link(&made)).await.expect(200);
    assert_eq!(viewed.json(), made);
    let tag = viewed.must_header("etag").to_owned();
    assert_eq!(answer.must_header("etag"), tag);
    let again = tenant.request(server, "GET", &link(&made)).header("if-none-match", &tag).send().await.expect(304);
    assert_eq!((again.body.len(), again.must_header("etag")), (0, tag.as_str()));

    let second = user(server, &tenant, "second@harbour.example").await;
    assert_eq!(second["enabled"], true);
    assert!(roles(server, &tenant, &link(&second)).await.is_empty());
    let list = get(server, &tenant, USERS).await.expect(200).json();
    assert_eq!(list["totalItems"], 2);
    let shown: Vec<&Value> = list["member"].as_array().unwrap().iter().map(|m| &m["@id"]).collect();
    assert_eq!(shown, [&made["@id"], &second["@id"]], "the oldest comes first");
    assert_eq!(list["member"][0]["email"], "Reader@harbour.example");

    let patched = send(server, &tenant, "PATCH", &link(&made), json!({ "enabled": true })).await;
    let patched = patched.expect(if server.profile() == Profile::Seed { 205 } else { 200 });
    assert_eq!(patched.must_header("content-location"), link(&made));
    assert_ne!(patched.must_header("etag"), tag);
    let viewed = get(server, &tenant, &link(&made)).await.expect(200).json();
    assert_eq!((&viewed["enabled"], &viewed["email"]), (&json!(true), &made["email"]));
    assert_eq!(roles(server, &tenant, &link(&made)).await, ["readonly", "admin"], "what is left out stays");

    let deleted = tenant.request(server, "DELETE", &link(&made)).send().await;
    deleted.expect(if server.profile() == Profile::Seed { 205 } else { 204 });
    tenant.request(server, "DELETE", &link(&made)).send().await.expect_problem(404, "/not-found");
    get(server, &tenant, &link(&made)).await.expect_problem(404, "/not-found");
    assert_eq!(get(server, &tenant, USERS).await.expect(200).json()["totalItems"], 1);
    user(server, &tenant, "reader@harbour.example").await;
});

contract_test!(put_creates_and_replaces, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let path = "/portalUsers/head-of_imaging.2~a";
    let incomplete = json!({ "email": "head@harbour.example" });
    let problem = send(server, &tenant, "PUT", path, incomplete.clone()).await.expect_problem(400, "/invalid");
    assert_eq!(pointers(&problem), ["/password"]);

    let whole = json!({ "email": "head@harbour.example", "password": PASSWORD, "enabled": false, "roles": ["admin"] });
    let answer = send(server, &tenant, "PUT", path, whole).await.expect(201);
    let made = answer.json();
    assert_eq!(answer.must_header("location"), link(&made));
    assert_eq!(link(&made), format!("{}{}", server.base_url(), tenant.path(path)));

    // What GET gave may be sent back as it is, with a change.
    let mut edited = made.clone();
    edited["email"] = json!("head.of.imaging@harbour.example");
    edited["id"] = json!("head-of_imaging.2~a");
    let replaced = send(server, &tenant, "PUT", path, edited).await.expect(200).json();
    assert_eq!(replaced["email"], "head.of.imaging@harbour.example");
    assert_eq!((&replaced["created"], &replaced["enabled"]), (&made["created"], &json!(false)));
    assert_eq!(roles(server, &tenant, &link(&made)).await, ["admin"], "the link means unchanged");

    let replaced = send(server, &tenant, "PUT", path, incomplete).await.expect(200).json();
    assert_eq!(replaced["enabled"], true, "what is left out gets its default");
    assert!(roles(server, &tenant, &link(&made)).await.is_empty());

    for id in ["a%20b", "a:b", "%C3%A4", &"a".repeat(201)] {
        let body = json!({ "email": "other@harbour.example", "password": PASSWORD });
        send(server, &tenant, "PUT", &format!("{USERS}/{id}"), body).await.expect_problem(400, "/invalid");
        get(server, &tenant, &format!("{USERS}/{id}")).await.expect(404);
    }
    assert_eq!(get(server, &tenant, USERS).await.expect(200).json()["totalItems"], 1);
});

contract_test!(an_email_address_is_unique_over_all_customers, profiles, async |server: &mut TestServer| {
    let harbour = server.new_customer("harbour").await;
    let abbey = server.new_customer("abbey").await;
    user(server, &harbour, "reader@harbour.example").await;
    let own = user(server, &abbey, "monk@abbey.example").await;
    let expected = conflict(server);
    let taken = json!({ "email": "READER@Harbour.example", "password": PASSWORD });
    for (method, path) in [("POST", USERS), ("PUT", "/portalUsers/new"), ("PUT", &link(&own)), ("PATCH", &link(&own))] {
        let problem = send(server, &abbey, method, path, taken.clone()).await.expect_problem(expected, "/conflict");
        assert_eq!(pointers(&problem), ["/email"]);
    }
    let problem = send(server, &harbour, "POST", USERS, taken).await.expect_problem(expected, "/conflict");
    assert_eq!(pointers(&problem), ["/email"]);
    assert_eq!(get(server, &abbey, &link(&own)).await.json()["email"], "monk@abbey.example");
    assert_eq!(get(server, &abbey, USERS).await.json()["totalItems"], 1);
    // Letter case is that of any script.
    user(server, &harbour, "straße@harbour.example").await;
    let same = json!({ "email": "STRASSE@harbour.example", "password": PASSWORD });
    send(server, &abbey, "POST", USERS, same).await.expect_problem(expected, "/conflict");

    // The own address in other letters is no conflict.
    let patch = abbey.request(server, "PATCH", &link(&own)).header("prefer", "return=representation");
    let shown = patch.json(&json!({ "email": "Monk@abbey.example" })).send().await.expect(200).json();
    assert_eq!(shown["email"], "Monk@abbey.example");
});

contract_test!(of_many_at_once_one_gets_the_address, async |server: &mut TestServer| {
    let tenants = [server.new_customer("harbour").await, server.new_customer("abbey").await];
    let body = json!({ "email": "both@example.org", "password": PASSWORD });
    let all = (0..6).map(|i| tenants[i % 2].request(server, "POST", USERS).json(&body).send());
    let answers = futures::future::join_all(all).await;
    let made = answers.iter().filter(|a| a.status == 201).count();
    assert_eq!(made, 1);
    for lost in answers.into_iter().filter(|a| a.status != 201) {
        assert_eq!(pointers(&lost.expect_problem(400, "/conflict")), ["/email"]);
    }
    let mut total = 0;
    for tenant in &tenants {
        total += get(server, tenant, USERS).await.expect(200).json()["totalItems"].as_i64().unwrap();
    }
    assert_eq!(total, 1);
});

contract_test!(what_is_wrong_with_a_user_is_said, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let made = user(server, &tenant, "reader@harbour.example").await;
    let at = link(&made);
    let long = format!("{}@harbour.example", "a".repeat(305));
    let bad = [
        (json!({}), vec!["/email", "/password"]),
        (json!({ "email": null, "password": null }), vec!["/email", "/password"]),
        (json!({ "email": "b@c.example", "password": "" }), vec!["/password"]),
        (json!({ "email": "b@c.example", "password": "p".repeat(1001) }), vec!["/password"]),
        (json!({ "email": "b@c.example", "password": 7 }), vec!["/password"]),
        (json!({ "email": "not an address", "password": "p" }), vec!["/email"]),
        (json!({ "email": "a..b@c.example", "password": "p" }), vec!["/email"]),
        (json!({ "email": long, "password": "p" }), vec!["/email"]),
        (json!({ "email": ["b@c.example"], "password": "p" }), vec!["/email"]),
        (json!({ "email": "b@c.example", "password": "p", "enabled": "yes" }), vec!["/enabled"]),
        (json!({ "email": "b@c.example", "password": "p", "roles": "readonly" }), vec!["/roles"]),
        (json!({ "email": "b@c.example", "password": "p", "roles": [7, "admin", {}] }), vec!["/roles/0", "/roles/2"]),
        (json!({ "email": "b@c.example", "password": "p", "roles": ["admin", "king"] }), vec!["/roles/1"]),
        (
            json!({ "email": "b@c.example", "password": "p", "roles": ["https://other.example/portalRoles/admin"] }),
            vec!["/roles/0"],
        ),
        (json!({ "@type": "Space", "email": "b@c.example", "password": "p" }), vec!["/@type"]),
    ];
    for (body, at_fault) in bad {
        let problem = send(server, &tenant, "POST", USERS, body.clone()).await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), at_fault, "POST {body}");
        assert!(!problem.to_string().contains(&"p".repeat(1001)), "no password stands in a problem");
        let problem = send(server, &tenant, "PUT", "/portalUsers/new", body.clone()).await;
        let problem = problem.expect_problem(400, "/invalid");
        if at_fault.len() == 1 {
            assert_eq!(pointers(&problem), at_fault, "PUT {body}");
        }
    }
    let own = json!({ "@id": at, "email": "b@c.example", "password": "p" });
    let problem = send(server, &tenant, "POST", USERS, own).await.expect_problem(400, "/invalid");
    assert_eq!(pointers(&problem), ["/@id"]);
    for (method, body, at_fault) in [
        ("PUT", json!({ "email": "b@c.example", "@id": format!("{at}x") }), "/@id"),
        ("PUT", json!({ "email": "b@c.example", "id": "another" }), "/id"),
        ("PUT", json!({ "email": "b@c.example", "created": "2001-01-01T00:00:00.000Z" }), "/created"),
        ("PUT", json!({ "email": "b@c.example", "roles": format!("{at}/rolex") }), "/roles"),
        ("PATCH", json!({ "email": null }), "/email"),
        ("PATCH", json!({ "password": null }), "/password"),
        ("PATCH", json!({ "enabled": 1 }), "/enabled"),
        ("PATCH", json!({ "roles": ["king"] }), "/roles/0"),
        ("PATCH", json!({ "id": "another" }), "/id"),
        ("PATCH", json!({ "created": "2001-01-01T00:00:00.000Z" }), "/created"),
        ("PATCH", json!({ "email": "reader" }), "/email"),
    ] {
        let problem = send(server, &tenant, method, &at, body).await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), [at_fault], "{method}");
    }
    get(server, &tenant, &format!("{USERS}?orderBy=email")).await.expect_problem(400, "/invalid");
    get(server, &tenant, &format!("{USERS}?page=one")).await.expect_problem(400, "/invalid");
    get(server, &tenant, &format!("{at}?full=1")).await.expect_problem(400, "/invalid");
    tenant.request(server, "DELETE", &format!("{at}?force=1")).send().await.expect_problem(400, "/invalid");
    assert_eq!(get(server, &tenant, USERS).await.json()["totalItems"], 1);
    assert_eq!(get(server, &tenant, &at).await.json(), made);
});

contract_test!(conditions_and_preferences_hold, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let made = user(server, &tenant, "reader@harbour.example").await;
    let at = link(&made);
    let tag = get(server, &tenant, &at).await.must_header("etag").to_owned();
    let stale = "\"0000000000000000\"";
    let body = json!({ "email": "other@harbour.example" });
    for method in ["PUT", "PATCH", "DELETE"] {
        let request = tenant.request(server, method, &at).header("if-match", stale);
        let request = if method == "DELETE" { request } else { request.json(&body) };
        request.send().await.expect_problem(412, "/precondition-failed");
    }
    let create = tenant.request(server, "PUT", &at).header("if-none-match", "*").json(&body);
    create.send().await.expect_problem(412, "/precondition-failed");
    let absent = tenant.request(server, "PUT", "/portalUsers/absent").header("if-match", "*").json(&body);
    absent.send().await.expect_problem(412, "/precondition-failed");
    assert_eq!(get(server, &tenant, &at).await.json(), made);

    let put = tenant.request(server, "PUT", &at).header("if-match", &tag).header("prefer", "return=minimal");
    let put = put.json(&body).send().await.expect(200);
    assert_eq!((put.body.len(), put.must_header("preference-applied")), (0, "return=minimal"));
    let tag = put.must_header("etag").to_owned();

    // A patch that says nothing changes nothing.
    tenant.request(server, "PATCH", &at).header("if-match", &tag).json(&json!({})).send().await.expect(205);
    assert_eq!(get(server, &tenant, &at).await.must_header("etag"), tag);
    let patch = tenant.request(server, "PATCH", &at).header("if-match", &tag).header("prefer", "return=representation");
    let patch = patch.json(&json!({ "enabled": false, "roles": ["admin"] })).send().await.expect(200);
    assert_eq!(patch.must_header("preference-applied"), "return=representation");
    assert_eq!((&patch.json()["email"], &patch.json()["enabled"]), (&body["email"], &json!(false)));
    let back = json!({ "enabled": null, "roles": null });
    send(server, &tenant, "PATCH", &at, back).await.expect(205);
    assert_eq!(get(server, &tenant, &at).await.json()["enabled"], true);
    assert!(roles(server, &tenant, &at).await.is_empty(), "null sets the default");

    let new = json!({ "email": "new@harbour.example", "password": PASSWORD });
    let create = tenant.request(server, "PUT", "/portalUsers/new").header("if-none-match", "*").json(&new);
    create.send().await.expect(201);
    let minimal = tenant.request(server, "POST", USERS).header("prefer", "return=minimal");
    let minimal = minimal.json(&json!({ "email": "m@harbour.example", "password": "p" })).send().await.expect(201);
    assert_eq!(minimal.body.len(), 0);
    assert_eq!(get(server, &tenant, minimal.must_header("location")).await.expect(200).json()["enabled"], true);
    let tag = get(server, &tenant, &at).await.must_header("etag").to_owned();
    tenant.request(server, "DELETE", &at).header("if-match", &tag).send().await.expect(205);
});

contract_test!(users_of_others_are_not_there, async |server: &mut TestServer| {
    let harbour = server.new_customer("harbour").await;
    let abbey = server.new_customer("abbey").await;
    let foreign = link(&user(server, &harbour, "reader@harbour.example").await);
    let id = foreign.rsplit('/').next().unwrap();
    let own = format!("{USERS}/{id}");
    for path in [own.clone(), format!("{own}/roles"), format!("{USERS}/unknown"), format!("{USERS}/unknown/roles")] {
        get(server, &abbey, &path).await.expect_problem(404, "/not-found");
    }
    send(server, &abbey, "PATCH", &own, json!({ "enabled": false })).await.expect_problem(404, "/not-found");
    abbey.request(server, "DELETE", &own).send().await.expect_problem(404, "/not-found");
    let role = json!({ "@id": "admin" });
    send(server, &abbey, "POST", &format!("{own}/roles"), role.clone()).await.expect_problem(404, "/not-found");
    get(server, &abbey, &foreign).await.expect_problem(403, "/forbidden");
    send(server, &abbey, "POST", &format!("{foreign}/roles"), role).await.expect_problem(403, "/forbidden");
    assert_eq!(get(server, &harbour, &foreign).await.expect(200).json()["enabled"], true);
    assert!(roles(server, &harbour, &foreign).await.is_empty());
    assert_eq!(get(server, &abbey, USERS).await.expect(200).json()["totalItems"], 0);

    // The same id may name another person elsewhere.
    let body = json!({ "email": "monk@abbey.example", "password": PASSWORD });
    send(server, &abbey, "PUT", &own, body).await.expect(201);
    abbey.request(server, "DELETE", &own).send().await.expect(205);
    get(server, &harbour, &foreign).await.expect(200);
});

contract_test!(roles_are_given_once, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let at = link(&user(server, &tenant, "reader@harbour.example").await);
    let to = format!("{at}/roles");
    let role = format!("{}/portalRoles/readonly", server.base_url());
    for body in [
        json!({ "@id": role }),
        json!({ "id": "readonly", "@type": "PortalRole" }),
        json!({ "@id": "/portalRoles/readonly" }),
    ] {
        let answer = send(server, &tenant, "POST", &to, body).await.expect(201);
        assert_eq!((answer.must_header("location"), &answer.json()["name"]), (role.as_str(), &json!("Read only")));
        assert_eq!(roles(server, &tenant, &at).await, ["readonly"]);
    }
    let minimal = tenant.request(server, "POST", &to).header("prefer", "return=minimal");
    let minimal = minimal.json(&json!({ "@id": "admin" })).send().await.expect(201);
    assert_eq!(minimal.body.len(), 0);
    assert_eq!(roles(server, &tenant, &at).await, ["readonly", "admin"]);

    for body in [json!({}), json!({ "@id": "king" }), json!({ "@id": "" }), json!({ "@id": 7 }), json!({ "@id": at })] {
        let problem = send(server, &tenant, "POST", &to, body).await.expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), ["/@id"]);
    }
    let other = json!({ "@id": role, "@type": "PortalUser" });
    let problem = send(server, &tenant, "POST", &to, other).await.expect_problem(400, "/invalid");
    assert_eq!(pointers(&problem), ["/@type"]);

    let first = get(server, &tenant, &format!("{to}?pageSize=1")).await.expect(200).json();
    assert_eq!((&first["totalItems"], &first["member"][0]["@id"]), (&json!(2), &json!(role)));
    let second = get(server, &tenant, first["view"]["next"].as_str().unwrap()).await.expect(200).json();
    assert_eq!(second["member"][0]["name"], "Administrator");
    assert!(second["view"].get("next").is_none());
    get(server, &tenant, &format!("{to}?cursor=x")).await.expect_problem(400, "/invalid");
});

contract_test!(portal_roles_are_listed_and_shown, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let entry = server.request("GET", "/").send().await.expect(200).json();
    let all = entry["portalRoles"].as_str().unwrap().to_owned();
    let list = get(server, &tenant, &all).await.expect(200).json();
    let names: Vec<&str> = list["member"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Administrator", "Read only", "Sample role"]);
    for role in list["member"].as_array().unwrap() {
        let shown = get(server, &tenant, &link(role)).await.expect(200);
        assert_eq!((&shown.json()["@id"], &shown.json()["name"]), (&role["@id"], &role["name"]));
        let known = tenant.request(server, "GET", &link(role)).header("if-none-match", shown.must_header("etag"));
        known.send().await.expect(304);
    }
    let mut next = Some(format!("{all}?pageSize=2"));
    let mut seen = 0;
    while let Some(page) = next {
        let page = get(server, &tenant, &page).await.expect(200).json();
        seen += page["member"].as_array().unwrap().len();
        next = page["view"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, 3);
    get(server, &tenant, &format!("{all}/king")).await.expect_problem(404, "/not-found");
    get(server, &tenant, &format!("{all}?name=admin")).await.expect_problem(400, "/invalid");
    get(server, &tenant, &format!("{all}/admin?x=1")).await.expect_problem(400, "/invalid");
    server.request("GET", &all).send().await.expect_problem(401, "/unauthorized");
    server.request("GET", &format!("{all}/admin")).send().await.expect_problem(401, "/unauthorized");
});

contract_test!(pages_hold_every_user_once, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let customer = get(server, &tenant, "").await.expect(200).json();
    let all = customer["portalUsers"].as_str().unwrap().to_owned();
    let mut made = Vec::new();
    for i in 0..5 {
        made.push(link(&user(server, &tenant, &format!("reader{i}@harbour.example")).await));
    }
    let mut seen = Vec::new();
    let mut next = Some(format!("{all}?pageSize=2"));
    while let Some(page) = next {
        let page = get(server, &tenant, &page).await.expect(200).json();
        assert_eq!((&page["totalItems"], &page["view"]["totalPages"]), (&json!(5), &json!(3)));
        seen.extend(page["member"].as_array().unwrap().iter().map(link));
        next = page["view"]["next"].as_str().map(str::to_owned);
    }
    seen.sort();
    made.sort();
    assert_eq!(seen, made);
    let last = get(server, &tenant, &format!("{all}?pageSize=2&page=3")).await.expect(200).json();
    assert_eq!(last["member"].as_array().unwrap().len(), 1);
});

contract_test!(of_a_password_only_a_slow_hash_is_kept, only sqlite, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let at = link(&user(server, &tenant, "reader@harbour.example").await);
    let changed = "another-tide-table";
    send(server, &tenant, "PATCH", &at, json!({ "password": changed })).await.expect(205);
    let mut kept = String::new();
    for file in std::fs::read_dir(server.data()).unwrap() {
        let file = file.unwrap().path();
        if file.is_file() {
            kept += &String::from_utf8_lossy(&std::fs::read(file).unwrap());
        }
    }
    kept += &server.log();
    assert!(kept.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "the hashes are in the database");
    assert!(!kept.contains(PASSWORD) && !kept.contains(changed), "a password is nowhere");
});

contract_test!(putting_back_what_get_gave_changes_nothing, async |server: &mut TestServer| {
    let own = account(server, "harbour").await;
    let tenant = &own.tenant;
    let before = own.user(server, "reader@harbour.example").await;
    let users = get(server, tenant, USERS).await.expect(200).json();
    let path = link(&users["member"][0]);
    let shown = get(server, tenant, &path).await.expect(200);
    let entries = async || get(server, tenant, "/audit").await.expect(200).json()["totalItems"].clone();
    let count = entries().await;
    for method in ["PUT", "PATCH"] {
        let answer = send(server, tenant, method, &path, shown.json()).await;
        assert_eq!(answer.must_header("etag"), shown.must_header("etag"), "{answer}");
    }
    assert_eq!(entries().await, count);
    let account = async || own.get(server, &format!("{}/users", own.path)).await.expect(200).json();
    let now = account().await;
    let now = now.as_array().unwrap().iter().find(|user| user["id"] == before["id"]).unwrap();
    assert_eq!(now, &before);
    assert_eq!(now["locked"], json!(null));

    // What was said once can be taken back, and is then said.
    for locked in [true, false] {
        send(server, tenant, "PATCH", &path, json!({ "locked": locked })).await.expect(205);
        let now = account().await;
        assert!(now.as_array().unwrap().iter().any(|u| u["id"] == before["id"] && u["locked"] == locked), "{now}");
    }
});
