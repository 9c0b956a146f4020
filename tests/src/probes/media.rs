//! Probes of the media types of answers.

use super::probe::{Expected, Probe};
use super::request::Request;
use super::subject::Subject;
use crate::document::Operation;

/// The probes of what an answer says it is: whoever asks for a type that is listed gets it, whoever asks for
/// another one gets one that is listed.
pub(super) fn probes(subject: &Subject<'_>, base: &Request) -> Vec<Probe> {
    let listed = shown(subject.operation);
    if listed.is_empty() || base.method == "DELETE" {
        return Vec::new();
    }
    let wants = base.method == "PATCH" && subject.has_header("Prefer");
    let base = if wants { base.clone().with_header("Prefer", "return=representation") } else { base.clone() };
    let mut all: Vec<String> = subject.document.operations().flat_map(shown).collect();
    all.sort();
    all.dedup();
    let probes = all.into_iter().map(|media| {
        let request = base.clone().with_header("Accept", &media);
        let is_listed = listed.contains(&media);
        let constraint = if is_listed { media.clone() } else { format!("unlisted {media}") };
        let expected = if is_listed { Expected::MediaType(media) } else { Expected::Success };
        Probe::new("answer", &constraint, request, expected)
    });
    probes.collect()
}

/// The media types of the successes of an operation.
fn shown(operation: &Operation) -> Vec<String> {
    let successes = operation.responses.range(200..300);
    successes.flat_map(|(_, response)| response.content.keys().cloned()).collect()
}
