//! A web server to ingest from: pictures made in memory, and every way an origin can misbehave.
//!
//! | path | answer |
//! |---|---|
//! | `/NAME` | the picture of that name |
//! | `/as-text/NAME` | the picture, declared `text/plain` |
//! | `/basic/NAME` | the picture, for [`ORIGIN_USER`] and [`ORIGIN_PASSWORD`]; 401 for others |
//! | `/truncated/NAME` | the first half of the picture |
//! | `/page.html` | a web page, 200 |
//! | `/empty.jpg` | nothing, 200 |
//! | `/huge.png` | a header that claims 60000×60000 |
//! | `/slow` | a byte a second, without end |
//! | `/endless` | as much as the reader takes, without end |
//! | `/error` | 500 |
//! | `/redirect?to=URL` | 302 to the URL |
//! | `/redirect-private`, `/redirect-metadata`, `/redirect-loop` | 302 to 10.0.0.1, to 169.254.169.254, to itself |
//! | anything else, such as `/missing` | 404 |

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::picture;

/// The user name `/basic/…` asks for.
pub const ORIGIN_USER: &str = "collection";
/// The password `/basic/…` asks for.
pub const ORIGIN_PASSWORD: &str = "open:sesame";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A running origin. Dropping it stops it.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    pictures: Mutex<HashMap<String, Bytes>>,
    hits: Mutex<HashMap<String, usize>>,
    authorizations: Mutex<Vec<(String, String)>>,
    held: Mutex<HashMap<String, watch::Sender<bool>>>,
}

impl Origin {
    /// Starts an origin on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When no port can be listened on.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(State::default());
        let listener = tokio::spawn(accept(listener, state.clone()));
        Self { address, state, listener }
    }

    /// The URL of a path, given without its leading slash.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a picture in the format its name ends in (jpg, png, gif, webp, tif) and returns its URL.
    /// The same name and size give the same bytes; another name gives another picture.
    ///
    /// # Panics
    /// When the name ends in no format known here.
    pub fn picture(&self, name: &str, width: u32, height: u32) -> String {
        self.bytes(name, picture::encoded(name, width, height))
    }

    /// Serves bytes under a name, in place of any before, and returns their URL.
    pub fn bytes(&self, name: &str, bytes: impl Into<Bytes>) -> String {
        lock(&self.state.pictures).insert(name.to_owned(), bytes.into());
        self.url(name)
    }

    /// How long a served picture is, in bytes.
    ///
    /// # Panics
    /// When there is no picture of that name.
    #[must_use]
    pub fn size(&self, name: &str) -> usize {
        lock(&self.state.pictures)[name].len()
    }

    /// How often a path (without its leading slash) was asked for; requests held count.
    #[must_use]
    pub fn hits(&self, path: &str) -> usize {
        lock(&self.state.hits).get(path).copied().unwrap_or(0)
    }

    /// The `Authorization` headers seen: path (without its leading slash) and value.
    #[must_use]
    pub fn authorizations(&self) -> Vec<(String, String)> {
        lock(&self.state.authorizations).clone()
    }

    /// Leaves requests for a path unanswered until it is released.
    pub fn hold(&self, path: &str) {
        lock(&self.state.held).insert(path.to_owned(), watch::Sender::new(true));
    }

    /// Answers the requests held for a path, and later ones at once.
    pub fn release(&self, path: &str) {
        if let Some(held) = lock(&self.state.held).remove(path) {
            held.send_replace(false);
        }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, state.clone()));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(state.answer(&request).await) }
    });
    // A reader that has had enough closes the connection; that is its right.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl State {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        *lock(&self.hits).entry(path.clone()).or_default() += 1;
        if let Some(given) = given {
            lock(&self.authorizations).push((path.clone(), given.to_owned()));
        }
        let held = lock(&self.held).get(&path).map(watch::Sender::subscribe);
        if let Some(mut held) = held {
            // An origin that is dropped lets go too.
            let _ = held.wait_for(|held| !held).await;
        }
        match path.split_once('/') {
            Some(("as-text", name)) => self.picture(name, Some("text/plain")),
            Some(("basic", name)) if given == Some(&expected_authorization()) => self.picture(name, None),
            Some(("basic", _)) => {
                let mut answer = plain(StatusCode::UNAUTHORIZED, "text/plain", "Who are you?");
                let challenge = hyper::header::HeaderValue::from_static("Basic realm=\"pictures\"");
                answer.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                answer
            }
            Some(("truncated", name)) => {
                let picture = lock(&self.pictures).get(name).cloned();
                picture.map_or_else(missing, |picture| {
                    plain(StatusCode::OK, media_type(name), picture.slice(..picture.len() / 2))
                })
            }
            _ => self.special(&path, request.uri().query().unwrap_or("")),
        }
    }

    fn special(&self, path: &str, query: &str) -> Response<Body> {
        match path {
            "page.html" => plain(StatusCode::OK, "text/html", "<!doctype html><p>Not a picture.</p>"),
            "empty.jpg" => plain(StatusCode::OK, "image/jpeg", ""),
            "huge.png" => plain(StatusCode::OK, "image/png", picture::huge_png()),
            "error" => plain(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", "Out of order."),
            "slow" => stream("image/jpeg", drip()),
            "endless" => {
                let block = Bytes::from(vec![0_u8; 64 * 1024]);
                stream("image/jpeg", futures::stream::repeat(block))
            }
            "redirect" => {
                let to = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "to");
                to.map_or_else(missing, |(_, url)| redirect(&url))
            }
            "redirect-private" => redirect("http://10.0.0.1/picture.jpg"),
            "redirect-metadata" => redirect("http://169.254.169.254/latest/meta-data/"),
            "redirect-loop" => redirect("/redirect-loop"),
            name => self.picture(name, None),
        }
    }

    fn picture(&self, name: &str, declared: Option<&str>) -> Response<Body> {
        let picture = lock(&self.pictures).get(name).cloned();
        let media_type = declared.unwrap_or_else(|| media_type(name));
        picture.map_or_else(missing, |picture| plain(StatusCode::OK, media_type, picture))
    }
}

fn expected_authorization() -> String {
    let pair = format!("{ORIGIN_USER}:{ORIGIN_PASSWORD}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("tif" | "tiff") => "image/tiff",
        _ => "application/octet-stream",
    }
}

/// A byte a second: the slowness is what is served, nothing waits for it.
fn drip() -> impl futures::Stream<Item = Bytes> + Send + 'static {
    let ticks = tokio::time::interval(Duration::from_secs(1));
    futures::stream::unfold(ticks, |mut ticks| async move {
        ticks.tick().await;
        Some((Bytes::from_static(&[0xFF]), ticks))
    })
}

fn stream(media_type: &str, blocks: impl futures::Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let frames = blocks.map(|block| Ok(Frame::data(block)));
    typed(StatusCode::OK, media_type, StreamBody::new(frames).boxed_unsync())
}

fn plain(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    typed(status, media_type, Full::new(body.into()).boxed_unsync())
}

fn missing() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "text/plain", "No such picture.")
}

fn redirect(to: &str) -> Response<Body> {
    let mut answer = plain(StatusCode::FOUND, "text/plain", "");
    if let Ok(to) = to.parse() {
        answer.headers_mut().insert(LOCATION, to);
    }
    answer
}

fn typed(status: StatusCode, media_type: &str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    if let Ok(media_type) = media_type.parse() {
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    answer
}
