//! Probes of who may come in, and by which methods.

use serde_json::Value;

use super::probe::{Expected, Probe};
use super::request::{Caller, Request, Scheme};
use super::subject::Subject;

/// The methods that paths have.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Whether an operation can be carried out again and again.
fn repeats(subject: &Subject<'_>) -> bool {
    subject.operation.method != "DELETE" || subject.has_header("If-Match")
}

/// The probes of the security schemes.
pub(super) fn probes(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let mut found = Vec::new();
    let security = subject.security();
    let is_open = security.is_empty() || security.iter().any(Vec::is_empty);
    let listed: Vec<&String> = security.iter().flatten().collect();
    let mut add = |constraint: &str, request: Request, is_accepted: bool| {
        let expected = if is_accepted { good(subject) } else { Expected::Status(vec![401]) };
        if !is_accepted || repeats(subject) {
            found.push(Probe::new("security", constraint, request, expected));
        }
    };
    add("no credentials", base.clone().by(Caller::Nobody), is_open);
    add("an unknown key", base.clone().by(Caller::Impostor), listed.is_empty());
    let schemes = subject.document.root()["components"]["securitySchemes"].as_object().into_iter().flatten();
    for (name, scheme) in schemes {
        let Some(scheme) = read(subject, scheme) else { continue };
        let is_accepted = is_open || listed.contains(&name);
        let request = Request { scheme, ..base.clone().by(Caller::Usual) };
        add(&format!("the scheme {name}"), request, is_accepted);
    }
    if subject.documents(403) && subject.operation.template.starts_with("/customers") {
        let expected = Expected::Status(vec![403]);
        found.push(Probe::new("security", "another customer", base.clone().by(Caller::Stranger), expected));
    }
    found
}

/// What tells that a request was accepted.
pub(super) fn good(subject: &Subject<'_>) -> Expected {
    if subject.operation.method == "DELETE" && subject.has_header("If-Match") {
        Expected::Status(vec![412])
    } else {
        Expected::Success
    }
}

fn read(subject: &Subject<'_>, scheme: &Value) -> Option<Scheme> {
    let scheme = subject.document.resolve(scheme).ok()?;
    match (scheme["type"].as_str()?, scheme["in"].as_str(), scheme["scheme"].as_str()) {
        ("http", _, Some("basic")) => Some(Scheme::Basic),
        ("apiKey", Some("header"), _) => Some(Scheme::Header(scheme["name"].as_str()?.to_owned())),
        _ => None,
    }
}

/// The probes of the methods of the path: HEAD where GET is, OPTIONS everywhere, nothing else.
pub(super) fn methods(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let mut found = Vec::new();
    let bare = Request { body: super::request::Body::Absent, headers: Vec::new(), ..base.clone() };
    // Where the server has the method after all nothing is to happen.
    let bare = bare.with_header("If-Match", super::conditions::NEVER);
    let with = |method: &str| Request { method: method.to_owned(), ..bare.clone() };
    if subject.operation.method == "GET" {
        let head = Request { method: "HEAD".to_owned(), ..base.clone() };
        found.push(Probe::new("method HEAD", "as GET", head, Expected::Head(Box::new(base.clone()))));
    }
    let path = subject.document.paths().iter().find(|path| path.template == subject.operation.template);
    let Some(path) = path else { return found };
    // The other operations of the path say the same.
    if path.operations.values().next().is_some_and(|first| first.id != subject.operation.id) {
        return found;
    }
    found.push(Probe::new("method OPTIONS", "Allow", with("OPTIONS"), Expected::Allow(204)));
    for method in METHODS.iter().filter(|method| !path.operations.contains_key(**method)) {
        found.push(Probe::new(&format!("method {method}"), "unlisted", with(method), Expected::Allow(405)));
    }
    found
}
