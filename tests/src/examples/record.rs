//! What a run of the examples has found and executed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::compare::Comparison;
use super::made::Made;
use super::node::{self, Media, Named};
use super::place::Place;
use super::properties::{self, Shown};
use super::scenes::key;
use super::words::Words;
use crate::document::{Document, Operation};
use crate::http::Answer;

/// What was executed, and what was found.
#[derive(Debug, Default)]
pub struct Record {
    /// How often each operation was executed with each status.
    pub executed: BTreeMap<(String, u16), usize>,
    /// What is not as the document says.
    pub faults: Vec<String>,
    /// The pointers of what had an example that was executed.
    used: BTreeSet<String>,
    /// Of examples that operations share: what one of them answers in its place; nothing where one gave it as it
    /// stands.
    whole: BTreeMap<String, Option<String>>,
    /// The places of server-made values that were met, and the headers.
    met: BTreeSet<String>,
    /// What answers show besides what their examples do.
    pub(super) shown: Shown,
}

/// What an answer is to be like.
pub(super) struct Expected<'a> {
    pub(super) document: &'a Document,
    pub(super) operation: &'a Operation,
    pub(super) status: u16,
    /// The media type it is to have; none for an answer without a body.
    pub(super) media: Option<&'a Media<'a>>,
    /// Whether the example is one for many operations.
    pub(super) is_shared: bool,
}

impl Record {
    /// Takes in what another run found.
    pub(super) fn add(&mut self, other: Self) {
        for (pair, count) in other.executed {
            *self.executed.entry(pair).or_default() += count;
        }
        self.faults.extend(other.faults);
        self.used.extend(other.used);
        self.met.extend(other.met);
        self.shown.extend(other.shown);
        for (pointer, instead) in other.whole {
            self.shares(&pointer, instead.as_ref());
        }
    }

    /// Notes what an operation answers in place of an example that it shares with others.
    fn shares(&mut self, pointer: &str, instead: Option<&String>) {
        let known = self.whole.entry(pointer.to_owned()).or_insert_with(|| instead.cloned());
        if instead.is_none() {
            *known = None;
        }
    }

    /// Whether what has an example was part of what succeeded, or answered.
    pub(super) fn has_used(&self, pointer: &str) -> bool {
        self.used.contains(pointer)
    }

    /// Of an example that operations share: whether one gave it as it stands; nothing if none was asked.
    pub(super) fn gave_whole(&self, pointer: &str) -> Option<bool> {
        self.whole.get(pointer).map(Option::is_none)
    }

    /// Notes that examples were part of what succeeded.
    pub(super) fn used(&mut self, pointers: &[String]) {
        self.used.extend(pointers.iter().cloned());
    }

    /// Holds an answer against its example; answers whether nothing is wrong.
    pub(super) fn judge(&mut self, made: &Made, words: &mut Words, expected: &Expected<'_>, answer: &Answer) -> bool {
        let before = self.faults.len();
        let name = key(&expected.operation.id, expected.status);
        *self.executed.entry((expected.operation.id.clone(), expected.status)).or_default() += 1;
        if answer.status != expected.status {
            self.faults.push(format!("{name}: the status is another\n{answer}"));
            return false;
        }
        let node = node::answer(expected.document, expected.operation, expected.status);
        for header in node.headers() {
            self.header(made, words, &name, &header, answer);
        }
        match expected.media {
            Some(media) => self.body(made, words, expected, media, answer),
            None if answer.body.is_empty() => {}
            None => self.faults.push(format!("{name}: there is a body\n{answer}")),
        }
        self.faults.len() == before
    }

    fn header(&mut self, made: &Made, words: &mut Words, name: &str, header: &Named<'_>, answer: &Answer) {
        let Some(example) = header.node.value.get("example") else { return };
        let shared = header.node.last().to_owned();
        let Some(found) = answer.header(&header.name) else {
            // Whether it has to be there is what every answer is validated for.
            return;
        };
        self.used.insert(header.node.pointer.clone());
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        if made.headers.contains(&shared) {
            self.met.insert(shared);
            return;
        }
        let matches = words.matches(&example, found);
        if made.shared.headers.contains(&shared) {
            self.met.insert(shared);
            let instead = (!matches).then(|| words.to_document(found));
            self.shares(&header.node.pointer, instead.as_ref());
        } else if !matches {
            let found = words.to_document(found);
            self.faults.push(format!("{name}: the header {} is `{found}`, its example is `{example}`", header.name));
        }
    }

    fn body(&mut self, made: &Made, words: &mut Words, expected: &Expected<'_>, media: &Media<'_>, answer: &Answer) {
        let name = key(&expected.operation.id, expected.status);
        let given = answer.header("content-type").unwrap_or_default();
        if given.split(';').next().unwrap_or_default().trim() != media.name {
            self.faults.push(format!("{name}: the body is {given}, the example is {}", media.name));
        }
        let Some(example) = media.node.value.get("example") else { return };
        self.used.insert(media.node.pointer.clone());
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
            self.faults.push(format!("{name}: the body is not JSON\n{answer}"));
            return;
        };
        if expected.is_shared {
            return self.shared(made, words, expected, media, &body);
        }
        let excerpt = made.excerpts.contains(&expected.operation.id);
        let mut comparison = Comparison::new(made, words, excerpt);
        let place = Place::new(expected.document, &expected.operation.id, &media.node.value["schema"]);
        comparison.body(&place, example, &body);
        if !comparison.faults.is_empty() {
            let (faults, corrected) = (comparison.faults.join("\n  - "), comparison.corrected(&body));
            self.faults.push(format!("{name} as {}:\n  - {faults}\n  the example would be: {corrected}", media.name));
        }
        self.met.extend(comparison.met);
    }

    /// An example for many operations: all have in common what the declaration says, and one gives all of it.
    fn shared(&mut self, made: &Made, words: &mut Words, expected: &Expected<'_>, media: &Media<'_>, body: &Value) {
        let name = key(&expected.operation.id, expected.status);
        let (schema, example) = (&media.node.value["schema"], &media.node.value["example"]);
        let kind = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()).unwrap_or_default();
        for member in made.shared.failures.get(kind).into_iter().flatten() {
            if example.get(member) != body.get(member).map(|value| words.value_to_document(value)).as_ref() {
                self.faults
                    .push(format!("{name}: `{member}` is {}, the example has {}", body[member], example[member]));
            }
        }
        let mut learnt = words.clone();
        let mut comparison = Comparison::new(made, &mut learnt, false);
        comparison.body(&Place::new(expected.document, kind, schema), example, body);
        let instead = (!comparison.faults.is_empty()).then(|| format!("{name}: {}", comparison.corrected(body)));
        self.met.extend(comparison.met);
        self.shares(&media.node.pointer, instead.as_ref());
    }

    /// What wasn't executed although nothing excuses it, and what is excused although it was.
    pub(super) fn close(&mut self, made: &Made, document: &Document) {
        let mut faults = Vec::new();
        let excused = |what: &str| made.unexecuted.contains_key(what);
        for pointer in node::all(document) {
            match (self.used.contains(&pointer), excused(&pointer)) {
                (false, false) => faults.push(format!("{pointer}: the example was not executed")),
                (true, true) => faults.push(format!("{pointer}: was executed: take it off the list of `unexecuted`")),
                _ => {}
            }
        }
        self.shown.extend(Shown::of_examples(document));
        for property in properties::all(document) {
            let pointer = &property.pointer;
            let executed = self.used.contains(pointer)
                || self.shown.has(&property.place, property.example)
                || made.fresh.contains(&property.place);
            match (executed, excused(pointer)) {
                (false, false) => {
                    faults.push(format!("{pointer}: nothing sends or shows the example {}", property.example));
                }
                (true, true) => faults.push(format!("{pointer}: was executed: take it off the list of `unexecuted`")),
                _ => {}
            }
        }
        for operation in document.operations() {
            for status in operation.responses.keys() {
                let name = key(&operation.id, *status);
                match (self.executed.contains_key(&(operation.id.clone(), *status)), excused(&name)) {
                    (false, false) => faults.push(format!("{name}: was not executed")),
                    (true, true) => faults.push(format!("{name}: was executed: take it off the list of `unexecuted`")),
                    _ => {}
                }
            }
        }
        for (pointer, instead) in self.whole.iter().filter_map(|(pointer, instead)| Some((pointer, instead.as_ref()?)))
        {
            faults.push(format!("{pointer}: no operation gives the shared example as it stands, but {instead}"));
        }
        let declared = made.kept.iter().chain(&made.fresh).chain(&made.headers).chain(&made.shared.headers);
        for place in declared.filter(|place| !self.met.contains(*place)) {
            faults.push(format!("server-made.yaml: nothing was met at `{place}`"));
        }
        self.faults.extend(faults);
    }
}
