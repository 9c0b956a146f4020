//! `cargo xtask diff`: what changed between two documents, whom it reaches, and whether it breaks
//! clients of the older one.

mod breaking;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::{
    client_view::schema_name,
    compare::{Difference, compare, renamed},
    pointer::{items, members, operations, parameters, unescape},
};

/// Which way a part of the document travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ways {
    /// From client to server.
    pub request: bool,
    /// From server to client.
    pub response: bool,
}

/// A difference, whom it reaches, and what it breaks.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What differs, the older document on the left.
    pub difference: Difference,
    /// The operations it reaches, and which way.
    pub used_by: BTreeMap<String, (bool, bool)>,
    /// Why clients of the older document break, where they do.
    pub breaks: Option<String>,
}

/// What changed from one document to another.
#[must_use]
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut uses = uses(old);
    for (name, by) in self::uses(new) {
        uses.entry(name).or_default().extend(by);
    }
    let mut all: Vec<Change> = compare(old, new).into_iter().map(|difference| change(difference, &uses)).collect();
    for (one, other) in renamed(old, new) {
        all.push(Change {
            difference: Difference {
                operation: None,
                pointer: format!("/components/schemas/{one}"),
                left: Some(one.as_str().into()),
                right: Some(other.as_str().into()),
            },
            used_by: told(uses.get(&one)),
            breaks: Some("the client's type has another name".into()),
        });
    }
    all
}

fn change(difference: Difference, uses: &Uses) -> Change {
    let parts: Vec<String> = difference.pointer.split('/').skip(1).map(unescape).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut ways = Ways::default();
    let mut used_by = BTreeMap::new();
    if let ["components", "schemas", name, ..] = parts.as_slice() {
        used_by = told(uses.get(*name));
        ways.request = used_by.values().any(|(request, _)| *request);
        ways.response = used_by.values().any(|(_, response)| *response);
    } else if let ["paths", _, _, rest @ ..] = parts.as_slice() {
        ways.response = rest.first() == Some(&"responses");
        ways.request = matches!(rest.first(), Some(&"parameters" | &"requestBody"));
        used_by.extend(difference.operation.clone().map(|id| (id, (ways.request, ways.response))));
    }
    let breaks = breaking::why(&parts, ways, difference.left.as_ref(), difference.right.as_ref());
    Change { difference, used_by, breaks }
}

/// The schemas, and for each the operations that lead to it.
type Uses = BTreeMap<String, BTreeMap<String, Ways>>;

fn told(by: Option<&BTreeMap<String, Ways>>) -> BTreeMap<String, (bool, bool)> {
    by.into_iter().flatten().map(|(id, ways)| (id.clone(), (ways.request, ways.response))).collect()
}

fn uses(document: &Value) -> Uses {
    let mut uses = Uses::new();
    for operation in operations(document) {
        let mut requests: Vec<&Value> = parameters(document, &operation);
        requests.extend(operation.value.get("requestBody"));
        for name in schemas(document, requests) {
            uses.entry(name).or_default().entry(operation.id()).or_default().request = true;
        }
        for name in schemas(document, vec![&operation.value["responses"]]) {
            uses.entry(name).or_default().entry(operation.id()).or_default().response = true;
        }
    }
    uses
}

/// The names of the schemas these values lead to.
fn schemas<'a>(document: &'a Value, mut open: Vec<&'a Value>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    while let Some(value) = open.pop() {
        if let Some(target) = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'))
            && seen.insert(target)
        {
            names.extend(schema_name(value).map(str::to_owned));
            open.extend(document.pointer(target));
        }
        open.extend(members(value).map(|(_, inner)| inner));
        open.extend(items(value));
    }
    names
}

impl fmt::Display for Change {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.breaks.is_some() { "BREAKS " } else { "changes" };
        write!(out, "{mark} {}", self.difference.told("old", "new"))?;
        if let Some(why) = &self.breaks {
            write!(out, "\n        because {why}")?;
        }
        let shared = self.difference.operation.is_none();
        let last = self.used_by.len();
        for (index, (id, ways)) in self.used_by.iter().enumerate().filter(|_| shared) {
            let branch = if index + 1 == last { "└─" } else { "├─" };
            let way = match ways {
                (true, true) => "in requests and responses",
                (true, false) => "in requests",
                _ => "in responses",
            };
            write!(out, "\n        {branch} {id} {way}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
