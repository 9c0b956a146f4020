//! The published Python client of Fastly, unchanged but for its base URL, against the server.

use std::path::{Path, PathBuf};

use contract_tests::{TestServer, contract_test};
use tokio::process::Command;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const WANTED: &str = include_str!("../clients/requirements.txt");

async fn run(command: &mut Command) -> String {
    let output = command.output().await.expect("python can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A Python with the pinned client; made once, in the directory of the build.
async fn python() -> PathBuf {
    let version = WANTED.lines().next().unwrap_or_default().replace("==", "-");
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(version);
    if !kept.exists() {
        let new = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the directory of the build can be written");
        run(Command::new("python3").args(["-m", "venv"]).arg(new.path())).await;
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(new.path().join("bin/python")).args(install).arg(format!("{FILES}/requirements.txt"))).await;
        // Another test may have been faster; then this one goes.
        if std::fs::rename(new.path(), &kept).is_ok() {
            drop(new.keep());
        }
    }
    kept.join("bin/python")
}

contract_test!(the_python_client_works, async |server: &mut TestServer| {
    let found = Command::new("python3").arg("--version").output().await;
    if !found.is_ok_and(|output| output.status.success()) {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "python3 is missing");
        println!("python3 is missing: the published client of Fastly is not tried");
        return;
    }
    let tenant = server.new_customer("harbour").await;
    let customer = tenant.request(server, "GET", "").send().await.expect(200).json();
    let id = customer["account"].as_str().and_then(|link| link.rsplit('/').next()).expect("an account").to_owned();
    let token = format!("{}.{}", tenant.credentials.key, tenant.credentials.secret);
    let script = format!("{FILES}/fastly_account.py");
    let mut command = Command::new(python().await);
    command.arg(script).args([&server.base_url(), &token, &id]).env("NO_PROXY", "*");
    print!("{}", run(&mut command).await);
});
