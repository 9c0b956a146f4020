//! The server as a process: its binary, built when need be, and its start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// How long a server may take until it listens, and until it ends when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// What the server prints, once, when it takes requests.
const READY: &str = "listening on http://";
/// A binary that is built already.
const BINARY: &str = "CUSTOMER_API_TEST_BINARY";

/// Where the server's binary is: named by `CUSTOMER_API_TEST_BINARY`, else built once per process.
/// Cargo's own lock keeps processes from building at the same time.
///
/// # Errors
/// When it can't be built.
pub fn binary() -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| match std::env::var_os(BINARY) {
        Some(path) => Ok(PathBuf::from(path)),
        None => test_cluster::server_binary(!cfg!(debug_assertions)).map_err(|error| format!("{error:#}")),
    });
    built.clone().map_err(anyhow::Error::msg)
}

/// Starts a server and waits until it takes requests; what it prints goes to the log. The process
/// ends when the child is dropped.
///
/// # Errors
/// When it can't be started, ends, or isn't ready in 20 s; with what it printed.
pub async fn start(command: &mut Command, log: Arc<Mutex<String>>) -> anyhow::Result<(Child, SocketAddr)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().context("customer-server")?;
    let stdout = process.stdout.take().context("no stdout")?;
    let stderr = process.stderr.take().context("no stderr")?;
    let (ready, listening) = oneshot::channel();
    let errors = tokio::spawn(keep(stderr, log.clone(), None));
    tokio::spawn(keep(stdout, log.clone(), Some(ready)));
    match tokio::time::timeout(PATIENCE, listening).await {
        Ok(Ok(address)) => Ok((process, address)),
        Ok(Err(_)) => {
            let _ = tokio::time::timeout(PATIENCE, errors).await;
            anyhow::bail!("the server ended before it listened:\n{}", text(&log))
        }
        Err(_) => anyhow::bail!("the server was not ready in {PATIENCE:?}:\n{}", text(&log)),
    }
}

fn text(log: &Mutex<String>) -> String {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps what a stream prints, and reports the address in the line that says the server is ready.
async fn keep(stream: impl AsyncRead + Unpin, log: Arc<Mutex<String>>, mut ready: Option<oneshot::Sender<SocketAddr>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.split_once(READY).and_then(|(_, rest)| rest.trim().parse().ok())
            && let Some(ready) = ready.take()
        {
            let _ = ready.send(address);
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push_str(&line);
        log.push('\n');
    }
}
