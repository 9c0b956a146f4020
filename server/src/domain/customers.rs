//! Customers, the tenants of the service.

use super::{
    Error, Fault, check, expect,
    keys::{self, Principal},
    page::{Page, Paging},
    policies, public_id, roles, time,
};
use crate::store::{self, Db, Tx};
use futures::FutureExt;

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its number, from 1.
    pub id: i64,
    /// Its name in URLs; never changes.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Whether its keys may act on every customer.
    pub administrator: bool,
    /// When it was created, milliseconds since the epoch.
    pub created: i64,
    /// The storage policy that binds it.
    pub storage_policy: String,
    /// The highest number that a space of it ever had.
    pub last_space: i64,
    /// Counts its changes.
    pub version: i64,
    /// Its id for Fastly's clients, unique on the service.
    pub public_id: String,
    /// When it was last changed, milliseconds since the epoch.
    pub updated: i64,
}

/// What a new customer is made of.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    /// Its name in URLs.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
}

/// One customer.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, id: i64) -> Result<Customer, Error> {
    store::customers::get(db, id).await?.ok_or_else(|| missing(id))
}

/// Whether there is a customer, which is not so of a deleted one.
///
/// # Errors
/// Whatever the database says.
pub async fn exists(db: &Db, id: i64) -> Result<bool, Error> {
    Ok(store::customers::get(db, id).await?.is_some())
}

fn missing(id: i64) -> Error {
    Error::Missing(format!("There is no customer {id}."))
}

/// The customers a caller may act on: its own, or all for an administrator.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, caller: &Principal, paging: &Paging) -> Result<Page<Customer>, Error> {
    let only = (!caller.administrator).then_some(caller.customer);
    let total = if only.is_some() { 1 } else { store::customers::count(db).await? };
    Ok(Page::new(store::customers::list(db, only, &paging.window()).await?, total))
}

/// Names that would be taken for something else in a URL, or for the administrator.
fn reserved(name: &str) -> bool {
    let folded = name.to_lowercase();
    let version = folded.strip_prefix('v').is_some_and(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()));
    folded == "admin" || version || matches!(folded.as_str(), "." | "..")
}

/// Whether a display name has nothing in it that people could read.
pub(super) fn is_blank(display_name: &str) -> bool {
    display_name.trim().is_empty()
}

/// What is wrong with a blank display name.
fn blank(display_name: &str) -> Option<Fault> {
    is_blank(display_name).then(|| Fault::new("/displayName", "The display name is blank: give it a text."))
}

/// Creates a customer.
///
/// # Errors
/// [`Error::Forbidden`] unless the caller is an administrator, [`Error::Invalid`] for a reserved name or a blank
/// display name, [`Error::Conflict`] for a taken one, or whatever the database says.
pub async fn create(db: &Db, caller: &Principal, new: NewCustomer) -> Result<Customer, Error> {
    if !caller.administrator {
        return Err(Error::Forbidden("Only an administrator creates customers.".to_owned()));
    }
    let mut faults = Vec::new();
    if reserved(&new.name) {
        faults.push(Fault::new("/name", format!("`{}` is reserved: choose another name.", new.name)));
    }
    faults.extend(blank(&new.display_name));
    check(faults)?;
    db.write(move |tx| async move { insert(tx, new, false).await }.boxed()).await
}

async fn insert(tx: &Tx, new: NewCustomer, administrator: bool) -> Result<Customer, Error> {
    free(tx, &new.name, &new.display_name, 0).await?;
    let now = time::now();
    let customer = Customer {
        id: store::counters::take(tx, "customer", 1).await?,
        name: new.name,
        display_name: new.display_name,
        administrator,
        created: now,
        storage_policy: policies::DEFAULT_STORAGE.to_owned(),
        last_space: 0,
        version: 1,
        public_id: public_id::random()?,
        updated: now,
    };
    store::customers::insert(tx, &customer).await?;
    store::usage::insert(tx, customer.id, now).await?;
    if !administrator {
        roles::endow(tx, customer.id).await?;
    }
    Ok(customer)
}

pub(super) async fn free(tx: &Tx, name: &str, display_name: &str, except: i64) -> Result<(), Error> {
    let (name_taken, display_taken) = store::customers::taken(tx, name, display_name, except).await?;
    if name_taken && except == 0 {
        return Err(Error::conflict("/name", format!("Another customer is named `{name}`: choose another name.")));
    }
    if display_taken {
        let detail = format!("Another customer has the display name `{display_name}`: choose another one.");
        return Err(Error::conflict("/displayName", detail));
    }
    Ok(())
}

/// Changes the display name of a customer, if it still has `version` where one is given.
///
/// # Errors
/// [`Error::Missing`], [`Error::Conflict`] for a taken name, [`Error::Changed`], or whatever the database says.
pub async fn rename(db: &Db, id: i64, display_name: Option<String>, version: Option<i64>) -> Result<Customer, Error> {
    db.write(move |tx| {
        async move {
            // The numbers of the customer are locked first everywhere, so that no two wait for each other.
            keys::lock_usage(tx, id).await?;
            let mut customer = store::customers::lock(tx, id).await?.ok_or_else(|| missing(id))?;
            expect(version, Some(customer.version))?;
            let Some(display_name) = display_name.filter(|d| *d != customer.display_name) else {
                return Ok(customer);
            };
            check(blank(&display_name).into_iter().collect())?;
            free(tx, &customer.name, &display_name, id).await?;
            customer.display_name = display_name;
            customer.version += 1;
            customer.updated = time::now();
            if !store::customers::put(tx, &customer).await? {
                return Err(Error::Changed);
            }
            Ok(customer)
        }
        .boxed()
    })
    .await
}

/// Makes the administrator, customer 1, and its first key in an empty database. Answers the key if it
/// was made; `id` and `secret` are random unless given.
///
/// # Errors
/// Whatever the database says.
pub async fn found(db: &Db, id: Option<String>, secret: Option<String>) -> Result<Option<keys::NewKey>, Error> {
    let id = id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let secret = match secret {
        Some(secret) => secret,
        None => keys::random_secret()?,
    };
    let made = db.write(move |tx| {
        async move {
            if store::customers::count(tx).await? > 0 {
                return Ok(None);
            }
            let new = NewCustomer { name: "admin".to_owned(), display_name: "Administrator".to_owned() };
            let customer = insert(tx, new, true).await?;
            let new = keys::compose(customer.id, id, secret);
            keys::insert(tx, &new.key).await?;
            Ok(Some(new))
        }
        .boxed()
    });
    match made.await {
        // Another server that starts on this database was faster.
        Err(_) if store::customers::count(db).await? > 0 => Ok(None),
        made => made,
    }
}

/// Gives every customer that has none an id for Fastly's clients: those from before there were such ids.
///
/// # Errors
/// Whatever the database says.
pub async fn identify(db: &Db) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            for id in store::account::unidentified(tx).await? {
                store::account::identify(tx, id, &public_id::random()?).await?;
            }
            Ok(())
        }
        .boxed()
    })
    .await
}
