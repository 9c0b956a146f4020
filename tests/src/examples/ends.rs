//! The ends of scenes, for whoever else wants servers that start from there.

use std::collections::BTreeMap;

use super::draft::Stage;
use super::record::Record;
use super::{Frozen, Run};
use crate::document::Document;
use crate::server::{Backend, Options};

/// Nobody listens there: pictures are not fetched, and nobody waits for them.
const NOWHERE: &str = "http://127.0.0.1:9/";
/// Enough changes for everybody.
const WRITES: [&str; 2] = ["--account-writes-per-hour", "1000000"];

/// The ends of scenes.
pub(crate) struct Ends {
    run: Run,
    ends: BTreeMap<String, Frozen>,
}

impl Ends {
    /// Builds the scenes in which the pairs of an operation and a status that are `wanted` are found.
    ///
    /// # Errors
    /// When the fixtures can't be read, or a server can't be started.
    pub(crate) async fn build(backend: Backend, wanted: impl Fn(&str, u16) -> bool) -> anyhow::Result<Self> {
        let run = Run::new(backend).await?;
        let mut needed: Vec<String> = Vec::new();
        for operation in Document::committed().operations() {
            for status in operation.responses.keys().filter(|status| wanted(&operation.id, **status)) {
                needed.push(run.scenes.of(&operation.id, *status).to_owned());
            }
        }
        for scene in run.scenes.scenes.iter().rev().filter(|scene| !scene.today) {
            if needed.contains(&scene.name) {
                needed.extend(scene.from.clone());
            }
        }
        let mut ends: BTreeMap<String, Frozen> = BTreeMap::new();
        for scene in run.scenes.scenes.iter().filter(|scene| needed.contains(&scene.name)) {
            let from = scene.from.as_ref().and_then(|from| ends.get(from));
            // Whether the answers are those of the examples is no question here.
            let end = run.build(scene, from, &mut Record::default()).await?;
            ends.insert(scene.name.clone(), end);
        }
        Ok(Self { run, ends })
    }

    /// The scene that an operation with this status is found in.
    pub(crate) fn scene_of(&self, operation: &str, status: u16) -> &str {
        self.run.scenes.of(operation, status)
    }

    /// Who sends the examples of an operation.
    pub(crate) fn caller(&self, operation: &str) -> &str {
        self.run.scenes.caller(operation)
    }

    /// Whose key opens nothing of the others'.
    pub(crate) fn stranger(&self) -> &str {
        &self.run.scenes.stranger
    }

    /// A server of its own that starts from the end of a scene, and fetches nothing.
    ///
    /// # Errors
    /// When there is no such end, or it can't be started.
    pub(crate) async fn stage(&self, scene: &str) -> anyhow::Result<Stage> {
        let end = self.ends.get(scene).ok_or_else(|| anyhow::anyhow!("the scene `{scene}` was not built"))?;
        let arguments = WRITES.map(str::to_owned).to_vec();
        let mut stage = end.stage(Options { arguments, ..self.run.options(0) }).await?;
        stage.words.divert(&self.run.origin.url(""), NOWHERE);
        Ok(stage)
    }

    /// Removes what the scenes left.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        for end in self.ends.into_values() {
            end.left.remove().await?;
        }
        Ok(())
    }
}
