//! Probes of the parameters of the path, the query and the headers.

use serde_json::Value;

use super::probe::{Expected, Probe};
use super::request::{Caller, Request};
use super::subject::{Subject, as_text};
use super::values::{self, Values};

/// What a parameter is set to.
type Set = fn(Request, &str, &str) -> Request;

/// The probes of all parameters.
pub(super) fn probes(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let mut found = Vec::new();
    for parameter in &subject.operation.parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        match parameter["in"].as_str() {
            Some("path") => path(subject, base, name, parameter, &mut found),
            Some("query") => query(subject, base, name, parameter, &mut found),
            Some("header") => header(subject, base, name, parameter, &mut found),
            _ => {}
        }
    }
    unlisted(subject, base, &mut found);
    found
}

/// Bytes of a target that a client can send at most.
const TARGET: usize = 60_000;

/// The values of a parameter: all are texts there, so that only texts can be told from other things.
fn of(subject: &Subject<'_>, parameter: &Value) -> Values {
    let schema = &parameter["schema"];
    let good = subject.example(parameter).unwrap_or_else(|| values::sample(subject, schema, 3));
    let mut found = values::values(subject, schema, &good);
    let kind = subject.flat(schema).get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_text = |value: &Value| value.is_string() || (kind != "string" && !value.is_array() && !value.is_object());
    found.outside.retain(|outside| is_text(&outside.value));
    if kind == "boolean" {
        found.outside.retain(|outside| !outside.value.is_boolean());
    }
    found
}

fn path(subject: &Subject<'_>, base: &Request, name: &str, parameter: &Value, found: &mut Vec<Probe>) {
    let at = format!("path {name}");
    let is_customer = name == "customer" && base.caller == Caller::Usual;
    let base = if is_customer { base.clone().by(Caller::Administrator) } else { base.clone() };
    let all = of(subject, parameter);
    for inside in all.inside {
        let texts = inside.values.iter().map(as_text).filter(|text| is_segment(text));
        let requests = texts.map(|text| base.clone().with_path(name, &text));
        let requests: Vec<Request> = requests.filter(|request| request.target().len() <= TARGET).collect();
        if !requests.is_empty() {
            let expected = Expected::NotNamed(name.to_owned());
            found.push(Probe { at: at.clone(), constraint: inside.constraint, requests, expected });
        }
    }
    for outside in all.outside {
        let text = as_text(&outside.value);
        // An empty segment makes another path.
        if is_segment(&text) {
            let expected = Expected::Named(vec![400, 404], name.to_owned());
            found.push(Probe::new(&at, &outside.constraint, base.clone().with_path(name, &text), expected));
        }
    }
}

fn is_segment(text: &str) -> bool {
    !matches!(text, "" | "." | "..")
}

fn query(subject: &Subject<'_>, base: &Request, name: &str, parameter: &Value, found: &mut Vec<Probe>) {
    let at = format!("query {name}");
    let required = parameter["required"] == true;
    values_of(subject, base, (&at, name, parameter), Request::with_query, found);
    let without = base.clone().without_query(name);
    if required {
        let expected = Expected::Named(vec![400], name.to_owned());
        found.push(Probe::new(&at, "required", without, expected));
    } else {
        found.push(Probe::new(&at, "not required", without, Expected::Success));
    }
    let is_flag = subject.flat(&parameter["schema"]).get("type") == Some(&Value::from("boolean"));
    if !required && !is_flag && subject.is_general() {
        found.push(Probe::new(&at, "empty", base.clone().with_query(name, ""), Expected::Success));
    }
}

fn values_of(
    subject: &Subject<'_>,
    base: &Request,
    (at, name, parameter): (&str, &str, &Value),
    set: Set,
    found: &mut Vec<Probe>,
) {
    let all = of(subject, parameter);
    for inside in all.inside {
        let requests = inside.values.iter().map(|value| set(base.clone(), name, &as_text(value))).collect();
        found.push(Probe { at: at.to_owned(), constraint: inside.constraint, requests, expected: Expected::Success });
    }
    for outside in all.outside {
        let text = as_text(&outside.value);
        // What is empty in a query is as good as absent.
        if !text.is_empty() {
            let expected = Expected::Named(vec![400], name.to_owned());
            found.push(Probe::new(at, &outside.constraint, set(base.clone(), name, &text), expected));
        }
    }
}

/// Headers that have a meaning of their own are probed for it; the lengths of the others are.
fn header(subject: &Subject<'_>, base: &Request, name: &str, parameter: &Value, found: &mut Vec<Probe>) {
    if super::conditions::KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return;
    }
    let at = format!("header {name}");
    let mut probes = Vec::new();
    values_of(subject, base, (&at, name, parameter), Request::with_header, &mut probes);
    let sendable =
        |request: &Request| request.headers.iter().all(|(_, value)| value.bytes().all(|b| b.is_ascii_graphic()));
    for mut probe in probes {
        probe.requests.retain(sendable);
        if !probe.requests.is_empty() {
            found.push(probe);
        }
    }
}

/// What the document lists elsewhere, but not here.
fn unlisted(subject: &Subject<'_>, base: &Request, found: &mut Vec<Probe>) {
    let queries = |operation: &crate::document::Operation| -> Vec<String> {
        let all = operation.parameters.iter().filter(|parameter| parameter["in"] == "query");
        all.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect()
    };
    let here = queries(subject.operation);
    let mut names: Vec<String> = subject.document.operations().flat_map(queries).collect();
    names.push("colour".to_owned());
    names.sort();
    names.dedup();
    for name in names.into_iter().filter(|name| !here.contains(name)) {
        let expected = if subject.is_general() { Expected::Named(vec![400], name.clone()) } else { Expected::Success };
        let request = base.clone().with_query(&name, "1");
        // What succeeds here changes something: once is enough.
        if subject.is_general() || base.method == "GET" {
            found.push(Probe::new(&format!("query {name}"), "unlisted", request, expected));
        }
    }
}
