//! The journal: what a request changes is written down in the transaction that changes it, once, without
//! the code that changes it having to know.

use super::{
    Error, Query, Row, Tx,
    page::{self, Key, List, Order, Rows, Window},
    usage,
};
use crate::{domain::audit::Entry, params};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

tokio::task_local! {
    static CURRENT: Arc<Note>;
}

/// What is to be written down of the request under way, if it changes anything.
pub struct Note {
    /// The entry of the audit.
    pub entry: Entry,
    /// The `Idempotency-Key` of the request and the fingerprint of its content.
    pub replay: Option<(String, String)>,
    customer: AtomicI64,
    claimed: AtomicBool,
    written: AtomicBool,
}

impl Note {
    /// A note that is still to be written down.
    pub fn new(entry: Entry, replay: Option<(String, String)>) -> Arc<Self> {
        Arc::new(Self {
            customer: AtomicI64::new(entry.customer),
            entry,
            replay,
            claimed: AtomicBool::new(false),
            written: AtomicBool::new(false),
        })
    }

    /// Whose the change is: the customer of the path, unless [`concerns`] said otherwise.
    fn customer(&self) -> i64 {
        self.customer.load(Ordering::Relaxed)
    }

    /// Says that a transaction took the `Idempotency-Key`.
    pub(super) fn claimed(&self) {
        self.claimed.store(true, Ordering::Relaxed);
    }

    /// Whether a transaction took the `Idempotency-Key`.
    pub fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Relaxed)
    }
}

/// Runs a request with its note at hand.
pub async fn scope<F: Future>(note: Arc<Note>, request: F) -> F::Output {
    CURRENT.scope(note, request).await
}

/// The note of the request under way; background work has none.
pub(super) fn current() -> Option<Arc<Note>> {
    CURRENT.try_with(Arc::clone).ok()
}

/// Says that what the request under way is about to change belongs to `customer`, whatever its path says: that customer
/// gets the entry, and its numbers are those that are locked.
pub fn concerns(customer: i64) {
    if let Some(note) = current() {
        note.customer.store(customer, Ordering::Relaxed);
    }
}

/// Opens the transaction of a request: takes the numbers of the customer, which every change locks first, so that
/// two changes never wait for each other; then the `Idempotency-Key`, before anything is changed.
///
/// # Errors
/// [`Error::Repeated`] when a request with the same key was faster, or whatever the database says.
pub(super) async fn claim(tx: &Tx, note: &Note) -> Result<(), Error> {
    let e = &note.entry;
    usage::lock(tx, note.customer()).await?;
    if let Some((key, fingerprint)) = note.replay.as_ref().filter(|_| !note.is_claimed()) {
        let inserted = tx
            .exec(
                "INSERT INTO replays (customer, key, fingerprint, created) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (customer, key) DO NOTHING",
                params![e.actor, key, fingerprint, e.created],
            )
            .await?;
        if inserted == 0 {
            return Err(Error::Repeated);
        }
    }
    Ok(())
}

/// Writes a note down, unless an earlier transaction of the request did.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn write_down(tx: &Tx, note: &Note) -> Result<(), Error> {
    if note.written.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let e = &note.entry;
    tx.exec(
        "INSERT INTO audit (id, customer, actor, key, operation, target, request, created, portal_user) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            &e.id,
            note.customer(),
            e.actor,
            &e.key,
            &e.operation,
            &e.target,
            &e.request,
            e.created,
            e.portal_user.as_ref()
        ],
    )
    .await?;
    tx.exec("UPDATE usage SET audit = audit + 1 WHERE customer = $1", params![note.customer()]).await.map(drop)
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    Ok(Entry {
        id: row.text(0)?,
        customer: row.int(1)?,
        actor: row.int(2)?,
        key: row.text(3)?,
        operation: row.text(4)?,
        target: row.text(5)?,
        request: row.text(6)?,
        created: row.int(7)?,
        portal_user: row.opt_text(8)?,
    })
}

/// The entries about a customer, newest first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl Query, customer: i64, window: &Window) -> Result<Rows<Entry>, Error> {
    let list = List {
        columns: "id, customer, actor, key, operation, target, request, created, portal_user",
        from: "audit WHERE customer = $1",
        params: vec![customer.into()],
        order: Order { keys: vec![Key::int("created"), Key::text("id")], descending: true },
    };
    page::read(db, list, window, entry).await
}

/// How many entries there are about a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn count(db: &impl Query, customer: i64) -> Result<i64, Error> {
    let sql = "SELECT audit FROM usage WHERE customer = $1";
    Ok(db.one(sql, params![customer], |row| row.int(0)).await?.unwrap_or_default())
}

/// What is known of an `Idempotency-Key`: the fingerprint of the content it came with, the answer, and when it came,
/// milliseconds since the epoch.
///
/// # Errors
/// Whatever the database says.
pub async fn replay(db: &impl Query, customer: i64, key: &str) -> Result<Option<(String, Option<String>, i64)>, Error> {
    let sql = "SELECT fingerprint, answer, created FROM replays WHERE customer = $1 AND key = $2";
    db.one(sql, params![customer, key], |row| Ok((row.text(0)?, row.opt_text(1)?, row.int(2)?))).await
}

/// Keeps the answer to a request that was carried out, and forgets those from before `oldest`.
///
/// # Errors
/// Whatever the database says.
pub async fn keep_answer(tx: &Tx, customer: i64, key: &str, answer: &str, oldest: i64) -> Result<(), Error> {
    tx.exec("UPDATE replays SET answer = $3 WHERE customer = $1 AND key = $2", params![customer, key, answer]).await?;
    tx.exec("DELETE FROM replays WHERE created < $1", params![oldest]).await.map(drop)
}

/// Forgets a key whose request, of this time, was refused.
///
/// # Errors
/// Whatever the database says.
pub async fn release(tx: &Tx, customer: i64, key: &str, created: i64) -> Result<(), Error> {
    let sql = "DELETE FROM replays WHERE customer = $1 AND key = $2 AND created = $3 AND answer IS NULL";
    tx.exec(sql, params![customer, key, created]).await.map(drop)
}

/// Dates a request of this time without an answer back to `lost`.
///
/// # Errors
/// Whatever the database says.
pub async fn lose(tx: &Tx, customer: i64, key: &str, created: i64, lost: i64) -> Result<(), Error> {
    let sql = "UPDATE replays SET created = $4 WHERE customer = $1 AND key = $2 AND created = $3 AND answer IS NULL";
    tx.exec(sql, params![customer, key, created, lost]).await.map(drop)
}

/// Dates all requests without an answer back to `lost`.
///
/// # Errors
/// Whatever the database says.
pub async fn give_up(tx: &Tx, lost: i64) -> Result<(), Error> {
    tx.exec("UPDATE replays SET created = $1 WHERE answer IS NULL AND created > $1", params![lost]).await.map(drop)
}
