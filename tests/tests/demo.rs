//! The demonstration, from its first line to its last.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

#[tokio::test]
async fn the_demonstration_shows_the_main_job() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.arg("--once").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), demo.output()).await.expect("it ends").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(said.contains("12 images, 12 completed, 0 errors"), "{said}");
    for name in ["bark.tiff", "tiles.gif", "dunes.webp", "contours.png", "night-turned.jpg"] {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {said}"));
        assert!(line.contains('×') && line.contains("/thumbs/1/"), "{line}");
    }
    for place in ["/docs/", "/customers/1/spaces/", "/customers/1/queue/batches/"] {
        assert!(said.contains(place), "{place}: {said}");
    }
}

#[tokio::test]
async fn a_folder_without_pictures_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.args(["--once", "--pictures"]).arg(folder.path()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), demo.output()).await.expect("it ends").unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no pictures in") && said.contains(&folder.path().display().to_string()), "{said}");
}
