use std::sync::Mutex;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A server on loopback that answers every connection with what `answer` makes of the request head.
struct Origin {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn origin<F>(answer: impl Fn(String, TcpStream) -> F + Send + 'static) -> Origin
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            let mut byte = [0; 1];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.unwrap_or(0) == 1 {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
            seen.lock().unwrap().push(head.clone());
            tokio::spawn(answer(head, stream));
        }
    });
    Origin { port, heads }
}

/// A server that always answers with the same bytes and closes.
async fn fixed(answer: impl Into<String>) -> Origin {
    let answer: Arc<str> = answer.into().into();
    origin(move |_, mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn to(location: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

impl Origin {
    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://127.0.0.1:{}{path}", self.port)).unwrap()
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn loopback() -> Allowed {
    "127.0.0.0/8".parse().unwrap()
}

fn quick() -> Limits {
    Limits { max_bytes: 100_000, total: Duration::from_secs(5), idle: Duration::from_millis(300), redirects: 5 }
}

async fn fetch_with(limits: Limits, url: &Url, credentials: Option<&Basic>) -> (Result<u64, FetchError>, Vec<u8>) {
    let fetcher = Fetcher::new(loopback(), limits).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    let result = fetcher.fetch(url, credentials, &file).await;
    if let Err(error) = &result {
        let text = error.to_string();
        assert!(text.chars().count() <= 1000 && text.ends_with('.'), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    (result, std::fs::read(file).unwrap_or_default())
}

async fn fetch(url: &Url) -> Result<u64, FetchError> {
    fetch_with(quick(), url, None).await.0
}

#[tokio::test]
async fn a_body_is_stored_with_its_length() {
    let server = fixed(ok("hello")).await;
    let (result, stored) = fetch_with(quick(), &server.url("/a?b=c"), None).await;
    assert_eq!(result.unwrap(), 5);
    assert_eq!(stored, b"hello");
    let head = &server.heads()[0];
    assert!(head.starts_with("get /a?b=c http/1.1"), "{head}");
    assert!(head.contains("user-agent: customer-api/"), "{head}");
    assert!(head.contains("accept-encoding: identity"), "{head}");
}

#[tokio::test]
async fn other_statuses_and_empty_bodies_are_errors() {
    for status in [404, 401, 304, 500, 429] {
        let server = fixed(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")).await;
        let error = fetch(&server.url("/a.jpg?token=secret")).await.unwrap_err();
        assert!(error.to_string().contains(&status.to_string()), "{error}");
        assert!(error.to_string().contains("/a.jpg?…"), "{error}");
    }
    for head in ["200 OK\r\nContent-Length: 0", "204 No Content"] {
        let server = fixed(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")).await;
        let error = fetch(&server.url("/")).await.unwrap_err();
        assert!(matches!(error, FetchError::Empty { .. }), "{error}");
    }
}

#[tokio::test]
async fn endless_and_oversized_bodies_stop_at_the_limit() {
    let announced = fixed("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n").await;
    let error = fetch(&announced.url("/")).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");

    let endless = origin(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[0; 1000]).await.is_ok() {}
    })
    .await;
    let (result, stored) = fetch_with(quick(), &endless.url("/"), None).await;
    let error = result.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: 100_000, .. }), "{error}");
    assert!(stored.len() <= 100_000);

    let exact = fixed(ok(&"x".repeat(100_000))).await;
    assert_eq!(fetch(&exact.url("/")).await.unwrap(), 100_000);
}

#[tokio::test]
async fn slow_and_broken_origins_are_told_apart() {
    // Holding the stream keeps the connection open without another byte.
    let (keep, mut kept) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut streams = Vec::new();
        while let Some(stream) = kept.recv().await {
            streams.push(stream);
        }
    });
    let silent = origin(move |head, mut stream| {
        let keep = keep.clone();
        async move {
            if head.starts_with("get /half") {
                let part = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345";
                let _ = stream.write_all(part).await;
            }
            let _ = keep.send(stream);
        }
    })
    .await;
    for path in ["/none", "/half"] {
        let error = fetch(&silent.url(path)).await.unwrap_err();
        assert!(matches!(error, FetchError::Slow { .. }), "{error}");
    }
    let drip = origin(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b"x").await.is_ok() {
            beat.tick().await;
        }
    })
    .await;
    let limits = Limits { total: Duration::from_millis(400), ..quick() };
    let error = fetch_with(limits, &drip.url("/"), None).await.0.unwrap_err();
    assert!(matches!(error, FetchError::Slow { .. }), "{error}");

    let broken = fixed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345").await;
    let error = fetch(&broken.url("/")).await.unwrap_err();
    assert!(matches!(error, FetchError::Broken { .. }), "{error}");

    let nonsense = fixed("SSH-2.0-OpenSSH\r\n").await;
    let error = fetch(&nonsense.url("/")).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn compressed_bodies_are_named() {
    let server =
        fixed("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxx").await;
    let error = fetch(&server.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("gzip"), "{error}");
}

#[tokio::test]
async fn five_redirects_are_followed_and_no_more() {
    for (last, fine) in [(5, true), (6, false)] {
        let server = origin(move |head, mut stream| async move {
            let step: u32 = head[5..6].parse().unwrap_or(0);
            let answer = if step == last { ok("x") } else { to(&format!("/{}", step + 1)) };
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let result = fetch(&server.url("/0")).await;
        assert_eq!(result.is_ok(), fine, "{result:?}");
        assert_eq!(server.heads().len(), 6);
    }
    let circle = fixed(to("/")).await;
    let error = fetch(&circle.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("more than 5 times"), "{error}");
}

#[tokio::test]
async fn redirects_to_forbidden_places_are_refused() {
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "//[::1]/",
        "http://2852039166/",
        "http://[::ffff:10.0.0.1]/",
        "http://localhost.localdomain@10.0.0.1/",
    ] {
        let server = fixed(to(target)).await;
        let error = fetch(&server.url("/")).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused { .. }), "{target}: {error}");
    }
    for target in ["file:///etc/passwd", "ftp://example.org/", "http://", "gopher://127.0.0.1/"] {
        let server = fixed(to(target)).await;
        let error = fetch(&server.url("/")).await.unwrap_err();
        assert!(matches!(error, FetchError::Redirect { .. }), "{target}: {error}");
    }
    let nowhere = fixed("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
    let error = fetch(&nowhere.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("without saying where"), "{error}");
}

#[tokio::test]
async fn without_an_allowance_loopback_is_never_contacted() {
    let server = fixed(ok("x")).await;
    let names: Lookup = Arc::new(|_| Box::pin(async { Ok(vec![IpAddr::from([127, 0, 0, 1])]) }));
    let fetcher = Fetcher::with_lookup(Allowed::default(), quick(), names).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "rebound.example", "127.0.0.1.", "[::ffff:127.0.0.1]"] {
        let url = Url::parse(&format!("http://{host}:{}/", server.port)).unwrap();
        let error = fetcher.fetch(&url, None, file.path()).await.unwrap_err();
        assert!(matches!(error, FetchError::Refused { .. }), "{host}: {error}");
    }
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_name_with_one_bad_address_is_refused_and_a_checked_one_is_used() {
    let server = fixed(ok("x")).await;
    let names: Lookup = Arc::new(|name| {
        Box::pin(async move {
            let mut found = vec![IpAddr::from([127, 0, 0, 1])];
            if name.starts_with("mixed") {
                found.push(IpAddr::from([10, 0, 0, 1]));
            }
            if name.starts_with("none") {
                found.clear();
            }
            Ok(found)
        })
    });
    let fetcher = Fetcher::with_lookup(loopback(), quick(), names).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut answers = Vec::new();
    for host in ["good.example", "mixed.example", "none.example"] {
        let url = Url::parse(&format!("http://{host}:{}/", server.port)).unwrap();
        answers.push(fetcher.fetch(&url, None, file.path()).await);
    }
    assert!(answers[0].is_ok(), "{:?}", answers[0]);
    assert!(matches!(&answers[1], Err(FetchError::Refused { target, .. }) if target == "10.0.0.1"));
    assert!(matches!(answers[2], Err(FetchError::UnknownHost { .. })));
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let basic = Basic { user: "u".into(), password: "secret".into() };
    assert!(!format!("{basic:?}").contains("secret"));
    let other = fixed(ok("x")).await;
    let away = to(&format!("http://a:b@127.0.0.1:{}/x", other.port));
    let first = origin(move |head, mut stream| {
        let answer = if head.starts_with("get /0") { to("/1") } else { away.clone() };
        async move {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    let (result, _) = fetch_with(quick(), &first.url("/0"), Some(&basic)).await;
    result.unwrap();
    // "u:secret" in Base64, in lower case as the heads are kept.
    let sent = "authorization: basic dtpzzwnyzxq=";
    assert!(first.heads().iter().all(|head| head.contains(sent)));
    assert_eq!(first.heads().len(), 2);
    assert!(!other.heads()[0].contains("authorization"));

    let mut url = other.url("/x");
    url.set_username("u").unwrap();
    url.set_password(Some("secret")).unwrap();
    fetch(&url).await.unwrap();
    assert!(!other.heads()[1].contains("authorization"));
    assert!(!shown(&url).contains('@'));
}

#[test]
fn long_origins_are_shortened() {
    let url = Url::parse(&format!("https://example.org/{}", "ä".repeat(400))).unwrap();
    assert_eq!(shown(&url).chars().count(), SHOWN);
}
