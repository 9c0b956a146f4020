//! PostgreSQL through a pool of connections with prepared statements.

pub(super) mod tls;

use super::{Error, Row, Tx, Value, migrations};
use crate::shares::Shares;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream::FuturesUnordered};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;
use tokio_postgres::{NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a request waits for a connection before it is told that the database is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long PostgreSQL lets a statement, or an idle transaction, last: longer than any of ours takes, so that
/// what hangs doesn't keep its locks.
const STATEMENT: Duration = Duration::from_secs(30);
/// How long a read or a transaction is waited for in all, should PostgreSQL fall silent.
const SILENCE: Duration = Duration::from_secs(60);

/// Prepared statements kept per connection. Conditions and orders of lists make many texts, and each statement takes
/// memory here and there.
const STATEMENTS: usize = 256;

/// A pool of connections.
#[derive(Clone)]
pub struct Pg {
    pool: Pool,
    searches: Arc<Shares>,
}

/// A transaction on a connection of its own.
pub struct PgTx {
    connection: Option<Object>,
    /// Rows that were written.
    written: AtomicU64,
}

impl Pg {
    pub(super) async fn connect(url: &str, connections: usize) -> Result<Self, Error> {
        let (mut config, tls) = tls::read(url)?;
        config.connect_timeout(PATIENCE);
        config.keepalives_idle(PATIENCE);
        let given = config.get_options().map(|options| format!(" {options}")).unwrap_or_default();
        let limit = STATEMENT.as_millis();
        config.options(format!("-c statement_timeout={limit} -c idle_in_transaction_session_timeout={limit}{given}"));
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match tls {
            Some(tls) => Manager::from_config(config, MakeRustlsConnect::new(tls), recycling),
            None => Manager::from_config(config, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| Error::Row(e.to_string()))?;
        let client = pool.get().await.map_err(tls::explained)?;
        migrations::postgres(&client).await?;
        // Half of the connections are for what doesn't take long.
        let searches = Arc::new(Shares::new(connections / 2, connections / 4));
        Ok(Self { pool, searches })
    }

    /// Room for searches.
    pub(super) fn searches(&self) -> &Shares {
        &self.searches
    }

    pub(super) async fn read<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row<'_>) -> Result<T, Error> + Send,
    ) -> Result<Vec<T>, Error> {
        let client = self.pool.get().await?;
        match timeout(SILENCE, rows(&client, sql, params, map)).await {
            Ok(rows) => rows,
            Err(_) => {
                // It would keep the next statement waiting too.
                drop(Object::take(client));
                Err(Error::Silent)
            }
        }
    }

    pub(super) async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let client = self.pool.get().await.map_err(Error::from)?;
        timeout(SILENCE, transaction(client, body)).await.map_err(|_| Error::Silent)?
    }
}

async fn transaction<T, E, F>(client: Object, body: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    let pg = PgTx { connection: Some(client), written: AtomicU64::new(0) };
    pg.client()?.batch_execute("BEGIN").await.map_err(Error::from)?;
    let mut tx = Tx::Pg(pg);
    let outcome = body(&tx).await;
    let Tx::Pg(pg) = &mut tx else { return outcome };
    let end = if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = pg.client()?.batch_execute(end).await.map_err(Error::from);
    if ended.is_ok() {
        // Only a connection without an open transaction goes back to the pool.
        drop(pg.connection.take());
    }
    match (outcome, ended) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(e)) => Err(e.into()),
        (Err(e), _) => Err(e),
    }
}

impl Drop for PgTx {
    fn drop(&mut self) {
        // A request that went away in mid-transaction leaves a connection that nobody may reuse.
        if let Some(object) = self.connection.take() {
            drop(Object::take(object));
        }
    }
}

impl PgTx {
    fn client(&self) -> Result<&Object, Error> {
        self.connection.as_ref().ok_or(Error::Closed)
    }

    pub(super) async fn all<T>(
        &self,
        sql: &str,
        params: &[Value],
        map: impl FnMut(&Row<'_>) -> Result<T, Error> + Send,
    ) -> Result<Vec<T>, Error> {
        rows(self.client()?, sql, params, map).await
    }

    pub(super) async fn exec(&self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        let client = self.client()?;
        let statement = prepared(client, sql).await?;
        let written = client.execute_raw(&statement, params).await?;
        self.written.fetch_add(written, Ordering::Relaxed);
        Ok(written)
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) async fn exec_many(&self, sql: &str, rows: &[Vec<Value>]) -> Result<(), Error> {
        let client = self.client()?;
        let statement = &prepared(client, sql).await?;
        // All are sent before the first answer is waited for.
        let mut under_way = FuturesUnordered::new();
        for row in rows {
            under_way.push(client.execute_raw(statement, row));
        }
        while let Some(done) = under_way.next().await {
            self.written.fetch_add(done?, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A statement of a connection, which forgets all of them when there are too many.
async fn prepared(client: &Object, sql: &str) -> Result<Statement, Error> {
    if client.statement_cache.size() >= STATEMENTS {
        client.statement_cache.clear();
    }
    Ok(client.prepare_cached(sql).await?)
}

async fn rows<T>(
    client: &Object,
    sql: &str,
    params: &[Value],
    mut map: impl FnMut(&Row<'_>) -> Result<T, Error> + Send,
) -> Result<Vec<T>, Error> {
    let statement = prepared(client, sql).await?;
    let rows: Vec<_> = client.query_raw(&statement, params).await?.try_collect().await?;
    rows.iter().map(|row| map(&Row::Pg(row))).collect()
}
