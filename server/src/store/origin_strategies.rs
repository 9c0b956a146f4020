//! Rows of customers' rules for fetching origins.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::origin_strategies::{Rule, Strategy},
    params,
};

const COLUMNS: &str = "customer, id, regex, strategy, credentials, optimised, position, version";

fn rule(row: &Row<'_>) -> Result<Rule, Error> {
    let strategy = row.text(3)?;
    Ok(Rule {
        customer: row.int(0)?,
        id: row.text(1)?,
        regex: row.text(2)?,
        strategy: Strategy::named(&strategy).ok_or_else(|| Error::Row(format!("no origin strategy `{strategy}`")))?,
        credentials: row.opt_text(4)?,
        optimised: row.flag(5)?,
        order: row.int(6)?,
        version: row.int(7)?,
    })
}

fn in_order(customer: i64) -> List<'static> {
    List {
        columns: COLUMNS,
        from: "origin_strategies WHERE customer = $1",
        params: vec![customer.into()],
        order: Order { keys: vec![Key::int("position"), Key::text("id")], descending: false },
    }
}

/// One rule.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: &str) -> Result<Option<Rule>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM origin_strategies WHERE customer = $1 AND id = $2");
    db.one(&sql, params![customer, id], rule).await
}

/// One rule, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, customer: i64, id: &str) -> Result<Option<Rule>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM origin_strategies WHERE customer = $1 AND id = $2{}", tx.for_update());
    tx.one(&sql, params![customer, id], rule).await
}

/// The rules of a customer, in the order in which they are tried.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<Rule>, Error> {
    page::read(db, in_order(customer), window, rule).await
}

/// All rules of a customer, in the order in which they are tried.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl Query, customer: i64) -> Result<Vec<Rule>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM origin_strategies WHERE customer = $1 ORDER BY position, id");
    db.all(&sql, params![customer], rule).await
}

/// How many rules a customer has.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM origin_strategies WHERE customer = $1";
    Ok(db.one(sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// Whether another rule of the customer than `except` has the regular expression.
///
/// # Errors
/// Whatever the database says.
pub async fn taken(db: &impl Query, customer: i64, regex: &str, except: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM origin_strategies WHERE customer = $1 AND regex = $2 AND id <> $3";
    Ok(db.one(sql, params![customer, regex, except], |_| Ok(())).await?.is_some())
}

/// Writes a rule, new or changed.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, r: &Rule) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO origin_strategies (customer, id, regex, strategy, credentials, optimised, position, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (customer, id) DO UPDATE SET regex = excluded.regex, \
         strategy = excluded.strategy, credentials = excluded.credentials, optimised = excluded.optimised, \
         position = excluded.position, version = excluded.version",
        params![r.customer, &r.id, &r.regex, r.strategy.id(), r.credentials.as_ref(), r.optimised, r.order, r.version],
    )
    .await
    .map(drop)
}

/// Deletes a rule.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    tx.exec("DELETE FROM origin_strategies WHERE customer = $1 AND id = $2", params![customer, id]).await.map(drop)
}

/// The fingerprint of the key that an SFTP server showed when a rule first used it.
///
/// # Errors
/// Whatever the database says.
pub async fn host_key(
    db: &impl Query,
    customer: i64,
    id: &str,
    host: &str,
    port: i64,
) -> Result<Option<String>, Error> {
    let sql = "SELECT fingerprint FROM origin_host_keys \
               WHERE customer = $1 AND origin_strategy = $2 AND host = $3 AND port = $4";
    db.one(sql, params![customer, id, host, port], |row| row.text(0)).await
}

/// Remembers the key of an SFTP server, unless one is remembered already.
///
/// # Errors
/// Whatever the database says.
pub async fn keep_host_key(
    tx: &Tx,
    customer: i64,
    id: &str,
    host: &str,
    port: i64,
    fingerprint: &str,
) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO origin_host_keys (customer, origin_strategy, host, port, fingerprint) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (customer, origin_strategy, host, port) DO NOTHING",
        params![customer, id, host, port, fingerprint],
    )
    .await
    .map(drop)
}

/// Forgets the keys of the SFTP servers that a rule used.
///
/// # Errors
/// Whatever the database says.
pub async fn forget_host_keys(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    let sql = "DELETE FROM origin_host_keys WHERE customer = $1 AND origin_strategy = $2";
    tx.exec(sql, params![customer, id]).await.map(drop)
}
