//! Hydra collections (`reference/dlcs.md` §2.3) and their cursors.

use super::{links::query_value, problem::Failure, session::Session, types::Uri};
use crate::{domain::page::Paging, store};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use poem_openapi::Object;
use serde_json::Value;

/// One page of a collection, with links to the others.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct PartialCollectionView {
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    first: Option<Uri>,
    previous: Option<Uri>,
    next: Option<Uri>,
    last: Option<Uri>,
    page: i64,
    page_size: i64,
    total_pages: i64,
}

/// What all collections have but their members.
pub struct Envelope {
    /// The Hydra context.
    pub context: String,
    /// The URI of the collection, without a query.
    pub id: Uri,
    /// `Collection`.
    pub class: String,
    /// Members on all pages.
    pub total_items: i64,
    /// Members per page.
    pub page_size: i64,
    /// The page, unless everything is on it.
    pub view: Option<PartialCollectionView>,
}

/// Makes a collection type of a member type; its name is the name of its schema.
#[macro_export]
macro_rules! collection {
    ($(#[$doc:meta])* $name:ident of $member:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, poem_openapi::Object)]
        #[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
        pub struct $name {
            #[oai(rename = "@context")]
            context: String,
            #[oai(rename = "@id")]
            id: $crate::http::types::Uri,
            #[oai(rename = "@type")]
            class: String,
            total_items: i64,
            page_size: i64,
            member: Vec<$member>,
            view: Option<$crate::http::collection::PartialCollectionView>,
        }

        impl $name {
            /// The collection of the request: one page of members.
            pub fn new(
                session: &$crate::http::session::Session,
                paging: &$crate::domain::page::Paging,
                page: $crate::domain::page::Page<$member>,
            ) -> Self {
                let shown = page.items.len() as i64;
                let envelope = $crate::http::collection::envelope(session, paging, page.total, shown, page.next);
                Self {
                    context: envelope.context,
                    id: envelope.id,
                    class: envelope.class,
                    total_items: envelope.total_items,
                    page_size: envelope.page_size,
                    member: page.items,
                    view: envelope.view,
                }
            }
        }
    };
}

/// The envelope of a page that shows `shown` of `total` members.
pub fn envelope(
    session: &Session,
    paging: &Paging,
    total: i64,
    shown: i64,
    next: Option<Vec<store::Value>>,
) -> Envelope {
    let id = session.links.path(&session.path);
    let view = (total > shown).then(|| view(session, paging, &id, total, next));
    Envelope {
        context: "http://www.w3.org/ns/hydra/context.jsonld".to_owned(),
        id: Uri(id),
        class: "Collection".to_owned(),
        total_items: total,
        page_size: paging.size,
        view,
    }
}

fn view(
    session: &Session,
    paging: &Paging,
    id: &str,
    total: i64,
    next: Option<Vec<store::Value>>,
) -> PartialCollectionView {
    // Links keep what was asked for, whatever it was.
    let kept: String = session
        .query
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "page" | "pageSize" | "cursor"))
        .map(|(name, value)| format!("&{}={}", query_value(name), query_value(value)))
        .collect();
    let size = paging.size;
    let page = |number: i64| Uri(format!("{id}?page={number}&pageSize={size}{kept}"));
    let with_cursor = |number: i64, cursor: &[store::Value]| {
        Uri(format!("{id}?page={number}&pageSize={size}{kept}&cursor={}", encode(cursor)))
    };
    let pages = (total + size - 1) / size;
    let number = paging.page;
    PartialCollectionView {
        id: paging.after.as_ref().map_or_else(|| page(number), |cursor| with_cursor(number, cursor)),
        class: "PartialCollectionView".to_owned(),
        first: (number > 1).then(|| page(1)),
        previous: (number > 1).then(|| page((number - 1).min(pages.max(1)))),
        next: next.map(|cursor| with_cursor(number + 1, &cursor)),
        last: (number < pages).then(|| page(pages)),
        page: number,
        page_size: size,
        total_pages: pages,
    }
}

/// A position in a list as a parameter.
fn encode(position: &[store::Value]) -> String {
    let json: Vec<Value> = position
        .iter()
        .map(|value| match value {
            store::Value::Null => Value::Null,
            store::Value::Int(number) => Value::from(*number),
            store::Value::Text(text) => Value::from(text.as_str()),
        })
        .collect();
    BASE64_URL_SAFE_NO_PAD.encode(Value::Array(json).to_string())
}

/// A position in a list from a parameter.
///
/// # Errors
/// When it is none that [`encode`] made.
pub fn decode(cursor: &str) -> Result<Vec<store::Value>, Failure> {
    let unfit =
        || Failure::invalid("cursor", "The cursor is not one of this service: start again from the first page.");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| unfit())?;
    let Ok(Value::Array(parts)) = serde_json::from_slice(&bytes) else { return Err(unfit()) };
    parts
        .into_iter()
        .map(|part| match part {
            Value::String(text) => Ok(store::Value::Text(text)),
            Value::Number(number) => number.as_i64().map(store::Value::Int).ok_or_else(unfit),
            _ => Err(unfit()),
        })
        .collect()
}
