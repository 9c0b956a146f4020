//! Values just inside and just outside of a schema.

use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::text;

/// Characters of a text whose schema has no limit.
const LONG: usize = 12_000;
/// Items of a list whose schema has no limit.
const MANY: usize = 300;
/// A text that is in no list.
const NOTHING: &str = "no-such-value";

/// A value just inside: what makes it so, and the values that are, one of which is accepted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Inside {
    /// What is probed.
    pub constraint: String,
    /// The values.
    pub values: Vec<Value>,
}

/// A value just outside.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outside {
    /// What is probed.
    pub constraint: String,
    /// The value.
    pub value: Value,
}

/// The values that a schema is probed with.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values {
    /// Those to be accepted.
    pub inside: Vec<Inside>,
    /// Those to be refused.
    pub outside: Vec<Outside>,
}

impl Values {
    fn accept(&mut self, constraint: impl Into<String>, values: Vec<Value>) {
        let known = |value: &Value| self.inside.iter().any(|inside| inside.values.contains(value));
        if !values.is_empty() && !values.iter().all(known) {
            self.inside.push(Inside { constraint: constraint.into(), values });
        }
    }

    fn refuse(&mut self, constraint: impl Into<String>, value: Value) {
        if !self.outside.iter().any(|outside| outside.value == value) {
            self.outside.push(Outside { constraint: constraint.into(), value });
        }
    }
}

fn size(schema: &Map<String, Value>, keyword: &str) -> Option<usize> {
    usize::try_from(schema.get(keyword)?.as_u64()?).ok().filter(|size| *size <= 100_000)
}

fn word<'a>(schema: &'a Map<String, Value>, keyword: &str) -> &'a str {
    schema.get(keyword).and_then(Value::as_str).unwrap_or_default()
}

/// A value that is good.
#[must_use]
pub(super) fn sample(subject: &Subject<'_>, schema: &Value, depth: usize) -> Value {
    let schema = subject.flat(schema);
    if let Some(example) = schema.get("example") {
        return (subject.translate)(example);
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    if let Some(first) = schema.get("oneOf").and_then(|branches| branches.get(0)).filter(|_| depth > 0) {
        return sample(subject, first, depth - 1);
    }
    match word(&schema, "type") {
        "string" => {
            let length = size(&schema, "minLength").unwrap_or(0).max(1);
            let texts = text::of_length("text", length.max(4), &|text| matches(subject, &schema, text));
            texts.into_iter().next().unwrap_or_else(|| "text".to_owned()).into()
        }
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(true),
        "array" => match schema.get("items").filter(|_| depth > 0) {
            Some(items) => json!([sample(subject, items, depth - 1)]),
            None => json!([]),
        },
        "object" if depth > 0 => {
            let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let members = names.filter_map(Value::as_str).filter_map(|name| {
                let property = schema.get("properties")?.get(name)?;
                Some((name.to_owned(), sample(subject, property, depth - 1)))
            });
            Value::Object(members.collect())
        }
        _ => json!({}),
    }
}

fn matches(subject: &Subject<'_>, schema: &Map<String, Value>, text: &str) -> bool {
    let pattern = schema.get("pattern").and_then(Value::as_str);
    pattern.is_none_or(|pattern| subject.patterns.matches(pattern, text))
}

/// Whether a value fits, as far as probes have to know; numbers may come as texts.
#[must_use]
pub(super) fn fits(subject: &Subject<'_>, schema: &Value, value: &Value) -> bool {
    let schema = subject.flat(schema);
    if value.is_null() && schema.get("nullable") == Some(&Value::Bool(true)) {
        return true;
    }
    if let Some(branches) = schema.get("oneOf").and_then(Value::as_array) {
        return branches.iter().any(|branch| fits(subject, branch, value));
    }
    let listed = schema.get("enum").and_then(Value::as_array).is_none_or(|values| values.contains(value));
    let within = |count: usize, least: &str, most: &str| {
        size(&schema, least).is_none_or(|least| count >= least) && size(&schema, most).is_none_or(|most| count <= most)
    };
    listed
        && match word(&schema, "type") {
            "string" => value.as_str().is_some_and(|text| {
                within(text.chars().count(), "minLength", "maxLength") && matches(subject, &schema, text)
            }),
            "boolean" => value.is_boolean(),
            "integer" => whole(value).is_some_and(|number| is_within(&schema, number)),
            "array" => value.as_array().is_some_and(|items| {
                let item = schema.get("items").unwrap_or(&Value::Null);
                within(items.len(), "minItems", "maxItems") && items.iter().all(|value| fits(subject, item, value))
            }),
            "object" => value.is_object(),
            _ => true,
        }
}

/// A whole number, however it is written.
fn whole(value: &Value) -> Option<i128> {
    let written = value.as_str().and_then(|text| text.trim().parse::<i64>().ok());
    let round = value.as_f64().filter(|number| number.fract() == 0.0);
    let exact = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    exact.or_else(|| written.map(i128::from)).or_else(|| format!("{:.0}", round?).parse().ok())
}

fn is_within(schema: &Map<String, Value>, number: i128) -> bool {
    let [least, most] = limits(schema);
    least.is_none_or(|least| number >= i128::from(least)) && most.is_none_or(|most| number <= i128::from(most))
}

/// The least and the greatest number, if there are limits.
fn limits(schema: &Map<String, Value>) -> [Option<i64>; 2] {
    let is_exclusive = |keyword: &str| i64::from(schema.get(keyword) == Some(&Value::Bool(true)));
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_i64);
    let least = bound("minimum").map(|least| least.saturating_add(is_exclusive("exclusiveMinimum")));
    let most = bound("maximum").map(|most| most.saturating_sub(is_exclusive("exclusiveMaximum")));
    match word(schema, "format") {
        "int32" => [least.or(Some(i64::from(i32::MIN))), most.or(Some(i64::from(i32::MAX)))],
        "int64" => [least.or(Some(i64::MIN)), most.or(Some(i64::MAX))],
        _ => [least, most],
    }
}

/// The values to probe a schema with, made of a value that is good.
#[must_use]
pub(super) fn values(subject: &Subject<'_>, schema: &Value, good: &Value) -> Values {
    let mut found = Values::default();
    collect(subject, schema, good, &mut found);
    found.outside.retain(|outside| !fits(subject, schema, &outside.value));
    found
}

fn collect(subject: &Subject<'_>, schema: &Value, good: &Value, found: &mut Values) {
    let flat = subject.flat(schema);
    if let Some(branches) = flat.get("oneOf").and_then(Value::as_array) {
        for branch in branches {
            let good = if fits(subject, branch, good) { good.clone() } else { sample(subject, branch, 3) };
            collect(subject, branch, &good, found);
        }
        return;
    }
    let others = match word(&flat, "type") {
        "string" => {
            strings(subject, &flat, good, found);
            vec![json!(5), json!(true), json!([]), json!({})]
        }
        "integer" | "number" => {
            integers(&flat, good, found);
            vec![json!("x"), json!(1.5), json!(true), json!([]), json!({})]
        }
        "boolean" => {
            found.accept("type boolean", vec![json!(true)]);
            found.accept("type boolean", vec![json!(false)]);
            vec![json!("x"), json!(7), json!([]), json!({})]
        }
        "array" => {
            lists(subject, &flat, good, found);
            vec![json!("x"), json!(5), json!(true), json!({})]
        }
        "object" => {
            found.accept("type object", vec![good.clone()]);
            vec![json!("x"), json!(5), json!(true), json!([])]
        }
        _ => {
            for value in [json!("x"), json!(5), json!(true), json!([])] {
                found.accept("no type", vec![value]);
            }
            Vec::new()
        }
    };
    for other in others {
        found.refuse(format!("type {}", word(&flat, "type")), other);
    }
}

fn strings(subject: &Subject<'_>, schema: &Map<String, Value>, good: &Value, found: &mut Values) {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return listed(subject, values, found);
    }
    let good = good.as_str().unwrap_or("text");
    let matches = |text: &str| matches(subject, schema, text);
    let texts = |length| text::of_length(good, length, &matches).into_iter().map(Value::String).collect::<Vec<_>>();
    found.accept("example", vec![good.into()]);
    let least = size(schema, "minLength");
    found.accept(format!("minLength {}", least.unwrap_or(0)), texts(least.unwrap_or(0)));
    if let Some(shorter) = least.and_then(|least| least.checked_sub(1)) {
        // A text that is too short need not match.
        let short: String = good.chars().take(shorter).collect();
        let short = texts(shorter).into_iter().next().unwrap_or(Value::String(short));
        found.refuse(format!("minLength {}", shorter + 1), short);
    }
    match size(schema, "maxLength") {
        Some(most) => {
            found.accept(format!("maxLength {most}"), texts(most));
            let longer = texts(most + 1).into_iter().next().unwrap_or_else(|| "a".repeat(most + 1).into());
            found.refuse(format!("maxLength {most}"), longer);
        }
        None => found.accept("no maxLength", texts(LONG)),
    }
    let (refused, accepted) = text::intruded(good, &matches);
    for text in refused {
        found.refuse("pattern", text.into());
    }
    let free = !schema.contains_key("pattern") && !schema.contains_key("format");
    for text in accepted.into_iter().take(if free { 6 } else { 3 }) {
        if least.is_none_or(|least| text.chars().count() >= least) {
            found.accept(if free { "any text" } else { "pattern" }, vec![text.into()]);
        }
    }
    match word(schema, "format") {
        "uri" => found.refuse("format uri", "no uri".into()),
        "date-time" => found.refuse("format date-time", "yesterday".into()),
        _ if schema.contains_key("pattern") => {}
        _ => found.accept("any text", vec![NOTHING.into()]),
    }
}

/// Each of the values, and what is a value elsewhere.
fn listed(subject: &Subject<'_>, values: &[Value], found: &mut Values) {
    for value in values {
        found.accept(format!("enum {value}"), vec![value.clone()]);
    }
    found.refuse("enum", NOTHING.into());
    if let Some(first) = values.first().and_then(Value::as_str) {
        found.refuse("enum", format!("{first}x").into());
    }
    for other in elsewhere(subject.document.root()) {
        if !values.contains(&other) {
            found.refuse("enum", other);
        }
    }
}

/// The texts that are listed anywhere in the document.
fn elsewhere(node: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let inner: Vec<&Value> = match node {
        Value::Object(members) => {
            let listed = members.get("enum").and_then(Value::as_array).into_iter().flatten();
            all.extend(listed.filter(|value| value.is_string()).cloned());
            members.iter().filter(|(name, _)| *name != "example").map(|(_, inner)| inner).collect()
        }
        Value::Array(items) => items.iter().collect(),
        _ => return all,
    };
    for value in inner.into_iter().flat_map(elsewhere) {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

fn integers(schema: &Map<String, Value>, good: &Value, found: &mut Values) {
    found.accept("example", vec![good.clone()]);
    if let Some(number) = good.as_i64() {
        found.accept("a number as a text", vec![number.to_string().into()]);
    }
    let [least, most] = limits(schema);
    match least {
        Some(least) => {
            found.accept(format!("minimum {least}"), vec![json!(least)]);
            found.refuse(
                format!("minimum {least}"),
                least.checked_sub(1).map_or_else(|| json!(-9.3e18), |less| json!(less)),
            );
        }
        None => found.accept("no minimum", vec![json!(i64::MIN)]),
    }
    match most {
        Some(most) => {
            found.accept(format!("maximum {most}"), vec![json!(most)]);
            let more = u64::try_from(most).map_or_else(|_| json!(most + 1), |most| json!(most + 1));
            found.refuse(format!("maximum {most}"), more);
        }
        None => found.accept("no maximum", vec![json!(1_u64 << 63)]),
    }
}

fn lists(subject: &Subject<'_>, schema: &Map<String, Value>, good: &Value, found: &mut Values) {
    let items = schema.get("items").cloned().unwrap_or_default();
    let first = good.get(0).cloned().unwrap_or_else(|| sample(subject, &items, 3));
    let of = |count: usize| Value::Array((0..count).map(|index| distinct(subject, &items, &first, index)).collect());
    let least = size(schema, "minItems").unwrap_or(0);
    found.accept(format!("minItems {least}"), vec![of(least)]);
    if let Some(fewer) = least.checked_sub(1) {
        found.refuse(format!("minItems {least}"), of(fewer));
    }
    match size(schema, "maxItems") {
        Some(most) => {
            found.accept(format!("maxItems {most}"), vec![of(most)]);
            found.refuse(format!("maxItems {most}"), of(most + 1));
        }
        None => found.accept("no maxItems", vec![of(MANY)]),
    }
    if !fits(subject, &items, &Value::Null) {
        found.refuse("items", json!([null]));
    }
}

/// Items that are not the same, as far as their schemas let them be others.
fn distinct(subject: &Subject<'_>, schema: &Value, first: &Value, index: usize) -> Value {
    match first {
        Value::String(text) if index > 0 => {
            let other = Value::String(format!("{text}{index}"));
            if fits(subject, schema, &other) { other } else { first.clone() }
        }
        Value::Object(members) => {
            let schema = subject.flat(schema);
            let varied = members.iter().map(|(name, value)| {
                let property = schema.get("properties").and_then(|all| all.get(name));
                let is_text = value.is_string() && property.is_some();
                let other =
                    if is_text { distinct(subject, property.unwrap_or(value), value, index) } else { value.clone() };
                (name.clone(), other)
            });
            Value::Object(varied.collect())
        }
        other => other.clone(),
    }
}
