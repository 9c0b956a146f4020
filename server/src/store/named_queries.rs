//! Rows of named queries.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{domain::named_queries::NamedQuery, params};

const COLUMNS: &str = "customer, id, name, global, template, version";

/// What customer $1 can use. A global query whose name or id one of its own has would lead to that one.
const USABLE: &str = "(SELECT customer, id, name, global, template, version FROM named_queries WHERE customer = $1 \
     UNION ALL SELECT g.customer, g.id, g.name, g.global, g.template, g.version FROM named_queries g \
     WHERE g.global = 1 AND g.customer <> $1 \
     AND NOT EXISTS (SELECT 1 FROM named_queries o WHERE o.customer = $1 AND o.name = g.name) \
     AND NOT EXISTS (SELECT 1 FROM named_queries o WHERE o.customer = $1 AND o.id = g.id)) q WHERE q.version > 0";

fn query(row: &Row<'_>) -> Result<NamedQuery, Error> {
    Ok(NamedQuery {
        customer: row.int(0)?,
        id: row.text(1)?,
        name: row.text(2)?,
        global: row.flag(3)?,
        template: row.text(4)?,
        version: row.int(5)?,
    })
}

/// The query that a customer means by an id or a name: its own before global ones, ids before names.
///
/// # Errors
/// Whatever the database says.
pub async fn find(db: &impl Query, customer: i64, key: &str) -> Result<Option<NamedQuery>, Error> {
    // One look-up in an index each; a condition with OR might read all of the customer's.
    let one =
        |rank: u8, condition: &str| format!("SELECT {COLUMNS}, {rank} AS rank FROM named_queries WHERE {condition}");
    let sql = format!(
        "SELECT {COLUMNS} FROM ({} UNION ALL {} UNION ALL {} UNION ALL {}) q ORDER BY rank LIMIT 1",
        one(1, "customer = $1 AND id = $2"),
        one(2, "customer = $1 AND name = $2"),
        one(3, "global = 1 AND id = $2"),
        one(4, "global = 1 AND name = $2"),
    );
    db.one(&sql, params![customer, key], query).await
}

/// One query, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, customer: i64, id: &str) -> Result<Option<NamedQuery>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM named_queries WHERE customer = $1 AND id = $2{}", tx.for_update());
    tx.one(&sql, params![customer, id], query).await
}

/// What a customer can use, by name.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<NamedQuery>, Error> {
    let order = Order { keys: vec![Key::text("name")], descending: false };
    let list = List { columns: COLUMNS, from: USABLE, params: vec![customer.into()], order };
    page::read(db, list, window, query).await
}

/// How many queries a customer can use. Counted: a customer has a handful.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = format!("SELECT COUNT(*) FROM {USABLE}");
    Ok(db.one(&sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// Another query that has the name or the id: of the same customer, or a global one beside a global one.
///
/// # Errors
/// Whatever the database says.
pub async fn rival(tx: &Tx, q: &NamedQuery) -> Result<Option<NamedQuery>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM named_queries WHERE (customer = $1 OR ($4 = 1 AND global = 1)) \
         AND (name = $3 OR id = $2) AND NOT (customer = $1 AND id = $2 AND $5 = 1) LIMIT 1"
    );
    // A query at its first version is new: one with its own id is another.
    tx.one(&sql, params![q.customer, &q.id, &q.name, q.global, q.version > 1], query).await
}

/// Stores a new query.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, q: &NamedQuery) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO named_queries (customer, id, name, global, template, version) VALUES ($1, $2, $3, $4, $5, $6)",
        params![q.customer, &q.id, &q.name, q.global, &q.template, q.version],
    )
    .await
    .map(drop)
}

/// Writes what of a query can change.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, q: &NamedQuery) -> Result<(), Error> {
    tx.exec(
        "UPDATE named_queries SET global = $3, template = $4, version = $5 WHERE customer = $1 AND id = $2",
        params![q.customer, &q.id, q.global, &q.template, q.version],
    )
    .await
    .map(drop)
}

/// Takes the queries of a customer from all others.
///
/// # Errors
/// Whatever the database says.
pub async fn withdraw(tx: &Tx, customer: i64) -> Result<(), Error> {
    let sql = "UPDATE named_queries SET global = 0, version = version + 1 WHERE customer = $1 AND global = 1";
    tx.exec(sql, params![customer]).await.map(drop)
}

/// Deletes a query.
///
/// # Errors
/// Whatever the database says.
pub async fn delete(tx: &Tx, customer: i64, id: &str) -> Result<(), Error> {
    tx.exec("DELETE FROM named_queries WHERE customer = $1 AND id = $2", params![customer, id]).await.map(drop)
}
