//! What is different where Fastly's clients knock: credentials, bodies, answers, errors.

use super::{body, problem::Failure, session::Session};
use crate::domain::{self, account};
use percent_encoding::percent_decode;
use poem::{
    Body, IntoResponse, Request, RequestBody, Response,
    http::{HeaderMap, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ApiResponse, ExtractParamOptions, Object,
    registry::{MetaMediaType, MetaRequest, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};
use serde_json::{Map, Value};
use std::{borrow::Cow, marker::PhantomData};

/// Bytes of a request body at most.
const MAX_BYTES: usize = 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// Whether a path, from the document or a request, is one of Fastly's.
pub fn is_path(path: &str) -> bool {
    matches!(path.split('/').nth(1), Some("customer" | "current_customer" | "current_user"))
}

/// The id of the customer that a path of Fastly's names, if it names one.
pub fn customer_of(path: &str) -> Option<String> {
    let segment = path.strip_prefix("/customer/")?.split('/').next()?;
    Some(percent_decode(segment.as_bytes()).decode_utf8_lossy().into_owned())
}

/// The key and secret in a `Fastly-Key` header; `None` if there is none.
///
/// # Errors
/// When it doesn't hold both.
pub fn token(headers: &HeaderMap) -> Result<Option<(String, String)>, Failure> {
    let Some(value) = headers.get("fastly-key") else { return Ok(None) };
    let parts = value.to_str().ok().and_then(|token| token.split_once('.'));
    let (key, secret) =
        parts.ok_or(Failure::Unauthorized("A Fastly-Key is a key and its secret, with a dot between."))?;
    Ok(Some((key.to_owned(), secret.to_owned())))
}

/// A failure as Fastly's clients know it.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AccountError {
    msg: String,
    detail: Option<String>,
}

impl AccountError {
    /// The words for a failure; `sentence` is what everybody else is told.
    pub fn of(failure: &Failure, title: &str, sentence: String) -> Self {
        let (msg, detail) = match failure {
            Failure::Unauthorized(_) => ("Provided credentials are missing or invalid".to_owned(), None),
            Failure::TooMany(_) => ("You have exceeded your hourly rate limit. Try again later.".to_owned(), None),
            Failure::Domain(domain::Error::Forbidden(reason)) => (reason.clone(), None),
            Failure::Domain(domain::Error::Invalid(_) | domain::Error::Conflict(_)) => {
                ("Bad request".to_owned(), Some(sentence))
            }
            Failure::Domain(domain::Error::Missing(_)) => ("Record not found".to_owned(), Some(sentence)),
            Failure::MediaType(given) => (
                title.to_owned(),
                Some(format!("A body of type `{given}` can't be read here: send `{FORM}` or `{JSON}`.")),
            ),
            _ => (title.to_owned(), Some(sentence)),
        };
        Self { msg, detail }
    }
}

/// A success as Fastly's clients know it.
pub struct Answer<T>(Response, PhantomData<T>);

impl Session {
    /// Answers as Fastly's clients expect.
    pub fn account<T: ToJSON>(&self, value: &T) -> Answer<T> {
        let response =
            Response::builder().header(header::CONTENT_TYPE, JSON).body(Body::from_string(value.to_json_string()));
        Answer(response, PhantomData)
    }
}

impl<T: Send> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: Type> ApiResponse for Answer<T> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
        let response =
            MetaResponse { description: "", status: Some(200), status_range: None, content, headers: Vec::new() };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
        AccountError::register(registry);
    }
}

/// The members of a form or of a JSON object; none where there is no body. `T` documents them.
pub struct Members<T> {
    /// The members; in a form texts are texts and booleans are booleans.
    pub members: Map<String, Value>,
    documented: PhantomData<T>,
}

impl<'a, T: Type> ApiExtractor<'a> for Members<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = [JSON, FORM].map(|content_type| MetaMediaType { content_type, schema: T::schema_ref() });
        Some(MetaRequest { description: None, content: content.into(), required: false })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self { members: read(request, body).await?, documented: PhantomData })
    }
}

async fn read(request: &Request, body: &mut RequestBody) -> Result<Map<String, Value>, Failure> {
    let body = body.take().map_err(|_| Failure::Internal)?;
    let bytes = body::limited(request, body, MAX_BYTES).await?;
    // Clients say a type without sending anything.
    if bytes.is_empty() {
        return Ok(Map::new());
    }
    let given = request.content_type().unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(FORM) {
        form(&bytes)
    } else if essence.eq_ignore_ascii_case(JSON) {
        body::members_of(&bytes, |_| None)
    } else {
        Err(Failure::MediaType(given.chars().take(100).collect()))
    }
}

/// The members of a form; of one that is there several times the last counts.
fn form(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    let mut members = Map::new();
    for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
        let (name, value) = match pair.iter().position(|b| *b == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &[][..]),
        };
        let (name, value) = (decoded(name)?, decoded(value)?);
        let value = if account::is_flag(&name) { flag(&name, &value)? } else { Value::String(value) };
        members.insert(name, value);
    }
    Ok(members)
}

fn decoded(bytes: &[u8]) -> Result<String, Failure> {
    let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    let text = percent_decode(&spaced).decode_utf8().map(Cow::into_owned);
    text.map_err(|_| {
        Failure::invalid("", "The form is not in UTF-8: encode its texts so before they are percent-encoded.")
    })
}

/// A boolean as one of Fastly's clients writes it.
fn flag(name: &str, text: &str) -> Result<Value, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" | "" => Ok(Value::Bool(false)),
        _ => Err(Failure::invalid(format!("/{name}"), format!("`{name}` must be true or false."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_are_read_as_clients_write_them() {
        let read =
            form(b"name=A+B%20C%2B&force_sso=True&has_pci=&force_2fa=0&name=D%0A%C3%A4&x&&billing_ref=None").unwrap();
        let expected = json!({ "name": "D\n\u{e4}", "force_sso": true, "has_pci": false, "force_2fa": false, "x": "",
            "billing_ref": "None" });
        assert_eq!(Value::Object(read), expected);
        for bad in [&b"name=%FF"[..], b"\xff=1", b"has_pci=yes", b"has_pci=2"] {
            assert!(form(bad).is_err());
        }
    }

    #[test]
    fn failures_have_the_words_of_fastly() {
        let told = |failure: &Failure| {
            let AccountError { msg, detail } = AccountError::of(failure, "Title", "Sentence.".to_owned());
            (msg, detail)
        };
        let with = |msg: &str, detail: &str| (msg.to_owned(), Some(detail.to_owned()));
        let forbidden = Failure::Domain(domain::Error::Forbidden("Not you.".to_owned()));
        assert_eq!(told(&forbidden), ("Not you.".to_owned(), None));
        assert_eq!(told(&Failure::Unauthorized("Why.")).1, None);
        assert_eq!(told(&Failure::TooMany(1)).1, None);
        assert_eq!(told(&Failure::invalid("", "x")), with("Bad request", "Sentence."));
        assert_eq!(
            told(&Failure::Domain(domain::Error::Missing("x".to_owned()))),
            with("Record not found", "Sentence.")
        );
        assert_eq!(told(&Failure::Internal), with("Title", "Sentence."));
        let (msg, detail) = told(&Failure::MediaType("text/csv".to_owned()));
        assert!(msg == "Title" && detail.is_some_and(|detail| detail.contains("`text/csv`")));
    }

    #[test]
    fn paths_are_told_apart() {
        for path in ["/customer/a", "/customer", "/current_user", "/current_customer", "/customer/a/b/c"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["/customers/1", "/customers", "/", "", "/current_users"] {
            assert!(!is_path(path), "{path}");
        }
        assert_eq!(customer_of("/customer/a%62/users").as_deref(), Some("ab"));
    }
}
