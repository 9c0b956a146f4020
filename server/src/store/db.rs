//! One small interface over both databases.

use super::{Error, Row, Value, journal, postgres, sqlite};
use futures::{FutureExt, future::BoxFuture};
use std::{path::Path, sync::Arc};

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

/// A database whose rows are looked for, perhaps one by one: a read of it may take long, so nothing else waits for it.
pub struct Search<'a>(pub &'a Db);

impl Query for Search<'_> {
    fn dialect(&self) -> Dialect {
        self.0.dialect()
    }

    async fn all<T, F>(&self, sql: &str, params: &[Value], map: F) -> Result<Vec<T>, Error>
    where
        T: Send,
        F: FnMut(&Row<'_>) -> Result<T, Error> + Send,
    {
        match self.0 {
            Db::Lite(db) => db.search(sql, params, map).await,
            Db::Pg(db) => db.read(sql, params, map).await,
        }
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
