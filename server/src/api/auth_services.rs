//! Auth services, and the services nested in them.

pub mod role_provider;

use super::{Tag, change};
use crate::{
    collection,
    domain::{
        Error,
        auth_services::{self, Changes, LOGIN, Settings, default_time_to_live},
        ids,
    },
    http::{
        answer::{Created, Deleted, Replaced, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only,
        session::Caller,
        types::{AuthProfile, AuthServiceId, CustomerId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::json;

/// An auth service.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct AuthService {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    profile: String,
    label: String,
    description: String,
    page_label: String,
    page_description: String,
    call_to_action: String,
    time_to_live: i64,
    nested_services: Uri,
    role_provider: Option<Uri>,
}
resource!(AuthService);
collection!(
    /// A page of auth services.
    AuthServiceCollection of AuthService
);

impl AuthService {
    fn member(a: auth_services::AuthService, links: &Links) -> Self {
        let id = links.auth_service(a.customer, &a.id);
        let s = a.settings;
        Self {
            context: None,
            class: "AuthService".to_owned(),
            name: s.name,
            profile: s.profile,
            label: s.label,
            description: s.description,
            page_label: s.page_label,
            page_description: s.page_description,
            call_to_action: s.call_to_action,
            time_to_live: s.time_to_live,
            nested_services: Uri(format!("{id}/nestedServices")),
            role_provider: a.provider.map(|_| Uri(format!("{id}/roleProvider"))),
            id: Uri(id),
        }
    }

    pub(super) fn item(a: auth_services::AuthService, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("AuthService"))), ..Self::member(a, links) }
    }
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            #[oai(validator(min_length = 1, max_length = 250))]
            name: String,
            profile: Option<AuthProfile>,
            #[oai(validator(max_length = 1000))]
            label: Option<String>,
            #[oai(validator(max_length = 4000))]
            description: Option<String>,
            #[oai(validator(max_length = 1000))]
            page_label: Option<String>,
            #[oai(validator(max_length = 4000))]
            page_description: Option<String>,
            #[oai(validator(max_length = 1000))]
            call_to_action: Option<String>,
            #[oai(validator(minimum(value = "0")))]
            time_to_live: Option<i64>,
        }

        impl Input for $name {
            const CLASS: &'static str = "AuthService";
        }

        impl $name {
            fn settings(self) -> Settings {
                let profile = self.profile.map_or_else(|| LOGIN.to_owned(), |profile| profile.0);
                Settings {
                    name: self.name,
                    label: self.label.unwrap_or_default(),
                    description: self.description.unwrap_or_default(),
                    page_label: self.page_label.unwrap_or_default(),
                    page_description: self.page_description.unwrap_or_default(),
                    call_to_action: self.call_to_action.unwrap_or_default(),
                    time_to_live: self.time_to_live.unwrap_or_else(|| default_time_to_live(&profile)),
                    profile,
                }
            }
        }
    };
}

settings!(
    /// An auth service to be created.
    AuthServiceCreate
);
settings!(
    /// What an auth service is to be.
    AuthServiceReplace
);

/// Changes to an auth service.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct AuthServiceUpdate {
    #[oai(validator(min_length = 1, max_length = 250))]
    name: Option<String>,
    #[oai(nullable)]
    profile: MaybeUndefined<AuthProfile>,
    #[oai(nullable, validator(max_length = 1000))]
    label: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 4000))]
    description: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 1000))]
    page_label: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 4000))]
    page_description: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 1000))]
    call_to_action: MaybeUndefined<String>,
    #[oai(nullable, validator(minimum(value = "0")))]
    time_to_live: MaybeUndefined<i64>,
}

impl Input for AuthServiceUpdate {
    const CLASS: &'static str = "AuthService";
    const PATCH: bool = true;
}

impl AuthServiceUpdate {
    fn changes(self) -> Changes {
        Changes {
            name: self.name,
            profile: change(self.profile).map(|profile| profile.0),
            label: change(self.label),
            description: change(self.description),
            page_label: change(self.page_label),
            page_description: change(self.page_description),
            call_to_action: change(self.call_to_action),
            time_to_live: change(self.time_to_live),
        }
    }
}

/// The stored auth service as its caller sees it, once the conditions of the request hold; the version to write
/// under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(AuthService, Option<i64>), Failure> {
    let old = auth_services::get(&caller.app.db, customer, id).await?;
    let version = old.version;
    caller.checked(AuthService::item(old, &caller.links), version)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::AuthServices")]
impl Api {
    #[oai(path = "/customers/:customer/authServices", method = "get", operation_id = "auth_service_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<AuthServiceCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = auth_services::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|a| AuthService::member(a, &caller.links));
        Ok(caller.value(&AuthServiceCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/authServices", method = "post", operation_id = "auth_service_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<AuthServiceCreate>,
    ) -> Result<Created<AuthService>, Fail> {
        read_only::check::<AuthService>(&body.raw, "AuthServiceCreate", None, "")?;
        let made = auth_services::create(&caller.app.db, customer.0.0, body.value.settings()).await?;
        Ok(caller.created(&AuthService::item(made, &caller.links)))
    }

    #[oai(path = "/customers/:customer/authServices/:auth_service", method = "get", operation_id = "auth_service_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
    ) -> Result<View<AuthService>, Fail> {
        let found = auth_services::get(&caller.app.db, customer.0.0, &auth_service.0.0).await?;
        Ok(caller.view(&AuthService::item(found, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service",
        method = "put",
        operation_id = "auth_service_replace"
    )]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
        body: Json<AuthServiceReplace>,
    ) -> Result<Replaced<AuthService>, Fail> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (known, version) = match stored(&caller, customer, &id).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                let version = caller.absent()?;
                ids::check(&id).map_err(|detail| Error::invalid("auth_service", detail))?;
                let link = caller.links.auth_service(customer, &id);
                (json!({ "nestedServices": format!("{link}/nestedServices"), "@id": link }), version)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<AuthService>(&body.raw, "AuthServiceReplace", Some(&known), "")?;
        let (new, is_new) =
            auth_services::replace(&caller.app.db, customer, id, body.value.settings(), version).await?;
        Ok(caller.replaced(&AuthService::item(new, &caller.links), is_new))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service",
        method = "patch",
        operation_id = "auth_service_update"
    )]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
        body: Json<AuthServiceUpdate>,
    ) -> Result<Updated<AuthService>, Fail> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (shown, version) = stored(&caller, customer, &id).await?;
        let known = read_only::shown(&shown);
        read_only::check::<AuthService>(&body.raw, "AuthServiceUpdate", Some(&known), "")?;
        let new = auth_services::update(&caller.app.db, customer, id, body.value.changes(), version).await?;
        Ok(caller.updated(&AuthService::item(new, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service",
        method = "delete",
        operation_id = "auth_service_delete"
    )]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
    ) -> Result<Deleted, Fail<Conflicts>> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (_, version) = stored(&caller, customer, &id).await?;
        auth_services::delete(&caller.app.db, customer, id, version).await?;
        Ok(caller.deleted())
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/nestedServices",
        method = "get",
        operation_id = "auth_service_list_nested"
    )]
    async fn list_nested(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
    ) -> Result<Value<AuthServiceCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = auth_services::list_nested(&caller.app.db, customer.0.0, &auth_service.0.0, &paging).await?;
        let page = page.map(|a| AuthService::member(a, &caller.links));
        Ok(caller.value(&AuthServiceCollection::new(&caller, &paging, page)))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/nestedServices",
        method = "post",
        operation_id = "auth_service_create_nested"
    )]
    async fn create_nested(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
        body: Json<AuthServiceCreate>,
    ) -> Result<Created<AuthService>, Fail> {
        auth_services::get(&caller.app.db, customer.0.0, &auth_service.0.0).await?;
        read_only::check::<AuthService>(&body.raw, "AuthServiceCreate", None, "")?;
        let settings = body.value.settings();
        let made = auth_services::create_nested(&caller.app.db, customer.0.0, auth_service.0.0, settings).await?;
        Ok(caller.created(&AuthService::item(made, &caller.links)))
    }
}
