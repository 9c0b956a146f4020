//! References to roles: those that a space gives its images, and those of an image.

use super::roles::Role;
use crate::{
    collection,
    domain::{
        Error, Fault, check,
        roles::{Given, Reference, References, Target},
    },
    http::{
        body::{self, Input},
        links::Links,
        problem::Failure,
        types::{RoleReference, Uri},
    },
};
use poem_openapi::Object;
use serde_json::{Map, Value as JsonValue};

/// A role that an image has, or that a space gives its images.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct GivenRole {
    #[oai(rename = "@id")]
    id: String,
    #[oai(rename = "@type")]
    class: String,
    name: Option<String>,
    label: Option<String>,
    aliases: Option<Vec<String>>,
    auth_service: Option<Uri>,
}
collection!(
    /// A page of roles, as they were given.
    GivenRoleCollection of GivenRole
);

impl GivenRole {
    pub(super) fn member(given: Given, links: &Links) -> Self {
        match given {
            Given::Role(role) => {
                let Role { id, class, name, label, aliases, auth_service, .. } = Role::member(role, links);
                Self { id: id.0, class, name: Some(name), label: Some(label), aliases: Some(aliases), auth_service }
            }
            Given::Uri(uri) => {
                Self { id: uri, class: "Role".to_owned(), name: None, label: None, aliases: None, auth_service: None }
            }
        }
    }
}

/// Roles to be added.
#[derive(Debug, Clone, Object)]
pub struct RolesAdd {
    #[oai(rename = "@id")]
    id: Option<RoleReference>,
    #[oai(validator(max_items = 100))]
    member: Option<Vec<RoleReference>>,
}

impl Input for RolesAdd {
    const CLASS: &'static str = "Role";
    const ALSO: &'static [&'static str] = &["Collection", "RoleCollection"];

    fn prepare(members: &mut Map<String, JsonValue>) {
        body::name_member(members);
        for role in members.get_mut("member").and_then(JsonValue::as_array_mut).into_iter().flatten() {
            if let Some(id @ JsonValue::String(_)) = role.get_mut("@id").map(JsonValue::take) {
                *role = id;
            }
        }
        if members.contains_key("member") {
            // This is the `@id` of the collection.
            members.remove("@id");
        }
    }

    fn of_list(items: Vec<JsonValue>) -> Option<Map<String, JsonValue>> {
        Some(Map::from_iter([("member".to_owned(), JsonValue::Array(items))]))
    }
}

impl RolesAdd {
    /// The roles; those of this service must be roles of the customer, those of other hosts are not ours to know.
    pub(super) fn references(self, links: &Links, customer: i64) -> Result<References, Failure> {
        let home = links.roles(customer);
        let all = match (self.member, self.id) {
            (Some(roles), _) => references(roles, "/member", links, &home)?,
            (None, Some(role)) => references(vec![role], "/@id", links, &home)?
                .into_iter()
                .map(|role| Reference { at: "/@id".to_owned(), ..role })
                .collect(),
            (None, None) => {
                return Err(Error::invalid("/member", "The member `member` is missing: say which roles to add.").into());
            }
        };
        Ok(References { home, all })
    }
}

/// References to roles, of which those of the customer are at `home`; their places in the body are under `at`.
pub(super) fn references(
    roles: Vec<RoleReference>,
    at: &str,
    links: &Links,
    home: &str,
) -> Result<Vec<Reference>, Failure> {
    let mut faults = Vec::new();
    let mut all = Vec::with_capacity(roles.len());
    for (i, RoleReference(text)) in roles.into_iter().enumerate() {
        let at = format!("{at}/{i}");
        match links.id_within(home, &text) {
            Some(id) => all.push(Reference { at, to: Target::Id(id) }),
            None if links.is_own(&text) => all.push(Reference { at, to: Target::Other(text) }),
            None if url::Url::parse(&text).is_ok() => all.push(Reference { at, to: Target::Uri(text) }),
            None => faults.push(Fault::new(at, format!("`{text}` is neither the URI nor the id of a role."))),
        }
    }
    check(faults)?;
    Ok(all)
}
