//! Sweeps over all operations: what every one of them answers alike.

use std::net::SocketAddr;

use contract_tests::document::{Operation, PathItem};
use contract_tests::http::Answer;
use contract_tests::places::{is_general, path_parameters};
use contract_tests::{Document, Options, Places, TestServer, contract_test};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of a request body at most.
const LIMIT: usize = 32 * 1024 * 1024;

/// Nothing needs to be processed here.
fn idle() -> Options {
    Options { workers: 0, ..Options::default() }
}

fn all() -> impl Iterator<Item = &'static Operation> {
    Document::committed().operations().filter(|operation| is_general(&operation.template))
}

fn mounted() -> Vec<&'static PathItem> {
    Document::committed().paths().iter().filter(|item| is_general(&item.template)).collect()
}

/// The operations that take a body.
fn with_bodies() -> Vec<&'static Operation> {
    all().filter(|operation| !operation.request_content.is_empty()).collect()
}

/// The pointers of a refusal.
#[track_caller]
fn pointers(answer: Answer) -> Vec<String> {
    let problem = answer.expect_problem(400, "/invalid");
    let errors = problem["errors"].as_array().expect("a refusal says what to change");
    errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}

contract_test!(unknown_query_parameters_are_named, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let queries = [
        ("?nosuch=1", vec!["nosuch"]),
        ("?Page=1", vec!["Page"]),
        ("?page%20=1&%C3%A9t%C3%A9", vec!["page ", "été"]),
        ("?=1", vec![""]),
    ];
    let mut sent = 0;
    for operation in all() {
        let path = places.path(&operation.template, &[]);
        for (query, names) in &queries {
            let request = server.request(&operation.method, &format!("{path}{query}"));
            let answer = request.auth(&places.tenant.credentials).send().await;
            assert_eq!(pointers(answer), *names, "{} {query}", operation.id);
            sent += 1;
        }
    }
    assert_eq!(sent, all().count() * 4);
});

contract_test!(other_methods_are_405_with_allow, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "TRACE", "BREW"];
    let (mut refused, mut heads) = (0, 0);
    for item in mounted() {
        let path = places.path(&item.template, &[]);
        for method in methods {
            let gettable = method == "HEAD" && item.operations.contains_key("GET");
            if gettable || item.operations.contains_key(method) {
                heads += usize::from(gettable);
                continue;
            }
            let request = server.request(method, &path).auth(&places.tenant.credentials);
            let answer = request.header("content-type", "text/plain").send().await.expect(405);
            let mut allow: Vec<&str> = answer.must_header("allow").split(", ").collect();
            allow.sort_unstable();
            assert_eq!(allow, item.allow(), "{method} {path}");
            if method != "HEAD" {
                answer.expect_problem(405, "/method-not-allowed");
            }
            refused += 1;
        }
    }
    assert_eq!(refused, mounted().len() * methods.len() - all().count() - heads);
});

contract_test!(unknown_paths_are_404, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let mut paths: Vec<String> =
        ["/nothing", "//", "/.", "/..", "/favicon.ico", "/vocab.json", "/contexts", "/docs.html"]
            .map(str::to_owned)
            .to_vec();
    for item in mounted() {
        let path = places.path(&item.template, &[]);
        let changed = [
            format!("{path}/"),
            format!("/{path}"),
            format!("{path}/nothing"),
            format!("{path};v=1"),
            path.replacen('/', "/x-", 1),
            path.to_uppercase(),
        ];
        paths.extend(changed.into_iter().filter(|path| Document::committed().find(path).is_none()));
    }
    paths.sort();
    paths.dedup();
    let mut sent = 0;
    for path in &paths {
        for method in ["GET", "POST", "BREW"] {
            let request = server.request(method, path).auth(&places.tenant.credentials);
            request.send().await.expect_problem(404, "/not-found");
            sent += 1;
        }
    }
    assert_eq!(sent, paths.len() * 3);
    assert!(sent > mounted().len() * 6);
});

contract_test!(bodies_of_other_types_are_415, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let types = [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/jsonp",
        "nonsense",
    ];
    let mut sent = 0;
    for operation in with_bodies() {
        for given in types {
            let path = places.path(&operation.template, &[]);
            let request = server.request(&operation.method, &path).auth(&server.admin());
            let answer = request.header("content-type", given).body("{}").send().await;
            let problem = answer.expect_problem(415, "/media-type");
            assert!(problem["detail"].as_str().unwrap().contains(given), "{problem}");
            sent += 1;
        }
        // Whatever JSON is called, and if it is called nothing, it is read, and lacks what is required.
        for given in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/ld+json",
            "application/merge-patch+json",
        ] {
            let path = places.path(&operation.template, &[]);
            let request = server.request(&operation.method, &path).auth(&server.admin());
            let answer =
                request.header("content-type", given).body("{\"@type\": \"PartialCollectionView\"}").send().await;
            assert_eq!(pointers(answer), ["/@type"], "{} {given}", operation.id);
            sent += 1;
        }
        let path = places.path(&operation.template, &[]);
        let request = server.request(&operation.method, &path).auth(&server.admin());
        assert_eq!(pointers(request.body("{\"@type\": \"vocab:PartialCollectionView\"}").send().await), ["/@type"]);
        sent += 1;
        // Nothing that is packed is unpacked.
        let coded = |coding: &str| {
            let request = server.request(&operation.method, &path).auth(&server.admin());
            request.header("content-encoding", coding).body("{\"@type\": \"PartialCollectionView\"}").send()
        };
        let problem = coded("gzip").await.expect_problem(415, "/media-type");
        assert!(problem["detail"].as_str().unwrap().contains("`gzip`"), "{problem}");
        assert_eq!(pointers(coded("Identity").await), ["/@type"]);
        sent += 2;
    }
    assert_eq!(sent, with_bodies().len() * 14);
});

contract_test!(bodies_that_are_no_object_are_400, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"name\": {}", "{\"a\":".repeat(100_000));
    let bodies: [&[u8]; 16] = [
        b"",
        b" \r\n\t",
        b"{",
        b"{\"name\": \"a\"",
        b"{\"name\": \"a\",}",
        b"{'name': 'a'}",
        b"{\"name\": \"a\"} {}",
        b"{\"name\": \"\xff\"}",
        b"{\"name\": \"\\ud800\"}",
        b"name=a",
        b"[]",
        b"[{\"name\": \"a\"}]",
        b"null",
        b"\"{}\"",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    let mut sent = 0;
    // Roles may be added as a bare list besides an object.
    let lists = ["space_add_default_roles", "image_add_roles"];
    let operations: Vec<_> = with_bodies().into_iter().filter(|o| !lists.contains(&o.id.as_str())).collect();
    for operation in &operations {
        let path = places.path(&operation.template, &[]);
        for body in bodies {
            // A key needs no body.
            if operation.id == "key_create" && body.trim_ascii().is_empty() {
                continue;
            }
            let request = server.request(&operation.method, &path).auth(&server.admin());
            let answer = request.header("content-type", "application/json").body(body.to_vec()).send().await;
            assert_eq!(pointers(answer), [""], "{}", operation.id);
            sent += 1;
        }
    }
    assert_eq!(sent, operations.len() * 16 - 2);
});

/// Sends a head and then as much of a body as is taken, until an answer comes; the first line of it.
async fn first_line(address: SocketAddr, head: String, chunk: &[u8], chunks: usize) -> String {
    let (mut from, mut to) = TcpStream::connect(address).await.unwrap().into_split();
    let chunk = chunk.to_vec();
    let sending = tokio::spawn(async move {
        if to.write_all(head.as_bytes()).await.is_err() {
            return to;
        }
        for _ in 0..chunks {
            if to.write_all(&chunk).await.is_err() {
                break;
            }
        }
        to
    });
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.contains(&b'\n') {
        match from.read(&mut buffer).await {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) => panic!("the server broke off: {error}"),
        }
    }
    sending.abort();
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

contract_test!(as_much_as_the_limit_is_read, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let blank = tenant.request(server, "POST", "/spaces").header("content-type", "application/json");
    assert_eq!(pointers(blank.body(vec![b' '; LIMIT]).send().await), [""]);
});

contract_test!(bodies_over_the_limit_are_413, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let too_large = bytes::Bytes::from(vec![b' '; LIMIT + 1]);
    let megabyte = vec![b' '; 1024 * 1024];
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend_from_slice(&megabyte);
    chunk.extend_from_slice(b"\r\n");
    let mut sent = 0;
    for operation in with_bodies() {
        let path = places.path(&operation.template, &[]);
        let head = format!(
            "{} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\nContent-Type: application/json\r\n",
            operation.method,
            contract_tests::basic(&server.admin()),
        );
        // Sent whole, with its length.
        let request = server.request(&operation.method, &path).auth(&server.admin());
        let answer = request.header("content-type", "application/json").body(too_large.clone()).send().await;
        answer.expect_problem(413, "/too-large");
        // Only announced: the answer doesn't wait for it.
        let claimed = format!("{head}Content-Length: {}\r\n\r\n", LIMIT + 1);
        let line = first_line(server.direct(), claimed, &[], 0).await;
        assert!(line.starts_with("HTTP/1.1 413 "), "{}: {line}", operation.id);
        // Without a length, and without an end.
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        let line = first_line(server.direct(), chunked, &chunk, 1024).await;
        assert!(line.starts_with("HTTP/1.1 413 "), "{}: {line}", operation.id);
        sent += 3;
    }
    assert_eq!(sent, with_bodies().len() * 3);
    // One byte less is read, and found to be empty.
    let request = places.tenant.request(server, "POST", "/spaces").body(too_large.slice(1..));
    assert_eq!(pointers(request.send().await), [""]);
});

contract_test!(ids_that_are_none_are_refused, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let long = "a".repeat(10_000);
    let ids = [
        "a%2Fb",
        "%2F",
        "%5C",
        "..",
        ".",
        "%2e%2e",
        "%2E",
        "%00",
        "a%00b",
        "%0A",
        "%0d%0a",
        "%7F",
        "%20",
        "%09",
        "%zz",
        "%",
        "%ff",
        "%C0%AF",
        "%F0%9F%9A%A2",
        "%E2%80%8B",
        "*",
        "'",
        "%22",
        "%3Cb%3E",
        "a;b",
        "a%3Fb",
        "a%23b",
        "a@b:c",
        &long,
    ];
    let mut sent = 0;
    let mut expected = 0;
    for operation in all() {
        let parameters = path_parameters(operation);
        expected += parameters.len() * ids.len();
        for parameter in parameters {
            for id in ids {
                let request = places.request(server, operation, &[(parameter, id)]);
                let answer = request.auth(&server.admin()).send().await;
                let status = answer.status;
                // Some of these ids an image can have: a PATCH then finds none, a PUT lacks its origin.
                assert!(matches!(status, 400 | 404), "{} {parameter}={id}: {status}\n{answer}", operation.id);
                assert_eq!(answer.json()["status"], status);
                sent += 1;
            }
        }
    }
    assert_eq!(sent, expected);
    let numbers = [
        "0",
        "-1",
        "1.5",
        "1e3",
        "0x1",
        "%D9%A3",
        "99999999999999999999",
        "9223372036854775807",
        "9223372036854775808",
    ];
    for name in ["space", "batch"] {
        for operation in all().filter(|operation| path_parameters(operation).contains(&name)) {
            for number in numbers {
                let answer = places.allowed(server, operation, &[(name, number)]).send().await;
                assert!(matches!(answer.status, 400 | 404), "{} {name}={number}\n{answer}", operation.id);
            }
        }
    }
});

contract_test!(head_is_get_without_a_body, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    let mut sent = 0;
    let gets: Vec<&Operation> = all().filter(|operation| operation.method == "GET").collect();
    for operation in &gets {
        let path = places.path(&operation.template, &[]);
        for query in ["", "?nosuch=1"] {
            let ask = |method: &str| {
                server.request(method, &format!("{path}{query}")).auth(&places.tenant.credentials).send()
            };
            let (get, head) = (ask("GET").await, ask("HEAD").await);
            assert_eq!(head.status, get.status, "{}", operation.id);
            assert!(head.body.is_empty());
            let headers = |answer: &Answer| {
                let mut headers = answer.headers.clone();
                for changing in ["date", "x-request-id"] {
                    assert!(headers.remove(changing).is_some(), "{answer}");
                }
                headers
            };
            assert_eq!(headers(&head), headers(&get), "{}", operation.id);
            sent += 2;
        }
    }
    assert_eq!(sent, gets.len() * 4);
});

contract_test!(browsers_may_ask_from_everywhere, options = idle(), async |server: &mut TestServer| {
    let places = Places::make(server, "harbour").await;
    for item in mounted() {
        // A preflight request never has credentials.
        let request = server.request("OPTIONS", &places.path(&item.template, &[]));
        let request =
            request.header("origin", "https://viewer.example.org").header("access-control-request-method", "PUT");
        let answer = request.send().await.expect(204);
        assert_eq!(answer.must_header("access-control-allow-origin"), "*");
        assert_eq!(answer.must_header("access-control-allow-methods"), answer.must_header("allow"));
        let allowed = answer.must_header("access-control-allow-headers").to_lowercase();
        for needed in ["authorization", "content-type", "if-match", "if-none-match", "prefer"] {
            assert!(allowed.split(", ").any(|name| name == needed), "{needed}: {allowed}");
        }
    }
    // Failures too have to be readable by scripts, and say where the documentation is.
    for (path, status) in [("/", 200), ("/nothing", 404), ("/customers", 401), ("/vocab?x=1", 400)] {
        let answer = server.get(path).header("origin", "https://viewer.example.org").send().await.expect(status);
        assert_eq!(answer.must_header("access-control-allow-origin"), "*");
        assert!(answer.must_header("access-control-expose-headers").contains("ETag"));
        let link = format!("<{}/vocab#>; rel=\"http://www.w3.org/ns/hydra/core#apiDocumentation\"", server.base_url());
        assert_eq!(answer.must_header("link"), link);
    }
    server.request("OPTIONS", "/nothing").send().await.expect_problem(404, "/not-found");
});

contract_test!(accept_chooses_between_two_names, options = idle(), async |server: &mut TestServer| {
    let tenant = server.new_customer("harbour").await;
    let ld = "application/ld+json";
    let plain = "application/json";
    let accepts = [
        (None, ld),
        (Some("*/*"), ld),
        (Some("application/ld+json"), ld),
        (Some("application/json, application/ld+json;q=0.5"), ld),
        (Some("application/json"), plain),
        (Some("application/json, text/plain, */*"), plain),
        (Some("text/html"), ld),
    ];
    let bodies = futures::future::join_all(accepts.map(|(accept, expected)| {
        let request = tenant.request(server, "GET", "/queue");
        let request = match accept {
            Some(accept) => request.header("accept", accept),
            None => request,
        };
        async move {
            let answer = request.send().await.expect(200);
            assert_eq!(answer.must_header("content-type"), expected, "{accept:?}");
            assert!(answer.must_header("vary").contains("Accept"));
            answer.json()
        }
    }))
    .await;
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    // Problems have one name.
    let problem = tenant.request(server, "GET", "/spaces/9").header("accept", plain).send().await.expect(404);
    assert_eq!(problem.must_header("content-type"), "application/problem+json");
});

#[test]
fn problems_name_the_request() {
    contract_tests::run(idle(), async |server| {
        let answer = server.get("/customers/1/spaces?page=2").send().await.expect(401);
        let problem = answer.json();
        assert_eq!(problem["requestId"], *answer.must_header("x-request-id"));
        assert_eq!(problem["instance"], format!("{}/customers/1/spaces?page=2", server.base_url()));
        assert_eq!(problem["type"], format!("{}/vocab#problems/unauthorized", server.base_url()));
        assert_eq!(problem["detail"], problem["description"]);
        assert_eq!(problem["@context"], json!("http://www.w3.org/ns/hydra/context.jsonld"));
        assert!(!server.log().contains("request failed"), "the log is for what goes wrong here");
    });
}
