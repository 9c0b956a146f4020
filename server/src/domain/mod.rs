//! The rules of the service. Nothing here knows of HTTP, nothing here writes SQL.

pub mod account;
pub mod audit;
pub mod auth_services;
pub mod batches;
pub mod bulk;
pub mod customers;
pub mod idempotency;
pub mod ids;
pub mod images;
pub mod ingest;
pub mod installation;
pub mod keys;
pub mod metadata;
pub mod named_queries;
pub mod origin_strategies;
pub mod page;
pub mod passwords;
pub mod patterns;
pub mod policies;
pub mod portal_roles;
pub mod portal_users;
pub mod public_id;
pub mod query;
pub mod queue;
pub mod register;
pub mod retention;
pub mod roles;
pub mod spaces;
pub mod time;

use crate::store;

/// One thing that is wrong with what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the input (RFC 6901), or the name of a parameter.
    pub pointer: String,
    /// What is wrong there, and what to change.
    pub detail: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// The same fault, seen from further out.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

/// Why something can't be done; each cause has one sentence for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked is wrong in itself or contradicts what is stored.
    #[error("{}", sentences(.0))]
    Invalid(Vec<Fault>),
    /// Something else has the name already, or stands in the way.
    #[error("{}", .0.detail)]
    Conflict(Fault),
    /// The storage policy leaves no room.
    #[error("{0}")]
    Quota(String),
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The thing was changed since the caller last saw it.
    #[error("The resource was changed meanwhile: view it again and repeat the request.")]
    Changed,
    /// So much is tried out that one more had to wait for too long.
    #[error("Too many regular expressions are being tried out: try again in a moment.")]
    Busy,
    /// The database did not do it.
    #[error(transparent)]
    Store(store::Error),
}

impl From<store::Error> for Error {
    fn from(e: store::Error) -> Self {
        if e.is_duplicate() {
            return Self::Conflict(Fault::new("", "Another request has just created this: view it and try again."));
        }
        if matches!(e, store::Error::Position) {
            return Self::invalid("cursor", "The cursor is of another list: start again from the first page.");
        }
        Self::Store(e)
    }
}

impl Error {
    /// One fault at one place.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }

    /// A name that is taken.
    pub fn conflict(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Conflict(Fault::new(pointer, detail))
    }
}

fn sentences(faults: &[Fault]) -> String {
    let all: Vec<&str> = faults.iter().map(|f| f.detail.as_str()).take(5).collect();
    all.join(" ")
}

/// What a result is when there is a list of faults or none.
///
/// # Errors
/// [`Error::Invalid`] when there are faults.
pub fn check(faults: Vec<Fault>) -> Result<(), Error> {
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The version of what must not exist yet.
pub const NEW: i64 = 0;

/// Whether what was `found`, if anything was, still is what a write was decided on: where a `version` is given it must
/// have it, or not exist for [`NEW`].
///
/// # Errors
/// [`Error::Changed`].
pub fn expect(version: Option<i64>, found: Option<i64>) -> Result<(), Error> {
    if version.is_some_and(|v| v != found.unwrap_or(NEW)) { Err(Error::Changed) } else { Ok(()) }
}

/// A member of a merge patch (RFC 7396).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// Left out: stays as it is.
    #[default]
    Keep,
    /// `null`: gets its default.
    Reset,
    /// Gets this value.
    Set(T),
}

impl<T> Change<T> {
    /// The value after the change.
    pub fn apply(self, old: T, default: T) -> T {
        match self {
            Self::Keep => old,
            Self::Reset => default,
            Self::Set(value) => value,
        }
    }

    /// Whether anything is asked for.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T> Change<T> {
    /// The same change of another type.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Keep => Change::Keep,
            Self::Reset => Change::Reset,
            Self::Set(value) => Change::Set(f(value)),
        }
    }
}
