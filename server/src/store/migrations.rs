//! Numbered changes of the schema, applied at start, the same files for both databases.

use super::Error;
use rusqlite::{Connection, TransactionBehavior};

const FILES: &[&str] = &[
    include_str!("../../migrations/0001_accounts_and_images.sql"),
    include_str!("../../migrations/0002_portal_users.sql"),
    include_str!("../../migrations/0003_named_queries.sql"),
    include_str!("../../migrations/0004_access.sql"),
    include_str!("../../migrations/0005_origin_strategies.sql"),
    include_str!("../../migrations/0006_bulk.sql"),
    include_str!("../../migrations/0007_journal.sql"),
    include_str!("../../migrations/0008_account.sql"),
    include_str!("../../migrations/0009_account_keys.sql"),
    include_str!("../../migrations/0010_installation.sql"),
    include_str!("../../migrations/0011_global_queries.sql"),
    include_str!("../../migrations/0012_images_by_time.sql"),
];

const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)";
const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
/// Any number that no other program uses on the same PostgreSQL database.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7430612218559)";

fn newer(found: i64) -> Error {
    Error::Row(format!("the database has schema {found}, this server knows {}: start a newer server", FILES.len()))
}

/// The files that are missing from a database of schema `found`, with their numbers.
fn missing(found: i64) -> Result<impl Iterator<Item = (i64, &'static str)>, Error> {
    let skip = usize::try_from(found).map_err(|_| newer(found))?;
    if skip > FILES.len() {
        return Err(newer(found));
    }
    Ok((1..).zip(FILES.iter().copied()).skip(skip))
}

pub(super) fn sqlite(connection: &mut Connection) -> Result<(), Error> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(VERSION_TABLE)?;
    let found: i64 = tx.query_row(VERSION, [], |row| row.get(0))?;
    for (number, sql) in missing(found)? {
        tx.execute_batch(sql)?;
        tx.execute("INSERT INTO schema_version (version) VALUES (?1)", [number])?;
    }
    Ok(tx.commit()?)
}

pub(super) async fn postgres(client: &tokio_postgres::Client) -> Result<(), Error> {
    client.batch_execute("BEGIN").await?;
    let outcome = apply(client).await;
    client.batch_execute(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

async fn apply(client: &tokio_postgres::Client) -> Result<(), Error> {
    // A change of a large table takes its time.
    client.batch_execute("SET LOCAL statement_timeout = 0").await?;
    client.batch_execute(LOCK).await?;
    client.batch_execute(VERSION_TABLE).await?;
    let found: i64 = client.query_one(VERSION, &[]).await?.try_get(0)?;
    for (number, sql) in missing(found)? {
        // Texts are ordered byte by byte, as SQLite does, whatever the locale of the cluster.
        client.batch_execute(&sql.replace(" TEXT", " TEXT COLLATE \"C\"")).await?;
        client.execute("INSERT INTO schema_version (version) VALUES ($1)", &[&number]).await?;
    }
    Ok(())
}
