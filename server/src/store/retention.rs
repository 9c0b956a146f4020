//! The rows of deleted customers, and their end.

use super::{Error, Query, Tx};
use crate::params;

/// The tables that hold rows of a customer and nothing else has to be told of, and what names a row in them.
const TABLES: [(&str, &str); 10] = [
    ("keys", "id"),
    ("portal_users", "customer, id"),
    ("named_queries", "customer, id"),
    ("roles", "customer, id"),
    ("auth_services", "customer, id"),
    ("origin_strategies", "customer, id"),
    ("origin_host_keys", "customer, origin_strategy, host, port"),
    ("spaces", "customer, id"),
    ("audit", "id"),
    ("replays", "customer, key"),
];
/// The batches whose members are deleted together.
const BATCHES: &str = "SELECT id FROM batches WHERE customer = $1 ORDER BY id LIMIT 100";

/// The customers that were deleted by `before` (milliseconds since the epoch), the longest deleted first.
///
/// # Errors
/// Whatever the database says.
pub async fn due(db: &impl Query, before: i64) -> Result<Vec<i64>, Error> {
    let sql = "SELECT id FROM customers WHERE deleted <= $1 ORDER BY deleted, id";
    db.all(sql, params![before], |row| row.int(0)).await
}

/// Whether a customer was deleted by `before` (milliseconds since the epoch).
///
/// # Errors
/// Whatever the database says.
pub async fn is_due(tx: &Tx, customer: i64, before: i64) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM customers WHERE id = $1 AND deleted <= $2";
    Ok(tx.one(sql, params![customer, before], |_| Ok(())).await?.is_some())
}

/// What a deleted image took with it; sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Whether it was waiting.
    pub waiting: bool,
    /// The original.
    pub size: i64,
    /// The thumbnails.
    pub thumbnail_size: i64,
}

/// Deletes up to `count` images of a customer that no worker holds at `now` (milliseconds since the epoch).
///
/// # Errors
/// Whatever the database says.
pub async fn delete_images(tx: &Tx, customer: i64, now: i64, count: i64) -> Result<Vec<Gone>, Error> {
    // The lease is looked at twice: a worker may claim what the inner query has found.
    let sql = "DELETE FROM images WHERE (customer, space, id) IN \
               (SELECT customer, space, id FROM images WHERE customer = $1 AND lease < $2 LIMIT $3) AND lease < $2 \
               RETURNING ingesting, size, thumbnail_size";
    tx.all(sql, params![customer, now, count], |row| {
        Ok(Gone { waiting: row.flag(0)?, size: row.int(1)?, thumbnail_size: row.int(2)? })
    })
    .await
}

/// Whether a customer has any image.
///
/// # Errors
/// Whatever the database says.
pub async fn has_images(tx: &Tx, customer: i64) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM images WHERE customer = $1 LIMIT 1";
    Ok(tx.one(sql, params![customer], |_| Ok(())).await?.is_some())
}

/// Deletes up to about `count` rows of a customer that has no images; answers how many, 0 when none is left but
/// the customer and its numbers.
///
/// # Errors
/// Whatever the database says.
pub async fn delete_rows(tx: &Tx, customer: i64, count: i64) -> Result<u64, Error> {
    let members = format!(
        "DELETE FROM batch_members WHERE (batch, space, image) IN \
         (SELECT batch, space, image FROM batch_members WHERE batch IN ({BATCHES}) LIMIT $2)"
    );
    let deleted = tx.exec(&members, params![customer, count]).await?;
    if deleted > 0 {
        return Ok(deleted);
    }
    let deleted = tx.exec(&format!("DELETE FROM batches WHERE id IN ({BATCHES})"), params![customer]).await?;
    if deleted > 0 {
        return Ok(deleted);
    }
    for (table, key) in TABLES {
        let rows =
            format!("DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE customer = $1 LIMIT $2)");
        let deleted = tx.exec(&rows, params![customer, count]).await?;
        if deleted > 0 {
            return Ok(deleted);
        }
    }
    Ok(0)
}

/// Deletes a customer that has nothing any more, and its numbers.
///
/// # Errors
/// Whatever the database says.
pub async fn delete_customer(tx: &Tx, customer: i64) -> Result<(), Error> {
    tx.exec("DELETE FROM usage WHERE customer = $1", params![customer]).await?;
    tx.exec("DELETE FROM customers WHERE id = $1", params![customer]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;

    #[tokio::test]
    async fn every_table_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("tables.db")).unwrap();
        let sql = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                   WHERE m.type = 'table' AND c.name = 'customer' ORDER BY m.name";
        let found = db.all(sql, &[], |row| row.text(0)).await.unwrap();
        let others = ["batches", "images", "usage"];
        let mut known: Vec<&str> = TABLES.iter().map(|(table, _)| *table).chain(others).collect();
        known.sort_unstable();
        assert_eq!(found, known, "a table that holds rows of customers must be emptied too");
    }
}
