//! The row of what all processes on a database share.

use super::{Error, Query, Tx};
use crate::{domain::installation::Installation, params};

/// The row; `first` where there is none yet.
///
/// # Errors
/// Whatever the database says.
pub async fn get_or_insert(tx: &Tx, first: &Installation) -> Result<Installation, Error> {
    tx.exec(
        "INSERT INTO installation (one, objects, sealed) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING",
        params![&first.objects, &first.sealed],
    )
    .await?;
    let read = "SELECT objects, sealed FROM installation WHERE one = 1";
    let found = tx.one(read, &[], |row| Ok(Installation { objects: row.text(0)?, sealed: row.text(1)? })).await?;
    found.ok_or_else(|| Error::Row("no row of the installation".to_owned()))
}

/// Replaces the row.
///
/// # Errors
/// Whatever the database says.
pub async fn put(tx: &Tx, new: &Installation) -> Result<(), Error> {
    tx.exec("UPDATE installation SET objects = $1, sealed = $2 WHERE one = 1", params![&new.objects, &new.sealed])
        .await
        .map(drop)
}
