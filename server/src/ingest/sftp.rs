//! Fetching origins over SFTP, with a user name and a password.
//!
//! As over HTTP, the addresses of a name are resolved once, judged, and only those are connected to. The
//! key of a server is trusted when a rule first uses it, and remembered: another key later is refused.

use super::{
    address::{Allowed, host_permitted},
    fetch::{Basic, FetchError, Limits, shown},
    sink::{Sink, problem, within},
};
use percent_encoding::percent_decode_str;
use russh::{
    Disconnect,
    client::{self, Handle, KeyboardInteractiveAuthResponse as Asked},
    keys::{HashAlg, PublicKeyOrCertificate},
};
use russh_sftp::{
    client::{Config, SftpSession, error::Error as SftpError},
    protocol::StatusCode,
};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{io::AsyncReadExt, net::TcpStream};
use url::{Host, Url};

/// The port of SSH.
const PORT: u16 = 22;
/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;
/// Rounds of questions that a server may ask for a password.
const QUESTIONS: usize = 3;

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Bytes, at least 1.
    pub bytes: u64,
    /// The fingerprint of the key of the server.
    pub fingerprint: String,
}

/// Host and port of an origin.
pub fn server(origin: &Url) -> Option<(String, u16)> {
    Some((origin.host_str()?.to_ascii_lowercase(), origin.port().unwrap_or(PORT)))
}

/// Judges the key of a server.
struct Judge {
    known: Option<String>,
    seen: Arc<Mutex<String>>,
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
        let trusted = self.known.as_ref().is_none_or(|known| *known == fingerprint);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = fingerprint;
        Ok(trusted)
    }
}

/// Fetches files over SFTP.
#[derive(Debug, Clone)]
pub struct Sftp {
    allowed: Allowed,
    limits: Limits,
}

impl Sftp {
    /// From public addresses and `allowed` networks.
    pub fn new(allowed: Allowed, limits: Limits) -> Self {
        Self { allowed, limits }
    }

    /// Fetches `origin` into the file `into`; the server must have the key with the fingerprint `known`,
    /// where one is given.
    ///
    /// # Errors
    /// One of [`FetchError`], whose text may be shown to the owner of the image.
    pub async fn fetch(
        &self,
        origin: &Url,
        login: &Basic,
        known: Option<String>,
        into: &Path,
    ) -> Result<Fetched, FetchError> {
        let work = self.copy(origin, login, known, into);
        within(origin, self.limits.total, "it wasn't complete", work).await?
    }

    async fn copy(
        &self,
        origin: &Url,
        login: &Basic,
        known: Option<String>,
        into: &Path,
    ) -> Result<Fetched, FetchError> {
        let path = percent_decode_str(origin.path()).decode_utf8();
        let path = path.map_err(|_| problem(origin, "has a path that isn't UTF-8: rename the file"))?.into_owned();
        let stream = self.connect(origin).await?;
        let (mut session, fingerprint) = self.shake_hands(origin, stream, known).await?;
        within(origin, self.limits.idle, "no log-in", log_in(origin, &mut session, login)).await??;
        let channel = async {
            let channel = session.channel_open_session().await?;
            channel.request_subsystem(true, "sftp").await?;
            Ok::<_, russh::Error>(channel.into_stream())
        };
        let channel = within(origin, self.limits.idle, "no answer", channel).await?;
        let channel = channel.map_err(|_| problem(origin, "is on a server that has no SFTP: ask its operator"))?;
        let bytes = self.read(origin, SftpSession::new_with_config(channel, self.config()), path, into).await?;
        // Only good manners: the file is there.
        drop(session.disconnect(Disconnect::ByApplication, "", "").await);
        Ok(Fetched { bytes, fingerprint })
    }

    fn config(&self) -> Config {
        Config { request_timeout_secs: self.limits.idle.as_secs().max(1), ..Config::default() }
    }

    /// Resolves the host, judges all its addresses, and connects to one of them.
    async fn connect(&self, origin: &Url) -> Result<TcpStream, FetchError> {
        let refused = |target: String| FetchError::Refused { origin: shown(origin), target };
        let unknown = || FetchError::UnknownHost { origin: shown(origin) };
        let (host, port) = server(origin).ok_or_else(unknown)?;
        if !host_permitted(origin, &self.allowed) {
            return Err(refused(host));
        }
        let name = match origin.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => host,
        };
        let looked_up = tokio::net::lookup_host((name.as_str(), port));
        let found = within(origin, self.limits.idle, "no address", looked_up).await?.map_err(|_| unknown())?;
        let addresses: Vec<SocketAddr> = found.collect();
        if let Some(bad) = addresses.iter().find(|a| !self.allowed.permitted(a.ip())) {
            return Err(refused(bad.ip().to_string()));
        }
        if addresses.is_empty() {
            return Err(unknown());
        }
        let connected = TcpStream::connect(addresses.as_slice());
        within(origin, self.limits.idle, "no connection", connected)
            .await?
            .map_err(|error| FetchError::Unreachable { origin: shown(origin), reason: error.kind().to_string() })
    }

    async fn shake_hands(
        &self,
        origin: &Url,
        stream: TcpStream,
        known: Option<String>,
    ) -> Result<(Handle<Judge>, String), FetchError> {
        let seen = Arc::new(Mutex::new(String::new()));
        let judge = Judge { known, seen: seen.clone() };
        let config = client::Config { inactivity_timeout: Some(self.limits.idle), ..client::Config::default() };
        let shaken = client::connect_stream(Arc::new(config), stream, judge);
        let session = within(origin, self.limits.idle, "no answer", shaken).await?.map_err(|error| match error {
            russh::Error::UnknownKey => problem(
                origin,
                "is on a server with another host key than before: make sure that it is the right one, then replace \
                 the credentials of the origin strategy",
            ),
            _ => problem(origin, "is on a server that doesn't speak SSH the way this one does: check host and port"),
        })?;
        let fingerprint = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((session, fingerprint))
    }

    async fn read(
        &self,
        origin: &Url,
        opening: impl Future<Output = Result<SftpSession, SftpError>>,
        path: String,
        into: &Path,
    ) -> Result<u64, FetchError> {
        let idle = self.limits.idle;
        let sftp = within(origin, idle, "no answer", opening).await?.map_err(|e| failed(origin, &e))?;
        let mut file = within(origin, idle, "no answer", sftp.open(path)).await?.map_err(|e| failed(origin, &e))?;
        let metadata = within(origin, idle, "no answer", file.metadata()).await?.map_err(|e| failed(origin, &e))?;
        if metadata.is_dir() {
            return Err(problem(origin, "is a directory: name a file in it"));
        }
        let mut sink = Sink::create(origin, into, self.limits, metadata.size).await?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = within(origin, idle, "nothing more came", file.read(&mut chunk)).await?;
            match read.map_err(|_| FetchError::Broken { origin: shown(origin) })? {
                0 => return sink.finish().await,
                n => sink.write(&chunk[..n]).await?,
            }
        }
    }
}

/// Gives the password when it is asked for, in either of the two ways that servers have.
async fn log_in(origin: &Url, session: &mut Handle<Judge>, login: &Basic) -> Result<(), FetchError> {
    let refused = || problem(origin, "was refused to the user: check the credentials of its origin strategy");
    let broken = |_: russh::Error| FetchError::Broken { origin: shown(origin) };
    let (user, password) = (login.user.as_str(), login.password.as_str());
    if session.authenticate_password(user, password).await.map_err(broken)?.success() {
        return Ok(());
    }
    let mut asked = session.authenticate_keyboard_interactive_start(user, None).await.map_err(|_| refused())?;
    for _ in 0..QUESTIONS {
        match asked {
            Asked::Success => return Ok(()),
            Asked::Failure { .. } => break,
            Asked::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.to_owned()).collect();
                let answered = session.authenticate_keyboard_interactive_respond(answers).await;
                asked = answered.map_err(|_| refused())?;
            }
        }
    }
    if matches!(asked, Asked::Success) { Ok(()) } else { Err(refused()) }
}

fn failed(origin: &Url, error: &SftpError) -> FetchError {
    match error {
        SftpError::Status(status) => match status.status_code {
            StatusCode::NoSuchFile => problem(origin, "is no file on the server: check its path"),
            StatusCode::PermissionDenied => problem(origin, "may not be read by the user: change its permissions"),
            _ => problem(origin, "was not given out by the server: try again later"),
        },
        _ => FetchError::Broken { origin: shown(origin) },
    }
}
