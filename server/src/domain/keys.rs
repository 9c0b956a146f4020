//! API keys: random secrets of which only a hash is kept.

use super::{Error, page::Page, page::Paging, time};
use crate::store::{self, Db, Tx};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::FutureExt;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// An API key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The public part.
    pub id: String,
    /// Whose key it is.
    pub customer: i64,
    /// The id of the portal user that it was made for; without one it acts for the owner of the account.
    pub portal_user: Option<String>,
    /// SHA-256 of the secret, in hexadecimal digits.
    pub secret_hash: String,
    /// When it was created, milliseconds since the epoch.
    pub created: i64,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The customer whose key was used.
    pub customer: i64,
    /// The key that was used.
    pub key: String,
    /// The portal user that the key was made for, if it was made for one.
    pub portal_user: Option<String>,
    /// Whether the customer is an administrator.
    pub administrator: bool,
}

/// A new key with its secret, which is shown this once.
#[derive(Clone)]
pub struct NewKey {
    /// The key.
    pub key: Key,
    /// 256 random bits, in base64url.
    pub secret: String,
}

/// SHA-256 of a secret, in hexadecimal digits.
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|b| format!("{b:02x}")).collect()
}

/// 256 random bits in base64url.
///
/// # Errors
/// When the operating system has no randomness to give.
pub fn random_secret() -> Result<String, Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| Error::Store(store::Error::File(std::io::Error::other(e.to_string()))))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A key for a customer, made of given or random parts.
pub(crate) fn compose(customer: i64, id: String, secret: String) -> NewKey {
    let key = Key { id, customer, portal_user: None, secret_hash: hash(&secret), created: time::now() };
    NewKey { key, secret }
}

/// Who the bearer of a key and its secret is; `None` if there is no such key, the secret is not its, or its portal
/// user may not log in.
///
/// # Errors
/// Whatever the database says.
pub async fn authenticate(db: &Db, id: &str, secret: &str) -> Result<Option<Principal>, Error> {
    let found = store::keys::find(db, id).await?;
    // Hashing and comparing happen for unknown keys too, so that time doesn't tell them apart.
    let given = hash(secret);
    let stored = found.as_ref().map_or("", |(key, _)| key.secret_hash.as_str());
    let same = bool::from(given.as_bytes().ct_eq(stored.as_bytes()));
    Ok(found.filter(|_| same).map(|(key, administrator)| Principal {
        customer: key.customer,
        key: key.id,
        portal_user: key.portal_user,
        administrator,
    }))
}

/// The keys of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<Key>, Error> {
    let total = store::usage::get(db, customer).await?.unwrap_or_default().keys;
    Ok(Page::new(store::keys::list(db, customer, &paging.window()).await?, total))
}

/// One key of a customer.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: &str) -> Result<Key, Error> {
    store::keys::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::Missing(format!("The customer has no key `{id}`."))
}

/// Makes a key, for a portal user or to act for the owner.
///
/// # Errors
/// [`Error::Invalid`] for an unknown portal user, or whatever the database says.
pub async fn create(db: &Db, customer: i64, portal_user: Option<String>) -> Result<NewKey, Error> {
    let mut new = compose(customer, uuid::Uuid::new_v4().to_string(), random_secret()?);
    new.key.portal_user = portal_user;
    let key = new.key.clone();
    db.write(move |tx| async move { insert(tx, &key).await }.boxed()).await?;
    Ok(new)
}

pub(crate) async fn insert(tx: &Tx, key: &Key) -> Result<(), Error> {
    let mut usage = lock_usage(tx, key.customer).await?;
    if let Some(user) = &key.portal_user
        && store::portal_users::get(tx, key.customer, user).await?.is_none()
    {
        let detail = format!("The customer has no portal user `{user}`: create it first.");
        return Err(Error::invalid("/portalUser", detail));
    }
    usage.keys += 1;
    store::usage::put(tx, key.customer, &usage).await?;
    Ok(store::keys::insert(tx, key).await?)
}

/// Deletes a key, unless it is the last one of the customer or the last one that acts for the owner: keys of portal
/// users end with their users.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for such a last key, or whatever the database says.
pub async fn delete(db: &Db, customer: i64, id: &str) -> Result<(), Error> {
    let id = id.to_owned();
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, customer).await?;
            let key = store::keys::get(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            if !store::keys::has_another(tx, &key).await? {
                let kind = if usage.keys > 1 { " that was made for no portal user" } else { "" };
                let detail = format!("This is the last key of the customer{kind}: create another before deleting it.");
                return Err(Error::invalid("key", detail));
            }
            store::keys::delete(tx, customer, &id).await?;
            usage.keys -= 1;
            Ok(store::usage::put(tx, customer, &usage).await?)
        }
        .boxed()
    })
    .await
}

/// The kept numbers of a customer, locked.
pub(crate) async fn lock_usage(tx: &Tx, customer: i64) -> Result<store::usage::Usage, Error> {
    store::usage::lock(tx, customer).await?.ok_or_else(|| Error::Missing(format!("There is no customer {customer}.")))
}
