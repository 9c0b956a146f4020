//! What happens on one connection, beyond a request and its answer.

use contract_tests::{Options, TestServer, contract_test};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One answer off a connection, as far as its body, which has the announced length.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let head = loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "no answer, but the end of the connection");
    };
    let text = String::from_utf8_lossy(&read[..head]).to_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length: usize = length.unwrap_or("0").parse().unwrap();
    while read.len() < head + length {
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "an answer that ends before its body");
    }
    assert_eq!(read.len(), head + length);
    text
}

contract_test!(
    a_connection_outlives_an_answer_that_comes_before_the_body,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let basic = contract_tests::http::basic(&tenant.credentials);
        let own = format!("Authorization: {basic}\r\n");
        for (line, authorization, status) in [
            (format!("POST {}", tenant.path("/spaces")), "", 401),
            ("POST /customers/1/spaces".to_owned(), own.as_str(), 403),
            (format!("PUT {}", tenant.path("/queue")), &own, 405),
            (format!("POST {}?colour=red", tenant.path("/spaces")), &own, 400),
            (format!("DELETE {}", tenant.path("/spaces/9")), &own, 404),
            (format!("GET {}", tenant.path("/spaces")), &own, 200),
            ("POST /nowhere".to_owned(), "", 404),
        ] {
            let mut stream = TcpStream::connect(server.direct()).await.unwrap();
            let head = format!("{line} HTTP/1.1\r\nHost: a\r\n{authorization}Content-Length: 2\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let first = one_answer(&mut stream).await;
            assert!(first.starts_with(&format!("http/1.1 {status} ")), "{line}: {first}");
            stream.write_all(b"{}GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let second = one_answer(&mut stream).await;
            assert!(second.starts_with("http/1.1 200 "), "{line}: {second}");
        }
    }
);

contract_test!(
    who_has_said_everything_gets_the_answer,
    options = Options { workers: 0, ..Options::default() },
    async |server: &mut TestServer| {
        let tenant = server.new_customer("harbour").await;
        let basic = contract_tests::http::basic(&tenant.credentials);
        let body = r#"{"name":"plans"}"#;
        let post = format!("POST {} HTTP/1.1\r\nContent-Length: {}\r\n", tenant.path("/spaces"), body.len());
        for (head, body, status) in [(post.as_str(), body, 201), ("GET /vocab HTTP/1.1\r\n", "", 200)] {
            let mut stream = TcpStream::connect(server.direct()).await.unwrap();
            let request =
                format!("{head}Host: a\r\nAuthorization: {basic}\r\nContent-Type: application/json\r\n\r\n{body}");
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        }
    }
);
