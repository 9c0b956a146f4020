//! What only a server can make, as `openapi/fixtures/server-made.yaml` declares it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// The whole declaration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Made {
    /// Ids that servers make, as the examples have them.
    pub(super) ids: Vec<String>,
    /// Places, as `Schema.property`, whose value is the server's; the same wherever the examples say the same.
    pub(super) kept: BTreeSet<String>,
    /// Places whose value is another one in each answer.
    pub(super) fresh: BTreeSet<String>,
    /// Headers whose value is the server's.
    pub(super) headers: BTreeSet<String>,
    /// Headers and failures that operations share, and what their one example says of all of them.
    pub(super) shared: Shared,
    /// Origins: the beginning of their URLs, and their pictures by name.
    pub(super) origins: BTreeMap<String, BTreeMap<String, Picture>>,
    /// Operations whose answer is shown in part.
    pub(super) excerpts: BTreeSet<String>,
    /// What is not executed, by JSON pointer, and why.
    pub(super) unexecuted: BTreeMap<String, String>,
}

/// What many operations share has one example, which one operation at least gives as it stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shared {
    /// Headers.
    pub(super) headers: BTreeSet<String>,
    /// By schema of a failure, the members that all failures of this kind have in common.
    pub(super) failures: BTreeMap<String, BTreeSet<String>>,
}

/// A picture at an origin.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Picture {
    /// Pixels across.
    pub(super) width: u32,
    /// Pixels down.
    pub(super) height: u32,
}

/// Reads a file of `openapi/fixtures`.
///
/// # Errors
/// When it can't be read, isn't YAML, or says something that nobody asks for.
pub(super) fn read<T: for<'de> Deserialize<'de>>(name: &str) -> anyhow::Result<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/fixtures").join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
    let parsed = xtask::yaml::parse(&text).map_err(|error| anyhow::anyhow!("{name}:{}: {}", error.at, error.what))?;
    serde_json::from_value(parsed.value).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}
