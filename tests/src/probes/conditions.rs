//! Probes of the headers whose meaning is HTTP's: conditions, preferences, keys of idempotency.

use serde_json::{Value, json};

use super::probe::{Expected, Probe};
use super::request::{Body, Request};
use super::subject::Subject;

/// Headers that are probed for what they mean.
pub(super) const KNOWN: [&str; 3] = ["If-Match", "If-None-Match", "Prefer"];
/// An entity tag that nothing has.
pub(super) const NEVER: &str = "\"no-such-version\"";
/// Stands for the entity tag that the resource has when the request is sent.
pub(super) const CURRENT: &str = "\"{current}\"";

/// The probes of all headers that have a meaning of their own.
pub(super) fn probes(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let mut found = Vec::new();
    if_match(subject, base, &mut found);
    if_none_match(subject, base, &mut found);
    prefer(subject, base, &mut found);
    if subject.has_header("Idempotency-Key") {
        repeats(subject, base, &mut found);
    }
    found
}

/// Whether the GET of the same path shows the resource under an entity tag.
fn has_tag(subject: &Subject<'_>) -> bool {
    let path = subject.document.paths().iter().find(|path| path.template == subject.operation.template);
    let shown = path.and_then(|path| path.operations.get("GET")).and_then(|get| get.responses.get(&200));
    shown.is_some_and(|shown| shown.headers.contains_key("etag"))
}

fn if_match(subject: &Subject<'_>, base: &Request, found: &mut Vec<Probe>) {
    let is_read = base.method == "GET";
    let mut add = |constraint: &str, value: &str, expected: Expected| {
        let request = base.clone().with_header("If-Match", value);
        found.push(Probe::new("header If-Match", constraint, request, expected));
    };
    if !subject.has_header("If-Match") {
        if is_read || base.method != "DELETE" {
            add("unlisted", NEVER, Expected::Success);
        }
        return;
    }
    let failed = Expected::Status(vec![412]);
    add("another version", NEVER, failed.clone());
    if has_tag(subject) {
        add("a weak tag", &format!("W/{CURRENT}"), failed);
    }
    if base.method != "DELETE" {
        add("any version", "*", Expected::Success);
        if has_tag(subject) {
            add("this version", CURRENT, Expected::Success);
            add("one of these versions", &format!("{NEVER}, {CURRENT}"), Expected::Success);
        }
    }
}

fn if_none_match(subject: &Subject<'_>, base: &Request, found: &mut Vec<Probe>) {
    let is_read = base.method == "GET";
    let without = base.clone().without_header("If-Match");
    let mut add = |constraint: &str, value: &str, expected: Expected| {
        let request = without.clone().with_header("If-None-Match", value);
        found.push(Probe::new("header If-None-Match", constraint, request, expected));
    };
    if !subject.has_header("If-None-Match") {
        if base.method != "DELETE" {
            add("unlisted", "*", Expected::Success);
        }
        return;
    }
    let held = Expected::Status(vec![if is_read { 304 } else { 412 }]);
    add("no version", "*", held.clone());
    if has_tag(subject) {
        add("not this version", CURRENT, held.clone());
        add("none of these versions", &format!("{NEVER}, {CURRENT}"), held.clone());
        if is_read {
            add("a weak tag", &format!("W/{CURRENT}"), held);
        }
    }
    if base.method != "DELETE" {
        add("not another version", NEVER, Expected::Success);
    }
}

fn prefer(subject: &Subject<'_>, base: &Request, found: &mut Vec<Probe>) {
    if base.method == "DELETE" {
        return;
    }
    let listed = subject.has_header("Prefer");
    for wish in ["return=representation", "return=minimal"] {
        // A patch answers as little as possible anyway.
        let applies = listed && (base.method != "PATCH" || wish == "return=representation");
        let request = base.clone().with_header("Prefer", wish);
        let constraint = if listed { wish.to_owned() } else { format!("unlisted {wish}") };
        let expected = Expected::Preference(applies.then(|| wish.to_owned()));
        found.push(Probe::new("header Prefer", &constraint, request, expected));
    }
    let request = base.clone().with_header("Prefer", "wait=10");
    found.push(Probe::new("header Prefer", "an unknown wish", request, Expected::Preference(None)));
}

fn repeats(subject: &Subject<'_>, base: &Request, found: &mut Vec<Probe>) {
    let mut first = base.clone().with_header("Idempotency-Key", "sent-again");
    // Sent again it has to be the same.
    for name in std::mem::take(&mut first.fresh) {
        if let Body::Json(value) = &mut first.body
            && let Some(Value::String(text)) = value.get_mut(&name)
        {
            text.push_str("-again");
        }
    }
    let other = match first.value().cloned() {
        Some(mut body) if body.is_object() => {
            body["noSuchMember"] = json!("another content");
            first.clone().with_value(body)
        }
        _ => super::subject::with_media(first.clone(), "application/json", json!({ "noSuchMember": 1 })),
    };
    if subject.documents(422) {
        let expected = Expected::Repeats(Box::new(other));
        found.push(Probe::new("header Idempotency-Key", "the same key", first, expected));
    }
}
