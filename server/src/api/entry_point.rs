//! Where every walk through the API starts.

use super::Tag;
use crate::{
    domain::customers,
    http::{
        answer::{Value, View},
        problem::{Fail, Probed},
        session::Session,
        types::Uri,
    },
    resource,
};
use poem_openapi::{Object, OpenApi};

/// The entry point.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct EntryPoint {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    customers: Uri,
    portal_roles: Uri,
    origin_strategies: Uri,
    image_optimisation_policies: Uri,
    thumbnail_policies: Uri,
    storage_policies: Uri,
}
resource!(EntryPoint);

/// A sign of life.
#[derive(Debug, Clone, Object)]
pub struct Ping {
    status: String,
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::EntryPoint")]
impl Api {
    #[oai(path = "/", method = "get", operation_id = "entry_point_view")]
    async fn view(&self, session: Session) -> Result<View<EntryPoint>, Fail> {
        let links = &session.links;
        Ok(session.view(&EntryPoint {
            context: Uri(links.context("EntryPoint")),
            id: Uri(links.base().to_owned()),
            class: "EntryPoint".to_owned(),
            customers: Uri(links.path("/customers")),
            portal_roles: Uri(links.path("/portalRoles")),
            origin_strategies: Uri(links.path("/originStrategies")),
            image_optimisation_policies: Uri(links.path("/imageOptimisationPolicies")),
            thumbnail_policies: Uri(links.path("/thumbnailPolicies")),
            storage_policies: Uri(links.path("/storagePolicies")),
        }))
    }

    #[oai(path = "/ping", method = "get", operation_id = "entry_point_ping")]
    async fn ping(&self, session: Session) -> Result<Value<Ping>, Fail<Probed>> {
        customers::get(&session.app.db, 1).await?;
        Ok(session.value(&Ping { status: "ok".to_owned() }))
    }
}
