//! What is made from the document, and whether what is committed is what would be made.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    bundle::{self, Bundle},
    client, client_view, edition_31,
    finding::Findings,
    lint, round_trip,
};

/// The command that brings derived files up to date.
pub const COMMAND: &str = "cargo xtask generate";

/// A file that is made from others.
#[derive(Debug)]
pub struct Derived {
    /// Its path, relative to the repository.
    pub path: &'static str,
    /// What it must hold.
    pub content: String,
}

/// The directory of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new(".")).to_path_buf()
}

/// Reads and bundles the canonical document.
///
/// # Errors
/// What the file system says, or [`Findings`].
pub fn canonical(repository: &Path) -> Result<Bundle> {
    let files = bundle::read(&repository.join("openapi"))?;
    Ok(bundle::bundle(&files, "openapi/")?)
}

/// The derived documents.
///
/// # Errors
/// When JSON can't be written.
pub fn documents(canonical: &Value) -> Result<Vec<Derived>> {
    Ok(vec![
        Derived { path: "openapi/openapi.json", content: pretty(canonical)? },
        Derived { path: "openapi/openapi-3.1.json", content: pretty(&edition_31::edition_31(canonical))? },
        Derived { path: "openapi/client.json", content: pretty(&client_view::client_view(canonical))? },
    ])
}

/// The client's test of every example.
#[must_use]
pub fn client_examples(canonical: &Value) -> Derived {
    Derived { path: "client/src/examples/generated.rs", content: round_trip::source(canonical) }
}

/// The client's source.
///
/// # Errors
/// What the generator can't take.
pub fn client_source(canonical: &Value) -> Result<Derived> {
    Ok(Derived { path: "client/src/generated.rs", content: client::source(&client_view::client_view(canonical))? })
}

/// Makes everything, and writes what changed. Answers the paths written.
///
/// # Errors
/// [`Findings`] of the bundler or the lint, or what a later step says. Documents are written even
/// when the client can't be generated from them.
pub fn generate(repository: &Path) -> Result<Vec<&'static str>> {
    let bundle = canonical(repository)?;
    let mut written = Vec::new();
    for derived in documents(&bundle.document)? {
        if write(repository, &derived)? {
            written.push(derived.path);
        }
    }
    let derived = client_examples(&bundle.document);
    if write(repository, &derived)? {
        written.push(derived.path);
    }
    let derived = client_source(&bundle.document)?;
    if write(repository, &derived)? {
        written.push(derived.path);
    }
    let findings = lint::lint(&bundle);
    if !findings.is_empty() {
        return Err(Findings(findings).into());
    }
    Ok(written)
}

/// Whether the committed file holds what it must.
#[must_use]
pub fn is_fresh(repository: &Path, derived: &Derived) -> bool {
    std::fs::read_to_string(repository.join(derived.path)).is_ok_and(|found| found == derived.content)
}

fn pretty(document: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

/// Writes a file whole or not at all, and only when it changes.
fn write(repository: &Path, derived: &Derived) -> Result<bool> {
    if is_fresh(repository, derived) {
        return Ok(false);
    }
    let path = repository.join(derived.path);
    let directory = path.parent().unwrap_or(repository);
    let mut file = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory)
        .with_context(|| path.display().to_string())?;
    file.write_all(derived.content.as_bytes())?;
    file.persist(&path).with_context(|| path.display().to_string())?;
    Ok(true)
}

/// The cargo this was started by.
#[must_use]
pub fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
