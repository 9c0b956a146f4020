//! Asks the oracles that want a server about mutants: B, the probes that a mutant makes, and X, its examples.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{
    SAMPLE, Verdict,
    operators::{Class, Mutant},
    told::Told,
};
use crate::generate;

/// Of the sample's mutants of the contract, B is asked about one in so many: a server answers hundreds of requests
/// for each.
const EVERY: u64 = 5;
/// Of the sample's mutants of examples, X is asked about one in so many: many want a server of their own.
const EVERY_EXAMPLE: u64 = 2;

/// An oracle that wants a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oracle {
    /// B, which knows the contract.
    Behaviour,
    /// X, which knows the examples.
    Examples,
}

/// How an oracle is asked.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// About all it knows of, by a build that is made to be fast; otherwise about some.
    pub whole: bool,
    /// Where the answers are kept, so that an interrupted run can be gone on with.
    pub kept: Option<PathBuf>,
}

impl Oracle {
    /// Its name in the command that asks it.
    fn name(self) -> &'static str {
        match self {
            Self::Behaviour => "behaviour",
            Self::Examples => "examples",
        }
    }

    fn class(self) -> Class {
        match self {
            Self::Behaviour => Class::Contract,
            Self::Examples => Class::Example,
        }
    }

    fn every(self) -> u64 {
        match self {
            Self::Behaviour => EVERY,
            Self::Examples => EVERY_EXAMPLE,
        }
    }

    /// Fills in what it says, and answers how many seconds that took, what is done at the same time added up.
    ///
    /// # Errors
    /// When it can't be asked, or doesn't answer for all it is asked about.
    pub(super) fn ask(self, repository: &Path, list: &mut [Verdict], asking: &Asking) -> Result<f64> {
        let every = if asking.whole { 1 } else { self.every() };
        // By what the sample has left of the lots.
        let is_asked = |mutant: &Mutant| mutant.class == self.class() && (mutant.lot() / SAMPLE).is_multiple_of(every);
        let mut asked: Vec<&mut Verdict> = list.iter_mut().filter(|verdict| is_asked(&verdict.mutant)).collect();
        let mut file = tempfile::NamedTempFile::new()?;
        for verdict in &asked {
            let told = Told::new(&verdict.mutant, verdict.value.clone(), verdict.operations.clone());
            writeln!(file, "{}", serde_json::to_string(&told)?)?;
        }
        let text = self.answers(repository, file.path(), asking)?;
        let answers = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let named = |answer: Value| Some(((member(&answer, "pointer")?, member(&answer, "operator")?), answer));
        let answers: BTreeMap<(String, String), Value> = answers.filter_map(named).collect();
        let mut seconds = 0.0;
        for verdict in &mut asked {
            let name = (verdict.mutant.pointer.clone(), verdict.mutant.operator.to_string());
            let answer = answers.get(&name).with_context(|| format!("{}: no answer", verdict.mutant))?;
            if let Some(error) = answer.get("error") {
                bail!("{}: {self:?} can't be asked: {error}", verdict.mutant);
            }
            seconds += answer["seconds"].as_f64().unwrap_or_default();
            let (caught, open) = (answer["caught"].as_bool(), answer["open"].as_bool());
            match self {
                Self::Examples => verdict.caught.examples = caught,
                Self::Behaviour => {
                    verdict.caught.open = open;
                    verdict.caught.behaviour = caught.filter(|_| open == Some(false));
                }
            }
            verdict.unseen = member(answer, "unseen");
        }
        Ok(seconds)
    }

    /// Runs the binary that asks, and answers what it printed or kept.
    fn answers(self, repository: &Path, mutants: &Path, asking: &Asking) -> Result<String> {
        let mut command = Command::new(generate::cargo());
        command.current_dir(repository).args(["run", "--quiet"]);
        if asking.whole {
            command.arg("--release");
        }
        command.args(["--bin", "probe", "--", "--oracle", self.name(), "--mutants"]).arg(mutants);
        let kept = asking.kept.as_ref().map(|path| path.with_extension(format!("{}.jsonl", self.name())));
        if let Some(path) = &kept {
            command.arg("--out").arg(std::path::absolute(path)?);
        }
        let output = command.stderr(Stdio::inherit()).output().context("starting the probes")?;
        if !output.status.success() {
            bail!("the probes failed: {}", output.status);
        }
        match kept {
            Some(path) => Ok(std::fs::read_to_string(path)?),
            None => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        }
    }
}

fn member(answer: &Value, name: &str) -> Option<String> {
    answer[name].as_str().map(str::to_owned)
}
