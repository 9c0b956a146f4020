//! The roles that spaces give their images.

use contract_tests::{Options, Profile, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

const ELSEWHERE: &str = "https://api.dlcs.example/customers/9/roles/reader";

async fn space(server: &TestServer, tenant: &Tenant, body: Value) -> Value {
    tenant.request(server, "POST", "/spaces").json(&body).send().await.expect(201).json()
}

/// The `@id`s of the default roles of a space.
async fn roles(server: &TestServer, tenant: &Tenant, space: &Value) -> Vec<String> {
    let link = space["defaultRoles"].as_str().unwrap();
    ids(&tenant.request(server, "GET", link).send().await.expect(200).json())
}

fn ids(collection: &Value) -> Vec<String> {
    collection["member"].as_array().unwrap().iter().map(|m| m["@id"].as_str().unwrap().to_owned()).collect()
}

contract_test!(spaces_keep_default_roles, profiles, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let own = format!("{}{}", server.base_url(), tenant.path("/roles/clickthrough"));
    let body = json!({ "name": "plans", "defaultRoles": [ELSEWHERE, "ClickThrough"] });
    let made = space(server, &tenant, body).await;
    let uri = made["@id"].as_str().unwrap();
    let link = made["defaultRoles"].as_str().unwrap();
    assert_eq!(link, format!("{uri}/defaultRoles"));
    let list = tenant.request(server, "GET", link).send().await.expect(200).json();
    assert_eq!(list["member"][0], json!({ "@id": ELSEWHERE, "@type": "Role" }));
    let role = tenant.request(server, "GET", &own).send().await.expect(200).json();
    assert_eq!((&list["member"][1]["@id"], &list["member"][1]["name"]), (&role["@id"], &role["name"]));
    assert_eq!(list["member"][1]["authService"], role["authService"]);

    let page = tenant.request(server, "GET", &format!("{link}?pageSize=1")).send().await.expect(200).json();
    let next = page["view"]["next"].as_str().unwrap();
    assert_eq!(ids(&tenant.request(server, "GET", next).send().await.expect(200).json()), std::slice::from_ref(&own));
    let request = tenant.request(server, "GET", &format!("{link}?cursor=WyJ4Il0"));
    request.send().await.expect_problem(400, "/invalid");

    // The link, as it is shown, means no change; leaving it out means none.
    assert_eq!(tenant.request(server, "PUT", uri).json(&made).send().await.expect(200).json(), made);
    let patched = tenant.request(server, "PATCH", uri).json(&json!({ "defaultRoles": link })).send().await;
    patched.expect(if server.profile() == Profile::Today { 200 } else { 205 });
    let path = link.strip_prefix(&server.base_url()).unwrap();
    for spelled in [path.to_owned(), format!("https://api.example.org{path}")] {
        let body = json!({ "name": "plans", "defaultRoles": spelled });
        tenant.request(server, "PUT", uri).json(&body).send().await.expect(200);
    }
    assert_eq!(roles(server, &tenant, &made).await, [ELSEWHERE, &own]);
    tenant.request(server, "PUT", uri).json(&json!({ "name": "plans" })).send().await.expect(200);
    assert_eq!(roles(server, &tenant, &made).await, [""; 0]);

    let request = tenant.request(server, "PATCH", uri).header("prefer", "return=representation");
    request.json(&json!({ "defaultRoles": [own, own] })).send().await.expect(200);
    assert_eq!(roles(server, &tenant, &made).await, std::slice::from_ref(&own));
    tenant
        .request(server, "PUT", uri)
        .json(&json!({ "name": "plans", "defaultRoles": [own] }))
        .send()
        .await
        .expect(200);
    assert_eq!(roles(server, &tenant, &made).await, std::slice::from_ref(&own));
    let request = tenant.request(server, "PATCH", uri).header("prefer", "return=representation");
    request.json(&json!({ "defaultRoles": null })).send().await.expect(200);
    assert_eq!(roles(server, &tenant, &made).await, [""; 0]);

    let faults = [
        ("PATCH", json!({ "defaultRoles": ["none"] }), "/defaultRoles/0"),
        ("PATCH", json!({ "defaultRoles": [format!("{own}2")] }), "/defaultRoles/0"),
        ("PUT", json!({ "name": "plans", "defaultRoles": [ELSEWHERE, format!("{own}2")] }), "/defaultRoles/1"),
        ("PATCH", json!({ "defaultRoles": [ELSEWHERE, "not a role"] }), "/defaultRoles/1"),
        ("PATCH", json!({ "defaultRoles": [7] }), "/defaultRoles/0"),
        ("PATCH", json!({ "defaultRoles": format!("{link}/x") }), "/defaultRoles"),
        ("PUT", json!({ "name": "plans", "defaultRoles": "https://example.org/" }), "/defaultRoles"),
        ("PUT", json!({ "name": "plans", "defaultRoles": vec![ELSEWHERE; 101] }), "/defaultRoles"),
    ];
    for (method, body, pointer) in faults {
        let problem = tenant.request(server, method, uri).json(&body).send().await.expect_problem(400, "/invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let body = json!({ "name": "other", "defaultRoles": link });
    let problem = tenant.request(server, "POST", "/spaces").json(&body).send().await.expect_problem(400, "/invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/defaultRoles");
});

contract_test!(a_default_role_may_stay_when_its_role_is_deleted, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let role = tenant.request(server, "POST", "/roles").json(&json!({ "name": "Staff" })).send().await;
    let role = role.expect(201).json()["@id"].as_str().unwrap().to_owned();
    let made = space(server, &tenant, json!({ "name": "plans", "defaultRoles": [role] })).await;
    tenant.request(server, "DELETE", &role).send().await;
    tenant.request(server, "GET", &role).send().await.expect(404);
    let body = json!({ "name": "plans", "defaultRoles": [ELSEWHERE, role] });
    tenant.request(server, "PUT", made["@id"].as_str().unwrap()).json(&body).send().await.expect(200);
    assert_eq!(roles(server, &tenant, &made).await, [ELSEWHERE, &role]);
    // Once it is taken away it can't come back.
    let body = json!({ "name": "plans", "defaultRoles": [ELSEWHERE] });
    tenant.request(server, "PUT", made["@id"].as_str().unwrap()).json(&body).send().await.expect(200);
    let body = json!({ "defaultRoles": [role] });
    let request = tenant.request(server, "PATCH", made["@id"].as_str().unwrap()).json(&body);
    request.send().await.expect_problem(400, "/invalid");
});

contract_test!(default_roles_are_added_once, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    for name in ["a", "b", "c", "d"] {
        tenant.request(server, "POST", "/roles").json(&json!({ "name": name })).send().await.expect(201);
    }
    let own = |id: &str| format!("{}{}", server.base_url(), tenant.path(&format!("/roles/{id}")));
    let made = space(server, &tenant, json!({ "name": "plans" })).await;
    let link = made["defaultRoles"].as_str().unwrap();
    let add = async |body: Value| tenant.request(server, "POST", link).json(&body).send().await;

    let role = tenant.request(server, "GET", "/roles/a").send().await.expect(200).json();
    assert_eq!(ids(&add(role).await.expect(200).json()), [own("a")]);
    assert_eq!(ids(&add(json!({ "@id": own("A") })).await.expect(200).json()), [own("a")]);
    let collection =
        json!({ "@type": "Collection", "@id": link, "member": [{ "@id": own("b"), "@type": "Role" }, "a"] });
    assert_eq!(ids(&add(collection).await.expect(200).json()), [own("a"), own("b")]);
    let list = json!([tenant.path("/roles/c"), { "@id": ELSEWHERE }]);
    let four = [own("a"), own("b"), own("c"), ELSEWHERE.to_owned()];
    let answer = add(list).await.expect(200).json();
    assert_eq!((&answer["totalItems"], ids(&answer)), (&json!(4), four.to_vec()));
    // What was answered can be sent back.
    assert_eq!(ids(&add(answer).await.expect(200).json()), four);
    assert_eq!(roles(server, &tenant, &made).await, four);

    let faults = [
        (json!({ "member": ["d", own("none"), "none"] }), vec!["/member/1", "/member/2"]),
        (json!({ "@id": "none" }), vec!["/@id"]),
        (json!({ "@id": "not a role" }), vec!["/@id"]),
        (json!({ "member": ["d", "neither/path/nor/id", ELSEWHERE] }), vec!["/member/1"]),
        (json!({}), vec!["/member"]),
        (json!([7]), vec!["/member/0"]),
        (json!({ "@type": "Space", "@id": "d" }), vec!["/@type"]),
    ];
    for (body, pointers) in faults {
        let problem = add(body).await.expect_problem(400, "/invalid");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.iter().map(|e| e["pointer"].as_str().unwrap()).collect::<Vec<_>>(), pointers);
    }
    add(json!("d")).await.expect_problem(400, "/invalid");
    let many: Vec<String> = (0..97).map(|i| format!("{ELSEWHERE}{i}")).collect();
    add(json!({ "member": many })).await.expect_problem(400, "/invalid");
    assert_eq!(roles(server, &tenant, &made).await, four);
    tenant.request(server, "POST", "/spaces/99/defaultRoles").json(&json!(["a"])).send().await.expect(404);
    tenant.request(server, "GET", "/spaces/99/defaultRoles").send().await.expect(404);
});

contract_test!(
    images_get_default_roles_when_they_are_registered,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let own = format!("{}{}", server.base_url(), tenant.path("/roles/clickthrough"));
        let made = space(server, &tenant, json!({ "name": "plans", "defaultRoles": ["clickthrough"] })).await;
        let number = &made["id"];
        let image = |id: &str| json!({ "id": id, "space": number, "origin": format!("https://example.org/{id}.jpg") });
        let mut open = image("open");
        open["roles"] = json!([]);
        let batch = json!({ "member": [image("closed"), open] });
        tenant.request(server, "POST", "/queue").json(&batch).send().await.expect(201);
        let shown = async |id: &str| {
            let path = format!("/spaces/{number}/images/{id}");
            tenant.request(server, "GET", &path).send().await.expect(200).json()["roles"].clone()
        };
        assert_eq!(shown("closed").await, json!([own]));
        assert_eq!(shown("open").await, json!([]));

        // Neither another default nor the end of the role changes what is there.
        let link = made["defaultRoles"].as_str().unwrap();
        tenant.request(server, "POST", link).json(&json!([ELSEWHERE])).send().await.expect(200);
        tenant.request(server, "DELETE", "/roles/clickthrough").send().await.expect(205);
        assert_eq!(shown("closed").await, json!([own]));
        let list = tenant.request(server, "GET", link).send().await.expect(200).json();
        assert_eq!(list["member"][0], json!({ "@id": own, "@type": "Role" }));
        let uri = made["@id"].as_str().unwrap();
        tenant.request(server, "PUT", uri).json(&json!({ "name": "plans" })).send().await.expect(200);
        assert_eq!(shown("closed").await, json!([own]));
    }
);

contract_test!(roles_of_other_customers_are_as_unknown_as_none, async |server: &mut TestServer| {
    let (tenant, other) = (server.new_customer("harbour").await, server.new_customer("quay").await);
    let foreign = format!("{}{}", server.base_url(), other.path("/roles/clickthrough"));
    let made = space(server, &tenant, json!({ "name": "plans" })).await;
    let (uri, link) = (made["@id"].as_str().unwrap(), made["defaultRoles"].as_str().unwrap());
    let entry = server.base_url();
    let requests = [
        ("POST", "/spaces", json!({ "name": "maps", "defaultRoles": [foreign] }), "/defaultRoles/0"),
        ("PUT", uri, json!({ "name": "plans", "defaultRoles": [ELSEWHERE, foreign] }), "/defaultRoles/1"),
        ("PATCH", uri, json!({ "defaultRoles": [foreign] }), "/defaultRoles/0"),
        ("PATCH", uri, json!({ "defaultRoles": [entry] }), "/defaultRoles/0"),
        ("POST", link, json!({ "@id": foreign }), "/@id"),
        ("POST", link, json!([ELSEWHERE, foreign]), "/member/1"),
    ];
    for (method, path, body, pointer) in requests {
        let problem = tenant.request(server, method, path).json(&body).send().await.expect_problem(400, "/invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("The customer has no role"), "{problem}");
    }
    assert_eq!(roles(server, &tenant, &made).await, [""; 0]);
});

contract_test!(a_role_is_given_once_however_it_is_spelt, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let own = |id: &str| format!("{}{}", server.base_url(), tenant.path(&format!("/roles/{id}")));
    let spelt = json!([own("CLICKTHROUGH"), "clickTHROUGH", tenant.path("/roles/clickthrough"), own("clickthrough")]);
    let made = space(server, &tenant, json!({ "name": "plans", "defaultRoles": spelt })).await;
    let uri = made["@id"].as_str().unwrap();
    assert_eq!(roles(server, &tenant, &made).await, [own("clickthrough")]);
    let put = async || {
        let body = json!({ "name": "plans", "defaultRoles": spelt });
        tenant.request(server, "PUT", uri).json(&body).send().await.expect(200);
        roles(server, &tenant, &made).await
    };
    assert_eq!(put().await, [own("clickthrough")]);
    // One that stays although its role was deleted is found in any spelling too.
    tenant.request(server, "DELETE", "/roles/clickthrough").send().await.expect(205);
    assert_eq!(put().await, [own("clickthrough")]);

    // An image keeps its roles as they were sent; as resources each is one.
    tenant.request(server, "PUT", "/roles/clickthrough").json(&json!({ "name": "again" })).send().await.expect(201);
    let image = json!({ "origin": "http://127.0.0.1:9/a.jpg", "roles": [own("CLICKTHROUGH"), own("clickthrough")] });
    let image = tenant.request(server, "PUT", &format!("{uri}/images/a")).json(&image).send().await.expect(201).json();
    let link = format!("{}/roles", image["@id"].as_str().unwrap());
    let shown = tenant.request(server, "GET", &link).send().await.expect(200).json();
    assert_eq!((&shown["totalItems"], ids(&shown)), (&json!(1), vec![own("clickthrough")]));
});
