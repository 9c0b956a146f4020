//! Roles, and the auth services that grant them.

use super::{Tag, auth_services::AuthService, change};
use crate::{
    collection,
    domain::{
        self, Error, ids,
        roles::{self, Changes, Settings},
    },
    http::{
        answer::{Created, Deleted, Replaced, Resource, Updated, Value, View},
        body::{Input, Json, reference_by_id},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only,
        session::Caller,
        types::{Alias, AuthServiceReference, CustomerId, RoleId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue, json};

/// A role.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Role {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    pub(super) id: Uri,
    #[oai(rename = "@type")]
    pub(super) class: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) aliases: Vec<String>,
    pub(super) auth_service: Option<Uri>,
}
resource!(Role);
collection!(
    /// A page of roles.
    RoleCollection of Role
);

impl Role {
    pub(super) fn member(r: roles::Role, links: &Links) -> Self {
        let s = r.settings;
        Self {
            context: None,
            id: Uri(links.role(r.customer, &r.id)),
            class: "Role".to_owned(),
            name: s.name,
            label: s.label,
            aliases: s.aliases,
            auth_service: s.auth_service.map(|id| Uri(links.auth_service(r.customer, &id))),
        }
    }

    fn item(r: roles::Role, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Role"))), ..Self::member(r, links) }
    }
}

/// The id of an auth service of the customer.
fn service_id(links: &Links, customer: i64, reference: &str, at: &str) -> Result<String, Error> {
    links.id_within(&links.auth_services(customer), reference).ok_or_else(|| {
        Error::invalid(at, format!("`{reference}` is no auth service of this customer: give the URI of one."))
    })
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            #[oai(validator(min_length = 1, max_length = 500))]
            name: String,
            #[oai(validator(max_length = 1000))]
            label: Option<String>,
            #[oai(validator(max_items = 500))]
            aliases: Option<Vec<Alias>>,
            auth_service: Option<AuthServiceReference>,
        }

        impl Input for $name {
            const CLASS: &'static str = "Role";

            fn prepare(members: &mut Map<String, JsonValue>) {
                reference_by_id(members, "authService");
            }
        }

        impl $name {
            fn settings(self, links: &Links, customer: i64) -> Result<Settings, Error> {
                let id = |service: AuthServiceReference| service_id(links, customer, &service.0, "/authService");
                Ok(Settings {
                    name: self.name,
                    label: self.label.unwrap_or_default(),
                    aliases: self.aliases.unwrap_or_default().into_iter().map(|a| a.0).collect(),
                    auth_service: self.auth_service.map(id).transpose()?,
                })
            }
        }
    };
}

settings!(
    /// A role to be created.
    RoleCreate
);
settings!(
    /// What a role is to be.
    RoleReplace
);

/// Changes to a role.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct RoleUpdate {
    #[oai(validator(min_length = 1, max_length = 500))]
    name: Option<String>,
    #[oai(nullable, validator(max_length = 1000))]
    label: MaybeUndefined<String>,
    #[oai(nullable, validator(max_items = 500))]
    aliases: MaybeUndefined<Vec<Alias>>,
    #[oai(nullable)]
    auth_service: MaybeUndefined<AuthServiceReference>,
}

impl Input for RoleUpdate {
    const CLASS: &'static str = "Role";
    const PATCH: bool = true;

    fn prepare(members: &mut Map<String, JsonValue>) {
        reference_by_id(members, "authService");
    }
}

impl RoleUpdate {
    fn changes(self, links: &Links, customer: i64) -> Result<Changes, Error> {
        let service = match self.auth_service {
            MaybeUndefined::Value(service) => {
                MaybeUndefined::Value(service_id(links, customer, &service.0, "/authService")?)
            }
            MaybeUndefined::Null => MaybeUndefined::Null,
            MaybeUndefined::Undefined => MaybeUndefined::Undefined,
        };
        Ok(Changes {
            name: self.name,
            label: change(self.label),
            aliases: change(self.aliases).map(|all| all.into_iter().map(|a| a.0).collect()),
            auth_service: change(service),
        })
    }
}

/// Which auth service is to grant a role.
#[derive(Debug, Clone, Object)]
pub struct RoleAuthServiceReplace {
    #[oai(rename = "@id")]
    id: AuthServiceReference,
}

impl Input for RoleAuthServiceReplace {
    const CLASS: &'static str = "AuthService";
}

/// Which auth service is to grant a role instead.
#[derive(Debug, Clone, Object)]
pub struct RoleAuthServiceUpdate {
    #[oai(rename = "@id")]
    id: Option<AuthServiceReference>,
}

impl Input for RoleAuthServiceUpdate {
    const CLASS: &'static str = "AuthService";
    const PATCH: bool = true;
}

/// The stored role as its caller sees it, once the conditions of the request hold; the version to write under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(Role, Option<i64>), Failure> {
    let old = roles::get(&caller.app.db, customer, id).await?;
    let version = old.version;
    caller.checked(Role::item(old, &caller.links), version)
}

/// Checks the conditions of the request on the auth service of a role; that service, and the version of the role to
/// write under.
async fn check_service(
    caller: &Caller,
    customer: i64,
    id: &str,
) -> Result<(Option<AuthService>, Option<i64>), Failure> {
    let role = roles::get(&caller.app.db, customer, id).await?;
    let shown = match roles::auth_service(&caller.app.db, &role).await {
        Ok(service) => Some(AuthService::item(service, &caller.links)),
        Err(Error::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    caller.conditions.check(shown.as_ref().map(Resource::etag).as_deref())?;
    Ok((shown, caller.conditions.any().then_some(role.version)))
}

/// The auth service that a body refers to, as it is shown. Where there is none, the grant says so.
async fn referred(caller: &Caller, customer: i64, id: &str) -> Result<Option<AuthService>, Failure> {
    match domain::auth_services::get(&caller.app.db, customer, id).await {
        Ok(service) => Ok(Some(AuthService::item(service, &caller.links))),
        Err(Error::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A role has its auth service, and doesn't change it: what else the body says of it must be as it is.
fn check_members(raw: &Map<String, JsonValue>, input: &str, service: Option<AuthService>) -> Result<(), Failure> {
    let Some(known) = service else { return Ok(()) };
    read_only::check::<AuthService>(raw, input, Some(&read_only::shown(&known)), "")
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Roles")]
impl Api {
    #[oai(path = "/customers/:customer/roles", method = "get", operation_id = "role_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<RoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = roles::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|r| Role::member(r, &caller.links));
        Ok(caller.value(&RoleCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/roles", method = "post", operation_id = "role_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<RoleCreate>,
    ) -> Result<Created<Role>, Fail<Conflicts>> {
        read_only::check::<Role>(&body.raw, "RoleCreate", None, "")?;
        let settings = body.value.settings(&caller.links, customer.0.0)?;
        let made = roles::create(&caller.app.db, customer.0.0, settings).await?;
        Ok(caller.created(&Role::item(made, &caller.links)))
    }

    #[oai(path = "/customers/:customer/roles/:role", method = "get", operation_id = "role_view")]
    async fn view(&self, caller: Caller, customer: Path<CustomerId>, role: Path<RoleId>) -> Result<View<Role>, Fail> {
        let found = roles::get(&caller.app.db, customer.0.0, &role.0.0).await?;
        Ok(caller.view(&Role::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/roles/:role", method = "put", operation_id = "role_replace")]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
        body: Json<RoleReplace>,
    ) -> Result<Replaced<Role>, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (known, version) = match stored(&caller, customer, &id).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                let version = caller.absent()?;
                ids::check(&id).map_err(|detail| Error::invalid("role", detail))?;
                (json!({ "@id": caller.links.role(customer, &id) }), version)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<Role>(&body.raw, "RoleReplace", Some(&known), "")?;
        let settings = body.value.settings(&caller.links, customer)?;
        let (new, is_new) = roles::replace(&caller.app.db, customer, id, settings, version).await?;
        Ok(caller.replaced(&Role::item(new, &caller.links), is_new))
    }

    #[oai(path = "/customers/:customer/roles/:role", method = "patch", operation_id = "role_update")]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
        body: Json<RoleUpdate>,
    ) -> Result<Updated<Role>, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (shown, version) = stored(&caller, customer, &id).await?;
        read_only::check::<Role>(&body.raw, "RoleUpdate", Some(&read_only::shown(&shown)), "")?;
        let changes = body.value.changes(&caller.links, customer)?;
        let new = roles::update(&caller.app.db, customer, id, changes, version).await?;
        Ok(caller.updated(&Role::item(new, &caller.links)))
    }

    #[oai(path = "/customers/:customer/roles/:role", method = "delete", operation_id = "role_delete")]
    async fn delete(&self, caller: Caller, customer: Path<CustomerId>, role: Path<RoleId>) -> Result<Deleted, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (_, version) = stored(&caller, customer, &id).await?;
        roles::delete(&caller.app.db, customer, id, version).await?;
        Ok(caller.deleted())
    }

    #[oai(
        path = "/customers/:customer/roles/:role/authService",
        method = "get",
        operation_id = "role_view_auth_service"
    )]
    async fn view_auth_service(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
    ) -> Result<View<AuthService>, Fail> {
        let role = roles::get(&caller.app.db, customer.0.0, &role.0.0).await?;
        let found = roles::auth_service(&caller.app.db, &role).await?;
        Ok(caller.view(&AuthService::item(found, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/roles/:role/authService",
        method = "put",
        operation_id = "role_replace_auth_service"
    )]
    async fn replace_auth_service(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
        body: Json<RoleAuthServiceReplace>,
    ) -> Result<Replaced<AuthService>, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (_, version) = check_service(&caller, customer, &id).await?;
        let service = service_id(&caller.links, customer, &body.value.id.0, "/@id")?;
        check_members(&body.raw, "RoleAuthServiceReplace", referred(&caller, customer, &service).await?)?;
        let (found, is_first) = roles::grant(&caller.app.db, customer, id, Some(service), true, version).await?;
        Ok(caller.replaced(&AuthService::item(found, &caller.links), is_first))
    }

    #[oai(
        path = "/customers/:customer/roles/:role/authService",
        method = "patch",
        operation_id = "role_update_auth_service"
    )]
    async fn update_auth_service(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
        body: Json<RoleAuthServiceUpdate>,
    ) -> Result<Updated<AuthService>, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (shown, version) = check_service(&caller, customer, &id).await?;
        let service = body.value.id.map(|r| service_id(&caller.links, customer, &r.0, "/@id")).transpose()?;
        let known = match &service {
            Some(service) => referred(&caller, customer, service).await?,
            None => shown,
        };
        check_members(&body.raw, "RoleAuthServiceUpdate", known)?;
        let (found, _) = roles::grant(&caller.app.db, customer, id, service, false, version).await?;
        Ok(caller.updated(&AuthService::item(found, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/roles/:role/authService",
        method = "delete",
        operation_id = "role_delete_auth_service"
    )]
    async fn delete_auth_service(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        role: Path<RoleId>,
    ) -> Result<Deleted, Fail> {
        let (customer, id) = (customer.0.0, role.0.0);
        let (_, version) = check_service(&caller, customer, &id).await?;
        roles::revoke(&caller.app.db, customer, id, version).await?;
        Ok(caller.deleted())
    }
}
