//! How often a key may change something as Fastly's clients do. The headers tell of a window that ends with the
//! hour, so that is what is kept: a limiter for each window, within which nothing is replenished.

use crate::domain::time;
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware, state::keyed::DashMapStateStore,
};
use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Milliseconds of the window.
const WINDOW: i64 = 3_600_000;
/// Keys that are counted in a window at most. Were there ever more, the window would start anew: it is better to
/// forgive than to fill the memory.
const MAX_KEYS: usize = 100_000;

/// The time within a window: it stands still, so nothing is replenished, and no request is earlier than another.
#[derive(Debug, Clone, Copy)]
struct Still;

impl Clock for Still {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

type Limiter = RateLimiter<String, DashMapStateStore<String>, Still, StateInformationMiddleware>;

fn limiter(limit: u32) -> Arc<Limiter> {
    // A limiter lets one through at least; where none may pass, it isn't asked.
    let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN));
    Arc::new(Limiter::new(quota, DashMapStateStore::default(), Still))
}

/// Counts what the keys did in this hour, in memory: a restart forgives.
pub struct Rates {
    limit: u32,
    /// The number of the window, in hours since the epoch, and its limiter.
    window: Mutex<(i64, Arc<Limiter>)>,
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

impl Standing {
    fn at(now: i64, allowed: bool, remaining: u32) -> Self {
        let end = (now.div_euclid(WINDOW) + 1) * WINDOW;
        Self { allowed, remaining, reset: end / 1000, wait: (end - now + 999) / 1000 }
    }
}

impl Rates {
    /// So many in an hour; 0 lets nobody change anything.
    pub fn new(limit: u32) -> Self {
        Self { limit, window: Mutex::new((0, limiter(limit))) }
    }

    /// Where a key stands of which nothing is known.
    pub fn fresh(&self) -> Standing {
        Standing::at(time::now(), true, self.limit)
    }

    /// Counts one for a key.
    pub fn count(&self, key: &str) -> Standing {
        self.count_at(key, time::now())
    }

    fn count_at(&self, key: &str, now: i64) -> Standing {
        if self.limit == 0 {
            return Standing::at(now, false, 0);
        }
        match self.limiter_at(now).check_key(&key.to_owned()) {
            Ok(state) => Standing::at(now, true, state.remaining_burst_capacity()),
            Err(_) => Standing::at(now, false, 0),
        }
    }

    fn limiter_at(&self, now: i64) -> Arc<Limiter> {
        let hour = now.div_euclid(WINDOW);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0 != hour || window.1.len() >= MAX_KEYS {
            *window = (hour, limiter(self.limit));
        }
        window.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(limit: u32) -> Rates {
        Rates::new(limit)
    }

    #[test]
    fn a_window_ends_with_its_hour() {
        let rates = rates(2);
        let standing = |allowed, remaining, reset, wait| Standing { allowed, remaining, reset, wait };
        assert_eq!(rates.count_at("a", WINDOW), standing(true, 1, 7200, 3600));
        assert_eq!(rates.count_at("a", WINDOW + 1), standing(true, 0, 7200, 3600));
        assert_eq!(rates.count_at("a", WINDOW + 1001), standing(false, 0, 7200, 3599));
        assert_eq!(rates.count_at("a", 2 * WINDOW - 1), standing(false, 0, 7200, 1));
        assert_eq!(rates.count_at("b", 2 * WINDOW - 1), standing(true, 1, 7200, 1));
        assert_eq!(rates.count_at("a", 2 * WINDOW), standing(true, 1, 10_800, 3600));
    }

    #[test]
    fn whoever_comes_at_once_is_counted_exactly() {
        const LIMIT: u32 = 1000;
        let rates = rates(LIMIT);
        let count = || (0..300).map(|_| rates.count_at("a", WINDOW)).collect::<Vec<_>>();
        let all: Vec<Standing> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let mut told: Vec<u32> = all.iter().filter(|s| s.allowed).map(|s| s.remaining).collect();
        told.sort_unstable();
        assert_eq!(told, (0..LIMIT).collect::<Vec<_>>());
        assert!(all.iter().all(|s| s.allowed || s.remaining == 0));
    }

    #[test]
    fn the_memory_of_a_window_is_bounded() {
        let rates = rates(1);
        for n in 0..MAX_KEYS + 10 {
            assert!(rates.count_at(&n.to_string(), WINDOW).allowed);
        }
        assert_eq!(rates.limiter_at(WINDOW).len(), 10);
        // The largest limit that can be asked for doesn't overflow.
        let largest = Rates::new(u32::MAX);
        assert_eq!(largest.count_at("a", WINDOW).remaining, u32::MAX - 1);
    }
}
