//! Asks an oracle that wants a server about changes of the document: which of them would it notice?

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use contract_tests::examples::{self, Verdict};
use contract_tests::probes::{self, Noticed};
use contract_tests::{Backend, Document};
use futures::StreamExt as _;
use serde_json::{Value, json};
use xtask::mutate::told::Told;

/// Changes that are asked about at the same time.
const AT_ONCE: usize = 2;
/// After so many answers it is told how far it is.
const TELL: usize = 500;

/// Asks an oracle about changes of the document.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which oracle.
    #[arg(long, value_enum, default_value_t = Oracle::Behaviour)]
    oracle: Oracle,
    /// The changes, as `cargo xtask mutate` writes them: one JSON object a line.
    #[arg(long)]
    mutants: PathBuf,
    /// Take each so-many-th.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Append the answers to this file instead of printing them, and leave out what is answered there.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// An oracle that wants a server.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Oracle {
    /// B: probes derived from the changed document.
    Behaviour,
    /// X: the changed examples, executed.
    Examples,
}

/// An oracle with its servers.
enum Bench {
    Behaviour(Box<probes::Bench>),
    Examples(Box<examples::Bench>),
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let text = tokio::fs::read_to_string(&arguments.mutants).await?;
    let lines = text.lines().filter(|line| !line.trim().is_empty()).step_by(arguments.every.max(1));
    let mut mutants: Vec<Told> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
    let mut out: Box<dyn Write> = match &arguments.out {
        None => Box::new(std::io::stdout()),
        Some(path) => {
            let of = identity(&text)?;
            let answered = answered(path, &of)?;
            mutants.retain(|mutant| !answered.contains(&named(mutant)));
            eprintln!("{} answered before, {} to ask", answered.len(), mutants.len());
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            if file.metadata()?.len() == 0 {
                writeln!(file, "{}", json!({ "of": of }))?;
            }
            Box::new(file)
        }
    };
    let start = Instant::now();
    let bench = &match arguments.oracle {
        Oracle::Behaviour => Bench::Behaviour(Box::new(probes::Bench::new(Backend::Sqlite).await?)),
        Oracle::Examples => Bench::Examples(Box::new(examples::Bench::new(Backend::Sqlite).await?)),
    };
    eprintln!("the scenes are built after {:.1} s", start.elapsed().as_secs_f64());
    let asked = mutants.iter().map(|mutant| async move {
        let start = Instant::now();
        let said = bench.ask(mutant).await;
        answer(mutant, said, start.elapsed().as_secs_f64())
    });
    let mut asked = futures::stream::iter(asked).buffered(AT_ONCE);
    let (mut count, mut caught, mut failed) = (0, 0, 0);
    while let Some(answer) = asked.next().await {
        count += 1;
        caught += usize::from(answer["caught"] == true);
        failed += usize::from(answer.get("error").is_some());
        // In one piece: whoever reads the file of an interrupted run finds whole lines.
        out.write_all(format!("{answer}\n").as_bytes())?;
        if count % TELL == 0 {
            eprintln!("{count} of {} in {:.0} s, {caught} caught", mutants.len(), start.elapsed().as_secs_f64());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("{caught} of {} caught in {seconds:.1} s, {failed} not asked", mutants.len());
    Ok(())
}

/// What tells mutants apart: pointer and operator.
fn named(mutant: &Told) -> (String, String) {
    (mutant.pointer.clone(), mutant.operator.to_string())
}

/// What the answers are of: the mutants, the document, this build and that of the server.
fn identity(mutants: &str) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    mutants.hash(&mut hasher);
    for path in [std::env::current_exe()?, contract_tests::process::binary()?] {
        std::fs::read(path)?.hash(&mut hasher);
    }
    Document::committed().root().to_string().hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// The mutants that a file has answers for; an answer that could not be given is none.
fn answered(path: &Path, of: &str) -> anyhow::Result<BTreeSet<(String, String)>> {
    let text = if path.exists() { std::fs::read_to_string(path)? } else { String::new() };
    if text.is_empty() {
        return Ok(BTreeSet::new());
    }
    let first: Value = text.lines().next().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    anyhow::ensure!(
        first["of"] == of,
        "{} has answers of other mutants, another server or another build of the probes: remove it",
        path.display()
    );
    if !text.ends_with('\n') {
        // A line was broken off: the next one does not go on from there.
        writeln!(std::fs::OpenOptions::new().append(true).open(path)?)?;
    }
    let answers = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = |answer: Value| Some((answer["pointer"].as_str()?.to_owned(), answer["operator"].as_str()?.to_owned()));
    Ok(answers.filter(|answer| answer.get("error").is_none()).filter_map(named).collect())
}

/// What is said of a mutant.
struct Said {
    verdict: Verdict,
    /// Whether it was said before anything was sent; X always sends.
    is_open: bool,
}

fn answer(mutant: &Told, said: anyhow::Result<Said>, seconds: f64) -> Value {
    let (pointer, operator) = named(mutant);
    let mut answer = json!({ "pointer": pointer, "operator": operator, "seconds": seconds });
    match said {
        Ok(said) => {
            answer["open"] = said.is_open.into();
            match said.verdict {
                Verdict::Caught(finding) => {
                    answer["caught"] = true.into();
                    answer["finding"] = finding.into();
                }
                Verdict::Missed(unseen) => {
                    answer["caught"] = false.into();
                    answer["unseen"] = json!(unseen);
                }
            }
        }
        Err(error) => {
            answer["caught"] = false.into();
            answer["error"] = format!("{error:#}").into();
        }
    }
    answer
}

impl Bench {
    async fn ask(&self, mutant: &Told) -> anyhow::Result<Said> {
        match self {
            Self::Examples(bench) => Ok(Said { verdict: bench.ask(mutant).await?, is_open: false }),
            Self::Behaviour(bench) => {
                let changed = mutant.applied(Document::committed().root());
                let changed = changed.ok_or_else(|| anyhow::anyhow!("there is no such node"))?;
                let operations: Vec<&str> = mutant.operations.iter().map(String::as_str).collect();
                Ok(match bench.ask(&changed, &operations).await? {
                    Noticed::Open(what) => Said { verdict: Verdict::Caught(what), is_open: true },
                    Noticed::Finding(first) => Said { verdict: Verdict::Caught(first.to_string()), is_open: false },
                    Noticed::Nothing => Said { verdict: Verdict::Missed(None), is_open: false },
                })
            }
        }
    }
}
