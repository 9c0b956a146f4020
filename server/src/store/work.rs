//! What the ingest workers need: images to claim.

use super::{Error, Query, Tx, images};
use crate::{
    domain::images::{Image, ImageRef},
    params,
};

/// Claims up to `count` of the images that wait, in the order of the queue, until `lease`
/// (milliseconds since the epoch). An image whose lease ran out was left by a worker that died.
///
/// # Errors
/// Whatever the database says.
pub async fn claim(tx: &Tx, count: i64, now: i64, lease: i64) -> Result<Vec<Image>, Error> {
    let sql = format!(
        "UPDATE images SET lease = $1, dequeued = $2, attempts = attempts + 1, version = version + 1 \
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
