//! The client against a server that answers what it is told to.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::TryStreamExt as _;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{Client, Credentials, Failure, Nullable};

/// Answers each request with the next of `answers` (whole responses; `{base}` is the server's own
/// URL), and keeps what it was sent.
async fn server(answers: Vec<String>) -> (Client, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let client = Client::connect(&base, &Credentials::new("key", "secret")).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 64 * 1024];
            let length = stream.read(&mut request).await.unwrap();
            kept.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).into_owned());
            stream.write_all(answer.replace("{base}", &base).as_bytes()).await.unwrap();
        }
    });
    (client, seen)
}

/// A whole response; the connection ends with it.
fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n{body}")
}

fn json_answer(status: &str, body: &Value) -> String {
    answer(status, "Content-Type: application/json\r\n", &body.to_string())
}

fn batches(first: i64, next: Option<&str>) -> String {
    let member = |finished: bool, id: i64| batch(id, finished);
    let mut view =
        json!({ "@id": "{base}/x", "@type": "PartialCollectionView", "page": 1, "pageSize": 2, "totalPages": 2 });
    if let Some(next) = next {
        view["next"] = next.into();
    }
    let body = json!({
        "@context": "http://www.w3.org/ns/hydra/context.jsonld", "@id": "{base}/customers/7/queue/batches", "@type": "Collection",
        "totalItems": 4, "pageSize": 2, "member": [member(true, first), member(true, first + 1)], "view": view,
    });
    json_answer("200 OK", &body)
}

fn batch(id: i64, finished: bool) -> Value {
    let link = format!("http://127.0.0.1/batches/{id}");
    let mut batch = json!({
        "@id": link, "@type": "Batch", "count": 2, "completed": 2, "errors": 0, "submitted": "2026-01-05T09:30:00Z", "superseded": false,
        "images": link, "completedImages": link, "errorImages": link, "assets": link, "test": link,
    });
    if finished {
        batch["finished"] = "2026-01-05T09:31:00Z".into();
    }
    batch
}

#[tokio::test]
async fn a_stream_follows_next_verbatim() {
    let next = "{base}/customers/7/queue/batches?page=2&pageSize=2&cursor=a%2Fb";
    let (client, seen) = server(vec![batches(1, Some(next)), batches(3, None)]).await;
    let all: Vec<_> = client.batches(7).map_ok(|batch| batch.iri).try_collect().await.unwrap();
    assert_eq!(all.len(), 4);
    let seen = seen.lock().unwrap();
    assert!(
        seen[1].starts_with("GET /customers/7/queue/batches?page=2&pageSize=2&cursor=a%2Fb HTTP/1.1"),
        "{}",
        seen[1]
    );
    assert!(seen.iter().all(|request| request.contains("authorization: Basic a2V5OnNlY3JldA==")));
}

#[tokio::test]
async fn a_stream_keeps_the_key_from_other_servers() {
    let (client, _) = server(vec![batches(1, Some("http://127.0.0.2:1/batches?page=2"))]).await;
    let failure = client.batches(7).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(matches!(failure, Failure::Elsewhere { .. }), "{failure}");
}

#[tokio::test]
async fn a_batch_is_waited_for() {
    let busy = answer("503 Service Unavailable", "", "");
    let (client, _) =
        server(vec![json_answer("200 OK", &batch(3, false)), busy, json_answer("200 OK", &batch(3, true))]).await;
    let mut seen = 0;
    let done = client.wait_for_batch(7, 3, Duration::from_secs(20), |_| seen += 1).await.unwrap();
    assert!(done.finished.is_some());
    assert_eq!(seen, 2);
}

#[tokio::test]
async fn a_superseded_batch_is_not_waited_for() {
    let mut over = batch(3, false);
    over["superseded"] = true.into();
    let (client, _) = server(vec![json_answer("200 OK", &batch(3, false)), json_answer("200 OK", &over)]).await;
    let done = client.wait_for_batch(7, 3, Duration::from_secs(20), |_| ()).await.unwrap();
    assert!(done.superseded && done.finished.is_none());
}

#[tokio::test]
async fn a_batch_is_not_waited_for_longer_than_asked() {
    let (client, _) = server(vec![json_answer("200 OK", &batch(3, false)); 9]).await;
    let failure = client.wait_for_batch(7, 3, Duration::from_millis(150), |_| ()).await.unwrap_err();
    assert!(matches!(failure, Failure::Late(_)), "{failure}");
}

#[tokio::test]
async fn a_patch_is_quiet_and_its_twin_asks() {
    let reset = answer("205 Reset Content", "Content-Length: 0\r\n", "");
    let (client, seen) = server(vec![reset, answer("200 OK", "", "{}")]).await;
    client.space_update().customer(7).space(3).body_map(|body| body.default_tags(Nullable::Null)).send().await.unwrap();
    let odd = client.space_update_returning().customer(7).space(3).body_map(|body| body).send().await.map(drop);
    assert!(matches!(odd.map_err(Failure::from), Err(Failure::Unreadable(_))));
    let seen = seen.lock().unwrap();
    assert!(seen[0].ends_with("{\"defaultTags\":null}") && !seen[0].contains("prefer:"), "{}", seen[0]);
    assert!(seen[1].contains("prefer: return=representation"), "{}", seen[1]);
}

/// Whatever a server sends, the client answers an error and doesn't panic.
#[tokio::test]
async fn odd_answers_are_errors() {
    let odd = [
        answer("200 OK", "Content-Type: application/json\r\n", "{"),
        answer("200 OK", "ETag: \u{fc}\r\nContent-Length: 2\r\nContent-Type: \u{1}\r\n", "[]"),
        answer("200 OK", "Content-Length: x\r\n", "{}"),
        answer("299 Odd", "", ""),
        answer("404 Not Found", "Content-Type: text/html\r\n", "<p>no"),
        answer("302 Found", "Location: ::\r\n", ""),
        "nonsense".to_owned(),
    ];
    for one in odd {
        let (client, _) = server(vec![one.clone()]).await;
        let failure = client.space_view().customer(7).space(3).send().await.map(drop).map_err(Failure::from);
        assert!(failure.is_err(), "{one}");
    }
}
