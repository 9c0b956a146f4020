//! The files that ingests work on.

use std::{
    fs::{File, TryLockError},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// A directory of this process alone, which it holds locked while it lives, among those of others. What a process that
/// was killed left is cleared by the next one that starts.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Locked, where the file system can do that.
    _lock: File,
}

impl Directory {
    /// A new directory in `all`, without what dead processes left there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn within(all: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(all)?;
        clear(all)?;
        loop {
            let path = all.join(uuid::Uuid::new_v4().to_string());
            std::fs::create_dir(&path)?;
            // Before it is locked, another process may take it for a dead one's.
            match File::open(&path) {
                Ok(lock) => match lock.try_lock() {
                    Err(TryLockError::WouldBlock) => {}
                    Ok(()) | Err(TryLockError::Error(_)) if path.exists() => return Ok(Self { path, _lock: lock }),
                    Ok(()) | Err(TryLockError::Error(_)) => {}
                },
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What stays is cleared at the next start.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// Removes the directories that nobody holds locked, and the files of versions that had no directories.
fn clear(all: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(all)? {
        let path = entry?.path();
        // Other processes may clear at the same time.
        let Ok(lock) = File::open(&path) else { continue };
        let cleared = if !path.is_dir() {
            std::fs::remove_file(&path)
        } else if lock.try_lock().is_ok() {
            std::fs::remove_dir_all(&path)
        } else {
            continue;
        };
        if let Err(error) = cleared {
            tracing::warn!(path = %path.display(), %error, "clearing what a killed process left");
        }
    }
    Ok(())
}

/// A file that is gone when it is no longer needed.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        Ok(Self(directory.join(uuid::Uuid::new_v4().to_string())))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is missing when nothing was fetched.
        drop(std::fs::remove_file(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dead_processes_left_is_cleared_and_nothing_else() {
        let all = tempfile::tempdir().unwrap();
        let dead = all.path().join("dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(dead.join("half"), "of a file").unwrap();
        let older = all.path().join("older");
        std::fs::write(&older, "of a server without a directory").unwrap();
        let living = Directory::within(all.path()).unwrap();
        assert!(!dead.exists() && !older.exists());
        std::fs::write(living.path().join("half"), "of another").unwrap();
        let other = Directory::within(all.path()).unwrap();
        assert!(living.path().join("half").exists() && other.path() != living.path());
        drop((living, other));
        assert_eq!(std::fs::read_dir(all.path()).unwrap().count(), 0);
    }
}
