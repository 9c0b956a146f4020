//! What every operation shares: authentication and ownership, errors, bodies, answers, paging, links.

pub mod account;
pub mod answer;
pub mod arguments;
pub mod base;
pub mod body;
pub mod collection;
pub mod conditions;
pub mod document;
pub mod emitted;
pub mod front;
pub mod links;
pub mod parameters;
pub mod problem;
pub mod rate;
pub mod read_only;
pub mod repeat;
pub mod session;
pub mod types;
pub mod ui;
pub mod validate;
pub mod vocabulary;

/// How failures and bodiless successes are answered (decision 3): the one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Profile {
    /// The statuses of the endpoint matrix: 205 for PATCH and DELETE, 400 for conflicts and quotas.
    #[default]
    Seed,
    /// What the clients of today's service expect: PATCH 200 with a body, DELETE 204, conflict 409,
    /// quota 507.
    Today,
}

impl Profile {
    /// Whether PATCH answers with the resource unasked.
    pub fn patch_shows(self) -> bool {
        self == Self::Today
    }

    /// The status of a DELETE that went well.
    pub fn deleted(self) -> u16 {
        if self == Self::Today { 204 } else { 205 }
    }

    /// The status of a conflict.
    pub fn conflict(self) -> u16 {
        if self == Self::Today { 409 } else { 400 }
    }

    /// The status of an exceeded quota.
    pub fn quota(self) -> u16 {
        if self == Self::Today { 507 } else { 400 }
    }
}
