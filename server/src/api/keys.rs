//! API keys of a customer.

use super::Tag;
use crate::{
    collection,
    domain::keys,
    http::{
        answer::{Deleted, Disclosed, Resource, Value, View},
        links::Links,
        parameters,
        problem::Fail,
        session::Caller,
        types::{CustomerId, KeyId, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

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
}
resource!(Key);
collection!(
    /// A page of keys.
    KeyCollection of Key
);

/// A new API key with its secret.
#[derive(Clone, Object)]
#[oai(rename_all = "camelCase")]
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
    async fn create(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Disclosed<KeyCreated>, Fail> {
        let made = keys::create(&caller.app.db, customer.0.0).await?;
        let Key { id, class, key, created, .. } = Key::member(made.key, &caller.links);
        let token = format!("{key}.{}", made.secret);
        let context = Uri(caller.links.context("Key"));
        Ok(caller.disclosed(&KeyCreated { context, id, class, key, secret: made.secret, token, created }))
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
