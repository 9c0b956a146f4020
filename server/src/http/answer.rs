//! The answers of operations, one type for each kind. Each documents its statuses and headers.

use super::{
    conditions::{Prefer, etag},
    problem::Failure,
    session::Session,
};
use crate::domain::NEW;
use poem::{
    Body, IntoResponse, Response,
    http::{StatusCode, header},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON, Type},
};
use std::marker::PhantomData;

/// Something with a URI of its own.
pub trait Resource: ToJSON {
    /// Its URI.
    fn iri(&self) -> &str;

    /// The entity tag of its representation.
    fn etag(&self) -> String {
        etag(self.to_json_string().as_bytes())
    }
}

/// A view with an `@id`.
#[macro_export]
macro_rules! resource {
    ($($name:ident),* $(,)?) => {
        $(impl $crate::http::answer::Resource for $name {
            fn iri(&self) -> &str {
                &self.id.0
            }
        })*
    };
}

pub(super) fn header(name: &str, format: Option<&'static str>, required: bool) -> MetaHeader {
    let schema = match (name, format) {
        (_, Some(format)) => MetaSchema::new_with_format("string", format),
        ("Retry-After" | "Fastly-RateLimit-Remaining" | "Fastly-RateLimit-Reset", None) => {
            MetaSchema::new_with_format("integer", "int64")
        }
        (_, None) => MetaSchema::new("string"),
    };
    MetaHeader {
        name: name.to_owned(),
        description: None,
        required,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(schema)),
    }
}

fn etag_header() -> MetaHeader {
    header("ETag", None, true)
}

fn location_header() -> MetaHeader {
    header("Location", Some("uri"), true)
}

fn content_location_header() -> MetaHeader {
    header("Content-Location", Some("uri"), true)
}

fn applied_header() -> MetaHeader {
    header("Preference-Applied", None, false)
}

fn meta(status: u16, content: Vec<MetaMediaType>, headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse { description: "", status: Some(status), status_range: None, content, headers }
}

fn json<T: Type>() -> Vec<MetaMediaType> {
    ["application/json", "application/ld+json"]
        .map(|content_type| MetaMediaType { content_type, schema: T::schema_ref() })
        .into()
}

impl Session {
    fn content_type(&self) -> &'static str {
        if self.plain_json { "application/json" } else { "application/ld+json" }
    }

    fn with_body(&self, status: StatusCode, json: String) -> Response {
        Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, self.content_type())
            .body(Body::from_string(json))
    }

    /// Answers GET of an item: the item, or that the caller has it already.
    pub fn view<T: Resource>(&self, item: &T) -> View<T> {
        let json = item.to_json_string();
        let tag = etag(json.as_bytes());
        let mut response = if self.conditions.is_known(&tag) {
            Response::builder().status(StatusCode::NOT_MODIFIED).finish()
        } else {
            self.with_body(StatusCode::OK, json)
        };
        set(&mut response, header::ETAG, &tag);
        View(response, PhantomData)
    }

    /// What is stored, of this version, as its caller sees it, once the conditions of the request hold; and the
    /// version to write under, where the request depends on it.
    ///
    /// # Errors
    /// When the conditions don't hold.
    pub fn checked<T: Resource>(&self, shown: T, version: i64) -> Result<(T, Option<i64>), Failure> {
        self.conditions.check(Some(&shown.etag()))?;
        Ok((shown, self.conditions.any().then_some(version)))
    }

    /// As [`Self::checked`], where nothing is stored: the version to write under is then that of nothing.
    ///
    /// # Errors
    /// When the conditions don't hold.
    pub fn absent(&self) -> Result<Option<i64>, Failure> {
        self.conditions.check(None)?;
        Ok(self.conditions.any().then_some(NEW))
    }

    /// Answers GET of a collection, and operations that answer with plain values.
    pub fn value<T: ToJSON>(&self, value: &T) -> Value<T> {
        Value(self.with_body(StatusCode::OK, value.to_json_string()), PhantomData)
    }

    /// Answers a POST that changed something and made nothing: what is there now, unless nobody wants to see it.
    pub fn done<T: ToJSON>(&self, value: &T) -> Done<T> {
        let mut response = if self.prefer == Some(Prefer::Minimal) {
            Response::builder().status(StatusCode::OK).finish()
        } else {
            self.with_body(StatusCode::OK, value.to_json_string())
        };
        self.apply_preference(&mut response);
        Done(response, PhantomData)
    }

    fn apply_preference(&self, response: &mut Response) {
        if let Some(prefer) = self.prefer {
            set(response, header::HeaderName::from_static("preference-applied"), prefer.applied());
        }
    }

    fn written<T: Resource>(&self, status: StatusCode, item: &T) -> Response {
        let json = item.to_json_string();
        let tag = etag(json.as_bytes());
        let mut response = if self.prefer == Some(Prefer::Minimal) {
            Response::builder().status(status).finish()
        } else {
            self.with_body(status, json)
        };
        self.apply_preference(&mut response);
        set(&mut response, header::ETAG, &tag);
        response
    }

    /// Answers a POST that made `item`.
    pub fn created<T: Resource>(&self, item: &T) -> Created<T> {
        let mut response = self.written(StatusCode::CREATED, item);
        set(&mut response, header::LOCATION, item.iri());
        Created(response, PhantomData)
    }

    /// Answers a PUT that made or replaced `item`.
    pub fn replaced<T: Resource>(&self, item: &T, is_new: bool) -> Replaced<T> {
        Replaced(if is_new { self.created(item).0 } else { self.written(StatusCode::OK, item) }, PhantomData)
    }

    /// Answers a PATCH that changed `item`.
    pub fn updated<T: Resource>(&self, item: &T) -> Updated<T> {
        let json = item.to_json_string();
        let tag = etag(json.as_bytes());
        let wanted = self.prefer == Some(Prefer::Representation);
        let mut response = if wanted || self.app.profile.patch_shows() {
            self.with_body(StatusCode::OK, json)
        } else {
            empty(StatusCode::RESET_CONTENT)
        };
        if wanted {
            let applied = Prefer::Representation.applied();
            set(&mut response, header::HeaderName::from_static("preference-applied"), applied);
        }
        set(&mut response, header::ETAG, &tag);
        set(&mut response, header::CONTENT_LOCATION, item.iri());
        Updated(response, PhantomData)
    }

    /// Answers a DELETE.
    pub fn deleted(&self) -> Deleted {
        Deleted(empty(StatusCode::from_u16(self.app.profile.deleted()).unwrap_or(StatusCode::RESET_CONTENT)))
    }
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = header::HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// 205 isn't bodiless by its framing: it says so (RFC 9110 §15.3.6). 204 must not.
fn empty(status: StatusCode) -> Response {
    let mut response = Response::builder().status(status).finish();
    if status == StatusCode::RESET_CONTENT {
        response.headers_mut().insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("0"));
    }
    response
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $meta:expr;)*) => {
        $(
            $(#[$doc])*
            pub struct $name<T>(Response, PhantomData<T>);

            impl<T> IntoResponse for $name<T> where T: Send {
                fn into_response(self) -> Response {
                    self.0
                }
            }

            impl<T: Type> ApiResponse for $name<T> {
                fn meta() -> MetaResponses {
                    let responses: fn(Vec<MetaMediaType>, Vec<MetaMediaType>) -> Vec<MetaResponse> = $meta;
                    MetaResponses { responses: responses(json::<T>(), json::<T>()) }
                }

                fn register(registry: &mut Registry) {
                    T::register(registry);
                }
            }
        )*
    };
}

answers! {
    /// An item, or that it hasn't changed.
    View: |content, _| vec![meta(200, content, vec![etag_header()]), meta(304, vec![], vec![etag_header()])];
    /// A value without an entity tag: a page of a collection, the outcome of an action.
    Value: |content, _| vec![meta(200, content, vec![])];
    /// A new item.
    Created: |content, _| vec![meta(201, content, vec![location_header(), etag_header(), applied_header()])];
    /// A replaced or new item.
    Replaced: |content, again| vec![
        meta(200, content, vec![etag_header(), applied_header()]),
        meta(201, again, vec![location_header(), etag_header(), applied_header()]),
    ];
    /// A changed item, or that it has changed.
    Updated: |content, _| vec![
        meta(200, content, vec![etag_header(), content_location_header(), applied_header()]),
        meta(205, vec![], vec![etag_header(), content_location_header()]),
    ];
    /// What an action left behind.
    Done: |content, _| vec![meta(200, content, vec![applied_header()])];
    /// A new item that is shown this once.
    Disclosed: |content, _| vec![meta(201, content, vec![location_header(), etag_header()])];
}

impl Session {
    /// Answers a POST that made something which is shown this once, whatever the caller prefers.
    pub fn disclosed<T: Resource>(&self, item: &T) -> Disclosed<T> {
        let json = item.to_json_string();
        let tag = etag(json.as_bytes());
        let mut response = self.with_body(StatusCode::CREATED, json);
        set(&mut response, header::ETAG, &tag);
        set(&mut response, header::LOCATION, item.iri());
        Disclosed(response, PhantomData)
    }
}

/// Something that is gone.
pub struct Deleted(Response);

impl IntoResponse for Deleted {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Deleted {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![meta(204, vec![], vec![]), meta(205, vec![], vec![])] }
    }

    fn register(_: &mut Registry) {}
}

impl<T> View<T> {
    /// The same answer, with the profile of its `application/ld+json` named.
    #[must_use]
    pub fn with_profile(mut self, profile: &str) -> Self {
        let headers = self.0.headers_mut();
        if headers.get(header::CONTENT_TYPE).is_some_and(|t| t == "application/ld+json") {
            set(&mut self.0, header::CONTENT_TYPE, &format!("application/ld+json;profile=\"{profile}\""));
        }
        self
    }
}

/// A JPEG, or that it hasn't changed.
pub struct Pixels(Response);

impl Session {
    /// Answers GET of a picture; `open` ones may be kept by everybody.
    pub fn pixels(&self, jpeg: bytes::Bytes, open: bool) -> Pixels {
        let tag = etag(&jpeg);
        let mut response = if self.conditions.is_known(&tag) {
            Response::builder().status(StatusCode::NOT_MODIFIED).finish()
        } else {
            Response::builder().header(header::CONTENT_TYPE, "image/jpeg").body(jpeg)
        };
        set(&mut response, header::ETAG, &tag);
        let scope = if open { "public" } else { "private" };
        set(&mut response, header::CACHE_CONTROL, &format!("{scope}, max-age=3600"));
        Pixels(response)
    }
}

impl IntoResponse for Pixels {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for Pixels {
    fn meta() -> MetaResponses {
        let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")));
        let jpeg = MetaMediaType { content_type: "image/jpeg", schema };
        let headers = || vec![etag_header(), header("Cache-Control", None, true)];
        MetaResponses { responses: vec![meta(200, vec![jpeg], headers()), meta(304, vec![], headers())] }
    }

    fn register(_: &mut Registry) {}
}

/// That what is wanted is elsewhere.
pub struct SeeOther(Response);

impl SeeOther {
    /// At this URI.
    pub fn to(uri: &str) -> Self {
        let mut response = Response::builder().status(StatusCode::SEE_OTHER).finish();
        set(&mut response, header::LOCATION, uri);
        Self(response)
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        self.0
    }
}

impl ApiResponse for SeeOther {
    fn meta() -> MetaResponses {
        MetaResponses { responses: vec![meta(303, vec![], vec![location_header()])] }
    }

    fn register(_: &mut Registry) {}
}
