//! Carries probes out, and tells what came back otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::excused::{self, Use};
use super::probe::{Expected, Probe};
use super::request::Request;
use super::sender::{Received, Sender};
use crate::document::{Document, Operation};

/// Something that is not as the document says.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The operation.
    pub operation: String,
    /// Where, and the constraint.
    pub probe: String,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}: {}: {}", self.operation, self.probe, self.what)
    }
}

/// What came of the probes of an operation.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many were sent.
    pub probes: usize,
    /// What is not as the document says.
    pub findings: Vec<Finding>,
    /// How many were answered otherwise than the schemas say, and have an excuse.
    pub excused: usize,
    /// The excuses that were needed, and what of them.
    pub excuses: BTreeSet<Use>,
}

impl Outcome {
    /// Takes in what another one found.
    pub fn add(&mut self, other: Self) {
        self.probes += other.probes;
        self.findings.extend(other.findings);
        self.excused += other.excused;
        self.excuses.extend(other.excuses);
    }
}

/// The probes of one operation, on one server.
pub(super) struct Trial<'a> {
    pub(super) document: &'a Document,
    pub(super) operation: &'a Operation,
    pub(super) sender: &'a Sender<'a>,
    /// Who sends the examples of the operation.
    pub(super) usual: &'a str,
}

/// An answer that is not the expected one.
struct Wrong {
    status: u16,
    what: String,
}

/// The words of refusals, by the place they are about.
type Refusals = BTreeMap<String, BTreeSet<String>>;

impl Trial<'_> {
    /// Carries the probes out: those that are refused first, since they change nothing. With `enough`, ends at the
    /// first finding.
    pub(super) async fn run(&self, probes: &[Probe], enough: bool) -> Outcome {
        let mut outcome = Outcome::default();
        let mut refusals = Refusals::new();
        let (inside, outside): (Vec<_>, Vec<_>) = probes.iter().partition(|probe| probe.is_inside());
        for probe in outside.into_iter().chain(inside) {
            outcome.probes += 1;
            let mut faults = Vec::new();
            let wrong = self.probe(probe, &mut refusals, &mut faults).await;
            let mut all: Vec<String> = faults;
            let excuse = |wrong: &Wrong| excused::of(&self.operation.id, probe, wrong.status);
            match wrong.map(|wrong| (excuse(&wrong), wrong)) {
                Some((Some(excuse), _)) => {
                    outcome.excused += 1;
                    outcome.excuses.insert(excuse);
                }
                Some((None, wrong)) => all.push(wrong.what),
                None => {}
            }
            let name = format!("{}: {}", probe.at, probe.constraint);
            let findings =
                all.into_iter().map(|what| Finding { operation: self.operation.id.clone(), probe: name.clone(), what });
            outcome.findings.extend(findings);
            if enough && !outcome.findings.is_empty() {
                break;
            }
        }
        outcome
    }

    /// What is wrong with the answer; what is wrong whatever was asked goes to `faults`: no excuse covers that.
    async fn probe(&self, probe: &Probe, refusals: &mut Refusals, faults: &mut Vec<String>) -> Option<Wrong> {
        let mut wrong = None;
        for request in &probe.requests {
            let received = self.ask(request, faults).await?;
            let found = self.judge(probe, request, &received, refusals, faults).await;
            self.sender.clean(&received, &|path| self.can_be_deleted(path)).await;
            // What the schema refuses no excuse covers.
            if let Some(found) = found.as_ref().filter(|_| self.same_words(probe, &received, refusals)) {
                faults.push(found.clone());
                return None;
            }
            let found = found?;
            wrong = wrong.or(Some(Wrong { status: received.status, what: found }));
        }
        wrong
    }

    fn can_be_deleted(&self, path: &str) -> bool {
        self.document.find(path).is_some_and(|item| item.operations.contains_key("DELETE"))
    }

    /// Whether something just inside is refused in the words in which what is just outside is.
    fn same_words(&self, probe: &Probe, received: &Received, refusals: &Refusals) -> bool {
        let excused = excused::of(&self.operation.id, probe, received.status).is_some();
        let Some(words) = refusals.get(&probe.at).filter(|_| excused && probe.is_inside()) else { return false };
        let name = probe.at.split_once(' ').map_or("", |(_, name)| name);
        received.about(name).iter().any(|sentence| words.contains(&stripped(sentence)))
    }

    async fn judge(
        &self,
        probe: &Probe,
        request: &Request,
        received: &Received,
        refusals: &mut Refusals,
        faults: &mut Vec<String>,
    ) -> Option<String> {
        let ok = received.status < 400;
        let told = || received.told();
        match &probe.expected {
            Expected::Success => (!ok).then(|| format!("is refused: {}", told())),
            Expected::NotNamed(name) => {
                let named = !received.about(name).is_empty();
                (!ok && named).then(|| format!("is refused: {}", told()))
            }
            Expected::Status(wanted) => {
                (!wanted.contains(&received.status)).then(|| format!("expected {wanted:?}: {}", told()))
            }
            Expected::Named(wanted, name) => {
                let sentences = received.about(name);
                let refused = wanted.contains(&received.status) && !sentences.is_empty();
                let known = refusals.entry(probe.at.clone()).or_default();
                known.extend(sentences.iter().map(|sentence| stripped(sentence)));
                (!refused).then(|| format!("expected {wanted:?} naming {name}: {}", told()))
            }
            Expected::Preference(wanted) => {
                let applied = received.header("preference-applied").map(str::to_owned);
                (!ok || applied != *wanted).then(|| format!("Preference-Applied is {applied:?}: {}", told()))
            }
            Expected::Repeats(other) => self.repeated(request, received, other, faults).await,
            Expected::Head(shown) => self.shown(received, shown, faults).await,
            Expected::MediaType(media) => {
                let given = received.header("content-type").unwrap_or_default();
                let given = given.split(';').next().unwrap_or_default().trim();
                (!ok || given != media).then(|| format!("is {given}: {}", told()))
            }
            Expected::Documented => None,
            Expected::Allow(status) => {
                let missing = received.header("allow").is_none();
                (received.status != *status || missing).then(|| format!("expected {status} with Allow: {}", told()))
            }
        }
    }

    /// The answer, if one comes; that the server fails is a fault whatever was asked.
    async fn ask(&self, request: &Request, faults: &mut Vec<String>) -> Option<Received> {
        let received = self.sender.send(request, self.usual).await.map_err(|error| faults.push(error)).ok()?;
        faults.extend(received.violations.iter().map(|violation| format!("{violation}: {}", received.told())));
        if received.status >= 500 {
            faults.push(format!("the server fails: {}", received.told()));
        }
        Some(received)
    }

    async fn repeated(
        &self,
        request: &Request,
        first: &Received,
        other: &Request,
        faults: &mut Vec<String>,
    ) -> Option<String> {
        if first.status >= 400 {
            return Some(format!("is refused: {}", first.told()));
        }
        let again = self.ask(request, faults).await?;
        if (again.status, &again.body) != (first.status, &first.body) {
            return Some(format!("sent again it is answered otherwise: {}", again.told()));
        }
        let differs = self.ask(other, faults).await?;
        (differs.status != 422).then(|| format!("another content expected 422: {}", differs.told()))
    }

    /// Compares HEAD with GET.
    async fn shown(&self, head: &Received, shown: &Request, faults: &mut Vec<String>) -> Option<String> {
        let get = self.ask(shown, faults).await?;
        let headers = |received: &Received| -> BTreeSet<(String, String)> {
            let fixed = |name: &str| !matches!(name, "x-request-id" | "date" | "transfer-encoding");
            // A length of nothing may be left out (RFC 9110 §9.3.2).
            let is_empty = |name: &str, value: &[u8]| name == "content-length" && value == b"0";
            let all = received.headers.iter();
            let all = all.filter(|(name, value)| fixed(name.as_str()) && !is_empty(name.as_str(), value.as_bytes()));
            all.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect()
        };
        if head.status != get.status || !head.body.is_empty() {
            return Some(format!("GET answers {}: {}", get.status, head.told()));
        }
        let differences: Vec<_> = headers(head).symmetric_difference(&headers(&get)).cloned().collect();
        (!differences.is_empty()).then(|| format!("GET has other headers: {differences:?}"))
    }
}

/// A sentence without what it is about: numbers, and what is quoted.
fn stripped(sentence: &str) -> String {
    let unquoted: String = sentence.split('`').step_by(2).collect();
    unquoted.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}
