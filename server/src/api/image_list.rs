//! Lists of images by their ids, as several operations take them, and all the ways to name an image.

use crate::{
    domain::{
        Fault,
        images::{ImageRef, check_id},
    },
    http::{
        body::{self, Input},
        links::Links,
    },
};
use percent_encoding::percent_decode_str;
use poem_openapi::Object;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// An image by its id or URI.
#[derive(Debug, Clone, Object)]
pub struct ImageReference {
    #[oai(validator(min_length = 1, max_length = 2000))]
    id: Option<String>,
    #[oai(rename = "@id", validator(min_length = 1, max_length = 2000))]
    uri: Option<String>,
}

/// Images by their ids.
#[derive(Debug, Clone, Object)]
pub struct ImageList {
    #[oai(rename = "@type")]
    class: Option<String>,
    #[oai(validator(min_items = 1, max_items = 10000))]
    member: Vec<ImageReference>,
}

impl Input for ImageList {
    const CLASS: &'static str = "Collection";

    fn prepare(members: &mut Map<String, Value>) {
        spell_out(members);
    }
}

/// Images may be named by bare texts.
pub(super) fn spell_out(members: &mut Map<String, Value>) {
    body::name_member(members);
    for member in members.get_mut("member").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::String(id) = member {
            *member = json!({ "id": std::mem::take(id) });
        }
    }
}

impl ImageList {
    /// The images of the list.
    ///
    /// # Errors
    /// See [`resolve`].
    pub(super) fn resolve(&self, links: &Links, customer: i64) -> Result<Vec<ImageRef>, Vec<Fault>> {
        resolve(&self.member, links, customer)
    }
}

/// The images that are named, all of one customer and none twice.
///
/// # Errors
/// Every member that names none, one of another customer, or one that was named before.
pub(super) fn resolve(given: &[ImageReference], links: &Links, customer: i64) -> Result<Vec<ImageRef>, Vec<Fault>> {
    let named = given.iter().enumerate().map(|(i, reference)| {
        let at = format!("/member/{i}");
        let read = |text: &String, name: &str| {
            named(text, links, customer, None).map_err(|detail| Fault::new(format!("{at}/{name}"), detail))
        };
        let id = reference.id.as_ref().map(|text| read(text, "id")).transpose()?;
        let uri = reference.uri.as_ref().map(|text| read(text, "@id")).transpose()?;
        match (id, uri) {
            (Some(id), Some(uri)) if id != uri => {
                Err(Fault::new(format!("{at}/@id"), "`id` and `@id` name different images: leave one out."))
            }
            (None, None) => Err(Fault::new(format!("{at}/id"), "The member `id` is missing.")),
            (id, uri) => id.or(uri).ok_or_else(|| Fault::new(at, "The member names no image.")),
        }
    });
    distinct(named)
}

/// Images none of which may be named twice.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn distinct(named: impl Iterator<Item = Result<ImageRef, Fault>>) -> Result<Vec<ImageRef>, Vec<Fault>> {
    let mut seen: HashMap<ImageRef, usize> = HashMap::new();
    let mut all = Vec::new();
    let mut faults = Vec::new();
    for (i, outcome) in named.enumerate() {
        match outcome {
            Ok(at) => match seen.get(&at) {
                Some(first) => {
                    let detail = format!(
                        "The image `{}/{}/{}` stands at /member/{first} already: name each image once.",
                        at.customer, at.space, at.id
                    );
                    faults.push(Fault::new(format!("/member/{i}/id"), detail));
                }
                None => {
                    seen.insert(at.clone(), i);
                    all.push(at);
                }
            },
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(all) } else { Err(faults) }
}

/// The image that a text names: `customer/space/image`, its URI, the path of its URI, or, where the space is certain,
/// its id within it.
///
/// # Errors
/// One sentence that says what is wrong.
pub(super) fn named(text: &str, links: &Links, customer: i64, space: Option<i64>) -> Result<ImageRef, String> {
    let path = text.strip_prefix(links.base()).unwrap_or(text);
    let at = match (path.strip_prefix("/customers/"), space) {
        (Some(rest), _) => of_path(rest),
        (None, Some(space)) if !text.contains('/') => Some(ImageRef { customer, space, id: text.to_owned() }),
        (None, _) => full(text),
    };
    let shown: String = text.chars().take(300).collect();
    let at = at.ok_or_else(|| {
        format!("`{shown}` names no image: use `customer/space/image`, or the URI of an image of this service.")
    })?;
    check_id(&at.id)?;
    if at.customer != customer {
        return Err(format!(
            "Cannot request images for different customer: `{shown}` is of {}, not of {customer}.",
            at.customer
        ));
    }
    if let Some(space) = space.filter(|space| *space != at.space) {
        return Err(format!("`{shown}` is in space {}, not in {space}: send it to that space.", at.space));
    }
    Ok(at)
}

/// `7/spaces/3/images/plan-001`, percent-encoded.
fn of_path(rest: &str) -> Option<ImageRef> {
    let parts: Vec<&str> = rest.split('/').collect();
    let [customer, "spaces", space, "images", id] = parts[..] else { return None };
    let id = percent_decode_str(id).decode_utf8().ok()?.into_owned();
    Some(ImageRef { customer: number(customer)?, space: number(space)?, id })
}

/// `7/3/plan-001`, as it is.
fn full(text: &str) -> Option<ImageRef> {
    let parts: Vec<&str> = text.split('/').collect();
    let [customer, space, id] = parts[..] else { return None };
    Some(ImageRef { customer: number(customer)?, space: number(space)?, id: id.to_owned() })
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|n: &i64| *n > 0 && n.to_string() == text)
}

/// Shortens ids that are given in full, as [`full_id_faults`] has them checked.
pub(super) fn shorten_id(members: &mut Map<String, Value>) {
    for name in ["id", "modelId"] {
        if let Some(at) = members.get(name).and_then(Value::as_str).and_then(full) {
            members.insert(name.to_owned(), Value::String(at.id));
        }
    }
}

/// What ids that are given in full say wrongly of customer and space; without a `space`, the body has it.
pub(super) fn full_id_faults(raw: &Map<String, Value>, customer: i64, space: Option<i64>, at: &str) -> Vec<Fault> {
    let stated = raw.get("space").and_then(|s| s.as_i64().or_else(|| s.as_str()?.trim().parse().ok()));
    let space = space.or(stated);
    ["id", "modelId"]
        .into_iter()
        .filter_map(|name| Some((name, raw.get(name)?.as_str().and_then(full)?)))
        .filter(|(_, given)| given.customer != customer || space.is_some_and(|space| space != given.space))
        .map(|(name, given)| {
            let detail = format!(
                "`{name}` says customer {} and space {}, the request says otherwise: send the id within the space.",
                given.customer, given.space
            );
            Fault::new(format!("{at}/{name}"), detail)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_several_names() {
        let links = Links::new("https://api.example.org");
        let there = |id: &str| ImageRef { customer: 7, space: 3, id: id.to_owned() };
        for text in [
            "7/3/a%20b",
            "/customers/7/spaces/3/images/a%2520b",
            "https://api.example.org/customers/7/spaces/3/images/a%2520b",
        ] {
            assert_eq!(named(text, &links, 7, None), Ok(there("a%20b")), "{text}");
            assert_eq!(named(text, &links, 7, Some(3)), Ok(there("a%20b")), "{text}");
            assert!(named(text, &links, 8, None).is_err_and(|e| e.contains("different customer")), "{text}");
            assert!(named(text, &links, 7, Some(4)).is_err(), "{text}");
        }
        assert_eq!(named("plan", &links, 7, Some(3)), Ok(there("plan")));
    }

    #[test]
    fn what_names_no_image_is_refused() {
        let links = Links::new("https://api.example.org");
        for text in [
            "plan",
            "3/plan",
            "7/3/",
            "7/3/a/b",
            "x/3/plan",
            "07/3/plan",
            "7/0/plan",
            "7/-3/plan",
            "7/3/a b",
            "7/3/..",
            "/customers/7/spaces/3",
            "/customers/7/spaces/3/images/a%2Fb",
            "/customers/7/spaces/3/images/a?x=1/",
            "https://elsewhere.example/customers/7/spaces/3/images/plan",
        ] {
            assert!(named(text, &links, 7, None).is_err(), "{text}");
        }
    }
}
