//! How origins are fetched: the ways of the platform, the rules of customers, and ingest by them.

use contract_tests::origin::{ORIGIN_PASSWORD, ORIGIN_USER};
use contract_tests::s3::S3_SECRET;
use contract_tests::{Answer, Origin, Profile, S3, Sftp, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

const BASIC: &str = "basic-http-authentication";

fn login() -> Value {
    json!({ "user": ORIGIN_USER, "password": ORIGIN_PASSWORD })
}

/// A rule with Basic authentication.
fn basic(regex: &str) -> Value {
    json!({ "regex": regex, "strategy": BASIC, "credentials": login() })
}

async fn create(server: &TestServer, tenant: &Tenant, rule: &Value) -> Value {
    tenant.request(server, "POST", "/originStrategies").json(rule).send().await.expect(201).json()
}

fn link(view: &Value, member: &str) -> String {
    view[member].as_str().unwrap_or_else(|| panic!("no link {member} in {view}")).to_owned()
}

async fn view(server: &TestServer, tenant: &Tenant, link: &str) -> Value {
    tenant.request(server, "GET", link).send().await.expect(200).json()
}

/// The pointers of a refusal.
fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|e| e["pointer"].as_str()).collect()
}

/// Registers an image, which is ingested at once, and answers it.
async fn ingest(server: &TestServer, tenant: &Tenant, id: &str, origin: &str) -> Value {
    let space = json!({ "name": "plans" });
    tenant.request(server, "PUT", "/spaces/1").json(&space).send().await;
    let image = json!({ "origin": origin, "mediaType": "image/jpeg" });
    let answer = tenant.request(server, "PUT", &format!("/spaces/1/images/{id}")).json(&image).send().await;
    assert!(matches!(answer.status, 200 | 201), "{answer}");
    answer.json()
}

#[track_caller]
fn fetched(image: &Value) {
    assert_eq!((&image["error"], &image["width"]), (&json!(""), &json!(60)), "{image}");
}

#[track_caller]
fn failed(image: &Value, with: &str) {
    let error = image["error"].as_str().unwrap_or_default();
    assert!(error.contains(with) && error.ends_with('.'), "expected `{with}`: {image}");
    assert!(!error.contains(ORIGIN_PASSWORD) && !error.contains(S3_SECRET), "{error}");
}

contract_test!(the_platform_has_three_ways, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let root = view(server, &tenant, &server.base_url()).await;
    let all = view(server, &tenant, &link(&root, "originStrategies")).await;
    let ids: Vec<String> = all["member"].as_array().unwrap().iter().map(|s| link(s, "@id")).collect();
    let named = |id: &str| format!("{}/originStrategies/{id}", server.base_url());
    assert_eq!(ids, [named(BASIC), named("sftp"), named("s3-ambient")]);
    assert_eq!(all["totalItems"], 3);
    let first = view(server, &tenant, &format!("{}?pageSize=2", named("").trim_end_matches('/'))).await;
    let second = view(server, &tenant, first["view"]["next"].as_str().unwrap()).await;
    assert_eq!(second["member"][0]["@id"], named("s3-ambient"));
    assert!(second["view"].get("next").is_none());

    for (id, alias, needs) in [(BASIC, "basic_https", true), ("sftp", "ftps_creds", true), ("s3-ambient", "s3", false)]
    {
        let found = view(server, &tenant, &named(id)).await;
        assert_eq!((&found["@id"], &found["@type"]), (&json!(named(id)), &json!("OriginStrategy")));
        assert_eq!(found["requiresCredentials"], needs);
        assert_eq!(view(server, &tenant, &named(alias)).await, found);
    }
    for unknown in ["default", "ftp"] {
        tenant.request(server, "GET", &named(unknown)).send().await.expect_problem(404, "/not-found");
    }
    let answer = tenant.request(server, "GET", &named("sftp")).send().await.expect(200);
    let etag = answer.must_header("etag");
    tenant.request(server, "GET", &named("sftp")).header("If-None-Match", etag).send().await.expect(304);
    tenant.request(server, "GET", &format!("{}?a=1", named("sftp"))).send().await.expect_problem(400, "/invalid");
    tenant
        .request(server, "PUT", &named("sftp"))
        .json(&json!({}))
        .send()
        .await
        .expect_problem(405, "/method-not-allowed");
});

contract_test!(a_rule_lives_and_ends, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let customer = view(server, &tenant, &tenant.path("")).await;
    let rules = link(&customer, "originStrategies");
    let answer =
        tenant.request(server, "POST", &rules).json(&basic("https://masters\\.example/.+")).send().await.expect(201);
    let made = answer.json();
    let at = link(&made, "@id");
    assert_eq!(answer.must_header("location"), at);
    let global = format!("{}/originStrategies/{BASIC}", server.base_url());
    assert_eq!(made["@type"], "CustomerOriginStrategy");
    assert_eq!((&made["strategy"], &made["originStrategy"]), (&json!(global), &json!(global)));
    assert_eq!((&made["credentials"], &made["optimised"], &made["order"]), (&json!("xxx"), &json!(false), &json!(0)));
    assert_eq!(view(server, &tenant, &at).await, made);
    assert_eq!(view(server, &tenant, &format!("{at}/originStrategy")).await["@id"], global);
    let etag = answer.must_header("etag").to_owned();
    for path in [at.clone(), format!("{at}/originStrategy")] {
        let tag = tenant.request(server, "GET", &path).send().await.must_header("etag").to_owned();
        tenant.request(server, "GET", &path).header("If-None-Match", &tag).send().await.expect(304);
    }

    // PUT to an id of one's own; then only what is given changes, and a view can be sent back.
    let own = format!("{rules}/tapes");
    let rule =
        json!({ "@type": "OriginStrategy", "regex": "tapes", "originStrategy": "s3", "optimised": true, "order": -1 });
    let minimal =
        tenant.request(server, "PUT", &own).header("Prefer", "return=minimal").json(&rule).send().await.expect(201);
    assert_eq!((minimal.text().as_str(), minimal.must_header("location")), ("", own.as_str()));
    let shown = tenant.request(server, "PUT", &own).json(&json!({ "order": "5" })).send().await.expect(200).json();
    assert_eq!((&shown["regex"], &shown["order"], &shown["optimised"]), (&json!("tapes"), &json!(5), &json!(true)));
    assert!(shown.get("credentials").is_none());
    assert_eq!(tenant.request(server, "PUT", &own).json(&shown).send().await.expect(200).json(), shown);
    assert_eq!(tenant.request(server, "PUT", &at).json(&made).send().await.expect(200).json(), made);
    tenant
        .request(server, "PUT", &own)
        .header("If-None-Match", "*")
        .json(&rule)
        .send()
        .await
        .expect_problem(412, "/precondition-failed");
    let other = format!("{rules}/other");
    tenant
        .request(server, "PUT", &other)
        .header("If-Match", "*")
        .json(&rule)
        .send()
        .await
        .expect_problem(412, "/precondition-failed");

    let order =
        |page: &Value| page["member"].as_array().unwrap().iter().map(|r| r["order"].clone()).collect::<Vec<_>>();
    assert_eq!(order(&view(server, &tenant, &rules).await), [json!(0), json!(5)]);
    let patched = if server.profile() == Profile::Seed { 205 } else { 200 };
    let patch = |change: Value| tenant.request(server, "PATCH", &at).json(&change);
    let answer = patch(json!({ "order": 9 })).header("If-Match", &etag).send().await.expect(patched);
    assert_eq!(answer.must_header("content-location"), at);
    let page = view(server, &tenant, &rules).await;
    assert_eq!(order(&page), [json!(5), json!(9)]);
    assert_eq!(page["member"][1]["credentials"], "xxx");
    let first = view(server, &tenant, &format!("{rules}?pageSize=1")).await;
    let second = view(server, &tenant, &link(&first["view"], "next")).await;
    assert_eq!((&first["totalItems"], order(&second)), (&json!(2), vec![json!(9)]));
    patch(json!({ "order": 1 })).header("If-Match", &etag).send().await.expect_problem(412, "/precondition-failed");
    let answer = patch(json!({ "order": null })).header("Prefer", "return=representation").send().await.expect(200);
    assert_eq!(
        (&answer.json()["order"], answer.header("preference-applied")),
        (&json!(0), Some("return=representation"))
    );

    let deleted = if server.profile() == Profile::Seed { 205 } else { 204 };
    let delete = || tenant.request(server, "DELETE", &at);
    delete().header("If-Match", "\"other\"").send().await.expect_problem(412, "/precondition-failed");
    delete().send().await.expect(deleted);
    delete().send().await.expect_problem(404, "/not-found");
    for (method, path) in [("GET", ""), ("PATCH", ""), ("GET", "/originStrategy"), ("PUT", "/credentials")] {
        let request = tenant.request(server, method, &format!("{at}{path}"));
        let request = if method == "GET" { request } else { request.json(&login()) };
        request.send().await.expect_problem(404, "/not-found");
    }
});

contract_test!(regular_expressions_are_unique, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let status = if server.profile() == Profile::Seed { 400 } else { 409 };
    create(server, &tenant, &basic("one")).await;
    let two = link(&create(server, &tenant, &basic("two")).await, "@id");
    for (method, path) in [
        ("POST", "/originStrategies"),
        ("PUT", two.as_str()),
        ("PATCH", two.as_str()),
        ("PUT", "/originStrategies/new"),
    ] {
        let answer = tenant.request(server, method, path).json(&basic("one")).send().await;
        assert_eq!(pointers(&answer.expect_problem(status, "/conflict")), ["/regex"]);
    }
    // Another customer may have the same, and neither sees the other's.
    let other = server.new_customer("airfield").await;
    let theirs = link(&create(server, &other, &basic("one")).await, "@id");
    let id = theirs.rsplit('/').next().unwrap();
    for method in ["GET", "PATCH", "DELETE"] {
        let request = tenant.request(server, method, &format!("/originStrategies/{id}"));
        let request = if method == "PATCH" { request.json(&json!({ "order": 1 })) } else { request };
        request.send().await.expect_problem(404, "/not-found");
    }
    tenant.request(server, "GET", &theirs).send().await.expect_problem(403, "/forbidden");
});

contract_test!(bad_rules_are_refused_with_pointers, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let with = |changes: Value| {
        let mut rule = basic("masters");
        for (name, value) in changes.as_object().unwrap() {
            rule[name] = value.clone();
        }
        rule
    };
    let long = "x".repeat(1001);
    for (rule, expected) in [
        (json!({ "strategy": BASIC, "credentials": login() }), vec!["/regex"]),
        (json!({ "regex": "a", "credentials": login() }), vec!["/strategy"]),
        (json!({ "regex": "a", "strategy": BASIC }), vec!["/credentials"]),
        (json!({ "regex": "a", "strategy": "sftp" }), vec!["/credentials"]),
        (with(json!({ "regex": "*" })), vec!["/regex"]),
        (with(json!({ "regex": "(" })), vec!["/regex"]),
        (with(json!({ "regex": "" })), vec!["/regex"]),
        (with(json!({ "regex": long })), vec!["/regex"]),
        (with(json!({ "regex": 7 })), vec!["/regex"]),
        (with(json!({ "regex": r"^(x+x+)+\1y" })), vec!["/regex"]),
        (with(json!({ "regex": r"^https?://(-+-+)+\1y" })), vec!["/regex"]),
        (with(json!({ "regex": r"(.*)(.*)\2q7$" })), vec!["/regex"]),
        (with(json!({ "regex": r"(a|b\g<1>\g<1>|c\g<1>)(?=z)" })), vec!["/regex"]),
        (with(json!({ "strategy": "default" })), vec!["/strategy"]),
        (with(json!({ "strategy": "ftp" })), vec!["/strategy"]),
        (with(json!({ "strategy": "/storagePolicies/s3" })), vec!["/strategy"]),
        (with(json!({ "strategy": "ftp", "originStrategy": "gopher" })), vec!["/strategy", "/originStrategy"]),
        (with(json!({ "originStrategy": "sftp" })), vec!["/originStrategy"]),
        (with(json!({ "credentials": { "user": "a" } })), vec!["/credentials/password"]),
        (with(json!({ "credentials": { "user": "", "password": "b" } })), vec!["/credentials/user"]),
        (with(json!({ "credentials": "{\"user\":\"a\",\"password\":\"\"}" })), vec!["/credentials/password"]),
        (with(json!({ "credentials": { "user": "a:b", "password": "c" } })), vec!["/credentials/user"]),
        (with(json!({ "credentials": "open sesame" })), vec!["/credentials"]),
        (with(json!({ "credentials": "xxx" })), vec!["/credentials"]),
        (with(json!({ "optimised": true })), vec!["/optimised"]),
        (with(json!({ "optimised": "yes" })), vec!["/optimised"]),
        (with(json!({ "order": "first" })), vec!["/order"]),
        (with(json!({ "strategy": "s3-ambient" })), vec!["/credentials"]),
        (with(json!({ "@type": "Space" })), vec!["/@type"]),
        (with(json!({ "@id": "https://example.org/elsewhere" })), vec!["/@id"]),
    ] {
        let answer = tenant.request(server, "POST", "/originStrategies").json(&rule).send().await;
        let problem = answer.clone().expect_problem(400, "/invalid");
        assert_eq!(pointers(&problem), expected, "{answer}");
        assert!(!answer.text().contains("sesame"), "{answer}");
    }
    assert_eq!(view(server, &tenant, &tenant.path("/originStrategies")).await["totalItems"], 0);

    for id in ["a%20b", "a%2Fb", "%C3%BC", "."] {
        let request = tenant.request(server, "PUT", &format!("/originStrategies/{id}")).json(&basic("masters"));
        assert!(matches!(request.send().await.status, 400 | 404), "{id}");
    }
    let own = "/originStrategies/own";
    let problem = tenant.request(server, "PUT", own).json(&json!({ "order": 1 })).send().await;
    assert_eq!(pointers(&problem.expect_problem(400, "/invalid")), ["/regex", "/strategy"]);
    let elsewhere = with(json!({ "@id": format!("{}{}", server.base_url(), tenant.path("/originStrategies/x")) }));
    let problem = tenant.request(server, "PUT", own).json(&elsewhere).send().await;
    assert_eq!(pointers(&problem.expect_problem(400, "/invalid")), ["/@id"]);
    tenant.request(server, "PUT", own).json(&basic("masters")).send().await.expect(201);
    for (method, path) in [("PUT", own.to_owned()), ("PATCH", own.to_owned()), ("PUT", format!("{own}/credentials"))] {
        let body = json!({ "regex": "(", "user": "" });
        let problem = tenant.request(server, method, &path).json(&body).send().await.expect_problem(400, "/invalid");
        assert!(!pointers(&problem).is_empty(), "{method} {path}");
    }
    for body in [json!({ "credentials": null }), json!({ "regex": null }), json!({ "strategy": null })] {
        tenant.request(server, "PATCH", own).json(&body).send().await.expect_problem(400, "/invalid");
    }
});

contract_test!(credentials_are_kept_and_never_shown, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let mut said = String::new();
    let mut note = |answer: Answer| {
        said += &format!("{:?}{}", answer.headers, answer.text());
        answer
    };
    // Every way of naming a strategy, and both ways of writing credentials.
    let uri = format!("{}/originStrategies/basic_https", server.base_url());
    let text = login().to_string();
    for (regex, strategy, credentials) in
        [("a", uri.as_str(), json!(text)), ("b", "/originStrategies/sftp", login()), ("c", "ftps_creds", json!(text))]
    {
        let rule =
            json!({ "regex": regex, "strategy": strategy, "originStrategy": strategy, "credentials": credentials });
        let made =
            note(tenant.request(server, "POST", "/originStrategies").json(&rule).send().await.expect(201)).json();
        assert_eq!(made["credentials"], "xxx");
    }
    let rules = note(tenant.request(server, "GET", "/originStrategies").send().await.expect(200)).json();
    let at = link(&rules["member"].as_array().unwrap().iter().find(|r| r["regex"] == "a").unwrap().clone(), "@id");
    let put = async |body: Value| tenant.request(server, "PUT", &at).json(&body).send().await;

    let credentials = format!("{at}/credentials");
    let answer = note(tenant.request(server, "PUT", &credentials).json(&login()).send().await.expect(200));
    assert_eq!(answer.json()["@id"], at);
    let tag = "\"other\"";
    let request = tenant.request(server, "PUT", &credentials).header("If-Match", tag).json(&login());
    request.send().await.expect_problem(412, "/precondition-failed");
    for method in ["GET", "DELETE"] {
        let answer = tenant.request(server, method, &credentials).send().await;
        assert_eq!(answer.must_header("allow"), "PUT, OPTIONS");
        note(answer).expect_problem(405, "/method-not-allowed");
    }

    // Masked is unchanged; another strategy drops them; one without takes none.
    assert_eq!(note(put(json!({ "credentials": "xxx", "order": 1 })).await.expect(200)).json()["credentials"], "xxx");
    let masked = json!({ "strategy": "sftp", "credentials": "xxx" });
    assert_eq!(pointers(&note(put(masked).await).expect_problem(400, "/invalid")), ["/credentials"]);
    assert_eq!(
        pointers(&note(put(json!({ "strategy": "sftp" })).await).expect_problem(400, "/invalid")),
        ["/credentials"]
    );
    let bare = note(put(json!({ "strategy": "s3", "optimised": true })).await.expect(200)).json();
    assert_eq!((bare.get("credentials"), &bare["optimised"]), (None, &json!(true)));
    let refused = tenant.request(server, "PUT", &credentials).json(&login()).send().await;
    note(refused).expect_problem(400, "/invalid");
    assert_eq!(
        pointers(&note(put(json!({ "strategy": BASIC })).await).expect_problem(400, "/invalid")),
        ["/credentials"]
    );
    let back = note(put(json!({ "strategy": BASIC, "credentials": login() })).await.expect(200)).json();
    assert_eq!((&back["credentials"], &back["optimised"]), (&json!("xxx"), &json!(false)));

    for secret in [ORIGIN_PASSWORD, ORIGIN_USER] {
        assert!(!said.contains(secret), "{said}");
        assert!(!server.log().contains(secret), "{}", server.log());
    }
    let mut files = 0;
    for file in std::fs::read_dir(server.data()).unwrap().filter_map(|f| std::fs::read(f.unwrap().path()).ok()) {
        assert!(!file.windows(ORIGIN_PASSWORD.len()).any(|w| w == ORIGIN_PASSWORD.as_bytes()));
        files += 1;
    }
    assert!(files > 0);
});

contract_test!(the_order_of_rules_decides_over_http, async |server: &mut TestServer| {
    // The most talkative log must not name credentials either.
    server.restart_with(|o| o.environment = vec![("CUSTOMER_API_LOG".to_owned(), "trace".to_owned())]).await;
    let tenant = server.new_customer("harbour").await;
    let (origin, elsewhere) = (Origin::start().await, Origin::start().await);
    origin.picture("a.jpg", 60, 40);
    elsewhere.picture("b.jpg", 60, 40);
    let at = origin.url("basic/a.jpg");
    failed(&ingest(server, &tenant, "none", &at).await, "401");

    let wrong =
        json!({ "regex": "BASIC/", "strategy": BASIC, "credentials": { "user": "x", "password": "y" }, "order": 2 });
    let wrong = link(&create(server, &tenant, &wrong).await, "@id");
    failed(&ingest(server, &tenant, "wrong", &at).await, "check the credentials");
    let right = json!({ "regex": r"/basic\/(?!b)[^/]+(?<!\.tif|\.tiff)$", "strategy": BASIC, "credentials": login(), "order": 1 });
    let right = link(&create(server, &tenant, &right).await, "@id");
    fetched(&ingest(server, &tenant, "right", &at).await);
    // Changing the order changes who is asked first.
    tenant.request(server, "PUT", &wrong).json(&json!({ "order": 0 })).send().await.expect(200);
    failed(&ingest(server, &tenant, "again", &at).await, "check the credentials");
    tenant.request(server, "DELETE", &wrong).send().await;
    fetched(&ingest(server, &tenant, "last", &at).await);

    // Credentials don't follow to another host, and survive a restart.
    create(server, &tenant, &basic("redirect")).await;
    let redirect =
        origin.url(&format!("redirect?to={}", elsewhere.url("b.jpg").replace(':', "%3A").replace('/', "%2F")));
    let before = origin.authorizations().len();
    fetched(&ingest(server, &tenant, "redirected", &redirect).await);
    assert_eq!((origin.authorizations().len(), elsewhere.authorizations().len()), (before + 1, 0));
    server.restart().await;
    fetched(&ingest(server, &tenant, "restarted", &at).await);
    let log = server.log();
    assert!(log.contains("TRACE"));
    for secret in [ORIGIN_PASSWORD, "b3BlbjpzZXNhbWU", "Y29sbGVjdGlvbjpvcGVuOnNlc2FtZQ"] {
        assert!(!log.contains(secret), "{}", log.lines().find(|line| line.contains(secret)).unwrap_or_default());
    }

    // Under another key nothing can be read; setting them again mends it.
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    server.restart_with(|o| o.arguments = ["--secret-key", key, "--adopt"].map(str::to_owned).to_vec()).await;
    failed(&ingest(server, &tenant, "rekeyed", &at).await, "set them again");
    let credentials = format!("{right}/credentials");
    tenant.request(server, "PUT", &credentials).json(&login()).send().await.expect(200);
    fetched(&ingest(server, &tenant, "mended", &at).await);
});

contract_test!(rules_see_origins_as_they_were_registered, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let origin = Origin::start().await;
    origin.picture("a.jpg", 60, 40);
    // The letters as they are, and a host in a spelling that a URL would not keep.
    create(server, &tenant, &basic("name=ü$")).await;
    create(server, &tenant, &basic("^HTTP://0x7f")).await;
    let letters = origin.url("basic/a.jpg?name=ü");
    let spelling = origin.url("basic/a.jpg").replace("127.0.0.1", "0x7f.0.0.1");
    for (id, url) in [("letters", letters), ("spelling", spelling)] {
        let image = ingest(server, &tenant, id, &url).await;
        fetched(&image);
        assert_eq!(image["origin"], url);
    }
    failed(&ingest(server, &tenant, "encoded", &origin.url("basic/a.jpg?name=%C3%BC")).await, "401");
});

contract_test!(objects_are_fetched_from_s3, only sqlite, async |server: &mut TestServer| {
    let s3 = S3::start().await;
    let origin = Origin::start().await;
    origin.picture("a.jpg", 60, 40);
    let picture = reqwest::get(origin.url("a.jpg")).await.unwrap().bytes().await.unwrap();
    s3.put("masters", "plans/a b.jpg", &picture);
    s3.put("masters", "empty.jpg", b"");
    server.restart_with(|o| o.environment = s3.environment()).await;
    let tenant = server.new_customer("harbour").await;
    failed(&ingest(server, &tenant, "none", "s3://masters/plans/a%20b.jpg").await, "No origin strategy matches");
    create(server, &tenant, &json!({ "regex": "s3[:.-]", "strategy": "s3-ambient" })).await;
    for (id, url) in [
        ("house", "s3://masters/plans/a%20b.jpg"),
        ("region", "s3://eu-west-1/masters/plans/a%20b.jpg"),
        ("host", "https://masters.s3.amazonaws.com/plans/a%20b.jpg"),
        ("dashed", "https://s3-eu-west-1.amazonaws.com/masters/plans/a%20b.jpg"),
    ] {
        fetched(&ingest(server, &tenant, id, url).await);
    }
    failed(&ingest(server, &tenant, "missing", "s3://masters/plans/b.jpg").await, "not found in S3");
    failed(&ingest(server, &tenant, "bucket", "s3://no-such-bucket/b.jpg").await, "S3");
    failed(&ingest(server, &tenant, "empty", "s3://masters/empty.jpg").await, "empty");
    failed(&ingest(server, &tenant, "dots", "s3://masters/a//b.jpg").await, "rename the object");
    failed(&ingest(server, &tenant, "keyless", "s3://masters").await, "names no object");
    assert!(!server.log().contains(S3_SECRET));

    server
        .restart_with(|o| {
            for (_, value) in o.environment.iter_mut().filter(|(name, _)| name == "AWS_SECRET_ACCESS_KEY") {
                *value = "wrong".to_owned();
            }
        })
        .await;
    failed(&ingest(server, &tenant, "identity", "s3://masters/plans/a%20b.jpg").await, "may not be read");

    // The bucket of the server's own files is nobody's origin.
    s3.put("own", "prefix/secret.jpg", &picture);
    server
        .restart_with(|o| {
            o.environment = s3.environment();
            o.arguments = ["--objects", "s3://own/prefix", "--adopt"].map(str::to_owned).to_vec();
        })
        .await;
    failed(&ingest(server, &tenant, "own", "s3://own/prefix/secret.jpg").await, "its own files");
});

contract_test!(files_are_fetched_over_sftp, async |server: &mut TestServer| {
    if !Sftp::is_possible() {
        eprintln!("skipped: only root can start a server with a user of its own");
        return;
    }
    let mut sftp = Sftp::start().await;
    let origin = Origin::start().await;
    origin.picture("a.jpg", 60, 40);
    let picture = reqwest::get(origin.url("a.jpg")).await.unwrap().bytes().await.unwrap();
    let at = sftp.put("a b.jpg", &picture).replace(' ', "%20");
    let tenant = server.new_customer("harbour").await;
    failed(&ingest(server, &tenant, "none", &at).await, "No origin strategy matches");

    let rule =
        json!({ "regex": "^sftp://", "strategy": "sftp", "credentials": { "user": ORIGIN_USER, "password": "wrong" } });
    let rule = link(&create(server, &tenant, &rule).await, "@id");
    failed(&ingest(server, &tenant, "refused", &at).await, "check the credentials");
    tenant.request(server, "PUT", &format!("{rule}/credentials")).json(&login()).send().await.expect(200);
    fetched(&ingest(server, &tenant, "fetched", &at).await);
    let folder = at.rsplit_once('/').unwrap().0;
    failed(&ingest(server, &tenant, "missing", &format!("{folder}/missing.jpg")).await, "no file on the server");
    failed(&ingest(server, &tenant, "folder", folder).await, "directory");
    sftp.put("locked.jpg", &picture);
    sftp.lock("locked.jpg");
    failed(&ingest(server, &tenant, "locked", &format!("{folder}/locked.jpg")).await, "may not be read");
    failed(&ingest(server, &tenant, "empty", &sftp.put("empty.jpg", b"")).await, "empty");

    // A server with another key is refused, until the owner of the rule says otherwise.
    sftp.change_host_key().await;
    failed(&ingest(server, &tenant, "changed", &at).await, "another host key");
    tenant.request(server, "PUT", &format!("{rule}/credentials")).json(&login()).send().await.expect(200);
    fetched(&ingest(server, &tenant, "trusted", &at).await);

    // What doesn't speak SSH, and where nobody may go.
    let http = format!("sftp://{}/a.jpg", origin.address());
    failed(&ingest(server, &tenant, "http", &http).await, "SSH");
    server.restart_with(|o| o.origin_allow.clear()).await;
    let answer = tenant.request(server, "PUT", "/spaces/1/images/private").json(&json!({ "origin": at })).send().await;
    answer.expect_problem(400, "/invalid");
    let reingested =
        tenant.request(server, "PUT", "/spaces/1/images/named").json(&json!({ "origin": "sftp://localhost/a" }));
    reingested.send().await.expect_problem(400, "/invalid");
    assert!(!server.log().contains(ORIGIN_PASSWORD));
});
