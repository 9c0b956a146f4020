//! Holds one exchange against the document, closed: whatever the document doesn't list is a violation.

use std::collections::BTreeMap;

use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::document::{Document, Header, Operation, PathItem, Response};
use crate::schema::Schemas;

/// Headers any answer may carry: framing, not contract.
const FRAMING: [&str; 6] = ["content-type", "content-length", "date", "connection", "transfer-encoding", "keep-alive"];
/// Where things live that are not part of the API: the pages about it.
const ABOUT: [&str; 2] = ["/docs", "/openapi"];
/// The first segments of Fastly's paths, where failures have another shape.
const ACCOUNT: [&str; 3] = ["customer", "current_customer", "current_user"];
/// Where they are told how often they may still change something, and until when.
const RATES: [&str; 2] = ["fastly-ratelimit-remaining", "fastly-ratelimit-reset"];
const PROBLEM: &str = "application/problem+json";
const JSON: &str = "application/json";

/// A request and its answer.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path as sent, without the query.
    pub path: &'a str,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers.
    pub headers: &'a HeaderMap,
    /// The answer's body, whole.
    pub body: &'a [u8],
}

/// What the document says about an exchange.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is wrong, one line each.
    pub violations: Vec<String>,
    /// The documented pair that was seen: operationId and status.
    pub observed: Option<(String, u16)>,
}

/// A document made ready for validation.
#[derive(Debug)]
pub struct Validator<'a> {
    document: &'a Document,
    schemas: Schemas,
    common: BTreeMap<String, Header>,
}

impl Validator<'static> {
    /// The validator of the committed document, made once per process.
    #[must_use]
    pub fn committed() -> &'static Self {
        static VALIDATOR: std::sync::OnceLock<Validator<'static>> = std::sync::OnceLock::new();
        VALIDATOR.get_or_init(|| Self::new(Document::committed()))
    }
}

impl<'a> Validator<'a> {
    /// Prepares a document.
    #[must_use]
    pub fn new(document: &'a Document) -> Self {
        Self { document, schemas: Schemas::new(document.root()), common: document.common_headers() }
    }

    /// Judges one exchange.
    #[must_use]
    pub fn check(&self, exchange: &Exchange<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let violations = &mut verdict.violations;
        if exchange.status == 500 {
            violations.push("500 is never an answer".to_owned());
        }
        framing(exchange, violations);
        let Some(item) = self.document.find(exchange.path) else {
            self.unknown_path(exchange, violations);
            return verdict;
        };
        let asked = if *exchange.method == Method::HEAD { "GET" } else { exchange.method.as_str() };
        match item.operations.get(exchange.method.as_str()).or_else(|| item.operations.get(asked)) {
            Some(operation) => {
                if self.operation(exchange, operation, violations) && exchange.method != Method::HEAD {
                    verdict.observed = Some((operation.id.clone(), exchange.status));
                }
            }
            None if *exchange.method == Method::OPTIONS => self.options(exchange, item, violations),
            None => self.wrong_method(exchange, item, violations),
        }
        verdict
    }

    /// Whether a value is valid against a schema of the document, closed: one line per fault.
    #[must_use]
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        self.schemas.faults(schema, value)
    }

    /// True when the status is documented.
    fn operation(&self, exchange: &Exchange<'_>, operation: &Operation, out: &mut Vec<String>) -> bool {
        let Some(response) = operation.responses.get(&exchange.status) else {
            let id = &operation.id;
            out.push(format!("{id} does not document status {}", exchange.status));
            return false;
        };
        self.response(exchange, response, out);
        true
    }

    fn response(&self, exchange: &Exchange<'_>, response: &Response, out: &mut Vec<String>) {
        self.headers(exchange, &response.headers, &[], out);
        // A client may ask for no body (RFC 7240 §4.2).
        let minimal = exchange.headers.get("preference-applied").is_some_and(|applied| applied == "return=minimal");
        let bodiless =
            exchange.method == Method::HEAD || exchange.status == 304 || (minimal && exchange.body.is_empty());
        if response.content.is_empty() {
            if !exchange.body.is_empty() {
                out.push(format!("status {} is documented without a body", exchange.status));
            }
        } else if !bodiless {
            self.body(exchange, &response.content, out);
        }
    }

    fn headers(
        &self,
        exchange: &Exchange<'_>,
        documented: &BTreeMap<String, Header>,
        also: &[&str],
        out: &mut Vec<String>,
    ) {
        for (name, value) in exchange.headers {
            let name = name.as_str();
            if FRAMING.contains(&name) || also.contains(&name) {
                continue;
            }
            let Some(header) = documented.get(name) else {
                out.push(format!("header {name} is not documented for status {}", exchange.status));
                continue;
            };
            let text = String::from_utf8_lossy(value.as_bytes());
            if !header.schema.is_null() {
                let faults = self.faults(&header.schema, &header_value(&header.schema, &text));
                out.extend(faults.iter().map(|fault| format!("header {name}: {text}: {fault}")));
            }
        }
        for (name, header) in documented {
            if header.required && !exchange.headers.contains_key(name) {
                out.push(format!("header {name} is missing"));
            }
        }
    }

    fn body(&self, exchange: &Exchange<'_>, content: &BTreeMap<String, Value>, out: &mut Vec<String>) {
        let given = content_type(exchange.headers);
        let Some((media_type, schema)) = content.iter().find(|(documented, _)| covers(documented, given)) else {
            let known: Vec<&String> = content.keys().collect();
            out.push(format!("media type {given:?} is not one of {known:?}"));
            return;
        };
        if media_type.contains("json") {
            self.json_body(exchange.body, schema, out);
        } else if exchange.body.is_empty() {
            out.push(format!("an empty body as {media_type}"));
        }
    }

    fn json_body(&self, body: &[u8], schema: &Value, out: &mut Vec<String>) {
        match serde_json::from_slice::<Value>(body) {
            Err(error) => out.push(format!("the body is not JSON: {error}")),
            Ok(_) if schema.is_null() => {}
            Ok(value) => {
                out.extend(self.faults(schema, &value).iter().map(|fault| format!("body {fault}")));
            }
        }
    }

    /// An answer no operation stands for: a failure in the shape failures of this path have.
    fn failure(&self, exchange: &Exchange<'_>, item: Option<&PathItem>, statuses: &[u16], out: &mut Vec<String>) {
        if !statuses.contains(&exchange.status) {
            out.push(format!("status {}, expected one of {statuses:?}", exchange.status));
            return;
        }
        let account = is_account(exchange.path);
        let mut also = vec!["allow", "www-authenticate", "vary"];
        if account {
            also.extend(["cache-control", "retry-after"]);
            also.extend(RATES);
            rates(exchange, out);
        }
        self.headers(exchange, &self.common, &also, out);
        if exchange.status == 401 && !exchange.headers.contains_key("www-authenticate") {
            out.push("header www-authenticate is missing".to_owned());
        }
        if exchange.method == Method::HEAD {
            return;
        }
        let mut content = BTreeMap::new();
        for operation in item.into_iter().flat_map(|item| item.operations.values()) {
            for (_, response) in operation.responses.range(400..500) {
                content.extend(response.content.clone());
            }
        }
        let (media_type, schema) = if account { (JSON, "AccountError") } else { (PROBLEM, "Problem") };
        let reference = json!({ "$ref": format!("#/components/schemas/{schema}") });
        content.entry(media_type.to_owned()).or_insert(reference);
        self.body(exchange, &content, out);
    }

    fn wrong_method(&self, exchange: &Exchange<'_>, item: &PathItem, out: &mut Vec<String>) {
        let mut statuses = vec![405];
        if exchange.path.starts_with("/customers/") {
            statuses.extend(item.documented(&[401, 403, 404]));
        }
        if is_account(exchange.path) {
            statuses.extend([401, 404, 429]);
        }
        self.failure(exchange, Some(item), &statuses, out);
        if exchange.status == 405 {
            allow(exchange, item, out);
        }
    }

    fn options(&self, exchange: &Exchange<'_>, item: &PathItem, out: &mut Vec<String>) {
        if ![200, 204].contains(&exchange.status) {
            return self.failure(exchange, Some(item), &item.documented(&[401, 403, 404]), out);
        }
        if !exchange.body.is_empty() {
            out.push("OPTIONS answers without a body".to_owned());
        }
        allow(exchange, item, out);
    }

    fn unknown_path(&self, exchange: &Exchange<'_>, out: &mut Vec<String>) {
        if ABOUT.iter().any(|prefix| exchange.path.starts_with(prefix)) {
            if exchange.status > 500 {
                out.push(format!("status {} outside the contract", exchange.status));
            }
            return;
        }
        let mut statuses = vec![404];
        if exchange.path.starts_with("/customers/") {
            statuses.extend([401, 403]);
        }
        if is_account(exchange.path) {
            statuses.extend([401, 429]);
        }
        self.failure(exchange, None, &statuses, out);
    }
}

impl PathItem {
    /// Which of these statuses some operation of the path documents.
    fn documented(&self, wanted: &[u16]) -> Vec<u16> {
        let known = |status: &&u16| self.operations.values().any(|operation| operation.responses.contains_key(status));
        wanted.iter().filter(known).copied().collect()
    }
}

fn is_account(path: &str) -> bool {
    ACCOUNT.contains(&path.split('/').nth(1).unwrap_or(""))
}

/// Whoever changes something as Fastly's clients do is told how often they still may, also where it fails.
fn rates(exchange: &Exchange<'_>, out: &mut Vec<String>) {
    let counted = !matches!(*exchange.method, Method::GET | Method::HEAD | Method::OPTIONS) && exchange.status != 401;
    for name in RATES {
        let given: Vec<_> = exchange.headers.get_all(name).iter().collect();
        let number = |value: &&hyper::header::HeaderValue| value.to_str().is_ok_and(|v| v.parse::<u64>().is_ok());
        if given.len() != usize::from(counted) || !given.iter().all(number) {
            out.push(format!("header {name} is {given:?}, expected {}", if counted { "one integer" } else { "none" }));
        }
    }
}

/// Statuses and methods that have no body, whatever the document says.
fn framing(exchange: &Exchange<'_>, out: &mut Vec<String>) {
    let bodiless = matches!(exchange.status, 204 | 205 | 304) || exchange.method == Method::HEAD;
    if bodiless && !exchange.body.is_empty() {
        out.push(format!("{} bytes of body where none may be", exchange.body.len()));
    }
    let length = exchange.headers.get("content-length");
    if exchange.status == 205 && length.is_none_or(|length| length != "0") {
        out.push("205 without Content-Length: 0".to_owned());
    }
}

fn allow(exchange: &Exchange<'_>, item: &PathItem, out: &mut Vec<String>) {
    let given = exchange.headers.get("allow").and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut methods: Vec<&str> = given.split(',').map(str::trim).filter(|method| !method.is_empty()).collect();
    methods.sort_unstable();
    let expected = item.allow();
    if methods != expected {
        out.push(format!("Allow is {given:?}, expected {}", expected.join(", ")));
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// Whether a documented media type, perhaps a range, covers a given one; parameters don't matter.
fn covers(documented: &str, given: &str) -> bool {
    let essence = |text: &str| text.split(';').next().unwrap_or("").trim().to_lowercase();
    let (documented, given) = (essence(documented), essence(given));
    match documented.strip_suffix("/*") {
        Some("*") => !given.is_empty(),
        Some(kind) => given.strip_prefix(kind).is_some_and(|rest| rest.starts_with('/')),
        None => documented == given,
    }
}

fn header_value(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        _ => text.into(),
    }
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
