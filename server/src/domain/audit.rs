//! The audit: who changed what and when, readable by whoever holds a key of the customer.

use super::{
    Error,
    page::{Page, Paging},
};
use crate::store::{self, Db};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id; later ones are greater.
    pub id: String,
    /// The customer that was acted on.
    pub customer: i64,
    /// The customer whose key was used.
    pub actor: i64,
    /// The key that was used.
    pub key: String,
    /// The portal user that the key was made for, if it was made for one.
    pub portal_user: Option<String>,
    /// The operationId.
    pub operation: String,
    /// The path of the request.
    pub target: String,
    /// The id of the request.
    pub request: String,
    /// When, milliseconds since the epoch.
    pub created: i64,
}

/// The changes to a customer, newest first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<Entry>, Error> {
    let total = store::journal::count(db, customer).await?;
    Ok(Page::new(store::journal::list(db, customer, &paging.window()).await?, total))
}
