//! The generated client against the real server, and against servers that answer oddly.

use std::time::Duration;

use bytes::Bytes;
use contract_tests::customer_client::{Client, Credentials, Failure, types};
use contract_tests::proxy::stand_in;
use contract_tests::{Options, Origin, TestServer, contract_test};
use futures::TryStreamExt as _;
use hyper::Response;
use hyper::header::HeaderValue;

/// The number a URI ends in.
fn number(iri: &str) -> i64 {
    iri.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a number at the end")
}

fn registration(space: i64, id: String, origin: String) -> types::ImageRegistration {
    let member = types::ImageRegistration::builder().space(space).id(id).origin(origin);
    types::ImageRegistration::try_from(member).expect("a registration")
}

contract_test!(a_batch_is_registered_watched_and_read, profiles, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let customer = i64::try_from(tenant.id).unwrap();
    let client = server.client(&tenant.credentials);
    let space = client.space_create().customer(customer).body_map(|space| space.name("plans"));
    let space = number(&space.send().await.unwrap().into_inner().iri);

    let mut members: Vec<_> =
        (0..7).map(|i| registration(space, format!("p{i}"), origin.picture(&format!("p{i}.jpg"), 120, 80))).collect();
    members.push(registration(space, "bad".into(), origin.url("missing")));
    let batch = client.queue_create().customer(customer).body_map(|batch| batch.member(members));
    let batch = number(&batch.send().await.unwrap().into_inner().iri);
    let mut seen = Vec::new();
    let progress = |batch: &types::Batch| seen.push(batch.completed + batch.errors);
    let done = client.wait_for_batch(customer, batch, Duration::from_secs(60), progress).await.unwrap();
    assert_eq!((done.count, done.completed, done.errors), (8, 7, 1));
    assert_eq!(seen.last(), Some(&8));
    assert!(seen.is_sorted(), "{seen:?}");

    // Three to a page, and so three pages.
    let first = client.image_list().customer(customer).space(space).page_size(3_i64).order_by_descending("id").send();
    let images: Vec<types::Image> = client.follow(first).try_collect().await.unwrap();
    let names: Vec<&str> = images.iter().map(|image| image.id.as_str()).collect();
    assert_eq!(names, ["p6", "p5", "p4", "p3", "p2", "p1", "p0", "bad"]);
    assert_eq!((images[0].width, images[0].height), (Some(120), Some(80)));
    let all: Vec<types::Image> = client.images(customer, space).try_collect().await.unwrap();
    assert_eq!(all.len(), 8);
    let batches: Vec<types::Batch> = client.batches(customer).try_collect().await.unwrap();
    assert_eq!(batches.len(), 1);

    let update = client.image_update().customer(customer).space(space).image("p0");
    update.body_map(|image| image.string1(Some("ship-12".into()))).send().await.unwrap();
    let update = client.image_update_returning().customer(customer).space(space).image("p0");
    let changed = update.body_map(|image| image.number1(Some(7.into()))).send().await.unwrap().into_inner();
    assert_eq!((changed.string1.as_str(), changed.number1), ("ship-12", 7));
    client.image_delete().customer(customer).space(space).image("p0").send().await.unwrap();
    let gone = client.image_view().customer(customer).space(space).image("p0").send().await.unwrap_err();
    let failure = Failure::from(gone);
    assert_eq!(failure.status().map(|status| status.as_u16()), Some(404));
    assert_eq!(failure.to_string(), format!("404 Not Found: The space {space} has no image `p0`."));
});

contract_test!(
    a_failure_says_what_the_server_says,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let customer = i64::try_from(tenant.id).unwrap();
        let client = server.client(&tenant.credentials);
        let member = registration(99, "a".into(), "http://127.0.0.1:9/a.jpg".into());
        let refused =
            client.queue_create().customer(customer).body_map(|batch| batch.member(vec![member])).send().await;
        let text = Failure::from(refused.unwrap_err()).to_string();
        assert!(text.starts_with("400 Bad Request: ") && text.contains("99"), "{text}");

        let stranger = server.client(&Credentials::new("nobody", "nothing"));
        let failure = Failure::from(stranger.queue_view().customer(customer).send().await.unwrap_err());
        assert_eq!(failure.status().map(|status| status.as_u16()), Some(401));
        let other = server.client(&server.new_customer("other").await.credentials);
        let failure = Failure::from(other.queue_view().customer(customer).send().await.unwrap_err());
        assert_eq!(failure.status().map(|status| status.as_u16()), Some(403));
        // A batch that nobody works on isn't done in time.
        let space =
            client.space_create().customer(customer).body_map(|space| space.name("plans")).send().await.unwrap();
        let member = registration(number(&space.into_inner().iri), "a".into(), "http://127.0.0.1:9/a.jpg".into());
        let batch = client.queue_create().customer(customer).body_map(|batch| batch.member(vec![member])).send().await;
        let batch = number(&batch.unwrap().into_inner().iri);
        let late = client.wait_for_batch(customer, batch, Duration::from_millis(300), |_| {}).await.unwrap_err();
        assert!(matches!(late, Failure::Late(_)), "{late}");
        server.stop().await;
        let failure = Failure::from(client.queue_view().customer(customer).send().await.unwrap_err());
        assert!(matches!(failure, Failure::Unreachable(_)) && failure.is_transient(), "{failure}");
    }
);

#[tokio::test]
async fn odd_answers_are_failures_and_never_panics() {
    const VALUES: [&[u8]; 3] = [b"\xff\xfe", b"", b"\"unclosed"];
    const BODIES: [&str; 5] = ["", "{}", "[]", "<html>", "{\"detail\":7}"];
    const HEADERS: [&str; 6] = ["etag", "location", "content-type", "link", "retry-after", "preference-applied"];
    for (i, status) in [200, 201, 205, 304, 400, 418, 503].into_iter().enumerate() {
        for (j, body) in BODIES.into_iter().enumerate() {
            let value = HeaderValue::from_bytes(VALUES[(i + j) % VALUES.len()]).unwrap();
            let answer = HEADERS.iter().fold(Response::builder(), |answer, name| answer.header(*name, &value));
            let body = if matches!(status, 205 | 304) { "" } else { body };
            let answer = answer.status(status).body(Bytes::from_static(body.as_bytes())).unwrap();
            let address = stand_in(answer).await.unwrap();
            let client = Client::connect(&format!("http://{address}"), &Credentials::new("k", "s")).unwrap();
            let view = client.image_view().customer(1).space(1).image("a").send().await.map_err(Failure::from);
            assert!(!view.expect_err("no such answer is an image").to_string().is_empty());
            let update = client.image_update().customer(1).space(1).image("a").body_map(|image| image);
            if let Err(error) = update.send().await {
                assert!(!Failure::from(error).to_string().is_empty());
            }
            let images: Result<Vec<types::Image>, Failure> = client.images(1, 1).try_collect().await;
            assert!(!images.expect_err("no such answer is a page").to_string().is_empty());
        }
    }
}
