//! The role provider of an auth service.

use crate::{
    api::{Tag, change},
    domain::{
        Change, Error,
        auth_services::{self, CONCEALED, ProviderChanges},
    },
    http::{
        answer::{Deleted, Replaced, Resource, Updated, View},
        body::{Input, Json},
        links::Links,
        problem::{Fail, Failure},
        read_only,
        session::Caller,
        types::{AuthServiceId, CustomerId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue, json};

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
            id: Uri(link(links, service.customer, &service.id)),
            class: "RoleProvider".to_owned(),
            configuration: provider.configuration.clone(),
            credentials: provider.credentials.as_ref().map(|_| CONCEALED.to_owned()),
        })
    }
}

fn link(links: &Links, customer: i64, service: &str) -> String {
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
fn changed(
    caller: &Caller,
    configuration: Option<String>,
    credentials: MaybeUndefined<String>,
) -> Result<ProviderChanges, Error> {
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

/// The stored role provider as its caller sees it, once the conditions of the request hold, or `None` where the auth
/// service has none; the version to write under.
async fn stored(caller: &Caller, customer: i64, id: &str) -> Result<(Option<RoleProvider>, Option<i64>), Failure> {
    let old = auth_services::get(&caller.app.db, customer, id).await?;
    let shown = old.provider.is_some().then(|| RoleProvider::item(&old, &caller.links)).transpose()?;
    caller.conditions.check(shown.as_ref().map(Resource::etag).as_deref())?;
    Ok((shown, caller.conditions.any().then_some(old.version)))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::AuthServices")]
impl Api {
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
        let (shown, version) = stored(&caller, customer, &id).await?;
        let known = match &shown {
            Some(shown) => read_only::shown(shown),
            None => json!({ "@id": link(&caller.links, customer, &id) }),
        };
        read_only::check::<RoleProvider>(&body.raw, "RoleProviderReplace", Some(&known), "")?;
        let RoleProviderReplace { configuration, credentials } = body.value;
        let credentials = credentials.map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        let changes = changed(&caller, Some(configuration), credentials)?;
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
        let (shown, version) = stored(&caller, customer, &id).await?;
        let known = shown.as_ref().map(read_only::shown);
        read_only::check::<RoleProvider>(&body.raw, "RoleProviderUpdate", known.as_ref(), "")?;
        let changes = changed(&caller, body.value.configuration, body.value.credentials)?;
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
        let (_, version) = stored(&caller, customer, &id).await?;
        auth_services::delete_provider(&caller.app.db, customer, id, version).await?;
        Ok(caller.deleted())
    }
}
