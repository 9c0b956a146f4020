//! Probes derived from a document alone: for every constraint it states, a request just inside, which is
//! accepted, and one just outside, which is refused by name. Every answer is held against the document, closed.
//!
//! What the schemas leave to prose is listed in `excused.rs`, with reasons, and nowhere else.

mod access;
mod bench;
mod body;
mod complete;
mod conditions;
mod excused;
mod judge;
mod media;
mod parameters;
mod probe;
mod request;
mod run;
mod sender;
mod subject;
mod text;
mod values;

#[cfg(test)]
mod tests;

pub use bench::{Bench, Noticed};
pub use complete::left_open;
pub use excused::{EXCUSES, Excuse, Use};
pub use judge::{Finding, Outcome};
pub use probe::{Expected, Probe};
pub use request::{Body, Caller, Request, Scheme};
pub use run::{Report, run};
pub use subject::{Patterns, Subject, Translate};

/// The probes of an operation. What it does is done last.
#[must_use]
pub fn derive(subject: &Subject<'_>) -> Vec<Probe> {
    let base = subject.base();
    let mut probes = vec![Probe::new("request", "the example", base.clone(), access::good(subject))];
    probes.extend(access::probes(subject, &base));
    probes.extend(parameters::probes(subject, &base));
    probes.extend(conditions::probes(subject, &base));
    probes.extend(media::probes(subject, &base));
    probes.extend(body::probes(subject, &base));
    probes.extend(access::methods(subject, &base));
    let mut sent: Vec<(String, Vec<Request>)> = Vec::new();
    probes.retain(|probe| {
        let new = (probe.at.clone(), probe.requests.clone());
        let is_new = !sent.contains(&new);
        sent.push(new);
        is_new
    });
    if subject.operation.method == "DELETE" {
        // Only once, and last: whatever else would delete it is left out.
        let deleting = |probe: &Probe| probe.is_inside() && probe.requests.contains(&base);
        if access::good(subject) == Expected::Success {
            probes.retain(|probe| !deleting(probe));
        }
        let deletion = base.without_header("If-Match");
        probes.push(Probe::new("request", "carried out", deletion, Expected::Success));
    }
    probes
}
