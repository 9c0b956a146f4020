//! How often a key may change something as Fastly's clients do. The headers tell of a window that ends with the
//! hour, so what is counted is that window: a bucket that refills as time goes by would contradict them.

use crate::domain::time;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Milliseconds of the window.
const WINDOW: i64 = 3_600_000;

/// Counts what the keys did in this hour, in memory: a restart forgives.
#[derive(Debug)]
pub struct Rates {
    limit: u32,
    window: Mutex<(i64, HashMap<String, u32>)>,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether what was counted last is within the limit.
    pub allowed: bool,
    /// How much more is.
    pub remaining: u32,
    /// When the window ends, seconds since the epoch.
    pub reset: i64,
    /// Seconds until then, at least 1.
    pub wait: i64,
}

impl Rates {
    /// So many in an hour.
    pub fn new(limit: u32) -> Self {
        Self { limit, window: Mutex::default() }
    }

    /// Where a key stands of which nothing is known.
    pub fn fresh(&self) -> Standing {
        let now = time::now();
        let end = (now.div_euclid(WINDOW) + 1) * WINDOW;
        Standing { allowed: true, remaining: self.limit, reset: end / 1000, wait: ((end - now + 999) / 1000).max(1) }
    }

    /// Counts one for a key.
    pub fn count(&self, key: &str) -> Standing {
        self.count_at(key, time::now())
    }

    fn count_at(&self, key: &str, now: i64) -> Standing {
        let hour = now.div_euclid(WINDOW);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0 != hour {
            *window = (hour, HashMap::new());
        }
        let done = window.1.entry(key.to_owned()).or_default();
        let allowed = *done < self.limit;
        if allowed {
            *done += 1;
        }
        let end = (hour + 1) * WINDOW;
        Standing { allowed, remaining: self.limit - *done, reset: end / 1000, wait: ((end - now + 999) / 1000).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_with_its_hour() {
        let rates = Rates::new(2);
        let standing = |allowed, remaining, reset, wait| Standing { allowed, remaining, reset, wait };
        assert_eq!(rates.count_at("a", WINDOW), standing(true, 1, 7200, 3600));
        assert_eq!(rates.count_at("a", WINDOW + 1), standing(true, 0, 7200, 3600));
        assert_eq!(rates.count_at("a", 2 * WINDOW - 1), standing(false, 0, 7200, 1));
        assert_eq!(rates.count_at("b", 2 * WINDOW - 1), standing(true, 1, 7200, 1));
        assert_eq!(rates.count_at("a", 2 * WINDOW), standing(true, 1, 10_800, 3600));
    }
}
