//! Customers and their people as Fastly's clients know them (`reference/fastly.md`).

use super::{
    Error, Fault, check,
    customers::{self, Customer},
    keys, public_id, time,
};
use crate::store::{self, Db, Query, Tx};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The role of people who can do everything.
const SUPERUSER: &str = "superuser";
/// The networks a customer can be billed under.
const NETWORKS: [&str; 2] = ["public", "private"];
/// Characters of a name at most, as of a display name.
const MAX_NAME: usize = 500;

/// What only Fastly's clients know of a customer; stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The public id of the owner, if one was chosen.
    pub owner_id: Option<String>,
    /// The main billing contact.
    pub billing_contact_id: Option<String>,
    /// `public` or `private`.
    pub billing_network_type: String,
    /// A purchase-order reference.
    pub billing_ref: Option<String>,
    /// Networks, as they were sent.
    pub ip_whitelist: String,
    /// The legal contact.
    pub legal_contact_id: Option<String>,
    /// The security contact.
    pub security_contact_id: Option<String>,
    /// The technical contact.
    pub technical_contact_id: Option<String>,
    /// The phone number.
    pub phone_number: String,
    /// The postal address.
    pub postal_address: Option<String>,
    /// The name of the pricing plan.
    pub pricing_plan: String,
    /// The id of the pricing plan.
    pub pricing_plan_id: String,
    /// Two-factor login is compulsory.
    pub force_2fa: bool,
    /// Single sign-on is compulsory.
    pub force_sso: bool,
    /// There is an account panel.
    pub has_account_panel: bool,
    /// There is the improved event log.
    pub has_improved_events: bool,
    /// `OpenStack` logging is enabled.
    pub has_openstack_logging: bool,
    /// PCI settings may be edited.
    pub has_pci: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            owner_id: None,
            billing_contact_id: None,
            billing_network_type: "public".to_owned(),
            billing_ref: None,
            ip_whitelist: "0.0.0.0/0".to_owned(),
            legal_contact_id: None,
            security_contact_id: None,
            technical_contact_id: None,
            phone_number: String::new(),
            postal_address: None,
            pricing_plan: String::new(),
            pricing_plan_id: String::new(),
            force_2fa: false,
            force_sso: false,
            has_account_panel: false,
            has_improved_events: false,
            has_openstack_logging: false,
            has_pci: false,
        }
    }
}

/// Where a member that can be changed goes.
enum Slot<'a> {
    Text(&'a mut String),
    Nullable(&'a mut Option<String>),
    Flag(&'a mut bool),
}

impl Settings {
    fn slot(&mut self, member: &str) -> Option<Slot<'_>> {
        Some(match member {
            "billing_network_type" => Slot::Text(&mut self.billing_network_type),
            "ip_whitelist" => Slot::Text(&mut self.ip_whitelist),
            "phone_number" => Slot::Text(&mut self.phone_number),
            "pricing_plan" => Slot::Text(&mut self.pricing_plan),
            "pricing_plan_id" => Slot::Text(&mut self.pricing_plan_id),
            "billing_contact_id" => Slot::Nullable(&mut self.billing_contact_id),
            "billing_ref" => Slot::Nullable(&mut self.billing_ref),
            "legal_contact_id" => Slot::Nullable(&mut self.legal_contact_id),
            "security_contact_id" => Slot::Nullable(&mut self.security_contact_id),
            "technical_contact_id" => Slot::Nullable(&mut self.technical_contact_id),
            "postal_address" => Slot::Nullable(&mut self.postal_address),
            "force_2fa" => Slot::Flag(&mut self.force_2fa),
            "force_sso" => Slot::Flag(&mut self.force_sso),
            "has_account_panel" => Slot::Flag(&mut self.has_account_panel),
            "has_improved_events" => Slot::Flag(&mut self.has_improved_events),
            "has_openstack_logging" => Slot::Flag(&mut self.has_openstack_logging),
            "has_pci" => Slot::Flag(&mut self.has_pci),
            _ => return None,
        })
    }
}

/// A user of an account: a portal user, or the owner that a customer without a superuser has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// 22 digits of base 62.
    pub id: String,
    /// The id of the portal user, if it is one.
    pub portal_user: Option<String>,
    /// An e-mail address.
    pub login: String,
    /// The name to show to people.
    pub name: String,
    /// The role within the account.
    pub role: String,
    /// Sees only some of the services.
    pub limit_services: bool,
    /// Is locked out.
    pub locked: Option<bool>,
    /// Needs a new password.
    pub require_new_password: Option<bool>,
    /// Has two-factor login.
    pub two_factor_auth_enabled: Option<bool>,
    /// Has to set up two-factor login.
    pub two_factor_setup_required: bool,
    /// When it was created, milliseconds since the epoch.
    pub created: i64,
    /// When it was last changed, milliseconds since the epoch.
    pub updated: i64,
}

/// A customer as Fastly's clients know it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The customer.
    pub customer: Customer,
    /// What DLCS's clients don't know of it.
    pub settings: Settings,
    /// The user that keys stand for which were made for nobody else.
    pub owner: User,
    /// All users, the owner among them, by id.
    pub users: Vec<User>,
}

impl Account {
    /// The user that a key stands for: the portal user it was made for, or the owner.
    pub fn user_of(self, portal_user: Option<&str>) -> Option<User> {
        match portal_user {
            None => Some(self.owner),
            some => self.users.into_iter().find(|user| user.portal_user.as_deref() == some),
        }
    }
}

/// The owner of a customer that has no superuser.
fn stand_in(customer: &Customer) -> User {
    User {
        id: public_id::derived(&format!("owner of {}", customer.public_id)),
        portal_user: None,
        login: format!("owner@{}.invalid", customer.name),
        name: customer.display_name.clone(),
        role: SUPERUSER.to_owned(),
        limit_services: false,
        locked: None,
        require_new_password: None,
        two_factor_auth_enabled: None,
        two_factor_setup_required: false,
        created: customer.created,
        updated: customer.updated.max(customer.created),
    }
}

async fn gather(db: &impl Query, customer: Customer) -> Result<Account, Error> {
    let settings = store::account::settings(db, customer.id).await?.ok_or_else(|| unknown(&customer.public_id))?;
    let mut users = store::account::users(db, customer.id).await?;
    let superusers = || users.iter().filter(|u| u.role == SUPERUSER);
    let chosen = superusers().find(|u| settings.owner_id.as_ref() == Some(&u.id)).or_else(|| superusers().next());
    let owner = match chosen.cloned() {
        Some(owner) => owner,
        None => {
            let owner = stand_in(&customer);
            users.push(owner.clone());
            owner
        }
    };
    users.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(Account { customer, settings, owner, users })
}

/// What is answered for an id that is not the caller's.
pub fn unknown(id: &str) -> Error {
    Error::Missing(format!("Cannot find customer '{id}'"))
}

/// The account of a customer.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64) -> Result<Account, Error> {
    let customer = customers::get(db, customer).await?;
    gather(db, customer).await
}

/// Whether a member is a boolean that can be changed.
pub fn is_flag(member: &str) -> bool {
    matches!(Settings::default().slot(member), Some(Slot::Flag(_)))
}

/// Changes the members that are given; nothing is changed when one of them is refused. What is unknown or can't
/// be changed is ignored.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Conflict`] for a taken name, [`Error::Missing`], or whatever the database says.
pub async fn update(db: &Db, customer: i64, members: Map<String, Value>) -> Result<Account, Error> {
    db.write(move |tx| {
        async move {
            keys::lock_usage(tx, customer).await?;
            let found = store::customers::lock(tx, customer).await?.ok_or_else(|| unknown(""))?;
            let old = gather(tx, found).await?;
            let new = changed(&old, members)?;
            if (&new.customer, &new.settings) == (&old.customer, &old.settings) {
                return Ok(old);
            }
            write(tx, &old, new).await
        }
        .boxed()
    })
    .await
}

async fn write(tx: &Tx, old: &Account, mut new: Account) -> Result<Account, Error> {
    if new.customer.display_name != old.customer.display_name {
        customers::free(tx, &new.customer.name, &new.customer.display_name, new.customer.id).await?;
    }
    new.customer.version += 1;
    if !looks_like(&new, old) {
        new.customer.updated = time::now();
    }
    if !store::customers::put(tx, &new.customer).await? {
        return Err(Error::Changed);
    }
    store::account::put(tx, new.customer.id, &new.settings).await?;
    gather(tx, new.customer).await
}

/// Whether an account shows what it showed before. Whoever names the owner that was there anyway, as a record that
/// is sent back whole does, keeps it from now on, but changes nothing to be seen.
fn looks_like(new: &Account, old: &Account) -> bool {
    let named = |account: &Account| Settings { owner_id: None, ..account.settings.clone() };
    let owner = new.settings.owner_id.as_ref();
    new.customer.display_name == old.customer.display_name
        && named(new) == named(old)
        && (owner == old.settings.owner_id.as_ref() || owner == Some(&old.owner.id))
}

fn changed(old: &Account, members: Map<String, Value>) -> Result<Account, Error> {
    let mut new = old.clone();
    let mut faults = Vec::new();
    for (member, value) in members {
        let outcome = match (member.as_str(), new.settings.slot(&member)) {
            ("name", _) => name(value).map(|name| new.customer.display_name = name),
            ("owner_id", _) => owner(old, value).map(|owner| new.settings.owner_id = Some(owner)),
            ("billing_network_type", Some(Slot::Text(slot))) => network(value).map(|network| *slot = network),
            (_, Some(slot)) => set(slot, value),
            (_, None) => Ok(()),
        };
        if let Err(what) = outcome {
            faults.push(Fault::new(format!("/{member}"), format!("`{member}` {what}.")));
        }
    }
    check(faults)?;
    Ok(new)
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Null => Err("is null, but must be a text".to_owned()),
        _ => Err("must be a text".to_owned()),
    }
}

fn set(slot: Slot<'_>, value: Value) -> Result<(), String> {
    match slot {
        Slot::Text(slot) => *slot = text(value)?,
        Slot::Nullable(slot) if value.is_null() => *slot = None,
        Slot::Nullable(slot) => *slot = Some(text(value)?).filter(|text| !text.is_empty()),
        Slot::Flag(slot) => *slot = value.as_bool().ok_or("must be true or false")?,
    }
    Ok(())
}

fn name(value: Value) -> Result<String, String> {
    let name = text(value)?;
    if customers::is_blank(&name) {
        return Err("is blank, but a customer needs a name".to_owned());
    }
    if name.chars().count() > MAX_NAME {
        return Err(format!("is longer than {MAX_NAME} characters"));
    }
    if name.contains('\0') {
        return Err("holds a NUL character".to_owned());
    }
    Ok(name)
}

fn owner(old: &Account, value: Value) -> Result<String, String> {
    let id = text(value)?;
    if old.users.iter().any(|u| u.id == id && u.role == SUPERUSER) {
        return Ok(id);
    }
    Err("must be the id of a user of the customer whose role is superuser".to_owned())
}

fn network(value: Value) -> Result<String, String> {
    let network = text(value)?;
    if NETWORKS.contains(&network.as_str()) {
        return Ok(network);
    }
    Err(format!("must be one of {}", NETWORKS.join(", ")))
}

/// Deletes a customer with its keys. What it owns stays stored, but is unknown from now on, to others too: its global
/// named queries are global no more.
///
/// # Errors
/// [`Error::Missing`], [`Error::Forbidden`] for the administrator, or whatever the database says.
pub async fn delete(db: &Db, customer: i64) -> Result<(), Error> {
    db.write(move |tx| {
        async move {
            let mut usage = keys::lock_usage(tx, customer).await?;
            let found = store::customers::lock(tx, customer).await?.ok_or_else(|| unknown(""))?;
            if found.administrator {
                return Err(Error::Forbidden("The administrator can't be deleted.".to_owned()));
            }
            store::account::delete(tx, customer, time::now()).await?;
            store::keys::clear(tx, customer).await?;
            store::named_queries::withdraw(tx, customer).await?;
            usage.keys = 0;
            Ok(store::usage::put(tx, customer, &usage).await?)
        }
        .boxed()
    })
    .await
}
