//! Auth services: how visitors sign in, and whom the service asks what a visitor may see.

use super::{
    Change, Error, expect, ids,
    keys::lock_usage,
    page::{Page, Paging},
};
use crate::{
    secrets::Secrets,
    store::{self, Db, Tx},
};
use futures::FutureExt;

/// The profile of an auth service unless another is given.
pub const LOGIN: &str = "http://iiif.io/api/auth/1/login";
/// What stands for credentials that are set; sent back, it leaves them as they are.
pub const CONCEALED: &str = "xxx";

/// An auth service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthService {
    /// Whose it is.
    pub customer: i64,
    /// Its id, unique within the customer.
    pub id: String,
    /// The service that it is nested in.
    pub parent: Option<String>,
    /// What its owner decides.
    pub settings: Settings,
    /// Whom it asks for roles.
    pub provider: Option<RoleProvider>,
    /// Counts its changes, those of the role provider too.
    pub version: i64,
}

/// What of an auth service its owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The internal name.
    pub name: String,
    /// The URI of the IIIF authentication profile.
    pub profile: String,
    /// The name that viewers show.
    pub label: String,
    /// What viewers show below the label.
    pub description: String,
    /// The heading of pages of the service itself.
    pub page_label: String,
    /// The text of pages of the service itself.
    pub page_description: String,
    /// The label of the button that goes on.
    pub call_to_action: String,
    /// Seconds that a session or token lives, from 0.
    pub time_to_live: i64,
}

/// Changes to what the owner decides.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// See [`Settings::name`]; has no default.
    pub name: Option<String>,
    /// See [`Settings::profile`].
    pub profile: Change<String>,
    /// See [`Settings::label`].
    pub label: Change<String>,
    /// See [`Settings::description`].
    pub description: Change<String>,
    /// See [`Settings::page_label`].
    pub page_label: Change<String>,
    /// See [`Settings::page_description`].
    pub page_description: Change<String>,
    /// See [`Settings::call_to_action`].
    pub call_to_action: Change<String>,
    /// See [`Settings::time_to_live`].
    pub time_to_live: Change<i64>,
}

/// How an auth service asks the login system of the customer for roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleProvider {
    /// A JSON object.
    pub configuration: String,
    /// A JSON object, sealed.
    pub credentials: Option<String>,
}

/// Changes to a role provider; see [`configuration`] and [`credentials`].
#[derive(Debug, Clone, Default)]
pub struct ProviderChanges {
    /// See [`RoleProvider::configuration`]; has no default.
    pub configuration: Option<String>,
    /// See [`RoleProvider::credentials`].
    pub credentials: Change<String>,
    /// Whether the credentials were given as [`CONCEALED`], which means those that are stored.
    pub concealed: bool,
}

/// Seconds that a session or token lives unless something else is said.
pub fn default_time_to_live(profile: &str) -> i64 {
    if profile.ends_with("/token") { 1800 } else { 0 }
}

/// One auth service.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: &str) -> Result<AuthService, Error> {
    store::auth_services::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::Missing(format!("The customer has no auth service `{id}`."))
}

fn no_provider(id: &str) -> Error {
    Error::Missing(format!("The auth service `{id}` has no role provider."))
}

/// The role provider of an auth service.
///
/// # Errors
/// [`Error::Missing`] where there is none, or whatever the database says.
pub fn provider(service: &AuthService) -> Result<&RoleProvider, Error> {
    service.provider.as_ref().ok_or_else(|| no_provider(&service.id))
}

/// The auth services of a customer, nested ones too.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<AuthService>, Error> {
    let total = store::auth_services::count(db, customer).await?;
    Ok(Page::new(store::auth_services::list(db, customer, &paging.window()).await?, total))
}

/// The services nested in another one.
///
/// # Errors
/// [`Error::Missing`] without the other one, or whatever the database says.
pub async fn list_nested(db: &Db, customer: i64, parent: &str, paging: &Paging) -> Result<Page<AuthService>, Error> {
    get(db, customer, parent).await?;
    let total = store::auth_services::count_nested(db, customer, parent).await?;
    Ok(Page::new(store::auth_services::list_nested(db, customer, parent, &paging.window()).await?, total))
}

/// The words of a name in lower case, with hyphens between them.
fn slug(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() { "service".to_owned() } else { words.join("-") }
}

/// An id made of a name, with a number where others have the name already.
async fn free_id(tx: &Tx, customer: i64, parent: Option<&str>, name: &str) -> Result<String, Error> {
    let mut base = parent.map_or_else(|| slug(name), |parent| format!("{parent}-{}", slug(name)));
    // There must be room for a number.
    base.truncate(ids::MAX_ID - 10);
    let mut id = base.clone();
    let mut number = 1_u32;
    while store::auth_services::get(tx, customer, &id).await?.is_some() {
        number += 1;
        id = format!("{base}-{number}");
    }
    Ok(id)
}

/// Stores a new service under a given or a new id; the caller holds the lock of the customer.
pub(crate) async fn insert(
    tx: &Tx,
    customer: i64,
    id: Option<String>,
    parent: Option<String>,
    settings: Settings,
) -> Result<AuthService, Error> {
    let id = match id {
        Some(id) => id,
        None => free_id(tx, customer, parent.as_deref(), &settings.name).await?,
    };
    let service = AuthService { customer, id, parent, settings, provider: None, version: 1 };
    store::auth_services::insert(tx, &service).await?;
    Ok(service)
}

/// Creates an auth service.
///
/// # Errors
/// Whatever the database says.
pub async fn create(db: &Db, customer: i64, settings: Settings) -> Result<AuthService, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            insert(tx, customer, None, None, settings).await
        }
        .boxed()
    })
    .await
}

/// Creates an auth service within another.
///
/// # Errors
/// [`Error::Missing`] without the other one, [`Error::Invalid`] where that is nested itself, or whatever
/// the database says.
pub async fn create_nested(db: &Db, customer: i64, parent: String, settings: Settings) -> Result<AuthService, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let outer = find(tx, customer, &parent, None).await?;
            if let Some(outermost) = outer.parent {
                let detail = format!(
                    "The auth service `{parent}` is nested in `{outermost}`, and services nest one level deep: nest \
                     the new one in `{outermost}`."
                );
                return Err(Error::invalid("", detail));
            }
            insert(tx, customer, None, Some(parent), settings).await
        }
        .boxed()
    })
    .await
}

/// A stored service, which must have `version` where one is given; the caller holds the lock of the customer.
async fn find(tx: &Tx, customer: i64, id: &str, version: Option<i64>) -> Result<AuthService, Error> {
    let found = store::auth_services::get(tx, customer, id).await?.ok_or_else(|| missing(id))?;
    expect(version, Some(found.version))?;
    Ok(found)
}

/// Stores a changed service, unless nothing has changed.
async fn put(tx: &Tx, old: &AuthService, new: AuthService) -> Result<AuthService, Error> {
    if new == *old {
        return Ok(new);
    }
    let new = AuthService { version: old.version + 1, ..new };
    store::auth_services::put(tx, &new).await?;
    Ok(new)
}

/// Replaces an auth service, or creates it where there is none of this id; answers whether it did create
/// it. Where `version` is given the service must still have it, see [`expect`].
///
/// # Errors
/// [`Error::Changed`], or whatever the database says.
pub async fn replace(
    db: &Db,
    customer: i64,
    id: String,
    settings: Settings,
    version: Option<i64>,
) -> Result<(AuthService, bool), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let found = store::auth_services::get(tx, customer, &id).await?;
            expect(version, found.as_ref().map(|old| old.version))?;
            match found {
                Some(old) => Ok((put(tx, &old, AuthService { settings, ..old.clone() }).await?, false)),
                None => Ok((insert(tx, customer, Some(id), None, settings).await?, true)),
            }
        }
        .boxed()
    })
    .await
}

/// Changes an auth service; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn update(
    db: &Db,
    customer: i64,
    id: String,
    changes: Changes,
    version: Option<i64>,
) -> Result<AuthService, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let old = find(tx, customer, &id, version).await?;
            let settings = changes.apply(old.settings.clone());
            put(tx, &old, AuthService { settings, ..old.clone() }).await
        }
        .boxed()
    })
    .await
}

impl Changes {
    fn apply(self, old: Settings) -> Settings {
        let profile = self.profile.apply(old.profile, LOGIN.to_owned());
        Settings {
            name: self.name.unwrap_or(old.name),
            label: self.label.apply(old.label, String::new()),
            description: self.description.apply(old.description, String::new()),
            page_label: self.page_label.apply(old.page_label, String::new()),
            page_description: self.page_description.apply(old.page_description, String::new()),
            call_to_action: self.call_to_action.apply(old.call_to_action, String::new()),
            time_to_live: self.time_to_live.apply(old.time_to_live, default_time_to_live(&profile)),
            profile,
        }
    }
}

/// Deletes an auth service with the services nested in it and the role providers; where `version` is given
/// it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Conflict`] while one of them grants a role, [`Error::Changed`], or whatever
/// the database says.
pub async fn delete(db: &Db, customer: i64, id: String, version: Option<i64>) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            find(tx, customer, &id, version).await?;
            if let Some(role) = store::auth_services::granted(tx, customer, &id).await? {
                let detail = format!(
                    "The role `{role}` is granted by this auth service or one nested in it: give the role another \
                     auth service, or none, first."
                );
                return Err(Error::conflict("", detail));
            }
            Ok(store::auth_services::delete(tx, customer, &id).await?)
        }
        .boxed()
    })
    .await
}

fn check_object(text: &str, name: &str) -> Result<(), Error> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        _ => Err(Error::invalid(format!("/{name}"), format!("`{name}` must be a JSON object, or the text of one."))),
    }
}

/// A configuration as clients give it.
///
/// # Errors
/// [`Error::Invalid`] unless it is a JSON object.
pub fn configuration(text: String) -> Result<String, Error> {
    check_object(&text, "configuration")?;
    Ok(text)
}

/// Credentials as clients give them, sealed.
///
/// # Errors
/// [`Error::Invalid`] unless they are a JSON object or [`CONCEALED`]; when they can't be sealed.
pub fn credentials(text: &str, secrets: &Secrets) -> Result<Change<String>, Error> {
    if text == CONCEALED {
        return Ok(Change::Keep);
    }
    check_object(text, "credentials")?;
    let sealed = secrets.seal(text).map_err(|e| store::Error::File(std::io::Error::other(e)))?;
    Ok(Change::Set(sealed))
}

/// Changes the role provider of an auth service, or creates it where `may_create`; answers whether it did create
/// it. Where `version` is given the auth service must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn put_provider(
    db: &Db,
    customer: i64,
    id: String,
    changes: ProviderChanges,
    may_create: bool,
    version: Option<i64>,
) -> Result<(AuthService, bool), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let old = find(tx, customer, &id, version).await?;
            let before = old.provider.clone();
            let is_new = before.is_none();
            if is_new && !may_create {
                return Err(no_provider(&id));
            }
            if changes.concealed && before.as_ref().is_none_or(|p| p.credentials.is_none()) {
                let detail = "No credentials are stored for this role provider: give them, or leave the member out.";
                return Err(Error::invalid("/credentials", detail));
            }
            let (configuration, credentials) = before.map_or((None, None), |p| (Some(p.configuration), p.credentials));
            let provider = RoleProvider {
                configuration: changes.configuration.or(configuration).unwrap_or_default(),
                credentials: changes.credentials.map(Some).apply(credentials, None),
            };
            let new = put(tx, &old, AuthService { provider: Some(provider), ..old.clone() }).await?;
            Ok((new, is_new))
        }
        .boxed()
    })
    .await
}

/// Deletes the role provider of an auth service, which must still have `version` where one is given.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn delete_provider(db: &Db, customer: i64, id: String, version: Option<i64>) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let old = find(tx, customer, &id, version).await?;
            provider(&old)?;
            put(tx, &old, AuthService { provider: None, ..old.clone() }).await.map(drop)
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_made_of_a_name_can_be_an_id(name in "\\PC{1,180}") {
            prop_assert_eq!(ids::check(&slug(&name)), Ok(()));
        }
    }

    #[test]
    fn ids_are_words_with_hyphens() {
        assert_eq!(slug("  Terms of Use (2026) "), "terms-of-use-2026");
        assert_eq!(slug("…"), "service");
    }
}
