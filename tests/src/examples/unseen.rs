//! What the execution of examples can't see, and why that does no harm.

use serde::Serialize;
use xtask::mutate::operators::Operator;
use xtask::mutate::told::Told;

use super::bench::EXAMPLE;
use super::made::Made;
use super::node::Node;
use super::place::Place;
use crate::document::Document;

/// Why a change of an example goes unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unseen {
    /// Only a server can make the value, as `server-made.yaml` declares.
    Made,
    /// `server-made.yaml` says why the example is not executed.
    Unexecuted,
    /// The example shows a part of an answer, and now a smaller one.
    Excerpt,
    /// The changed example was sent, and the server takes it as well.
    Taken,
    /// The changed example, of a property or one that answers share, is what some answer shows as well.
    Shown,
}

/// What is seen of a changed example.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// It was sent, and taken.
    pub(super) is_taken: bool,
    /// It is that of a property, and some answer shows it.
    pub(super) is_shown: bool,
    /// Answers share it, and one of them gives all of it.
    pub(super) is_given: bool,
}

/// Why a change of the example that `holder` has was not noticed, if there is a reason.
pub(super) fn reason(
    made: &Made,
    holder: &str,
    mutant: &Told,
    seen: Seen,
    is_excerpt: impl Fn() -> bool,
) -> Option<Unseen> {
    if made.unexecuted.contains_key(holder) {
        Some(Unseen::Unexecuted)
    } else if seen.is_taken {
        Some(Unseen::Taken)
    } else if seen.is_shown {
        Some(Unseen::Shown)
    } else if mutant.operator != Operator::Rename && is_made(made, holder, &mutant.pointer) {
        Some(Unseen::Made)
    } else if mutant.operator == Operator::Delete && is_excerpt() {
        Some(Unseen::Excerpt)
    } else if seen.is_given {
        Some(Unseen::Shown)
    } else {
        None
    }
}

/// Whether a node of an example is declared to be the server's.
fn is_made(made: &Made, holder: &str, pointer: &str) -> bool {
    let node = Node::at(Document::committed(), holder);
    if made.headers.contains(node.last()) {
        return true;
    }
    let is_declared = |name: &str| made.kept.contains(name) || made.fresh.contains(name);
    let Some(schema) = node.value.get("schema") else { return false };
    let inside = pointer[holder.len() + EXAMPLE.len()..].split('/').skip(1);
    let mut place = Place::new(Document::committed(), "", schema);
    for part in inside {
        let name = part.replace("~1", "/").replace("~0", "~");
        place = if name.parse::<usize>().is_ok() { place.item() } else { place.member(&name) };
        if is_declared(&place.name) {
            return true;
        }
    }
    false
}
