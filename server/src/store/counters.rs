//! Numbers that are given out once.

use super::{Error, Query, Tx, Value};

/// Takes `count` numbers of the series `name`; answers the first of them.
///
/// # Errors
/// Whatever the database says; a series that doesn't exist.
pub async fn take(tx: &Tx, name: &str, count: i64) -> Result<i64, Error> {
    tx.one(
        "UPDATE counters SET value = value + $1 WHERE name = $2 RETURNING value",
        &[Value::Int(count), Value::from(name)],
        |row| row.int(0),
    )
    .await?
    .map(|last| last - count + 1)
    .ok_or_else(|| Error::Row(format!("no counter `{name}`")))
}
