//! Rows of API keys.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key as By, List, Order, Rows, Window},
};
use crate::{domain::keys::Key, params};

const COLUMNS: &str = "id, customer, portal_user, secret_hash, created";

fn key(row: &Row<'_>) -> Result<Key, Error> {
    Ok(Key {
        id: row.text(0)?,
        customer: row.int(1)?,
        portal_user: row.opt_text(2)?,
        secret_hash: row.text(3)?,
        created: row.int(4)?,
    })
}

/// One key of whichever customer, with whether that customer is an administrator; none of a deleted customer, and none
/// of a portal user who is not enabled or is locked.
///
/// # Errors
/// Whatever the database says.
pub async fn find(db: &impl Query, id: &str) -> Result<Option<(Key, bool)>, Error> {
    db.one(
        "SELECT k.id, k.customer, k.portal_user, k.secret_hash, k.created, c.administrator FROM keys k \
         JOIN customers c ON c.id = k.customer \
         LEFT JOIN portal_users u ON u.customer = k.customer AND u.id = k.portal_user \
         WHERE k.id = $1 AND c.deleted IS NULL AND (k.portal_user IS NULL \
         OR (u.deleted IS NULL AND u.enabled = 1 AND COALESCE(u.locked, 0) = 0))",
        params![id],
        |row| Ok((key(row)?, row.flag(5)?)),
    )
    .await
}

/// One key of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: &str) -> Result<Option<Key>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM keys WHERE customer = $1 AND id = $2");
    db.one(&sql, params![customer, id], key).await
}

/// The keys of a customer, oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<Key>, Error> {
    let order = Order { keys: vec![By::int("created"), By::text("id")], descending: false };
    let list = List { columns: COLUMNS, from: "keys WHERE customer = $1", params: vec![customer.into()], order };
    page::read(db, list, window, key).await
}

/// Stores a new key.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, k: &Key) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO keys (id, customer, portal_user, secret_hash, created) VALUES ($1, $2, $3, $4, $5)",
        params![&k.id, k.customer, k.portal_user.as_ref(), &k.secret_hash, k.created],
    )
    .await
    .map(drop)
}

/// Whether the customer has another key that can stand in for this one: one that acts for the owner can for any, one of
/// a portal user only for one of a portal user.
///
/// # Errors
/// Whatever the database says.
pub async fn has_another(db: &impl Query, k: &Key) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM keys WHERE customer = $1 AND id <> $2 AND (portal_user IS NULL OR $3 = 1) LIMIT 1";
    Ok(db.one(sql, params![k.customer, &k.id, k.portal_user.is_some()], |_| Ok(())).await?.is_some())
}

/// Deletes the keys of a portal user; answers how many there were.
///
/// # Errors
/// Whatever the database says.
pub async fn clear_of(tx: &Tx, customer: i64, portal_user: &str) -> Result<i64, Error> {
    let sql = "DELETE FROM keys WHERE customer = $1 AND portal_user = $2";
    Ok(tx.exec(sql, params![customer, portal_user]).await? as i64)
}

/// Deletes a key of a customer; answers whether there was one.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<bool, Error> {
    Ok(tx.exec("DELETE FROM keys WHERE customer = $1 AND id = $2", params![customer, id]).await? == 1)
}

/// Deletes all keys of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn clear(tx: &Tx, customer: i64) -> Result<(), Error> {
    tx.exec("DELETE FROM keys WHERE customer = $1", params![customer]).await.map(drop)
}
