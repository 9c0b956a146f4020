//! A client that sends exactly what it is told: no normal form, no redirects, no retries.

use std::net::SocketAddr;

use base64::Engine as _;
use bytes::Bytes;
use customer_client::Credentials;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The value of an `Authorization` header for HTTP Basic.
#[must_use]
pub fn basic(credentials: &Credentials) -> String {
    let pair = format!("{}:{}", credentials.key, credentials.secret);
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

/// A request being put together.
#[derive(Debug)]
pub struct RawRequest {
    address: SocketAddr,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

/// An answer, with what it answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    request: String,
}

impl RawRequest {
    /// A request to a server, for a path (with query) sent as it stands, or for an absolute link to
    /// this server.
    ///
    /// # Panics
    /// When an absolute link leads to another server.
    #[must_use]
    pub fn new(address: SocketAddr, method: Method, link: &str) -> Self {
        let base = format!("http://{address}");
        let target = match link.strip_prefix(&base) {
            Some("") => "/",
            Some(target) => target,
            None => link,
        };
        assert!(!target.contains("://") || target.starts_with('/'), "{link} is not at {base}");
        Self { address, method, target: target.to_owned(), headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Authenticates with HTTP Basic.
    #[must_use]
    pub fn auth(self, credentials: &Credentials) -> Self {
        self.header(AUTHORIZATION.as_str(), &basic(credentials))
    }

    /// Adds a header; the same name again adds another line.
    ///
    /// # Panics
    /// When the name or value can't stand in a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: hyper::header::HeaderName = name.parse().expect("a header name");
        self.headers.append(name, value.parse().expect("a header value"));
        self
    }

    /// As [`header`](Self::header), with a value that need not be ASCII.
    ///
    /// # Panics
    /// When the name or value can't stand in a header.
    #[must_use]
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        let name: hyper::header::HeaderName = name.parse().expect("a header name");
        self.headers.append(name, hyper::header::HeaderValue::from_bytes(value).expect("a header value"));
        self
    }

    /// Sends JSON, as `application/json` unless a content type was given before.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        let typed = self.headers.contains_key(CONTENT_TYPE);
        let this = if typed { self } else { self.header("content-type", "application/json") };
        this.body(value.to_string())
    }

    /// Sends bytes; the content type is the caller's.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request and reads the whole answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(self) -> Answer {
        let line = format!("{} {}", self.method, self.target);
        match self.try_send().await {
            Ok(answer) => answer,
            Err(error) => panic!("{line}: no answer: {error:#}"),
        }
    }

    /// As [`send`](Self::send), for requests that may go unanswered because the server is killed.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn try_send(self) -> anyhow::Result<Answer> {
        let described = self.describe();
        let body_expected = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        let mut request =
            Request::builder().method(self.method).uri(&self.target).body(Full::new(self.body.clone()))?;
        *request.headers_mut() = self.headers;
        let headers = request.headers_mut();
        if !headers.contains_key(HOST) {
            headers.insert(HOST, self.address.to_string().parse()?);
        }
        if body_expected && self.body.is_empty() {
            headers.insert("content-length", "0".parse()?);
        }
        let (head, body) = exchange(self.address, request).await?.into_parts();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body, request: described })
    }

    fn describe(&self) -> String {
        let mut text = format!("{} {}", self.method, self.target);
        for (name, value) in &self.headers {
            let value = if name == AUTHORIZATION { "…" } else { value.to_str().unwrap_or("(bytes)") };
            text += &format!("\n{name}: {value}");
        }
        text + &format!("\n\n{}", shortened(&self.body))
    }
}

/// Sends one request on a connection of its own and reads the whole answer.
pub(crate) async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Bytes>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Response::from_parts(head, body))
}

/// Sends bytes that need not be HTTP and reads what comes back until the server closes.
///
/// # Errors
/// When the connection can't be made or breaks.
pub async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

impl Answer {
    /// Asserts the status.
    ///
    /// # Panics
    /// With the whole exchange when the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert!(self.status == status, "expected {status}\n{self}");
        self
    }

    /// Asserts a problem: its status and how its `type` ends.
    ///
    /// # Panics
    /// With the whole exchange when it is not that problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, type_ends: &str) -> Value {
        let answer = self.expect(status);
        let problem = answer.json();
        let kind = problem["type"].as_str().unwrap_or("");
        assert!(kind.ends_with(type_ends), "expected a type ending in {type_ends}\n{answer}");
        problem
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// With the whole exchange when it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not JSON: {error}\n{self}"),
        }
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value, when the answer has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header the answer must have.
    ///
    /// # Panics
    /// With the whole exchange when it is missing.
    #[must_use]
    #[track_caller]
    pub fn must_header(&self, name: &str) -> &str {
        match self.header(name) {
            Some(value) => value,
            None => panic!("header {name} is missing\n{self}"),
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "{}\n→ {}", self.request.trim_end(), self.status)?;
        for (name, value) in &self.headers {
            writeln!(formatter, "{name}: {}", value.to_str().unwrap_or("(bytes)"))?;
        }
        write!(formatter, "\n{}", shortened(&self.body))
    }
}

/// The beginning of a body, for messages.
pub(crate) fn shortened(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match text.char_indices().nth(2_000) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], body.len()),
        None => text.into_owned(),
    }
}

/// What is encoded in a segment of a path.
pub(crate) const SEGMENT: AsciiSet =
    CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?');
/// What is encoded in a query.
pub(crate) const QUERY: AsciiSet = SEGMENT.remove(b'/').remove(b'?').add(b'&').add(b'+').add(b'=').add(b'{').add(b'}');
/// The media type of forms.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// An object as a form; `null` is nothing.
pub(crate) fn form(body: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object().into_iter().flatten() {
        match value {
            Value::Null => form.append_pair(name, ""),
            Value::String(text) => form.append_pair(name, text),
            other => form.append_pair(name, &other.to_string()),
        };
    }
    form.finish()
}
