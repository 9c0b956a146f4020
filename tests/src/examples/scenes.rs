//! What a server holds before an example is sent to it, as `openapi/fixtures/scenes.yaml` says.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{Document, Operation};
use crate::server::Profile;

/// All scenes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenes {
    /// Who sends the examples of an operation, where it isn't [`Scenes::caller`].
    pub(super) callers: BTreeMap<String, String>,
    /// Who sends all others.
    pub(super) caller: String,
    /// Whose key opens nothing of the caller's.
    pub(super) stranger: String,
    /// The scene of examples that no scene names.
    pub(super) usual: String,
    /// The scenes, each after the one it starts from.
    pub(super) scenes: Vec<Scene>,
    /// By operation and status: what is sent in place of the example, to get that status.
    pub(super) requests: BTreeMap<String, Sent>,
}

/// One scene.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scene {
    /// Its name.
    pub(super) name: String,
    /// The scene whose end is its beginning; an empty server without.
    pub(super) from: Option<String>,
    /// Ids of the examples that the steps make anew.
    #[serde(default)]
    pub(super) forget: Vec<String>,
    /// What is sent, in order.
    #[serde(default)]
    pub(super) steps: Vec<Step>,
    /// Whether the server is started with the profile `today`.
    #[serde(default)]
    pub(super) today: bool,
    /// Further arguments of `serve`.
    #[serde(default)]
    pub(super) arguments: Vec<String>,
    /// The examples that find the server like this: an operation and a status, or a status.
    #[serde(default)]
    pub(super) examples: Vec<String>,
}

/// One step of a scene.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Step {
    /// The request example of an operation, whose answer is its first example of a success.
    Example {
        /// The operationId.
        example: String,
        /// Who sends it.
        #[serde(rename = "as")]
        caller: Option<String>,
        /// Under which name the key is kept that the answer holds.
        keep: Option<String>,
    },
    /// Any other request; it succeeds.
    Send(Sent),
    /// The workers carry out all that waits.
    Work {
        /// The most pictures at once.
        work: usize,
    },
}

/// A request that is no example.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// Method and path.
    pub(super) send: String,
    /// The JSON body.
    pub(super) body: Option<Value>,
    /// Who sends it.
    #[serde(rename = "as")]
    pub(super) caller: Option<String>,
    /// Under which name the key is kept that the answer holds.
    pub(super) keep: Option<String>,
    /// Members of the answer, as the examples have them.
    #[serde(default)]
    pub(super) answer: Map<String, Value>,
}

impl Scenes {
    /// The scene in which an example finds the server.
    #[must_use]
    pub(super) fn of(&self, operation: &str, status: u16) -> &str {
        let named = |wanted: &str| {
            let mut scenes = self.scenes.iter();
            scenes.find(|scene| scene.examples.iter().any(|example| example == wanted)).map(|scene| scene.name.as_str())
        };
        let found = named(&key(operation, status)).or_else(|| named(&status.to_string()));
        found.unwrap_or(&self.usual)
    }

    /// The scene of this name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn named(&self, name: &str) -> anyhow::Result<&Scene> {
        let found = self.scenes.iter().find(|scene| scene.name == name);
        found.ok_or_else(|| anyhow::anyhow!("there is no scene `{name}`"))
    }

    /// Who sends the examples of an operation.
    #[must_use]
    pub(super) fn caller(&self, operation: &str) -> &str {
        self.callers.get(operation).unwrap_or(&self.caller)
    }

    /// What is said of operations and scenes that don't exist.
    #[must_use]
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut known: Vec<&str> = Vec::new();
        for scene in &self.scenes {
            if scene.from.as_deref().is_some_and(|from| !known.contains(&from)) {
                faults.push(format!("scenes: `{}` doesn't start from a scene before it", scene.name));
            }
            known.push(&scene.name);
        }
        if !known.contains(&self.usual.as_str()) {
            faults.push(format!("scenes: there is no scene `{}`", self.usual));
        }
        let named = self.scenes.iter().flat_map(|scene| &scene.examples).chain(self.requests.keys());
        for example in named.filter(|example| example.contains(' ')) {
            if !documented(example) {
                faults.push(format!("scenes: `{example}` is not documented"));
            }
        }
        let unknown = self.callers.keys().filter(|id| Document::committed().operation(id).is_none());
        faults.extend(unknown.map(|id| format!("scenes: there is no operation `{id}`")));
        faults
    }
}

impl Scene {
    /// The profile of the server.
    #[must_use]
    pub(super) fn profile(&self) -> Profile {
        if self.today { Profile::Today } else { Profile::Seed }
    }
}

/// An operation and one of its statuses, as the fixtures write them.
#[must_use]
pub(super) fn key(operation: &str, status: u16) -> String {
    format!("{operation} {status}")
}

fn documented(example: &str) -> bool {
    let Some((id, status)) = example.split_once(' ') else { return false };
    let known =
        |operation: &Operation| status.parse().is_ok_and(|status: u16| operation.responses.contains_key(&status));
    Document::committed().operation(id).is_some_and(known)
}
