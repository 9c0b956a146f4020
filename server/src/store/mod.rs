//! Persistence: the only place that knows SQL, one text for SQLite and PostgreSQL.

mod db;
mod migrations;
mod postgres;
mod sqlite;
mod value;

pub mod account;
pub mod auth_services;
pub mod batches;
pub mod counters;
pub mod customers;
pub mod images;
pub mod installation;
pub mod journal;
pub mod keys;
pub mod metadata;
pub mod named_queries;
pub mod origin_strategies;
pub mod page;
pub mod portal_users;
pub mod retention;
pub mod roles;
pub mod spaces;
pub mod usage;
pub mod work;

pub use db::{Db, Dialect, Query, Search, Tx};
pub use value::{Row, Value, json};

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite refused.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused.
    #[error("PostgreSQL: {0}")]
    Postgres(#[from] tokio_postgres::Error),
    /// How to talk to PostgreSQL can't be read.
    #[error(transparent)]
    Tls(#[from] postgres::tls::TlsError),
    /// No connection to PostgreSQL could be had.
    #[error("no connection to the database: {0}")]
    Pool(#[from] deadpool_postgres::PoolError),
    /// PostgreSQL did not answer in time.
    #[error("the database does not answer")]
    Silent,
    /// So many searches are under way that one more had to wait for too long.
    #[error("too many searches are under way")]
    Busy,
    /// A search took longer than any may.
    #[error("a search took too long")]
    TooLong,
    /// A stored row is not what this version of the server writes.
    #[error("unexpected row: {0}")]
    Row(String),
    /// A file of the database can't be used.
    #[error("database file: {0}")]
    File(#[from] std::io::Error),
    /// A position that is none of the list.
    #[error("the position is none of this list")]
    Position,
    /// Another request with the same `Idempotency-Key` was carried out meanwhile.
    #[error("a request with the same Idempotency-Key was carried out meanwhile")]
    Repeated,
    /// The writer has stopped.
    #[error("the database is closed")]
    Closed,
}

impl Error {
    fn null(column: usize) -> Self {
        Self::Row(format!("column {column} is NULL"))
    }

    /// Whether a unique index refused the write: somebody else was faster.
    pub fn is_duplicate(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, _)) => matches!(
                e.extended_code,
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            ),
            Self::Postgres(e) => e.code() == Some(&tokio_postgres::error::SqlState::UNIQUE_VIOLATION),
            _ => false,
        }
    }

    /// Whether the statement was ended from outside.
    fn is_interruption(&self) -> bool {
        match self {
            Self::Sqlite(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted),
            Self::Postgres(e) => e.code() == Some(&tokio_postgres::error::SqlState::QUERY_CANCELED),
            _ => false,
        }
    }

    /// Whether the database is away rather than the statement wrong; another try may succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(e, _)) => matches!(
                e.code,
                rusqlite::ErrorCode::DatabaseBusy
                    | rusqlite::ErrorCode::DatabaseLocked
                    | rusqlite::ErrorCode::DiskFull
                    | rusqlite::ErrorCode::CannotOpen
                    | rusqlite::ErrorCode::ReadOnly
                    | rusqlite::ErrorCode::SystemIoFailure
                    | rusqlite::ErrorCode::OperationInterrupted
            ),
            Self::Postgres(e) => e.as_db_error().is_none_or(|db| {
                let class = &db.code().code()[..2];
                // Connection, resources, operator intervention, conflicts between transactions.
                matches!(class, "08" | "53" | "57" | "40")
            }),
            Self::Pool(_) | Self::Silent | Self::Closed => true,
            _ => false,
        }
    }
}
