//! Starting the server: what stands in its way is said in one line, and nothing is touched before.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use contract_tests::{Document, FreshDatabase, Origin, TestServer, contract_test, eventually, process};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::registered::{PATIENCE, counts, finished, space, submit};

pub(crate) fn server() -> Command {
    let mut command = Command::new(process::binary().expect("the server can be built"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // Nobody wants to read where in the program it was.
    command.env("RUST_BACKTRACE", "1");
    command
}

/// What a process that doesn't start says: one line, and what it exits with.
pub(crate) async fn refused(command: &mut Command) -> String {
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let Output { status, stdout, stderr } = ended.expect("it ends").expect("it can be started");
    let (out, line) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!status.success() && out.is_empty(), "{status}: {out}{line}");
    assert!(line.starts_with("error: ") && line.trim_end().lines().count() == 1, "{line}");
    line.trim_end().to_owned()
}

contract_test!(a_second_server_on_the_same_data_touches_nothing, only sqlite, async |server: &mut TestServer| {
    let origin = Origin::start().await;
    let tenant = server.new_customer("harbour").await;
    let space = space(server, &tenant, "plans").await;
    let names = ["a.jpg", "b.jpg", "c.jpg"];
    let members = names.map(|name| json!({ "id": name, "space": space, "origin": origin.picture(name, 60, 40) }));
    names.iter().for_each(|name| origin.hold(name));
    let batch = submit(server, &tenant, members.to_vec()).await;
    let asked = || names.iter().all(|name| origin.hits(name) == 1);
    eventually(PATIENCE, "all are under way", async || asked().then_some(())).await;
    for listen in ["127.0.0.1:0".to_owned(), server.direct().to_string()] {
        let mut second = self::server();
        second.args(["serve", "--listen", &listen, "--origin-allow", "127.0.0.0/8", "--data"]).arg(server.data());
        let line = refused(&mut second).await;
        assert!(line.contains("another server uses the data directory") && line.contains("--data"), "{line}");
    }
    names.iter().for_each(|name| origin.release(name));
    assert_eq!(counts(&finished(server, &tenant, &batch).await), [3, 3, 0]);
    assert!(asked(), "nothing was fetched twice");
});

#[tokio::test]
async fn a_server_that_cannot_listen_leaves_the_data_alone() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let data = tempfile::tempdir().expect("a directory");
    let line = refused(server().args(["serve", "--listen", &address, "--data"]).arg(data.path())).await;
    assert!(line.contains(&address) && line.contains("--listen"), "{line}");
    assert!(!data.path().join("customer-api.sqlite").exists());
}

/// Arguments, variables, and what is said of them.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn what_stands_in_the_way_is_one_line() {
    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    let secret = "long-enough-for-a-secret";
    let cases: [Case<'_>; 16] = [
        (&["serve", "--data", "/proc/none"], &[], "/proc/none"),
        (&["worker"], &[], "--database"),
        (&["serve", "--database", nobody], &[], "PostgreSQL"),
        (&["serve", "--database", "nonsense"], &[], "PostgreSQL"),
        (&["serve", "--objects", "gs://bucket"], &[], "s3://bucket/prefix"),
        (&["serve", "--secret-key", "short"], &[], "32 bytes"),
        (&["serve", "--admin-key", "a:b", "--admin-secret", secret], &[], "--admin-key"),
        (&["serve", "--admin-key", "a"], &[], "--admin-secret"),
        (&["serve", "--admin-secret", ""], &[("CUSTOMER_API_ADMIN_KEY", "a")], "--admin-secret"),
        (&["serve"], &[("CUSTOMER_API_ADMIN_KEY", ""), ("CUSTOMER_API_ADMIN_SECRET", "")], "--admin-"),
        (&["serve"], &[("CUSTOMER_API_DATABASE", "")], "--database"),
        (&["serve"], &[("CUSTOMER_API_OBJECTS", "")], "--objects"),
        (&["serve"], &[("CUSTOMER_API_SECRET_KEY", "")], "--secret-key"),
        (&["serve"], &[("CUSTOMER_API_DATA", "")], "--data"),
        (&["serve"], &[("CUSTOMER_API_PUBLIC_URL", "")], "--public-url"),
        (&["serve", "--profile", "yesterday"], &[], "--profile"),
    ];
    for (arguments, environment, part) in cases {
        let place = tempfile::tempdir().expect("a directory");
        let mut command = server();
        command.current_dir(place.path()).args(arguments).envs(environment.iter().copied());
        if arguments[0] == "serve" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let line = refused(&mut command).await;
        assert!(line.contains(part), "{arguments:?} {environment:?}: {line}");
    }
}

#[tokio::test]
async fn what_the_code_emits_is_the_document() {
    let output = server().arg("emit-openapi").output().await.unwrap();
    let emitted = serde_json::from_slice(&output.stdout).unwrap();
    let differences = xtask::compare::compare(Document::committed().root(), &emitted);
    assert!(differences.is_empty(), "{}", differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["serve", "--help"]] {
        let done = server().args(arguments).output().await.expect("it can be started");
        assert!(done.status.success() && done.stderr.is_empty() && !done.stdout.is_empty(), "{arguments:?}: {done:?}");
    }
}

/// A process on a database that several share.
fn sharing(kind: &str, database: &FreshDatabase, data: &Path) -> Command {
    let mut command = server();
    command.args([kind, "--workers", "1", "--database", &database.url, "--data"]).arg(data);
    if kind == "serve" {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
}

#[tokio::test]
async fn processes_on_one_database_share_everything_else_too() {
    let database = FreshDatabase::create().await.expect("a database");
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let log = Arc::<Mutex<String>>::default();
    let (mut first, _) = process::start(&mut sharing("serve", &database, one.path()), log.clone()).await.unwrap();

    for kind in ["worker", "serve"] {
        let line = refused(&mut sharing(kind, &database, other.path())).await;
        assert!(line.contains("--objects") && line.contains("stored images"), "{line}");
    }
    let mut elsewhere = sharing("worker", &database, other.path());
    let line = refused(elsewhere.arg("--objects").arg(one.path().join("objects"))).await;
    assert!(line.contains("--secret-key") && line.contains("secret.key"), "{line}");

    // What is the same is taken, and so is what the operator insists on.
    let key = std::fs::read_to_string(one.path().join("secret.key")).expect("a key");
    let mut same = sharing("serve", &database, other.path());
    same.args(["--secret-key", &key, "--objects"]).arg(one.path().join("objects"));
    let (mut second, _) = process::start(&mut same, log.clone()).await.unwrap();
    for process in [&mut first, &mut second] {
        process.kill().await.expect("it can be killed");
    }
    let mut adopting = sharing("serve", &database, other.path());
    let (mut third, _) = process::start(adopting.arg("--adopt"), log.clone()).await.unwrap();
    third.kill().await.expect("it can be killed");
    let line = refused(&mut sharing("worker", &database, one.path())).await;
    assert!(line.contains("stored images"), "{line}");
    database.remove().await.expect("it can be removed");
}

#[tokio::test]
async fn servers_that_start_together_on_an_empty_database_make_one_administrator() {
    for _ in 0..4 {
        let database = FreshDatabase::create().await.expect("a database");
        let data = tempfile::tempdir().expect("a directory");
        let log = Arc::<Mutex<String>>::default();
        let starts = (0..4).map(|_| async {
            process::start(&mut sharing("serve", &database, data.path()), log.clone()).await.expect("it starts").0
        });
        for mut process in futures::future::join_all(starts).await {
            process.kill().await.expect("it can be killed");
        }
        let said = log.lock().expect("a log").clone();
        assert_eq!(said.matches("administrator key: ").count(), 1, "{said}");
        database.remove().await.expect("it can be removed");
    }
}

contract_test!(a_short_secret_is_warned_of, only sqlite, async |server: &mut TestServer| {
    assert!(!server.log().contains("administrator's secret"), "{}", server.log());
    let data = tempfile::tempdir().expect("a directory");
    let log = Arc::<Mutex<String>>::default();
    let mut command = self::server();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-key", "a", "--admin-secret", "short", "--data"]);
    let (mut process, _) = process::start(command.arg(data.path()), log.clone()).await.unwrap();
    process.kill().await.expect("it can be killed");
    let said = log.lock().expect("a log").clone();
    let warning = said.lines().find(|line| line.contains("administrator's secret")).expect("a warning");
    let warning: Value = serde_json::from_str(warning).expect("a line of JSON");
    assert_eq!(warning["level"], "WARN");
});

#[tokio::test]
async fn a_new_data_directory_is_nobody_elses() {
    let inside = tempfile::tempdir().expect("a directory");
    let data = inside.path().join("new/data");
    let mut command = server();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let (mut process, _) = process::start(&mut command, Arc::default()).await.unwrap();
    process.kill().await.expect("it can be killed");
    let mode = std::fs::metadata(&data).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
