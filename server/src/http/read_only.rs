//! Members that clients may send back but not change (decision 6), and members with two names (decision 5).

use super::{document::document, problem::Failure};
use crate::domain::{self, Fault};
use poem_openapi::types::{ToJSON, Type};
use serde_json::{Map, Value};

/// Checks the members of a body that the view `V` has and the input schema `input` hasn't: they must be
/// as `stored` shows them. Where nothing is stored yet, `stored` is what is certain of the view to be.
///
/// # Errors
/// Every member that differs.
pub fn check<V: Type>(raw: &Map<String, Value>, input: &str, stored: Option<&Value>, at: &str) -> Result<(), Failure> {
    let faults = faults::<V>(raw, input, stored, at);
    if faults.is_empty() { Ok(()) } else { Err(domain::Error::Invalid(faults).into()) }
}

/// See [`check`].
pub fn faults<V: Type>(raw: &Map<String, Value>, input: &str, stored: Option<&Value>, at: &str) -> Vec<Fault> {
    let schemas = &document().schemas;
    let writable: Vec<&str> = schemas.properties(input).collect();
    let view = V::name();
    schemas
        .properties(&view)
        .filter(|name| !writable.contains(name) && !matches!(*name, "@context" | "@type"))
        .filter_map(|name| Some((name, raw.get(name)?)))
        .filter(|(name, given)| !same(given, stored.and_then(|s| s.get(*name))))
        .map(|(name, given)| {
            let detail = match stored.and_then(|s| s.get(name)) {
                Some(stored) => format!("`{name}` is read-only and is {stored}, not {given}: leave it out."),
                None => format!("`{name}` is read-only and not set yet: leave it out."),
            };
            Fault::new(format!("{at}/{name}"), detail)
        })
        .collect()
}

/// Whether a given value is the stored one. Numbers may come as texts; nothing given is nothing stored. A link may
/// come as it was shown under another host name, or as its path alone.
fn same(given: &Value, stored: Option<&Value>) -> bool {
    match (given, stored) {
        (Value::Null, _) => true,
        (Value::String(text), None) => text.is_empty(),
        (_, None) => false,
        (Value::String(text), Some(Value::Number(number))) => text.trim() == number.to_string(),
        (Value::String(given), Some(Value::String(stored))) => is_same_link(given, stored),
        (given, Some(stored)) => given == stored,
    }
}

/// Whether a given text is a link as it is shown here, was shown under another host name, or is its path alone.
pub fn is_same_link(given: &str, stored: &str) -> bool {
    if given == stored {
        return true;
    }
    let path = |uri: &str| {
        let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
        rest.find('/').map(|start| rest[start..].to_owned())
    };
    let Some(stored) = path(stored) else { return false };
    path(given).map_or(given == stored, |given| given == stored)
}

/// The view of what is stored, for [`check`].
pub fn shown(view: &impl ToJSON) -> Value {
    view.to_json().unwrap_or_default()
}

/// The value of a member that has an older name besides.
///
/// # Errors
/// When both are given and contradict each other.
pub fn agree<T: PartialEq>(
    new: Option<T>,
    old: Option<T>,
    name: &str,
    older: &str,
    at: &str,
) -> Result<Option<T>, Fault> {
    match (new, old) {
        (Some(new), Some(old)) if new != old => Err(Fault::new(
            format!("{at}/{older}"),
            format!("`{name}` and `{older}` are two names of one member, but have different values: leave one out."),
        )),
        (new, old) => Ok(new.or(old)),
    }
}
