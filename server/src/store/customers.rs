//! Rows of customers.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{domain::customers::Customer, params};

const COLUMNS: &str =
    "id, name, display_name, administrator, created, storage_policy, last_space, version, public_id, updated";

fn customer(row: &Row<'_>) -> Result<Customer, Error> {
    Ok(Customer {
        id: row.int(0)?,
        name: row.text(1)?,
        display_name: row.text(2)?,
        administrator: row.flag(3)?,
        created: row.int(4)?,
        storage_policy: row.text(5)?,
        last_space: row.int(6)?,
        version: row.int(7)?,
        public_id: row.text(8)?,
        updated: row.int(9)?,
    })
}

/// One customer.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, id: i64) -> Result<Option<Customer>, Error> {
    db.one(&format!("SELECT {COLUMNS} FROM customers WHERE id = $1 AND deleted IS NULL"), params![id], customer).await
}

/// One customer, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, id: i64) -> Result<Option<Customer>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM customers WHERE id = $1 AND deleted IS NULL{}", tx.for_update());
    tx.one(&sql, params![id], customer).await
}

/// Customers by number; all of them, or `only` one.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, only: Option<i64>, window: &Window) -> Result<Rows<Customer>, Error> {
    let (from, params) = match only {
        Some(id) => ("customers WHERE id = $1 AND deleted IS NULL", vec![id.into()]),
        None => ("customers WHERE id > $1 AND deleted IS NULL", vec![0.into()]),
    };
    let order = Order { keys: vec![Key::int("id")], descending: false };
    page::read(db, List { columns: COLUMNS, from, params, order }, window, customer).await
}

/// How many customers there are.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query) -> Result<i64, Error> {
    Ok(db.one("SELECT COUNT(*) FROM customers WHERE deleted IS NULL", &[], |row| row.int(0)).await?.unwrap_or_default())
}

/// Whether another customer than `except` has the display name, or any has the name, whatever its case.
///
/// # Errors
/// Whatever the database says.
pub async fn taken(db: &impl Query, name: &str, display_name: &str, except: i64) -> Result<(bool, bool), Error> {
    let names = db
        .all(
            "SELECT name_folded, display_name FROM customers WHERE (name_folded = $1 OR display_name = $2) AND id <> $3",
            params![name.to_lowercase(), display_name, except],
            |row| Ok((row.text(0)?, row.text(1)?)),
        )
        .await?;
    Ok((
        names.iter().any(|(folded, _)| *folded == name.to_lowercase()),
        names.iter().any(|(_, display)| display == display_name),
    ))
}

/// Stores a new customer.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, c: &Customer) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO customers (id, name, name_folded, display_name, administrator, created, storage_policy, last_space, \
         version, public_id, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            c.id,
            &c.name,
            c.name.to_lowercase(),
            &c.display_name,
            c.administrator,
            c.created,
            &c.storage_policy,
            c.last_space,
            c.version,
            &c.public_id,
            c.updated
        ],
    )
    .await
    .map(drop)
}

/// Writes what of a customer can change, if it still has the version before; answers whether it had.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, c: &Customer) -> Result<bool, Error> {
    let changed = tx
        .exec(
            "UPDATE customers SET display_name = $2, storage_policy = $3, last_space = $4, version = $5, \
             updated = $7 WHERE id = $1 AND version = $6",
            params![c.id, &c.display_name, &c.storage_policy, c.last_space, c.version, c.version - 1, c.updated],
        )
        .await?;
    Ok(changed == 1)
}

/// Remembers the highest number a space of the customer ever had.
///
/// # Errors
/// Whatever the database says.
pub async fn set_last_space(tx: &Tx, id: i64, last_space: i64) -> Result<(), Error> {
    tx.exec("UPDATE customers SET last_space = $2 WHERE id = $1", params![id, last_space]).await.map(drop)
}
