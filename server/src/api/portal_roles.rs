//! The roles that portal users can have.

use super::Tag;
use crate::{
    collection,
    domain::portal_roles,
    http::{
        answer::{Value, View},
        links::Links,
        parameters,
        problem::{Fail, Named},
        session::Caller,
        types::{PortalRoleId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// A role that portal users can have.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct PortalRole {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
}
resource!(PortalRole);
collection!(
    /// A page of portal roles.
    PortalRoleCollection of PortalRole
);

impl PortalRole {
    pub(super) fn member(r: &portal_roles::PortalRole, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.portal_role(r.id)),
            class: "PortalRole".to_owned(),
            name: r.name.to_owned(),
        }
    }

    pub(super) fn item(r: &portal_roles::PortalRole, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("PortalRole"))), ..Self::member(r, links) }
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::PortalUsers")]
impl Api {
    #[oai(path = "/portalRoles", method = "get", operation_id = "portal_role_list")]
    async fn list(&self, caller: Caller) -> Result<Value<PortalRoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = portal_roles::list(&paging)?.map(|r| PortalRole::member(&r, &caller.links));
        Ok(caller.value(&PortalRoleCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/portalRoles/:role", method = "get", operation_id = "portal_role_view")]
    async fn view(&self, caller: Caller, role: Path<PortalRoleId>) -> Result<View<PortalRole>, Fail<Named>> {
        Ok(caller.view(&PortalRole::item(&portal_roles::get(&role.0.0)?, &caller.links)))
    }
}
