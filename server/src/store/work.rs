//! What the ingest workers need: images to claim.

use super::{Error, Query, Row, Tx, images};
use crate::{
    domain::{
        images::{Image, ImageRef},
        queue::{Lane, Summary},
    },
    params,
};

/// Claims up to `count` of the images that wait, in the order of the queue, until `lease`
/// (milliseconds since the epoch). An image that was taken before was left by a worker that died.
///
/// # Errors
/// Whatever the database says.
pub async fn claim(tx: &Tx, count: i64, now: i64, lease: i64) -> Result<Vec<Image>, Error> {
    let sql = format!(
        "UPDATE images SET lease = $1, dequeued = $2, version = version + 1, \
         attempts = CASE WHEN dequeued IS NOT NULL AND attempts = 0 THEN 1 ELSE attempts END \
         WHERE (customer, space, id) IN (SELECT customer, space, id FROM images \
         WHERE ingesting = 1 AND lease < $2 ORDER BY priority, generation LIMIT $3{}) RETURNING {}",
        tx.skip_locked(),
        images::COLUMNS
    );
    tx.all(&sql, params![lease, now, count], images::image).await
}

/// Lengthens the claim on a registration until `lease` (milliseconds since the epoch).
///
/// # Errors
/// Whatever the database says.
pub async fn renew(tx: &Tx, at: &ImageRef, generation: i64, lease: i64) -> Result<(), Error> {
    tx.exec(
        "UPDATE images SET lease = $5 WHERE customer = $1 AND space = $2 AND id = $3 AND generation = $4 AND ingesting = 1",
        params![at.customer, at.space, &at.id, generation, lease],
    )
    .await
    .map(drop)
}

/// Makes a registration that was claimed at `dequeued`, and by nobody since, one that was never claimed.
///
/// # Errors
/// Whatever the database says.
pub async fn hand_back(tx: &Tx, at: &ImageRef, generation: i64, dequeued: Option<i64>) -> Result<(), Error> {
    tx.exec(
        "UPDATE images SET lease = 0, dequeued = NULL, version = version + 1 \
         WHERE customer = $1 AND space = $2 AND id = $3 AND generation = $4 AND ingesting = 1 AND dequeued = $5",
        params![at.customer, at.space, &at.id, generation, dequeued],
    )
    .await
    .map(drop)
}

/// Counts that a registration is about to be decoded.
///
/// # Errors
/// Whatever the database says.
pub async fn attempt(tx: &Tx, at: &ImageRef, generation: i64) -> Result<(), Error> {
    tx.exec(
        "UPDATE images SET attempts = attempts + 1 WHERE customer = $1 AND space = $2 AND id = $3 AND generation = $4 \
         AND ingesting = 1",
        params![at.customer, at.space, &at.id, generation],
    )
    .await
    .map(drop)
}

/// Lets go of every claim; for the one process that works on a database of its own, when it starts.
///
/// # Errors
/// Whatever the database says.
pub async fn release_all(tx: &Tx) -> Result<(), Error> {
    tx.exec("UPDATE images SET lease = 0 WHERE ingesting = 1 AND lease > 0", &[]).await.map(drop)
}

/// Whether any image waits to be claimed.
///
/// # Errors
/// Whatever the database says.
pub async fn waits(db: &impl Query, now: i64) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM images WHERE ingesting = 1 AND lease < $1 LIMIT 1";
    Ok(db.one(sql, params![now], |_| Ok(())).await?.is_some())
}

/// What of a customer waits on a lane or is with a worker.
///
/// # Errors
/// Whatever the database says.
pub async fn lane(db: &impl Query, customer: i64, priority: i64) -> Result<Lane, Error> {
    let sql = "SELECT COUNT(*), COUNT(batch), COUNT(DISTINCT batch) FROM images \
               WHERE customer = $1 AND priority = $2 AND ingesting = 1";
    let read = |row: &Row<'_>| Ok(Lane { images: row.int(0)?, of_batches: row.int(1)?, batches: row.int(2)? });
    Ok(db.one(sql, params![customer, priority], read).await?.unwrap_or_default())
}

/// What of all customers is stored, waits and failed; `priority` is the lane that is counted.
///
/// # Errors
/// Whatever the database says.
pub async fn summary(db: &impl Query, priority: i64) -> Result<Summary, Error> {
    let sql = "SELECT (SELECT CAST(COALESCE(SUM(images), 0) AS BIGINT) FROM usage), \
               (SELECT CAST(COALESCE(SUM(waiting), 0) AS BIGINT) FROM usage), \
               (SELECT COUNT(*) FROM images WHERE ingesting = 1 AND priority = $1), \
               (SELECT COUNT(*) FROM images WHERE ingesting = 1 AND family <> 'I' AND family = 'T'), \
               (SELECT COUNT(*) FROM images WHERE ingesting = 1 AND family <> 'I' AND family = 'F'), \
               (SELECT COUNT(*) FROM images WHERE error <> '')";
    let read = |row: &Row<'_>| {
        Ok(Summary {
            images: row.int(0)?,
            waiting: row.int(1)?,
            priority: row.int(2)?,
            timed: row.int(3)?,
            files: row.int(4)?,
            failed: row.int(5)?,
        })
    };
    Ok(db.one(sql, params![priority], read).await?.unwrap_or_default())
}
