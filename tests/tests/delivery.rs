//! What the links of an image point at: services, descriptions, pixels, and who may have them.

use contract_tests::{Origin, Tenant, TestServer, contract_test};
use serde_json::{Value, json};

use crate::registered::{link, pointers, space};

/// A 300 × 200 picture, ingested.
async fn picture(server: &TestServer, tenant: &Tenant, origin: &Origin, more: Value) -> Value {
    let space = space(server, tenant, "plans").await;
    let mut body = json!({ "origin": origin.picture("a.jpg", 300, 200) });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let put = tenant.request(server, "PUT", &format!("/spaces/{space}/images/a")).json(&body).send().await;
    put.expect(201).json()
}

const SERVICES: [&str; 2] = ["imageService", "thumbnailImageService"];

/// What there is under a service, the last of them pixels.
fn parts(service: &str) -> [String; 3] {
    [service.to_owned(), format!("{service}/info.json"), format!("{service}/full/max/0/default.jpg")]
}

contract_test!(an_open_image_is_for_everybody, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let image = picture(server, &tenant, &origin, json!({})).await;
    for service in SERVICES.map(|member| link(&image, member)) {
        let [base, info, max] = parts(service);
        let to = server.get(&base).send().await.expect(303);
        assert_eq!(to.must_header("location"), info);
        let answer = server.get(&info).send().await.expect(200);
        let profile = "application/ld+json;profile=\"http://iiif.io/api/image/3/context.json\"";
        assert_eq!(answer.must_header("content-type"), profile);
        let plain = server.get(&info).header("accept", "application/json").send().await.expect(200);
        assert_eq!(plain.must_header("content-type"), "application/json");
        let described = answer.json();
        assert_eq!(described["@context"], "http://iiif.io/api/image/3/context.json");
        assert_eq!((&described["type"], &described["profile"]), (&json!("ImageService3"), &json!("level0")));
        assert_eq!((&described["maxWidth"], &described["maxHeight"]), (&json!(300), &json!(200)));
        let sizes = [(100, 67), (200, 133), (300, 200)].map(|(w, h)| json!({ "width": w, "height": h }));
        assert_eq!(described["sizes"], json!(sizes));
        let etag = answer.must_header("etag").to_owned();
        server.get(&info).header("if-none-match", &etag).send().await.expect(304);

        for size in ["max", "300,200", "300,", ",200", "!300,200", "!400,400"] {
            let got = server.get(&format!("{service}/full/{size}/0/default.jpg")).send().await.expect(200);
            assert_eq!(got.must_header("content-type"), "image/jpeg");
            assert_eq!(image::load_from_memory(&got.body).unwrap().width(), 300, "{size}");
        }
        let got = server.get(&max).send().await.expect(200);
        let etag = got.must_header("etag").to_owned();
        assert!(got.must_header("cache-control").contains("public"), "{got}");
        server.get(&max).header("if-none-match", &etag).send().await.expect(304);

        let wrong = [
            ("full/299,200/0/default.jpg", "size"),
            ("full/600,400/0/default.jpg", "size"),
            ("full/^max/0/default.jpg", "size"),
            ("full/pct:50/0/default.jpg", "size"),
            ("0,0,10,10/max/0/default.jpg", "region"),
            ("full/max/90/default.jpg", "rotation"),
            ("full/max/0/default.png", "quality"),
            ("full/max/0/gray.jpg", "quality"),
        ];
        for (path, pointer) in wrong {
            let problem = server.get(&format!("{service}/{path}")).send().await.expect_problem(400, "/invalid");
            assert_eq!(pointers(&problem), [pointer], "{path}");
        }
        for path in parts(service) {
            let problem = server.get(&format!("{path}?colour=red")).send().await.expect_problem(400, "/invalid");
            assert_eq!(pointers(&problem), ["colour"]);
        }
    }
});

contract_test!(an_image_with_roles_is_for_its_customer, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let (tenant, other) = (server.new_customer("harbour").await, server.new_customer("other").await);
    // A role that exists nowhere closes as well as any other.
    let image = picture(server, &tenant, &origin, json!({ "roles": ["https://roles.example/gone"] })).await;
    for path in SERVICES.iter().flat_map(|member| parts(link(&image, member))) {
        let anonymous = server.get(&path).send().await;
        assert!(anonymous.must_header("www-authenticate").starts_with("Basic"), "{anonymous}");
        anonymous.expect_problem(401, "");
        server.get(&path).auth(&other.credentials).send().await.expect_problem(403, "");
        let mine = server.get(&path).auth(&tenant.credentials).send().await;
        assert!(matches!(mine.status, 200 | 303), "{mine}");
        assert!(mine.header("cache-control").is_none_or(|value| !value.contains("public")), "{mine}");
        let administrator = server.get(&path).auth(&server.admin()).send().await;
        assert!(matches!(administrator.status, 200 | 303), "{administrator}");
    }
    // Opened, it is open at once; deleted, it is gone for everyone.
    let id = link(&image, "@id");
    tenant.request(server, "PATCH", id).json(&json!({ "roles": [] })).send().await.expect(205);
    let last = &parts(link(&image, "imageService"))[2];
    server.get(last).send().await.expect(200);
    tenant.request(server, "DELETE", id).send().await.expect(205);
    for path in SERVICES.iter().flat_map(|member| parts(link(&image, member))) {
        server.get(&path).send().await.expect_problem(404, "");
        server.get(&path).auth(&tenant.credentials).send().await.expect_problem(404, "");
    }
});

contract_test!(a_limit_closes_what_is_larger, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let image = picture(server, &tenant, &origin, json!({ "maxUnauthorised": 150 })).await;
    let service = link(&image, "imageService");
    let sizes = async |credentials: Option<&contract_tests::Credentials>| {
        let request = server.get(&format!("{service}/info.json"));
        let request = credentials.map_or_else(|| server.get(&format!("{service}/info.json")), |c| request.auth(c));
        request.send().await.expect(200).json()["sizes"].as_array().unwrap().len()
    };
    assert_eq!((sizes(None).await, sizes(Some(&tenant.credentials)).await), (1, 3));
    let large = format!("{service}/full/200,133/0/default.jpg");
    server.get(&large).send().await.expect_problem(400, "/invalid");
    let mine = server.get(&large).auth(&tenant.credentials).send().await.expect(200);
    assert_eq!(mine.must_header("cache-control"), "private, max-age=3600");
    server.get(&format!("{service}/full/max/0/default.jpg")).send().await.expect(200);
    let closed = json!({ "maxUnauthorised": 0 });
    tenant.request(server, "PATCH", link(&image, "@id")).json(&closed).send().await.expect(205);
    server.get(&large).send().await.expect_problem(401, "");
    let mine = server.get(&large).auth(&tenant.credentials).send().await.expect(200);
    assert_eq!(mine.must_header("cache-control"), "private, max-age=3600");
});

contract_test!(an_image_between_the_usual_sizes_has_its_own, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let put = async |id: &str, url: String, more: Value| {
        let mut body = json!({ "origin": url });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = tenant.request(server, "PUT", &format!("/spaces/{space}/images/{id}")).json(&body).send().await;
        answer.expect(201).json()
    };
    let shown = async |link: &str| {
        let got = server.get(link).send().await.expect(200);
        let picture = image::load_from_memory(&got.body).unwrap();
        (picture.width(), picture.height())
    };
    let small = put("small", origin.picture("small.png", 300, 399), json!({})).await;
    assert_eq!(shown(link(&small, "thumbnail400")).await, (300, 399));

    let large = put("large", origin.picture("large.jpg", 1000, 800), json!({})).await;
    let service = link(&large, "imageService");
    for size in ["max", "1000,800", "!1024,1024"] {
        assert_eq!(shown(&format!("{service}/full/{size}/0/default.jpg")).await, (1000, 800), "{size}");
    }
    assert_eq!(shown(link(&large, "thumbnail400")).await, (400, 320));

    // What is open is never larger than it may be.
    let limited = put("limited", origin.url("large.jpg"), json!({ "maxUnauthorised": 999 })).await;
    let service = link(&limited, "imageService");
    let info = server.get(&format!("{service}/info.json")).send().await.expect(200).json();
    assert_eq!((&info["width"], &info["maxWidth"], &info["maxHeight"]), (&json!(1000), &json!(400), &json!(320)));
    let max = format!("{service}/full/max/0/default.jpg");
    assert_eq!(shown(&max).await, (400, 320));
    server.get(&format!("{service}/full/1000,800/0/default.jpg")).send().await.expect_problem(400, "/invalid");
    let own = server.get(&max).auth(&tenant.credentials).send().await.expect(200);
    assert_eq!(image::load_from_memory(&own.body).unwrap().width(), 1000);
});

contract_test!(what_is_not_there_is_not_found, async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let body = json!({ "origin": "http://127.0.0.1:1/a.jpg" });
    tenant.request(server, "PUT", &format!("/spaces/{space}/images/failed")).json(&body).send().await.expect(201);
    for kind in ["iiif-img", "thumbs"] {
        for image in
            [format!("{}/{space}/failed", tenant.id), format!("{}/{space}/none", tenant.id), "999/1/a".to_owned()]
        {
            for path in parts(&format!("/{kind}/{image}")) {
                server.get(&path).send().await.expect_problem(404, "");
            }
        }
    }
});
