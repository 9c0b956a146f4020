//! Rows of batches.

use super::{
    Error, Query, Row, Tx, Value,
    page::{self, Key, List, Order, Rows, Window},
};
use crate::{
    domain::{
        batches::{Batch, BatchOrder, State},
        images::ImageRef,
    },
    params,
};

const COLUMNS: &str = "id, customer, submitted, count, completed, errors, finished, remaining, state, version";

fn batch(row: &Row<'_>) -> Result<Batch, Error> {
    Ok(Batch {
        id: row.int(0)?,
        customer: row.int(1)?,
        submitted: row.int(2)?,
        count: row.int(3)?,
        completed: row.int(4)?,
        errors: row.int(5)?,
        finished: row.opt_int(6)?,
        remaining: row.int(7)?,
        state: match row.int(8)? {
            0 => State::Active,
            1 => State::Finished,
            _ => State::Superseded,
        },
        version: row.int(9)?,
    })
}

/// One batch.
///
/// # Errors
/// Whatever the database says.
pub async fn get(db: &impl Query, customer: i64, id: i64) -> Result<Option<Batch>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM batches WHERE customer = $1 AND id = $2");
    db.one(&sql, params![customer, id], batch).await
}

/// One batch of whichever customer, which nobody else changes until the transaction ends.
///
/// # Errors
/// Whatever the database says.
pub async fn lock(tx: &Tx, id: i64) -> Result<Option<Batch>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM batches WHERE id = $1{}", tx.for_update());
    tx.one(&sql, params![id], batch).await
}

/// The batches of a customer, all or those in a state.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &impl Query,
    customer: i64,
    state: Option<State>,
    by: BatchOrder,
    descending: bool,
    window: &Window,
) -> Result<Rows<Batch>, Error> {
    let mut params = vec![Value::Int(customer)];
    let mut from = "batches WHERE customer = $1".to_owned();
    if let Some(state) = state {
        params.push(Value::Int(state as i64));
        from.push_str(" AND state = $2");
    }
    let first = match (by, descending) {
        (BatchOrder::Id, _) => None,
        (BatchOrder::Submitted, _) => Some("submitted"),
        (BatchOrder::Finished, false) => Some("COALESCE(finished, 9223372036854775807)"),
        (BatchOrder::Finished, true) => Some("COALESCE(finished, -1)"),
        (BatchOrder::Count, _) => Some("count"),
        (BatchOrder::Errors, _) => Some("errors"),
    };
    let keys = first.into_iter().chain(["id"]).map(Key::int).collect();
    let list = List { columns: COLUMNS, from: &from, params, order: Order { keys, descending } };
    page::read(db, list, window, batch).await
}

/// Stores a new batch and what was submitted in it.
///
/// # Errors
/// Whatever the database says.
pub async fn insert(tx: &Tx, b: &Batch, members: &[(i64, String)]) -> Result<(), Error> {
    tx.exec(
        "INSERT INTO batches (id, customer, submitted, count, completed, errors, finished, remaining, state, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            b.id,
            b.customer,
            b.submitted,
            b.count,
            b.completed,
            b.errors,
            b.finished,
            b.remaining,
            b.state as i64,
            b.version
        ],
    )
    .await?;
    tx.exec(
        "UPDATE usage SET batches = batches + 1, active_batches = active_batches + $2 WHERE customer = $1",
        params![b.customer, i64::from(b.state == State::Active)],
    )
    .await?;
    let rows: Vec<Vec<Value>> = members.iter().map(|(space, image)| params![b.id, *space, image].to_vec()).collect();
    tx.exec_many("INSERT INTO batch_members (batch, space, image) VALUES ($1, $2, $3)", &rows).await
}

/// Writes a batch, and with its state the counts of its customer's batches by state. `before` is the
/// state it had.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, b: &Batch, before: State) -> Result<(), Error> {
    tx.exec(
        "UPDATE batches SET count = $2, completed = $3, errors = $4, finished = $5, remaining = $6, state = $7, \
         version = version + 1 WHERE id = $1",
        params![b.id, b.count, b.completed, b.errors, b.finished, b.remaining, b.state as i64],
    )
    .await?;
    if before == b.state {
        return Ok(());
    }
    let is = |state: State| i64::from(b.state == state) - i64::from(before == state);
    tx.exec(
        "UPDATE usage SET active_batches = active_batches + $2, superseded_batches = superseded_batches + $3 \
         WHERE customer = $1",
        params![b.customer, is(State::Active), is(State::Superseded)],
    )
    .await
    .map(drop)
}

/// Notes how the ingest of a member ended: well, with an error (true), or not yet (`None`). Answers what was noted before.
///
/// # Errors
/// Whatever the database says.
pub async fn ended(tx: &Tx, batch: i64, at: &ImageRef, failed: Option<bool>) -> Result<Option<bool>, Error> {
    let member = "batch = $1 AND space = $2 AND image = $3";
    let sql = format!("SELECT ended FROM batch_members WHERE {member}");
    let before = tx.one(&sql, params![batch, at.space, &at.id], |row| row.int(0)).await?.unwrap_or_default();
    let sql = format!("UPDATE batch_members SET ended = $4 WHERE {member}");
    let ended = failed.map_or(0, |failed| if failed { 2 } else { 1 });
    tx.exec(&sql, params![batch, at.space, &at.id, ended]).await?;
    Ok(match before {
        0 => None,
        before => Some(before == 2),
    })
}

/// Whether any of the images whose latest batch this is is still to end.
///
/// # Errors
/// Whatever the database says.
pub async fn runs(db: &impl Query, batch: i64) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM images WHERE batch = $1 AND ingesting = 1 LIMIT 1";
    Ok(db.one(sql, params![batch], |_| Ok(())).await?.is_some())
}

/// Of the images whose latest batch this is: how many there are, how many of them have finished, and how many of these
/// failed.
///
/// # Errors
/// Whatever the database says.
pub async fn tally(db: &impl Query, batch: i64) -> Result<(i64, i64, i64), Error> {
    let sql = "SELECT COUNT(*), COUNT(finished), COUNT(CASE WHEN finished IS NOT NULL AND error <> '' THEN 1 END) \
               FROM images WHERE batch = $1";
    let found = db.one(sql, params![batch], |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?))).await?;
    Ok(found.unwrap_or_default())
}
