//! SQLite: reads in place on a pool of read-only connections, writes on one thread that commits
//! waiting transactions together.

use super::{Error, Row, Tx, Value, migrations};
use crate::shares::Shares;
use futures::future::{BoxFuture, FutureExt};
use rusqlite::{Connection, OpenFlags};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::available_parallelism,
    time::{Duration, Instant},
};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::oneshot,
    task::block_in_place,
};

/// Transactions that share one commit at most, so that the first of them doesn't wait long.
const GROUP: usize = 64;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 256;
/// How long a search may take, as long as PostgreSQL lets a statement last.
const LONGEST: Duration = Duration::from_secs(30);
/// Steps of SQLite's machine after which a search looks at the clock; about a millisecond.
const STEPS: std::ffi::c_int = 50_000;

type Finish = Box<dyn FnOnce(Result<(), Error>) + Send>;
type Job = Box<dyn FnOnce(&Tx) -> Option<Finish> + Send>;

/// An open SQLite database.
pub struct Lite {
    file: PathBuf,
    readers: Mutex<Vec<Connection>>,
    searches: Shares,
    writer: mpsc::Sender<Job>,
}

/// A transaction on the writing connection.
pub struct LiteTx {
    connection: Mutex<Connection>,
    /// Rows that were written, by all transactions.
    written: AtomicU64,
}

impl LiteTx {
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        rows(&self.connection.lock().unwrap_or_else(PoisonError::into_inner), sql, params, map)
    }

    pub(super) fn exec(&self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut statement = connection.prepare_cached(&numbered(sql))?;
        let written = statement.execute(rusqlite::params_from_iter(params))? as u64;
        self.written.fetch_add(written, Ordering::Relaxed);
        Ok(written)
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    fn batch(&self, sql: &str) -> Result<(), Error> {
        Ok(self.connection.lock().unwrap_or_else(PoisonError::into_inner).execute_batch(sql)?)
    }
}

/// SQLite numbers parameters by `?1`, where PostgreSQL writes `$1`.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    mut map: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(&numbered(sql))?;
    let mut rows = statement.query(rusqlite::params_from_iter(params))?;
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        out.push(map(&Row::Lite(row))?);
    }
    Ok(out)
}

fn configure(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

impl Lite {
    pub(super) fn open(file: &Path) -> Result<Self, Error> {
        let mut connection = Connection::open(file)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        configure(&connection)?;
        migrations::sqlite(&mut connection)?;
        let (writer, jobs) = mpsc::channel();
        let tx = Tx::Lite(LiteTx { connection: Mutex::new(connection), written: AtomicU64::new(0) });
        std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || run(&tx, &jobs))?;
        // More searches would only wait for each other's cores; on one core a customer leaves a place for another, too.
        let most = available_parallelism().map_or(1, usize::from).max(2);
        Ok(Self { file: file.to_owned(), readers: Mutex::default(), searches: Shares::new(most, most - 1), writer })
    }

    /// Room for searches.
    pub(super) fn searches(&self) -> &Shares {
        &self.searches
    }

    fn reader(&self) -> Result<Connection, Error> {
        if let Some(connection) = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        let connection = Connection::open_with_flags(
            &self.file,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        configure(&connection)?;
        Ok(connection)
    }

    /// A read takes tens of microseconds: it runs on the calling thread.
    pub(super) fn read<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let connection = self.reader()?;
        let out = rows(&connection, sql, params, map);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        out
    }

    /// A read that may look at every row: it runs where no other task waits for it, and ends in time.
    pub(super) fn search<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let search = || {
            let connection = self.reader()?;
            let end = Instant::now() + LONGEST;
            connection.progress_handler(STEPS, Some(move || Instant::now() > end))?;
            let out = rows(&connection, sql, params, map);
            connection.progress_handler(0, None::<fn() -> bool>)?;
            self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            out
        };
        // Tests run on one thread, from which no task can be moved away.
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Ok(RuntimeFlavor::MultiThread) => block_in_place(search),
            _ => search(),
        }
    }

    pub(super) async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |tx| within_savepoint(tx, body, sender));
        self.writer.send(job).map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| Error::Closed)?
    }
}

/// Runs one transaction of a group. What it answers is sent once the group is committed.
fn within_savepoint<T, E, F>(tx: &Tx, body: F, sender: oneshot::Sender<Result<T, E>>) -> Option<Finish>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>>,
{
    let Tx::Lite(lite) = tx else { return None };
    if let Err(e) = lite.batch("SAVEPOINT one") {
        drop(sender.send(Err(e.into())));
        return None;
    }
    // Every statement of SQLite is done when it returns, so the future never has to wait. A panic
    // must not end the only writer; the caller learns of it from the closed channel.
    let outcome = catch_unwind(AssertUnwindSafe(|| body(tx).now_or_never()));
    let undo = "ROLLBACK TO one; RELEASE one";
    match outcome {
        Ok(Some(Ok(value))) => match lite.batch("RELEASE one") {
            Ok(()) => Some(Box::new(move |committed| {
                drop(sender.send(committed.map(|()| value).map_err(E::from)));
            })),
            Err(e) => {
                drop(sender.send(Err(e.into())));
                None
            }
        },
        Ok(Some(Err(e))) => {
            let undone = lite.batch(undo);
            // What was refused may have been refused for what others of the group did: it is told, like what
            // they did, once that is committed.
            Some(Box::new(move |committed| {
                drop(sender.send(undone.and(committed).map_err(E::from).and(Err(e))));
            }))
        }
        Ok(None) | Err(_) => {
            tracing::error!("a transaction panicked or waited for something else than the database");
            if let Err(error) = lite.batch(undo) {
                tracing::error!(%error, "rolling back");
            }
            None
        }
    }
}

/// The writer: takes what is waiting, commits it together.
fn run(tx: &Tx, jobs: &mpsc::Receiver<Job>) {
    let Tx::Lite(lite) = tx else { return };
    while let Ok(first) = jobs.recv() {
        if let Err(error) = lite.batch("BEGIN IMMEDIATE") {
            // Dropping the job tells its caller that the database is closed to it.
            tracing::error!(%error, "beginning a transaction");
            continue;
        }
        let mut finishes: Vec<Finish> = first(tx).into_iter().collect();
        for job in jobs.try_iter().take(GROUP - 1) {
            finishes.extend(job(tx));
        }
        let committed = lite.batch("COMMIT");
        if committed.is_err() {
            drop(lite.batch("ROLLBACK"));
        }
        for finish in finishes {
            finish(committed.as_ref().map(drop).map_err(|e| Error::Row(format!("commit: {e}"))));
        }
    }
}
