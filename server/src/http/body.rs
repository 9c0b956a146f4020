//! JSON request bodies: media type, size, syntax, schema.

use super::{document::document, problem::Failure};
use crate::domain;
use poem::{Request, RequestBody, error::ReadBodyError};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::{ParseFromJSON, Type},
};
use serde_json::{Map, Value};

/// Bytes of a request body at most.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A type that request bodies are read into.
pub trait Input: Type + ParseFromJSON {
    /// The class that `@type` names, if any.
    const CLASS: &'static str;
    /// Other classes that `@type` may name.
    const OTHER_CLASSES: &'static [&'static str] = &[];
    /// Whether the body is a merge patch.
    const PATCH: bool = false;

    /// Brings other spellings of the same body into the form of the schema.
    fn prepare(_: &mut Map<String, Value>) {}
}

/// A body of the schema of `T`.
pub struct Json<T> {
    /// The body.
    pub value: T,
    /// The body as it came, for the members that `T` doesn't have.
    pub raw: Map<String, Value>,
}

impl<'a, T: Input> ApiExtractor<'a> for Json<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let mut types = vec!["application/json", "application/ld+json"];
        if T::PATCH {
            types.push("application/merge-patch+json");
        }
        let content =
            types.into_iter().map(|content_type| MetaMediaType { content_type, schema: T::schema_ref() }).collect();
        Some(MetaRequest { description: None, content, required: true })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(read(request, body).await?)
    }
}

async fn read<T: Input>(request: &Request, body: &mut RequestBody) -> Result<Json<T>, Failure> {
    let raw = object(&bytes(request, body).await?)?;
    parse(raw)
}

/// A body from its JSON.
pub(crate) fn parse<T: Input>(raw: Map<String, Value>) -> Result<Json<T>, Failure> {
    check_class::<T>(&raw)?;
    let mut members = raw.clone();
    T::prepare(&mut members);
    if !T::PATCH {
        members.values_mut().for_each(drop_nulls);
        members.retain(|_, value| !value.is_null());
    }
    let mut value = Value::Object(members);
    document().schemas.fit(&T::name(), &mut value).map_err(domain::Error::Invalid)?;
    let value = T::parse_from_json(Some(value))
        .map_err(|e| Failure::invalid("", format!("The body can't be read: {}.", e.into_message())))?;
    Ok(Json { value, raw })
}

/// The body, if its type is one that is read and its size is allowed.
async fn bytes(request: &Request, body: &mut RequestBody) -> Result<Vec<u8>, Failure> {
    if let Some(given) = request.content_type().filter(|given| !is_json(given)) {
        return Err(Failure::MediaType(given.chars().take(100).collect()));
    }
    let length = request.header("content-length").and_then(|l| l.parse::<usize>().ok());
    if length.is_some_and(|l| l > MAX_BYTES) {
        return Err(Failure::TooLarge(MAX_BYTES));
    }
    let body = body.take().map_err(|_| Failure::Internal)?;
    match body.into_bytes_limit(MAX_BYTES).await {
        Ok(bytes) => Ok(bytes.into()),
        Err(ReadBodyError::PayloadTooLarge) => Err(Failure::TooLarge(MAX_BYTES)),
        Err(_) => Err(Failure::invalid("", "The body ended before it was complete: send it again.")),
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty()
        || essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn object(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::invalid("", "The body is missing: send a JSON object."));
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Failure::invalid("", "The body is JSON, but not an object.")),
        Err(e) => Err(Failure::invalid("", format!("The body is not JSON: {e}."))),
    }
}

/// Outside of a patch a member that is `null` is one that is left out.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(drop_nulls);
            members.retain(|_, value| !value.is_null());
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The last part of a class name: `vocab:Space` and `https://…/vocab#Space` mean `Space`.
fn local(name: &str) -> &str {
    name.rsplit([':', '#', '/']).next().unwrap_or(name)
}

/// A body that says it is something else is for another path.
fn check_class<T: Input>(raw: &Map<String, Value>) -> Result<(), Failure> {
    let Some(given) = raw.get("@type").and_then(Value::as_str) else { return Ok(()) };
    let class = local(given);
    let known = document().schemas.contains(class) || class == "Collection";
    if known && class != T::CLASS && !T::OTHER_CLASSES.contains(&class) {
        let detail = format!("The body is a `{class}`, but this takes a `{}`.", T::CLASS);
        return Err(Failure::invalid("/@type", detail));
    }
    Ok(())
}
