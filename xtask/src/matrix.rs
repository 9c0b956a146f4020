//! Which documented (operation, status) pairs the tests observed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::pointer::{members, operations};

/// The list of pairs no test observes yet. It may only shrink.
pub const EXCUSED: &str = "tests/unobserved.txt";

/// The endpoint matrix of the founding documents, each of whose pairs is observed in every profile.
pub const FOUNDING: &str = "tests/matrix.txt";

/// The profiles a server can have.
pub const PROFILES: [&str; 2] = ["seed", "today"];

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

/// The founding pairs as a profile has them: `today` answers PATCH with 200 and DELETE with 204
/// where `seed` answers 205.
#[must_use]
pub fn of_profile(founding: &BTreeSet<Pair>, document: &Value, profile: &str) -> BTreeSet<Pair> {
    let deletes: BTreeSet<String> =
        operations(document).filter(|one| one.method == "delete").map(|one| one.id()).collect();
    let status = |id: &String, status: &str| match (profile, status) {
        ("today", "205") => if deletes.contains(id) { "204" } else { "200" }.to_owned(),
        (_, status) => status.to_owned(),
    };
    founding.iter().map(|(id, said)| (id.clone(), status(id, said))).collect()
}

/// What the tests saw: by profile, the pairs.
pub type Observed = BTreeMap<String, BTreeSet<Pair>>;

/// What every file of a directory says was observed, one a line: the operation, the status, the
/// profile.
///
/// # Errors
/// What the file system says.
pub fn observed(directory: &Path) -> Result<Observed> {
    let mut all = Observed::new();
    for entry in std::fs::read_dir(directory).with_context(|| directory.display().to_string())? {
        for [id, status, profile] in words(&entry?.path())? {
            all.entry(profile).or_default().insert((id, status));
        }
    }
    Ok(all)
}

/// The pairs of one file, one a line: the operation, a space, the status.
///
/// # Errors
/// What the file system says.
pub fn read(file: &Path) -> Result<BTreeSet<Pair>> {
    Ok(words(file)?.into_iter().map(|[id, status]| (id, status)).collect())
}

/// So many words of every line that has them. Lines that start with `#` are nothing.
fn words<const COUNT: usize>(file: &Path) -> Result<Vec<[String; COUNT]>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    Ok(lines
        .filter_map(|line| line.split_whitespace().take(COUNT).map(str::to_owned).collect::<Vec<_>>().try_into().ok())
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

    #[test]
    fn the_founding_matrix_is_whole_and_documented_in_both_profiles() {
        let repository = crate::generate::repository();
        let founding = read(&repository.join(FOUNDING)).unwrap();
        assert_eq!(founding.len(), 116);
        assert_eq!(founding.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), 54);
        let document = crate::generate::canonical(&repository).unwrap().document;
        let documented = documented(&document);
        for profile in PROFILES {
            let pairs = of_profile(&founding, &document, profile);
            assert_eq!(pairs.difference(&documented).collect::<Vec<_>>(), Vec::<&Pair>::new(), "{profile}");
            assert_eq!(pairs.len(), 116, "{profile}");
        }
    }

    #[test]
    fn observations_are_kept_by_profile() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("1.txt"), "a 200 seed\nb 204 today\n").unwrap();
        std::fs::write(directory.path().join("2.txt"), "a 404 seed\n").unwrap();
        let found = observed(directory.path()).unwrap();
        assert_eq!((&found["seed"], &found["today"]), (&pairs(&["a 200", "a 404"]), &pairs(&["b 204"])));
    }
}
