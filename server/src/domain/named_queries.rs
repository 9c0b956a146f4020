//! Named queries: stored templates that select and order images by what a public URL says.

pub mod template;

use super::{
    Change, Error, Fault, check, expect,
    keys::{Principal, lock_usage},
    page::{Page, Paging},
};
use crate::store::{self, Db, Tx};
use futures::FutureExt;
use template::{Mistake, Template};

/// Characters of a name or an id at most.
pub const MAX_NAME: usize = 500;

/// A named query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedQuery {
    /// Whose it is.
    pub customer: i64,
    /// Its id, unique within the customer and among global queries.
    pub id: String,
    /// Its name, unique within the customer and among global queries.
    pub name: String,
    /// Whether all customers can use it.
    pub global: bool,
    /// The template, as it was written.
    pub template: String,
    /// Counts its changes.
    pub version: i64,
}

/// A named query to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewQuery {
    /// See [`NamedQuery::id`]; a new one where none is given.
    pub id: Option<String>,
    /// See [`NamedQuery::name`].
    pub name: String,
    /// See [`NamedQuery::global`].
    pub global: bool,
    /// See [`NamedQuery::template`].
    pub template: String,
}

/// Changes to a named query.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The name, which must be the one it has.
    pub name: Option<String>,
    /// See [`NamedQuery::global`].
    pub global: Change<bool>,
    /// See [`NamedQuery::template`].
    pub template: Option<String>,
}

/// What of a template has no effect or may surprise, one sentence each.
pub fn warnings(template: &str) -> Vec<String> {
    Template::parse(template).map(|t| t.warnings()).unwrap_or_default()
}

/// The named queries that a customer can use: its own, and global ones that none of its own hides.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<NamedQuery>, Error> {
    let total = store::named_queries::count(db, customer).await?;
    Ok(Page::new(store::named_queries::list(db, customer, &paging.window()).await?, total))
}

/// The named query that a customer means by an id or a name.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, key: &str) -> Result<NamedQuery, Error> {
    store::named_queries::find(db, customer, key).await?.ok_or_else(|| missing(key))
}

fn missing(key: &str) -> Error {
    Error::Missing(format!("The customer has no named query `{key}`, and there is no global one."))
}

/// Only administrators make queries global.
fn may_globalise(caller: &Principal, wanted: bool) -> Result<(), Error> {
    if wanted && !caller.administrator {
        let detail = "Only an administrator makes a named query global: leave `global` out.";
        return Err(Error::Forbidden(detail.to_owned()));
    }
    Ok(())
}

/// Only its owner and administrators change a query; others may see it if it is global.
fn may_change(caller: &Principal, query: &NamedQuery) -> Result<(), Error> {
    if query.customer != caller.customer && !caller.administrator {
        let detail = format!(
            "The named query `{}` is a global one of another customer: create one of the same name to use instead.",
            query.name
        );
        return Err(Error::Forbidden(detail));
    }
    Ok(())
}

fn check_template(template: &str) -> Result<(), Error> {
    Template::parse(template).map(drop).map_err(|all| Error::Invalid(all.iter().map(Mistake::fault).collect()))
}

/// Whether a text can be one segment of a path.
fn is_segment(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.chars().count())
        && !matches!(text, "." | "..")
        && !text.contains(|c: char| matches!(c, '/' | '\\') || c.is_ascii_control())
}

fn check_new(new: &NewQuery) -> Result<(), Error> {
    let mut faults = Vec::new();
    let mut segment = |text: &str, pointer: &str, what: &str| {
        if !is_segment(text) {
            let detail = format!(
                "The {what} must be one segment of a path: 1 to {MAX_NAME} characters without `/`, `\\` and control \
                 characters, not `.` or `..`."
            );
            faults.push(Fault::new(pointer, detail));
        }
    };
    segment(&new.name, "/name", "name");
    new.id.iter().for_each(|id| segment(id, "namedQuery", "id in the path"));
    if let Err(mistakes) = Template::parse(&new.template) {
        faults.extend(mistakes.iter().map(Mistake::fault));
    }
    check(faults)
}

/// Creates a named query.
///
/// # Errors
/// [`Error::Forbidden`] for a global one of a caller that is no administrator, [`Error::Invalid`] for a
/// faulty name or template, [`Error::Conflict`] for a taken name, or whatever the database says.
pub async fn create(db: &Db, caller: &Principal, customer: i64, new: NewQuery) -> Result<NamedQuery, Error> {
    may_globalise(caller, new.global)?;
    check_new(&new)?;
    let query = NamedQuery {
        customer,
        id: new.id.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
        name: new.name,
        global: new.global,
        template: new.template,
        version: 1,
    };
    db.write(move |tx| async move { insert(tx, query).await }.boxed()).await
}

async fn insert(tx: &Tx, query: NamedQuery) -> Result<NamedQuery, Error> {
    locked_owner(tx, query.customer).await?;
    free(tx, &query).await?;
    store::named_queries::insert(tx, &query).await?;
    Ok(query)
}

/// Locks the numbers of the owner of a query, who must not have been deleted meanwhile: what is global would outlive it.
async fn locked_owner(tx: &Tx, owner: i64) -> Result<(), Error> {
    lock_usage(tx, owner).await?;
    let found = store::customers::get(tx, owner).await?;
    found.map(drop).ok_or_else(|| Error::Missing(format!("There is no customer {owner}.")))
}

/// Whether name and id are free: within the customer, and for a global query among the global ones.
async fn free(tx: &Tx, query: &NamedQuery) -> Result<(), Error> {
    let Some(other) = store::named_queries::rival(tx, query).await? else { return Ok(()) };
    let whose = if other.customer == query.customer { "of this customer" } else { "that is global" };
    Err(if other.name == query.name {
        Error::conflict("/name", format!("Another query {whose} is named `{}`: choose another name.", query.name))
    } else {
        Error::conflict("", format!("Another query {whose} has the id `{}`: choose another.", query.id))
    })
}

/// Changes a named query, as [`get`] gave it; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Forbidden`] for a caller who may not, [`Error::Invalid`] for another name or a faulty template,
/// [`Error::Conflict`] where there is a global one of the same name, [`Error::Missing`], [`Error::Changed`],
/// or whatever the database says.
pub async fn update(
    db: &Db,
    caller: &Principal,
    found: &NamedQuery,
    changes: Changes,
    version: Option<i64>,
) -> Result<NamedQuery, Error> {
    may_change(caller, found)?;
    if changes.name.as_ref().is_some_and(|name| *name != found.name) {
        let detail = format!(
            "You cannot change the name of a named query: leave `name` out, or send `{}`; create another query under \
             another name.",
            found.name
        );
        return Err(Error::invalid("/name", detail));
    }
    changes.template.as_deref().map_or(Ok(()), check_template)?;
    let (caller, owner, id) = (caller.clone(), found.customer, found.id.clone());
    // An administrator reaches a global query under the path of any customer.
    store::journal::concerns(owner);
    db.write(move |tx| {
        async move {
            locked_owner(tx, owner).await?;
            let old = locked(tx, owner, &id, version).await?;
            let mut new = old.clone();
            new.global = changes.global.apply(old.global, false);
            new.template = changes.template.unwrap_or(new.template);
            may_globalise(&caller, new.global && !old.global)?;
            if new != old {
                new.version += 1;
                free(tx, &new).await?;
                store::named_queries::put(tx, &new).await?;
            }
            Ok(new)
        }
        .boxed()
    })
    .await
}

async fn locked(tx: &Tx, owner: i64, id: &str, version: Option<i64>) -> Result<NamedQuery, Error> {
    let old = store::named_queries::lock(tx, owner, id).await?.ok_or_else(|| missing(id))?;
    expect(version, Some(old.version))?;
    Ok(old)
}

/// Deletes a named query, as [`get`] gave it; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Forbidden`] for a caller who may not, [`Error::Missing`], [`Error::Changed`], or whatever the
/// database says.
pub async fn delete(db: &Db, caller: &Principal, found: &NamedQuery, version: Option<i64>) -> Result<(), Error> {
    may_change(caller, found)?;
    let (owner, id) = (found.customer, found.id.clone());
    store::journal::concerns(owner);
    db.write(move |tx| {
        async move {
            locked_owner(tx, owner).await?;
            locked(tx, owner, &id, version).await?;
            Ok(store::named_queries::delete(tx, owner, &id).await?)
        }
        .boxed()
    })
    .await
}
