//! The examples of the document, executed: a server that holds what `openapi/fixtures/scenes.yaml` says gets each
//! request example, and answers with the response example.
//!
//! What only a server can make (ids, times, entity tags …) is declared in `openapi/fixtures/server-made.yaml`, and
//! nowhere else. Every example of the document has to be executed, and every operation with every status it
//! documents; what can't be is listed there with the reason.

mod bench;
mod compare;
mod draft;
mod ends;
mod failures;
mod made;
mod node;
mod place;
mod plays;
mod properties;
mod record;
mod scenes;
mod unseen;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use customer_client::Credentials;
use futures::StreamExt as _;
use serde_json::Value;

use crate::document::{Document, Operation};
use crate::http::Answer;
use crate::origin::Origin;
use crate::postgres::FreshDatabase;
use crate::server::{Backend, Options, Snapshot, TestServer};
use crate::{Cut, eventually};
pub use bench::{Bench, Unseen, Verdict};
use draft::Draft;
pub(crate) use draft::{Callers, Stage};
pub(crate) use ends::Ends;
use made::Made;
use plays::{Play, Script};
use record::Expected;
pub use record::Record;
use scenes::{Scene, Scenes, Sent, Step};
use words::Words;

/// Servers that run at the same time.
const AT_ONCE: usize = 2;
/// Until all pictures of a scene are ingested.
const PATIENCE: Duration = Duration::from_secs(30);
/// The base URL of the links in the examples.
pub const PUBLIC_URL: &str = "https://api.example.org";

/// The end of a scene, from which servers start.
struct Frozen {
    left: Snapshot,
    words: Words,
    callers: Callers,
}

/// A server without its database.
struct Away {
    stage: Stage,
    database: FreshDatabase,
    /// Without it nobody listens where the database is said to be.
    _cut: Cut,
}

/// A run through all scenes.
struct Run {
    backend: Backend,
    scenes: Scenes,
    made: Made,
    origin: Origin,
}

/// Executes all examples on one kind of database.
///
/// # Errors
/// When the fixtures can't be read, or a server can't be started.
pub async fn run(backend: Backend) -> anyhow::Result<Record> {
    let run = Run::new(backend).await?;
    let mut record = Record::default();
    record.faults.extend(run.scenes.faults());
    let mut ends: BTreeMap<String, Frozen> = BTreeMap::new();
    for scene in &run.scenes.scenes {
        let end = run.build(scene, scene.from.as_ref().and_then(|from| ends.get(from)), &mut record).await?;
        let end = run.play(scene, end, &mut record).await?;
        ends.insert(scene.name.clone(), end);
    }
    run.without_database(&mut record).await?;
    for end in ends.into_values() {
        end.left.remove().await?;
    }
    record.close(&run.made, Document::committed());
    Ok(record)
}

impl Run {
    async fn new(backend: Backend) -> anyhow::Result<Self> {
        let (scenes, made): (Scenes, Made) = (made::read("scenes.yaml")?, made::read("server-made.yaml")?);
        let origin = Origin::start().await;
        for (name, picture) in made.origins.values().flatten() {
            origin.picture(name, picture.width, picture.height);
        }
        Ok(Self { backend, scenes, made, origin })
    }

    fn script(&self) -> Script<'_> {
        Script { scenes: &self.scenes, made: &self.made }
    }

    fn options(&self, workers: usize) -> Options {
        let public_url = Some(PUBLIC_URL.to_owned());
        Options { backend: self.backend, workers, public_url, ..Options::default() }
    }

    /// The words of an empty server: origins are at loopback here, plain and in regular expressions.
    fn words(&self) -> Words {
        let ours = self.made.origins.keys();
        let swaps = ours.flat_map(|ours| {
            let theirs = self.origin.url("");
            [(ours.replace('.', "\\."), theirs.replace('.', "\\.")), (ours.clone(), theirs)]
        });
        Words::new(&self.made.ids, swaps.collect())
    }

    /// Plays the steps of a scene, from the end of the one before.
    async fn build(&self, scene: &Scene, from: Option<&Frozen>, record: &mut Record) -> anyhow::Result<Frozen> {
        let workers =
            scene.steps.iter().filter_map(|step| if let Step::Work { work } = step { Some(*work) } else { None });
        let options = self.options(workers.max().unwrap_or(0));
        let mut stage = match from {
            Some(from) => from.stage(options).await?,
            None => {
                let server = TestServer::start(options).await?;
                let callers = Callers::from([("administrator".to_owned(), server.admin())]);
                Stage { server, words: self.words(), callers }
            }
        };
        stage.words.forget(&scene.forget);
        for step in &scene.steps {
            self.step(&scene.name, step, &mut stage, record).await?;
        }
        let (left, violations) = stage.server.freeze().await?;
        record.faults.extend(violations);
        Ok(Frozen { left, words: stage.words, callers: stage.callers })
    }

    async fn step(&self, scene: &str, step: &Step, stage: &mut Stage, record: &mut Record) -> anyhow::Result<()> {
        let (answer, keep) = match step {
            Step::Work { .. } => return ingested(stage).await,
            Step::Send(sent) => (self.send(scene, sent, stage).await?, &sent.keep),
            Step::Example { example, caller, keep } => {
                let operation = Document::committed().operation(example);
                let operation = operation.ok_or_else(|| anyhow::anyhow!("{scene}: there is no `{example}`"))?;
                (self.example(operation, caller.as_deref(), stage, record).await, keep)
            }
        };
        anyhow::ensure!((200..300).contains(&answer.status), "{scene}: a step failed\n{answer}");
        if let Some(name) = keep {
            let key = answer.json();
            let text = |member: &str| key[member].as_str().unwrap_or_default().to_owned();
            stage.callers.insert(name.clone(), Credentials::new(text("key"), text("secret")));
        }
        Ok(())
    }

    /// Sends a request that is no example; what its answer is to have in common with the examples is known then.
    async fn send(&self, scene: &str, sent: &Sent, stage: &mut Stage) -> anyhow::Result<Answer> {
        let answer = Draft::sent(sent, &self.scenes.caller).send(stage).await;
        for (name, ours) in &sent.answer {
            let (ours, theirs) = (ours.as_str().unwrap_or_default(), &answer.json()[name]);
            let known = stage.words.matches(ours, theirs.as_str().unwrap_or_default());
            anyhow::ensure!(known, "{scene}: `{name}` is {theirs}, not {ours}\n{answer}");
        }
        Ok(answer)
    }

    /// Sends the example of a success; what the server made is known from then on.
    async fn example(
        &self,
        operation: &Operation,
        caller: Option<&str>,
        stage: &mut Stage,
        record: &mut Record,
    ) -> Answer {
        let document = Document::committed();
        let bodies = node::bodies(document, operation);
        let caller = caller.unwrap_or_else(|| self.scenes.caller(&operation.id));
        let mut draft = Draft::of(document, operation, bodies.first(), caller);
        draft.header("Accept", "application/json");
        let answer = draft.send(stage).await;
        let success = operation.responses.keys().rev().find(|status| **status == 201 || **status == 200);
        if let Some(status) = success.filter(|status| **status == answer.status) {
            let media = node::answer(document, operation, *status).media();
            let expected = Expected { document, operation, status: *status, media: media.first(), is_shared: false };
            record.judge(&self.made, &mut stage.words, &expected, &answer);
        }
        answer
    }

    /// Executes the examples that find the server at the end of a scene: those that change nothing, and those that
    /// fail, on one server; each other on one of its own.
    async fn play(&self, scene: &Scene, mut end: Frozen, record: &mut Record) -> anyhow::Result<Frozen> {
        let here = |operation: &Operation, status: u16| self.scenes.of(&operation.id, status) == scene.name;
        let pairs = Document::committed()
            .operations()
            .flat_map(|operation| operation.responses.keys().map(move |status| (operation, *status)));
        let (failing, succeeding): (Vec<_>, Vec<_>) =
            pairs.filter(|(operation, status)| here(operation, *status)).partition(|(_, status)| *status >= 400);
        let plays =
            succeeding.into_iter().flat_map(|(operation, status)| Play::all(Document::committed(), operation, status));
        let (reads, changes): (Vec<_>, Vec<_>) = plays.partition(Play::is_read);
        let failing: Vec<_> = failing.into_iter().filter(|(_, status)| *status != 503).collect();
        if !reads.is_empty() || !failing.is_empty() {
            let mut stage = end.stage(self.options_of(scene)).await?;
            for read in &reads {
                read.run(self.script(), &mut stage, record).await;
            }
            end.words = stage.words.clone();
            self.fail(&failing, &mut stage, record).await;
            record.faults.extend(stage.server.finish().await?);
        }
        let end_of_scene = &end;
        let runs = changes.iter().map(|change| async move {
            let mut found = Record::default();
            let mut stage = end_of_scene.stage(self.options_of(scene)).await?;
            change.run(self.script(), &mut stage, &mut found).await;
            found.faults.extend(stage.server.finish().await?);
            anyhow::Ok(found)
        });
        let mut runs = futures::stream::iter(runs).buffered(AT_ONCE);
        while let Some(found) = runs.next().await {
            record.add(found?);
        }
        drop(runs);
        Ok(end)
    }

    /// Brings operations to fail, and holds what they say against the examples they share.
    async fn fail(&self, failing: &[(&Operation, u16)], stage: &mut Stage, record: &mut Record) {
        if failing.iter().any(|(_, status)| *status == 422) {
            record.faults.extend(failures::prepare(&self.scenes, stage).await);
        }
        for (operation, status) in failing {
            self.refused(Document::committed(), operation, *status, stage, record).await;
        }
    }

    /// Brings an operation to fail, and holds what it says against the example it shares.
    async fn refused(
        &self,
        document: &Document,
        operation: &Operation,
        status: u16,
        stage: &mut Stage,
        record: &mut Record,
    ) {
        let Some(draft) = failures::draft(&self.scenes, document, operation, status) else {
            return record.faults.push(format!("{} {status}: no request that fails is known", operation.id));
        };
        let answer = draft.send(stage).await;
        let media = node::answer(document, operation, status).media();
        let expected = Expected { document, operation, status, media: media.first(), is_shared: true };
        if record.judge(&self.made, &mut stage.words, &expected, &answer) {
            record.used(&draft.examples);
        }
    }

    /// What operations say while the database is away.
    async fn without_database(&self, record: &mut Record) -> anyhow::Result<()> {
        let mut away = self.away().await?;
        let document = Document::committed();
        for operation in document.operations().filter(|o| o.responses.contains_key(&503)) {
            self.refused(document, operation, 503, &mut away.stage, record).await;
        }
        record.faults.extend(away.stage.server.finish().await?);
        away.database.remove().await
    }

    /// A server whose database is away: PostgreSQL's, the embedded one can't be.
    async fn away(&self) -> anyhow::Result<Away> {
        let database = FreshDatabase::create().await?;
        let (cut, url) = Cut::to_database(&database.url).await?;
        let arguments = vec!["--database".to_owned(), url];
        let options = Options { backend: Backend::Sqlite, arguments, ..self.options(0) };
        let server = TestServer::start(options).await?;
        let callers = [&self.scenes.caller, &self.scenes.stranger].map(|name| (name.clone(), server.admin()));
        let callers = callers.into_iter().chain([("administrator".to_owned(), server.admin())]).collect();
        cut.cut();
        Ok(Away { stage: Stage { server, words: self.words(), callers }, database, _cut: cut })
    }

    /// How the server of a scene's end is started.
    fn options_of(&self, scene: &Scene) -> Options {
        Options { profile: scene.profile(), arguments: scene.arguments.clone(), ..self.options(0) }
    }
}

impl Frozen {
    /// A server of its own that starts here.
    async fn stage(&self, options: Options) -> anyhow::Result<Stage> {
        let server = TestServer::start_on(options, &self.left).await?;
        Ok(Stage { server, words: self.words.clone(), callers: self.callers.clone() })
    }
}

/// Waits until nothing waits.
async fn ingested(stage: &Stage) -> anyhow::Result<()> {
    let draft = Draft::plain("GET /queue", "administrator");
    eventually(PATIENCE, "all pictures are ingested", async || {
        let queue = serde_json::from_slice::<Value>(&draft.send(stage).await.body).unwrap_or_default();
        (queue["incoming"] == 0 && queue["priority"] == 0).then_some(())
    })
    .await;
    Ok(())
}
