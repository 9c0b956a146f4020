//! Portal users: the people of a customer who may use the portal. Fastly's clients know them as users.

use super::{
    Change, Error, Fault, check, expect, ids,
    keys::lock_usage,
    page::{self, Page, Paging},
    passwords,
    portal_roles::{self, PortalRole},
    public_id, time,
};
use crate::store::{self, Db, Tx};
use futures::FutureExt;

/// What an e-mail address looks like: no quotes, no literal networks, letters of any script.
pub const EMAIL: &str = r#"^[^\s\x00-\x1f\x7f"(),.:;<>@\[\\\]]+(\.[^\s\x00-\x1f\x7f"(),.:;<>@\[\\\]]+)*@[^\s\x00-,./:-@\[-`{-\x7f]+(\.[^\s\x00-,./:-@\[-`{-\x7f]+)*$"#;
/// The role within the account of the first user of a customer, who can do everything.
const FIRST_ROLE: &str = "superuser";
/// The role within the account of everybody else.
const LATER_ROLE: &str = "user";

/// An e-mail address without regard to letter case, in any script: what two portal users can't share.
pub fn folded(email: &str) -> String {
    unicase::UniCase::unicode(email).to_folded_case()
}

/// A portal user. Its password hash stays in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalUser {
    /// Whose it is.
    pub customer: i64,
    /// Its name in URLs, unique within the customer.
    pub id: String,
    /// Its id for Fastly's clients, unique on the service.
    pub public_id: String,
    /// Its login, unique on the service whatever the letter case.
    pub email: String,
    /// When it was created, milliseconds since the epoch.
    pub created: i64,
    /// When it was last changed, milliseconds since the epoch.
    pub updated: i64,
    /// Whether the person may log in.
    pub enabled: bool,
    /// The names of its portal roles, in the order they were given.
    pub roles: Vec<String>,
    /// What it is within the account.
    pub membership: Membership,
    /// Counts its changes.
    pub version: i64,
}

/// What a portal user is within the account, as Fastly's clients know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The name to show to people; empty where there is none.
    pub name: String,
    /// What it may do in the account.
    pub role: String,
    /// Sees only some of the services.
    pub limit_services: bool,
    /// Is locked out; `None` where nobody ever said.
    pub locked: Option<bool>,
    /// Needs a new password; `None` where nobody ever said.
    pub require_new_password: Option<bool>,
    /// Has two-factor login; `None` where nobody ever said.
    pub two_factor_auth_enabled: Option<bool>,
    /// Has to set up two-factor login.
    pub two_factor_setup_required: bool,
}

/// Changes to a [`Membership`].
#[derive(Debug, Clone, Default)]
pub struct MembershipChanges {
    /// See [`Membership::name`].
    pub name: Change<String>,
    /// See [`Membership::role`].
    pub role: Change<String>,
    /// See [`Membership::limit_services`].
    pub limit_services: Change<bool>,
    /// See [`Membership::locked`].
    pub locked: Change<bool>,
    /// See [`Membership::require_new_password`].
    pub require_new_password: Change<bool>,
    /// See [`Membership::two_factor_auth_enabled`].
    pub two_factor_auth_enabled: Change<bool>,
    /// See [`Membership::two_factor_setup_required`].
    pub two_factor_setup_required: Change<bool>,
}

impl MembershipChanges {
    fn apply(self, old: Membership) -> Membership {
        Membership {
            name: self.name.apply(old.name, String::new()),
            role: self.role.apply(old.role, LATER_ROLE.to_owned()),
            limit_services: self.limit_services.apply(old.limit_services, false),
            locked: told(self.locked, old.locked),
            require_new_password: told(self.require_new_password, old.require_new_password),
            two_factor_auth_enabled: told(self.two_factor_auth_enabled, old.two_factor_auth_enabled),
            two_factor_setup_required: self.two_factor_setup_required.apply(old.two_factor_setup_required, false),
        }
    }
}

/// What is known after a change: what nobody ever said is shown as `false`, and stays unsaid when that is put back.
fn told(change: Change<bool>, old: Option<bool>) -> Option<bool> {
    match change {
        Change::Set(false) if old.is_none() => None,
        change => change.map(Some).apply(old, None),
    }
}

impl Membership {
    /// That of a portal user of whom nothing is said.
    fn new(role: &str) -> Self {
        Self {
            name: String::new(),
            role: role.to_owned(),
            limit_services: false,
            locked: None,
            require_new_password: None,
            two_factor_auth_enabled: None,
            two_factor_setup_required: false,
        }
    }
}

/// What of a portal user its customer decides.
#[derive(Clone)]
pub struct Settings {
    /// See [`PortalUser::email`].
    pub email: String,
    /// The password; without one that of before stays.
    pub password: Option<String>,
    /// See [`PortalUser::enabled`].
    pub enabled: bool,
    /// See [`PortalUser::roles`].
    pub roles: Change<Vec<String>>,
    /// See [`PortalUser::membership`]; what is not said stays as it is.
    pub membership: MembershipChanges,
}

/// Changes to what the customer decides.
#[derive(Clone, Default)]
pub struct Changes {
    /// See [`PortalUser::email`]; has no default.
    pub email: Option<String>,
    /// The password; has no default.
    pub password: Option<String>,
    /// See [`PortalUser::enabled`].
    pub enabled: Change<bool>,
    /// See [`PortalUser::roles`].
    pub roles: Change<Vec<String>>,
    /// See [`PortalUser::membership`].
    pub membership: MembershipChanges,
}

/// Settings with a hash in place of the password.
#[derive(Default)]
struct Hashed {
    email: Option<String>,
    hash: Option<String>,
    enabled: Change<bool>,
    roles: Change<Vec<String>>,
    membership: MembershipChanges,
}

impl Hashed {
    async fn of(changes: Changes) -> Result<Self, Error> {
        let Changes { email, password, enabled, roles, membership } = changes;
        let roles = match roles {
            Change::Set(names) => Change::Set(known(names)?),
            other => other,
        };
        let hash = match password {
            Some(password) => Some(passwords::hash(password).await?),
            None => None,
        };
        Ok(Self { email, hash, enabled, roles, membership })
    }
}

impl From<Settings> for Changes {
    fn from(settings: Settings) -> Self {
        let Settings { email, password, enabled, roles, membership } = settings;
        Self { email: Some(email), password, enabled: Change::Set(enabled), roles, membership }
    }
}

/// The roles that are meant, each once.
fn known(names: Vec<String>) -> Result<Vec<String>, Error> {
    let faults = names
        .iter()
        .enumerate()
        .filter(|(_, name)| portal_roles::find(name).is_none())
        .map(|(i, name)| {
            let detail = format!("There is no portal role `{name}`: use one of {}.", portal_roles::named());
            Fault::new(format!("/roles/{i}"), detail)
        })
        .collect();
    check(faults)?;
    let mut once: Vec<String> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    Ok(once)
}

/// One portal user.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: &str) -> Result<PortalUser, Error> {
    store::portal_users::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Error {
    Error::Missing(format!("The customer has no portal user `{id}`."))
}

fn no_password() -> Error {
    Error::invalid("/password", "The member `password` is missing: a new portal user needs one.")
}

/// The portal users of a customer, oldest first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &Db, customer: i64, paging: &Paging) -> Result<Page<PortalUser>, Error> {
    let total = store::portal_users::count(db, customer).await?;
    Ok(Page::new(store::portal_users::list(db, customer, &paging.window()).await?, total))
}

/// The portal roles of a portal user.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for a cursor of another list, or whatever the database says.
pub async fn roles(db: &Db, customer: i64, id: &str, paging: &Paging) -> Result<Page<PortalRole>, Error> {
    let names = get(db, customer, id).await?.roles;
    page::short(names.iter().filter_map(|name| portal_roles::find(name)).collect(), paging)
}

fn taken(email: &str) -> Error {
    let detail = format!("A portal user has the e-mail address `{email}` already: use another one.");
    Error::conflict("/email", detail)
}

async fn free(tx: &Tx, email: &str, except: Option<(i64, &str)>) -> Result<(), Error> {
    match store::portal_users::with_email(tx, email).await? {
        Some((customer, id)) if except != Some((customer, id.as_str())) => Err(taken(email)),
        _ => Ok(()),
    }
}

/// What the unique index on e-mail addresses says when another transaction was faster.
fn faster(error: store::Error, email: &str) -> Error {
    if error.is_duplicate() { taken(email) } else { error.into() }
}

async fn insert(tx: &Tx, customer: i64, id: String, new: Hashed) -> Result<PortalUser, Error> {
    let email = new.email.ok_or_else(|| Error::invalid("/email", "The member `email` is missing."))?;
    let hash = new.hash.ok_or_else(no_password)?;
    free(tx, &email, None).await?;
    let now = time::now();
    let first = store::portal_users::count(tx, customer).await? == 0;
    let user = PortalUser {
        customer,
        id,
        public_id: public_id::random()?,
        email,
        created: now,
        updated: now,
        enabled: new.enabled.apply(true, true),
        roles: new.roles.apply(Vec::new(), Vec::new()),
        membership: new.membership.apply(Membership::new(if first { FIRST_ROLE } else { LATER_ROLE })),
        version: 1,
    };
    store::portal_users::insert(tx, &user, &hash).await.map_err(|e| faster(e, &user.email))?;
    store::portal_users::add_to_count(tx, customer, 1).await?;
    Ok(user)
}

async fn put(tx: &Tx, mut user: PortalUser, changes: Hashed) -> Result<PortalUser, Error> {
    let before = user.clone();
    user.email = changes.email.unwrap_or(user.email);
    user.enabled = changes.enabled.apply(user.enabled, true);
    user.roles = changes.roles.apply(user.roles, Vec::new());
    user.membership = changes.membership.apply(user.membership);
    if user.email != before.email {
        free(tx, &user.email, Some((user.customer, &user.id))).await?;
    }
    if user != before || changes.hash.is_some() {
        user.version += 1;
        user.updated = time::now();
        let written = store::portal_users::put(tx, &user, changes.hash.as_deref()).await;
        written.map_err(|e| faster(e, &user.email))?;
    }
    Ok(user)
}

/// Creates a portal user under a random id.
///
/// # Errors
/// [`Error::Invalid`] for unknown roles or no password, [`Error::Conflict`] for a taken e-mail address,
/// or whatever the database says.
pub async fn create(db: &Db, customer: i64, settings: Settings) -> Result<PortalUser, Error> {
    let new = Hashed::of(settings.into()).await?;
    let id = uuid::Uuid::new_v4().to_string();
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            insert(tx, customer, id, new).await
        }
        .boxed()
    })
    .await
}

/// Replaces a portal user, or creates it where there is none of this id; answers whether it did create it.
/// Where `version` is given the user must still have it, see [`expect`].
///
/// # Errors
/// [`Error::Invalid`] for unknown roles, an id that none can have, or a new user without password;
/// [`Error::Conflict`] for a taken e-mail address, [`Error::Changed`], or whatever the database says.
pub async fn replace(
    db: &Db,
    customer: i64,
    id: &str,
    settings: Settings,
    version: Option<i64>,
) -> Result<(PortalUser, bool), Error> {
    ids::check(id).map_err(|detail| Error::invalid("portalUser", detail))?;
    let new = Hashed::of(settings.into()).await?;
    let id = id.to_owned();
    db.write(move |tx| {
        async move {
            lock_usage(tx, customer).await?;
            let found = store::portal_users::lock(tx, customer, &id).await?;
            expect(version, found.as_ref().map(|old| old.version))?;
            match found {
                Some(old) => Ok((put(tx, old, new).await?, false)),
                None => Ok((insert(tx, customer, id, new).await?, true)),
            }
        }
        .boxed()
    })
    .await
}

/// Changes a portal user; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for unknown roles, [`Error::Conflict`] for a taken e-mail
/// address, [`Error::Changed`], or whatever the database says.
pub async fn update(
    db: &Db,
    customer: i64,
    id: &str,
    changes: Changes,
    version: Option<i64>,
) -> Result<PortalUser, Error> {
    let changes = Hashed::of(changes).await?;
    let id = id.to_owned();
    db.write(move |tx| {
        async move {
            let old = store::portal_users::lock(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            expect(version, Some(old.version))?;
            put(tx, old, changes).await
        }
        .boxed()
    })
    .await
}

/// Gives a portal user a role, unless it has it.
///
/// # Errors
/// [`Error::Missing`] for the user, [`Error::Invalid`] for the role, or whatever the database says.
pub async fn add_role(db: &Db, customer: i64, id: &str, role: &str) -> Result<PortalRole, Error> {
    let found = portal_roles::find(role).ok_or_else(|| {
        let detail = format!("There is no portal role `{role}`: use one of {}.", portal_roles::named());
        Error::invalid("/@id", detail)
    })?;
    let (id, name) = (id.to_owned(), found.id.to_owned());
    db.write(move |tx| {
        async move {
            let user = store::portal_users::lock(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            let mut roles = user.roles.clone();
            if !roles.contains(&name) {
                roles.push(name);
            }
            let changes = Hashed { roles: Change::Set(roles), ..Hashed::default() };
            put(tx, user, changes).await
        }
        .boxed()
    })
    .await?;
    Ok(found)
}

/// Deletes a portal user and the keys that were made for it; where `version` is given it must still have it.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn delete(db: &Db, customer: i64, id: &str, version: Option<i64>) -> Result<(), Error> {
    let id = id.to_owned();
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, customer).await?;
            let user = store::portal_users::lock(tx, customer, &id).await?.ok_or_else(|| missing(&id))?;
            expect(version, Some(user.version))?;
            store::portal_users::delete(tx, customer, &id).await?;
            usage.keys -= store::keys::clear_of(tx, customer, &id).await?;
            store::usage::put(tx, customer, &usage).await?;
            Ok(store::portal_users::add_to_count(tx, customer, -1).await?)
        }
        .boxed()
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::customers, params, store::Query};

    async fn hash_of(db: &Db, id: &str) -> String {
        let sql = "SELECT password_hash FROM portal_users WHERE id = $1";
        db.one(sql, params![id], |row| row.text(0)).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_password_changes_only_where_one_is_given_and_the_first_user_rules() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&folder.path().join("people.db")).unwrap();
        customers::found(&db, None, None).await.unwrap();
        let with = |email: &str, password: Option<&str>| Settings {
            email: email.to_owned(),
            password: password.map(str::to_owned),
            enabled: true,
            roles: Change::Keep,
            membership: MembershipChanges::default(),
        };
        let (made, _) = replace(&db, 1, "a", with("a@b.example", Some("one")), None).await.unwrap();
        let first = hash_of(&db, "a").await;
        let (replaced, created) = replace(&db, 1, "a", with("c@b.example", None), Some(1)).await.unwrap();
        assert_eq!((hash_of(&db, "a").await, created, replaced.version), (first.clone(), false, 2));
        assert_eq!((&replaced.public_id, replaced.created), (&made.public_id, made.created));
        let changes = Changes { password: Some("two".to_owned()), ..Changes::default() };
        update(&db, 1, "a", changes, Some(2)).await.unwrap();
        assert_ne!(hash_of(&db, "a").await, first);
        let stale = replace(&db, 1, "a", with("d@b.example", None), Some(2)).await;
        assert!(matches!(stale, Err(Error::Changed)));
        let unwanted = replace(&db, 1, "a", with("d@b.example", None), Some(0)).await;
        assert!(matches!(unwanted, Err(Error::Changed)));
        let later = create(&db, 1, with("e@b.example", Some("three"))).await.unwrap();
        assert_eq!((replaced.membership.role.as_str(), later.membership.role.as_str()), (FIRST_ROLE, LATER_ROLE));
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        let regex = regress::Regex::new(EMAIL).unwrap();
        for good in ["a@b", "a.b+c@d-e.f", "ü@müller.example", "o'neil@harbour.example", "1@2.3"] {
            assert!(regex.find(good).is_some(), "{good}");
        }
        let bad = ["", "reader", "a@", "@b", "a b@c", "a..b@c", "a@b..c", "a@b.", "a@b@c", "a@b,c", "a@b\n", "<a@b>"];
        for bad in bad {
            assert!(regex.find(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn roles_are_known_and_stand_once() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(known(names(&["readonly", "admin", "readonly"])).unwrap(), ["readonly", "admin"]);
        let Err(Error::Invalid(faults)) = known(names(&["admin", "king"])) else { panic!("unknown roles are refused") };
        assert_eq!(faults.iter().map(|f| f.pointer.as_str()).collect::<Vec<_>>(), ["/roles/1"]);
    }
}
