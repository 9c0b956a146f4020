//! API keys.

use contract_tests::{Credentials, Profile, TestServer, contract_test};
use serde_json::{Value, json};

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} is no text: {value}"))
}

contract_test!(a_secret_is_shown_once, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let made = tenant.request(server, "POST", "/keys").header("prefer", "return=minimal").send().await.expect(201);
    assert_eq!(made.header("preference-applied"), None);
    let key = made.json();
    let (name, secret) = (text(&key, "key").to_owned(), text(&key, "secret").to_owned());
    // 256 bits in base64url.
    assert_eq!(secret.len(), 43);
    assert!(secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert_eq!(text(&key, "token"), format!("{name}.{secret}"));
    let link = format!("{}{}", server.base_url(), tenant.path(&format!("/keys/{name}")));
    assert_eq!((made.must_header("location"), text(&key, "@id")), (link.as_str(), link.as_str()));
    server.get(&tenant.path("")).auth(&Credentials::new(name.as_str(), secret.as_str())).send().await.expect(200);

    let shown = tenant.request(server, "GET", &link).send().await.expect(200);
    let expected = json!({
        "@context": format!("{}/contexts/Key.jsonld", server.base_url()), "@id": link, "@type": "Key", "key": name,
        "created": key["created"],
    });
    assert_eq!(shown.json(), expected);
    let tag = shown.must_header("etag");
    tenant.request(server, "GET", &link).header("if-none-match", tag).send().await.expect(304);
    let list = tenant.request(server, "GET", "/keys").send().await.expect(200);
    assert!(!shown.text().contains(&secret) && !list.text().contains(&secret));
    assert!(!server.log().contains(&secret), "secrets never reach the log");
    // A body is not needed, whatever type it would be of.
    let other = tenant.request(server, "POST", "/keys").header("content-type", "text/plain").send().await;
    assert_ne!(text(&other.expect(201).json(), "secret"), secret);
});

contract_test!(a_deleted_key_ends_at_once, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let gone = if server.profile() == Profile::Seed { 205 } else { 204 };
    let last = format!("/keys/{}", tenant.credentials.key);
    let refused = tenant.request(server, "DELETE", &last).send().await.expect_problem(400, "/invalid");
    assert!(text(&refused, "detail").contains("last key"), "{refused}");
    // An administrator can't lock a customer out either.
    let refused = server.delete(&tenant.path(&last)).auth(&server.admin()).send().await;
    refused.expect_problem(400, "/invalid");

    let made = tenant.request(server, "POST", "/keys").send().await.expect(201).json();
    let second = Credentials::new(text(&made, "key"), text(&made, "secret"));
    let link = text(&made, "@id");
    let shown = tenant.request(server, "GET", link).send().await.expect(200);
    let conditional = |tag: &str| tenant.request(server, "DELETE", link).header("if-match", tag).send();
    conditional("\"0\"").await.expect_problem(412, "/precondition-failed");
    server.get(&tenant.path("")).auth(&second).send().await.expect(200);
    conditional(shown.must_header("etag")).await.expect(gone);
    server.get(&tenant.path("")).auth(&second).send().await.expect_problem(401, "/unauthorized");
    tenant.request(server, "GET", link).send().await.expect_problem(404, "/not-found");
    tenant.request(server, "DELETE", link).send().await.expect_problem(404, "/not-found");

    // A key may delete itself while there is another.
    let made = tenant.request(server, "POST", "/keys").send().await.expect(201).json();
    tenant.request(server, "DELETE", &last).send().await.expect(gone);
    tenant.request(server, "GET", "").send().await.expect_problem(401, "/unauthorized");
    let third = Credentials::new(text(&made, "key"), text(&made, "secret"));
    let left = server.get(&tenant.path("/keys")).auth(&third).send().await.expect(200).json();
    assert_eq!((&left["totalItems"], &left["member"][0]["key"]), (&json!(1), &made["key"]));
});

contract_test!(of_two_keys_deleted_at_once_one_stays, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let made = tenant.request(server, "POST", "/keys").send().await.expect(201).json();
    let paths = [
        tenant.path(&format!("/keys/{}", tenant.credentials.key)),
        tenant.path(&format!("/keys/{}", text(&made, "key"))),
    ];
    let admin = server.admin();
    let deletions = paths.iter().map(|path| server.delete(path).auth(&admin).send());
    let mut statuses: Vec<u16> =
        futures::future::join_all(deletions).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [205, 400]);
});

contract_test!(keys_are_listed_the_oldest_first, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let mut expected = vec![tenant.credentials.key.clone()];
    for _ in 0..4 {
        let made = tenant.request(server, "POST", "/keys").send().await.expect(201).json();
        expected.push(text(&made, "key").to_owned());
    }
    let mut link = "/keys?pageSize=2".to_owned();
    let mut seen = Vec::new();
    for number in 1..=3 {
        let page = tenant.request(server, "GET", &link).send().await.expect(200).json();
        let by_number = format!("/keys?pageSize=2&page={number}");
        let by_number = tenant.request(server, "GET", &by_number).send().await.expect(200).json();
        assert_eq!(by_number["member"], page["member"]);
        assert_eq!((&page["totalItems"], &page["view"]["totalPages"]), (&json!(5), &json!(3)));
        seen.extend(page["member"].as_array().unwrap().iter().map(|key| text(key, "key").to_owned()));
        link = page["view"]["next"].as_str().unwrap_or_default().to_owned();
        assert_eq!(link.is_empty(), number == 3);
    }
    // Keys of one millisecond have no order that is known.
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    expected.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!(seen.len(), 5);
    for (query, pointer) in [("page=x", "page"), ("cursor=x", "cursor"), ("orderBy=created", "orderBy")] {
        let refused = tenant.request(server, "GET", &format!("/keys?{query}")).send().await;
        assert_eq!(refused.expect_problem(400, "/invalid")["errors"][0]["pointer"], pointer);
    }
});

contract_test!(a_key_is_found_under_its_own_customer_only, async |server: &mut TestServer| {
    let (tenant, other) = (server.new_customer("harbour").await, server.new_customer("lighthouse").await);
    let second = tenant.request(server, "POST", "/keys").send().await.expect(201).json();
    let link = other.path(&format!("/keys/{}", text(&second, "key")));
    for method in ["GET", "DELETE"] {
        other.request(server, method, &link).send().await.expect_problem(404, "/not-found");
        server.request(method, &link).auth(&server.admin()).send().await.expect_problem(404, "/not-found");
    }
    tenant.request(server, "GET", text(&second, "@id")).send().await.expect(200);
});
