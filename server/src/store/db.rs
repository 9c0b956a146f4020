//! One small interface over both databases.

use super::{Error, Row, Value, journal, postgres, sqlite};
use crate::shares::Place;
use futures::{FutureExt, future::BoxFuture};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::time::timeout;

/// A database; cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// SQLite in a file.
    Lite(Arc<sqlite::Lite>),
    /// PostgreSQL through a pool.
    Pg(postgres::Pg),
}

/// An open transaction.
pub enum Tx {
    /// On the one writing connection of SQLite.
    Lite(sqlite::LiteTx),
    /// On a connection of its own.
    Pg(postgres::PgTx),
}

/// Which SQL is spoken, for the few statements that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// That of SQLite.
    Lite,
    /// That of PostgreSQL.
    Pg,
}

/// Reading, from the database or within a transaction.
pub trait Query: Sync {
    /// Which SQL is spoken.
    fn dialect(&self) -> Dialect;

    /// All rows of a statement.
    fn all<T, F>(&self, sql: &str, params: &[Value], map: F) -> impl Future<Output = Result<Vec<T>, Error>> + Send
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send;

    /// The first row of a statement, if any.
    fn one<T, F>(&self, sql: &str, params: &[Value], map: F) -> impl Future<Output = Result<Option<T>, Error>> + Send
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
    {
        async { Ok(self.all(sql, params, map).await?.into_iter().next()) }
    }
}

/// How long a search waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// A database in which rows of a customer are looked for, perhaps one by one: a read of it may take long, so nothing
/// else waits for it, and there is an end to how long it takes and to how many there are.
pub struct Search<'a>(pub &'a Db, pub i64);

impl Search<'_> {
    /// Waits for its turn, and not for longer than it has patience.
    async fn turn(&self, patience: Duration) -> Result<Place, Error> {
        let Self(db, customer) = self;
        let searches = match db {
            Db::Lite(db) => db.searches(),
            Db::Pg(db) => db.searches(),
        };
        let turn = timeout(patience, searches.enter(*customer)).await.map_err(|_| Error::Busy)?;
        turn.map_err(|_| Error::Closed)
    }
}

impl Query for Search<'_> {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    async fn all<T, F>(&self, sql: &str, params: &[Value], map: F) -> Result<Vec<T>, Error>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
    {
        let _place = self.turn(PATIENCE).await?;
        let found = match self.0 {
            Db::Lite(db) => db.search(sql, params, map),
            Db::Pg(db) => db.read(sql, params, map).await,
        };
        found.map_err(|error| if error.is_interruption() { Error::TooLong } else { error })
    }
}

impl Query for Db {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Lite(_) => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    async fn all<T, F>(&self, sql: &str, params: &[Value], map: F) -> Result<Vec<T>, Error>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
    {
        match self {
            Self::Lite(db) => db.read(sql, params, map),
            Self::Pg(db) => db.read(sql, params, map).await,
        }
    }
}

impl Query for Tx {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Lite(_) => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    async fn all<T, F>(&self, sql: &str, params: &[Value], map: F) -> Result<Vec<T>, Error>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
    {
        match self {
            Self::Lite(tx) => tx.all(sql, params, map),
            Self::Pg(tx) => tx.all(sql, params, map).await,
        }
    }
}

impl Tx {
    /// Executes a statement; answers how many rows it changed.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn exec(&self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        match self {
            Self::Lite(tx) => tx.exec(sql, params),
            Self::Pg(tx) => tx.exec(sql, params).await,
        }
    }

    /// Executes one statement for many rows of parameters, without waiting for each.
    ///
    /// # Errors
    /// Whatever the database says of the first row that fails.
    pub async fn exec_many(&self, sql: &str, rows: &[Vec<Value>]) -> Result<(), Error> {
        match self {
            Self::Lite(tx) => rows.iter().try_for_each(|row| tx.exec(sql, row).map(drop)),
            Self::Pg(tx) => tx.exec_many(sql, rows).await,
        }
    }

    /// How many rows were written through it so far.
    fn written(&self) -> u64 {
        match self {
            Self::Lite(tx) => tx.written(),
            Self::Pg(tx) => tx.written(),
        }
    }

    /// The clause that lets several workers claim different rows: PostgreSQL has to be told, SQLite
    /// has one writer at a time.
    pub fn skip_locked(&self) -> &'static str {
        match self {
            Self::Lite(_) => "",
            Self::Pg(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    /// The clause that keeps a row that was read as it is until the transaction ends.
    pub fn for_update(&self) -> &'static str {
        match self {
            Self::Lite(_) => "",
            Self::Pg(_) => " FOR UPDATE",
        }
    }
}

impl Db {
    /// Opens the SQLite database in `file`, which is made where it is missing, and brings it up to
    /// date.
    ///
    /// # Errors
    /// When the file can't be used or belongs to a newer version.
    pub fn sqlite(file: &Path) -> Result<Self, Error> {
        Ok(Self::Lite(Arc::new(sqlite::Lite::open(file)?)))
    }

    /// Connects to PostgreSQL and brings the database up to date. `connections` is the largest
    /// number of connections to hold.
    ///
    /// # Errors
    /// When the URL is none, the server can't be reached or the database belongs to a newer version.
    pub async fn postgres(url: &str, connections: usize) -> Result<Self, Error> {
        Ok(Self::Pg(postgres::Pg::connect(url, connections).await?))
    }

    /// Runs `body` in a transaction, which commits if it answers `Ok`. When this returns `Ok`, the
    /// write survives the loss of power.
    ///
    /// # Errors
    /// What `body` answers, or whatever the database says.
    pub async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let note = journal::current();
        match self {
            Self::Lite(db) => db.write(move |tx| noted(tx, body, note)).await,
            Self::Pg(db) => db.write(move |tx| noted(tx, body, note)).await,
        }
    }
}

/// Runs a transaction and writes down what it did, in it.
fn noted<'t, T, E, F>(tx: &'t Tx, body: F, note: Option<Arc<journal::Note>>) -> BoxFuture<'t, Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'a> FnOnce(&'a Tx) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
{
    async move {
        let Some(note) = note else { return body(tx).await };
        journal::claim(tx, &note).await?;
        let before = tx.written();
        let done = body(tx).await?;
        note.claimed();
        if tx.written() > before {
            journal::write_down(tx, &note).await?;
        }
        Ok(done)
    }
    .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_search_has_an_end_and_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("searches.db")).unwrap();
        let interrupted = || rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(9), None);
        let ended = Search(&db, 1).all("SELECT 1", &[], |_| Err::<(), _>(interrupted().into())).await;
        assert!(matches!(ended, Err(Error::TooLong)), "{ended:?}");

        let search = Search(&db, 1);
        let mut taken = Vec::new();
        let busy = loop {
            match search.turn(Duration::ZERO).await {
                Ok(place) => taken.push(place),
                Err(error) => break error,
            }
        };
        assert!(matches!(busy, Error::Busy) && !taken.is_empty(), "{busy:?}");
        assert!(Search(&db, 2).turn(Duration::ZERO).await.is_ok(), "others have their turn, on one core, too");
        drop(taken);
        assert_eq!(search.all("SELECT 1", &[], |row| row.int(0)).await.unwrap(), [1]);
    }
}
