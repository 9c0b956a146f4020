//! Who changed what of a customer.

use super::Tag;
use crate::{
    collection,
    domain::audit,
    http::{
        answer::Value,
        links::Links,
        parameters,
        problem::Fail,
        session::Caller,
        types::{CustomerId, Time, Uri},
    },
};
use poem_openapi::{Object, OpenApi, param::Path};

/// One change.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct AuditEntry {
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    created: Time,
    operation: String,
    target: String,
    actor: i64,
    key: String,
    portal_user: Option<String>,
    request_id: String,
}
collection!(
    /// A page of changes.
    AuditEntryCollection of AuditEntry
);

impl AuditEntry {
    fn member(e: audit::Entry, links: &Links) -> Self {
        Self {
            id: Uri(format!("{}/audit#{}", links.customer(e.customer), e.id)),
            class: "AuditEntry".to_owned(),
            created: Time(e.created),
            operation: e.operation,
            target: e.target,
            actor: e.actor,
            key: e.key,
            portal_user: e.portal_user,
            request_id: e.request,
        }
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Audit")]
impl Api {
    #[oai(path = "/customers/:customer/audit", method = "get", operation_id = "audit_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<AuditEntryCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = audit::list(&caller.app.db, customer.0.0, &paging).await?;
        let page = page.map(|e| AuditEntry::member(e, &caller.links));
        Ok(caller.value(&AuditEntryCollection::new(&caller, &paging, page)))
    }
}
