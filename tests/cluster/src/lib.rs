//! A throwaway PostgreSQL cluster, started from the installed binaries and removed when dropped.
//!
//! It listens on a free port of 127.0.0.1, trusts every connection, and writes nothing durably:
//! good for tests and for nothing else.

mod binary;

pub use binary::server_binary;

use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// What makes a test cluster fast: it loses everything with the machine, and no test minds.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=300",
    "shared_buffers=128MB",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum_naptime=10s",
];

/// A free port can be taken by another process before the server binds it.
const ATTEMPTS: usize = 5;

/// A running cluster. Dropping it stops the server and removes its files.
#[derive(Debug)]
pub struct Cluster {
    directory: TempDir,
    binaries: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts a cluster, and waits until it takes connections.
    ///
    /// # Errors
    /// When no PostgreSQL is installed (neither on `PATH` nor under `/usr/lib/postgresql`), or
    /// its tools fail; the error ends with what they said.
    pub fn start() -> Result<Self> {
        Self::make(|_| Ok(()))
    }

    /// The same, but it takes encrypted connections alone, with a certificate and its key in PEM.
    ///
    /// # Errors
    /// As [`Cluster::start`], or when it can't use the certificate.
    pub fn start_encrypted(certificate: &str, key: &str) -> Result<Self> {
        Self::make(|data| {
            for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                write_private(&data.join(name), text)?;
            }
            std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust\n")?;
            let mut settings = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
            Ok(writeln!(settings, "ssl = on")?)
        })
    }

    fn make(prepare: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let binaries = binaries()?;
        let directory = tempfile::Builder::new().prefix("test-cluster-").tempdir()?;
        // The server's own user, who may be another one, must get through.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o777))?;
        let data = directory.path().join("data");
        run(Command::new(binaries.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(&data))?;
        prepare(&data)?;
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            match pg_ctl_start(&binaries, &data, &directory.path().join("log"), port) {
                Ok(()) => {
                    return Ok(Self { directory, binaries, port });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("not tried"))).context("PostgreSQL did not start")
    }

    /// The connection string of a database of this cluster; `postgres` always exists.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Failing to stop leaves a stray process and nothing to be done about it here.
        let _ = run(Command::new(self.binaries.join("pg_ctl"))
            .args(["stop", "--mode=immediate", "--wait", "--pgdata"])
            .arg(self.directory.path().join("data")));
    }
}

/// Writes a file that only the server's user may read, which it insists on.
fn write_private(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    if let Some((user, group)) = other_user()? {
        std::os::unix::fs::chown(path, Some(user), Some(group))?;
    }
    Ok(())
}

fn pg_ctl_start(binaries: &Path, data: &Path, log: &Path, port: u16) -> Result<()> {
    let settings: Vec<String> = SETTINGS.iter().map(|setting| format!("-c {setting}")).collect();
    let options = format!("-p {port} {}", settings.join(" "));
    run(Command::new(binaries.join("pg_ctl"))
        .args(["start", "--wait", "--timeout=60", "--pgdata"])
        .arg(data)
        .arg("--log")
        .arg(log)
        .arg("--options")
        .arg(options))
    .with_context(|| std::fs::read_to_string(log).unwrap_or_default())
}

/// Runs one of PostgreSQL's tools, as an unprivileged user where this process is root: they
/// refuse to work for root.
fn run(command: &mut Command) -> Result<()> {
    if let Some((user, group)) = other_user()? {
        command.uid(user).gid(group);
    }
    // The server outlives `pg_ctl start`: a pipe for its output would never reach its end.
    let errors = tempfile::tempfile()?;
    let status = command
        .current_dir("/")
        .env_remove("PGDATA")
        .env_remove("PGPORT")
        .stdin(Stdio::null())
        .stdout(errors.try_clone()?)
        .stderr(errors.try_clone()?)
        .status()
        .with_context(|| format!("running {}", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    let mut said = String::new();
    let mut errors = errors;
    std::io::Seek::rewind(&mut errors)?;
    std::io::Read::read_to_string(&mut errors, &mut said)?;
    bail!("{} failed ({status}): {}", command.get_program().display(), said.trim())
}

/// User and group to run as, when this process is root: `postgres` where there is one, else
/// `nobody`.
fn other_user() -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt as _;
    let own = tempfile::tempfile()?.metadata()?;
    if own.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").context("reading the list of accounts")?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| {
            let fields: Vec<&str> =
                accounts.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
            Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
        })
        .map(Some)
        .context("PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody`")
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The directory of `initdb` and `pg_ctl`: the newest of Debian's places, or one of `PATH`.
fn binaries() -> Result<PathBuf> {
    let complete = |directory: &PathBuf| directory.join("initdb").exists() && directory.join("pg_ctl").exists();
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    installed.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(installed.into_iter().rev().map(|(_, directory)| directory))
        .find(complete)
        .context("no PostgreSQL found: install it (Debian: `apt-get install postgresql`), or put `initdb` and `pg_ctl` on PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_takes_connections_and_leaves_nothing_behind() {
        let cluster = Cluster::start().unwrap();
        let directory = cluster.directory.path().to_path_buf();
        assert!(cluster.url("postgres").ends_with(&format!("{}/postgres", cluster.port)));
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, cluster.port)).unwrap();
        drop(cluster);
        assert!(!directory.exists());
    }
}
