//! Connections: how many there may be, how long one may take to say what it wants and to take the answer, and how all
//! of them end when the server does.

use crate::files;
use futures::future::FutureExt;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use poem::{
    Addr, Endpoint, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// How long to wait for room when as many files are open as may be.
const BREATH: Duration = Duration::from_millis(100);
/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a connection may take for the head of a request, and how long it may be kept without one.
    pub head: Duration,
    /// How long a client may take nothing of an answer.
    pub stall: Duration,
    /// How long what is under way has to end when the server does.
    pub drain: Duration,
    /// How many connections may be open; further ones wait.
    pub connections: usize,
}

impl Limits {
    /// Those of a server. A quarter of the files that the process may open is for connections, since a request may need
    /// some more: an origin, stored files, the database.
    pub fn usual(drain: Duration) -> Self {
        let connections = (files::open() / 4).max(1);
        Self { head: Duration::from_secs(30), stall: Duration::from_secs(30), drain, connections }
    }
}

/// Serves until `asked` resolves; what is under way then has a while to end.
pub async fn run(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    asked: impl Future<Output = ()>,
    limits: Limits,
) {
    let endpoint = Arc::new(endpoint);
    let open = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut asked = pin!(asked.fuse());
    loop {
        let accept = async {
            let place = room.clone().acquire_owned().await;
            let (stream, remote) = listener.accept().await?;
            Ok::<_, std::io::Error>((stream.local_addr()?, remote, stream, place))
        };
        let accepted = tokio::select! {
            accepted = accept => accepted,
            () = &mut asked => break,
        };
        match accepted {
            Ok((local, remote, stream, place)) => {
                let connection = connection(stream, [local.into(), remote.into()], endpoint.clone(), limits);
                let connection = open.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%remote, %error, "a connection broke");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    // Whoever isn't answered by then never is.
    drop(tokio::time::timeout(limits.drain, open.shutdown()).await);
}

fn connection<E: Endpoint<Output = Response> + 'static>(
    stream: TcpStream,
    [local, remote]: [Addr; 2],
    endpoint: Arc<E>,
    limits: Limits,
) -> impl GracefulConnection<Error = hyper::Error> + Send {
    // Answers are small and wait for nothing.
    drop(stream.set_nodelay(true));
    bound(&stream, limits.stall);
    let service = service_fn(move |request: Request<Incoming>| {
        let around = (LocalAddr(local.clone()), RemoteAddr(remote.clone()), Scheme::HTTP);
        let endpoint = endpoint.clone();
        async move {
            let (local, remote, scheme) = around;
            let answer = endpoint.get_response((request, local, remote, scheme).into()).await;
            Ok::<hyper::Response<_>, Infallible>(answer.into())
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // Who has said everything may say so, and still wants the answer.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service)
}

/// Ends a connection whose client has had no room for any more of an answer, or said nothing of what was sent, for so
/// long. Only the system knows: what it holds for a slow client may take minutes, and is no sign of anything.
#[cfg(target_os = "linux")]
fn bound(stream: &TcpStream, stall: Duration) {
    let stall = u32::try_from(stall.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(stream, stall) {
        tracing::debug!(%error, "a client that takes nothing is waited for");
    }
}

/// Other systems wait for a client as long as it keeps its connection.
#[cfg(not(target_os = "linux"))]
fn bound(_: &TcpStream, _: Duration) {}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::{
        Body,
        endpoint::{make, make_sync},
    };
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
        task::JoinHandle,
    };

    const LIMITS: Limits = Limits {
        head: Duration::from_millis(200),
        stall: Duration::from_millis(200),
        drain: Duration::from_secs(5),
        connections: 2,
    };

    /// A server that runs while its `stop` is kept.
    struct Server {
        address: std::net::SocketAddr,
        stop: oneshot::Sender<()>,
        task: JoinHandle<()>,
    }

    impl Server {
        async fn start(endpoint: impl Endpoint<Output = Response> + 'static) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (stop, asked) = oneshot::channel::<()>();
            Self { address, stop, task: tokio::spawn(run(listener, endpoint, asked.map(drop), LIMITS)) }
        }

        async fn ask(&self, bytes: &[u8]) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            stream
        }

        async fn end(self) {
            drop(self.stop);
            self.task.await.unwrap();
        }
    }

    async fn rest(mut stream: TcpStream) -> String {
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        all
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[tokio::test]
    async fn whoever_says_nothing_is_not_listened_to_for_ever() {
        let server = Server::start(make_sync(|_| Response::builder().body("here"))).await;
        assert_eq!(rest(server.ask(b"").await).await, "");
        assert!(!rest(server.ask(b"GET / HTTP/1.1\r\nHost: a\r\n").await).await.contains("200 OK"));
        let served = rest(server.ask(REQUEST).await).await;
        assert!(served.starts_with("HTTP/1.1 200 OK") && served.ends_with("here"), "{served}");
        server.end().await;
    }

    #[tokio::test]
    async fn whoever_takes_nothing_is_not_waited_for() {
        let (kept, given_up) = oneshot::channel::<()>();
        let kept = Mutex::new(Some(kept));
        let endless = move |_| {
            // Goes with the answer when the connection ends.
            let kept = kept.lock().unwrap().take();
            let bytes = futures::stream::repeat_with(move || {
                let _still = &kept;
                Ok::<_, std::io::Error>(vec![0; 65_536])
            });
            Response::builder().body(Body::from_bytes_stream(bytes))
        };
        let server = Server::start(make_sync(endless)).await;
        let silent = server.ask(REQUEST).await;
        assert!(given_up.await.is_err());
        drop(silent);
        server.end().await;
    }

    /// Counts how many requests are carried out at the same time at most.
    async fn busy(inside: Arc<AtomicUsize>, most: Arc<AtomicUsize>) -> poem::Result<Response> {
        most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        inside.fetch_sub(1, Relaxed);
        Ok(Response::builder().body("here"))
    }

    #[tokio::test]
    async fn who_comes_when_there_is_no_room_waits() {
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = most.clone();
        let server = Server::start(make(move |_| busy(inside.clone(), counted.clone()))).await;
        let one = async || rest(server.ask(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await).await;
        let served = futures::future::join_all((0..8).map(|_| one())).await;
        assert!(served.iter().all(|answer| answer.ends_with("here")), "{served:?}");
        assert_eq!(most.load(Relaxed), LIMITS.connections);
        server.end().await;
    }
}
