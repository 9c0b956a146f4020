//! Documents that were changed, held against the server as it is.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::judge::{Finding, Trial};
use super::run::{is_probed_at, on_stage, scene};
use super::sender::Sender;
use super::subject::{Patterns, Subject};
use crate::document::{Document, Operation};
use crate::examples::{Ends, Stage};
use crate::server::Backend;
use crate::validate::Validator;

/// Servers for the probes of changed documents.
pub struct Bench {
    ends: Ends,
    patterns: Patterns,
    /// By scene, the server of those that change nothing.
    shared: Mutex<BTreeMap<String, Arc<Stage>>>,
}

/// What is noticed of a changed document.
#[derive(Debug)]
pub enum Noticed {
    /// Before anything is sent: no probes can be derived from it, for this reason.
    Open(String),
    /// The first thing that a server does otherwise.
    Finding(Finding),
    /// Nothing.
    Nothing,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// Builds the scenes.
    ///
    /// # Errors
    /// When the fixtures can't be read, or a server can't be started.
    pub async fn new(backend: Backend) -> anyhow::Result<Self> {
        let ends = Ends::build(backend, |id, status| {
            Document::committed().operation(id).is_some_and(|operation| is_probed_at(operation, status))
        });
        Ok(Self { ends: ends.await?, patterns: Patterns::default(), shared: Mutex::default() })
    }

    /// What the probes of some operations, named as the committed document does, find when they are derived from
    /// `changed`.
    ///
    /// # Errors
    /// When a server can't be started, or the probes themselves fail.
    pub async fn ask(&self, changed: &Value, operations: &[&str]) -> anyhow::Result<Noticed> {
        if let Some(reference) = xtask::shape::dangling(changed).first() {
            return Ok(Noticed::Open(format!("the reference at {reference} leads nowhere")));
        }
        // Validators would never come to an end.
        if let Some((schema, _)) = xtask::shape::circles(changed).first() {
            return Ok(Noticed::Open(format!("the schema {schema} consists of itself")));
        }
        if let Some(open) = super::left_open(changed).first() {
            return Ok(Noticed::Open(format!("what stands at {open} is left open")));
        }
        let document = match Document::read(changed.clone()) {
            Ok(document) => document,
            Err(error) => return Ok(Noticed::Open(format!("{error:#}"))),
        };
        let asked = AssertUnwindSafe(self.asked(&document, operations)).catch_unwind().await;
        let found = asked.map_err(|_| anyhow::anyhow!("the probes panicked"))??;
        Ok(found.into_iter().next().map_or(Noticed::Nothing, Noticed::Finding))
    }

    async fn asked(&self, document: &Document, ids: &[&str]) -> anyhow::Result<Vec<Finding>> {
        let validator = Validator::new(document);
        let mut known: Vec<&Operation> = Document::committed().operations().filter(|o| ids.contains(&&*o.id)).collect();
        // A server of its own is the dearest: what needs none is asked first.
        known.sort_by_key(|operation| operation.method != "GET");
        for operation in known {
            let same = |one: &&Operation| {
                one.id == operation.id || (one.template == operation.template && one.method == operation.method)
            };
            let mut changed: Vec<&Operation> = document.operations().filter(same).collect();
            if changed.is_empty() {
                // What is left of the path says which methods it has.
                changed.extend(document.operations().filter(|one| one.template == operation.template).take(1));
            }
            let reads = changed.iter().all(|one| one.method == "GET" && has_same_methods(document, &one.template));
            let stage = self.stage(scene(&self.ends, operation), reads && operation.method == "GET").await?;
            let about = (document, &validator);
            let mut found = on_stage(&self.ends, &stage, about, &changed, &self.patterns, true).await.findings;
            if found.is_empty() {
                found = self.as_before(&stage, operation, about).await;
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// The request that the committed document has for an example: its answer is held against the changed one.
    async fn as_before(
        &self,
        stage: &Stage,
        operation: &Operation,
        (document, validator): (&Document, &Validator<'_>),
    ) -> Vec<Finding> {
        let translate = |value: &Value| stage.words.value_to_server(value);
        let committed = Document::committed();
        let subject = Subject { document: committed, operation, translate: &translate, patterns: &self.patterns };
        let probe = super::Probe::new("request", "as before", subject.base(), super::Expected::Documented);
        let sender = Sender::new(stage.server.direct(), validator, &stage.callers, self.ends.stranger());
        let usual = self.ends.caller(&operation.id);
        Trial { document, operation, sender: &sender, usual }.run(&[probe], true).await.findings
    }

    async fn stage(&self, scene: &str, is_shared: bool) -> anyhow::Result<Arc<Stage>> {
        if !is_shared {
            return Ok(Arc::new(self.ends.stage(scene).await?));
        }
        let mut shared = self.shared.lock().await;
        if let Some(stage) = shared.get(scene) {
            return Ok(stage.clone());
        }
        let stage = Arc::new(self.ends.stage(scene).await?);
        shared.insert(scene.to_owned(), stage.clone());
        Ok(stage)
    }

    /// Ends the servers and removes what the scenes left.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn finish(self) -> anyhow::Result<()> {
        drop(self.shared);
        self.ends.remove().await
    }
}

/// Whether a path has the methods that the server knows.
fn has_same_methods(document: &Document, template: &str) -> bool {
    let methods = |document: &Document| -> Option<Vec<String>> {
        let path = document.paths().iter().find(|path| path.template == template)?;
        Some(path.operations.keys().cloned().collect())
    };
    methods(document).is_some_and(|changed| Some(changed) == methods(Document::committed()))
}
