//! Changed examples, held against the server as it is: oracle X, asked about one change of the document.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::sync::{Mutex, OnceCell};
use xtask::mutate::told::Told;

use super::failures;
use super::node;
use super::plays::Play;
use super::properties::{self, Property, Shown};
use super::record::Record;
use super::unseen::{self, Seen};
use super::{Away, Frozen, Run, Stage};
use crate::document::{Document, Operation};
use crate::server::Backend;

pub use super::unseen::Unseen;

/// What so many executions of an example don't notice, further ones don't either.
const ENOUGH: usize = 8;
/// A server is replaced after so many uses: its log grows, and changes below `/customer/…` are counted.
const USES: usize = 300;
/// The pointer of an example is that of what has it, and this.
pub(super) const EXAMPLE: &str = "/example";

/// Servers for the changed examples of the document.
pub struct Bench {
    run: Run,
    ends: BTreeMap<String, Frozen>,
    parts: Vec<Part>,
    /// By the pointer of what has an example, the parts that may execute it; the cheapest first.
    users: BTreeMap<String, Vec<usize>>,
    /// The pointers of what has examples that are sent.
    sent: BTreeSet<String>,
    properties: BTreeMap<String, Property<'static>>,
    /// What the examples of answers show.
    examples: Shown,
    /// What answers show besides.
    pages: Shown,
    stages: Mutex<BTreeMap<Home, Vec<Used>>>,
    away: Mutex<Option<Away>>,
}

/// What X says of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An execution finds something, and it was found in none of the unchanged document.
    Caught(String),
    /// Nothing is found, and why that does no harm, if that is known.
    Missed(Option<Unseen>),
}

/// One execution out of those of all examples.
struct Part {
    operation: &'static Operation,
    status: u16,
    kind: Kind,
    /// What comes of it with the document as it is.
    before: OnceCell<Record>,
}

/// In the order of what they cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The so-many-th play of the operation and the status, which changes nothing.
    Read(usize),
    /// A refusal.
    Failure,
    /// The so-many-th play, on a server of its own.
    Change(usize),
}

/// What a server is for that several parts use, one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Home {
    /// The plays of a scene that change nothing.
    Reads(String),
    /// The failures of a scene.
    Failures(String),
}

struct Used {
    stage: Stage,
    uses: usize,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    /// Builds all scenes of the committed document, and executes what changes nothing.
    ///
    /// # Errors
    /// When the fixtures can't be read, a server can't be started, or the document isn't as the server says.
    pub async fn new(backend: Backend) -> anyhow::Result<Self> {
        let run = Run::new(backend).await?;
        let document = Document::committed();
        let mut bench = Self {
            ends: BTreeMap::new(),
            parts: parts(document),
            users: BTreeMap::new(),
            sent: BTreeSet::new(),
            properties: properties::all(document).into_iter().map(|one| (one.pointer.clone(), one)).collect(),
            examples: Shown::of_examples(document),
            pages: Shown::default(),
            stages: Mutex::default(),
            away: Mutex::default(),
            run,
        };
        bench.note_users();
        let names: Vec<String> = bench.run.scenes.scenes.iter().map(|scene| scene.name.clone()).collect();
        for name in names {
            bench.build(&name).await?;
        }
        Ok(bench)
    }

    /// Builds a scene, and takes in what its reads show.
    async fn build(&mut self, name: &str) -> anyhow::Result<()> {
        let scene = self.run.scenes.named(name)?;
        let from = scene.from.as_ref().and_then(|from| self.ends.get(from));
        let mut end = self.run.build(scene, from, &mut Record::default()).await?;
        let mut stage = end.stage(self.run.options_of(scene)).await?;
        for part in self.parts.iter().filter(|part| matches!(part.kind, Kind::Read(_))) {
            if self.run.scenes.of(&part.operation.id, part.status) != name {
                continue;
            }
            let mut record = Record::default();
            if let Kind::Read(nth) = part.kind
                && let Some(play) = Play::all(Document::committed(), part.operation, part.status).get(nth)
            {
                play.run(self.run.script(), &mut stage, &mut record).await;
            }
            self.pages.extend(std::mem::take(&mut record.shown));
            part.before.set(record).map_err(|_| anyhow::anyhow!("a part was executed twice"))?;
        }
        end.words = stage.words.clone();
        self.ends.insert(name.to_owned(), end);
        self.stages.get_mut().insert(Home::Reads(name.to_owned()), vec![Used { stage, uses: 0 }]);
        Ok(())
    }

    fn note_users(&mut self) {
        let document = Document::committed();
        for (index, part) in self.parts.iter().enumerate() {
            let (operation, status) = (part.operation, part.status);
            let (sent, answered) = match part.kind {
                Kind::Failure => {
                    let media = node::answer(document, operation, status).media();
                    let draft = failures::draft(&self.run.scenes, document, operation, status);
                    let answered = node::answered(document, operation, status, media.first());
                    (draft.map(|draft| draft.examples).unwrap_or_default(), answered)
                }
                Kind::Read(nth) | Kind::Change(nth) => {
                    Play::all(document, operation, status).get(nth).map(Play::touches).unwrap_or_default()
                }
            };
            self.sent.extend(sent.iter().cloned());
            for pointer in sent.into_iter().chain(answered) {
                self.users.entry(pointer).or_default().push(index);
            }
        }
        for users in self.users.values_mut() {
            users.sort_by_key(|index| self.parts[*index].kind);
            users.dedup();
        }
    }

    /// What X says of a change of an example, or of a part of one.
    ///
    /// # Errors
    /// When the change is of no example, the unchanged document is not as the server says, or a server can't be
    /// started.
    pub async fn ask(&self, mutant: &Told) -> anyhow::Result<Verdict> {
        let changed = mutant.applied(Document::committed().root());
        let changed = Document::read(changed.ok_or_else(|| anyhow::anyhow!("there is no such node"))?);
        let document = match changed {
            Ok(document) => document,
            Err(error) => return Ok(Verdict::Caught(format!("{error:#}"))),
        };
        let holder = self.holder(&mutant.pointer).ok_or_else(|| anyhow::anyhow!("this is no part of an example"))?;
        let asked = AssertUnwindSafe(self.asked(&document, &holder, mutant)).catch_unwind().await;
        asked.map_err(|_| anyhow::anyhow!("the executions panicked"))?
    }

    /// What has the example that a pointer leads to, or into.
    fn holder(&self, pointer: &str) -> Option<String> {
        let ends = pointer.match_indices(EXAMPLE).map(|(start, _)| &pointer[..start]);
        let is_known = |holder: &&str| self.users.contains_key(*holder) || self.properties.contains_key(*holder);
        ends.filter(|holder| pointer[holder.len() + EXAMPLE.len()..].chars().next().is_none_or(|next| next == '/'))
            .find(is_known)
            .map(str::to_owned)
    }

    async fn asked(&self, document: &Document, holder: &str, mutant: &Told) -> anyhow::Result<Verdict> {
        let caught = |finding: String| Ok(Verdict::Caught(finding));
        // Of an example that operations share, one at least gives all of it.
        let (mut was_whole, mut is_whole) = (false, false);
        let mut count = 0;
        for index in self.users.get(holder).into_iter().flatten() {
            let part = &self.parts[*index];
            let before = part.before.get_or_try_init(|| self.execute(Document::committed(), part)).await?;
            if let Some(fault) = before.faults.first() {
                anyhow::bail!("the unchanged document has faults: {fault}");
            }
            if !before.has_used(holder) {
                continue;
            }
            let gave_whole = before.gave_whole(holder);
            if count < ENOUGH || gave_whole == Some(true) {
                let after = self.execute(document, part).await?;
                if let Some(fault) = after.faults.first() {
                    return caught(fault.clone());
                }
                if !after.has_used(holder) {
                    return caught(format!("{holder}: the example is no longer executed"));
                }
                is_whole |= after.gave_whole(holder) == Some(true);
            }
            count += 1;
            was_whole |= gave_whole == Some(true);
            if count >= ENOUGH && (was_whole || gave_whole.is_none()) {
                break;
            }
        }
        if was_whole && !is_whole {
            return caught(format!("{holder}: no operation gives the shared example as it stands"));
        }
        if let Some(pointer) = self.lost(document, holder, count > 0) {
            return caught(format!("{pointer}: nothing sends or shows the example"));
        }
        let seen = Seen {
            is_taken: count > 0 && self.sent.contains(holder),
            is_shown: self.is_shown(document, holder),
            is_given: is_whole,
        };
        Ok(Verdict::Missed(unseen::reason(&self.run.made, holder, mutant, seen, || self.is_excerpt(holder))))
    }

    /// Whether the example shows a part of an answer.
    fn is_excerpt(&self, holder: &str) -> bool {
        let users = self.users.get(holder).into_iter().flatten();
        users.map(|index| &self.parts[*index].operation.id).any(|id| self.run.made.excerpts.contains(id))
    }

    /// An example in a schema that was sent or shown, and no longer is.
    fn lost(&self, document: &Document, holder: &str, taken: bool) -> Option<String> {
        if let Some(property) = self.properties.get(holder) {
            let is_lost = !taken && self.shows(property) && !self.is_shown(document, holder);
            return is_lost.then(|| holder.to_owned());
        }
        // Where a value of an answer is the server's, its example may still be that of a property.
        let now = Shown::of_examples(document);
        let is_lost = |one: &&Property<'_>| {
            let is_executed = self.users.contains_key(&one.pointer) || self.is_paged(one);
            !is_executed && self.examples.has(&one.place, one.example) && !now.has(&one.place, one.example)
        };
        self.properties.values().find(is_lost).map(|property| property.pointer.clone())
    }

    /// Whether some answer shows the example that a property has in a document.
    fn is_shown(&self, document: &Document, holder: &str) -> bool {
        let now = properties::all(document).into_iter().find(|now| now.pointer == holder);
        now.is_some_and(|now| self.shows(&now))
    }

    fn shows(&self, property: &Property<'_>) -> bool {
        self.is_paged(property) || self.examples.has(&property.place, property.example)
    }

    /// Whether an answer that is no example shows an example in a schema, or each has another one.
    fn is_paged(&self, property: &Property<'_>) -> bool {
        self.pages.has(&property.place, property.example) || self.run.made.fresh.contains(&property.place)
    }

    /// Executes a part as a document says.
    async fn execute(&self, document: &Document, part: &Part) -> anyhow::Result<Record> {
        let mut record = Record::default();
        let Some(operation) = document.operation(&part.operation.id) else { return Ok(record) };
        let scene = self.run.scenes.of(&operation.id, part.status);
        match part.kind {
            Kind::Failure if part.status == 503 => self.without_database(document, operation, &mut record).await?,
            Kind::Failure => {
                let home = Home::Failures(scene.to_owned());
                let mut used = self.take(&home).await?;
                self.run.refused(document, operation, part.status, &mut used.stage, &mut record).await;
                self.give(home, used).await;
            }
            Kind::Read(nth) => {
                let home = Home::Reads(scene.to_owned());
                let mut used = self.take(&home).await?;
                if let Some(play) = Play::all(document, operation, part.status).get(nth) {
                    play.run(self.run.script(), &mut used.stage, &mut record).await;
                }
                self.give(home, used).await;
            }
            Kind::Change(nth) => {
                let mut stage = self.stage(scene).await?;
                if let Some(play) = Play::all(document, operation, part.status).get(nth) {
                    play.run(self.run.script(), &mut stage, &mut record).await;
                }
            }
        }
        Ok(record)
    }

    async fn without_database(
        &self,
        document: &Document,
        operation: &Operation,
        record: &mut Record,
    ) -> anyhow::Result<()> {
        let mut away = self.away.lock().await;
        if away.is_none() {
            *away = Some(self.run.away().await?);
        }
        if let Some(away) = away.as_mut() {
            away.stage.words = self.run.words();
            self.run.refused(document, operation, 503, &mut away.stage, record).await;
        }
        Ok(())
    }

    async fn stage(&self, scene: &str) -> anyhow::Result<Stage> {
        let end = self.ends.get(scene).ok_or_else(|| anyhow::anyhow!("the scene `{scene}` was not built"))?;
        end.stage(self.run.options_of(self.run.scenes.named(scene)?)).await
    }

    /// A server that nobody else uses now, with the words of the end of its scene.
    async fn take(&self, home: &Home) -> anyhow::Result<Used> {
        let (Home::Reads(scene) | Home::Failures(scene)) = home;
        let free = self.stages.lock().await.get_mut(home).and_then(Vec::pop);
        if let (Some(mut used), Some(end)) = (free, self.ends.get(scene)) {
            used.stage.words = end.words.clone();
            return Ok(used);
        }
        let stage = self.stage(scene).await?;
        if matches!(home, Home::Failures(_)) && self.has_repeats(scene) {
            let faults = failures::prepare(&self.run.scenes, &stage).await;
            anyhow::ensure!(faults.is_empty(), "{}", faults.join("\n"));
        }
        Ok(Used { stage, uses: 0 })
    }

    /// Whether requests are refused in a scene since their key of idempotency is taken.
    fn has_repeats(&self, scene: &str) -> bool {
        let mut repeats = self.parts.iter().filter(|part| part.status == 422);
        repeats.any(|part| self.run.scenes.of(&part.operation.id, 422) == scene)
    }

    async fn give(&self, home: Home, mut used: Used) {
        used.uses += 1;
        if used.uses < USES {
            self.stages.lock().await.entry(home).or_default().push(used);
        }
    }

    /// Ends the servers and removes what the scenes left.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn finish(self) -> anyhow::Result<()> {
        drop(self.stages);
        if let Some(away) = self.away.into_inner() {
            away.stage.server.finish().await?;
            away.database.remove().await?;
        }
        for end in self.ends.into_values() {
            end.left.remove().await?;
        }
        Ok(())
    }
}

/// All that is executed of a document.
fn parts(document: &'static Document) -> Vec<Part> {
    let mut parts = Vec::new();
    for operation in document.operations() {
        for status in operation.responses.keys().copied() {
            let mut add = |kind| parts.push(Part { operation, status, kind, before: OnceCell::new() });
            if status >= 400 {
                add(Kind::Failure);
                continue;
            }
            for (nth, play) in Play::all(document, operation, status).iter().enumerate() {
                add(if play.is_read() { Kind::Read(nth) } else { Kind::Change(nth) });
            }
        }
    }
    parts
}
