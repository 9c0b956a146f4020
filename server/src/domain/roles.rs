//! Roles: what images ask of visitors. Images and spaces refer to them by URI and keep doing so whether the role
//! exists or not.

use super::{
    Change, Error, Fault,
    auth_services::{self, AuthService},
    check, expect, ids,
    keys::lock_usage,
    page::{self, Page, Paging},
};
use crate::store::{self, Db, Query, Tx};
use futures::FutureExt;

/// Characters of all aliases of a role at most, with a comma between two.
const MAX_ALIASES: usize = 1000;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Whose it is.
    pub customer: i64,
    /// Its id, unique within the customer whatever its letter case.
    pub id: String,
    /// What its owner decides.
    pub settings: Settings,
    /// Counts its changes.
    pub version: i64,
}

/// What of a role its owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// A longer text about it.
    pub label: String,
    /// Other names by which a role provider may mean it.
    pub aliases: Vec<String>,
    /// The id of the auth service that grants it.
    pub auth_service: Option<String>,
}

/// Changes to what the owner decides.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// See [`Settings::name`]; has no default.
    pub name: Option<String>,
    /// See [`Settings::label`].
    pub label: Change<String>,
    /// See [`Settings::aliases`].
    pub aliases: Change<Vec<String>>,
    /// See [`Settings::auth_service`].
    pub auth_service: Change<String>,
}

/// The id of a role of this name: its words in camel case, ASCII letters and digits only (`reference/dlcs.md`
/// §2.11); none if the name has none of them.
pub fn slug(name: &str) -> Option<String> {
    let mut id = String::new();
    for word in name.split_whitespace() {
        let mut letters = word.chars().filter(char::is_ascii_alphanumeric);
        if let Some(first) = letters.next() {
            id.push(if id.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
            id.extend(letters);
        }
    }
    id.truncate(ids::MAX_ID);
    (!id.is_empty()).then_some(id)
}

/// One role, by its id in any letter case.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: &str) -> Result<Role, Error> {
    find(db, customer, id, None).await
}

/// A stored role, which must have `version` where one is given.
async fn find(db: &impl Query, customer: i64, id: &str, version: Option<i64>) -> Result<Role, Error> {
    let missing = || Error::Missing(format!("The customer has no role `{id}`."));
    let found = store::roles::get(db, customer, id).await?.ok_or_else(missing)?;
    expect(version, Some(found.version))?;
    Ok(found)
}

/// The roles of a customer.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<Role>, Error> {
    let total = store::roles::count(db, customer).await?;
    Ok(Page::new(store::roles::list(db, customer, &paging.window()).await?, total))
}

async fn check_settings(tx: &Tx, customer: i64, settings: &Settings) -> Result<(), Error> {
    let mut faults = Vec::new();
    let commas = settings.aliases.len().saturating_sub(1);
    let length = commas + settings.aliases.iter().map(|a| a.chars().count()).sum::<usize>();
    if length > MAX_ALIASES {
        let detail = format!("`aliases` has {length} characters with commas between them, {MAX_ALIASES} are allowed.");
        faults.push(Fault::new("/aliases", detail));
    }
    if let Some(service) = &settings.auth_service
        && store::auth_services::get(tx, customer, service).await?.is_none()
    {
        let detail = format!("The customer has no auth service `{service}`: create it first.");
        faults.push(Fault::new("/authService", detail));
    }
    check(faults)
}

/// Stores a new role; the caller holds the lock of the customer.
pub(crate) async fn insert(tx: &Tx, customer: i64, id: String, settings: Settings) -> Result<Role, Error> {
    check_settings(tx, customer, &settings).await?;
    let role = Role { customer, id, settings, version: 1 };
    store::roles::insert(tx, &role).await?;
    Ok(role)
}

/// Creates a role under the id that its name gives it.
///
/// # Errors
/// [`Error::Conflict`] for a taken id, [`Error::Invalid`] for a name without letters and digits or an unknown auth
/// service, or whatever the database says.
pub async fn create(db: &Db, customer: i64, settings: Settings) -> Result<Role, Error> {
    let id = slug(&settings.name).ok_or_else(|| {
        Error::invalid("/name", "The name has no ASCII letter or digit to make an id of: give it one, or use PUT.")
    })?;
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            if let Some(other) = store::roles::get(tx, customer, &id).await? {
                let detail = format!("The role `{}` has the id that this name gives: choose another name.", other.id);
                return Err(Error::conflict("/name", detail));
            }
            insert(tx, customer, id, settings).await
        }
        .boxed()
    })
    .await
}

async fn put(tx: &Tx, mut role: Role, settings: Settings) -> Result<Role, Error> {
    if settings != role.settings {
        check_settings(tx, role.customer, &settings).await?;
        role.settings = settings;
        role.version += 1;
        store::roles::put(tx, &role).await?;
    }
    Ok(role)
}

/// Replaces a role, or creates it where there is none of this id; answers whether it did create it. Where
/// `version` is given the role must still have it, see [`expect`].
///
/// # Errors
/// [`Error::Invalid`] for an unknown auth service, [`Error::Changed`], or whatever the database says.
pub async fn replace(
    db: &Db,
    customer: i64,
    id: String,
    settings: Settings,
    version: Option<i64>,
) -> Result<(Role, bool), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let found = store::roles::get(tx, customer, &id).await?;
            expect(version, found.as_ref().map(|old| old.version))?;
            match found {
                Some(old) => Ok((put(tx, old, settings).await?, false)),
                None => Ok((insert(tx, customer, id, settings).await?, true)),
            }
        }
        .boxed()
    })
    .await
}

/// Changes a role; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for an unknown auth service, [`Error::Changed`], or whatever the database
/// says.
pub async fn update(db: &Db, customer: i64, id: String, changes: Changes, version: Option<i64>) -> Result<Role, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let role = find(tx, customer, &id, version).await?;
            let old = role.settings.clone();
            let settings = Settings {
                name: changes.name.unwrap_or(old.name),
                label: changes.label.apply(old.label, String::new()),
                aliases: changes.aliases.apply(old.aliases, Vec::new()),
                auth_service: changes.auth_service.map(Some).apply(old.auth_service, None),
            };
            put(tx, role, settings).await
        }
        .boxed()
    })
    .await
}

/// Deletes a role; where `version` is given it must still have it. Whatever refers to it keeps doing so.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn delete(db: &Db, customer: i64, id: String, version: Option<i64>) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let role = find(tx, customer, &id, version).await?;
            Ok(store::roles::delete(tx, customer, &role.id).await?)
        }
        .boxed()
    })
    .await
}

fn ungranted(role: &Role) -> Error {
    Error::Missing(format!("The role `{}` has no auth service.", role.id))
}

/// The auth service that grants a role.
///
/// # Errors
/// [`Error::Missing`] where there is none, or whatever the database says.
pub async fn auth_service(db: &Db, role: &Role) -> Result<AuthService, Error> {
    let id = role.settings.auth_service.as_deref().ok_or_else(|| ungranted(role))?;
    auth_services::get(db, role.customer, id).await
}

/// Makes another auth service the one that grants a role, or the first one where `may_be_first`; answers it, and
/// whether it is the first. Where `version` is given the role must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for an unknown auth service, [`Error::Changed`], or whatever the database
/// says.
pub async fn grant(
    db: &Db,
    customer: i64,
    id: String,
    service: Option<String>,
    may_be_first: bool,
    version: Option<i64>,
) -> Result<(AuthService, bool), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let role = find(tx, customer, &id, version).await?;
            let is_first = role.settings.auth_service.is_none();
            if is_first && !may_be_first {
                return Err(ungranted(&role));
            }
            let Some(wanted) = service.or_else(|| role.settings.auth_service.clone()) else {
                return Err(ungranted(&role));
            };
            let found = store::auth_services::get(tx, customer, &wanted).await?.ok_or_else(|| {
                Error::invalid("/@id", format!("The customer has no auth service `{wanted}`: create it first."))
            })?;
            let settings = Settings { auth_service: Some(wanted), ..role.settings.clone() };
            put(tx, role, settings).await?;
            Ok((found, is_first))
        }
        .boxed()
    })
    .await
}

/// Takes the auth service from a role, which must still have `version` where one is given.
///
/// # Errors
/// [`Error::Missing`] where there is none, [`Error::Changed`], or whatever the database says.
pub async fn revoke(db: &Db, customer: i64, id: String, version: Option<i64>) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let role = find(tx, customer, &id, version).await?;
            if role.settings.auth_service.is_none() {
                return Err(ungranted(&role));
            }
            let settings = Settings { auth_service: None, ..role.settings.clone() };
            put(tx, role, settings).await.map(drop)
        }
        .boxed()
    })
    .await
}

/// Gives a new customer the role and the auth services that everybody starts with (decision 4).
pub(crate) async fn endow(tx: &Tx, customer: i64) -> Result<(), Error> {
    let service = |name: &str, profile: &str, label: &str| auth_services::Settings {
        name: name.to_owned(),
        profile: format!("http://iiif.io/api/auth/1/{profile}"),
        label: label.to_owned(),
        description: String::new(),
        page_label: String::new(),
        page_description: String::new(),
        call_to_action: String::new(),
        time_to_live: 600,
    };
    let outer = service("clickthrough", "clickthrough", "Terms of use");
    let outer = auth_services::insert(tx, customer, None, None, outer).await?;
    let logout = service("logout", "logout", "Log out");
    auth_services::insert(tx, customer, None, Some(outer.id.clone()), logout).await?;
    let settings = Settings {
        name: "clickthrough".to_owned(),
        label: String::new(),
        aliases: Vec::new(),
        auth_service: Some(outer.id),
    };
    insert(tx, customer, "clickthrough".to_owned(), settings).await.map(drop)
}

/// Roles that a space is to give its images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// The URI of the roles of the customer, without a slash at the end.
    pub home: String,
    /// The roles.
    pub all: Vec<Reference>,
}

/// A reference to a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where in the input it stands.
    pub at: String,
    /// What it refers to.
    pub to: Target,
}

/// What a reference refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A role of the customer, by its id in any letter case.
    Id(String),
    /// Something of this service, by its URI, that is no role of the customer.
    Other(String),
    /// Whatever has this URI, elsewhere.
    Uri(String),
}

/// A role that a space gives its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// One of the customer.
    Role(Role),
    /// One of which only the URI is known.
    Uri(String),
}

/// The URIs that references mean, each once. Those of `kept` may stay though their role was deleted, or is none of the
/// customer.
///
/// # Errors
/// [`Error::Invalid`] for ids that no role of the customer has and other URIs of this service, or whatever the database
/// says.
pub(crate) async fn uris(
    db: &impl Query,
    customer: i64,
    references: References,
    kept: &[String],
) -> Result<Vec<String>, Error> {
    let mut uris = Vec::with_capacity(references.all.len());
    let mut faults = Vec::new();
    for Reference { at, to } in references.all {
        let (known, name) = match to {
            Target::Uri(uri) => (Some(uri.clone()), uri),
            Target::Other(uri) => (kept.iter().find(|k| **k == uri).cloned(), uri),
            Target::Id(id) => match store::roles::get(db, customer, &id).await? {
                Some(role) => (Some(format!("{}/{}", references.home, role.id)), id),
                None => {
                    let gone = format!("{}/{id}", references.home);
                    (kept.iter().find(|k| k.eq_ignore_ascii_case(&gone)).cloned(), id)
                }
            },
        };
        match known {
            Some(uri) if uris.contains(&uri) => {}
            Some(uri) => uris.push(uri),
            None => faults.push(Fault::new(at, format!("The customer has no role `{name}`: create it first."))),
        }
    }
    check(faults)?;
    Ok(uris)
}

/// A page of the roles of these URIs with what is known of them; those of the customer start with `home`, and are one
/// in whatever letter case.
///
/// # Errors
/// [`Error::Invalid`] for a position that is none of the list, or whatever the database says.
pub(crate) async fn shown(
    db: &impl Query,
    customer: i64,
    home: &str,
    uris: Vec<String>,
    paging: &Paging,
) -> Result<Page<Given>, Error> {
    let mut once: Vec<String> = Vec::with_capacity(uris.len());
    for uri in uris {
        let own = uri.starts_with(home);
        if !once.iter().any(|known| if own { known.eq_ignore_ascii_case(&uri) } else { *known == uri }) {
            once.push(uri);
        }
    }
    let Page { items: uris, total, next } = page::short(once, paging)?;
    let mut items = Vec::with_capacity(uris.len());
    for uri in uris {
        let role = match uri.strip_prefix(home).and_then(|rest| rest.strip_prefix('/')) {
            Some(id) => store::roles::get(db, customer, id).await?,
            None => None,
        };
        items.push(role.map_or(Given::Uri(uri), Given::Role));
    }
    Ok(Page { items, total, next })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_camel_case() {
        let cases = [
            ("Open with advisory", "openWithAdvisory"),
            ("clickthrough", "clickthrough"),
            ("  Clinical   images ", "clinicalImages"),
            ("Clinical-images", "clinicalimages"),
            ("«Restricted» files 2", "restrictedFiles2"),
        ];
        for (name, id) in cases {
            assert_eq!(slug(name).as_deref(), Some(id));
        }
        assert_eq!(slug(" … "), None);
        assert_eq!(slug(&"x".repeat(500)).map(|id| id.len()), Some(ids::MAX_ID));
    }

    proptest! {
        #[test]
        fn ids_are_letters_and_digits_and_stay_themselves(name in "\\PC{0,300}") {
            match slug(&name) {
                Some(id) => {
                    prop_assert!(id.bytes().all(|b| b.is_ascii_alphanumeric()) && id.len() <= ids::MAX_ID);
                    prop_assert!(!id.starts_with(|c: char| c.is_ascii_uppercase()));
                    prop_assert_eq!(slug(&id), Some(id));
                }
                None => prop_assert!(!name.contains(|c: char| c.is_ascii_alphanumeric())),
            }
        }

        #[test]
        fn white_space_around_words_changes_nothing(words in proptest::collection::vec("[A-Za-z0-9]{1,9}", 1..6)) {
            prop_assert_eq!(slug(&words.join(" ")), slug(&format!("\t{}  ", words.join(" \n "))));
        }
    }
}
