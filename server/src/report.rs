//! What operators read: the log, and the line that says why the service doesn't start.

use std::panic::PanicHookInfo;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Starts the log: JSON lines on standard error, as `CUSTOMER_API_LOG` filters them.
pub fn start_log() {
    let filter = EnvFilter::try_from_env("CUSTOMER_API_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    log(filter, std::io::stderr).init();
    std::panic::set_hook(Box::new(log_panic));
}

fn log(filter: EnvFilter, to: impl for<'w> MakeWriter<'w> + Send + Sync + 'static) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer().json().with_writer(to);
    tracing_subscriber::registry().with(lines).with(filter).with(filter_fn(fit_to_be_read))
}

/// Whether operators may read it at all: below `info`, the client of PostgreSQL tells the parameters of statements,
/// such as origins with their signatures. A certificate that is not trusted is no failure of the service, and is told
/// where it is met: in the `error` of an image, or when the server doesn't start.
fn fit_to_be_read(what: &Metadata<'_>) -> bool {
    let is_parameter = *what.level() > Level::INFO && what.target().starts_with("tokio_postgres");
    let is_refusal = *what.level() == Level::ERROR && what.target().starts_with("rustls_platform_verifier");
    !is_parameter && !is_refusal
}

/// A panic is a line of the log like any other.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(at, panic = panic.payload_as_str().unwrap_or_default(), "a panic");
}

/// A failure with its causes, in one line.
pub fn sentence(error: &anyhow::Error) -> String {
    let mut all = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // Many failures tell their causes themselves.
        if all.contains(&text) {
            continue;
        }
        if !all.is_empty() {
            all.push_str(": ");
        }
        all.push_str(&text);
    }
    one_line(&all)
}

/// What is wrong with a command line, in one line and without its usage.
pub fn refusal(error: &clap::Error) -> String {
    let text = error.to_string();
    let paragraph: Vec<&str> = text.lines().take_while(|line| !line.trim().is_empty()).collect();
    one_line(paragraph.join(" ").trim_start_matches("error: "))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Cli;
    use clap::Parser;
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    #[test]
    fn a_failure_is_one_line_that_says_nothing_twice() {
        let cause = io::Error::other("refused:\n  try later");
        let error = anyhow::Error::new(cause).context("no connection: refused").context("it can't be opened");
        assert_eq!(sentence(&error), "it can't be opened: no connection: refused: refused: try later");
        let told = anyhow::Error::new(io::Error::other("refused")).context("no connection: refused");
        assert_eq!(sentence(&told), "no connection: refused");
    }

    #[test]
    fn a_wrong_command_line_is_refused_in_one_line() {
        for wrong in [
            &["serve", "--admin-key", ""][..],
            &["serve", "--admin-key", "a:b", "--admin-secret", "long enough for this"],
            &["serve", "--admin-key", "a"],
            &["serve", "--admin-key", "a", "--admin-secret", ""],
            &["serve", "--database", ""],
            &["serve", "--objects", ""],
            &["serve", "--data", ""],
            &["serve", "--secret-key", ""],
            &["serve", "--public-url", ""],
            &["serve", "--workers", ""],
            &["serve", "--profile", "yesterday"],
            &["serve", "--colour"],
            &["paint"],
        ] {
            let error = Cli::try_parse_from(["customer-server"].iter().chain(wrong)).unwrap_err();
            let line = refusal(&error);
            assert!(line.len() > 20 && !line.contains('\n') && !line.contains("Usage"), "{wrong:?}: {line}");
        }
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_log_is_fit_to_be_read() {
        let written = Written::default();
        let out = written.clone();
        let log = log(EnvFilter::new("debug,tokio_postgres::query=trace"), move || out.clone());
        tracing::subscriber::with_default(log, || {
            tracing::debug!(target: "tokio_postgres::query", "executing with a secret");
            tracing::info!(target: "tokio_postgres::connection", "a notice");
            tracing::error!(target: "rustls_platform_verifier::verification::others", "a certificate");
            tracing::warn!(target: "rustls_platform_verifier::verification::others", "no roots");
            tracing::debug!("anything else");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains("secret") && !text.contains("a certificate"), "{text}");
        assert!(["a notice", "no roots", "anything else"].iter().all(|told| text.contains(told)), "{text}");
    }

    #[test]
    fn a_panic_is_a_line_of_the_log() {
        let written = Written::default();
        let out = written.clone();
        let log = log(EnvFilter::new("warn"), move || out.clone());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(log_panic));
        let outcome = tracing::subscriber::with_default(log, || std::panic::catch_unwind(|| panic!("a\nb")));
        std::panic::set_hook(before);
        assert!(outcome.is_err());
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["level"], &line["fields"]["panic"]), (&"ERROR".into(), &"a\nb".into()));
        assert!(line["fields"]["at"].as_str().unwrap().contains("report.rs"));
    }
}
