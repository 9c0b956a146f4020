//! The real server as a child process, behind the validating proxy.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use customer_client::{Client, Credentials};
use hyper::Method;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::http::RawRequest;
use crate::postgres::FreshDatabase;
use crate::process::{self, PATIENCE};
use crate::proxy::Proxy;
use crate::validate::Validator;

const ADMIN_KEY: &str = "0f1e2d3c-4b5a-4978-8695-a4b3c2d1e0f9";
const ADMIN_SECRET: &str = "administrator-secret-of-the-contract-tests";

/// Which database a server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// A fresh database on a PostgreSQL cluster.
    Postgres,
}

/// Which of the two ways of answering a server has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The default.
    Seed,
    /// What the clients of today's DLCS expect.
    Today,
}

impl Profile {
    /// Its name, as the flag has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Today => "today",
        }
    }
}

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database.
    pub backend: Backend,
    /// The profile.
    pub profile: Profile,
    /// Ingest workers; 0 leaves everything registered unprocessed.
    pub workers: usize,
    /// Networks that ingest may fetch from besides public addresses.
    pub origin_allow: Vec<String>,
    /// Further arguments of `serve`.
    pub arguments: Vec<String>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// The base URL of its links, in place of that of the validating proxy.
    pub public_url: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: Backend::Sqlite,
            profile: Profile::Seed,
            workers: 1,
            origin_allow: vec!["127.0.0.0/8".to_owned()],
            arguments: Vec::new(),
            environment: Vec::new(),
            public_url: None,
        }
    }
}

/// A running server. Dropping it kills the process and removes its data.
#[derive(Debug)]
pub struct TestServer {
    options: Options,
    data: TempDir,
    database: Option<FreshDatabase>,
    proxy: Proxy,
    process: Option<Child>,
    direct: Option<SocketAddr>,
    log: Arc<Mutex<String>>,
}

impl TestServer {
    /// Starts a server and waits until it takes requests.
    ///
    /// # Errors
    /// When it can't be built or started, or isn't ready in 20 s; with what it said.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let database = match options.backend {
            Backend::Sqlite => None,
            Backend::Postgres => Some(FreshDatabase::create().await?),
        };
        Self::start_with(options, new_data()?, database).await
    }

    /// As [`start`](Self::start), on a copy of what another server left.
    ///
    /// # Errors
    /// As [`start`](Self::start), or when the copy can't be made.
    pub async fn start_on(options: Options, left: &Snapshot) -> anyhow::Result<Self> {
        let database = match &left.database {
            None => None,
            Some(database) => Some(database.copy().await?),
        };
        let data = new_data()?;
        copy_directory(left.data.path(), data.path())?;
        Self::start_with(options, data, database).await
    }

    async fn start_with(options: Options, data: TempDir, database: Option<FreshDatabase>) -> anyhow::Result<Self> {
        let mut server = Self {
            options,
            data,
            database,
            proxy: Proxy::start(Validator::committed()).await?,
            process: None,
            direct: None,
            log: Arc::default(),
        };
        server.spawn().await?;
        Ok(server)
    }

    async fn spawn(&mut self) -> anyhow::Result<()> {
        let mut command = self.command().await?;
        let (process, address) = process::start(&mut command, self.log.clone()).await?;
        self.process = Some(process);
        self.direct = Some(address);
        self.proxy.forward_to(Some(address));
        Ok(())
    }

    async fn command(&self) -> anyhow::Result<Command> {
        let binary = tokio::task::spawn_blocking(process::binary).await??;
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data.path());
        command.args(["--public-url", &self.base_url(), "--profile", self.options.profile.name()]);
        command.args(["--admin-key", ADMIN_KEY, "--admin-secret", ADMIN_SECRET]);
        command.args(["--workers", &self.options.workers.to_string()]);
        for network in &self.options.origin_allow {
            command.args(["--origin-allow", network]);
        }
        if let Some(database) = &self.database {
            command.args(["--database", &database.url]);
        }
        command.args(&self.options.arguments);
        command.envs(self.options.environment.iter().cloned());
        Ok(command)
    }

    /// The public base URL, without a slash at the end: that of the validating proxy unless another was given.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.options.public_url.clone().unwrap_or_else(|| format!("http://{}", self.proxy.address()))
    }

    /// The server's own address, past the proxy: nothing is validated there.
    ///
    /// # Panics
    /// While the server is stopped.
    #[must_use]
    pub fn direct(&self) -> SocketAddr {
        self.direct.expect("the server is running")
    }

    /// The proxy.
    #[must_use]
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// How it was started.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The profile it runs.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.options.profile
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The URL of its database, unless that is a file in the data directory.
    pub(crate) fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }

    /// The administrator's key.
    #[must_use]
    pub fn admin(&self) -> Credentials {
        Credentials::new(ADMIN_KEY, ADMIN_SECRET)
    }

    /// A generated client, through the proxy.
    ///
    /// # Panics
    /// When the credentials can't stand in a header.
    #[must_use]
    pub fn client(&self, credentials: &Credentials) -> Client {
        Client::connect(&self.base_url(), credentials).expect("a base URL and credentials")
    }

    /// A request with any method, through the proxy.
    #[must_use]
    pub fn request(&self, method: &str, link: &str) -> RawRequest {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        // Wherever its links lead, they are followed here.
        let link = self.options.public_url.as_ref().and_then(|base| link.strip_prefix(base)).unwrap_or(link);
        RawRequest::new(self.proxy.address(), method, if link.is_empty() { "/" } else { link })
    }

    /// A GET.
    #[must_use]
    pub fn get(&self, link: &str) -> RawRequest {
        self.request("GET", link)
    }

    /// A POST.
    #[must_use]
    pub fn post(&self, link: &str) -> RawRequest {
        self.request("POST", link)
    }

    /// A PUT.
    #[must_use]
    pub fn put(&self, link: &str) -> RawRequest {
        self.request("PUT", link)
    }

    /// A PATCH.
    #[must_use]
    pub fn patch(&self, link: &str) -> RawRequest {
        self.request("PATCH", link)
    }

    /// A DELETE.
    #[must_use]
    pub fn delete(&self, link: &str) -> RawRequest {
        self.request("DELETE", link)
    }

    /// What the server has printed so far, on both streams.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// kill -9, at once. Requests under way are broken off without being violations.
    ///
    /// # Panics
    /// When the process can't be killed.
    pub async fn kill(&mut self) {
        self.proxy.forward_to(None);
        self.direct = None;
        if let Some(mut process) = self.process.take() {
            process.kill().await.expect("the server can be killed");
        }
    }

    /// Asks the server to end (SIGTERM), waits, and returns whether it ended well.
    ///
    /// # Panics
    /// When it hasn't ended in 20 s.
    pub async fn stop(&mut self) -> bool {
        let Some(mut process) = self.process.take() else {
            return true;
        };
        let id = process.id().map(|id| id.to_string()).unwrap_or_default();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.is_ok_and(|sent| sent.success()), "the server has already ended:\n{}", self.log());
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
        self.proxy.forward_to(None);
        self.direct = None;
        match ended {
            Ok(status) => status.is_ok_and(|status| status.success()),
            Err(_) => panic!("the server has not ended in {PATIENCE:?}:\n{}", self.log()),
        }
    }

    /// Starts the server again on the same data and under the same URL, after ending it (kill -9) if
    /// it still runs.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn restart(&mut self) {
        self.kill().await;
        if let Err(error) = self.spawn().await {
            panic!("{error:#}");
        }
    }

    /// As [`restart`](Self::restart), with other options; the database stays.
    ///
    /// # Panics
    /// When it doesn't start.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut Options)) {
        change(&mut self.options);
        self.restart().await;
    }

    /// Memory in MB: resident now, and the most that was resident.
    ///
    /// # Panics
    /// While the server is stopped, or where there is no /proc.
    #[must_use]
    pub fn memory(&self) -> (f64, f64) {
        let id = self.process.as_ref().and_then(Child::id).expect("the server is running");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("/proc is there");
        let megabytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
            let kilobytes = line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok());
            kilobytes.unwrap_or(0.0) / 1024.0
        };
        (megabytes("VmRSS:"), megabytes("VmHWM:"))
    }

    /// Ends the server for good (kill -9) and keeps what it stored, for other servers to start on; and returns the
    /// violations as [`finish`](Self::finish) does.
    ///
    /// # Errors
    /// When the observations can't be written.
    pub async fn freeze(mut self) -> anyhow::Result<(Snapshot, Vec<String>)> {
        self.kill().await;
        self.proxy.write_observed(self.options.profile.name())?;
        Ok((Snapshot { data: self.data, database: self.database }, self.proxy.violations()))
    }

    /// Ends the server for good: removes its database, writes down what was observed, and returns
    /// the violations.
    ///
    /// # Errors
    /// When the observations can't be written or the database can't be removed.
    pub async fn finish(mut self) -> anyhow::Result<Vec<String>> {
        self.kill().await;
        self.proxy.write_observed(self.options.profile.name())?;
        if let Some(database) = &self.database {
            database.remove().await?;
        }
        Ok(self.proxy.violations())
    }
}

/// What a server left: its data directory and its database. Dropping it removes the directory.
#[derive(Debug)]
pub struct Snapshot {
    data: TempDir,
    database: Option<FreshDatabase>,
}

impl Snapshot {
    /// Removes the database.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn remove(self) -> anyhow::Result<()> {
        match &self.database {
            Some(database) => database.remove().await,
            None => Ok(()),
        }
    }
}

fn new_data() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("contract-").tempdir()
}

fn copy_directory(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy_directory(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
