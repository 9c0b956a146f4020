//! Portal users: the people of a customer who may use the portal.

use super::{
    Tag, change,
    portal_roles::{PortalRole, PortalRoleCollection},
};
use crate::{
    collection,
    domain::{
        Change, Error,
        portal_users::{self, Changes, MembershipChanges, Settings},
    },
    http::{
        answer::{Created, Deleted, Replaced, Resource, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only,
        session::Caller,
        types::{AccountRole, CustomerId, Email, Password, PortalRoleText, PortalUserId, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue, json};

/// A portal user.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct PortalUser {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    email: String,
    created: Time,
    enabled: bool,
    roles: Uri,
    name: Option<String>,
    account_role: AccountRole,
    limit_services: bool,
    locked: bool,
    require_new_password: bool,
    two_factor_auth_enabled: bool,
    two_factor_setup_required: bool,
}
resource!(PortalUser);
collection!(
    /// A page of portal users.
    PortalUserCollection of PortalUser
);

fn roles_of(user: &str) -> String {
    format!("{user}/roles")
}

impl PortalUser {
    fn member(u: portal_users::PortalUser, links: &Links) -> Self {
        let id = links.portal_user(u.customer, &u.id);
        let m = u.membership;
        Self {
            context: None,
            class: "PortalUser".to_owned(),
            email: u.email,
            created: Time(u.created),
            enabled: u.enabled,
            roles: Uri(roles_of(&id)),
            id: Uri(id),
            name: Some(m.name).filter(|name| !name.is_empty()),
            account_role: AccountRole(m.role),
            limit_services: m.limit_services,
            locked: m.locked.unwrap_or_default(),
            require_new_password: m.require_new_password.unwrap_or_default(),
            two_factor_auth_enabled: m.two_factor_auth_enabled.unwrap_or_default(),
            two_factor_setup_required: m.two_factor_setup_required,
        }
    }

    fn item(u: portal_users::PortalUser, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("PortalUser"))), ..Self::member(u, links) }
    }
}

/// A portal user to be created.
#[derive(Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct PortalUserCreate {
    email: Email,
    password: Password,
    enabled: Option<bool>,
    #[oai(validator(max_items = 100))]
    roles: Option<Vec<PortalRoleText>>,
    #[oai(validator(max_length = 500))]
    name: Option<String>,
    account_role: Option<AccountRole>,
    limit_services: Option<bool>,
    locked: Option<bool>,
    require_new_password: Option<bool>,
    two_factor_auth_enabled: Option<bool>,
    two_factor_setup_required: Option<bool>,
}

/// What a portal user is to be.
#[derive(Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct PortalUserReplace {
    email: Email,
    password: Option<Password>,
    enabled: Option<bool>,
    #[oai(validator(max_items = 100))]
    roles: Option<Vec<PortalRoleText>>,
    #[oai(validator(max_length = 500))]
    name: Option<String>,
    account_role: Option<AccountRole>,
    limit_services: Option<bool>,
    locked: Option<bool>,
    require_new_password: Option<bool>,
    two_factor_auth_enabled: Option<bool>,
    two_factor_setup_required: Option<bool>,
}

/// Changes to a portal user.
#[derive(Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct PortalUserUpdate {
    email: Option<Email>,
    password: Option<Password>,
    #[oai(nullable)]
    enabled: MaybeUndefined<bool>,
    #[oai(nullable, validator(max_items = 100))]
    roles: MaybeUndefined<Vec<PortalRoleText>>,
    #[oai(nullable, validator(max_length = 500))]
    name: MaybeUndefined<String>,
    #[oai(nullable)]
    account_role: MaybeUndefined<AccountRole>,
    #[oai(nullable)]
    limit_services: MaybeUndefined<bool>,
    #[oai(nullable)]
    locked: MaybeUndefined<bool>,
    #[oai(nullable)]
    require_new_password: MaybeUndefined<bool>,
    #[oai(nullable)]
    two_factor_auth_enabled: MaybeUndefined<bool>,
    #[oai(nullable)]
    two_factor_setup_required: MaybeUndefined<bool>,
}

/// What an input says of the place of a portal user in the account.
macro_rules! membership {
    ($input:expr, $change:ident) => {
        MembershipChanges {
            name: $change($input.name),
            role: $change($input.account_role).map(|role| role.0),
            limit_services: $change($input.limit_services),
            locked: $change($input.locked),
            require_new_password: $change($input.require_new_password),
            two_factor_auth_enabled: $change($input.two_factor_auth_enabled),
            two_factor_setup_required: $change($input.two_factor_setup_required),
        }
    };
}

/// Outside of a patch what is left out stays as it is: only the clients of accounts know of it.
fn change_to<T>(member: Option<T>) -> Change<T> {
    member.map_or(Change::Keep, Change::Set)
}

macro_rules! inputs {
    ($($name:ident: $patch:literal),*) => {
        $(impl Input for $name {
            const CLASS: &'static str = "PortalUser";
            const PATCH: bool = $patch;

            /// Roles may come as references; the link of the view is looked at by [`link`].
            fn prepare(members: &mut Map<String, JsonValue>) {
                if members.get("roles").is_some_and(JsonValue::is_string) {
                    members.remove("roles");
                }
                let roles = members.get_mut("roles").and_then(JsonValue::as_array_mut);
                for role in roles.into_iter().flatten() {
                    if let Some(id) = role.get("@id").filter(|id| id.is_string()).cloned() {
                        *role = id;
                    }
                }
            }
        })*
    };
}
inputs!(PortalUserCreate: false, PortalUserReplace: false, PortalUserUpdate: true);

/// A portal role to be given.
#[derive(Debug, Clone, Object)]
pub struct PortalRoleReference {
    #[oai(rename = "@id")]
    id: PortalRoleText,
}

impl Input for PortalRoleReference {
    const CLASS: &'static str = "PortalRole";

    fn prepare(members: &mut Map<String, JsonValue>) {
        if let (false, Some(id)) = (members.contains_key("@id"), members.get("id").cloned()) {
            members.insert("@id".to_owned(), id);
        }
    }
}

/// The name of the role that a reference means. What is no role of this service stays as it is, to be
/// refused by name.
fn name(reference: PortalRoleText, links: &Links) -> String {
    let role = reference.0;
    links.id_within(&links.path("/portalRoles"), &role).unwrap_or(role)
}

fn names(references: Vec<PortalRoleText>, links: &Links) -> Vec<String> {
    references.into_iter().map(|r| name(r, links)).collect()
}

/// Whether the body has the link to the roles that the view has; any other text is refused.
fn link(raw: &Map<String, JsonValue>, user: Option<&str>) -> Result<bool, Failure> {
    match raw.get("roles") {
        Some(JsonValue::String(given)) if user.is_some_and(|user| *given == roles_of(user)) => Ok(true),
        Some(JsonValue::String(_)) => {
            Err(Failure::invalid("/roles", "`roles` is a text, but must be a list of portal roles."))
        }
        _ => Ok(false),
    }
}

/// Clients may say the id once more; it can't be another.
fn same_id(raw: &Map<String, JsonValue>, id: &str, user: &str) -> Result<(), Failure> {
    match raw.get("id") {
        None | Some(JsonValue::Null) => Ok(()),
        Some(JsonValue::String(given)) if given == id || given == user => Ok(()),
        Some(given) => {
            let detail = format!("`id` is {given}, but the path is that of `{id}`: leave it out.");
            Err(Failure::invalid("/id", detail))
        }
    }
}

/// The stored portal user as its caller sees it, once the conditions of the request hold; the version to
/// write under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(PortalUser, Option<i64>), Failure> {
    let old = portal_users::get(&caller.app.db, customer, id).await?;
    let version = old.version;
    caller.checked(PortalUser::item(old, &caller.links), version)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::PortalUsers")]
impl Api {
    #[oai(path = "/customers/:customer/portalUsers", method = "get", operation_id = "portal_user_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<PortalUserCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = portal_users::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|u| PortalUser::member(u, &caller.links));
        Ok(caller.value(&PortalUserCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/portalUsers", method = "post", operation_id = "portal_user_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<PortalUserCreate>,
    ) -> Result<Created<PortalUser>, Fail<Conflicts>> {
        read_only::check::<PortalUser>(&body.raw, "PortalUserCreate", None, "")?;
        link(&body.raw, None)?;
        let membership = membership!(body.value, change_to);
        let PortalUserCreate { email, password, enabled, roles, .. } = body.value;
        let settings = Settings {
            email: email.0,
            password: Some(password.0),
            enabled: enabled.unwrap_or(true),
            roles: Change::Set(names(roles.unwrap_or_default(), &caller.links)),
            membership,
        };
        let made = portal_users::create(&caller.app.db, customer.0.0, settings).await?;
        Ok(caller.created(&PortalUser::item(made, &caller.links)))
    }

    #[oai(path = "/customers/:customer/portalUsers/:portalUser", method = "get", operation_id = "portal_user_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
    ) -> Result<View<PortalUser>, Fail> {
        let found = portal_users::get(&caller.app.db, customer.0.0, &user.0.0).await?;
        Ok(caller.view(&PortalUser::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/portalUsers/:portalUser", method = "put", operation_id = "portal_user_replace")]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
        body: Json<PortalUserReplace>,
    ) -> Result<Replaced<PortalUser>, Fail<Conflicts>> {
        let (customer, id) = (customer.0.0, user.0.0);
        let uri = caller.links.portal_user(customer, &id);
        let (known, version) = match stored(&caller, customer, &id).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                let version = caller.absent()?;
                (json!({ "@id": uri }), version)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<PortalUser>(&body.raw, "PortalUserReplace", Some(&known), "")?;
        same_id(&body.raw, &id, &uri)?;
        let keep = link(&body.raw, Some(&uri))?;
        let membership = membership!(body.value, change_to);
        let PortalUserReplace { email, password, enabled, roles, .. } = body.value;
        let settings = Settings {
            email: email.0,
            password: password.map(|p| p.0),
            enabled: enabled.unwrap_or(true),
            roles: if keep { Change::Keep } else { Change::Set(names(roles.unwrap_or_default(), &caller.links)) },
            membership,
        };
        let (new, created) = portal_users::replace(&caller.app.db, customer, &id, settings, version).await?;
        Ok(caller.replaced(&PortalUser::item(new, &caller.links), created))
    }

    #[oai(path = "/customers/:customer/portalUsers/:portalUser", method = "patch", operation_id = "portal_user_update")]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
        body: Json<PortalUserUpdate>,
    ) -> Result<Updated<PortalUser>, Fail<Conflicts>> {
        let (customer, id) = (customer.0.0, user.0.0);
        let (shown, version) = stored(&caller, customer, &id).await?;
        read_only::check::<PortalUser>(&body.raw, "PortalUserUpdate", Some(&read_only::shown(&shown)), "")?;
        same_id(&body.raw, &id, shown.iri())?;
        link(&body.raw, Some(shown.iri()))?;
        let membership = membership!(body.value, change);
        let PortalUserUpdate { email, password, enabled, roles, .. } = body.value;
        let changes = Changes {
            email: email.map(|e| e.0),
            password: password.map(|p| p.0),
            enabled: change(enabled),
            roles: change(roles).map(|roles| names(roles, &caller.links)),
            membership,
        };
        let new = portal_users::update(&caller.app.db, customer, &id, changes, version).await?;
        Ok(caller.updated(&PortalUser::item(new, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/portalUsers/:portalUser",
        method = "delete",
        operation_id = "portal_user_delete"
    )]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
    ) -> Result<Deleted, Fail> {
        let (_, version) = stored(&caller, customer.0.0, &user.0.0).await?;
        portal_users::delete(&caller.app.db, customer.0.0, &user.0.0, version).await?;
        Ok(caller.deleted())
    }

    #[oai(
        path = "/customers/:customer/portalUsers/:portalUser/roles",
        method = "get",
        operation_id = "portal_user_list_roles"
    )]
    async fn list_roles(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
    ) -> Result<Value<PortalRoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = portal_users::roles(&caller.app.db, customer.0.0, &user.0.0, &paging).await?;
        let page = page.map(|r| PortalRole::member(&r, &caller.links));
        Ok(caller.value(&PortalRoleCollection::new(&caller, &paging, page)))
    }

    #[oai(
        path = "/customers/:customer/portalUsers/:portalUser/roles",
        method = "post",
        operation_id = "portal_user_add_role"
    )]
    async fn add_role(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        #[oai(name = "portalUser")] user: Path<PortalUserId>,
        body: Json<PortalRoleReference>,
    ) -> Result<Created<PortalRole>, Fail> {
        let role = name(body.value.id, &caller.links);
        let given = portal_users::add_role(&caller.app.db, customer.0.0, &user.0.0, &role).await?;
        Ok(caller.created(&PortalRole::item(&given, &caller.links)))
    }
}
