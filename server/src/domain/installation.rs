//! What all processes on one database must have in common besides it.

use crate::{
    secrets::{Secrets, SecretsError},
    store::{self, Db},
};
use futures::FutureExt;

/// What is sealed to recognise the secret key by.
const KNOWN: &str = "customer-api";

/// What the database knows of the processes that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// What tells their object storage from all others.
    pub objects: String,
    /// A text that only their secret key opens.
    pub sealed: String,
}

/// Why a process can't work on a database.
#[derive(Debug, thiserror::Error)]
pub enum Disagreement {
    /// It would store files where the others don't find them, and miss theirs.
    #[error(
        "the stored images are not those of this database: give every process on it the same --objects or --data, \
         or go on without what was stored by --adopt"
    )]
    Objects,
    /// It could not read the credentials that the others store.
    #[error(
        "the secret key is not the one of this database: give every process on it the same --secret-key or \
         `secret.key`, or go on without the stored credentials by --adopt"
    )]
    SecretKey,
    /// The secret key can't be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Holds the object storage of this process, by its identity, and its secret key against what the database knows.
/// The first process decides; with `adopt` this one does.
///
/// # Errors
/// [`Disagreement`].
pub async fn agree(db: &Db, secrets: &Secrets, objects: String, adopt: bool) -> Result<(), Disagreement> {
    let own = Installation { objects, sealed: secrets.seal(KNOWN)? };
    let secrets = secrets.clone();
    db.write(move |tx| {
        async move {
            let known = store::installation::get_or_insert(tx, &own).await?;
            let same_key = secrets.unseal(&known.sealed).is_ok_and(|text| text == KNOWN);
            match (known.objects == own.objects, same_key) {
                (true, true) => Ok(()),
                _ if adopt => Ok(store::installation::put(tx, &own).await?),
                (false, _) => Err(Disagreement::Objects),
                (true, false) => Err(Disagreement::SecretKey),
            }
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_process_decides_unless_another_adopts() {
        let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let db = Db::sqlite(&data.path().join("db")).unwrap();
        let keys = [data.path(), other.path()].map(|place| Secrets::at(place, None).unwrap());
        let agree = async |key: usize, objects: &str, adopt| agree(&db, &keys[key], objects.to_owned(), adopt).await;
        agree(0, "a", false).await.unwrap();
        agree(0, "a", false).await.unwrap();
        assert!(matches!(agree(0, "b", false).await, Err(Disagreement::Objects)));
        assert!(matches!(agree(1, "a", false).await, Err(Disagreement::SecretKey)));
        agree(1, "b", true).await.unwrap();
        agree(1, "b", false).await.unwrap();
        assert!(matches!(agree(0, "a", false).await, Err(Disagreement::Objects)));
    }
}
