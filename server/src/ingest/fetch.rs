//! Fetching an origin over HTTP into a file.
//!
//! The addresses of a name are resolved once, judged, and only those are connected to, so a name
//! can't mean one thing when checked and another when used. Redirects are followed here, one by
//! one, each judged like the origin itself.

mod error;

use std::{
    error::Error as _,
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION},
    redirect::Policy,
};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
    time::timeout,
};
use url::Url;

use super::address::{Allowed, host_permitted};

pub use error::FetchError;

/// How much of an origin URL an error shows, in characters.
const SHOWN: usize = 300;

/// What one fetch may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest accepted body, in bytes.
    pub max_bytes: u64,
    /// The time for everything, redirects included.
    pub total: Duration,
    /// The longest wait for an answer or for more of its body.
    pub idle: Duration,
    /// The redirects that are followed.
    pub redirects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 512 * 1024 * 1024,
            total: Duration::from_secs(60),
            idle: Duration::from_secs(15),
            redirects: 5,
        }
    }
}

/// A user name and a password for an origin.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Basic").finish_non_exhaustive()
    }
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The length of the body, at least 1.
    pub bytes: u64,
    /// The media type the origin declared, which nobody should rely on.
    pub content_type: Option<String>,
}

/// The addresses of a host name.
type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// How names become addresses; another than the system's in tests only.
type Lookup = Arc<dyn Fn(String) -> Addresses + Send + Sync>;

/// Resolves names to addresses of which every single one is permitted.
struct Guard {
    allowed: Allowed,
    lookup: Lookup,
}

/// Found in the chain of causes when [`Guard`] stopped a request.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("refused {0}")]
    Refused(IpAddr),
    #[error("unknown host")]
    Unknown,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = (self.lookup)(name.as_str().to_owned());
        let allowed = self.allowed.clone();
        Box::pin(async move {
            let found = addresses.await.map_err(|_| Stopped::Unknown)?;
            // One bad address condemns the name: which of them is connected to isn't ours to say.
            if let Some(bad) = found.iter().find(|ip| !allowed.permitted(**ip)) {
                return Err(Stopped::Refused(*bad).into());
            }
            if found.is_empty() {
                return Err(Stopped::Unknown.into());
            }
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// Fetches origins over HTTP; clones share their connections.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    allowed: Allowed,
    limits: Limits,
}

impl fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetcher").field("allowed", &self.allowed).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher for public addresses and `allowed` networks.
    ///
    /// # Errors
    /// When TLS can't be set up on this machine.
    pub fn new(allowed: Allowed, limits: Limits) -> Result<Self, reqwest::Error> {
        Self::with_lookup(allowed, limits, Arc::new(system_lookup))
    }

    fn with_lookup(allowed: Allowed, limits: Limits, lookup: Lookup) -> Result<Self, reqwest::Error> {
        let guard = Guard { allowed: allowed.clone(), lookup };
        let client = Client::builder()
            .user_agent(concat!("customer-api/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(limits.idle)
            .dns_resolver(Arc::new(guard))
            .build()?;
        Ok(Self { client, allowed, limits })
    }

    /// Fetches `origin` into the file `into`, which is created or overwritten. After an error the
    /// file may exist with a part of the body; removing it is the caller's.
    ///
    /// # Errors
    /// One of [`FetchError`], whose text may be shown to the owner of the image.
    pub async fn fetch(&self, origin: &Url, credentials: Option<&Basic>, into: &Path) -> Result<Fetched, FetchError> {
        let work = async {
            let response = self.follow(origin, credentials).await?;
            self.store(origin, response, into).await
        };
        match timeout(self.limits.total, work).await {
            Ok(result) => result,
            Err(_) => Err(slow(origin, "it wasn't complete", self.limits.total)),
        }
    }

    /// The first answer that isn't a redirect, if it is a success.
    async fn follow(&self, origin: &Url, credentials: Option<&Basic>) -> Result<Response, FetchError> {
        let mut target = origin.clone();
        let mut credentials = credentials;
        for _ in 0..=self.limits.redirects {
            // Once elsewhere they stay away, even if a later redirect leads back.
            credentials = credentials.filter(|_| target.origin() == origin.origin());
            let response = self.ask(origin, &target, credentials).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Err(FetchError::Status {
                    origin: shown(origin),
                    status: status.as_u16(),
                    hint: hint(status.as_u16(), credentials.is_some()),
                });
            }
            target = redirect_target(origin, &target, response.headers())?;
        }
        Err(FetchError::Redirect {
            origin: shown(origin),
            problem: format!("more than {} times", self.limits.redirects),
        })
    }

    /// One request, to a permitted address only.
    async fn ask(&self, origin: &Url, target: &Url, credentials: Option<&Basic>) -> Result<Response, FetchError> {
        let mut target = target.clone();
        if !matches!(target.scheme(), "http" | "https") {
            return Err(FetchError::Scheme { origin: shown(origin) });
        }
        // The client asks the resolver only for names, so literal addresses are judged here.
        if !host_permitted(&target, &self.allowed) {
            return Err(FetchError::Refused {
                origin: shown(origin),
                target: clip(target.host_str().unwrap_or_default(), 100),
            });
        }
        // The client would send these as credentials. Neither can fail on a URL with a host.
        let _ = target.set_username("");
        let _ = target.set_password(None);
        let mut request =
            self.client.get(target).header(ACCEPT, "image/*, */*;q=0.1").header(ACCEPT_ENCODING, "identity");
        if let Some(Basic { user, password }) = credentials {
            request = request.basic_auth(user, Some(password));
        }
        match timeout(self.limits.idle, request.send()).await {
            Ok(result) => result.map_err(|error| request_error(origin, &error)),
            Err(_) => Err(slow(origin, "no answer", self.limits.idle)),
        }
    }

    async fn store(&self, origin: &Url, mut response: Response, into: &Path) -> Result<Fetched, FetchError> {
        let limit = self.limits.max_bytes;
        let too_large = || FetchError::TooLarge { origin: shown(origin), limit };
        let storing = |source| FetchError::Storing { origin: shown(origin), source };
        if response.content_length().is_some_and(|n| n > limit) {
            return Err(too_large());
        }
        if let Some(encoding) = text_header(response.headers(), CONTENT_ENCODING.as_str())
            && !encoding.eq_ignore_ascii_case("identity")
        {
            return Err(FetchError::Encoded { origin: shown(origin), encoding: clip(&encoding, 40) });
        }
        let content_type = text_header(response.headers(), CONTENT_TYPE.as_str());
        let file = File::create(into).await.map_err(storing)?;
        let mut file = BufWriter::with_capacity(256 * 1024, file);
        let mut bytes = 0u64;
        loop {
            let chunk = match timeout(self.limits.idle, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(_)) => {
                    return Err(FetchError::Broken { origin: shown(origin) });
                }
                Err(_) => return Err(slow(origin, "nothing more came", self.limits.idle)),
            };
            bytes += chunk.len() as u64;
            if bytes > limit {
                return Err(too_large());
            }
            file.write_all(&chunk).await.map_err(storing)?;
        }
        file.flush().await.map_err(storing)?;
        if bytes == 0 {
            return Err(FetchError::Empty { origin: shown(origin) });
        }
        Ok(Fetched { bytes, content_type })
    }
}

fn system_lookup(name: String) -> Addresses {
    Box::pin(async move {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    })
}

fn redirect_target(origin: &Url, from: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let wrong = |problem: &str| FetchError::Redirect { origin: shown(origin), problem: problem.to_owned() };
    let location = text_header(headers, LOCATION.as_str()).ok_or_else(|| wrong("without saying where to"))?;
    let target = from.join(&location).map_err(|_| wrong("to something that is no URL"))?;
    match target.scheme() {
        "http" | "https" => Ok(target),
        _ => Err(wrong("to another scheme than https or http")),
    }
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn hint(status: u16, with_credentials: bool) -> &'static str {
    match (status, with_credentials) {
        (401 | 403, true) => ": check the credentials of its origin strategy",
        (401 | 403, false) => ": make it public, or give its origin strategy credentials",
        (404 | 410, _) => ": check that the image exists there",
        (429 | 500.., _) => ": try again later",
        _ => "",
    }
}

fn slow(origin: &Url, problem: &'static str, limit: Duration) -> FetchError {
    FetchError::Slow { origin: shown(origin), problem, seconds: limit.as_secs() }
}

fn request_error(origin: &Url, error: &reqwest::Error) -> FetchError {
    let origin = shown(origin);
    let mut cause = error.source();
    let mut reason = None;
    while let Some(error) = cause {
        match error.downcast_ref::<Stopped>() {
            Some(Stopped::Refused(ip)) => {
                return FetchError::Refused { origin, target: ip.to_string() };
            }
            Some(Stopped::Unknown) => return FetchError::UnknownHost { origin },
            None => {}
        }
        // The innermost cause says it plainest: "connection refused", "invalid certificate".
        reason = Some(error.to_string());
        cause = error.source();
    }
    if error.is_timeout() {
        reason = Some("no connection in time".to_owned());
    }
    FetchError::Unreachable { origin, reason: clip(&reason.unwrap_or_else(|| "the request failed".into()), 200) }
}

/// An origin as it may be shown: without credentials, and without the query, where signatures live.
pub fn shown(origin: &Url) -> String {
    let mut url = origin.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    // The setter percent-encodes the ellipsis.
    clip(&url.as_str().replace("?%E2%80%A6", "?…"), SHOWN)
}

/// At most `length` characters of `text`, ending in an ellipsis if any are missing.
fn clip(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(length - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
