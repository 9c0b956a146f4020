//! `cargo xtask mutate`: the oracles, measured on every single change of the document.

mod behaviour;
pub mod change;
mod harmless;
pub mod operators;
pub mod oracles;
pub mod scope;
mod table;
pub mod told;
pub mod uses;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use anyhow::{Result, bail};

use crate::{bundle::Bundle, check, compare::Formed, generate, rewrite};
use behaviour::{Asking, Oracle};
use operators::{Class, Mutant};
use oracles::{Asked, Bench, Caught, Parts, Subject};
use scope::Unit;
use table::{Block, Row};
use uses::Uses;

const README: &str = "README.md";

/// Of all mutants, the sample has one in so many, by lot: others that come or go don't change which.
const SAMPLE: u64 = 67;

/// The rows of the oracles that want a server, and of all.
const OPEN: &str = "B before it asks: no probes can be derived, since something is left open or can't be read";
const B: &str = "B behaviour: a probe that the mutant makes fails";
const X: &str = "X examples: a server refuses them, answers otherwise, or one is gone";
const ANY: &str = "any of them";

/// What is said of a node that no oracle covers.
const UNCOVERED: &str = "NOTHING covers it";

/// How much to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The structural oracle about every mutant.
    Structure,
    /// The same, and every oracle about a fixed sample.
    Sample,
    /// Every oracle about every mutant, and about the sample; those that want a server only about the sample.
    Whole,
    /// Every oracle about one mutant in so many, also those that want a server.
    Behaviour(u64),
}

/// What to do.
#[derive(Debug, Clone)]
pub struct Options {
    /// How much to ask.
    pub extent: Extent,
    /// Write the tables into the README.
    pub write: bool,
    /// Fail when a cell falls below what the README says.
    pub check: bool,
    /// Print every survivor, not only how many there are of a reason.
    pub survivors: bool,
    /// Where the oracles that want a server keep their answers, when they are asked about many.
    pub out: Option<PathBuf>,
}

/// Asks the oracles about mutants, prints the tables and the survivors, and answers whether all is
/// as the README says.
///
/// # Errors
/// When document and server don't agree to begin with, or the README can't be read or written.
pub fn mutate(repository: &Path, options: &Options) -> Result<bool> {
    if options.write && matches!(options.extent, Extent::Structure | Extent::Sample) {
        bail!("the README tells of all mutants and all oracles: write it without --structure and --sample");
    }
    let bundle = generate::canonical(repository)?;
    let emitted = check::emitted(repository)?;
    let uses = Uses::of(&bundle.document);
    let subject = Subject { document: &bundle.document, sources: &bundle.sources, emitted: &emitted, uses: &uses };
    let formed = (Formed::new(subject.document), Formed::new(subject.emitted));
    if formed.0.differs(&formed.1) {
        bail!("document and server don't agree, so nothing can be measured: run `cargo xtask check`");
    }
    let (alarms, took) = alarms(subject.document, &formed);
    println!("{} neutral rewrites in {took:.1} s", alarms.shown);
    alarms.loud.iter().for_each(|line| println!("alarm: {line}"));
    let report = Report { repository, bundle: &bundle, subject, alarms: &alarms, options };
    let agreed = match options.extent {
        Extent::Structure => report.of(Block::Whole, Asked::Structure)?,
        Extent::Sample => report.of(Block::Whole, Asked::Structure)? & report.of(Block::Sample, Asked::All)?,
        Extent::Whole => report.of(Block::Whole, Asked::All)? & report.of(Block::Sample, Asked::All)?,
        Extent::Behaviour(_) => report.of(Block::Behaviour, Asked::All)?,
    };
    Ok(agreed && alarms.loud.is_empty())
}

struct Report<'a> {
    repository: &'a Path,
    bundle: &'a Bundle,
    subject: Subject<'a>,
    alarms: &'a Alarms,
    options: &'a Options,
}

impl Report<'_> {
    /// Measures what a table is of. Answers whether no cell fell and every survivor has its reason.
    fn of(&self, block: Block, asked: Asked) -> Result<bool> {
        let every = match (block, self.options.extent) {
            (Block::Sample, _) => SAMPLE,
            (Block::Behaviour, Extent::Behaviour(every)) => every.max(1),
            _ => 1,
        };
        let start = Instant::now();
        let mut verdicts = quietly(|| all(self.subject, asked, every));
        if block != Block::Whole {
            let asking = match block {
                Block::Behaviour => Asking { whole: true, kept: self.options.out.clone() },
                _ => Asking::default(),
            };
            for (oracle, at) in [(Oracle::Behaviour, 4), (Oracle::Examples, 5)] {
                let list = &mut verdicts.list;
                verdicts.seconds[at] = oracle.ask(self.repository, list, &asking)?;
            }
        }
        let mut rows = rows(&verdicts, asked, self.alarms);
        if block == Block::Behaviour {
            // What the others say of all mutants stands in a table of its own.
            rows.retain(|row| [OPEN, B, X, ANY].contains(&row.oracle));
        }
        println!("{} mutants in {:.1} s", verdicts.list.len(), start.elapsed().as_secs_f64());
        let note = if every > 1 && block == Block::Behaviour { part(every) } else { String::new() };
        let table = format!("{note}{}", table::render(&rows));
        print!("{table}");
        let unexplained = survivors(self.bundle, &verdicts.list, asked, self.options.survivors);
        let readme = self.repository.join(README);
        let text = std::fs::read_to_string(&readme)?;
        let is_part = asked == Asked::Structure || every > 1 && block == Block::Behaviour;
        let fallen = table::fallen(&text, block, &rows, is_part);
        if self.options.write {
            std::fs::write(&readme, table::put(&text, block, &table)?)?;
            // Whoever writes what fell is told, and may not want it.
            fallen.iter().flatten().for_each(|line| println!("written although it fell: {line}"));
            return Ok(unexplained == 0);
        }
        let fallen = if self.options.check { fallen? } else { Vec::new() };
        fallen.iter().for_each(|line| println!("fell: {line}"));
        Ok(unexplained == 0 && fallen.is_empty())
    }
}

/// A mutant, and what was said of it.
struct Verdict {
    mutant: Mutant,
    /// What its node becomes, where it becomes another.
    value: Option<serde_json::Value>,
    caught: Caught,
    /// The operations it was asked about with.
    operations: Vec<String>,
    /// Why X, asked, finds nothing: the word it gives.
    unseen: Option<String>,
}

/// What a table that tells of a part says before it.
fn part(every: u64) -> String {
    format!("Of all mutants, one in {every} was asked about.\n\n")
}

/// All of them, and what each oracle took: the normal form, S, L, C, B, X.
#[derive(Default)]
struct Verdicts {
    list: Vec<Verdict>,
    seconds: [f64; 6],
}

/// Without the messages of the generator's own assertions, which are a verdict here.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let done = work();
    std::panic::set_hook(told);
    done
}

/// The next piece of work nobody has taken.
fn at<'a, T>(list: &'a [T], next: &AtomicUsize) -> Option<&'a T> {
    list.get(next.fetch_add(1, Ordering::Relaxed))
}

/// Every mutant, the units shared out among the cores.
fn all(subject: Subject<'_>, asked: Asked, every: u64) -> Verdicts {
    let units = scope::units(subject.document);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Verdicts::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                while let Some(unit) = at(&units, &next) {
                    let parts = Parts::new(subject, unit);
                    let mut bench = Bench::new(subject, unit, &parts, asked);
                    let operations = scope::ids(subject.document, unit);
                    let mut list = Vec::new();
                    for mutant in bench.mutants(unit).into_iter().filter(|mutant| mutant.lot().is_multiple_of(every)) {
                        let caught = bench.ask(&mutant);
                        let value = bench.value(&mutant);
                        list.push(Verdict { mutant, value, caught, operations: operations.clone(), unseen: None });
                    }
                    let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                    done.list.extend(list);
                    for (sum, took) in done.seconds.iter_mut().zip(bench.seconds()) {
                        *sum += took;
                    }
                }
            });
        }
    });
    let mut verdicts = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    verdicts.list.sort_by(|one, other| one.mutant.cmp(&other.mutant));
    verdicts
}

/// What took a neutral rewrite for a change.
#[derive(Default)]
struct Alarms {
    shown: usize,
    form: usize,
    structure: usize,
    loud: Vec<String>,
}

fn alarms(document: &serde_json::Value, formed: &(Formed<'_>, Formed<'_>)) -> (Alarms, f64) {
    let start = Instant::now();
    let rules: Vec<_> = rewrite::known().iter().chain(rewrite::held_out()).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Alarms::default());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|threads| {
        for _ in 0..cores {
            threads.spawn(|| {
                while let Some(rule) = at(&rules, &next) {
                    let Some(changed) = rule.apply(document) else {
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.loud.push(format!("{}: the document has nothing that it rewrites", rule.name));
                        continue;
                    };
                    let changed = Formed::new(&changed);
                    let form = changed.differs(&formed.0);
                    let structure = changed.differs(&formed.1);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    found.shown += 1;
                    found.form += usize::from(form);
                    found.structure += usize::from(structure);
                    if form || structure {
                        let first = rule.alarms(document).and_then(|all| all.first().map(ToString::to_string));
                        found.loud.push(format!("{}: {}", rule.name, first.unwrap_or_default()));
                    }
                }
            });
        }
    });
    (found.into_inner().unwrap_or_else(PoisonError::into_inner), start.elapsed().as_secs_f64())
}

fn rows(verdicts: &Verdicts, asked: Asked, alarms: &Alarms) -> Vec<Row> {
    // Of those that an oracle was asked about, those it caught, by class.
    let cells = |caught: &dyn Fn(&Caught) -> Option<bool>| {
        let of_class = |class: &Class| {
            let said = verdicts.list.iter().filter(|one| one.mutant.class == *class);
            let said: Vec<bool> = said.filter_map(|one| caught(&one.caught)).collect();
            (said.iter().filter(|caught| **caught).count(), said.len())
        };
        Class::ALL.iter().map(of_class).collect()
    };
    let [form, structure, lint, client, behaviour, examples] = verdicts.seconds;
    let mut rows = vec![Row {
        oracle: "S structure: the mutant against what the server emits",
        cells: cells(&|one| Some(one.structure)),
        alarms: Some((alarms.structure, alarms.shown)),
        seconds: structure,
    }];
    if asked == Asked::Structure {
        return rows;
    }
    let quiet = |oracle, cells, seconds| Row { oracle, cells, alarms: None, seconds };
    rows.push(Row {
        oracle: "the same against the document itself, as `cargo xtask diff` does",
        cells: cells(&|one| one.form),
        alarms: Some((alarms.form, alarms.shown)),
        seconds: form,
    });
    rows.push(quiet("L rules", cells(&|one| one.lint), lint));
    rows.push(quiet("C client: its source changes or can't be made", cells(&|one| one.client), client));
    if verdicts.list.iter().any(|one| one.caught.open.is_some()) {
        rows.push(quiet(OPEN, cells(&|one| one.open), 0.0));
        rows.push(quiet(B, cells(&|one| one.behaviour), behaviour));
    }
    if verdicts.list.iter().any(|one| one.caught.examples.is_some()) {
        let cells = cells(&|one| one.examples);
        rows.push(quiet(X, cells, examples));
    }
    rows.push(quiet(ANY, cells(&|one| Some(one.any())), verdicts.seconds.iter().sum()));
    rows
}

/// Prints what nobody who was asked caught: by reason where there is one, by itself where there is
/// none. Answers how many have none. S alone is only asked about the contract.
fn survivors(bundle: &Bundle, list: &[Verdict], asked: Asked, each: bool) -> usize {
    let answers_for = |mutant: &Mutant| asked != Asked::Structure || mutant.class == Class::Contract;
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    let survive = list.iter().filter(|one| answers_for(&one.mutant) && !one.caught.any());
    for verdict in survive {
        let mutant = &verdict.mutant;
        let reason = match verdict.caught.examples {
            Some(_) => harmless::unseen(verdict.unseen.as_deref()),
            None => harmless::reason(&bundle.document, mutant, verdict.value.as_ref()),
        };
        match reason {
            Some(reason) => {
                if each {
                    println!("survives: {mutant}: {reason}");
                }
                *reasons.entry(reason).or_default() += 1;
            }
            None => unexplained.push(mutant),
        }
    }
    reasons.iter().for_each(|(reason, count)| println!("{count:>6} survive: {reason}"));
    unexplained.iter().for_each(|mutant| println!("survives: {mutant}"));
    unexplained.len()
}

/// Prints the nodes whose deletion the structural oracle doesn't see, by their keyword, and which
/// oracle sees it instead. Answers whether there is one for each.
///
/// # Errors
/// When the document can't be bundled, or the server emits none.
pub fn inexpressible(repository: &Path) -> Result<bool> {
    let bundle = generate::canonical(repository)?;
    let emitted = check::emitted(repository)?;
    let uses = Uses::of(&bundle.document);
    let subject = Subject { document: &bundle.document, sources: &bundle.sources, emitted: &emitted, uses: &uses };
    let mut groups: BTreeMap<(String, &str), (usize, String)> = BTreeMap::new();
    for unit in scope::units(subject.document) {
        let parts = Parts::new(subject, &unit);
        let mut bench = Bench::new(subject, &unit, &parts, Asked::Rules);
        for mutant in bench.mutants(&unit) {
            if mutant.operator != operators::Operator::Delete {
                continue;
            }
            let caught = bench.ask(&mutant);
            if caught.structure {
                continue;
            }
            let cover = match (caught.lint, mutant.class) {
                (Some(true), _) => "L refuses a document without it",
                (_, Class::Example) => "X executes it",
                _ => match harmless::reason(&bundle.document, &mutant, None) {
                    Some(reason) => reason,
                    // Making clients takes long, so only the few are asked about that nothing else covers.
                    None if makes_another_client(subject, &unit, &parts, &mutant) => "C makes another client of it",
                    None => UNCOVERED,
                },
            };
            let group = groups.entry((keyword(&mutant), cover)).or_insert_with(|| (0, mutant.pointer.clone()));
            group.0 += 1;
        }
    }
    println!("Nodes of the document whose deletion S doesn't see, and what sees it:");
    for ((keyword, cover), (count, first)) in &groups {
        println!("{count:>6} {keyword}: {cover} (first {first})");
    }
    Ok(groups.keys().all(|(_, cover)| *cover != UNCOVERED))
}

fn makes_another_client(subject: Subject<'_>, unit: &Unit, parts: &Parts, mutant: &Mutant) -> bool {
    quietly(|| Bench::new(subject, unit, parts, Asked::All).ask(mutant).client == Some(true))
}

/// The keyword a node stands under.
fn keyword(mutant: &Mutant) -> String {
    let last = mutant.pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
    match mutant.class {
        Class::Example => {
            let example = mutant.pointer.split('/').find(|part| ["example", "examples"].contains(part));
            example.unwrap_or(last).to_owned()
        }
        Class::Contract | Class::Prose => last.to_owned(),
    }
}

#[cfg(test)]
mod tests;
