//! What each oracle says of a mutant.

use std::{
    collections::{BTreeSet, HashMap},
    panic::catch_unwind,
    time::Instant,
};

use serde_json::Value;

use super::{
    operators::{Mutant, mutants},
    scope::{self, Kept, Unit, part},
    uses::Uses,
};
use crate::{
    bundle::Sources,
    client,
    client_view::client_view,
    compare::{Formed, Pairs, Place, differs_at},
    finding::Finding,
    lint::{Checks, lint_part},
    shape,
};

/// Which oracles caught a mutant; none where an oracle wasn't asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Caught {
    /// The normal form of the mutant isn't the one of the document.
    pub form: Option<bool>,
    /// The mutant isn't what the server emits.
    pub structure: bool,
    /// A rule refuses it.
    pub lint: Option<bool>,
    /// The client made of it is another, or none can be made.
    pub client: Option<bool>,
    /// No probes can be derived from the mutant: it can't be read, or leaves something open.
    pub open: Option<bool>,
    /// The server doesn't behave as the mutant says; none also where no probes can be derived.
    pub behaviour: Option<bool>,
    /// A server refuses the examples of the mutant, or answers otherwise.
    pub examples: Option<bool>,
}

impl Caught {
    /// Whether an oracle that was asked caught it.
    #[must_use]
    pub fn any(&self) -> bool {
        self.structure || [self.lint, self.client, self.open, self.behaviour, self.examples].contains(&Some(true))
    }
}

/// What there is to ask.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The canonical document.
    pub document: &'a Value,
    /// Where its parts came from.
    pub sources: &'a Sources,
    /// What the server emits.
    pub emitted: &'a Value,
    /// What the canonical document uses.
    pub uses: &'a Uses,
}

/// Whom to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// S alone.
    Structure,
    /// S, and the rules.
    Rules,
    /// S, the rules, and the client.
    All,
}

/// The documents of one unit.
#[derive(Debug)]
pub struct Parts {
    original: Value,
    emitted: Value,
}

impl Parts {
    /// The parts of both documents a unit is mutated in.
    #[must_use]
    pub fn new(subject: Subject<'_>, unit: &Unit) -> Self {
        Self { original: part(subject.document, &unit.kept), emitted: part(subject.emitted, &unit.kept) }
    }
}

/// What the mutants of a unit are compared with.
struct Side<'a> {
    other: &'a Value,
    formed: Formed<'a>,
    /// What the unit unmutated has in common with it.
    agreed: Pairs,
}

impl<'a> Side<'a> {
    fn new(original: &Value, other: &'a Value) -> Self {
        let formed = Formed::new(other);
        Self { other, agreed: Formed::new(original).pairs(&formed), formed }
    }

    fn differs(&self, mutant: &Value, place: Option<&Place>) -> bool {
        let here = place.and_then(|place| differs_at(mutant, self.other, place, &self.agreed));
        here.unwrap_or_else(|| Formed::new(mutant).differs(&self.formed))
    }
}

/// One unit, ready to be mutated.
pub struct Bench<'a> {
    subject: Subject<'a>,
    asked: Asked,
    original: &'a Value,
    mutant: Value,
    kept: &'a [Kept],
    itself: Side<'a>,
    emitted: Side<'a>,
    /// Where components are compared, by what the pointers of their nodes begin with.
    places: HashMap<String, Option<Place>>,
    findings: BTreeSet<Finding>,
    /// What the unit uses, and what the rest of the document does.
    uses: (Uses, Uses),
    checks: Checks,
    view: Value,
    source: Option<String>,
    seconds: [f64; 4],
}

impl<'a> Bench<'a> {
    /// Asks the oracles about a unit unmutated.
    #[must_use]
    pub fn new(subject: Subject<'a>, unit: &'a Unit, parts: &'a Parts, asked: Asked) -> Self {
        let original = &parts.original;
        let mut checks = Checks::default();
        let findings = match asked {
            Asked::Structure => BTreeSet::new(),
            _ => findings(original, subject.sources, &mut checks),
        };
        let uses = match asked {
            Asked::Structure => Default::default(),
            _ => {
                let here = Uses::of(original);
                let elsewhere = subject.uses.clone().without(&here);
                (here, elsewhere)
            }
        };
        let (mut view, mut source) = (Value::Null, None);
        if asked == Asked::All {
            view = client_view(original);
            source = generated(&view);
        }
        Self {
            subject,
            asked,
            original,
            mutant: original.clone(),
            kept: &unit.kept,
            itself: Side::new(original, original),
            emitted: Side::new(original, &parts.emitted),
            places: HashMap::new(),
            findings,
            uses,
            checks,
            view,
            source,
            seconds: [0.0; 4],
        }
    }

    /// The mutants of the unit.
    #[must_use]
    pub fn mutants(&self, unit: &Unit) -> Vec<Mutant> {
        let below = unit.pointers.iter().flat_map(|pointer| mutants(self.original, pointer));
        let alone = unit.alone.iter().flat_map(|pointer| {
            mutants(self.original, pointer).into_iter().filter(move |mutant| mutant.pointer == *pointer)
        });
        below.chain(alone).collect()
    }

    /// What the node of a mutant becomes, where it becomes another: the other component that a reference leads to is
    /// one that the unit uses.
    #[must_use]
    pub fn value(&self, mutant: &Mutant) -> Option<Value> {
        mutant.value(self.original)
    }

    /// Asks about one mutant.
    pub fn ask(&mut self, mutant: &Mutant) -> Caught {
        let Some(before) = mutant.apply(&mut self.mutant) else {
            return Caught::default();
        };
        let place = self.place(&mutant.pointer);
        let form =
            (self.asked != Asked::Structure).then(|| timed(|| self.itself.differs(&self.mutant, place.as_ref())));
        self.seconds[0] += form.map_or(0.0, |(_, took)| took);
        let (structure, took) = timed(|| self.emitted.differs(&self.mutant, place.as_ref()));
        self.seconds[1] += took;
        let lint = (self.asked != Asked::Structure).then(|| {
            // Only what wasn't found before counts: a part of a document breaks rules of its own.
            timed(|| {
                self.uses.1.loses(&self.uses.0, &Uses::of(&self.mutant))
                    || !findings(&self.mutant, self.subject.sources, &mut self.checks).is_subset(&self.findings)
            })
        });
        self.seconds[2] += lint.map_or(0.0, |(_, took)| took);
        let client = (self.asked == Asked::All).then(|| timed(|| self.client()));
        self.seconds[3] += client.map_or(0.0, |(_, took)| took);
        let caught = Caught {
            form: form.map(|(found, _)| found),
            structure,
            lint: lint.map(|(found, _)| found),
            client: client.map(|(found, _)| found),
            ..Caught::default()
        };
        mutant.undo(&mut self.mutant, before);
        caught
    }

    fn place(&mut self, pointer: &str) -> Option<Place> {
        let place = || scope::place(self.original, self.kept, pointer);
        let Some((end, _)) = pointer.match_indices('/').nth(3).filter(|_| pointer.starts_with("/components/")) else {
            return place();
        };
        self.places.entry(pointer[..end].to_owned()).or_insert_with(place).clone()
    }

    /// What each oracle took: the normal form, S, L, C.
    #[must_use]
    pub fn seconds(&self) -> [f64; 4] {
        self.seconds
    }

    fn client(&self) -> bool {
        let view = client_view(&self.mutant);
        view != self.view && generated(&view) != self.source
    }
}

fn timed<T>(ask: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    (ask(), start.elapsed().as_secs_f64())
}

/// The client's source; none where the generator refuses, or stops at an assertion of its own.
fn generated(view: &Value) -> Option<String> {
    catch_unwind(|| client::source(view).ok()).ok().flatten()
}

fn findings(document: &Value, sources: &Sources, checks: &mut Checks) -> BTreeSet<Finding> {
    let mut all = Vec::new();
    shape::check(document, sources, &mut all);
    all.extend(shape::dangling(document).iter().map(|at| Finding::new(at.as_str(), "leads nowhere")));
    all.extend(lint_part(document, sources, checks));
    all.into_iter().collect()
}
