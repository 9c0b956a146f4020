//! JSON request bodies: media type, size, syntax, schema.

use super::{document::document, problem::Failure, read_only};
use crate::domain::{self, Fault};
use bytes::Bytes;
use futures::{Stream, StreamExt, ready, stream::BoxStream};
use poem::{Body, Request, RequestBody, http::header};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::{ParseFromJSON, Type},
};
use serde_json::{Map, Value};
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    runtime::Handle,
    time::{Instant, Sleep, sleep},
};

/// Bytes of a request body at most.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of memory to reserve for a body that is only announced.
const MAX_RESERVED: usize = 1 << 20;
/// How long a body may send nothing.
const STALL: Duration = Duration::from_secs(30);
/// How many values the JSON of a body may have: what is read takes far more memory than what is sent.
const MAX_VALUES: usize = 250_000;
/// How long a refused body is still taken, and how many bytes of it.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: u64 = 256 * 1024 * 1024;

/// A type that request bodies are read into.
pub trait Input: Type + ParseFromJSON {
    /// The class that `@type` names, if any.
    const CLASS: &'static str;
    /// Other classes that `@type` may name.
    const ALSO: &'static [&'static str] = &[];
    /// Whether the body is a merge patch.
    const PATCH: bool = false;
    /// Whether no body means the same as an empty object.
    const OPTIONAL: bool = false;

    /// Brings other spellings of the same body into the form of the schema.
    fn prepare(_: &mut Map<String, Value>) {}

    /// The object that a body means which is a list, where lists are taken.
    fn of_list(_: Vec<Value>) -> Option<Map<String, Value>> {
        None
    }
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
        Some(MetaRequest { description: None, content, required: !T::OPTIONAL })
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
    let content = body.take().map_err(|_| Failure::Internal)?;
    if T::OPTIONAL && content.is_empty() {
        // Clients say a type without sending anything.
        return parse(Map::new());
    }
    let raw = object::<T>(&bytes(request, content).await?)?;
    parse(raw)
}

/// A body from its JSON.
pub(crate) fn parse<T: Input>(raw: Map<String, Value>) -> Result<Json<T>, Failure> {
    check_names::<T>(&raw)?;
    let mut members = raw.clone();
    T::prepare(&mut members);
    domain::check(class_fault::<T>(&members, "").into_iter().collect())?;
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

/// Bytes of the body that a request announces.
pub fn announced(request: &Request) -> usize {
    request.header("content-length").and_then(|l| l.parse().ok()).unwrap_or_default()
}

/// The body, if its type is one that is read and its size is allowed.
async fn bytes(request: &Request, body: Body) -> Result<Vec<u8>, Failure> {
    if let Some(given) = request.content_type().filter(|given| !is_json(given)) {
        return Err(Failure::MediaType(given.chars().take(100).collect()));
    }
    if let Some(coding) = request.header("content-encoding").filter(|c| !c.eq_ignore_ascii_case("identity")) {
        return Err(Failure::MediaType(coding.chars().take(100).collect()));
    }
    limited(request, body, MAX_BYTES).await
}

/// The body, if it has at most so many bytes; one that announces more is not read.
///
/// # Errors
/// [`Failure::TooLarge`], or [`Failure::Domain`] where the body breaks off.
pub async fn limited(request: &Request, body: Body, max: usize) -> Result<Vec<u8>, Failure> {
    let length = announced(request);
    let mut bytes = Vec::with_capacity(length.min(MAX_RESERVED));
    let mut limited = body.into_async_read().take(max as u64 + 1);
    if length <= max && limited.read_to_end(&mut bytes).await.is_err() {
        return Err(Failure::invalid("", "The body ended before it was complete: send it again."));
    }
    if length.max(bytes.len()) > max {
        return Err(Failure::TooLarge(max));
    }
    Ok(bytes)
}

/// The body of a request, of which what nobody reads is taken for a while. Answers don't wait for it, but a
/// connection that closed on a client in mid-sentence would keep that client from reading the answer, and one that
/// is kept open would be closed on the next request.
pub fn lingering(request: &mut Request) {
    let body = request.take_body();
    // Who asks before sending a body sends none after an answer, unless it began to be read: that says to send it.
    let is_asked_for = request.headers().contains_key(header::EXPECT);
    request.set_body(if body.is_empty() { body } else { waited_for(body, STALL, is_asked_for) });
}

fn waited_for(body: Body, stall: Duration, is_asked_for: bool) -> Body {
    let rest = Some(body.into_bytes_stream().boxed());
    Body::from_bytes_stream(Lingering { rest, stall, stalled: Box::pin(sleep(stall)), is_asked_for })
}

struct Lingering {
    rest: Option<BoxStream<'static, Result<Bytes, io::Error>>>,
    stall: Duration,
    stalled: Pin<Box<Sleep>>,
    is_asked_for: bool,
}

impl Stream for Lingering {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.is_asked_for = false;
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        match rest.poll_next_unpin(context) {
            Poll::Ready(Some(Ok(bytes))) => {
                let end = Instant::now() + self.stall;
                self.stalled.as_mut().reset(end);
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(last) => {
                self.rest = None;
                Poll::Ready(last)
            }
            Poll::Pending => {
                ready!(self.stalled.as_mut().poll(context));
                self.rest = None;
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
        }
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let rest = self.rest.take().filter(|_| !self.is_asked_for);
        let (Some(mut rest), Ok(runtime)) = (rest, Handle::try_current()) else { return };
        let drain = async move {
            let mut left = LINGER_BYTES;
            while let Some(Ok(bytes)) = rest.next().await {
                left = left.saturating_sub(bytes.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        // Whether it comes or not, nobody needs it.
        runtime.spawn(async move { drop(tokio::time::timeout(LINGER, drain).await) });
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.is_empty()
        || essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn object<T: Input>(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if unmarked(bytes).iter().all(u8::is_ascii_whitespace) {
        if T::OPTIONAL {
            return Ok(Map::new());
        }
        return Err(Failure::invalid("", "The body is missing: send a JSON object."));
    }
    if bytes.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() > MAX_VALUES {
        return Err(Failure::invalid("", format!("The body has more than {MAX_VALUES} values: send it in parts.")));
    }
    members_of(bytes, T::of_list)
}

/// What follows a byte order mark, which RFC 8259 §8.1 lets readers ignore.
fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// The members of a JSON object, or of the object that a list means, if one does.
///
/// # Errors
/// [`Failure::Domain`] where it is neither, or no JSON.
pub fn members_of(
    bytes: &[u8],
    of_list: impl FnOnce(Vec<Value>) -> Option<Map<String, Value>>,
) -> Result<Map<String, Value>, Failure> {
    let other = || Failure::invalid("", "The body is JSON, but not an object.");
    match serde_json::from_slice(unmarked(bytes)) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(Value::Array(items)) => of_list(items).ok_or_else(other),
        Ok(_) => Err(other()),
        Err(e) => Err(Failure::invalid("", format!("The body is not JSON: {e}."))),
    }
}

/// An object with an `@id` is taken for the reference that it is.
pub fn reference_by_id(members: &mut Map<String, Value>, name: &str) {
    if let Some(reference) = members.get_mut(name)
        && let Some(id @ Value::String(_)) = reference.get_mut("@id").map(Value::take)
    {
        *reference = id;
    }
}

/// Some clients call the `member` of a collection `members`.
pub fn name_member(collection: &mut Map<String, Value>) {
    if !collection.contains_key("member")
        && let Some(all) = collection.remove("members")
    {
        collection.insert("member".to_owned(), all);
    }
}

/// The two names of the members of a collection must not contradict each other (decision 5).
fn check_names<T: Input>(raw: &Map<String, Value>) -> Result<(), Failure> {
    if !document().schemas.properties(&T::name()).any(|name| name == "member") {
        return Ok(());
    }
    let given = |name| raw.get(name).filter(|value| !value.is_null());
    let agreed = read_only::agree(given("member"), given("members"), "member", "members", "");
    agreed.map(drop).map_err(|fault| domain::Error::Invalid(vec![fault]).into())
}

/// The members of a collection as they came.
pub fn members(collection: &Map<String, Value>) -> &[Value] {
    let all = collection.get("member").or_else(|| collection.get("members"));
    all.and_then(Value::as_array).map_or(&[], Vec::as_slice)
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

/// What says that it is something else is for another path; `at` is where it stands in the body.
pub fn class_fault<T: Input>(given: &Map<String, Value>, at: &str) -> Option<Fault> {
    let class = local(given.get("@type").and_then(Value::as_str)?);
    let known = document().schemas.contains(class) || class == "Collection";
    (known && class != T::CLASS && !T::ALSO.contains(&class)).then(|| {
        let what = if at.is_empty() { "The body" } else { "The member" };
        Fault::new(format!("{at}/@type"), format!("{what} is a `{class}`, but this takes a `{}`.", T::CLASS))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{image_list::ImageList, keys::KeyCreate};
    use serde_json::json;

    #[test]
    fn so_many_values_are_read_and_no_more() {
        // An object, the list in it, and what is between its items.
        let read = |values: usize| object::<KeyCreate>(format!("{{\"a\":[{}0]}}", "0,".repeat(values - 2)).as_bytes());
        assert!(read(MAX_VALUES).is_ok());
        assert!(read(MAX_VALUES + 1).is_err() && read(MAX_VALUES + 2).is_err());
    }

    #[test]
    fn members_have_one_name() {
        let fails = |member: Value, members: Value| {
            let body = Map::from_iter([("member".to_owned(), member), ("members".to_owned(), members)]);
            // A type without such a member doesn't care.
            assert!(check_names::<KeyCreate>(&body).is_ok());
            check_names::<ImageList>(&body).is_err()
        };
        assert!(fails(json!(["a"]), json!(["b"])));
        assert!(!fails(json!(["a"]), json!(["a"])) && !fails(json!(["a"]), Value::Null));
    }

    #[test]
    fn only_what_is_known_to_be_something_else_is_refused() {
        let fault = |class: &str| class_fault::<KeyCreate>(&Map::from_iter([("@type".to_owned(), json!(class))]), "");
        for class in ["Key", "vocab:Key", "https://api.example.org/vocab#Key", "Lock", ""] {
            assert_eq!(fault(class), None, "{class}");
        }
        for class in ["Space", "vocab:Space", "hydra:Collection"] {
            assert_eq!(fault(class).map(|fault| fault.pointer).as_deref(), Some("/@type"), "{class}");
        }
    }

    #[test]
    fn members_without_a_value_are_dropped() {
        let mut value = json!({ "a": null, "b": { "c": null, "d": [{ "e": null, "f": 1 }, null] } });
        drop_nulls(&mut value);
        assert_eq!(value, json!({ "b": { "d": [{ "f": 1 }, null] } }));
    }

    #[tokio::test]
    async fn a_body_that_pauses_is_waited_for() {
        let parts = futures::stream::iter(["{", "}"]).then(async |part| {
            tokio::task::yield_now().await;
            Ok::<_, io::Error>(Bytes::from(part))
        });
        let read = waited_for(Body::from_bytes_stream(parts), Duration::from_secs(60), false).into_string().await;
        assert_eq!(read.unwrap(), "{}");
    }

    #[tokio::test]
    async fn what_was_asked_for_is_taken_to_its_end() {
        for is_read in [false, true] {
            let (end, taken) = tokio::sync::oneshot::channel::<()>();
            let last = futures::stream::once(async move {
                end.send(()).unwrap();
                Ok::<_, io::Error>(Bytes::from_static(b"}"))
            });
            let parts = futures::stream::iter([Ok(Bytes::from_static(b"{"))]).chain(last);
            let body = waited_for(Body::from_bytes_stream(parts), Duration::from_secs(60), true);
            let mut body = body.into_bytes_stream();
            if is_read {
                body.next().await.unwrap().unwrap();
            }
            drop(body);
            assert_eq!(taken.await.is_ok(), is_read);
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_is_not_waited_for() {
        for is_asked_for in [false, true] {
            let begins = futures::stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"{"))]);
            let body = Body::from_bytes_stream(begins.chain(futures::stream::pending()));
            let read = waited_for(body, Duration::from_millis(20), is_asked_for).into_bytes().await;
            assert!(read.is_err(), "{is_asked_for}");
        }
    }
}
