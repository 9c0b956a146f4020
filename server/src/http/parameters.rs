//! The query parameters that lists share: how they are read, once [`arguments`](super::arguments) has held them against
//! the document, and how they are documented.

use super::{collection, problem::Failure, session::Session};
use crate::domain::{
    self,
    batches::BatchOrder,
    page::Paging,
    query::{ImageOrder, ImageOrderBy, ImageQuery, Shortcuts},
    spaces::SpaceOrder,
};
use poem_openapi::{
    registry::{MetaOperationParam, MetaParamIn, MetaSchema, MetaSchemaRef},
    types::Type,
};

/// The names that order images.
pub const IMAGE_ORDERS: &[&str] = &[
    "id",
    "modelId",
    "created",
    "finished",
    "origin",
    "width",
    "height",
    "duration",
    "string1",
    "string2",
    "string3",
    "number1",
    "number2",
    "number3",
    "error",
    "batch",
    "maxUnauthorised",
    "mediaType",
];
/// The names that order batches.
pub const BATCH_ORDERS: &[&str] = &["id", "submitted", "finished", "count", "errors"];
/// The names that order spaces.
pub const SPACE_ORDERS: &[&str] = &["id", "name", "created"];

// `str::is_empty` by its full name in closures: on a `&&str` the one of `Type` would be found first, which is
// always false.
fn given<'a>(session: &'a Session, name: &str) -> Option<&'a str> {
    session.query(name).filter(|text| !str::is_empty(text))
}

fn number(session: &Session, name: &str) -> Option<i64> {
    given(session, name)?.trim().parse().ok()
}

/// Which page is asked for; `keys` is how many keys a position in this list has at most.
///
/// # Errors
/// When the cursor is not one of this service.
pub fn paging(session: &Session) -> Result<Paging, Failure> {
    let after = given(session, "cursor").map(collection::decode).transpose()?;
    Ok(Paging::new(number(session, "page"), number(session, "pageSize"), after))
}

/// The order asked for, as a name and whether it counts downwards; `orderBy` wins, and case doesn't count.
fn order(session: &Session, known: &[&'static str]) -> Option<(&'static str, bool)> {
    [("orderBy", false), ("orderByDescending", true)].into_iter().find_map(|(name, descending)| {
        let asked = given(session, name)?;
        known.iter().find(|known| known.eq_ignore_ascii_case(asked)).map(|order| (*order, descending))
    })
}

/// The order of a list of spaces.
pub fn space_order(session: &Session) -> (SpaceOrder, bool) {
    match order(session, SPACE_ORDERS) {
        Some(("name", descending)) => (SpaceOrder::Name, descending),
        Some(("created", descending)) => (SpaceOrder::Created, descending),
        Some((_, descending)) => (SpaceOrder::Id, descending),
        None => (SpaceOrder::Id, false),
    }
}

/// The order of a list of batches, if one is asked for.
pub fn batch_order(session: &Session) -> Option<(BatchOrder, bool)> {
    order(session, BATCH_ORDERS).map(|(name, descending)| {
        let by = match name {
            "submitted" => BatchOrder::Submitted,
            "finished" => BatchOrder::Finished,
            "count" => BatchOrder::Count,
            "errors" => BatchOrder::Errors,
            _ => BatchOrder::Id,
        };
        (by, descending)
    })
}

/// The order of a list of images.
pub fn image_order(session: &Session) -> ImageOrder {
    order(session, IMAGE_ORDERS)
        .map_or_else(ImageOrder::default, |(name, descending)| ImageOrder { by: ImageOrderBy::named(name), descending })
}

/// The conditions on a list of images.
///
/// # Errors
/// Everything that can't be understood.
pub fn image_query(session: &Session) -> Result<ImageQuery, Failure> {
    let shortcuts = Shortcuts {
        strings: ["string1", "string2", "string3"].map(|name| session.query(name)),
        numbers: ["number1", "number2", "number3"].map(|name| number(session, name)),
    };
    ImageQuery::parse(session.query("q"), &shortcuts).map_err(|faults| domain::Error::Invalid(faults).into())
}

fn documented(name: &str, in_type: MetaParamIn, schema: MetaSchemaRef) -> MetaOperationParam {
    MetaOperationParam {
        name: name.to_owned(),
        schema,
        in_type,
        description: None,
        required: false,
        deprecated: false,
        explode: true,
        style: None,
    }
}

fn text(name: &str) -> MetaOperationParam {
    documented(name, MetaParamIn::Query, String::schema_ref())
}

fn bounded(name: &str, max_length: usize) -> MetaOperationParam {
    let schema = MetaSchema { max_length: Some(max_length), ..MetaSchema::new("string") };
    documented(name, MetaParamIn::Query, MetaSchemaRef::Inline(Box::new(schema)))
}

/// The parameter of the header that makes a POST safe to send again.
pub fn idempotency_key() -> MetaOperationParam {
    let schema = MetaSchema { min_length: Some(1), max_length: Some(255), ..MetaSchema::new("string") };
    documented("Idempotency-Key", MetaParamIn::Header, MetaSchemaRef::Inline(Box::new(schema)))
}

fn integer(name: &str) -> MetaOperationParam {
    documented(name, MetaParamIn::Query, i64::schema_ref())
}

fn one_of(name: &str, values: &[&str]) -> MetaOperationParam {
    let schema = MetaSchema { enum_items: values.iter().map(|v| (*v).into()).collect(), ..MetaSchema::new("string") };
    documented(name, MetaParamIn::Query, MetaSchemaRef::Inline(Box::new(schema)))
}

/// The parameters of a request header.
pub fn header(name: &str) -> MetaOperationParam {
    documented(name, MetaParamIn::Header, String::schema_ref())
}

/// The query parameters of the operation that answers with the collection `schema`.
pub fn of_collection(schema: &str) -> Vec<MetaOperationParam> {
    let mut all = vec![integer("page"), integer("pageSize"), bounded("cursor", 4096)];
    let orders = match schema {
        "ImageCollection" => IMAGE_ORDERS,
        "BatchCollection" => BATCH_ORDERS,
        "SpaceCollection" => SPACE_ORDERS,
        _ => return all,
    };
    all.extend(["orderBy", "orderByDescending"].map(|name| one_of(name, orders)));
    if schema == "ImageCollection" {
        all.push(bounded("q", 10_000));
        all.extend(["string1", "string2", "string3"].map(text));
        all.extend(["number1", "number2", "number3"].map(integer));
        all.push(text("include"));
    }
    all
}
