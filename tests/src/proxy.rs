//! A forward proxy that validates every exchange: whatever client a test uses, its answers are held
//! against the document.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http::{exchange, shortened};
use crate::validate::{Exchange, Validator};

/// The directory that collects the pairs the tests have seen.
const OBSERVED: &str = "CUSTOMER_API_OBSERVED";

/// A running proxy. Dropping it stops it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    validator: &'static Validator<'static>,
    upstream: Mutex<Option<SocketAddr>>,
    violations: Mutex<Vec<String>>,
    observed: Mutex<BTreeSet<(String, u16)>>,
}

impl Proxy {
    /// Starts a proxy that forwards nowhere yet.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(validator: &'static Validator<'static>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            validator,
            upstream: Mutex::default(),
            violations: Mutex::default(),
            observed: Mutex::default(),
        });
        let listener = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, listener })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the server to forward to; `None` while a test has stopped it, when connections just end.
    pub fn forward_to(&self, upstream: Option<SocketAddr>) {
        *lock(&self.shared.upstream) = upstream;
    }

    /// What was wrong so far, one text per exchange.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }

    /// Takes the violations away: for tests of the harness, and of a server that is meant to be wrong.
    #[must_use]
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.shared.violations))
    }

    /// The documented pairs seen so far: operationId and status.
    #[must_use]
    pub fn observed(&self) -> BTreeSet<(String, u16)> {
        lock(&self.shared.observed).clone()
    }

    /// Appends the observed pairs, with the profile of the server, to this process's file in the
    /// directory named by `CUSTOMER_API_OBSERVED`, if set.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn write_observed(&self, profile: &str) -> anyhow::Result<()> {
        let Some(directory) = std::env::var_os(OBSERVED) else {
            return Ok(());
        };
        let directory = std::path::PathBuf::from(directory);
        std::fs::create_dir_all(&directory).context(OBSERVED)?;
        let file = directory.join(format!("observed-{}.txt", std::process::id()));
        let mut lines = String::new();
        for (operation, status) in self.observed() {
            lines += &format!("{operation} {status} {profile}\n");
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
        file.write_all(lines.as_bytes())?;
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, shared.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // A connection the client or a killed server broke is not this proxy's failure.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { shared.forward(request).await }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Shared {
    /// Forwards one request. An error ends the client's connection, as the server's end would have.
    async fn forward(&self, request: Request<Incoming>) -> anyhow::Result<Response<Full<Bytes>>> {
        let upstream = *lock(&self.upstream);
        let address = upstream.context("the server is stopped")?;
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let line = format!("{} {}", head.method, head.uri);
        let (method, uri) = (head.method.clone(), head.uri.clone());
        let asked = shortened(&body);
        match exchange(address, Request::from_parts(head, Full::new(body))).await {
            Ok(response) => {
                let answered = Exchange {
                    method: &method,
                    path: uri.path(),
                    status: response.status().as_u16(),
                    headers: response.headers(),
                    body: response.body(),
                };
                self.judge(&line, &asked, &answered);
                Ok(response.map(Full::new))
            }
            Err(error) => {
                if *lock(&self.upstream) == upstream {
                    lock(&self.violations).push(format!("{line}: no whole answer: {error:#}"));
                }
                Err(error)
            }
        }
    }

    fn judge(&self, line: &str, asked: &str, answered: &Exchange<'_>) {
        let verdict = self.validator.check(answered);
        if let Some(pair) = verdict.observed {
            lock(&self.observed).insert(pair);
        }
        if verdict.violations.is_empty() {
            return;
        }
        let mut text = format!("{line} → {}", answered.status);
        for violation in &verdict.violations {
            text += &format!("\n  - {violation}");
        }
        text += &format!("\n  sent: {asked}\n  got:  {}", shortened(answered.body));
        lock(&self.violations).push(text);
    }
}

/// A server that gives one and the same answer, for tests of the harness itself.
///
/// # Errors
/// When no port can be listened on.
pub async fn stand_in(answer: Response<Bytes>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |_: Request<Incoming>| {
                let answer = answer.as_ref().clone().map(Full::new);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .auto_date_header(false)
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    Ok(address)
}
