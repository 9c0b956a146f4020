//! Auth services, the services nested in them, and their role providers.

use super::{Tag, change};
use crate::{
    collection,
    domain::{
        Error,
        auth_services::{self, CONCEALED, Changes, LOGIN, ProviderChanges, Settings, default_time_to_live},
        ids,
    },
    http::{
        answer::{Created, Deleted, Replaced, Resource, Updated, Value, View},
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
use serde_json::{Map, Value as JsonValue, json};

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

/// A role provider.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct RoleProvider {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    configuration: String,
    credentials: Option<String>,
}
resource!(RoleProvider);

impl RoleProvider {
    fn item(service: &auth_services::AuthService, links: &Links) -> Result<Self, Error> {
        let provider = auth_services::provider(service)?;
        Ok(Self {
            context: Some(Uri(links.context("RoleProvider"))),
            id: Uri(provider_link(links, service.customer, &service.id)),
            class: "RoleProvider".to_owned(),
            configuration: provider.configuration.clone(),
            credentials: provider.credentials.as_ref().map(|_| CONCEALED.to_owned()),
        })
    }
}

fn provider_link(links: &Links, customer: i64, service: &str) -> String {
    format!("{}/roleProvider", links.auth_service(customer, service))
}

/// What a role provider is to be.
#[derive(Clone, Object)]
pub struct RoleProviderReplace {
    #[oai(validator(min_length = 2, max_length = 4000))]
    configuration: String,
    #[oai(validator(min_length = 2, max_length = 4000))]
    credentials: Option<String>,
}

/// Changes to a role provider.
#[derive(Clone, Object)]
pub struct RoleProviderUpdate {
    #[oai(validator(min_length = 2, max_length = 4000))]
    configuration: Option<String>,
    #[oai(nullable, validator(min_length = 2, max_length = 4000))]
    credentials: MaybeUndefined<String>,
}

/// Objects are taken for their texts.
fn objects_as_texts(members: &mut Map<String, JsonValue>) {
    for name in ["configuration", "credentials"] {
        if let Some(value) = members.get_mut(name).filter(|value| value.is_object()) {
            *value = JsonValue::String(value.to_string());
        }
    }
}

impl Input for RoleProviderReplace {
    const CLASS: &'static str = "RoleProvider";

    fn prepare(members: &mut Map<String, JsonValue>) {
        objects_as_texts(members);
    }
}

impl Input for RoleProviderUpdate {
    const CLASS: &'static str = "RoleProvider";
    const PATCH: bool = true;

    fn prepare(members: &mut Map<String, JsonValue>) {
        objects_as_texts(members);
    }
}

/// What the changes of a body are to a role provider.
fn provider_changes(
    caller: &Caller,
    configuration: Option<String>,
    credentials: MaybeUndefined<String>,
) -> Result<ProviderChanges, Error> {
    use crate::domain::Change;
    Ok(ProviderChanges {
        concealed: matches!(&credentials, MaybeUndefined::Value(text) if text == CONCEALED),
        configuration: configuration.map(auth_services::configuration).transpose()?,
        credentials: match change(credentials) {
            Change::Set(text) => auth_services::credentials(&text, &caller.app.secrets)?,
            Change::Reset => Change::Reset,
            Change::Keep => Change::Keep,
        },
    })
}

/// The stored auth service as its caller sees it, once the conditions of the request hold; the version to write
/// under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(AuthService, Option<i64>), Failure> {
    let old = auth_services::get(&caller.app.db, customer, id).await?;
    let version = old.version;
    caller.checked(AuthService::item(old, &caller.links), version)
}

/// As [`stored`], of the role provider; `None` where the auth service has none.
async fn stored_provider(
    caller: &Caller,
    customer: i64,
    id: &str,
) -> Result<(Option<RoleProvider>, Option<i64>), Failure> {
    let old = auth_services::get(&caller.app.db, customer, id).await?;
    let shown = old.provider.is_some().then(|| RoleProvider::item(&old, &caller.links)).transpose()?;
    caller.conditions.check(shown.as_ref().map(Resource::etag).as_deref())?;
    Ok((shown, caller.conditions.any().then_some(old.version)))
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

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/roleProvider",
        method = "get",
        operation_id = "auth_service_view_role_provider"
    )]
    async fn view_role_provider(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
    ) -> Result<View<RoleProvider>, Fail> {
        let found = auth_services::get(&caller.app.db, customer.0.0, &auth_service.0.0).await?;
        Ok(caller.view(&RoleProvider::item(&found, &caller.links)?))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/roleProvider",
        method = "put",
        operation_id = "auth_service_replace_role_provider"
    )]
    async fn replace_role_provider(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
        body: Json<RoleProviderReplace>,
    ) -> Result<Replaced<RoleProvider>, Fail> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (shown, version) = stored_provider(&caller, customer, &id).await?;
        let known = match &shown {
            Some(shown) => read_only::shown(shown),
            None => json!({ "@id": provider_link(&caller.links, customer, &id) }),
        };
        read_only::check::<RoleProvider>(&body.raw, "RoleProviderReplace", Some(&known), "")?;
        let RoleProviderReplace { configuration, credentials } = body.value;
        let credentials = credentials.map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        let changes = provider_changes(&caller, Some(configuration), credentials)?;
        let (new, is_new) = auth_services::put_provider(&caller.app.db, customer, id, changes, true, version).await?;
        Ok(caller.replaced(&RoleProvider::item(&new, &caller.links)?, is_new))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/roleProvider",
        method = "patch",
        operation_id = "auth_service_update_role_provider"
    )]
    async fn update_role_provider(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
        body: Json<RoleProviderUpdate>,
    ) -> Result<Updated<RoleProvider>, Fail> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (shown, version) = stored_provider(&caller, customer, &id).await?;
        let known = shown.as_ref().map(read_only::shown);
        read_only::check::<RoleProvider>(&body.raw, "RoleProviderUpdate", known.as_ref(), "")?;
        let changes = provider_changes(&caller, body.value.configuration, body.value.credentials)?;
        let (new, _) = auth_services::put_provider(&caller.app.db, customer, id, changes, false, version).await?;
        Ok(caller.updated(&RoleProvider::item(&new, &caller.links)?))
    }

    #[oai(
        path = "/customers/:customer/authServices/:auth_service/roleProvider",
        method = "delete",
        operation_id = "auth_service_delete_role_provider"
    )]
    async fn delete_role_provider(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        auth_service: Path<AuthServiceId>,
    ) -> Result<Deleted, Fail> {
        let (customer, id) = (customer.0.0, auth_service.0.0);
        let (_, version) = stored_provider(&caller, customer, &id).await?;
        auth_services::delete_provider(&caller.app.db, customer, id, version).await?;
        Ok(caller.deleted())
    }
}
