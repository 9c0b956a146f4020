//! Which documented (operation, status) pairs the tests observed.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::pointer::{members, operations};

/// The list of pairs no test observes yet. It may only shrink.
pub const EXCUSED: &str = "tests/unobserved.txt";

/// An operation's id and one of its statuses.
pub type Pair = (String, String);

/// What was documented, what was observed, and what that means.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// How many documented pairs were observed.
    pub observed: usize,
    /// How many are documented.
    pub documented: usize,
    /// Documented, not observed, not excused.
    pub missing: Vec<Pair>,
    /// Excused, but observed or not documented: the entry must go.
    pub stale: Vec<Pair>,
    /// Observed, not documented.
    pub undocumented: Vec<Pair>,
}

impl Matrix {
    /// Whether everything is as it must be.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.stale.is_empty() && self.undocumented.is_empty()
    }

    /// Prints the figures, and a line for each pair that must be looked at.
    pub fn print(&self) {
        println!("{} of {} documented (operation, status) pairs observed", self.observed, self.documented);
        let tell = |pairs: &[Pair], what: &str| {
            pairs.iter().for_each(|(id, status)| println!("      {id} {status}: {what}"));
        };
        tell(&self.missing, "documented, but no test observed it");
        tell(&self.stale, "observed or no longer documented: remove it from tests/unobserved.txt");
        tell(&self.undocumented, "observed, but not documented");
    }
}

/// Every documented pair.
#[must_use]
pub fn documented(document: &Value) -> BTreeSet<Pair> {
    operations(document)
        .flat_map(|operation| {
            members(&operation.value["responses"]).map(move |(status, _)| (operation.id(), status.clone()))
        })
        .collect()
}

/// Compares the pairs.
#[must_use]
pub fn matrix(documented: &BTreeSet<Pair>, observed: &BTreeSet<Pair>, excused: &BTreeSet<Pair>) -> Matrix {
    Matrix {
        observed: documented.intersection(observed).count(),
        documented: documented.len(),
        missing: documented.difference(observed).filter(|pair| !excused.contains(*pair)).cloned().collect(),
        stale: excused.iter().filter(|pair| observed.contains(*pair) || !documented.contains(*pair)).cloned().collect(),
        undocumented: observed.difference(documented).cloned().collect(),
    }
}

/// The pairs of every file of a directory.
///
/// # Errors
/// What the file system says.
pub fn read_all(directory: &Path) -> Result<BTreeSet<Pair>> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        all.append(&mut read(&entry?.path())?);
    }
    Ok(all)
}

/// The pairs of one file, one a line: the operation, a space, the status. Empty lines and those
/// that start with `#` are nothing.
///
/// # Errors
/// What the file system says.
pub fn read(file: &Path) -> Result<BTreeSet<Pair>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[&str]) -> BTreeSet<Pair> {
        list.iter()
            .filter_map(|one| one.split_once(' '))
            .map(|(id, status)| (id.to_owned(), status.to_owned()))
            .collect()
    }

    #[test]
    fn tells_missing_stale_and_undocumented_pairs() {
        let found = matrix(
            &pairs(&["a 200", "a 404", "b 200", "b 404"]),
            &pairs(&["a 200", "b 200", "b 500"]),
            &pairs(&["a 404", "b 200", "c 200"]),
        );
        assert_eq!((found.observed, found.documented), (2, 4));
        assert_eq!(found.missing, [("b".to_owned(), "404".to_owned())]);
        assert_eq!(found.stale.len(), 2);
        assert_eq!(found.undocumented, [("b".to_owned(), "500".to_owned())]);
    }
}
