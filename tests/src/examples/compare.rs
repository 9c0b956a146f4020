//! Holds an answer against an example: equal in everything, but for what only a server can make.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::made::Made;
use super::place::Place;
use super::words::Words;

/// A comparison of one answer with one example.
pub(super) struct Comparison<'a> {
    pub(super) made: &'a Made,
    pub(super) words: &'a mut Words,
    /// The example shows a part of what the answer has.
    pub(super) excerpt: bool,
    /// What is not equal: where, and what.
    pub(super) faults: Vec<String>,
    /// The places of server-made values that were met.
    pub(super) met: BTreeSet<String>,
    /// Where server-made values stand, by JSON pointer, and what the example has there.
    made_at: Vec<(String, Value)>,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(made: &'a Made, words: &'a mut Words, excerpt: bool) -> Self {
        Self { made, words, excerpt, faults: Vec::new(), met: BTreeSet::new(), made_at: Vec::new() }
    }

    /// Compares a whole body.
    pub(super) fn body(&mut self, place: &Place<'_>, ours: &Value, theirs: &Value) {
        self.value(place, "", ours, theirs);
    }

    /// The answer as the example would have to be.
    pub(super) fn corrected(&self, theirs: &Value) -> Value {
        let mut corrected = self.words.value_to_document(theirs);
        for (at, ours) in &self.made_at {
            if let Some(value) = corrected.pointer_mut(at) {
                *value = ours.clone();
            }
        }
        corrected
    }

    fn value(&mut self, place: &Place<'_>, at: &str, ours: &Value, theirs: &Value) {
        if self.is_made(place, at, ours, theirs) {
            return;
        }
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => self.object(place, at, ours, theirs),
            (Value::Array(ours), Value::Array(theirs)) => self.array(place, at, ours, theirs),
            (Value::String(text), Value::String(found)) if self.words.matches(text, found) => {}
            (ours, theirs) if !ours.is_string() && ours == theirs => {}
            _ => self.differs(place, at, ours, theirs),
        }
    }

    fn is_made(&mut self, place: &Place<'_>, at: &str, ours: &Value, theirs: &Value) -> bool {
        let kept = self.made.kept.contains(&place.name);
        if !kept && !self.made.fresh.contains(&place.name) {
            return false;
        }
        self.met.insert(place.name.clone());
        self.made_at.push((at.to_owned(), ours.clone()));
        if std::mem::discriminant(ours) != std::mem::discriminant(theirs) {
            return false;
        }
        if kept && !self.words.keeps(&place.name, ours, theirs) {
            let what = format!("{at}: {} is another one than where an example had {ours} before: {theirs}", place.name);
            self.faults.push(what);
        }
        true
    }

    fn object(&mut self, place: &Place<'_>, at: &str, ours: &Map<String, Value>, theirs: &Map<String, Value>) {
        for (name, value) in ours {
            match theirs.get(name) {
                Some(found) => self.value(&place.member(name), &format!("{at}/{name}"), value, found),
                None => self.faults.push(format!("{at}/{name} is missing, the example has {value}")),
            }
        }
        if self.excerpt {
            return;
        }
        for (name, value) in theirs.iter().filter(|(name, _)| !ours.contains_key(*name)) {
            let value = self.words.value_to_document(value);
            self.faults.push(format!("{at}/{name} is {value}, the example has none"));
        }
    }

    fn array(&mut self, place: &Place<'_>, at: &str, ours: &[Value], theirs: &[Value]) {
        let item = place.item();
        if self.excerpt {
            return ours
                .iter()
                .enumerate()
                .for_each(|(index, value)| self.one_of(&item, &format!("{at}/{index}"), value, theirs));
        }
        if ours.len() != theirs.len() {
            self.faults.push(format!("{at} has {} items, the example has {}", theirs.len(), ours.len()));
        }
        for (index, (value, found)) in ours.iter().zip(theirs).enumerate() {
            self.value(&item, &format!("{at}/{index}"), value, found);
        }
    }

    /// The item of a list that an excerpt shows: the one that is most like it.
    fn one_of(&mut self, place: &Place<'_>, at: &str, ours: &Value, theirs: &[Value]) {
        let tries = theirs.iter().map(|found| {
            let mut words = self.words.clone();
            let mut comparison = Comparison::new(self.made, &mut words, true);
            comparison.value(place, at, ours, found);
            let (faults, met) = (comparison.faults, comparison.met);
            (words, faults, met)
        });
        match tries.min_by_key(|(_, faults, _)| faults.len()) {
            Some((words, faults, met)) => {
                *self.words = words;
                self.faults.extend(faults);
                self.met.extend(met);
            }
            None => self.faults.push(format!("{at} is missing, the example has {ours}")),
        }
    }

    fn differs(&mut self, place: &Place<'_>, at: &str, ours: &Value, theirs: &Value) {
        let theirs = self.words.value_to_document(theirs);
        let at = if at.is_empty() { "/" } else { at };
        self.faults.push(format!("{at} ({}) is {theirs}, the example has {ours}", place.name));
    }
}
