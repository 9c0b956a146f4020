//! Rows of spaces.

use super::{
    Error, Query, Row, Tx, json,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::spaces::{Space, SpaceOrder},
    params,
};

const COLUMNS: &str = "customer, id, name, created, default_tags, default_roles, max_unauthorised, images, image_bytes, \
                       thumbnail_bytes, calculated, version";

fn space(row: &Row<'_>) -> Result<Space, Error> {
    Ok(Space {
        customer: row.int(0)?,
        id: row.int(1)?,
        name: row.text(2)?,
        created: row.int(3)?,
        default_tags: row.json(4)?,
        default_roles: row.json(5)?,
        max_unauthorised: row.int(6)?,
        images: row.int(7)?,
        image_bytes: row.int(8)?,
        thumbnail_bytes: row.int(9)?,
        calculated: row.int(10)?,
        version: row.int(11)?,
    })
}

/// One space.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: i64) -> Result<Option<Space>, Error> {
    db.one(&format!("SELECT {COLUMNS} FROM spaces WHERE customer = $1 AND id = $2"), params![customer, id], space).await
}

/// One space, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, customer: i64, id: i64) -> Result<Option<Space>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM spaces WHERE customer = $1 AND id = $2{}", tx.for_update());
    tx.one(&sql, params![customer, id], space).await
}

/// The spaces of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &impl Query,
    customer: i64,
    by: SpaceOrder,
    descending: bool,
    window: &Window,
) -> Result<Rows<Space>, Error> {
    let keys = match by {
        SpaceOrder::Id => vec![Key::int("id")],
        SpaceOrder::Name => vec![Key::text("name"), Key::int("id")],
        SpaceOrder::Created => vec![Key::int("created"), Key::int("id")],
    };
    let list = List {
        columns: COLUMNS,
        from: "spaces WHERE customer = $1",
        params: vec![customer.into()],
        order: Order { keys, descending },
    };
    page::read(db, list, window, space).await
}

/// Whether another space of the customer than `except` has the name.
///
/// # Errors
/// Whatever the database says.
pub async fn taken(db: &impl Query, customer: i64, name: &str, except: i64) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM spaces WHERE customer = $1 AND name = $2 AND id <> $3";
    Ok(db.one(sql, params![customer, name, except], |_| Ok(())).await?.is_some())
}

/// Stores a new space.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, s: &Space) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO spaces (customer, id, name, created, default_tags, default_roles, max_unauthorised, images, \
         image_bytes, thumbnail_bytes, calculated, version) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, $4, $8)",
        params![
            s.customer,
            s.id,
            &s.name,
            s.created,
            json(&s.default_tags),
            json(&s.default_roles),
            s.max_unauthorised,
            s.version
        ],
    )
    .await
    .map(drop)
}

/// Writes the properties of a space.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, s: &Space) -> Result<(), Error> {
    tx.exec(
        "UPDATE spaces SET name = $3, default_tags = $4, default_roles = $5, max_unauthorised = $6, version = $7 \
         WHERE customer = $1 AND id = $2",
        params![
            s.customer,
            s.id,
            &s.name,
            json(&s.default_tags),
            json(&s.default_roles),
            s.max_unauthorised,
            s.version
        ],
    )
    .await
    .map(drop)
}

/// Changes what a space holds: a number of images, and bytes of originals and thumbnails.
///
/// # Errors
/// Whatever the database says.
pub async fn hold(tx: &Tx, customer: i64, id: i64, change: Held, now: i64) -> Result<(), Error> {
    tx.exec(
        "UPDATE spaces SET images = images + $3, image_bytes = image_bytes + $4, \
         thumbnail_bytes = thumbnail_bytes + $5, calculated = $6 WHERE customer = $1 AND id = $2",
        params![customer, id, change.images, change.image_bytes, change.thumbnail_bytes, now],
    )
    .await
    .map(drop)
}

/// By how much what is held changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Images.
    pub images: i64,
    /// Bytes of originals.
    pub image_bytes: i64,
    /// Bytes of thumbnails.
    pub thumbnail_bytes: i64,
}

/// Deletes a space; answers whether there was one.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: i64) -> Result<bool, Error> {
    Ok(tx.exec("DELETE FROM spaces WHERE customer = $1 AND id = $2", params![customer, id]).await? == 1)
}

/// The lowest number that no space of the customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn first_gap(db: &impl Query, customer: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT s.id + 1 FROM (SELECT 0 AS id UNION ALL SELECT id FROM spaces WHERE customer = $1) s \
               WHERE s.id < 2147483647 AND NOT EXISTS \
               (SELECT 1 FROM spaces t WHERE t.customer = $1 AND t.id = s.id + 1) ORDER BY s.id LIMIT 1";
    db.one(sql, params![customer], |row| row.int(0)).await
}
