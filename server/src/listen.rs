//! Connections: how long one may take to say what it wants, and how all of them end when the server does.

use futures::future::FutureExt;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use poem::{
    Addr, Endpoint, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use std::{convert::Infallible, future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};

/// How long a connection may take for the head of a request, and how long it may be kept without one.
pub const HEAD: Duration = Duration::from_secs(30);
/// How long to wait for room when as many files are open as may be.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `asked` resolves; what is under way then has as long as `drain` to end. A connection that gives no
/// whole head of a request within `head` is closed.
pub async fn run(
    listener: TcpListener,
    endpoint: impl Endpoint<Output = Response> + 'static,
    asked: impl Future<Output = ()>,
    (head, drain): (Duration, Duration),
) {
    let endpoint = Arc::new(endpoint);
    let open = GracefulShutdown::new();
    let mut asked = pin!(asked.fuse());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut asked => break,
        };
        match accepted.and_then(|(stream, remote)| Ok((stream.local_addr()?, remote, stream))) {
            Ok((local, remote, stream)) => {
                let connection = connection(stream, [local.into(), remote.into()], endpoint.clone(), head);
                let connection = open.watch(connection);
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%remote, %error, "a connection broke");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection can't be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
    drop(listener);
    // What isn't done by then was asked for by nobody who still waits.
    drop(tokio::time::timeout(drain, open.shutdown()).await);
}

fn connection<E: Endpoint<Output = Response> + 'static>(
    stream: TcpStream,
    [local, remote]: [Addr; 2],
    endpoint: Arc<E>,
    head: Duration,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Answers are small and wait for nothing.
    drop(stream.set_nodelay(true));
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
        .header_read_timeout(head)
        .serve_connection(TokioIo::new(stream), service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::endpoint::make_sync;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
    };

    /// What a connection gets that sends `bytes` and then waits.
    async fn answer(bytes: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stop, asked) = oneshot::channel::<()>();
        let endpoint = make_sync(|_| Response::builder().body("here"));
        let asked = asked.map(drop);
        let server = tokio::spawn(run(listener, endpoint, asked, (Duration::from_millis(200), Duration::from_secs(5))));
        stream.write_all(bytes).await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        drop(stop);
        server.await.unwrap();
        all
    }

    #[tokio::test]
    async fn whoever_says_nothing_is_not_listened_to_for_ever() {
        assert_eq!(answer(b"").await, "");
        assert!(!answer(b"GET / HTTP/1.1\r\nHost: a\r\n").await.contains("200 OK"));
        let served = answer(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert!(served.starts_with("HTTP/1.1 200 OK") && served.ends_with("here"), "{served}");
    }
}
