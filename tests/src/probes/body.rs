//! Probes of the body: its media types, and each constraint of each of its members.

use serde_json::{Map, Value, json};

use super::probe::{Expected, Probe};
use super::request::{Body, Request};
use super::subject::{Subject, with_media};
use super::values::{self, Values};
use crate::http::FORM;

/// The media type of a patch.
const PATCH: &str = "application/merge-patch+json";
/// Members within members are probed so far.
const DEPTH: usize = 6;
/// More bytes than anybody takes.
const ENDLESS: u64 = 1 << 40;
/// Media types that nothing takes.
const OTHERS: [&str; 4] = ["text/plain", "application/xml", "application/octet-stream", "multipart/form-data"];

/// Where a value stands in a body.
#[derive(Debug, Clone, Default)]
struct Place {
    /// The names of members; of a list it is always the first item.
    steps: Vec<String>,
}

impl Place {
    fn pointer(&self) -> String {
        self.steps.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
    }

    fn below(&self, step: &str) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step.to_owned());
        Self { steps }
    }
}

/// Everything about a body that its probes need.
struct Bodies<'a> {
    subject: Subject<'a>,
    base: Request,
    /// The body of the base request.
    good: Value,
    found: Vec<Probe>,
}

/// The probes of the body, if there is one.
pub(super) fn probes(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let Some(good) = base.value().cloned() else { return Vec::new() };
    let mut all = Bodies { subject: *subject, base: base.clone(), good, found: Vec::new() };
    all.presence();
    all.media();
    let schema = subject.operation.request_content.values().next().cloned().unwrap_or_default();
    all.members(&schema, &Place::default(), 0);
    all.root();
    all.found
}

impl Bodies<'_> {
    fn push(&mut self, place: &str, constraint: &str, request: Request, expected: Expected) {
        self.found.push(Probe::new(&format!("body {place}"), constraint, request, expected));
    }

    /// The body itself: whether it has to be there, and what it has to be.
    fn presence(&mut self) {
        let absent = Request { body: Body::Absent, ..self.base.clone() }.without_header("Content-Type");
        let expected = if self.subject.needs_body() { Expected::Status(vec![400]) } else { Expected::Success };
        self.push("", "required", absent, expected);
        if self.subject.documents(413) {
            let endless = Request { body: Body::Announced(ENDLESS), ..self.base.clone() };
            self.push("", "too large", endless, Expected::Status(vec![413]));
        }
    }

    fn root(&mut self) {
        if matches!(self.base.body, Body::Json(_)) {
            self.push("", "no JSON", self.base.clone().with_text("{\"name\":"), Expected::Status(vec![400]));
            let schema = self.subject.operation.request_content.values().next().cloned().unwrap_or_default();
            let is_object = self.subject.flat(&schema).get("type") == Some(&json!("object"));
            for value in [json!("x"), json!(5), json!([])] {
                let expected = if is_object { Expected::Status(vec![400]) } else { Expected::Success };
                self.push("", "type object", self.base.clone().with_value(value), expected);
            }
        }
        if let Value::Object(members) = &self.good {
            let mut members = members.clone();
            members.insert("noSuchMember".to_owned(), json!("x"));
            self.push("", "an unknown member", self.base.clone().with_value(members.into()), Expected::Success);
        }
    }

    fn media(&mut self) {
        let listed = self.subject.bodies();
        for (media, example) in &listed {
            let request = with_media(self.base.clone(), media, example.clone());
            self.push("", &format!("media type {media}"), request, Expected::Success);
        }
        if self.subject.is_general() {
            let request = self.base.clone().without_header("Content-Type");
            self.push("", "no media type", request, Expected::Success);
        }
        let mut others: Vec<String> = OTHERS.map(str::to_owned).to_vec();
        let all = self.subject.document.operations().flat_map(|operation| operation.request_content.keys().cloned());
        others.extend(all);
        others.sort();
        others.dedup();
        for other in others.into_iter().filter(|other| !listed.iter().any(|(media, _)| media == other)) {
            let request = with_media(self.base.clone(), &other, self.good.clone());
            let body = if other == FORM { Body::Form(self.good.clone()) } else { Body::Json(self.good.clone()) };
            let constraint = format!("unlisted media type {other}");
            self.push("", &constraint, Request { body, ..request }, Expected::Status(vec![415]));
        }
    }

    /// The members of an object.
    fn members(&mut self, schema: &Value, place: &Place, depth: usize) {
        let flat = self.subject.flat(schema);
        let required: Vec<String> = texts(flat.get("required"));
        let properties = flat.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for name in required.iter().filter(|name| !properties.contains_key(*name)) {
            self.missing(&place.below(name));
        }
        for (name, property) in properties.iter().filter(|_| depth < DEPTH) {
            let place = place.below(name);
            if required.contains(name) {
                self.missing(&place);
            } else if get(&self.good, &place.steps).is_some() {
                let without = self.base.clone().with_value(without(&self.good, &place.steps));
                self.push(&place.pointer(), "not required", without, Expected::Success);
            }
            self.null(property, &place, required.contains(name));
            self.value(property, &place, depth);
        }
    }

    fn missing(&mut self, place: &Place) {
        let without = self.base.clone().with_value(without(&self.good, &place.steps));
        self.push(&place.pointer(), "required", without, Expected::Named(vec![400], place.pointer()));
    }

    /// In a patch `null` is a value of its own; elsewhere it is the same as nothing.
    fn null(&mut self, schema: &Value, place: &Place, required: bool) {
        if matches!(self.base.body, Body::Form(_)) {
            return;
        }
        let nullable = self.subject.flat(schema).get("nullable") == Some(&Value::Bool(true));
        let counts = self.subject.bodies().iter().any(|(media, _)| media == PATCH) || !self.subject.is_general();
        let accepted = nullable || (!counts && !required);
        let request = self.base.clone().with_value(self.set(place, Value::Null));
        let pointer = place.pointer();
        let expected = if accepted { Expected::Success } else { Expected::Named(vec![400], pointer.clone()) };
        self.push(&pointer, if nullable { "nullable" } else { "not nullable" }, request, expected);
    }

    /// The values of a member or of the items of a list, and what is in it.
    fn value(&mut self, schema: &Value, place: &Place, depth: usize) {
        let good = get(&self.good, &place.steps).cloned();
        let good = good.unwrap_or_else(|| values::sample(&self.subject, schema, 3));
        let all = values::values(&self.subject, schema, &good);
        self.pushed(place, &all);
        // What is in it is probed within something good.
        let before = self.good.clone();
        if get(&self.good, &place.steps).is_none() {
            put(&mut self.good, &place.steps, good);
        }
        for items in self.lists(schema) {
            if depth < DEPTH {
                self.value(&items, &place.below("0"), depth + 1);
            }
        }
        self.members(schema, place, depth + 1);
        self.good = before;
    }

    fn pushed(&mut self, place: &Place, all: &Values) {
        let pointer = place.pointer();
        for inside in &all.inside {
            let mut requests: Vec<Request> = Vec::new();
            for value in &inside.values {
                requests.push(self.with(self.set(place, value.clone()), place));
            }
            if let Some(first) = inside.values.first() {
                requests.extend(self.alone(place, first));
            }
            let (at, constraint) = (format!("body {pointer}"), inside.constraint.clone());
            self.found.push(Probe { at, constraint, requests, expected: Expected::Success });
        }
        for outside in &all.outside {
            let request = self.with(self.set(place, outside.value.clone()), place);
            // In a form everything is a text.
            if matches!(self.base.body, Body::Json(_)) || outside.value.is_string() {
                let expected = Expected::Named(vec![400], pointer.clone());
                self.push(&pointer, &outside.constraint, request, expected);
            }
        }
    }

    /// The schemas of the items, if it is a list.
    fn lists(&self, schema: &Value) -> Vec<Value> {
        let flat = self.subject.flat(schema);
        match flat.get("oneOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().flat_map(|branch| self.lists(branch)).collect(),
            None => flat.get("items").cloned().into_iter().collect(),
        }
    }

    fn with(&self, body: Value, place: &Place) -> Request {
        let mut request = self.base.clone().with_value(body);
        // What is probed is sent as it is.
        request.fresh.retain(|name| place.steps.first() != Some(name));
        request
    }

    /// The body with a value at a place; what is missing on the way there is made up.
    fn set(&self, place: &Place, value: Value) -> Value {
        let mut body = self.good.clone();
        put(&mut body, &place.steps, value);
        body
    }

    /// The same value without one of the members beside it, which may say the same under another name.
    fn alone(&self, place: &Place, value: &Value) -> Vec<Request> {
        let Some((last, above)) = place.steps.split_last() else { return Vec::new() };
        let beside = get(&self.good, above).and_then(Value::as_object).cloned().unwrap_or_default();
        let others = beside.keys().filter(|name| *name != last);
        let bodies = others.map(|name| {
            let mut steps = above.to_vec();
            steps.push(name.clone());
            let mut body = without(&self.good, &steps);
            put(&mut body, &place.steps, value.clone());
            body
        });
        bodies.map(|body| self.with(body, place)).collect()
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn get<'a>(value: &'a Value, steps: &[String]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn without(value: &Value, steps: &[String]) -> Value {
    let mut value = value.clone();
    if let Some((last, above)) = steps.split_last()
        && let Some(Value::Object(members)) = get_mut(&mut value, above)
    {
        members.shift_remove(last);
    }
    value
}

fn get_mut<'a>(value: &'a mut Value, steps: &[String]) -> Option<&'a mut Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        other => other.get_mut(step),
    })
}

/// Puts a value into its place; a list has this one item then, unless its items are objects.
fn put(into: &mut Value, steps: &[String], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *into = value;
        return;
    };
    if step == "0" {
        let is_item = rest.is_empty();
        if is_item || into.as_array().is_none_or(Vec::is_empty) {
            *into = json!([{}]);
        }
        return put(&mut into[0], rest, value);
    }
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(members) = into {
        put(members.entry(step.clone()).or_insert(Value::Null), rest, value);
    }
}
