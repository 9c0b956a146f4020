//! Spaces: numbered partitions of a customer's images, with defaults for what is registered in them.

use super::{
    Change, Error, expect,
    keys::lock_usage,
    page::{Page, Paging},
    roles::{self, Given, References},
    time,
};
use crate::store::{self, Db, Tx};
use futures::FutureExt;

/// The highest number a space can have.
pub const MAX_ID: i64 = i32::MAX as i64;
/// The largest number of default roles.
pub const MAX_ROLES: usize = 100;

/// A space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Whose it is.
    pub customer: i64,
    /// Its number within the customer, 1 to [`MAX_ID`].
    pub id: i64,
    /// Its name, unique within the customer.
    pub name: String,
    /// When it was created, milliseconds since the epoch.
    pub created: i64,
    /// Tags of images that are registered without any.
    pub default_tags: Vec<String>,
    /// Roles of images that are registered without any.
    pub default_roles: Vec<String>,
    /// `maxUnauthorised` of images that are registered without one.
    pub max_unauthorised: i64,
    /// Images in it.
    pub images: i64,
    /// Bytes of their originals.
    pub image_bytes: i64,
    /// Bytes of their thumbnails.
    pub thumbnail_bytes: i64,
    /// When the sizes last changed, milliseconds since the epoch.
    pub calculated: i64,
    /// Counts its changes.
    pub version: i64,
}

/// What of a space its owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// See [`Space::name`].
    pub name: String,
    /// See [`Space::default_tags`].
    pub default_tags: Vec<String>,
    /// See [`Space::default_roles`]; without them those of before stay.
    pub default_roles: Option<References>,
    /// See [`Space::max_unauthorised`].
    pub max_unauthorised: i64,
}

/// Changes to what the owner decides.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// See [`Space::name`]; has no default.
    pub name: Option<String>,
    /// See [`Space::default_tags`].
    pub default_tags: Change<Vec<String>>,
    /// See [`Space::default_roles`].
    pub default_roles: Change<References>,
    /// See [`Space::max_unauthorised`].
    pub max_unauthorised: Change<i64>,
}

/// No limit: the default of `maxUnauthorised`.
pub const UNLIMITED: i64 = -1;

/// How spaces can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpaceOrder {
    /// By number.
    #[default]
    Id,
    /// By name.
    Name,
    /// By time of creation.
    Created,
}

/// One space.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: i64) -> Result<Space, Error> {
    store::spaces::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

/// The space that an image is in.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub(crate) async fn home(tx: &Tx, customer: i64, id: i64) -> Result<Space, Error> {
    store::spaces::get(tx, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: i64) -> Error {
    Error::Missing(format!("The customer has no space {id}."))
}

/// The spaces of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &Db,
    customer: i64,
    by: SpaceOrder,
    descending: bool,
    paging: &Paging,
) -> Result<Page<Space>, Error> {
    let total = store::usage::get(db, customer).await?.unwrap_or_default().spaces;
    Ok(Page::new(store::spaces::list(db, customer, by, descending, &paging.window()).await?, total))
}

async fn free(tx: &Tx, customer: i64, name: &str, except: i64) -> Result<(), Error> {
    if store::spaces::taken(tx, customer, name, except).await? {
        let detail = format!("Another space of this customer is named `{name}`: choose another name.");
        return Err(Error::conflict("/name", detail));
    }
    Ok(())
}

/// Creates a space, under a given number or the next free one.
async fn insert(tx: &Tx, customer: i64, id: Option<i64>, settings: Settings) -> Result<Space, Error> {
    let mut usage = lock_usage(tx, customer).await?;
    free(tx, customer, &settings.name, 0).await?;
    let owner = store::customers::lock(tx, customer)
        .await?
        .ok_or_else(|| Error::Missing(format!("There is no customer {customer}.")))?;
    let id = match id {
        Some(id) => id,
        None => next_free(tx, customer, owner.last_space).await?,
    };
    store::customers::set_last_space(tx, customer, owner.last_space.max(id)).await?;
    usage.spaces += 1;
    store::usage::put(tx, customer, &usage).await?;
    let space = Space {
        customer,
        id,
        name: settings.name,
        created: time::now(),
        default_tags: settings.default_tags,
        default_roles: roles::uris(tx, customer, settings.default_roles.unwrap_or_default(), &[]).await?,
        max_unauthorised: settings.max_unauthorised,
        images: 0,
        image_bytes: 0,
        thumbnail_bytes: 0,
        calculated: time::now(),
        version: 1,
    };
    store::spaces::insert(tx, &space).await?;
    Ok(space)
}

/// The number after the highest that was ever used; once that is the last there is, the first gap.
async fn next_free(tx: &Tx, customer: i64, last: i64) -> Result<i64, Error> {
    if last < MAX_ID {
        return Ok(last + 1);
    }
    store::spaces::first_gap(tx, customer)
        .await?
        .ok_or_else(|| Error::invalid("", "The customer has as many spaces as there are numbers: delete one first."))
}

/// Creates a space under the next free number.
///
/// # Errors
/// [`Error::Conflict`] for a taken name, or whatever the database says.
pub async fn create(db: &Db, customer: i64, settings: Settings) -> Result<Space, Error> {
    db.write(move |tx| async move { insert(tx, customer, None, settings).await }.boxed()).await
}

/// Replaces a space, or creates it where there is none of this number; answers whether it did create it.
/// Where `version` is given the space must still have it, see [`expect`].
///
/// # Errors
/// [`Error::Conflict`] for a taken name, [`Error::Changed`], or whatever the database says.
pub async fn replace(
    db: &Db,
    customer: i64,
    id: i64,
    settings: Settings,
    version: Option<i64>,
) -> Result<(Space, bool), Error> {
    db.write(move |tx| {
        async move {
            let found = store::spaces::lock(tx, customer, id).await?;
            expect(version, found.as_ref().map(|old| old.version))?;
            match found {
                Some(old) => Ok((put(tx, old, settings).await?, false)),
                None => Ok((insert(tx, customer, Some(id), settings).await?, true)),
            }
        }
        .boxed()
    })
    .await
}

async fn put(tx: &Tx, mut space: Space, settings: Settings) -> Result<Space, Error> {
    if settings.name != space.name {
        free(tx, space.customer, &settings.name, space.id).await?;
    }
    let before = space.clone();
    space.name = settings.name;
    space.default_tags = settings.default_tags;
    if let Some(references) = settings.default_roles {
        space.default_roles = roles::uris(tx, space.customer, references, &space.default_roles).await?;
    }
    space.max_unauthorised = settings.max_unauthorised;
    if space != before {
        space.version += 1;
        store::spaces::put(tx, &space).await?;
    }
    Ok(space)
}

/// Changes a space; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Conflict`] for a taken name, [`Error::Changed`], or whatever the database says.
pub async fn update(db: &Db, customer: i64, id: i64, changes: Changes, version: Option<i64>) -> Result<Space, Error> {
    db.write(move |tx| {
        async move {
            let old = store::spaces::lock(tx, customer, id).await?.ok_or_else(|| missing(id))?;
            expect(version, Some(old.version))?;
            let settings = Settings {
                name: changes.name.unwrap_or_else(|| old.name.clone()),
                default_tags: changes.default_tags.apply(old.default_tags.clone(), Vec::new()),
                default_roles: changes.default_roles.map(Some).apply(None, Some(References::default())),
                max_unauthorised: changes.max_unauthorised.apply(old.max_unauthorised, UNLIMITED),
            };
            put(tx, old, settings).await
        }
        .boxed()
    })
    .await
}

/// Deletes an empty space; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Conflict`] when it holds images, [`Error::Changed`], or whatever the
/// database says.
pub async fn delete(db: &Db, customer: i64, id: i64, version: Option<i64>) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, customer).await?;
            let space = store::spaces::lock(tx, customer, id).await?.ok_or_else(|| missing(id))?;
            expect(version, Some(space.version))?;
            if space.images > 0 {
                let detail = format!("The space holds {} images: delete them first.", space.images);
                return Err(Error::conflict("", detail));
            }
            store::spaces::delete(tx, customer, id).await?;
            usage.spaces -= 1;
            Ok(store::usage::put(tx, customer, &usage).await?)
        }
        .boxed()
    })
    .await
}

/// The default roles of a space; `home` is the URI of the roles of the customer.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for a position that is none of the list, or whatever the database says.
pub async fn default_roles(db: &Db, customer: i64, id: i64, home: &str, paging: &Paging) -> Result<Page<Given>, Error> {
    roles::shown(db, customer, home, get(db, customer, id).await?.default_roles, paging).await
}

/// Adds to the default roles of a space those that it doesn't have yet; answers all of them.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for an unknown role or too many, or whatever the database says.
pub async fn add_default_roles(db: &Db, customer: i64, id: i64, references: References) -> Result<Page<Given>, Error> {
    db.write(move |tx| {
        async move {
            let mut space = store::spaces::lock(tx, customer, id).await?.ok_or_else(|| missing(id))?;
            let home = references.home.clone();
            let mut new = roles::uris(tx, customer, references, &space.default_roles).await?;
            new.retain(|uri| !space.default_roles.contains(uri));
            if !new.is_empty() {
                space.default_roles.extend(new);
                space.version += 1;
                if space.default_roles.len() > MAX_ROLES {
                    let detail =
                        format!("The space would have more than {MAX_ROLES} default roles: take some away first.");
                    return Err(Error::invalid("/member", detail));
                }
                store::spaces::put(tx, &space).await?;
            }
            roles::shown(tx, customer, &home, space.default_roles, &Paging::default()).await
        }
        .boxed()
    })
    .await
}
