//! Executes the examples of one scene.

use serde_json::Value;

use super::draft::{Draft, Stage};
use super::made::Made;
use super::node::{self, Media, Node};
use super::place::Place;
use super::properties;
use super::record::{Expected, Record};
use super::scenes::{Scenes, key};
use crate::document::{Document, Operation};
use crate::http::Answer;

/// One execution of an example: what is sent and what is to come back.
#[derive(Debug, Clone)]
pub(super) struct Play<'a> {
    document: &'a Document,
    pub(super) operation: &'a Operation,
    pub(super) status: u16,
    body: Option<Media<'a>>,
    media: Option<Media<'a>>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The example as it stands.
    Example,
    /// The examples of all properties of the body, and of items so many levels down: they make one good request.
    Properties(usize),
}

/// What every play needs.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) scenes: &'a Scenes,
    pub(super) made: &'a Made,
}

impl<'a> Play<'a> {
    /// The plays of an operation that end with this success: one for each media type of the request or the
    /// answer.
    pub(super) fn all(document: &'a Document, operation: &'a Operation, status: u16) -> Vec<Self> {
        let bodies = node::bodies(document, operation);
        let answers = node::answer(document, operation, status).media();
        let count = bodies.len().max(answers.len()).max(1);
        let nth = |all: &[Media<'a>], index: usize| all.get(index.min(all.len().saturating_sub(1))).cloned();
        let mut plays: Vec<Self> = (0..count)
            .map(|index| Self {
                document,
                operation,
                status,
                body: nth(&bodies, index),
                media: nth(&answers, index),
                kind: Kind::Example,
            })
            .collect();
        let first = operation.responses.keys().find(|status| **status < 300).copied();
        if let Some(play) = plays.first().filter(|play| play.body.is_some() && first == Some(status)).cloned() {
            let levels = (0..).take_while(|level| *level == 0 || play.properties(*level) != play.properties(level - 1));
            plays.extend(levels.map(|level| Self { kind: Kind::Properties(level), ..play.clone() }));
        }
        plays
    }

    /// The pointers of what has the examples that may be sent, and of what has those that may be answered.
    pub(super) fn touches(&self) -> (Vec<String>, Vec<String>) {
        if let Kind::Properties(levels) = self.kind {
            let sent = self.properties(levels).map(|(_, pointers)| pointers).unwrap_or_default();
            return (sent, Vec::new());
        }
        let mut sent: Vec<String> =
            node::parameters(self.document, self.operation).into_iter().map(|node| node.pointer).collect();
        sent.extend(self.body.iter().map(|media| media.node.pointer.clone()));
        (sent, node::answered(self.document, self.operation, self.status, self.media.as_ref()))
    }

    /// Whether it leaves the server as it was.
    pub(super) fn is_read(&self) -> bool {
        self.operation.method == "GET"
    }

    /// Sends the request and holds the answer against the example, with all that belongs to it.
    pub(super) async fn run(&self, script: Script<'_>, stage: &mut Stage, record: &mut Record) {
        let caller = script.scenes.caller(&self.operation.id);
        let mut draft = Draft::of(self.document, self.operation, self.body.as_ref(), caller);
        if let Some(media) = &self.media {
            draft.header("Accept", &media.name);
        }
        if let Kind::Properties(levels) = self.kind {
            return self.together(levels, draft, stage, record).await;
        }
        let draft = self.conditional(draft, stage).await;
        let answer = draft.send(stage).await;
        let expected = Expected {
            document: self.document,
            operation: self.operation,
            status: self.status,
            media: self.media.as_ref(),
            is_shared: false,
        };
        if !record.judge(script.made, &mut stage.words, &expected, &answer) && answer.status != self.status {
            return;
        }
        record.used(&draft.examples);
        if self.is_read() {
            self.alone(&draft, stage, record).await;
            self.pages(&draft, stage, record).await;
        } else {
            self.after(script, &draft, &answer, stage, record).await;
        }
    }

    /// Adds the headers that an example has: preferences, and conditions that hold.
    async fn conditional(&self, mut draft: Draft, stage: &Stage) -> Draft {
        let tag = self.tag(&draft, stage).await;
        for parameter in node::parameters(self.document, self.operation) {
            let name = parameter.value["name"].as_str().unwrap_or_default();
            match (name, parameter.value["in"].as_str()) {
                ("Prefer", _) if self.status == 205 => {}
                ("If-Match", _) => {
                    if let Some(tag) = &tag {
                        draft.header(name, tag);
                    }
                }
                ("If-None-Match", _) if self.status == 304 => draft.header(name, tag.as_deref().unwrap_or_default()),
                (_, Some("header")) => draft = draft.with(&parameter),
                _ => {}
            }
        }
        draft
    }

    /// The entity tag that the resource has now, if it is there.
    async fn tag(&self, draft: &Draft, stage: &Stage) -> Option<String> {
        let shown = self.sibling()?;
        let answer =
            Draft::of(self.document, shown, None, draft.caller.as_deref().unwrap_or_default()).send(stage).await;
        answer.header("etag").map(str::to_owned)
    }

    /// Each further example of the query is sent alone: it is taken.
    async fn alone(&self, draft: &Draft, stage: &Stage, record: &mut Record) {
        for parameter in node::parameters(self.document, self.operation) {
            let is_query = parameter.value["in"] == "query" && parameter.value["required"] != true;
            if !is_query || parameter.value["name"] == "cursor" {
                continue;
            }
            let draft = draft.clone().with(&parameter);
            let answer = draft.send(stage).await;
            if answer.status == self.status {
                record.used(&[parameter.pointer]);
            } else {
                let name = key(&self.operation.id, self.status);
                record.faults.push(format!("{name}: `{}` is refused\n{answer}", parameter.value["name"]));
            }
        }
    }

    /// Pages of one member each; a cursor is the server's, so the one that it gives is followed.
    async fn pages(&self, draft: &Draft, stage: &Stage, record: &mut Record) {
        if !node::parameters(self.document, self.operation).iter().any(|parameter| parameter.value["name"] == "cursor")
        {
            return;
        }
        let mut first = draft.clone();
        first.query.push(("pageSize".to_owned(), "1".to_owned()));
        let page = self.show(&first.send(stage).await, stage, record);
        let mut second = first.clone();
        second.query.push(("page".to_owned(), "2".to_owned()));
        self.show(&second.send(stage).await, stage, record);
        let Some(next) = page["view"]["next"].as_str() else { return };
        let request = stage.server.get(next);
        let request = match draft.caller.as_ref().and_then(|caller| stage.callers.get(caller)) {
            Some(credentials) => request.auth(credentials),
            None => request,
        };
        let answer = request.send().await;
        if answer.status != 200 || !next.contains("cursor=") {
            record.faults.push(format!("{}: the cursor of `next` is refused\n{answer}", self.operation.id));
        }
    }

    /// Takes in what an answer shows that is no example; returns its body.
    fn show(&self, answer: &Answer, stage: &Stage, record: &mut Record) -> Value {
        let body = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        if let Some(media) = &self.media {
            let place = Place::new(self.document, &self.operation.id, &media.node.value["schema"]);
            record.shown.add(&place, &stage.words.value_to_document(&body));
        }
        body
    }

    /// What a change is seen by: the resource is as the example of the change shows it, or it is gone.
    async fn after(&self, script: Script<'_>, draft: &Draft, answer: &Answer, stage: &mut Stage, record: &mut Record) {
        let name = key(&self.operation.id, self.status);
        if draft.headers.iter().any(|(name, _)| name == "Idempotency-Key") {
            let again = draft.send(stage).await;
            if (again.status, &again.body) != (answer.status, &answer.body) {
                record.faults.push(format!("{name}: sent again it is answered otherwise\n{again}"));
            }
        }
        let Some(shown) = self.sibling() else { return };
        let caller = script.scenes.caller(&shown.id);
        let look = Draft::of(self.document, shown, None, caller);
        match (self.operation.method.as_str(), self.status) {
            ("DELETE", _) => {
                let seen = look.send(stage).await;
                if !matches!(seen.status, 401 | 404) {
                    record.faults.push(format!("{name}: it is still there\n{seen}"));
                }
            }
            ("PATCH", 205) => {
                let mut as_shown = look;
                as_shown.header("Accept", "application/json");
                let seen = as_shown.send(stage).await;
                let changed = node::answer(self.document, self.operation, 200);
                self.see(script, &name, &changed, &seen, stage, record);
            }
            _ => {}
        }
    }

    fn see(
        &self,
        script: Script<'_>,
        name: &str,
        changed: &Node<'_>,
        seen: &Answer,
        stage: &mut Stage,
        record: &mut Record,
    ) {
        let Some(media) = changed.media().into_iter().next() else { return };
        let body = serde_json::from_slice::<Value>(&seen.body).unwrap_or_default();
        let mut comparison = super::compare::Comparison::new(script.made, &mut stage.words, false);
        let place = Place::new(self.document, &self.operation.id, &media.node.value["schema"]);
        comparison.body(&place, &media.node.value["example"], &body);
        for fault in comparison.faults {
            record.faults.push(format!("{name}: afterwards {fault}"));
        }
    }

    fn properties(&self, levels: usize) -> Option<(Value, Vec<String>)> {
        properties::body(&self.body.as_ref()?.node.get("schema")?, levels)
    }

    /// The examples of all properties make one good request.
    async fn together(&self, levels: usize, mut draft: Draft, stage: &Stage, record: &mut Record) {
        let Some((properties, pointers)) = self.properties(levels) else { return };
        // What only the whole example has stays.
        let mut body = draft.body.take().unwrap_or_default();
        for (name, value) in properties.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        draft.body = Some(body);
        let answer = draft.send(stage).await;
        if self.operation.responses.keys().any(|status| *status < 300 && *status == answer.status) {
            record.used(&pointers);
        } else {
            let id = &self.operation.id;
            record.faults.push(format!("{id}: the examples of the properties don't make one good request\n{answer}"));
        }
    }
    /// The GET of the path that the operation is at.
    fn sibling(&self) -> Option<&'a Operation> {
        let item = self.document.paths().iter().find(|item| item.template == self.operation.template)?;
        item.operations.get("GET")
    }
}
