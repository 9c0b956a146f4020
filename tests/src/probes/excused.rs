//! What the schemas leave to prose: here a probe may be answered otherwise than they say, for these reasons.

use std::collections::BTreeSet;

use super::probe::Probe;

/// Some words.
type Words = &'static [&'static str];

/// One excuse.
#[derive(Debug)]
pub struct Excuse {
    /// The operations, as the beginnings of their ids; all where there are none.
    pub operations: Words,
    /// Where the constraint stands, as the ends of places.
    pub at: Words,
    /// The constraints, as their beginnings.
    pub constraints: Words,
    /// The status with which what is just inside is refused; none where it is about what is just outside and accepted.
    pub refusal: Option<u16>,
    /// Why.
    pub reason: &'static str,
}

/// Any good text of an allowed length.
const TEXTS: Words = &["minLength", "maxLength", "no maxLength", "any text", "example"];
/// Any good list of an allowed length.
const COUNTS: Words = &["maxItems", "no maxItems"];

/// Where prose has a word in what is accepted.
const fn refused(operations: Words, at: Words, constraints: Words, reason: &'static str) -> Excuse {
    Excuse { operations, at, constraints, refusal: Some(400), reason }
}

/// Where prose has a word in what is refused.
const fn accepted(operations: Words, at: Words, constraints: Words, reason: &'static str) -> Excuse {
    Excuse { operations, at, constraints, refusal: None, reason }
}

/// All of them. This list may only shrink.
#[rustfmt::skip]
pub const EXCUSES: &[Excuse] = &[
    // Texts that name or mean something.
    refused(&[], &["query cursor"], TEXTS, "Only a server makes cursors."),
    refused(&[], &["query q"], TEXTS, "A query is a JSON object."),
    refused(&["delivery_"], &["region", "size", "rotation", "quality"], TEXTS, "What is offered is told by `info.json`."),
    refused(&["auth_service_"], &["/profile"], &["minLength"], "A URI has more than one character."),
    refused(&["auth_service_"], &["/configuration", "/credentials"], TEXTS, "The text is a JSON object."),
    refused(&["image_", "queue_"], &["/origin", "/initialOrigin"], TEXTS, "An origin is an absolute URI."),
    refused(&["image_", "queue_"], &["/channel"], TEXTS, "There are a few channels."),
    refused(&["image_"], &["/member/0/id", "/member/0/@id"], TEXTS, "An image is named by its path or URI."),
    refused(&["image_update_many"], &["/field"], TEXTS, "Three fields can be changed."),
    refused(&["named_query_"], &["/template"], TEXTS, "A template consists of pairs."),
    refused(&["named_query_"], &["/name"], &["minL", "maxL", "pattern"], "The name of a named query doesn't change."),
    refused(&["origin_strategy_"], &["/strategy", "/originStrategy"], TEXTS, "It is one of the strategies."),
    refused(&["portal_user_"], &["/roles/0", "/@id"], TEXTS, "It is one of the portal roles."),
    refused(&["role_"], &["/authService", "/@id"], TEXTS, "It is an auth service of the customer."),
    refused(&["space_", "image_add"], &["/defaultRoles/0", "/member/0"], TEXTS, "A local role has to exist."),
    refused(&["space_"], &["/defaultRoles"], TEXTS, "A text is the link of the space itself."),
    refused(&["key_create"], &["/portalUser"], TEXTS, "It is a portal user of the customer."),
    refused(&["account_update"], &["/name"], TEXTS, "A customer has a name as others have."),
    refused(&["account_update"], &["/owner_id"], TEXTS, "The owner is a user of the account."),
    refused(&["image_replace"], &["path image"], TEXTS, "An image id is one word."),
    refused(&["named_query_replace"], &["path namedQuery"], TEXTS, "An id is one segment of a path."),
    refused(&["origin_strategy_replace"], &["path originStrategy"], TEXTS, "An id needs no encoding."),
    refused(&["origin_strategy_"], &["/regex"], TEXTS, "It is a regular expression."),
    // Lists of such texts, and what counts together.
    refused(&["portal_user_", "space_", "image_add"], &["/roles", "/member", "/defaultRoles"], COUNTS, "There are not so many roles."),
    refused(&["image_update_space"], &["/member"], COUNTS, "There are not so many images."),
    refused(&["image_", "queue_"], &["/deliveryChannels"], COUNTS, "There are a few channels."),
    refused(&["role_"], &["/aliases"], COUNTS, "The aliases have so many characters together."),
    refused(&["image_update_many"], &["/value/0"], TEXTS, "They are added to those that are there."),
    // What depends on other members or on what is stored.
    refused(&["origin_strategy_"], &["/optimised"], &["type"], "Only S3 can be optimised."),
    refused(&["origin_strategy_"], &["/strategy", "/credentials"], &["not", "nullable"], "A strategy wants credentials."),
    Excuse { refusal: Some(403), ..refused(&["named_query_"], &["/global"], &["type"], "Only administrators make global named queries.") },
    refused(&["image_replace", "queue_create_priority"], &["/family"], &["enum"], "A family stays; priority is for images."),
    refused(&["queue_"], &["/space"], &["minimum", "maximum"], "The space has to exist."),
    refused(&["space_add", "image_add"], &["/member"], &["not"], "Either member says which roles."),
    refused(&["image_"], &["/member/0/id"], &["not"], "Either member says which image."),
    // Bodies that are taken although the schema has another form of them (rules 11 and 12, and DLCS's clients).
    accepted(&[], &["body "], &["unlisted media type application/merge-patch+json"], "Any `+json` is JSON."),
    accepted(&["auth_service_"], &["/configuration", "/credentials"], &["type"], "An object is taken for its text."),
    accepted(&["space_add", "image_add"], &["body "], &["type"], "A list is taken for the collection."),
    accepted(&["space_add", "image_add"], &["/@id"], &["type", "minL", "maxL"], "A collection has an `@id` too."),
    accepted(&["image_update"], &["/value"], &["type"], "One value is taken for a list, a number for its text."),
    accepted(&["image_update_space"], &["/@type"], &["not"], "The class of the list is no part of the patch."),
    accepted(
        &["account_update"],
        &["wordpress", "reset_passwords", "upload_vcl", "ssl_config", "pci_passwords"],
        &["type", "not"],
        "What is read-only comes back as it is and is ignored.",
    ),
];

/// An excuse by its place in the list, and what of it was needed, by their places: an operation, and where.
pub type Use = (usize, [usize; 2]);

impl Excuse {
    /// What of it is about a probe that was answered with this status.
    #[must_use]
    fn covers(&self, operation: &str, probe: &Probe, status: u16) -> Option<[usize; 2]> {
        let is_answer = match self.refusal {
            Some(refusal) => probe.is_inside() && status == refusal,
            None => !probe.is_inside() && status < 400,
        };
        let is_constraint = self.constraints.iter().any(|constraint| probe.constraint.starts_with(constraint));
        if !is_answer || !is_constraint {
            return None;
        }
        let id = match self.operations {
            [] => 0,
            ids => ids.iter().position(|id| operation.starts_with(id))?,
        };
        let at = self.at.iter().position(|at| probe.at.ends_with(at))?;
        Some([id, at])
    }

    /// The operations and places of it that nothing needed.
    pub(super) fn needless(&self, index: usize, uses: &BTreeSet<Use>) -> Vec<&'static str> {
        let is_used = |part: usize, place: usize| uses.iter().any(|(of, parts)| *of == index && parts[part] == place);
        let lists = [self.operations, self.at];
        let parts = lists.into_iter().enumerate().flat_map(|(part, list)| {
            list.iter().enumerate().filter(move |(place, _)| !is_used(part, *place)).map(|(_, word)| *word)
        });
        parts.collect()
    }
}

/// The excuse of a probe that was answered with this status.
#[must_use]
pub(super) fn of(operation: &str, probe: &Probe, status: u16) -> Option<Use> {
    let mut all = EXCUSES.iter().enumerate();
    all.find_map(|(index, excuse)| Some((index, excuse.covers(operation, probe, status)?)))
}
