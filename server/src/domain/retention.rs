//! The end of deleted customers: everything of them goes, in transactions that are short. Each step finds out what is
//! still there, so a purge goes on wherever it was broken off.

use super::{Error, time};
use crate::store::{self, Db};
use futures::FutureExt;

/// Rows that are deleted in one transaction.
const ROWS: i64 = 500;

/// How far a part of a purge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// What is left is with a worker.
    Held,
    /// Nothing is left of this part.
    Done,
}

/// The customers that were deleted by `before` (milliseconds since the epoch).
///
/// # Errors
/// Whatever the database says.
pub async fn due(db: &Db, before: i64) -> Result<Vec<i64>, Error> {
    Ok(store::retention::due(db, before).await?)
}

/// Deletes some of the images of a customer that was deleted by `before`. When all are gone no worker writes files of
/// it any more.
///
/// # Errors
/// Whatever the database says.
pub async fn delete_images(db: &Db, customer: i64, before: i64) -> Result<Progress, Error> {
    db.write(move |tx| {
        async move {
            let Some(mut usage) = store::usage::lock(tx, customer).await? else { return Ok(Progress::Done) };
            if !store::retention::is_due(tx, customer, before).await? {
                return Ok(Progress::Done);
            }
            let gone = store::retention::delete_images(tx, customer, time::now(), ROWS).await?;
            if gone.is_empty() {
                let held = store::retention::has_images(tx, customer).await?;
                return Ok(if held { Progress::Held } else { Progress::Done });
            }
            usage.images -= gone.len() as i64;
            for image in gone {
                usage.waiting -= i64::from(image.waiting);
                usage.image_bytes -= image.size;
                usage.thumbnail_bytes -= image.thumbnail_size;
            }
            store::usage::put(tx, customer, &usage).await?;
            Ok(Progress::More)
        }
        .boxed()
    })
    .await
}

/// Deletes some of what else there is of a customer that was deleted by `before`, at last the customer: then its names
/// are free.
///
/// # Errors
/// Whatever the database says.
pub async fn delete_rows(db: &Db, customer: i64, before: i64) -> Result<Progress, Error> {
    db.write(move |tx| {
        async move {
            if store::usage::lock(tx, customer).await?.is_none() {
                return Ok(Progress::Done);
            }
            if !store::retention::is_due(tx, customer, before).await? {
                return Ok(Progress::Done);
            }
            if store::retention::delete_rows(tx, customer, ROWS).await? > 0 {
                return Ok(Progress::More);
            }
            store::retention::delete_customer(tx, customer).await?;
            Ok(Progress::Done)
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::customers::{self, NewCustomer},
        params,
        store::{Query, Tx},
    };
    use std::path::Path;

    const ADMINISTRATOR: crate::domain::keys::Principal =
        crate::domain::keys::Principal { customer: 1, key: String::new(), portal_user: None, administrator: true };

    async fn open(folder: &Path) -> Db {
        let db = Db::sqlite(&folder.join("retention.db")).unwrap();
        customers::found(&db, None, None).await.unwrap();
        db
    }

    /// Gives a customer rows in every kind of table: `images` images, as many members of 150 batches, and more.
    async fn endow(tx: &Tx, customer: i64, images: i64) -> Result<(), Error> {
        let image = "INSERT INTO images (customer, space, id, created, origin, max_unauthorised, ingesting, error, tags, roles, string1, \
                     string2, string3, number1, number2, number3, media_type, family, size, thumbnail_size, generation, \
                     priority, lease, attempts, version) VALUES \
                     ($1, 1, $2, 0, '', -1, 1, '', '[]', '[]', '', '', '', 0, 0, 0, '', 'I', 10, 1, $3, 0, 0, 0, 1)";
        for n in 0..images {
            tx.exec(image, params![customer, n.to_string(), n]).await?;
            let member = "INSERT INTO batch_members (batch, space, image) VALUES ($1, 1, $2)";
            tx.exec(member, params![customer * 1000 + n % 150, n.to_string()]).await?;
        }
        for n in 0..150 {
            let batch = "INSERT INTO batches (id, customer, submitted, count, completed, errors, remaining, state, version) \
                         VALUES ($1, $2, 0, 1, 0, 0, 1, 0, 1)";
            tx.exec(batch, params![customer * 1000 + n, customer]).await?;
            let entry = "INSERT INTO audit (id, customer, actor, key, operation, target, request, created) \
                         VALUES ($1, $2, $2, '', '', '', '', 0)";
            tx.exec(entry, params![format!("{customer}-{n}"), customer]).await?;
        }
        let numbers = "UPDATE usage SET images = $2, waiting = $2, image_bytes = 10 * $2, thumbnail_bytes = $2, \
                       batches = 150 WHERE customer = $1";
        tx.exec(numbers, params![customer, images]).await?;
        Ok(())
    }

    async fn customer(db: &Db, name: &str, images: i64) -> i64 {
        let new = NewCustomer { name: name.to_owned(), display_name: name.to_owned() };
        let id = customers::create(db, &ADMINISTRATOR, new).await.unwrap().id;
        db.write(move |tx| endow(tx, id, images).boxed()).await.unwrap();
        id
    }

    async fn delete(db: &Db, customer: i64, at: i64) {
        db.write(move |tx| async move { Ok::<_, Error>(store::account::delete(tx, customer, at).await?) }.boxed())
            .await
            .unwrap();
    }

    /// How many rows of a customer there are in each table that has any; members of batches are told by their ids.
    async fn rows(db: &Db, customer: i64) -> Vec<(String, i64)> {
        let sql = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND c.name = 'customer' ORDER BY m.name";
        let mut counts = vec![("customers".to_owned(), "id = $1".to_owned())];
        counts.push(("batch_members".to_owned(), "batch / 1000 = $1".to_owned()));
        let tables = db.all(sql, &[], |row| row.text(0)).await.unwrap();
        counts.extend(tables.into_iter().map(|table| (table, "customer = $1".to_owned())));
        let mut found = Vec::new();
        for (table, which) in counts {
            let sql = format!("SELECT COUNT(*) FROM {table} WHERE {which}");
            let count = db.one(&sql, params![customer], |row| row.int(0)).await.unwrap().unwrap();
            if count > 0 {
                found.push((table, count));
            }
        }
        found
    }

    #[tokio::test]
    async fn a_purge_goes_on_where_it_was_broken_off_and_leaves_others_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut db = open(folder.path()).await;
        let (gone, later, other) =
            (customer(&db, "gone", 1200).await, customer(&db, "later", 30).await, customer(&db, "other", 30).await);
        delete(&db, gone, 1000).await;
        delete(&db, later, 1001).await;
        let before = (rows(&db, later).await, rows(&db, other).await);
        assert!(before.0.len() >= 8, "{before:?}");
        assert!(due(&db, 999).await.unwrap().is_empty());
        assert_eq!(due(&db, 1000).await.unwrap(), [gone]);
        assert_eq!(due(&db, 1001).await.unwrap(), [gone, later]);

        // Every step by a server of its own.
        let mut steps = 0;
        loop {
            let progress = delete_images(&db, gone, 1000).await.unwrap();
            if progress == Progress::Done {
                break;
            }
            assert_eq!(progress, Progress::More);
            steps += 1;
            let usage = store::usage::get(&db, gone).await.unwrap().unwrap();
            let left = (1200 - 500 * steps).max(0);
            assert_eq!((usage.images, usage.waiting), (left, left));
            assert_eq!((usage.image_bytes, usage.thumbnail_bytes), (10 * left, left));
            db = open(folder.path()).await;
        }
        assert_eq!(steps, 3);
        while delete_rows(&db, gone, 1000).await.unwrap() == Progress::More {
            steps += 1;
            assert_eq!(due(&db, 1000).await.unwrap(), [gone], "until nothing is left there is something to do");
            db = open(folder.path()).await;
        }
        assert!(steps > 6, "{steps}");
        assert!(rows(&db, gone).await.is_empty());
        assert_eq!((rows(&db, later).await, rows(&db, other).await), before);
        // What is done or not due is left alone.
        for customer in [gone, later, other] {
            assert_eq!(delete_images(&db, customer, 1000).await.unwrap(), Progress::Done);
            assert_eq!(delete_rows(&db, customer, 1000).await.unwrap(), Progress::Done);
        }
        assert_eq!((rows(&db, later).await, rows(&db, other).await), before);
        customer(&db, "gone", 1).await;
    }

    #[tokio::test]
    async fn what_a_worker_holds_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path()).await;
        let gone = customer(&db, "gone", 3).await;
        delete(&db, gone, 1000).await;
        let lease = |until: i64| {
            let db = db.clone();
            async move {
                let sql = "UPDATE images SET lease = $2 WHERE customer = $1 AND id = '1'";
                let done = db.write(move |tx| async move { tx.exec(sql, params![gone, until]).await }.boxed()).await;
                done.unwrap();
            }
        };
        lease(time::now() + 60_000).await;
        assert_eq!(delete_images(&db, gone, 1000).await.unwrap(), Progress::More);
        assert_eq!(delete_images(&db, gone, 1000).await.unwrap(), Progress::Held);
        lease(0).await;
        assert_eq!(delete_images(&db, gone, 1000).await.unwrap(), Progress::More);
        assert_eq!(delete_images(&db, gone, 1000).await.unwrap(), Progress::Done);
    }
}
