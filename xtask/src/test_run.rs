//! `cargo xtask test`: everything that must pass before a change is done.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result};
use test_cluster::Cluster;

use crate::{
    check, generate, matrix,
    mutate::{self, Extent, Options},
};

/// Where the tests find a PostgreSQL to make their databases in.
const POSTGRES: &str = "CUSTOMER_API_TEST_POSTGRES";
/// Where the tests find the server; without it, each of them asks the compiler.
const BINARY: &str = "CUSTOMER_API_TEST_BINARY";
/// Where the tests write the (operation, status) pairs they observe.
const OBSERVED: &str = "CUSTOMER_API_OBSERVED";

/// A step, how long it took, and whether it passed.
struct Step {
    name: &'static str,
    seconds: f32,
    passed: bool,
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn take(&mut self, name: &'static str, step: impl FnOnce() -> Result<bool>) -> bool {
        println!("== {name}");
        let start = Instant::now();
        let passed = step().unwrap_or_else(|error| {
            println!("{error:#}");
            false
        });
        self.0.push(Step { name, seconds: start.elapsed().as_secs_f32(), passed });
        passed
    }
}

/// Runs every step, also after one that failed; `arguments` go to the test runner. With arguments,
/// which may leave tests out, what wasn't observed is told but doesn't fail. Answers whether all
/// passed.
///
/// # Errors
/// When the directory for the observations can't be made.
pub fn run(repository: &Path, arguments: &[String]) -> Result<bool> {
    let mut steps = Steps::default();
    steps.take("format", || cargo(repository, &["fmt", "--all", "--check"]));
    steps.take("lints", || {
        cargo(repository, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
    });
    let directory = repository.join("target");
    std::fs::create_dir_all(&directory)?;
    let observed = tempfile::Builder::new().prefix("observed-").tempdir_in(&directory)?;
    steps.take("tests", || tests(repository, arguments, observed.path()));
    steps.take("agreement", || check::check(repository));
    steps.take("oracles", || {
        let options = Options { extent: Extent::Sample, write: false, check: true, survivors: false, out: None };
        Ok(mutate::mutate(repository, &options)? & mutate::inexpressible(repository)?)
    });
    steps.take("observations", || observations(repository, arguments.is_empty(), observed.path()));
    println!("==");
    for step in &steps.0 {
        println!("{:<13} {:>7.1} s  {}", step.name, step.seconds, if step.passed { "passed" } else { "FAILED" });
    }
    Ok(steps.0.iter().all(|step| step.passed))
}

fn tests(repository: &Path, arguments: &[String], observed: &Path) -> Result<bool> {
    // Kept until the runner is done; one that is given is used as it is.
    let cluster = match std::env::var_os(POSTGRES) {
        Some(_) => None,
        None => Some(Cluster::start()?),
    };
    let nextest = Command::new(generate::cargo())
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let runner: &[&str] = if nextest { &["nextest", "run", "--workspace"] } else { &["test", "--workspace"] };
    if !nextest {
        println!("cargo-nextest is not installed: `cargo test` runs the tests");
    }
    let mut command = Command::new(generate::cargo());
    command.current_dir(repository).args(runner).args(arguments).env(OBSERVED, observed);
    command.env(BINARY, test_cluster::server_binary(false)?);
    if let Some(cluster) = &cluster {
        command.env(POSTGRES, cluster.url("postgres"));
    }
    Ok(command.status().context("starting cargo")?.success())
}

fn observations(repository: &Path, all: bool, observed: &Path) -> Result<bool> {
    let document = generate::canonical(repository)?.document;
    let excused = repository.join(matrix::EXCUSED);
    let excused = if excused.exists() { matrix::read(&excused)? } else { Default::default() };
    let observed = matrix::observed(observed)?;
    let pairs = observed.values().flatten().cloned().collect();
    let found = matrix::matrix(&matrix::documented(&document), &pairs, &excused);
    found.print();
    let founding = matrix::read(&repository.join(matrix::FOUNDING))?;
    let mut complete = found.is_complete();
    for profile in matrix::PROFILES {
        let pairs = matrix::of_profile(&founding, &document, profile);
        let seen = observed.get(profile).cloned().unwrap_or_default();
        let missing: Vec<_> = pairs.difference(&seen).collect();
        println!("profile {profile}: {} of {} pairs of {}", pairs.len() - missing.len(), pairs.len(), matrix::FOUNDING);
        missing.iter().for_each(|(id, status)| println!("      {id} {status}: no test observed it"));
        complete &= missing.is_empty();
    }
    Ok(complete || (!all && found.undocumented.is_empty()))
}

fn cargo(repository: &Path, arguments: &[&str]) -> Result<bool> {
    Ok(Command::new(generate::cargo())
        .current_dir(repository)
        .args(arguments)
        .status()
        .context("starting cargo")?
        .success())
}
