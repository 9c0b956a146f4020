//! Runs probes against servers that hold the scenes of the examples.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt as _;
use serde_json::Value;

use super::judge::{Finding, Outcome, Trial};
use super::sender::Sender;
use super::subject::{Patterns, Subject};
use super::{EXCUSES, derive};
use crate::document::{Document, Operation};
use crate::examples::{Ends, Stage};
use crate::server::Backend;
use crate::validate::Validator;

/// Servers that run at the same time.
const AT_ONCE: usize = 2;
/// The successes by whose scene an operation is probed, the first that it documents.
const SUCCESSES: [u16; 4] = [200, 201, 205, 303];

/// What came of all probes.
#[derive(Debug, Default)]
pub struct Report {
    /// The operations.
    pub operations: BTreeSet<String>,
    /// The probes and what they found.
    pub outcome: Outcome,
}

/// The success of an operation in whose scene it is probed.
fn success(operation: &Operation) -> u16 {
    SUCCESSES.into_iter().find(|status| operation.responses.contains_key(status)).unwrap_or(200)
}

/// Whether an operation is probed in the scene of this status.
pub(super) fn is_probed_at(operation: &Operation, status: u16) -> bool {
    success(operation) == status
}

/// The scene whose end an operation is probed in.
pub(super) fn scene<'a>(ends: &'a Ends, operation: &Operation) -> &'a str {
    ends.scene_of(&operation.id, success(operation))
}

/// Probes all operations of the committed document that are `wanted`.
///
/// # Errors
/// When the scenes can't be built, or a server can't be started.
pub async fn run(backend: Backend, wanted: impl Fn(&Operation) -> bool) -> anyhow::Result<Report> {
    let document = Document::committed();
    let operations: Vec<&Operation> = document.operations().filter(|operation| wanted(operation)).collect();
    let ends = Ends::build(backend, |id, status| {
        let operation = operations.iter().find(|operation| operation.id == id);
        operation.is_some_and(|operation| is_probed_at(operation, status))
    })
    .await?;
    // Those that change nothing share a server.
    let mut groups: BTreeMap<(String, String), Vec<&Operation>> = BTreeMap::new();
    for operation in &operations {
        let own = if operation.method == "GET" { String::new() } else { operation.id.clone() };
        groups.entry((scene(&ends, operation).to_owned(), own)).or_default().push(operation);
    }
    let (all, patterns) = (&ends, Patterns::default());
    let patterns = &patterns;
    let trials = groups.iter().map(|((scene, _), operations)| async move {
        let stage = all.stage(scene).await?;
        let validator = Validator::new(document);
        let outcome = on_stage(all, &stage, (document, &validator), operations, patterns, false).await;
        stage.server.finish().await?;
        anyhow::Ok(outcome)
    });
    let mut report = Report { operations: operations.iter().map(|one| one.id.clone()).collect(), ..Report::default() };
    let mut trials = futures::stream::iter(trials).buffer_unordered(AT_ONCE);
    while let Some(outcome) = trials.next().await {
        report.outcome.add(outcome?);
    }
    drop(trials);
    ends.remove().await?;
    Ok(report)
}

/// Probes operations of a document on one server.
pub(super) async fn on_stage(
    ends: &Ends,
    stage: &Stage,
    (document, validator): (&Document, &Validator<'_>),
    operations: &[&Operation],
    patterns: &Patterns,
    enough: bool,
) -> Outcome {
    let sender = Sender::new(stage.server.direct(), validator, &stage.callers, ends.stranger());
    let translate = |value: &Value| stage.words.value_to_server(value);
    let mut outcome = Outcome::default();
    for operation in operations {
        let subject = Subject { document, operation, translate: &translate, patterns };
        let probes = derive(&subject);
        let usual = ends.caller(&operation.id);
        outcome.add(Trial { document, operation, sender: &sender, usual }.run(&probes, enough).await);
        if enough && !outcome.findings.is_empty() {
            break;
        }
    }
    outcome
}

impl Report {
    /// All that is wrong; where all operations were probed, excuses included that nothing needs.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut all: Vec<String> = self.outcome.findings.iter().map(Finding::to_string).collect();
        let is_whole = self.operations.len() == Document::committed().operations().count();
        for (index, excuse) in EXCUSES.iter().enumerate().filter(|_| is_whole) {
            let needless = excuse.needless(index, &self.outcome.excuses);
            if !needless.is_empty() {
                all.push(format!("nothing needs {needless:?} of the excuse \"{}\"", excuse.reason));
            }
        }
        all
    }
}
