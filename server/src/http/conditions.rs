//! Conditional requests (RFC 9110 §13) and preferences (RFC 7240).

use super::problem::Failure;
use crate::domain;
use poem::http::{HeaderMap, header};
use xxhash_rust::xxh3::xxh3_64;

/// A strong entity tag of a representation.
pub fn etag(body: &[u8]) -> String {
    format!("\"{:016x}\"", xxh3_64(body))
}

/// What a request asks of the state of the resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
}

/// The lines of a header as one. Bytes that are no text stay something: a condition must not vanish.
fn joined(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let all: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// The entity tags of a list. A comma may stand within a tag.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let start = if rest.starts_with("W/") { 2 } else { 0 };
        let end = match rest.get(start..)?.strip_prefix('"') {
            Some(quoted) => start + 1 + quoted.find('"')? + 1,
            None => rest.find(',').unwrap_or(rest.len()),
        };
        let (tag, after) = rest.split_at(end);
        rest = after;
        (!tag.is_empty()).then(|| tag.trim())
    })
}

impl Conditions {
    /// The conditions of a request, of those that its operation lists.
    pub fn read(headers: &HeaderMap, is_listed: impl Fn(&str) -> bool) -> Self {
        let read = |name: header::HeaderName| joined(headers, name.clone()).filter(|_| is_listed(name.as_str()));
        Self { if_match: read(header::IF_MATCH), if_none_match: read(header::IF_NONE_MATCH) }
    }

    /// Whether the request depends on the state of the resource.
    pub fn any(&self) -> bool {
        self.if_match.is_some() || self.if_none_match.is_some()
    }

    /// Whether the caller has this representation already.
    pub fn is_known(&self, etag: &str) -> bool {
        // GET compares weakly (RFC 9110 §13.1.2).
        self.if_none_match.as_deref().is_some_and(|list| {
            list.trim() == "*" || tags(list).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
        })
    }

    /// Checks the conditions of a write against the entity tag of what is stored, if anything is.
    ///
    /// # Errors
    /// When they don't hold.
    pub fn check(&self, stored: Option<&str>) -> Result<(), Failure> {
        let matched = match (self.if_match.as_deref(), stored) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(list), Some(etag)) => list.trim() == "*" || tags(list).any(|tag| tag == etag),
        };
        let absent = stored.is_none_or(|etag| !self.is_known(etag));
        if matched && absent { Ok(()) } else { Err(domain::Error::Changed.into()) }
    }
}

/// How much of the resource an answer to a write shall hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// The resource.
    Representation,
    /// As little as possible.
    Minimal,
}

impl Prefer {
    /// The preference of a request, if it has one that is known.
    pub fn read(headers: &HeaderMap) -> Option<Self> {
        let prefer = poem::http::HeaderName::from_static("prefer");
        let list = joined(headers, prefer)?;
        list.split([',', ';']).find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            match (name.trim().to_ascii_lowercase().as_str(), value.trim().trim_matches('"')) {
                ("return", "representation") => Some(Self::Representation),
                ("return", "minimal") => Some(Self::Minimal),
                _ => None,
            }
        })
    }

    /// The value of `Preference-Applied`.
    pub fn applied(self) -> &'static str {
        match self {
            Self::Representation => "return=representation",
            Self::Minimal => "return=minimal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_taken_apart() {
        let all: Vec<&str> = tags(r#" "a,b" ,W/"c", "d""#).collect();
        assert_eq!(all, [r#""a,b""#, r#"W/"c""#, r#""d""#]);
        assert_eq!(tags("nonsense, \"x\"").collect::<Vec<_>>(), ["nonsense", "\"x\""]);
        assert_eq!(tags("\"open").count(), 0);
        assert_eq!(tags("W/").count(), 1);
    }

    #[test]
    fn writes_compare_strongly_and_reads_weakly() {
        let conditions = |m: Option<&str>, n: Option<&str>| Conditions {
            if_match: m.map(str::to_owned),
            if_none_match: n.map(str::to_owned),
        };
        assert!(conditions(Some(r#"W/"a""#), None).check(Some(r#""a""#)).is_err());
        assert!(conditions(Some(r#""b", "a""#), None).check(Some(r#""a""#)).is_ok());
        assert!(conditions(Some("*"), None).check(None).is_err());
        assert!(conditions(None, Some("*")).check(None).is_ok());
        assert!(conditions(None, Some("*")).check(Some(r#""a""#)).is_err());
        assert!(conditions(None, Some(r#"W/"a""#)).is_known(r#""a""#));
        // One is enough for the write to depend on the version that was looked at.
        assert!(conditions(Some("*"), None).any() && conditions(None, Some("*")).any());
        assert!(!conditions(None, None).any());
    }
}
