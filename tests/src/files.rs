//! What lies in directories.

use std::path::{Path, PathBuf};

/// All files in a directory, however deep; none where there is no directory.
#[must_use]
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
