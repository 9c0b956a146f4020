//! `cargo xtask`: generate, check, test and demonstrate.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use serde_json::Value;
use xtask::{
    bundle, changes, check, generate,
    mutate::{self, Extent},
    test_run,
};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The workshop of the customer API.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Make what is made from openapi/: the bundle, the 3.1 edition, the client view, the client.
    Generate,
    /// Tell whether document, server and client agree.
    Check {
        /// Tell what the comparison of structures ignores, and do nothing else.
        #[arg(long)]
        explain: bool,
    },
    /// List what differs between two documents: files (JSON or YAML, OpenAPI 3.0 or 3.1), or openapi/ directories.
    Diff {
        /// The older document.
        old: PathBuf,
        /// The newer document.
        new: PathBuf,
        /// Fail only when a change breaks clients of the older document.
        #[arg(long)]
        breaking: bool,
    },
    /// Change every node of the document, one at a time, and tell which oracle catches it.
    Mutate {
        /// Ask the structural oracle alone.
        #[arg(long, conflicts_with = "sample")]
        structure: bool,
        /// Ask the structural oracle about all mutants, and every oracle about a fixed sample.
        #[arg(long)]
        sample: bool,
        /// Write the tables into README.md.
        #[arg(long)]
        write: bool,
        /// Fail when a cell falls below what README.md says.
        #[arg(long, conflicts_with = "write")]
        check: bool,
        /// Print every survivor with the reason why it is harmless.
        #[arg(long)]
        survivors: bool,
        /// Ask the oracles that want a server too about all mutants, not only about a sample: it takes long.
        #[arg(long, conflicts_with_all = ["structure", "sample"])]
        behaviour: bool,
        /// With --behaviour: ask about one mutant in so many.
        #[arg(long, default_value_t = 1, requires = "behaviour", value_parser = clap::value_parser!(u64).range(1..))]
        every: u64,
        /// With --behaviour: keep the answers in FILE.behaviour.jsonl and FILE.examples.jsonl, and ask only for those
        /// that aren't there. They are of one document, server and build of the probes.
        #[arg(long, value_name = "FILE", requires = "behaviour")]
        out: Option<PathBuf>,
    },
    /// Run everything that must pass: format, lints, tests on both databases, agreement.
    Test {
        /// Arguments for the test runner.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Show the API at work: start a server, use it through the client.
    Demo {
        /// Arguments for the demonstration.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    let repository = generate::repository();
    match task {
        Task::Generate => {
            let written = generate::generate(&repository)?;
            written.iter().for_each(|path| println!("wrote {path}"));
            if written.is_empty() {
                println!("everything is up to date");
            }
            Ok(true)
        }
        Task::Check { explain: true } => {
            check::explain();
            mutate::inexpressible(&repository)
        }
        Task::Check { explain: false } => check::check(&repository),
        Task::Diff { old, new, breaking } => {
            let changes = changes::changes(&document(&old)?, &document(&new)?);
            changes.iter().for_each(|change| println!("{change}"));
            let broken = changes.iter().filter(|change| change.breaks.is_some()).count();
            println!("{} changes, {broken} of them break clients of the older document", changes.len());
            Ok(if breaking { broken == 0 } else { changes.is_empty() })
        }
        Task::Mutate { structure, sample, write, check, survivors, behaviour, every, out } => {
            let extent = match (structure, sample) {
                (true, _) => Extent::Structure,
                (_, true) => Extent::Sample,
                _ if behaviour => Extent::Behaviour(every),
                _ => Extent::Whole,
            };
            mutate::mutate(&repository, &mutate::Options { extent, write, check, survivors, out })
        }
        Task::Test { arguments } => test_run::run(&repository, &arguments),
        Task::Demo { arguments } => {
            let mut command = Command::new(generate::cargo());
            // Started where the caller stands, to whom a relative path belongs. Not quiet: a first build takes minutes.
            command.args(["run", "--bin", "demo", "--manifest-path"]).arg(repository.join("Cargo.toml"));
            command.arg("--").args(arguments);
            Ok(command.status().context("starting cargo")?.success())
        }
    }
}

/// A document: one file, or a directory to be bundled.
fn document(path: &Path) -> Result<Value> {
    let name = path.display().to_string();
    if path.is_dir() {
        return Ok(bundle::bundle(&bundle::read(path)?, &format!("{name}/"))?.document);
    }
    let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
    Ok(bundle::single(&name, &text)?.document)
}
