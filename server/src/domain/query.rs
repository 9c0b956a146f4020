//! The query language of image lists (`reference/dlcs.md` §4).

use super::Fault;
use serde_json::Value;

/// Conditions on images, all of which must hold. An empty list of alternatives is no condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageQuery {
    /// Any of these spaces.
    pub space: Vec<i64>,
    /// Any of these ids.
    pub id: Vec<String>,
    /// Any of these values of `string1` to `string3`.
    pub strings: [Vec<String>; 3],
    /// Any of these values of `number1` to `number3`.
    pub numbers: [Vec<i64>; 3],
    /// All of these tags.
    pub tags: Vec<String>,
    /// Any of these roles.
    pub roles: Vec<String>,
    /// Any of these manifests.
    pub manifests: Vec<String>,
    /// An empty list of alternatives was asked for, which nothing fulfils.
    pub impossible: bool,
}

/// The shortcut parameters; they override the same key of `q`.
#[derive(Debug, Clone, Default)]
pub struct Shortcuts<'a> {
    /// `string1` to `string3`.
    pub strings: [Option<&'a str>; 3],
    /// `number1` to `number3`.
    pub numbers: [Option<i64>; 3],
}

const STRINGS: [&str; 3] = ["string1", "string2", "string3"];
const NUMBERS: [&str; 3] = ["number1", "number2", "number3"];

impl ImageQuery {
    /// Whether every image fulfils it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads `q` and the shortcuts.
    ///
    /// # Errors
    /// What is wrong, named by parameter: `q` that is no JSON object, an unknown key, a value of the
    /// wrong type.
    pub fn parse(q: Option<&str>, shortcuts: &Shortcuts<'_>) -> Result<Self, Vec<Fault>> {
        let mut query = Self::default();
        let mut faults = Vec::new();
        if let Some(q) = q.filter(|q| !q.trim().is_empty()) {
            match serde_json::from_str::<Value>(q) {
                Ok(Value::Object(members)) => {
                    for (key, value) in &members {
                        if let Err(detail) = query.condition(key, value) {
                            faults.push(Fault::new(format!("q/{key}"), detail));
                        }
                    }
                }
                Ok(_) => faults.push(Fault::new("q", "Could not parse query: `q` is JSON, but not an object.")),
                Err(e) => faults.push(Fault::new("q", format!("Could not parse query: `q` is not JSON ({e})."))),
            }
        }
        for (i, text) in shortcuts.strings.iter().enumerate() {
            if let Some(text) = text.filter(|t| !t.is_empty()) {
                query.strings[i] = vec![text.to_owned()];
            }
        }
        for (i, number) in shortcuts.numbers.iter().enumerate() {
            if let Some(number) = number {
                query.numbers[i] = vec![*number];
            }
        }
        if faults.is_empty() { Ok(query) } else { Err(faults) }
    }

    fn condition(&mut self, key: &str, value: &Value) -> Result<(), String> {
        let folded = key.to_ascii_lowercase();
        // All of no tags is no condition; any of no values is one that nothing fulfils.
        self.impossible |= folded != "tags" && value.as_array().is_some_and(Vec::is_empty);
        if let Some(i) = STRINGS.iter().position(|s| *s == folded) {
            self.strings[i] = texts(value)?;
        } else if let Some(i) = NUMBERS.iter().position(|n| *n == folded) {
            self.numbers[i] = integers(value)?;
        } else {
            match folded.as_str() {
                "space" => self.space = integers(value)?,
                "id" => self.id = texts(value)?,
                "tags" => self.tags = texts(value)?,
                "roles" => self.roles = texts(value)?,
                "manifests" => self.manifests = texts(value)?,
                // Clients send the envelope of the object along.
                "@context" | "@type" | "@id" => {}
                _ => {
                    return Err(format!(
                        "There is no query key `{key}`: use space, id, string1 to string3, number1 to number3, tags, roles or manifests."
                    ));
                }
            }
        }
        Ok(())
    }
}

/// One value or several; missing and empty ones are no condition.
fn several<'a>(value: &'a Value) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    match value {
        Value::Null => Box::new(std::iter::empty()),
        Value::Array(all) => Box::new(all.iter()),
        one => Box::new(std::iter::once(one)),
    }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    several(value)
        .filter(|v| v.as_str() != Some(""))
        .map(|v| v.as_str().map(str::to_owned).ok_or_else(|| format!("{v} is not a string.")))
        .collect()
}

fn integers(value: &Value) -> Result<Vec<i64>, String> {
    several(value)
        .filter(|v| v.as_str() != Some(""))
        .map(|v| {
            v.as_i64()
                .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
                .ok_or_else(|| format!("{v} is not a whole number."))
        })
        .collect()
}

/// How images can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageOrderBy {
    /// By time of registration.
    #[default]
    Created,
    /// By id.
    Id,
    /// By end of ingest.
    Finished,
    /// By origin.
    Origin,
    /// By width.
    Width,
    /// By height.
    Height,
    /// By duration, which no image has.
    Duration,
    /// By one of the strings, 0 to 2.
    String(u8),
    /// By one of the numbers, 0 to 2.
    Number(u8),
    /// By error text.
    Error,
    /// By batch.
    Batch,
    /// By the size everybody may see.
    MaxUnauthorised,
    /// By declared media type.
    MediaType,
}

impl ImageOrderBy {
    /// The order of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "created" => Self::Created,
            "id" | "modelId" => Self::Id,
            "finished" => Self::Finished,
            "origin" => Self::Origin,
            "width" => Self::Width,
            "height" => Self::Height,
            "duration" => Self::Duration,
            "string1" => Self::String(0),
            "string2" => Self::String(1),
            "string3" => Self::String(2),
            "number1" => Self::Number(0),
            "number2" => Self::Number(1),
            "number3" => Self::Number(2),
            "error" => Self::Error,
            "batch" => Self::Batch,
            "maxUnauthorised" => Self::MaxUnauthorised,
            "mediaType" => Self::MediaType,
            _ => return None,
        })
    }
}

/// An order of images. `by` is `None` for the natural order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImageOrder {
    /// What counts.
    pub by: Option<ImageOrderBy>,
    /// Whether downwards.
    pub descending: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indented_query_with_mixed_case_and_nulls_is_read() {
        let q = "{\n  \"String1\": \"ship-12\",\n  \"number1\": \"4\",\n  \"string2\": null,\n  \"tags\": [\"a\", \"b\"]\n}";
        let query = ImageQuery::parse(Some(q), &Shortcuts::default()).unwrap();
        assert_eq!(query.strings, [vec!["ship-12".to_owned()], vec![], vec![]]);
        assert_eq!(query.numbers, [vec![4], vec![], vec![]]);
        assert_eq!(query.tags, ["a", "b"]);
    }

    #[test]
    fn shortcuts_override_the_same_key_only() {
        let shortcuts = Shortcuts { strings: [Some("x"), None, Some("")], numbers: [None, Some(-7), None] };
        let query = ImageQuery::parse(Some(r#"{"string1":"y","string3":"z"}"#), &shortcuts).unwrap();
        assert_eq!(query.strings, [vec!["x".to_owned()], vec![], vec!["z".to_owned()]]);
        assert_eq!(query.numbers, [vec![], vec![-7], vec![]]);
    }

    #[test]
    fn each_fault_names_its_key() {
        let faults = ImageQuery::parse(Some(r#"{"colour":"red","number1":"x","string1":7}"#), &Shortcuts::default())
            .unwrap_err();
        let pointers: Vec<&str> = faults.iter().map(|f| f.pointer.as_str()).collect();
        assert_eq!(pointers, ["q/colour", "q/number1", "q/string1"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for q in ["[]", "7", "\"x\"", "{", "nonsense"] {
            let faults = ImageQuery::parse(Some(q), &Shortcuts::default()).unwrap_err();
            assert!(faults[0].detail.starts_with("Could not parse query"), "{q}");
        }
    }
}
