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
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, LOCATION},
    redirect::Policy,
};
use url::Url;

use super::{
    address::{Allowed, host_permitted},
    sink::{Sink, within},
};

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
    /// file may exist with a part of the body; removing it is the caller's. Answers the length of the body, at least 1.
    ///
    /// # Errors
    /// One of [`FetchError`], whose text may be shown to the owner of the image.
    pub async fn fetch(&self, origin: &Url, credentials: Option<&Basic>, into: &Path) -> Result<u64, FetchError> {
        let work = async {
            let response = self.follow(origin, credentials).await?;
            self.store(origin, response, into).await
        };
        within(origin, self.limits.total, "it wasn't complete", work).await?
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
        let answer = within(origin, self.limits.idle, "no answer", request.send()).await?;
        answer.map_err(|error| request_error(origin, &error))
    }

    async fn store(&self, origin: &Url, mut response: Response, into: &Path) -> Result<u64, FetchError> {
        if let Some(encoding) = text_header(response.headers(), CONTENT_ENCODING.as_str())
            && !encoding.eq_ignore_ascii_case("identity")
        {
            return Err(FetchError::Encoded { origin: shown(origin), encoding: clip(&encoding, 40) });
        }
        let mut sink = Sink::create(origin, into, self.limits, response.content_length()).await?;
        loop {
            match within(origin, self.limits.idle, "nothing more came", response.chunk()).await? {
                Ok(Some(chunk)) => sink.write(&chunk).await?,
                Ok(None) => return sink.finish().await,
                Err(_) => return Err(FetchError::Broken { origin: shown(origin) }),
            }
        }
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
