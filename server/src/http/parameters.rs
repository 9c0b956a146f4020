//! The query parameters that lists share: how they are read, and how they are documented.

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
fn number(session: &Session, name: &str) -> Result<Option<i64>, Failure> {
    session
        .query(name)
        .filter(|text| !str::is_empty(text))
        .map(|text| {
            text.trim()
                .parse()
                .map_err(|_| Failure::invalid(name, format!("`{name}` is `{text}`, but must be a whole number.")))
        })
        .transpose()
}

/// Which page is asked for; `keys` is how many keys a position in this list has at most.
///
/// # Errors
/// When a number is none, or the cursor is not one of this service.
pub fn paging(session: &Session) -> Result<Paging, Failure> {
    let after = session.query("cursor").filter(|c| !str::is_empty(c)).map(collection::decode).transpose()?;
    Ok(Paging::new(number(session, "page")?, number(session, "pageSize")?, after))
}

/// The order asked for, as a name and whether it counts downwards; `orderBy` wins, and case doesn't count.
fn order(session: &Session, known: &[&'static str]) -> Result<Option<(&'static str, bool)>, Failure> {
    let mut asked = None;
    for (name, descending) in [("orderBy", false), ("orderByDescending", true)] {
        let Some(value) = session.query(name).filter(|v| !str::is_empty(v)) else { continue };
        let Some(order) = known.iter().find(|known| known.eq_ignore_ascii_case(value)) else {
            let detail = format!("There is no order `{value}`: use one of {}.", known.join(", "));
            return Err(Failure::invalid(name, detail));
        };
        asked = asked.or(Some((*order, descending)));
    }
    Ok(asked)
}

/// The order of a list of spaces.
///
/// # Errors
/// When the name is unknown.
pub fn space_order(session: &Session) -> Result<(SpaceOrder, bool), Failure> {
    Ok(match order(session, SPACE_ORDERS)? {
        Some(("name", descending)) => (SpaceOrder::Name, descending),
        Some(("created", descending)) => (SpaceOrder::Created, descending),
        Some((_, descending)) => (SpaceOrder::Id, descending),
        None => (SpaceOrder::Id, false),
    })
}

/// The order of a list of batches, if one is asked for.
///
/// # Errors
/// When the name is unknown.
pub fn batch_order(session: &Session) -> Result<Option<(BatchOrder, bool)>, Failure> {
    Ok(order(session, BATCH_ORDERS)?.map(|(name, descending)| {
        let by = match name {
            "submitted" => BatchOrder::Submitted,
            "finished" => BatchOrder::Finished,
            "count" => BatchOrder::Count,
            "errors" => BatchOrder::Errors,
            _ => BatchOrder::Id,
        };
        (by, descending)
    }))
}

/// The order of a list of images.
///
/// # Errors
/// When the name is unknown.
pub fn image_order(session: &Session) -> Result<ImageOrder, Failure> {
    Ok(order(session, IMAGE_ORDERS)?.map_or_else(ImageOrder::default, |(name, descending)| ImageOrder {
        by: ImageOrderBy::named(name),
        descending,
    }))
}

/// The conditions on a list of images.
///
/// # Errors
/// Everything that can't be understood.
pub fn image_query(session: &Session) -> Result<ImageQuery, Failure> {
    let shortcuts = Shortcuts {
        strings: ["string1", "string2", "string3"].map(|name| session.query(name)),
        numbers: ["number1", "number2", "number3"].map(|name| session.query(name)),
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
