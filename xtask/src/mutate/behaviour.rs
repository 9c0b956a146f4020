//! Asks oracle B about mutants: the probes that a mutant makes, against the server as it is.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{Verdict, operators::Class};
use crate::{generate, pointer::unescape};

/// Of the mutants of the contract, B is asked about each so-many-th: a server answers hundreds of requests for each.
pub(super) const EVERY: usize = 5;

/// Fills in what B says, and answers how many seconds it took.
///
/// # Errors
/// When the probes can't be run, or answer for another number of mutants than they were asked about.
pub(super) fn ask(repository: &Path, document: &Value, list: &mut [Verdict]) -> Result<f64> {
    let contract = list.iter_mut().filter(|verdict| verdict.mutant.class == Class::Contract);
    let mut asked: Vec<&mut Verdict> = contract.step_by(EVERY).collect();
    let mut file = tempfile::NamedTempFile::new()?;
    for verdict in &asked {
        writeln!(file, "{}", line(document, verdict))?;
    }
    let start = std::time::Instant::now();
    let output = Command::new(generate::cargo())
        .current_dir(repository)
        .args(["run", "--quiet", "--bin", "probe", "--", "--mutants"])
        .arg(file.path())
        .stderr(Stdio::inherit())
        .output()
        .context("starting the probes")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answers: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if !output.status.success() || answers.len() != asked.len() {
        bail!("the probes answered for {} of {} mutants", answers.len(), asked.len());
    }
    for (verdict, answer) in asked.iter_mut().zip(&answers) {
        if let Some(error) = answer.get("error") {
            bail!("{}: B can't be asked: {error}", verdict.mutant);
        }
        verdict.caught.behaviour = answer["caught"].as_bool();
    }
    Ok(start.elapsed().as_secs_f64())
}

/// The mutant as the probes read it.
fn line(document: &Value, verdict: &Verdict) -> Value {
    use super::operators::Operator;
    let mutant = &verdict.mutant;
    let mut line = json!({ "pointer": mutant.pointer, "operations": verdict.operations });
    match mutant.operator {
        Operator::Delete => line["operator"] = "delete".into(),
        Operator::Rename => {
            line["operator"] = "rename".into();
            let name = mutant.pointer.rsplit('/').next().map(unescape).unwrap_or_default();
            line["key"] = super::operators::renamed(&name).into();
        }
        Operator::Change => {
            let mut changed = document.clone();
            mutant.apply(&mut changed);
            line["operator"] = "change".into();
            line["value"] = changed.pointer(&mutant.pointer).cloned().unwrap_or_default();
        }
    }
    line
}
