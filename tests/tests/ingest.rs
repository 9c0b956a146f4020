//! Ingest: pictures of every kind, origins of every kind.

use std::io::Cursor;

use contract_tests::{Options, Origin, Profile, TestServer, contract_test, eventually, files};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::registered::{PATIENCE, counts, finished, ids, image, link, space, stored, submit, view};

fn with(arguments: &[&str]) -> Options {
    Options { arguments: arguments.iter().map(|&a| a.to_owned()).collect(), ..Options::default() }
}

/// A JPEG whose left half is red and whose right half is blue, stored turned: with this EXIF
/// orientation (1 to 8).
fn turned(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let picture =
        RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) });
    let mut jpeg = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut jpeg, ImageFormat::Jpeg).expect("a picture can be encoded");
    let jpeg = jpeg.into_inner();
    // Little-endian TIFF with one entry: tag 0x0112, type SHORT, count 1.
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).expect("a short segment");
    let mut whole = jpeg[..2].to_vec();
    whole.extend([0xFF, 0xE1]);
    whole.extend(length.to_be_bytes());
    whole.extend(exif);
    whole.extend(&jpeg[2..]);
    whole
}

/// The pixels behind a link, which must be a JPEG.
async fn pixels(server: &TestServer, link: &str) -> RgbImage {
    let answer = server.get(link).send().await.expect(200);
    assert_eq!(answer.must_header("content-type"), "image/jpeg");
    image::load_from_memory_with_format(&answer.body, ImageFormat::Jpeg).expect("a JPEG").to_rgb8()
}

/// Asks for every size an image offers and compares it with what is offered; the offered sizes.
pub(crate) async fn check_sizes(server: &TestServer, image: &Value) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    for member in ["imageService", "thumbnailImageService"] {
        let service = link(image, member);
        let info = server.get(&format!("{service}/info.json")).send().await.expect(200).json();
        assert_eq!(info["id"], service);
        assert_eq!((&info["width"], &info["height"]), (&image["width"], &image["height"]));
        found.clear();
        for size in info["sizes"].as_array().unwrap() {
            let [width, height] = ["width", "height"].map(|side| u32::try_from(size[side].as_u64().unwrap()).unwrap());
            let picture = pixels(server, &format!("{service}/full/{width},{height}/0/default.jpg")).await;
            assert_eq!(picture.dimensions(), (width, height));
            found.push((width, height));
        }
    }
    found
}

contract_test!(pictures_of_every_format_become_thumbnails, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    type Sizes = &'static [(u32, u32)];
    let pictures: [(&str, u32, u32, Sizes); 7] = [
        ("wide.jpg", 1500, 1000, &[(100, 67), (200, 133), (400, 267), (1024, 683)]),
        ("tall.png", 300, 900, &[(33, 100), (67, 200), (133, 400), (300, 900)]),
        ("square.gif", 400, 400, &[(100, 100), (200, 200), (400, 400)]),
        ("small.webp", 150, 90, &[(100, 60), (150, 90)]),
        ("tiff.tif", 640, 480, &[(100, 75), (200, 150), (400, 300), (640, 480)]),
        ("tiny.png", 3, 2, &[(3, 2)]),
        ("line.jpg", 1200, 1, &[(100, 1), (200, 1), (400, 1), (1024, 1)]),
    ];
    let mut members: Vec<Value> = pictures
        .iter()
        .map(|(name, width, height, _)| json!({ "id": name, "space": space, "origin": origin.picture(name, *width, *height) }))
        .collect();
    // The bytes decide, not what the origin or the client says.
    origin.picture("lying.png", 250, 125);
    members.push(
        json!({ "id": "lying", "space": space, "origin": origin.url("as-text/lying.png"), "mediaType": "image/jp2" }),
    );
    let batch = submit(server, &tenant, members).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [8, 8, 0]);
    let mut bytes = 0;
    for (name, width, height, sizes) in pictures {
        let image = image(server, &tenant, space, name).await;
        assert_eq!((&image["width"], &image["height"]), (&json!(width), &json!(height)), "{name}");
        assert_eq!(check_sizes(server, &image).await, sizes, "{name}");
        let within = sizes.iter().rfind(|(w, h)| w.max(h) <= &400).unwrap();
        assert_eq!(pixels(server, link(&image, "thumbnail400")).await.dimensions(), *within, "{name}");
        let storage = view(server, &tenant, link(&image, "storage")).await;
        assert_eq!(storage["size"], origin.size(name), "{name}");
        assert!(storage["thumbnailSize"].as_i64().unwrap() > 0);
        bytes += origin.size(name);
    }
    let lying = image(server, &tenant, space, "lying").await;
    assert_eq!((&lying["width"], &lying["mediaType"]), (&json!(250), &json!("image/jp2")));
    bytes += origin.size("lying.png");
    let storage = view(server, &tenant, "/storage").await;
    assert_eq!(storage["totalSizeOfStoredImages"], bytes);
    assert_eq!(view(server, &tenant, &format!("/spaces/{space}/storage")).await["totalSizeOfStoredImages"], bytes);
});

contract_test!(jpeg_2000_is_decoded, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let file = include_bytes!("../fixtures/quarters.jp2");
    let start = file.windows(4).position(|bytes| bytes == b"\xff\x4f\xff\x51").expect("a codestream");
    // The file, and the bare codestream in it.
    let origins = [("a.jp2", &file[..]), ("a.j2k", &file[start..])];
    let members =
        origins.map(|(name, bytes)| json!({ "id": name, "space": space, "origin": origin.bytes(name, bytes) }));
    let batch = submit(server, &tenant, members.to_vec()).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [2, 2, 0]);
    for (name, _) in origins {
        let image = image(server, &tenant, space, name).await;
        assert_eq!((&image["width"], &image["height"]), (&json!(240), &json!(160)), "{name}");
        assert_eq!(image["mediaType"], "image/jp2", "{name}");
        assert_eq!(check_sizes(server, &image).await, [(100, 67), (200, 133), (240, 160)], "{name}");
        let shown = pixels(server, link(&image, "thumbnail400")).await;
        for (x, y, color) in [(60, 40, [200, 30, 30]), (180, 40, [30, 160, 60]), (60, 120, [30, 60, 200])] {
            let found = shown.get_pixel(x, y).0;
            assert!(found.iter().zip(color).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 8), "{name}: {found:?} at {x},{y}");
        }
    }
});

contract_test!(pictures_stand_the_way_their_camera_says, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let name = |orientation: u8| format!("turned-{orientation}.jpg");
    let members = (1..=8).map(|orientation| {
        let url = origin.bytes(&name(orientation), turned(300, 200, orientation));
        json!({ "id": name(orientation), "space": space, "origin": url })
    });
    let batch = submit(server, &tenant, members.collect()).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [8, 8, 0]);
    for orientation in 1..=8_u8 {
        let image = image(server, &tenant, space, &name(orientation)).await;
        let (width, height) = if orientation < 5 { (300, 200) } else { (200, 300) };
        assert_eq!((&image["width"], &image["height"]), (&json!(width), &json!(height)), "{orientation}");
        let shown = pixels(server, link(&image, "thumbnail400")).await;
        let (w, h) = shown.dimensions();
        // Where the red half, stored on the left, must be seen.
        let red = match orientation {
            1 | 4 => (w / 4, h / 2),
            2 | 3 => (3 * w / 4, h / 2),
            5 | 6 => (w / 2, h / 4),
            _ => (w / 2, 3 * h / 4),
        };
        let [r, _, b] = shown.get_pixel(red.0, red.1).0;
        assert!(r > 150 && b < 100, "orientation {orientation}: {r} {b} at {red:?} of {w}×{h}");
    }
});

contract_test!(
    bad_origins_give_errors_that_people_understand,
    options = with(&["--origin-timeout", "3", "--origin-max-bytes", "3000000"]),
    async |server: &mut TestServer| {
        let origin = Origin::start().await;
        let tenant = server.new_customer("harbour").await;
        let space = space(server, &tenant, "plans").await;
        for name in ["good.jpg", "good.png", "silent.jpg"] {
            origin.picture(name, 400, 300);
        }
        origin.hold("silent.jpg");
        let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let cases = [
            ("missing", "404"),
            ("error", "500"),
            ("page.html", "HTML"),
            ("empty.jpg", "empty"),
            ("truncated/good.jpg", ""),
            ("truncated/good.png", ""),
            ("huge.png", "60000"),
            ("slow", "too long"),
            ("silent.jpg", "too long"),
            ("endless", "larger than 3000000 bytes"),
            ("basic/good.jpg", "401"),
            ("redirect-private", "10.0.0.1"),
            ("redirect-metadata", "169.254.169.254"),
            ("redirect-loop", "more than 5 times"),
            ("redirect?to=ftp%3A%2F%2Fexample.org%2Fa", "scheme"),
        ];
        let mut members: Vec<Value> = cases
            .iter()
            .enumerate()
            .map(|(i, (path, _))| json!({ "id": format!("bad-{i:02}"), "space": space, "origin": origin.url(path) }))
            .collect();
        members.push(json!({ "id": "closed", "space": space, "origin": format!("http://{nowhere}/a.jpg") }));
        members.push(json!({ "id": "good", "space": space, "origin": origin.url("good.jpg") }));
        let redirected = format!("redirect?to={}", crate::registered::encoded(&origin.url("good.jpg")));
        members.push(json!({ "id": "moved", "space": space, "origin": origin.url(&redirected) }));
        let batch = submit(server, &tenant, members).await;
        let done = finished(server, &tenant, &batch).await;
        assert_eq!(counts(&done), [18, 2, 16]);
        let completed = view(server, &tenant, link(&done, "completedImages")).await;
        assert_eq!(ids(&completed), ["good", "moved"]);
        assert_eq!(view(server, &tenant, link(&done, "errorImages")).await["totalItems"], 16);
        for (i, (path, part)) in cases.iter().enumerate() {
            let image = image(server, &tenant, space, &format!("bad-{i:02}")).await;
            let error = link(&image, "error");
            assert!(error.contains(part) && error.ends_with('.') && error.len() > 20, "{path}: {error}");
            for absent in ["width", "height", "imageService", "infoJson", "thumbnail400", "thumbnailImageService"] {
                assert!(image.get(absent).is_none(), "{path}: {absent}");
            }
            assert!(image["ingesting"] == false && image.get("finished").is_some(), "{path}");
            assert_eq!(view(server, &tenant, link(&image, "storage")).await["size"], 0, "{path}");
        }
        origin.release("silent.jpg");
        let queue = view(server, &tenant, "/queue").await;
        assert_eq!(queue["size"], 0);
        // Nothing of what failed is kept, whole or in part.
        assert_eq!(files(&server.data().join("scratch")).len(), 0);
        assert_eq!(stored(server), 2 * 4, "two originals with three thumbnails each");
        // A picture that was good once stays as it was, with the error beside.
        let body = json!({ "origin": origin.url("missing") });
        let put = tenant.request(server, "PUT", &format!("/spaces/{space}/images/good")).json(&body).send().await;
        let failed = put.expect(200).json();
        assert!(link(&failed, "error").contains("404") && failed.get("thumbnail400").is_none(), "{failed}");
        assert_eq!(failed["width"], 400);
        let body = json!({ "origin": origin.url("good.png") });
        let put = tenant.request(server, "PUT", &format!("/spaces/{space}/images/good")).json(&body).send().await;
        assert_eq!(put.expect(200).json()["error"], "");
    }
);

contract_test!(storage_returns_to_zero, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = |id: &str| format!("/spaces/{space}/images/{id}");
    let member =
        |id: &str| json!({ "id": id, "space": space, "origin": origin.picture(&format!("{id}.jpg"), 300, 200) });
    let batch = submit(server, &tenant, ["a", "b", "c"].map(member).to_vec()).await;
    finished(server, &tenant, &batch).await;
    let before = view(server, &tenant, "/storage").await;
    for _ in 0..2 {
        let body = json!({ "origin": origin.url("a.jpg") });
        tenant.request(server, "PUT", &path("a")).json(&body).send().await.expect(200);
    }
    let after = view(server, &tenant, "/storage").await;
    for name in ["numberOfStoredImages", "totalSizeOfStoredImages", "totalSizeOfThumbnails"] {
        assert_eq!(before[name], after[name], "a repeated PUT counts once: {name}");
    }
    assert_eq!(stored(server), 3 * 4);
    for id in ["a", "b", "c"] {
        tenant.request(server, "DELETE", &path(id)).send().await.expect(205);
    }
    for path in ["/storage".to_owned(), format!("/spaces/{space}/storage")] {
        let storage = view(server, &tenant, &path).await;
        for name in ["numberOfStoredImages", "totalSizeOfStoredImages", "totalSizeOfThumbnails"] {
            assert_eq!(storage[name], 0, "{path}: {name}");
        }
    }
    assert_eq!(stored(server), 0);
});

contract_test!(a_patch_reprocesses_only_what_needs_it, profiles, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/a");
    let members = vec![
        json!({ "id": "a", "space": space, "origin": origin.picture("a.jpg", 300, 200) }),
        json!({ "id": "b", "space": space, "origin": origin.url("missing") }),
    ];
    let batch = submit(server, &tenant, members).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [2, 1, 1]);
    let before = image(server, &tenant, space, "a").await;
    let done = if server.profile() == Profile::Seed { 205 } else { 200 };
    let changes = [
        json!({ "string1": "x", "roles": ["urn:r"], "tags": ["t"], "number3": 4, "mediaType": "image/png" }),
        json!({ "origin": origin.url("a.jpg"), "string1": "y" }),
        json!({ "roles": [] }),
        json!({}),
    ];
    for change in changes {
        tenant.request(server, "PATCH", &path).json(&change).send().await.expect(done);
        let after = image(server, &tenant, space, "a").await;
        assert_eq!((&after["finished"], &after["ingesting"]), (&before["finished"], &json!(false)), "{change}");
    }
    assert_eq!(origin.hits("a.jpg"), 1);

    let again = json!({ "origin": origin.picture("taller.jpg", 200, 500) });
    tenant.request(server, "PATCH", &path).json(&again).send().await.expect(done);
    let after = eventually(PATIENCE, "the new origin is ingested", async || {
        let now = image(server, &tenant, space, "a").await;
        (now["ingesting"] == false).then_some(now)
    })
    .await;
    assert_eq!((&after["width"], &after["height"], &after["string1"]), (&json!(200), &json!(500), &json!("y")));
    assert_eq!(after["batch"], before["batch"]);
    assert_eq!(check_sizes(server, &after).await.last(), Some(&(200, 500)));
    // The batch counts each of its images once, as it is now.
    assert_eq!(counts(&view(server, &tenant, link(&batch, "@id")).await), [2, 1, 1]);
    let mended = json!({ "origin": origin.url("a.jpg") });
    tenant.request(server, "PATCH", &format!("/spaces/{space}/images/b")).json(&mended).send().await.expect(done);
    eventually(PATIENCE, "the other is mended", async || {
        (image(server, &tenant, space, "b").await["ingesting"] == false).then_some(())
    })
    .await;
    assert_eq!(counts(&view(server, &tenant, link(&batch, "@id")).await), [2, 2, 0]);
});

contract_test!(channels_decide_what_is_made, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let url = origin.picture("a.jpg", 300, 200);
    let member =
        |id: &str, channels: Value| json!({ "id": id, "space": space, "origin": url, "deliveryChannels": channels });
    let mut first = json!({ "id": "first", "space": space, "origin": origin.url("missing") });
    first["initialOrigin"] = json!(url);
    let members = vec![
        member("none", json!(["none"])),
        member("file", json!(["file"])),
        member("thumbs", json!([{ "channel": "thumbs" }])),
        first,
        json!({ "id": "text", "space": space, "origin": origin.url("page.html"), "mediaType": "text/html", "family": "F" }),
    ];
    let batch = submit(server, &tenant, members).await;
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [5, 5, 0]);
    for (id, width, stored) in [
        ("none", json!(null), false),
        ("file", json!(null), true),
        ("thumbs", json!(300), true),
        ("first", json!(300), true),
        ("text", json!(null), true),
    ] {
        let image = image(server, &tenant, space, id).await;
        assert_eq!(image["width"], width, "{id}");
        let size = view(server, &tenant, link(&image, "storage")).await["size"].as_i64().unwrap();
        assert_eq!(size > 0, stored, "{id}");
        assert_eq!(image.get("thumbnail400").is_some(), width == 300, "{id}");
        assert!(image.get("initialOrigin").is_none());
    }
});

contract_test!(what_is_not_to_be_delivered_any_more_goes, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let path = format!("/spaces/{space}/images/a");
    let url = origin.picture("a.jpg", 300, 200);
    let member = json!({ "id": "a", "space": space, "origin": url });
    let batch = submit(server, &tenant, vec![member]).await;
    finished(server, &tenant, &batch).await;
    let before = image(server, &tenant, space, "a").await;
    server.get(link(&before, "thumbnail400")).send().await.expect(200);
    // By PATCH, which goes on after its answer, and by PUT.
    for round in 0..2 {
        let none = json!({ "origin": url, "deliveryChannels": ["none"] });
        if round == 0 {
            tenant.request(server, "PATCH", &path).json(&none).send().await.expect(205);
        } else {
            tenant.request(server, "PUT", &path).json(&none).send().await.expect(200);
        }
        let after = eventually(PATIENCE, "it has been registered without delivery", async || {
            let now = image(server, &tenant, space, "a").await;
            (now["ingesting"] == false).then_some(now)
        })
        .await;
        assert_eq!((&after["error"], &after["deliveryChannels"]), (&json!(""), &json!([{ "channel": "none" }])));
        for absent in ["width", "height", "imageService", "infoJson", "thumbnail400", "thumbnailImageService"] {
            assert!(after.get(absent).is_none(), "{absent}");
        }
        for member in ["thumbnail400", "imageService", "thumbnailImageService"] {
            server.get(link(&before, member)).send().await.expect_problem(404, "");
        }
        let own = view(server, &tenant, link(&after, "storage")).await;
        assert_eq!((&own["size"], &own["thumbnailSize"]), (&json!(0), &json!(0)));
        for path in ["/storage".to_owned(), format!("/spaces/{space}/storage")] {
            let held = view(server, &tenant, &path).await;
            let numbers = ["numberOfStoredImages", "totalSizeOfStoredImages", "totalSizeOfThumbnails"];
            assert_eq!(numbers.map(|name| held[name].as_i64().unwrap()), [1, 0, 0], "{path}");
        }
        assert_eq!(stored(server), 0);
        if round == 0 {
            assert_eq!(counts(&view(server, &tenant, link(&batch, "@id")).await), [1, 1, 0]);
            let again = json!({ "origin": url });
            let put = tenant.request(server, "PUT", &path).json(&again).send().await.expect(200).json();
            assert_eq!(put["width"], 300);
            server.get(link(&put, "thumbnail400")).send().await.expect(200);
        }
    }
});
