//! How long deleted customers are kept, and what destroys them when that time is over.

use crate::{
    domain::{
        Error,
        retention::{self, Progress},
        time,
    },
    objects::{Objects, ObjectsError, customer_root},
    store::Db,
};
use std::{str::FromStr, time::Duration};
use tokio_util::sync::CancellationToken;

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;
/// How often is looked for customers whose time is over: a tenth of the retention time, within these bounds.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(600));

/// How long deleted customers are kept; without a duration for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention(Option<Duration>);

impl FromStr for Retention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        if let Ok(days) = text.parse::<u32>() {
            return Ok(Self(Some(Duration::from_secs(u64::from(days) * DAY))));
        }
        let duration = humantime::parse_duration(text);
        duration.map(|d| Self(Some(d))).map_err(|_| "give days, a duration such as `12h`, or `never`".to_owned())
    }
}

/// Why a purge was broken off; it goes on at the next look.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Rows(#[from] Error),
    #[error(transparent)]
    Files(#[from] ObjectsError),
}

/// What destroys deleted customers. Several processes may do so at once.
struct Purger {
    db: Db,
    objects: Objects,
    kept: Duration,
    stop: CancellationToken,
}

/// Destroys deleted customers when their time is over, until `stop`; then finishes the step under way.
pub async fn run(db: Db, objects: Objects, retention: Retention, stop: CancellationToken) {
    let Some(kept) = retention.0 else { return };
    let purger = Purger { db, objects, kept, stop };
    let look = (kept / 10).clamp(LOOK.0, LOOK.1);
    while !purger.stop.is_cancelled() {
        purger.purge_due().await;
        tokio::select! {
            () = tokio::time::sleep(look) => {}
            () = purger.stop.cancelled() => {}
        }
    }
}

impl Purger {
    async fn purge_due(&self) {
        let kept = i64::try_from(self.kept.as_millis()).unwrap_or(i64::MAX);
        let before = time::now().saturating_sub(kept);
        let due = retention::due(&self.db, before).await.unwrap_or_else(|error| {
            tracing::error!(%error, "looking for customers to destroy");
            Vec::new()
        });
        for customer in due {
            match self.purge(customer, before).await {
                Ok(true) => tracing::info!(customer, "destroyed a deleted customer"),
                Ok(false) => {}
                Err(error) => tracing::error!(customer, %error, "destroying a deleted customer"),
            }
        }
    }

    /// Destroys a customer; false when there is something left for later. Images go first, so that nothing writes
    /// files any more when these go, and the customer last, since it is what tells that there is something to do.
    async fn purge(&self, customer: i64, before: i64) -> Result<bool, Trouble> {
        loop {
            match retention::delete_images(&self.db, customer, before).await? {
                Progress::More if !self.stop.is_cancelled() => {}
                Progress::More | Progress::Held => return Ok(false),
                Progress::Done => break,
            }
        }
        self.objects.delete_prefix(&customer_root(customer)).await?;
        loop {
            match retention::delete_rows(&self.db, customer, before).await? {
                Progress::More if !self.stop.is_cancelled() => {}
                Progress::More | Progress::Held => return Ok(false),
                Progress::Done => return Ok(true),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::customers::{self, NewCustomer},
        domain::{account, keys::Principal},
    };

    #[test]
    fn times_are_days_or_have_a_unit() {
        let parsed = |text: &str| text.parse::<Retention>().map(|r| r.0.map(|d| d.as_secs()));
        assert_eq!(parsed("30"), Ok(Some(30 * DAY)));
        assert_eq!(parsed("0"), Ok(Some(0)));
        assert_eq!(parsed("90d"), Ok(Some(90 * DAY)));
        assert_eq!(parsed("12h"), Ok(Some(12 * 3600)));
        assert_eq!(parsed("0s"), Ok(Some(0)));
        assert_eq!(parsed("never"), Ok(None));
        for bad in ["", "-1", "1.5", "soon", "30 x"] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn as_long_as_files_are_left_the_customer_is_too() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("retention.db")).unwrap();
        customers::found(&db, None, None).await.unwrap();
        let root = folder.path().join("objects");
        let objects = Objects::open(root.to_str().unwrap()).unwrap();
        let administrator = Principal { customer: 1, key: String::new(), portal_user: None, administrator: true };
        let new = || NewCustomer { name: "gone".to_owned(), display_name: "gone".to_owned() };
        let gone = customers::create(&db, &administrator, new()).await.unwrap().id;
        objects.put("c1/s1/a/g1/original", "a".into()).await.unwrap();
        // What can't be removed as a directory stands in the way.
        std::fs::write(root.join(customer_root(gone)), "b").unwrap();
        account::delete(&db, gone).await.unwrap();
        let purger = Purger { db: db.clone(), objects, kept: Duration::ZERO, stop: CancellationToken::new() };
        purger.purge_due().await;
        assert!(customers::create(&db, &administrator, new()).await.is_err(), "the name is taken");
        std::fs::remove_file(root.join(customer_root(gone))).unwrap();
        purger.purge_due().await;
        customers::create(&db, &administrator, new()).await.unwrap();
        assert!(root.join("c1/s1/a/g1/original").exists());
    }
}
