//! How many files the process may open: what connections, origins and stored files share.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::sync::OnceLock;

/// The most files that a process asks for.
const MOST: u64 = 16_384;

/// How many files the process may open, after it asked for more; at least one.
pub fn open() -> usize {
    static OPEN: OnceLock<u64> = OnceLock::new();
    let open = *OPEN.get_or_init(|| {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(MOST).min(MOST);
        match current {
            Some(current) if current < wanted => {
                let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
                if raised.is_ok() { wanted } else { current }
            }
            current => current.unwrap_or(MOST).min(MOST),
        }
    });
    usize::try_from(open).unwrap_or(usize::MAX).max(1)
}
