//! Room that customers share: none of them can take all of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Room for a number of things at once, of which one customer may have a part.
pub struct Shares {
    all: Arc<Semaphore>,
    most: u32,
    each: usize,
    /// Those of the customers who have or want some.
    taken: Mutex<HashMap<i64, Arc<Semaphore>>>,
}

/// A place, free again when it is dropped.
pub struct Place {
    _share: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

impl Shares {
    /// Room for `all`, and for `each` of one customer; for one at least.
    pub fn new(all: usize, each: usize) -> Self {
        let most = u32::try_from(all.max(1)).unwrap_or(u32::MAX);
        Self { all: Arc::new(Semaphore::new(most as usize)), most, each: each.max(1), taken: Mutex::default() }
    }

    /// Waits for a place for a customer; within its share first, so that only what may have one waits for all.
    ///
    /// # Errors
    /// Never: the room is not closed.
    pub async fn enter(&self, customer: i64) -> Result<Place, AcquireError> {
        self.take(customer, 1).await
    }

    /// The same, for somebody who has to be alone.
    ///
    /// # Errors
    /// Never: the room is not closed.
    pub async fn enter_alone(&self, customer: i64) -> Result<Place, AcquireError> {
        self.take(customer, self.most).await
    }

    async fn take(&self, customer: i64, places: u32) -> Result<Place, AcquireError> {
        let share = self.share(customer).acquire_owned().await?;
        Ok(Place { _share: share, _room: self.all.clone().acquire_many_owned(places).await? })
    }

    fn share(&self, customer: i64) -> Arc<Semaphore> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has or wants a place holds the share too.
        taken.retain(|_, share| Arc::strong_count(share) > 1);
        taken.entry(customer).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn nobody_takes_all() {
        let shares = Shares::new(3, 2);
        let enter = |customer| shares.enter(customer).now_or_never().map(Result::unwrap);
        let (first, second) = (enter(1).unwrap(), enter(1));
        assert!(second.is_some() && enter(1).is_none());
        let other = enter(2).unwrap();
        assert!(enter(3).is_none(), "there is no room");
        drop(first);
        let third = enter(3);
        assert!(third.is_some() && enter(1).is_none());
        drop((second, third, other));
        assert!(enter(4).is_some());
        assert_eq!(shares.taken.lock().unwrap().len(), 1, "nobody is remembered");
    }

    #[test]
    fn whoever_waits_within_a_share_keeps_nobody_else_waiting() {
        let shares = Shares::new(1, 1);
        let first = shares.enter(1).now_or_never().unwrap();
        let mut second = Box::pin(shares.enter(1));
        let mut other = Box::pin(shares.enter(2));
        assert!(second.as_mut().now_or_never().is_none() && other.as_mut().now_or_never().is_none());
        drop(first);
        assert!(other.now_or_never().is_some(), "it is its turn, though another waits for longer");
    }

    #[test]
    fn alone_is_alone() {
        let shares = Shares::new(3, 3);
        let alone = shares.enter_alone(1).now_or_never();
        assert!(alone.is_some() && shares.enter(2).now_or_never().is_none());
        drop(alone);
        let other = shares.enter(2).now_or_never();
        assert!(other.is_some() && shares.enter_alone(1).now_or_never().is_none());
    }
}
