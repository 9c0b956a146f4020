//! OpenSSH's server with one user, who exists for it alone: it sees copies of the system's lists of users,
//! in a mount namespace of its own. That takes root.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::eventually;
use crate::origin::ORIGIN_USER;

/// What `crypt(3)` makes of [`ORIGIN_PASSWORD`](crate::origin::ORIGIN_PASSWORD).
const HASH: &str =
    "$6$harbourharbour$eKavsMlWSjr5O6LLyLNDqVAIujY.RKfm9yHYEbX1td6BIKIv5RLwNvvcf86wM2GyNOA8fvc7mYEqJh.e3mNvd/";
/// A user number that nobody has.
const UID: u32 = 64_123;
const SSHD: &str = "/usr/sbin/sshd";

/// A running SSH server that gives out files over SFTP. Dropping it stops it.
#[derive(Debug)]
pub struct Sftp {
    directory: TempDir,
    port: u16,
    process: Child,
}

impl Sftp {
    /// Whether one can be started here: the process is root's, and there is an `sshd`.
    #[must_use]
    pub fn is_possible() -> bool {
        let root = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let root = root.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"));
        root && Path::new(SSHD).exists()
    }

    /// Starts a server on a free port of 127.0.0.1, for [`ORIGIN_USER`] and [`ORIGIN_PASSWORD`](crate::origin::ORIGIN_PASSWORD).
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("contract-sftp-").tempdir().expect("a directory");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        let at = directory.path().to_owned();
        std::fs::set_permissions(&at, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
        let users = std::fs::read_to_string("/etc/passwd").expect("the users");
        let home = at.display();
        write(&at, "passwd", &format!("{users}\n{ORIGIN_USER}:x:{UID}:{UID}::{home}:/bin/sh\n"), 0o644);
        write(&at, "shadow", &format!("{ORIGIN_USER}:{HASH}:20000:0:99999:7:::\n"), 0o600);
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {home}/host_key\nPidFile none\nUsePAM no\n\
             PasswordAuthentication yes\nKbdInteractiveAuthentication no\nAllowUsers {ORIGIN_USER}\n\
             Subsystem sftp internal-sftp\nForceCommand internal-sftp\n",
            free.port()
        );
        write(&at, "config", &config, 0o600);
        make_host_key(&at).await;
        let process = spawn(&at);
        let mut server = Self { directory, port: free.port(), process };
        server.wait().await;
        server
    }

    /// The URL of a file that holds these bytes.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn put(&self, name: &str, bytes: &[u8]) -> String {
        let file = self.directory.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        format!("sftp://127.0.0.1:{}{}", self.port, file.display())
    }

    /// Makes a file unreadable for the user.
    ///
    /// # Panics
    /// When there is none.
    pub fn lock(&self, name: &str) {
        let file = self.directory.path().join(name);
        std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a file");
    }

    /// Starts the server again with another host key.
    ///
    /// # Panics
    /// When that fails.
    pub async fn change_host_key(&mut self) {
        self.process.kill().await.expect("a process that can be killed");
        for name in ["host_key", "host_key.pub"] {
            std::fs::remove_file(self.directory.path().join(name)).expect("a key");
        }
        make_host_key(self.directory.path()).await;
        self.process = spawn(self.directory.path());
        self.wait().await;
    }

    async fn wait(&mut self) {
        let port = self.port;
        eventually(Duration::from_secs(10), "sshd listens", async || {
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("sshd has ended: {status}");
            }
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
    }
}

fn write(directory: &Path, name: &str, text: &str, mode: u32) {
    let file = directory.join(name);
    std::fs::write(&file, text).expect("a file");
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("permissions");
}

async fn make_host_key(directory: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(directory.join("host_key"));
    assert!(command.status().await.expect("ssh-keygen").success());
}

fn spawn(directory: &Path) -> Child {
    let script = format!(
        "mkdir -p /run/sshd && mount --bind \"$1/passwd\" /etc/passwd && mount --bind \"$1/shadow\" /etc/shadow && \
         exec {SSHD} -D -e -f \"$1/config\""
    );
    Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"])
        .arg(directory)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("unshare")
}
