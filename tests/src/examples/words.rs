//! What the server says in place of what the examples say: ids it made, times, addresses of origins.

use std::collections::BTreeMap;

use serde_json::Value;

/// Pairs of texts and values: the document's, and those of one server. An example has one and the same text for
/// a thing wherever it stands, so what is found once has to be found everywhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    /// Ids as the examples have them; the server's where it has made one.
    ids: BTreeMap<String, Option<String>>,
    /// Texts that are replaced wherever they stand: the document's, and the server's.
    swaps: Vec<(String, String)>,
    /// By place and value of an example, the server's value.
    kept: BTreeMap<(String, String), Value>,
}

impl Words {
    /// No id is known yet.
    #[must_use]
    pub(super) fn new(ids: &[String], swaps: Vec<(String, String)>) -> Self {
        let ids = ids.iter().map(|id| (id.clone(), None)).collect();
        Self { ids, swaps, kept: BTreeMap::new() }
    }

    /// Sends to another place what would go to `theirs`.
    pub(super) fn divert(&mut self, theirs: &str, elsewhere: &str) {
        for (_, known) in &mut self.swaps {
            *known =
                known.replace(theirs, elsewhere).replace(&theirs.replace('.', "\\."), &elsewhere.replace('.', "\\."));
        }
    }

    /// Forgets what the server has in place of these ids, and with them all times: something is made anew.
    pub(super) fn forget(&mut self, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        for id in ids {
            self.ids.insert(id.clone(), None);
        }
        self.kept.clear();
    }

    /// A text of the document as the server would say it; ids that are not known stay.
    #[must_use]
    pub(super) fn to_server(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (ours, theirs) in self.known() {
            if text.contains(ours) {
                text = text.replace(ours, theirs);
            }
        }
        text
    }

    /// A text of the server as the document would say it.
    #[must_use]
    pub(super) fn to_document(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (ours, theirs) in self.known() {
            text = text.replace(theirs, ours);
        }
        text
    }

    fn known(&self) -> impl Iterator<Item = (&str, &str)> {
        let ids = self.ids.iter().filter_map(|(ours, theirs)| Some((ours.as_str(), theirs.as_deref()?)));
        ids.chain(self.swaps.iter().map(|(ours, theirs)| (ours.as_str(), theirs.as_str())))
    }

    /// As [`to_server`](Self::to_server) for every text of a value.
    #[must_use]
    pub(crate) fn value_to_server(&self, value: &Value) -> Value {
        mapped(value, &|text| self.to_server(text))
    }

    /// As [`to_document`](Self::to_document) for every text of a value.
    #[must_use]
    pub(super) fn value_to_document(&self, value: &Value) -> Value {
        mapped(value, &|text| self.to_document(text))
    }

    /// Whether a text of the server is this text of the document. An id that isn't known yet is known from now
    /// on, if the server's looks like it.
    pub(super) fn matches(&mut self, ours: &str, theirs: &str) -> bool {
        if !self.ids.iter().any(|(id, known)| known.is_none() && ours.contains(id)) {
            return self.to_server(ours) == theirs;
        }
        let mut learnt = self.clone();
        let matches = learnt.learn(ours, theirs);
        if matches {
            *self = learnt;
        }
        matches
    }

    fn learn(&mut self, ours: &str, theirs: &str) -> bool {
        loop {
            let unknown = self.ids.iter().filter(|(_, known)| known.is_none());
            let first = unknown.filter_map(|(id, _)| Some((ours.find(id.as_str())?, id.clone()))).min();
            let Some((at, id)) = first else {
                return self.to_server(ours) == theirs;
            };
            let Some(rest) = theirs.strip_prefix(self.to_server(&ours[..at]).as_str()) else {
                return false;
            };
            let end = rest.find(|letter: char| !is_of_ids(letter)).unwrap_or(rest.len());
            if !is_like(&id, &rest[..end]) || self.ids.values().flatten().any(|known| known == &rest[..end]) {
                return false;
            }
            self.ids.insert(id, Some(rest[..end].to_owned()));
        }
    }

    /// Whether the server's value is the one it had before where an example has this value at this place; true
    /// the first time.
    pub(super) fn keeps(&mut self, place: &str, ours: &Value, theirs: &Value) -> bool {
        let known = self.kept.entry((place.to_owned(), ours.to_string())).or_insert_with(|| theirs.clone());
        known == theirs
    }
}

fn is_of_ids(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'
}

/// Whether a text may be what the server has in place of an id: a number for a number, otherwise a text of the
/// same length; UUIDs have their hyphens where all have them.
fn is_like(id: &str, found: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(id) {
        return is_number(found);
    }
    let is_uuid = |text: &str| {
        text.len() == 36
            && text
                .bytes()
                .enumerate()
                .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() })
    };
    if is_uuid(id) { is_uuid(found) } else { found.len() == id.len() }
}

fn mapped(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| mapped(item, change)).collect(),
        Value::Object(members) => members.iter().map(|(name, member)| (name.clone(), mapped(member, change))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "6f1c2b9e-8d4a-4f7e-9b51-2c3d4e5f6a7b";
    const OTHER: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

    fn words() -> Words {
        let swaps = vec![("https://masters.example/".to_owned(), "http://127.0.0.1:5/".to_owned())];
        Words::new(&[KEY.to_owned(), "100042".to_owned()], swaps)
    }

    #[test]
    fn an_id_is_the_same_everywhere() {
        let mut words = words();
        let (ours, theirs) = (format!("/keys/{KEY}/x"), format!("/keys/{OTHER}/x"));
        assert!(!words.matches(&ours, "/keys/7/x"));
        assert!(!words.matches(&ours, &format!("/keys/{OTHER}/y")));
        assert!(words.matches(&ours, &theirs));
        assert!(words.matches(KEY, OTHER));
        assert!(!words.matches(KEY, KEY));
        assert_eq!(words.to_server(&ours), theirs);
        assert_eq!(words.to_document(&theirs), ours);
        assert!(words.matches("/batches/100042", "/batches/100001"));
        assert!(!words.matches("/batches/100042", "/batches/100002"));
        words.forget(&[KEY.to_owned()]);
        assert!(words.matches(KEY, KEY));
    }

    #[test]
    fn two_ids_in_one_text_are_both_found() {
        let mut words = words();
        assert!(words.matches(&format!("{KEY}/100042"), &format!("{OTHER}/8")));
        assert!(words.matches("100042", "8"));
    }

    #[test]
    fn texts_are_swapped_and_other_texts_are_not() {
        let mut words = words();
        assert!(words.matches("https://masters.example/a.tif", "http://127.0.0.1:5/a.tif"));
        assert!(!words.matches("https://masters.example/a.tif", "https://masters.example/a.tif"));
        assert!(!words.matches("a", "b"));
        assert_eq!(
            words.value_to_server(&json!([{ "a": "https://masters.example/" }])),
            json!([{ "a": "http://127.0.0.1:5/" }])
        );
    }

    #[test]
    fn what_is_kept_stays() {
        let mut words = words();
        assert!(words.keeps("Space.created", &json!("then"), &json!("now")));
        assert!(words.keeps("Space.created", &json!("then"), &json!("now")));
        assert!(!words.keeps("Space.created", &json!("then"), &json!("later")));
        assert!(words.keeps("Space.created", &json!("later"), &json!("later")));
    }
}
