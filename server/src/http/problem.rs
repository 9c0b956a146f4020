//! One body for every failure, whoever raises it (decision 7).

use super::{
    Profile,
    account::{self, AccountError},
    links::Links,
};
use crate::{
    domain::{self, Fault},
    store,
};
use poem::{
    Body, Error, IntoResponse, Response,
    error::ResponseError,
    http::{Method, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    error::{ParseParamError, ParsePathError},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};
use std::marker::PhantomData;

/// One fault of a request.
#[derive(Debug, Clone, Object)]
pub struct FieldError {
    /// Where.
    pub pointer: String,
    /// What.
    pub detail: String,
}

/// A failure as it goes over the wire.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Problem {
    #[oai(rename = "@context")]
    context: String,
    #[oai(rename = "@type")]
    class: String,
    #[oai(rename = "type")]
    kind: String,
    title: String,
    status: i32,
    status_code: i32,
    detail: String,
    description: String,
    instance: String,
    request_id: String,
    errors: Option<Vec<FieldError>>,
}

/// Why a request failed, before it is put into words for the wire.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The domain refused.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// No credentials, or wrong ones.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// There is no such path.
    #[error("There is nothing at this path.")]
    NoRoute,
    /// The path has other methods.
    #[error("This path takes {0} only.")]
    Method(String),
    /// The body is larger than allowed, in bytes.
    #[error("The body is larger than {0} bytes: send less at once.")]
    TooLarge(usize),
    /// The body has a media type that is not read.
    #[error("A body of type `{0}` can't be read here: send `application/json`.")]
    MediaType(String),
    /// Too many changes; seconds until there may be more.
    #[error("Too much was changed within the hour: try again in {0} seconds.")]
    TooMany(i64),
    /// An `Idempotency-Key` that stands for another request.
    #[error("{0}")]
    KeyReused(&'static str),
    /// The request that an `Idempotency-Key` stands for is not answered yet.
    #[error("The first request with this Idempotency-Key is still being carried out: send it again in a moment.")]
    UnderWay,
    /// Something went wrong that is no fault of the caller's.
    #[error("The server failed; its log knows more under the request id.")]
    Internal,
}

impl Failure {
    /// One fault at one place of the request.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Domain(domain::Error::invalid(pointer, detail))
    }

    /// The status, and the kind and title of the problem.
    fn kind(&self, profile: Profile) -> (u16, &'static str, &'static str) {
        use domain::Error as E;
        match self {
            Self::Domain(E::Invalid(_)) => (400, "invalid", "The request is invalid"),
            Self::Domain(E::Conflict(_)) => (profile.conflict(), "conflict", "Conflict"),
            Self::Domain(E::Quota(_)) => (profile.quota(), "storage-limit-exceeded", "Storage limit exceeded"),
            Self::Domain(E::Missing(_)) => (404, "not-found", "Not found"),
            Self::Domain(E::Forbidden(_)) => (403, "forbidden", "Forbidden"),
            Self::Domain(E::Changed) => (412, "precondition-failed", "Precondition failed"),
            Self::Domain(E::Store(store::Error::TooLong)) => (503, "search-too-long", "Search too long"),
            Self::Domain(E::Busy | E::Store(store::Error::Busy)) => (503, "busy", "Too much at once"),
            Self::Domain(E::Store(e)) if e.is_unavailable() => (503, "unavailable", "The database is away"),
            Self::Domain(E::Store(_)) | Self::Internal => (500, "internal", "Internal error"),
            Self::Unauthorized(_) => (401, "unauthorized", "Unauthorized"),
            Self::NoRoute => (404, "not-found", "Not found"),
            Self::Method(_) => (405, "method-not-allowed", "Method not allowed"),
            Self::KeyReused(_) => (422, "idempotency-key-reused", "Idempotency-Key reused"),
            Self::UnderWay => (503, "under-way", "Still under way"),
            Self::TooMany(_) => (429, "too-many", "Too many requests"),
            Self::TooLarge(_) => (413, "too-large", "Body too large"),
            Self::MediaType(_) => (415, "media-type", "Unsupported media type"),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Domain(domain::Error::Store(store::Error::TooLong)) => {
                "The search takes too long: narrow the query, or the space it looks through.".to_owned()
            }
            Self::Domain(domain::Error::Store(store::Error::Busy)) => {
                "Too many searches are under way: try again in a moment.".to_owned()
            }
            Self::Domain(domain::Error::Store(e)) if e.is_unavailable() => {
                "The database can't be reached: try again later, and look first whether a change was made.".to_owned()
            }
            // What the database says is for the log only.
            Self::Domain(domain::Error::Store(_)) => Self::Internal.to_string(),
            other => other.to_string(),
        }
    }

    /// Whether the operator has to know: whoever comes too early or asks for too much is told, and nothing is wrong.
    fn is_trouble(&self) -> bool {
        use domain::Error::Store;
        let is_told = matches!(
            self,
            Self::UnderWay | Self::Domain(domain::Error::Busy | Store(store::Error::TooLong | store::Error::Busy))
        );
        self.status().is_server_error() && !is_told
    }

    fn faults(&self) -> Option<Vec<FieldError>> {
        let faults: &[Fault] = match self {
            Self::Domain(domain::Error::Invalid(faults)) => faults,
            Self::Domain(domain::Error::Conflict(fault)) => std::slice::from_ref(fault),
            _ => return None,
        };
        Some(faults.iter().map(|f| FieldError { pointer: f.pointer.clone(), detail: f.detail.clone() }).collect())
    }
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind(Profile::Seed).0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What a failure is told with.
pub struct Circumstances<'a> {
    /// The profile of the server.
    pub profile: Profile,
    /// Where links start.
    pub links: &'a Links,
    /// The URL of the request.
    pub instance: &'a str,
    /// The id of the request.
    pub request_id: &'a str,
    /// The method of the request.
    pub method: &'a Method,
    /// The path of the request.
    pub path: &'a str,
}

/// The answer to a request that failed.
pub fn response(failure: &Failure, around: &Circumstances<'_>) -> Response {
    // The one place that decides between the two shapes of a failure.
    let account = account::is_path(around.path);
    // Fastly's clients expect 400 of a name that is taken, whatever the profile.
    let profile = if account { Profile::Seed } else { around.profile };
    let (status, kind, title) = failure.kind(profile);
    if failure.is_trouble() {
        tracing::error!(request_id = around.request_id, error = ?failure, "request failed");
    }
    let detail = failure.sentence();
    let (media_type, body) = if account {
        ("application/json", AccountError::of(failure, title, detail).to_json_string())
    } else {
        ("application/problem+json", told(failure, around, (status, kind, title), detail).to_json_string())
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, media_type);
    match failure {
        Failure::Unauthorized(_) => {
            response = response.header(header::WWW_AUTHENTICATE, "Basic realm=\"customer-api\", charset=\"UTF-8\"");
        }
        Failure::Method(allow) => response = response.header(header::ALLOW, allow),
        Failure::TooMany(wait) => response = response.header(header::RETRY_AFTER, *wait),
        // The same search takes as long again, unless fewer others are under way.
        Failure::Domain(domain::Error::Store(store::Error::TooLong)) => {
            tracing::warn!(request_id = around.request_id, path = around.path, "a search took too long");
            response = response.header(header::RETRY_AFTER, "60");
        }
        _ if status == StatusCode::SERVICE_UNAVAILABLE => response = response.header(header::RETRY_AFTER, "1"),
        _ => {}
    }
    response.body(Body::from_string(body))
}

fn told(failure: &Failure, around: &Circumstances<'_>, kind: (u16, &str, &str), detail: String) -> Problem {
    let (status, kind, title) = kind;
    Problem {
        context: "http://www.w3.org/ns/hydra/context.jsonld".to_owned(),
        class: "Error".to_owned(),
        kind: around.links.problem(kind),
        title: title.to_owned(),
        status: status.into(),
        status_code: status.into(),
        description: detail.clone(),
        detail,
        instance: around.instance.to_owned(),
        request_id: around.request_id.to_owned(),
        errors: failure.faults(),
    }
}

/// What an error of the framework means.
pub fn failure(error: Error, method: &Method) -> Failure {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return failure,
        Err(error) => error,
    };
    if error.is::<ParsePathError>() || error.is::<poem::error::ParsePathError>() {
        let detail = "A part of the path is not an id that this can have.";
        return match *method {
            // A path that can't name anything names nothing; what can't be created is invalid.
            Method::PUT | Method::POST => Failure::invalid("", detail),
            _ => Failure::Domain(domain::Error::Missing(detail.to_owned())),
        };
    }
    if let Some(e) = error.downcast_ref::<ParseParamError>() {
        return Failure::invalid(
            e.name,
            format!("`{}` has a value that can't be read: correct it or leave it out.", e.name),
        );
    }
    match error.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Failure::NoRoute,
        status => {
            tracing::error!(%status, %error, "an error of the framework that has no words of its own");
            Failure::Internal
        }
    }
}

/// The statuses of an operation beyond those that all of its kind have.
pub trait Codes: Send + Sync + 'static {
    /// The statuses.
    const CODES: &'static [u16];
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: [$($code:literal),*];)*) => {
        $($(#[$doc])* pub struct $name; impl Codes for $name { const CODES: &'static [u16] = &[$($code),*]; })*
    };
}

codes! {
    /// Nothing special.
    Plain: [];
    /// Something else may have the name already.
    Conflicts: [409];
    /// The storage policy may have no room.
    Quotas: [507];
    /// A path outside of a customer's that may name nothing.
    Named: [404];
    /// For administrators, and something else may have the name already.
    Administered: [403, 409];
    /// A public path that may name nothing.
    Delivered: [403, 404];
    /// The database is asked whether it is there.
    Probed: [503];
}

/// A failed operation; `C` documents what is special about it.
pub struct Fail<C = Plain>(Failure, PhantomData<C>);

impl<C> From<Failure> for Fail<C> {
    fn from(failure: Failure) -> Self {
        Self(failure, PhantomData)
    }
}

impl<C> From<domain::Error> for Fail<C> {
    fn from(error: domain::Error) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<C> From<Fail<C>> for Error {
    fn from(fail: Fail<C>) -> Self {
        fail.0.into()
    }
}

/// A response with a problem, for the emitted document.
pub fn documented(status: u16) -> MetaResponse {
    MetaResponse {
        description: "",
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type: "application/problem+json", schema: Problem::schema_ref() }],
        headers: Vec::new(),
    }
}

impl<C: Codes> ApiResponse for Fail<C> {
    fn meta() -> MetaResponses {
        MetaResponses { responses: C::CODES.iter().copied().map(documented).collect() }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}

impl<C: Codes> IntoResponse for Fail<C> {
    fn into_response(self) -> Response {
        Error::from(self).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn what_the_database_says_is_for_the_log_only() {
        let told = |error: store::Error| {
            let failure = Failure::Domain(domain::Error::Store(error));
            (failure.kind(Profile::Seed).0, failure.sentence())
        };
        let (status, sentence) = told(store::Error::Row("a secret of the inside".to_owned()));
        assert_eq!((status, sentence), (500, Failure::Internal.to_string()));
        let (status, sentence) = told(store::Error::Silent);
        assert!(status == 503 && sentence.contains("try again later"), "{status} {sentence}");
        let (status, sentence) = told(store::Error::TooLong);
        assert!(status == 503 && sentence.contains("narrow the query"), "{status} {sentence}");
    }

    #[test]
    fn only_what_is_wrong_with_the_server_is_trouble() {
        let of = |error: store::Error| Failure::Domain(domain::Error::Store(error));
        assert!(Failure::Internal.is_trouble() && of(store::Error::Silent).is_trouble());
        let busy = Failure::Domain(domain::Error::Busy);
        for told in [of(store::Error::TooLong), of(store::Error::Busy), busy, Failure::UnderWay, Failure::NoRoute] {
            assert!(!told.is_trouble(), "{told:?}");
        }
    }

    #[test]
    fn a_search_that_takes_too_long_is_not_tried_again_at_once() {
        let around = Circumstances {
            profile: Profile::Seed,
            links: &Links::new("https://api.example.org"),
            instance: "https://api.example.org/customers/1/allImages",
            request_id: "",
            method: &Method::GET,
            path: "/customers/1/allImages",
        };
        let of = |error: store::Error| Failure::Domain(domain::Error::Store(error));
        // Others end in a moment; this one takes as long the next time.
        for (failure, wait) in [
            (of(store::Error::TooLong), "60"),
            (of(store::Error::Busy), "1"),
            (of(store::Error::Silent), "1"),
            (Failure::UnderWay, "1"),
        ] {
            let answer = response(&failure, &around);
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{failure:?}");
            assert_eq!(answer.header(header::RETRY_AFTER), Some(wait), "{failure:?}");
        }
    }
}
