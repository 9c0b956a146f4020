//! POST requests that may be sent twice: the second one gets the answer of the first (decision 9).

use super::{Error, time};
use crate::{
    secrets::Secrets,
    store::{self, Db},
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long answers are kept, in milliseconds: a day.
const KEPT: i64 = 24 * 60 * 60 * 1000;
/// How long a second request waits for the answer to the first.
const PATIENCE: Duration = Duration::from_secs(10);
/// How old a request without an answer is when its server is taken for dead, in milliseconds. One that waits for its
/// turn to be ingested may take longer; its answer is replayed once it is there.
const LONGEST: i64 = 10 * 60 * 1000;
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Names and values of the headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// What is to be done with a request that carries a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is the first.
    CarryOut,
    /// It was carried out: this was the answer.
    Replay(Answer),
    /// The key came with another content before.
    Differs,
    /// It is still being carried out.
    UnderWay,
    /// It was carried out, but the answer is lost with the server that gave it.
    Lost,
}

/// The fingerprint of the content of a request, which may be a password: nobody without the secret key can try out
/// what it is of.
pub fn fingerprint(secrets: &Secrets, target: &str, body: &[u8]) -> String {
    let length = (target.len() as u64).to_be_bytes();
    secrets.mark(&[&length, target.as_bytes(), body]).iter().map(|b| format!("{b:02x}")).collect()
}

/// What is to be done with a request of a customer with this key and fingerprint. Waits for the answer to
/// a first request that is under way.
///
/// # Errors
/// Whatever the database says.
pub async fn judge(db: &Db, secrets: &Secrets, customer: i64, key: &str, fingerprint: &str) -> Result<Verdict, Error> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let Some((known, answer, created)) = store::journal::replay(db, customer, key).await? else {
            return Ok(Verdict::CarryOut);
        };
        if known != fingerprint {
            return Ok(Verdict::Differs);
        }
        if let Some(sealed) = answer {
            let answer = secrets.unseal(&sealed).ok().and_then(|json| serde_json::from_str(&json).ok());
            return Ok(answer.map_or(Verdict::Lost, Verdict::Replay));
        }
        // The effect is there and the answer follows, unless its server has died.
        if created < too_old() {
            return Ok(Verdict::Lost);
        }
        if tokio::time::Instant::now() >= deadline {
            return Ok(Verdict::UnderWay);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Takes the key of the request under way, which was carried out without changing anything.
///
/// # Errors
/// That another request took it meanwhile, or whatever the database says.
pub async fn take(db: &Db) -> Result<(), Error> {
    db.write(|_| async { Ok(()) }.boxed()).await
}

/// Frees the key of a request that was refused after it had taken it at `claimed`.
///
/// # Errors
/// Whatever the database says.
pub async fn release(db: &Db, customer: i64, key: &str, claimed: i64) -> Result<(), Error> {
    let key = key.to_owned();
    db.write(move |tx| async move { Ok(store::journal::release(tx, customer, &key, claimed).await?) }.boxed()).await
}

/// Gives up the answer of a request that took its key at `claimed`.
///
/// # Errors
/// Whatever the database says.
pub async fn lose(db: &Db, customer: i64, key: &str, claimed: i64) -> Result<(), Error> {
    let (key, lost) = (key.to_owned(), too_old() - 1);
    db.write(move |tx| async move { Ok(store::journal::lose(tx, customer, &key, claimed, lost).await?) }.boxed()).await
}

/// Requests without an answer from before this are given up.
fn too_old() -> i64 {
    time::now() - LONGEST
}

/// Gives up all answers that are still to come: no other process works on this database, so nobody makes them.
///
/// # Errors
/// Whatever the database says.
pub async fn give_up_all(db: &Db) -> Result<(), Error> {
    let lost = too_old() - 1;
    db.write(move |tx| async move { Ok(store::journal::give_up(tx, lost).await?) }.boxed()).await
}

/// Keeps the answer to a request that was carried out; sealed, since it may show a secret.
///
/// # Errors
/// Whatever the database says.
pub async fn keep(db: &Db, secrets: &Secrets, customer: i64, key: &str, answer: &Answer) -> Result<(), Error> {
    let json = serde_json::to_string(answer).unwrap_or_default();
    let sealed = secrets.seal(&json).map_err(|e| Error::Store(store::Error::Row(e.to_string())))?;
    let key = key.to_owned();
    db.write(move |tx| {
        async move { Ok(store::journal::keep_answer(tx, customer, &key, &sealed, time::now() - KEPT).await?) }.boxed()
    })
    .await
}
