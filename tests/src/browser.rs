//! A real browser, headless, driven through chromedriver.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const MISSING: &str = "install a browser first: apt-get install chromium chromium-driver";
/// What chromedriver prints when it listens, before the port.
const READY: &str = "started successfully on port ";
const PATIENCE: Duration = Duration::from_secs(30);

/// Keep the browser to itself: no sandbox (tests may run as root), no traffic of its own.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1200,1600",
];

/// A running browser with a profile of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Browser {
    /// The session with the browser.
    pub client: Client,
    _driver: Driver,
    _profile: TempDir,
}

impl Browser {
    /// Starts chromedriver on a free port, and a browser.
    ///
    /// # Errors
    /// When they are not installed (the message says what to install) or don't start.
    pub async fn start() -> anyhow::Result<Self> {
        let profile = tempfile::Builder::new().prefix("browser-").tempdir()?;
        let mut driver = Command::new("chromedriver");
        driver.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        driver.process_group(0);
        let mut driver = Driver(driver.spawn().context(MISSING)?);
        let stdout = driver.0.stdout.take().context("chromedriver has no stdout")?;
        let port = tokio::time::timeout(PATIENCE, port(stdout)).await.context("chromedriver")??;
        let user_data = format!("--user-data-dir={}", profile.path().display());
        let arguments: Vec<&str> = FLAGS.iter().copied().chain([user_data.as_str()]).collect();
        let mut capabilities = serde_json::Map::new();
        capabilities.insert("goog:chromeOptions".to_owned(), json!({ "args": arguments }));
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context(MISSING)?;
        Ok(Self { client, _driver: driver, _profile: profile })
    }

    /// Waits for an element that matches a CSS selector.
    ///
    /// # Panics
    /// When there is none in 30 s.
    pub async fn element(&self, selector: &str) -> fantoccini::elements::Element {
        let waiting = self.client.wait().at_most(PATIENCE);
        match waiting.for_element(Locator::Css(selector)).await {
            Ok(element) => element,
            Err(error) => panic!("nothing matches {selector}: {error}"),
        }
    }

    /// Waits for an element and clicks it.
    ///
    /// # Panics
    /// When there is none in 30 s, or it can't be clicked.
    pub async fn click(&self, selector: &str) {
        if let Err(error) = self.element(selector).await.click().await {
            panic!("{selector} can't be clicked: {error}");
        }
    }

    /// Waits for a field and types into it.
    ///
    /// # Panics
    /// When there is none in 30 s, or it can't be typed into.
    pub async fn fill(&self, selector: &str, text: &str) {
        if let Err(error) = self.element(selector).await.send_keys(text).await {
            panic!("{selector} can't be filled in: {error}");
        }
    }

    /// Ends the session, and with it the browser.
    ///
    /// # Errors
    /// When the browser doesn't answer any more.
    pub async fn close(self) -> anyhow::Result<()> {
        Ok(self.client.close().await?)
    }
}

#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    /// Ends the whole group: chromedriver alone would leave its browser behind.
    fn drop(&mut self) {
        if let Some(id) = self.0.id() {
            let group = format!("-{id}");
            let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
        }
    }
}

async fn port(stdout: tokio::process::ChildStdout) -> anyhow::Result<u16> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once(READY) {
            // The driver must not block on a full pipe, nor end because nobody listens.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port.trim().trim_end_matches('.').parse()?);
        }
    }
    anyhow::bail!("chromedriver ended before it listened")
}
