//! One probe: what is sent, and what has to come back.

use super::request::Request;

/// What has to come back.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// A documented success; of several requests by one of them.
    Success,
    /// Anything documented but a refusal of what is named; of several requests by one of them.
    NotNamed(String),
    /// One of these statuses.
    Status(Vec<u16>),
    /// One of these statuses, with a body that names a pointer or a parameter.
    Named(Vec<u16>, String),
    /// A documented success that has, or hasn't, applied a preference.
    Preference(Option<String>),
    /// The first answer of a request once more, and 422 to another one under the same key.
    Repeats(Box<Request>),
    /// The answer to GET, without its body.
    Head(Box<Request>),
    /// A documented success of this media type.
    MediaType(String),
    /// Anything documented.
    Documented,
    /// A success without a body that lists these methods, or 405.
    Allow(u16),
}

/// One probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// Where the constraint stands: `body /name`, `query page`.
    pub at: String,
    /// The constraint.
    pub constraint: String,
    /// What is sent; several where one of them is to be accepted.
    pub requests: Vec<Request>,
    /// What has to come back.
    pub expected: Expected,
}

impl Probe {
    /// A probe of one request.
    pub fn new(at: &str, constraint: &str, request: Request, expected: Expected) -> Self {
        Self { at: at.to_owned(), constraint: constraint.to_owned(), requests: vec![request], expected }
    }

    /// Whether it is about something just inside.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        matches!(
            self.expected,
            Expected::Success | Expected::NotNamed(_) | Expected::Preference(_) | Expected::MediaType(_)
        )
    }
}
