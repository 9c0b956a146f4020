//! What a customer has, as numbers kept in the transactions that change them.

use super::{Error, Query, Tx};
use crate::params;

/// The kept numbers of one customer; sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// API keys.
    pub keys: i64,
    /// Spaces.
    pub spaces: i64,
    /// Images.
    pub images: i64,
    /// Stored originals.
    pub image_bytes: i64,
    /// Stored thumbnails.
    pub thumbnail_bytes: i64,
    /// When the sizes last changed, milliseconds since the epoch.
    pub calculated: i64,
    /// Images that wait for a worker or are with one.
    pub waiting: i64,
    /// Batches ever submitted.
    pub batches: i64,
    /// Batches that are neither finished nor superseded.
    pub active_batches: i64,
    /// Batches all of whose images belong to later ones.
    pub superseded_batches: i64,
}

const COLUMNS: &str = "keys, spaces, images, image_bytes, thumbnail_bytes, calculated, waiting, batches, active_batches, superseded_batches";

/// The numbers of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64) -> Result<Option<Usage>, Error> {
    read(db, customer, "").await
}

/// The numbers of a customer, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, customer: i64) -> Result<Option<Usage>, Error> {
    read(tx, customer, tx.for_update()).await
}

async fn read(db: &impl Query, customer: i64, lock: &str) -> Result<Option<Usage>, Error> {
    db.one(&format!("SELECT {COLUMNS} FROM usage WHERE customer = $1{lock}"), params![customer], |row| {
        Ok(Usage {
            keys: row.int(0)?,
            spaces: row.int(1)?,
            images: row.int(2)?,
            image_bytes: row.int(3)?,
            thumbnail_bytes: row.int(4)?,
            calculated: row.int(5)?,
            waiting: row.int(6)?,
            batches: row.int(7)?,
            active_batches: row.int(8)?,
            superseded_batches: row.int(9)?,
        })
    })
    .await
}

/// Starts the numbers of a new customer at zero.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, customer: i64, now: i64) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO usage (customer, keys, spaces, images, image_bytes, thumbnail_bytes, calculated, waiting, batches, \
         active_batches, superseded_batches) VALUES ($1, 0, 0, 0, 0, 0, $2, 0, 0, 0, 0)",
        params![customer, now],
    )
    .await
    .map(drop)
}

/// Writes the numbers of a customer, as [`lock`] gave them and the caller changed them; those of
/// batches change with the batches only.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, customer: i64, usage: &Usage) -> Result<(), Error> {
    tx.exec(
        "UPDATE usage SET keys = $2, spaces = $3, images = $4, image_bytes = $5, thumbnail_bytes = $6, calculated = $7, \
         waiting = $8 WHERE customer = $1",
        params![
            customer,
            usage.keys,
            usage.spaces,
            usage.images,
            usage.image_bytes,
            usage.thumbnail_bytes,
            usage.calculated,
            usage.waiting,
        ],
    )
    .await
    .map(drop)
}
