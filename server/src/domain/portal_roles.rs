//! The roles that portal users can have, the same for every customer.

use super::{
    Error,
    page::{self, Page, Paging},
};

/// A role of portal users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalRole {
    /// Its name in URLs.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
}

const ROLES: &[PortalRole] = &[
    PortalRole { id: "admin", name: "Administrator" },
    PortalRole { id: "readonly", name: "Read only" },
    PortalRole { id: "samplerole", name: "Sample role" },
];

/// One role, if there is one of this name.
pub fn find(id: &str) -> Option<PortalRole> {
    ROLES.iter().find(|r| r.id == id).cloned()
}

/// One role.
///
/// # Errors
/// [`Error::Missing`].
pub fn get(id: &str) -> Result<PortalRole, Error> {
    find(id).ok_or_else(|| Error::Missing(format!("There is no portal role `{id}`.")))
}

/// Every role, as the words of a sentence.
pub fn named() -> String {
    ROLES.iter().map(|r| format!("`{}`", r.id)).collect::<Vec<_>>().join(", ")
}

/// All roles.
///
/// # Errors
/// [`Error::Invalid`] for a cursor of another list.
pub fn list(paging: &Paging) -> Result<Page<PortalRole>, Error> {
    page::short(ROLES.to_vec(), paging)
}
