//! Rows of API keys.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key as By, List, Order, Rows, Window},
};
use crate::{domain::keys::Key, params};

const COLUMNS: &str = "id, customer, secret_hash, created";

fn key(row: &Row<'_>) -> Result<Key, Error> {
    Ok(Key { id: row.text(0)?, customer: row.int(1)?, secret_hash: row.text(2)?, created: row.int(3)? })
}

/// One key of whichever customer, with whether that customer is an administrator.
///
/// # Errors
/// Whatever the database says.
pub async fn find(db: &impl Query, id: &str) -> Result<Option<(Key, bool)>, Error> {
    db.one(
        "SELECT k.id, k.customer, k.secret_hash, k.created, c.administrator FROM keys k \
         JOIN customers c ON c.id = k.customer WHERE k.id = $1 AND c.deleted IS NULL",
        params![id],
        |row| Ok((key(row)?, row.flag(4)?)),
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
        "INSERT INTO keys (id, customer, secret_hash, created) VALUES ($1, $2, $3, $4)",
        params![&k.id, k.customer, &k.secret_hash, k.created],
    )
    .await
    .map(drop)
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
