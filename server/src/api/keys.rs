//! API keys of a customer.

use super::Tag;
use crate::{
    collection,
    domain::keys,
    http::{
        answer::{Deleted, Disclosed, Resource, Value, View},
        body::{Input, Json, reference_by_id},
        links::Links,
        parameters,
        problem::{Fail, Failure},
        read_only,
        session::Caller,
        types::{CustomerId, KeyId, PortalUserReference, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};
use serde_json::{Map, Value as JsonValue};

/// An API key, without its secret.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Key {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    key: String,
    created: Time,
    portal_user: Option<Uri>,
}
resource!(Key);
collection!(
    /// A page of keys.
    KeyCollection of Key
);

/// An API key to be created.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct KeyCreate {
    portal_user: Option<PortalUserReference>,
}

impl Input for KeyCreate {
    const CLASS: &'static str = "Key";
    const OPTIONAL: bool = true;

    fn prepare(members: &mut Map<String, JsonValue>) {
        reference_by_id(members, "portalUser");
    }
}

impl KeyCreate {
    /// The id of the portal user that is meant.
    fn portal_user(self, links: &Links, customer: i64) -> Result<Option<String>, Failure> {
        let Some(PortalUserReference(reference)) = self.portal_user else { return Ok(None) };
        let id = links.id_within(&links.portal_users(customer), &reference).ok_or_else(|| {
            let detail = format!("`{reference}` is no portal user of this customer: give the URI of one.");
            Failure::invalid("/portalUser", detail)
        })?;
        Ok(Some(id))
    }
}

/// A new API key with its secret.
#[derive(Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct KeyCreated {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    key: String,
    secret: String,
    token: String,
    created: Time,
    portal_user: Option<Uri>,
}
resource!(KeyCreated);

impl Key {
    fn member(k: keys::Key, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.key(k.customer, &k.id)),
            class: "Key".to_owned(),
            key: k.id,
            created: Time(k.created),
            portal_user: k.portal_user.map(|user| Uri(links.portal_user(k.customer, &user))),
        }
    }

    fn item(k: keys::Key, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Key"))), ..Self::member(k, links) }
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Keys")]
impl Api {
    #[oai(path = "/customers/:customer/keys", method = "get", operation_id = "key_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<KeyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = keys::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|k| Key::member(k, &caller.links));
        Ok(caller.value(&KeyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/keys", method = "post", operation_id = "key_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<KeyCreate>,
    ) -> Result<Disclosed<KeyCreated>, Fail> {
        read_only::check::<Key>(&body.raw, "KeyCreate", None, "")?;
        let user = body.value.portal_user(&caller.links, customer.0.0)?;
        let made = keys::create(&caller.app.db, customer.0.0, user).await?;
        let Key { id, class, key, created, portal_user, .. } = Key::member(made.key, &caller.links);
        let token = format!("{key}.{}", made.secret);
        let context = Uri(caller.links.context("Key"));
        Ok(caller.disclosed(&KeyCreated { context, id, class, key, secret: made.secret, token, created, portal_user }))
    }

    #[oai(path = "/customers/:customer/keys/:key", method = "get", operation_id = "key_view")]
    async fn view(&self, caller: Caller, customer: Path<CustomerId>, key: Path<KeyId>) -> Result<View<Key>, Fail> {
        let found = keys::get(&caller.app.db, customer.0.0, &key.0.0).await?;
        Ok(caller.view(&Key::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/keys/:key", method = "delete", operation_id = "key_delete")]
    async fn delete(&self, caller: Caller, customer: Path<CustomerId>, key: Path<KeyId>) -> Result<Deleted, Fail> {
        let found = keys::get(&caller.app.db, customer.0.0, &key.0.0).await?;
        let shown = Key::item(found, &caller.links);
        caller.conditions.check(Some(&shown.etag()))?;
        keys::delete(&caller.app.db, customer.0.0, &key.0.0).await?;
        Ok(caller.deleted())
    }
}
