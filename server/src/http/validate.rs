//! Validation of request bodies against the schemas of the canonical document. Every fault is reported, each
//! with a pointer; members the schema doesn't know are dropped.

use super::document::entries;
use crate::domain::Fault;
use chrono::DateTime;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The schemas of the document by name.
#[derive(Debug, Default)]
pub struct Schemas(BTreeMap<String, Schema>);

/// How many faults of a body are told: an answer must not be many times the size of its request.
const MAX_FAULTS: usize = 100;

/// One schema.
#[derive(Debug, Default)]
pub(super) struct Schema {
    reference: Option<String>,
    kind: String,
    format: String,
    nullable: bool,
    values: Vec<Value>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<(String, regress::Regex)>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    items: Option<Box<Schema>>,
    properties: Vec<(String, Schema)>,
    required: Vec<String>,
    open: bool,
    one_of: Vec<Schema>,
}

impl Schema {
    pub(super) fn read(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let size = |name: &str| json[name].as_u64().and_then(|n| usize::try_from(n).ok());
        Self {
            // One part of `allOf` is a reference that has something said beside it.
            reference: json["$ref"]
                .as_str()
                .or_else(|| json.pointer("/allOf/0/$ref")?.as_str())
                .and_then(|r| r.rsplit('/').next().map(str::to_owned)),
            kind: text("type").unwrap_or_default(),
            format: text("format").unwrap_or_default(),
            nullable: json["nullable"] == true,
            values: json["enum"].as_array().cloned().unwrap_or_default(),
            minimum: json["minimum"].as_i64(),
            maximum: json["maximum"].as_i64(),
            min_length: size("minLength"),
            max_length: size("maxLength"),
            pattern: text("pattern").and_then(|p| regress::Regex::new(&p).ok().map(|r| (p, r))),
            min_items: size("minItems"),
            max_items: size("maxItems"),
            items: json.get("items").map(|items| Box::new(Self::read(items))),
            properties: entries(&json["properties"]).map(|(name, p)| (name.to_owned(), Self::read(p))).collect(),
            required: json["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|r| r.as_str().map(str::to_owned))
                .collect(),
            open: json.get("additionalProperties").is_some_and(|a| *a != Value::Bool(false)),
            one_of: json["oneOf"].as_array().into_iter().flatten().map(Self::read).collect(),
        }
    }
}

impl Schemas {
    pub(super) fn read(json: &Value) -> Self {
        Self(entries(json).map(|(name, schema)| (name.to_owned(), Schema::read(schema))).collect())
    }

    /// Whether there is a schema of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The names of the properties of a schema.
    pub fn properties(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flat_map(|s| s.properties.iter().map(|(name, _)| name.as_str()))
    }

    /// Brings a body into the form of the schema `name`: drops what the schema doesn't know, turns
    /// numbers in texts into numbers where numbers are wanted.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn fit(&self, name: &str, value: &mut Value) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        if let Some(schema) = self.0.get(name) {
            self.walk(schema, value, "", &mut faults);
        }
        if faults.len() >= MAX_FAULTS {
            faults.truncate(MAX_FAULTS);
            faults.push(Fault::new("", format!("Only {MAX_FAULTS} faults are listed: mend these first.")));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Holds the text of a parameter against its schema. Words it lists may come in any letter case, as names of
    /// orders do.
    pub(super) fn check_text(&self, schema: &Schema, text: &str, at: &str, faults: &mut Vec<Fault>) {
        let mut value = match schema.kind.as_str() {
            "boolean" if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            "boolean" if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            _ => {
                let mut words = schema.values.iter().filter_map(Value::as_str);
                Value::from(words.find(|word| word.eq_ignore_ascii_case(text)).unwrap_or(text))
            }
        };
        self.walk(schema, &mut value, at, faults);
    }

    fn walk(&self, schema: &Schema, value: &mut Value, at: &str, faults: &mut Vec<Fault>) {
        if faults.len() >= MAX_FAULTS || value.is_null() && schema.nullable {
            return;
        }
        if let Some(target) = schema.reference.as_ref().and_then(|name| self.0.get(name)) {
            return self.walk(target, value, at, faults);
        }
        if !schema.one_of.is_empty() {
            return self.one_of(schema, value, at, faults);
        }
        if schema.kind == "integer" {
            as_integer(value);
        }
        let fits = match schema.kind.as_str() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        };
        if !fits {
            let wanted = match (schema.kind.as_str(), kind(value)) {
                ("integer", "integer") => format!("{} at most", i64::MAX),
                (wanted, _) => described(wanted).to_owned(),
            };
            let given = if value.is_u64() { value.to_string() } else { described(kind(value)).to_owned() };
            faults.push(Fault::new(at, format!("{} is {given}, but must be {wanted}.", named(at))));
            return;
        }
        match value {
            Value::String(text) => check_text(schema, text, at, faults),
            Value::Number(number) => check_number(schema, number.as_i64(), at, faults),
            Value::Array(items) => {
                check_count(schema, items.len(), at, faults);
                // What is wrong with the members of a list that is too long is no news.
                let is_read = schema.max_items.is_none_or(|max| items.len() <= max);
                if let Some(item) = schema.items.as_ref().filter(|_| is_read) {
                    for (i, value) in items.iter_mut().enumerate() {
                        self.walk(item, value, &format!("{at}/{i}"), faults);
                    }
                }
            }
            Value::Object(members) => self.members(schema, members, at, faults),
            _ => {}
        }
        if !schema.values.is_empty() && !schema.values.contains(value) {
            let list: Vec<String> = schema.values.iter().map(ToString::to_string).collect();
            faults.push(Fault::new(at, format!("{} must be one of {}.", named(at), list.join(", "))));
        }
    }

    fn one_of(&self, schema: &Schema, value: &mut Value, at: &str, faults: &mut Vec<Fault>) {
        let mut first = None;
        for alternative in &schema.one_of {
            let mut candidate = value.clone();
            let mut found = Vec::new();
            self.walk(alternative, &mut candidate, at, &mut found);
            if found.is_empty() {
                *value = candidate;
                return;
            }
            // The faults of the alternative that has the type of the value say the most.
            if first.is_none() || alternative.kind == kind(value) {
                first = Some(found);
            }
        }
        faults.extend(first.unwrap_or_default());
    }

    fn members(&self, schema: &Schema, members: &mut Map<String, Value>, at: &str, faults: &mut Vec<Fault>) {
        for name in &schema.required {
            if !members.contains_key(name) {
                let pointer = format!("{at}/{}", escape(name));
                faults.push(Fault::new(pointer, format!("The member `{name}` is missing.")));
            }
        }
        if !schema.open {
            members.retain(|name, _| schema.properties.iter().any(|(known, _)| known == name));
        }
        for (name, property) in &schema.properties {
            if let Some(value) = members.get_mut(name) {
                self.walk(property, value, &format!("{at}/{}", escape(name)), faults);
            }
        }
    }
}

/// A pointer segment (RFC 6901 §3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// How a place is called in a sentence.
fn named(at: &str) -> String {
    match at.rsplit('/').next() {
        None | Some("") => "The body".to_owned(),
        Some(name) if name.bytes().all(|b| b.is_ascii_digit()) => format!("The item {at}"),
        Some(name) => format!("`{name}`"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn described(kind: &str) -> &'static str {
    match kind {
        "string" => "a string",
        "boolean" => "`true` or `false`",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "an object",
        _ => "null",
    }
}

/// Clients send whole numbers as texts and as `3.0`.
fn as_integer(value: &mut Value) {
    let number = match value {
        Value::String(text) => text.trim().parse::<i64>().ok(),
        Value::Number(number) if !number.is_i64() => {
            number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64)
        }
        _ => None,
    };
    if let Some(number) = number {
        *value = number.into();
    }
}

fn check_text(schema: &Schema, text: &str, at: &str, faults: &mut Vec<Fault>) {
    let before = faults.len();
    let mut fault = |detail: String| faults.push(Fault::new(at, detail));
    let length = text.chars().count();
    if schema.min_length.is_some_and(|min| length < min) {
        fault(format!(
            "{} is empty or too short: give it at least {} characters.",
            named(at),
            schema.min_length.unwrap_or(1)
        ));
    } else if schema.max_length.is_some_and(|max| length > max) {
        let max = schema.max_length.unwrap_or_default();
        fault(format!("{} has {length} characters, {max} are allowed.", named(at)));
    } else if let Some((pattern, regex)) = &schema.pattern
        && regex.find(text).is_none()
    {
        fault(format!("{} must match the pattern `{pattern}`.", named(at)));
    }
    if text.contains('\0') {
        fault(format!("{} has a NUL character, which can't be stored.", named(at)));
    }
    if faults.len() > before {
        return;
    }
    let mut fault = |detail: String| faults.push(Fault::new(at, detail));
    match schema.format.as_str() {
        "date-time" if DateTime::parse_from_rfc3339(text).is_err() => {
            fault(format!("{} must be a date and time of RFC 3339.", named(at)));
        }
        "uri" if url::Url::parse(text).is_err() => fault(format!("{} must be an absolute URI.", named(at))),
        _ => {}
    }
}

fn check_number(schema: &Schema, number: Option<i64>, at: &str, faults: &mut Vec<Fault>) {
    let Some(number) = number else { return };
    if let Some(minimum) = schema.minimum.filter(|m| number < *m) {
        faults.push(Fault::new(at, format!("{} is {number}, but must be at least {minimum}.", named(at))));
    }
    if let Some(maximum) = schema.maximum.filter(|m| number > *m) {
        faults.push(Fault::new(at, format!("{} is {number}, but must be at most {maximum}.", named(at))));
    }
}

fn check_count(schema: &Schema, count: usize, at: &str, faults: &mut Vec<Fault>) {
    if let Some(min) = schema.min_items.filter(|m| count < *m) {
        faults.push(Fault::new(at, format!("{} has {count} items, but must have at least {min}.", named(at))));
    }
    if let Some(max) = schema.max_items.filter(|m| count > *m) {
        faults.push(Fault::new(at, format!("{} has {count} items, but must have at most {max}.", named(at))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What becomes of a value under a schema, or the faults that it has there.
    fn fit(schema: &Value, mut value: Value) -> Result<Value, Vec<Fault>> {
        Schemas::read(&json!({ "T": schema })).fit("T", &mut value).map(|()| value)
    }

    fn told(schema: &Value, value: Value) -> Vec<String> {
        fit(schema, value).unwrap_err().into_iter().map(|fault| fault.detail).collect()
    }

    fn pointers(schema: &Value, value: Value) -> Vec<String> {
        fit(schema, value).unwrap_err().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn bounds_are_allowed_themselves() {
        let text = json!({ "type": "string", "minLength": 2, "maxLength": 3 });
        let number = json!({ "type": "integer", "minimum": 2, "maximum": 3 });
        let list = json!({ "type": "array", "minItems": 2, "maxItems": 3, "items": { "type": "integer" } });
        let good = [(&text, json!(["ab", "\u{e4}bc"])), (&number, json!([2, 3])), (&list, json!([[1, 2], [1, 2, 3]]))];
        let bad = [(&text, json!(["a", "abcd"])), (&number, json!([1, 4])), (&list, json!([[1], [1, 2, 3, 4]]))];
        for (schema, values) in good {
            for value in values.as_array().unwrap() {
                assert_eq!(fit(schema, value.clone()).as_ref(), Ok(value));
            }
        }
        for (schema, values) in bad {
            for value in values.as_array().unwrap() {
                assert_eq!(pointers(schema, value.clone()), [""], "{value}");
            }
        }
        // What is wrong with the items is told of a list that may have as many.
        assert_eq!(pointers(&list, json!(["x", 2, "y"])), ["/0", "/2"]);
        assert_eq!(pointers(&list, json!(["x", 2, "y", 4])), [""]);
    }

    #[test]
    fn what_is_given_and_what_is_wanted_is_told_in_words() {
        let given = [
            (Value::Null, "null"),
            (json!(true), "`true` or `false`"),
            (json!(-7), "a whole number"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(2.5), "a number"),
            (json!([]), "a list"),
            (json!({}), "an object"),
        ];
        for (value, words) in given {
            let expected = format!("The body is {words}, but must be a string.");
            assert_eq!(told(&json!({ "type": "string" }), value), [expected]);
        }
        let wanted = [
            ("boolean", "`true` or `false`"),
            ("integer", "a whole number"),
            ("number", "a number"),
            ("array", "a list"),
            ("object", "an object"),
        ];
        for (kind, words) in wanted {
            let expected = format!("The body is a string, but must be {words}.");
            assert_eq!(told(&json!({ "type": kind }), json!("x")), [expected]);
        }
        let large = told(&json!({ "type": "integer" }), json!(u64::MAX));
        assert_eq!(large, ["The body is 18446744073709551615, but must be 9223372036854775807 at most."]);
        assert_eq!(fit(&json!({ "type": "number" }), json!(2.5)), Ok(json!(2.5)));
    }

    #[test]
    fn places_are_named() {
        let schema = json!({ "type": "object", "required": ["a/b"], "properties": {
            "a/b": {}, "c~d": { "type": "array", "items": { "type": "string" } }, "e": { "type": "string" },
        } });
        let faults = fit(&schema, json!({ "c~d": ["x", 7], "e": 7, "f": 7 })).unwrap_err();
        let all: Vec<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.detail.as_str())).collect();
        let expected = [
            ("/a~1b", "The member `a/b` is missing."),
            ("/c~0d/1", "The item /c~0d/1 is 7, but must be a string."),
            ("/e", "`e` is 7, but must be a string."),
        ];
        assert_eq!(all, expected);
        assert_eq!(fit(&schema, json!({ "a/b": 1, "f": 7 })), Ok(json!({ "a/b": 1 })));
        let open = json!({ "type": "object", "additionalProperties": true });
        assert_eq!(fit(&open, json!({ "f": 7 })), Ok(json!({ "f": 7 })));
        let closed = json!({ "type": "object", "additionalProperties": false });
        assert_eq!(fit(&closed, json!({ "f": 7 })), Ok(json!({})));
    }

    #[test]
    fn whole_numbers_come_as_texts_and_with_a_point() {
        let schema = json!({ "type": "integer" });
        for (given, number) in [(json!(" 7 "), 7), (json!(-7.0), -7), (json!(i64::MAX), i64::MAX)] {
            assert_eq!(fit(&schema, given), Ok(json!(number)));
        }
        // Beyond that a number with a point isn't exact any more.
        for other in [json!("7.0"), json!(""), json!(7.5), json!(9e15), json!(-9e15), json!(1e300), json!(true)] {
            assert!(fit(&schema, other.clone()).is_err(), "{other}");
        }
    }

    #[test]
    fn one_fault_of_a_text_is_enough_but_for_a_nul() {
        let day = json!({ "type": "string", "format": "date-time", "maxLength": 30 });
        assert!(fit(&day, json!("2026-01-31T00:00:00Z")).is_ok());
        assert_eq!(told(&day, json!("2026-02-31T00:00:00Z")), ["The body must be a date and time of RFC 3339."]);
        assert_eq!(told(&day, json!("x".repeat(31))), ["The body has 31 characters, 30 are allowed."]);
        assert_eq!(told(&day, json!("\0")), ["The body has a NUL character, which can't be stored."]);
        let link = json!({ "type": "string", "format": "uri", "pattern": "^[a-z:/]+$" });
        assert!(fit(&link, json!("http://a/b")).is_ok());
        assert_eq!(told(&link, json!("a/b")), ["The body must be an absolute URI."]);
        assert_eq!(told(&link, json!("A\0")).len(), 2);
    }

    #[test]
    fn of_several_shapes_the_one_that_was_meant_is_told_of() {
        let schema = json!({ "oneOf": [
            { "type": "array", "items": { "type": "integer" } },
            { "type": "string", "maxLength": 3 },
        ] });
        assert_eq!(fit(&schema, json!(["7"])), Ok(json!([7])));
        assert_eq!(fit(&schema, json!("abc")), Ok(json!("abc")));
        assert_eq!(pointers(&schema, json!([1, "x"])), ["/1"]);
        assert_eq!(told(&schema, json!("abcd")), ["The body has 4 characters, 3 are allowed."]);
        assert_eq!(told(&schema, json!({})), ["The body is an object, but must be a list."]);
    }

    #[test]
    fn null_and_listed_values_are_what_the_schema_says() {
        let schema = json!({ "type": "string", "nullable": true, "enum": ["a", "b"] });
        assert!(fit(&schema, Value::Null).is_ok() && fit(&schema, json!("b")).is_ok());
        assert_eq!(told(&schema, json!("c")), ["The body must be one of \"a\", \"b\"."]);
        assert!(fit(&json!({ "type": "string" }), Value::Null).is_err());
    }

    #[test]
    fn references_are_followed() {
        let schemas = json!({
            "Short": { "type": "string", "maxLength": 3 },
            "T": { "properties": {
                "a": { "$ref": "#/components/schemas/Short" },
                "b": { "description": "Beside it.", "allOf": [{ "$ref": "#/components/schemas/Short" }] },
            } },
        });
        let schemas = Schemas::read(&schemas);
        let faults = schemas.fit("T", &mut json!({ "a": "abcd", "b": "abcd" })).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/a", "/b"]);
        assert_eq!(schemas.properties("T").collect::<Vec<_>>(), ["a", "b"]);
        assert!(schemas.contains("Short") && !schemas.contains("Long"));
    }

    #[test]
    fn not_more_than_a_hundred_faults_are_listed() {
        let schema = json!({ "type": "array", "items": { "type": "string" } });
        assert_eq!(told(&schema, json!(vec![7; MAX_FAULTS - 1])).len(), MAX_FAULTS - 1);
        let all = told(&schema, json!(vec![7; 2 * MAX_FAULTS]));
        assert_eq!(all.len(), MAX_FAULTS + 1);
        assert_eq!(all.last().unwrap(), "Only 100 faults are listed: mend these first.");
    }
}
