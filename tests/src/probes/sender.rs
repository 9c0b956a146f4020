//! Sends the requests of probes to a server, and holds every answer against the document.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Frame, SizeHint};
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Method};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::conditions::CURRENT;
use super::request::{Body, Caller, Request, Scheme};
use crate::Credentials;
use crate::examples::{Callers, PUBLIC_URL};
use crate::http::{basic, shortened};
use crate::validate::{Exchange, Validator};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A body of so many bytes that never come.
#[derive(Debug)]
struct Announced(u64);

impl hyper::body::Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

/// A server that is probed.
pub(super) struct Sender<'a> {
    client: Client<HttpConnector, Either<Full<Bytes>, Announced>>,
    address: SocketAddr,
    validator: &'a Validator<'a>,
    callers: &'a Callers,
    stranger: &'a str,
    count: AtomicUsize,
}

/// An answer, and what is wrong with it whatever was asked.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) violations: Vec<String>,
    line: String,
}

impl Received {
    /// The body as JSON, null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The sentences of a refusal that are about a pointer or a parameter.
    pub(super) fn about(&self, name: &str) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let below = format!("{name}/");
        let is_about = |pointer: &str| pointer == name || (name.starts_with('/') && pointer.starts_with(&below));
        let found: Vec<String> = errors
            .iter()
            .filter(|error| error["pointer"].as_str().is_some_and(is_about))
            .filter_map(|error| error["detail"].as_str().map(str::to_owned))
            .collect();
        let quoted = format!("`{}`", name.rsplit('/').next().unwrap_or(name));
        match body["detail"].as_str() {
            Some(detail) if found.is_empty() && errors.is_empty() && detail.contains(&quoted) => {
                vec![detail.to_owned()]
            }
            _ => found,
        }
    }

    /// What was asked and answered, for people.
    pub(super) fn told(&self) -> String {
        format!("{} → {} {}", self.line, self.status, shortened(&self.body).chars().take(600).collect::<String>())
    }
}

impl<'a> Sender<'a> {
    pub(super) fn new(
        address: SocketAddr,
        validator: &'a Validator<'a>,
        callers: &'a Callers,
        stranger: &'a str,
    ) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self { client, address, validator, callers, stranger, count: AtomicUsize::new(0) }
    }

    /// Sends a request; `usual` is who sends the examples of the operation.
    pub(super) async fn send(&self, request: &Request, usual: &str) -> Result<Received, String> {
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            let value = if value.contains(CURRENT) {
                let tag = self.tag(request, usual).await.ok_or("the resource has no entity tag")?;
                value.replace(CURRENT, &tag)
            } else {
                value.clone()
            };
            headers.push((name.clone(), value));
        }
        self.exchange(request, &headers, usual).await
    }

    /// The entity tag that the resource has now.
    async fn tag(&self, request: &Request, usual: &str) -> Option<String> {
        let mut shown = request.clone().without_header("Content-Type");
        shown.method = "GET".to_owned();
        shown.body = Body::Absent;
        let received = self.exchange(&shown, &[], usual).await.ok()?;
        received.header("etag").map(str::to_owned)
    }

    async fn exchange(&self, asked: &Request, headers: &[(String, String)], usual: &str) -> Result<Received, String> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let method = Method::from_bytes(asked.method.as_bytes()).map_err(|error| error.to_string())?;
        let target = asked.target();
        let body = asked.bytes(count);
        let line = format!("{method} {} {}", shorter(&target), shorter(&String::from_utf8_lossy(&body)));
        let uri = format!("http://{}{target}", self.address);
        let mut request = hyper::Request::builder().method(method.clone()).uri(&uri);
        for (name, value) in headers.iter().chain(self.credentials(asked, usual).iter()) {
            request = request.header(name, value);
        }
        let body = match asked.body {
            Body::Announced(bytes) => Either::Right(Announced(bytes)),
            _ => Either::Left(Full::new(Bytes::from(body))),
        };
        let request = request.body(body).map_err(|error| format!("{line}: {error}"))?;
        let path = request.uri().path().to_owned();
        let answer = tokio::time::timeout(PATIENCE, async {
            let (head, body) = self.client.request(request).await.map_err(|error| format!("{error:?}"))?.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok::<_, String>((head, body))
        });
        let (head, body) = match answer.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(format!("{line}: no answer: {error}")),
            Err(_) => return Err(format!("{line}: no answer in {PATIENCE:?}")),
        };
        let status = head.status.as_u16();
        let exchange = Exchange { method: &method, path: &path, status, headers: &head.headers, body: &body };
        let violations = self.validator.check(&exchange).violations;
        Ok(Received { status, headers: head.headers, body, violations, line })
    }

    fn credentials(&self, request: &Request, usual: &str) -> Vec<(String, String)> {
        let known = |name: &str| self.callers.get(name).cloned();
        let credentials = match request.caller {
            Caller::Nobody => None,
            Caller::Usual => known(usual),
            Caller::Stranger => known(self.stranger),
            Caller::Administrator => known("administrator"),
            Caller::Impostor => Some(Credentials::new("nobody", "nothing")),
        };
        let Some(credentials) = credentials else { return Vec::new() };
        vec![match &request.scheme {
            Scheme::Basic => (AUTHORIZATION.as_str().to_owned(), basic(&credentials)),
            Scheme::Header(name) => (name.clone(), format!("{}.{}", credentials.key, credentials.secret)),
        }]
    }

    /// Takes away what a request has made, if that can be deleted.
    pub(super) async fn clean(&self, received: &Received, deletable: &dyn Fn(&str) -> bool) {
        let link = received.header("location").filter(|_| received.status == 201);
        let Some(path) = link.and_then(|link| link.strip_prefix(PUBLIC_URL)).filter(|path| deletable(path)) else {
            return;
        };
        let request = Request {
            method: "DELETE".to_owned(),
            template: path.to_owned(),
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Absent,
            caller: Caller::Administrator,
            scheme: Scheme::Basic,
            fresh: Vec::new(),
        };
        // What stays is met by the next probe.
        drop(self.exchange(&request, &[], "").await);
    }
}

fn shorter(text: &str) -> String {
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
