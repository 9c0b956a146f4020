//! `cargo xtask check`: whether document, server and client agree.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    bundle::{Bundle, Sources},
    compare::{self, Difference},
    finding::Finding,
    generate, lint,
    normal::IGNORED,
};

/// What one oracle found.
#[derive(Debug)]
struct Verdict {
    oracle: &'static str,
    found: Vec<String>,
    mend: &'static str,
}

/// Asks every oracle that needs no running server, prints what each found, and answers whether
/// none found anything.
///
/// # Errors
/// When the document can't be bundled: nothing can be compared then.
pub fn check(repository: &Path) -> Result<bool> {
    let bundle = generate::canonical(repository)?;
    let document = &bundle.document;
    let mut verdicts = vec![Verdict {
        oracle: "L rules: the document keeps the house's rules",
        found: lint::lint(&bundle).iter().map(ToString::to_string).collect(),
        mend: "change the document at the places named",
    }];
    verdicts.push(Verdict {
        oracle: "D derived files: what is committed is what the document makes",
        found: generate::documents(document)?
            .iter()
            .filter(|derived| !generate::is_fresh(repository, derived))
            .map(|derived| format!("{} is stale", derived.path))
            .collect(),
        mend: generate::COMMAND,
    });
    verdicts.push(Verdict {
        oracle: "C client: the committed source is what the document makes",
        found: client(repository, document),
        mend: generate::COMMAND,
    });
    verdicts.push(Verdict {
        oracle: "S structure: the server's document says what the canonical one says",
        found: structure(repository, &bundle).unwrap_or_else(|error| vec![format!("{error:#}")]),
        mend: "change server/src/api, or the document and `cargo xtask generate`",
    });
    let mut agreed = true;
    for verdict in &verdicts {
        agreed &= verdict.found.is_empty();
        match verdict.found.len() {
            0 => println!("ok    {}", verdict.oracle),
            count => {
                println!("{count:<5} {}", verdict.oracle);
                verdict.found.iter().for_each(|line| println!("      {line}"));
                println!("      run: {}", verdict.mend);
            }
        }
    }
    Ok(agreed)
}

/// Prints what the structural oracle doesn't look at.
pub fn explain() {
    println!("S compares the normal forms of the document the server emits and of the canonical one. It ignores:");
    IGNORED.iter().for_each(|line| println!("- {line}"));
    println!("References are followed, so that a shared part and the same part written in place are equal.");
    println!("What S ignores is covered by L (it must be there), X (examples are executed) and C (names).");
}

fn client(repository: &Path, document: &Value) -> Vec<String> {
    let stale = |derived: generate::Derived| {
        (!generate::is_fresh(repository, &derived)).then(|| format!("{} is stale", derived.path))
    };
    let mut found: Vec<String> = stale(generate::client_examples(document)).into_iter().collect();
    match generate::client_source(document) {
        Ok(derived) => found.extend(stale(derived)),
        Err(error) => found.push(format!("{error:#}")),
    }
    found
}

/// The differences between the canonical document and the one the server's code emits.
fn structure(repository: &Path, bundle: &Bundle) -> Result<Vec<String>> {
    let found = compare::compare(&bundle.document, &emitted(repository)?);
    Ok(found.iter().map(|difference| told(&bundle.sources, difference)).collect())
}

/// A difference, and where the canonical document says what differs, or the nearest that it says.
fn told(sources: &Sources, difference: &Difference) -> String {
    Finding::new(sources.place(&difference.pointer), difference.to_string()).to_string()
}

/// What poem-openapi makes of the server's code.
///
/// # Errors
/// When the server doesn't compile, or prints no JSON.
pub fn emitted(repository: &Path) -> Result<Value> {
    let mut command = Command::new(test_cluster::server_binary(false)?);
    let output = command.current_dir(repository).arg("emit-openapi").output().context("starting the server")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        bail!("the server emits no document:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
    }
    serde_json::from_slice(&output.stdout).context("the server emits no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::single;

    #[test]
    fn a_difference_is_told_with_its_place() {
        let text = "openapi: 3.0.3\ninfo: { title: A, version: '1' }\npaths:\n  /a:\n    get:\n      operationId: a_view\n      responses:\n        '200': { description: It. }\n";
        let bundle = single("a.yaml", text).unwrap();
        let mut other = bundle.document.clone();
        other["paths"]["/a"]["get"]["responses"]["200"]["headers"] = serde_json::json!({ "ETag": {} });
        other["paths"]["/a"]["get"]["operationId"] = "a_show".into();
        let found: Vec<String> =
            compare::compare(&bundle.document, &other).iter().map(|one| told(&bundle.sources, one)).collect();
        assert!(
            found[0].starts_with("a.yaml:6:7: a_show /paths/~1a/get/operationId: canonical \"a_view\""),
            "{found:?}"
        );
        assert!(
            found[1].starts_with("a.yaml:8:9: a_show /paths/~1a/get/responses/200/headers/header etag: only"),
            "{found:?}"
        );
    }
}
