//! The rules of the house that a valid OpenAPI document can still break.

mod examples;
mod operations;
mod schemas;

use std::collections::BTreeSet;

use serde_json::Value;

pub use examples::Checks;

use crate::{
    bundle::{Bundle, KINDS, Sources},
    finding::Finding,
    pointer::{escape, items, members, steps, unescape},
};

/// The tag of the operations that speak another dialect: names in snake case, their own errors.
const ACCOUNT: &str = "account";

/// What breaks a rule, and where.
#[must_use]
pub fn lint(bundle: &Bundle) -> Vec<Finding> {
    lint_document(&bundle.document, &bundle.sources, &mut Checks::default())
}

/// The same of a document whose parts came from `sources`; `checks` keeps what the next document may
/// need again.
#[must_use]
pub fn lint_document(document: &Value, sources: &Sources, checks: &mut Checks) -> Vec<Finding> {
    let mut findings = lint_part(document, sources, checks);
    let mut report = Report { document, sources, findings: Vec::new() };
    unused(&mut report);
    findings.extend(report.findings);
    findings.sort();
    findings.dedup();
    findings
}

/// What breaks a rule that a part of a document can be held against: all but that everything is used.
#[must_use]
pub fn lint_part(document: &Value, sources: &Sources, checks: &mut Checks) -> Vec<Finding> {
    let mut report = Report { document, sources, findings: Vec::new() };
    operations::lint(&mut report);
    schemas::lint(&mut report);
    examples::lint(&mut report, checks);
    let mut findings = report.findings;
    findings.sort();
    findings.dedup();
    findings
}

struct Report<'a> {
    document: &'a Value,
    sources: &'a Sources,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    fn document(&self) -> &'a Value {
        self.document
    }

    fn find(&mut self, pointer: &str, what: impl Into<String>) {
        let place = self.sources.place(pointer);
        self.findings.push(Finding::new(place, what));
    }

    /// Follows a reference, and tells where the target stands.
    fn resolve(&self, value: &'a Value, pointer: &str) -> (&'a Value, String) {
        let last = steps(self.document(), value).last();
        last.map_or_else(|| (value, pointer.to_owned()), |(target, found)| (found, target.into_owned()))
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_none_or(|text| text.trim().is_empty())
}

/// Components nothing leads to, from the paths, and declared tags no operation has.
fn unused(report: &mut Report<'_>) {
    let document = report.document();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut open = vec![&document["paths"]];
    while let Some(value) = open.pop() {
        if let Some(target) = value["$ref"].as_str().and_then(|target| target.strip_prefix('#'))
            && used.insert(target.to_owned())
            && let Some(found) = document.pointer(target)
        {
            open.push(found);
        }
        open.extend(members(value).map(|(_, inner)| inner));
        open.extend(items(value));
    }
    // Security schemes are named, not referred to.
    for kind in KINDS.iter().filter(|kind| **kind != "securitySchemes") {
        for (name, _) in members(&document["components"][*kind]) {
            let pointer = format!("/components/{kind}/{}", escape(name));
            if !used.contains(&pointer) {
                report.find(&pointer, format!("nothing uses `{}` of {kind}", unescape(name)));
            }
        }
    }
    let tags: BTreeSet<&str> = crate::pointer::operations(document)
        .flat_map(|operation| items(&operation.value["tags"]))
        .filter_map(Value::as_str)
        .collect();
    for (index, tag) in items(&document["tags"]).enumerate() {
        if tag["name"].as_str().is_some_and(|name| !tags.contains(name)) {
            report.find(&format!("/tags/{index}"), format!("no operation has the tag {}", tag["name"]));
        }
    }
}

#[cfg(test)]
mod tests;
