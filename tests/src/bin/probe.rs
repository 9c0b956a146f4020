//! Asks oracle B about changes of the document: which of them would a probe notice?

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use contract_tests::probes::{Bench, Mutant};
use contract_tests::{Backend, Document};
use futures::StreamExt as _;
use serde_json::json;

/// Changes that are asked about at the same time.
const AT_ONCE: usize = 2;

/// Asks oracle B about changes of the document.
#[derive(Debug, Parser)]
struct Arguments {
    /// The changes, as `cargo xtask mutate --sample` writes them: one JSON object a line.
    #[arg(long)]
    mutants: PathBuf,
    /// Take each so-many-th.
    #[arg(long, default_value_t = 1)]
    every: usize,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let text = tokio::fs::read_to_string(&arguments.mutants).await?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).step_by(arguments.every.max(1));
    let mutants: Vec<Mutant> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let bench = Bench::new(Backend::Sqlite).await?;
    let bench = &bench;
    let asked = mutants.iter().map(|mutant| async move { (mutant, verdict(bench, mutant).await) });
    let mut asked = futures::stream::iter(asked).buffered(AT_ONCE);
    let (mut caught, mut failed) = (0, 0);
    while let Some((mutant, verdict)) = asked.next().await {
        let line = match verdict {
            Ok(finding) => {
                caught += usize::from(finding.is_some());
                json!({ "pointer": mutant.pointer, "operator": format!("{:?}", mutant.operator).to_lowercase(),
                        "caught": finding.is_some(), "finding": finding })
            }
            Err(error) => {
                failed += 1;
                json!({ "pointer": mutant.pointer, "operator": format!("{:?}", mutant.operator).to_lowercase(),
                        "caught": false, "error": format!("{error:#}") })
            }
        };
        println!("{line}");
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{caught} of {} caught in {seconds:.1} s, {failed} not asked", mutants.len());
    Ok(())
}

/// The first finding, if there is one.
async fn verdict(bench: &Bench, mutant: &Mutant) -> anyhow::Result<Option<String>> {
    let changed = mutant.applied(Document::committed().root());
    let changed = changed.ok_or_else(|| anyhow::anyhow!("there is no such node"))?;
    let operations: Vec<&str> = mutant.operations.iter().map(String::as_str).collect();
    Ok(bench.ask(&changed, &operations).await?.first().map(ToString::to_string))
}
