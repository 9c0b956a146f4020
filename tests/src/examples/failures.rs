//! How every operation is brought to fail: by its example, changed in one thing.

use super::draft::{Draft, Stage};
use super::node;
use super::scenes::{Scenes, key};
use crate::document::{Document, Operation};
use crate::places::{Access, access, is_general, path_parameters};

/// A key of idempotency that stands for another request.
const REUSED: &str = "stands-for-another-request";
/// Bytes of a body that are too many everywhere, and where Fastly's clients knock.
const TOO_MANY: usize = 32 * 1024 * 1024 + 1;
const TOO_MANY_FOR_ACCOUNTS: usize = 1024 * 1024 + 1;

/// The request that an operation refuses with this status, if one can be derived.
pub(super) fn draft(scenes: &Scenes, document: &Document, operation: &Operation, status: u16) -> Option<Draft> {
    let caller = scenes.caller(&operation.id);
    if let Some(sent) = scenes.requests.get(&key(&operation.id, status)) {
        return Some(Draft::sent(sent, caller));
    }
    let bodies = node::bodies(document, operation);
    let mut draft = Draft::of(document, operation, bodies.first(), caller);
    // What the whole request succeeds with is no part of a refusal.
    draft.examples.clear();
    match status {
        400 if is_general(&operation.template) => draft.query.push(("colour".to_owned(), "red".to_owned())),
        401 => unknown(operation, &mut draft),
        403 => draft.caller = Some(scenes.stranger.clone()),
        404 => nowhere(operation, &mut draft),
        412 => condition(document, operation, &mut draft)?,
        413 | 422 | 503 => {}
        409 | 429 | 507 => {}
        415 => draft.header("Content-Type", "text/plain"),
        _ => return None,
    }
    if status == 413 {
        let size = if is_general(&operation.template) { TOO_MANY } else { TOO_MANY_FOR_ACCOUNTS };
        draft.spaces = Some(size);
    }
    if status == 422 {
        draft.header("Idempotency-Key", REUSED);
    }
    Some(draft)
}

/// Nobody asks; where anybody may, somebody unknown does.
fn unknown(operation: &Operation, draft: &mut Draft) {
    draft.caller = None;
    if access(operation) != Access::Required && draft.template.starts_with("/customers") {
        draft.header("Authorization", "Basic bm9ib2R5Om5vdGhpbmc=");
    }
}

/// Something else is asked for: where something would be made, of a customer that doesn't exist.
fn nowhere(operation: &Operation, draft: &mut Draft) {
    let names = path_parameters(operation);
    let makes = matches!(operation.method.as_str(), "PUT" | "POST") && is_general(&operation.template);
    // What is asked for of a picture is no name of anything.
    let mut named = names.iter().filter(|name| !matches!(**name, "region" | "size" | "rotation" | "quality"));
    let name = if makes { named.next() } else { named.next_back() };
    if name == Some(&"customer") {
        draft.caller = Some("administrator".to_owned());
    }
    for (known, value) in draft.path.iter_mut().filter(|(known, _)| Some(&known.as_str()) == name) {
        *value = match known.as_str() {
            "customer" | "space" | "batch" => "9".to_owned(),
            _ if value.ends_with(".jsonld") => "Nothing.jsonld".to_owned(),
            _ => "nothing".to_owned(),
        };
    }
}

/// The example of a condition, which names a version that no resource has.
fn condition(document: &Document, operation: &Operation, draft: &mut Draft) -> Option<()> {
    let parameters = node::parameters(document, operation);
    let condition = parameters.iter().find(|parameter| parameter.value["name"] == "If-Match")?;
    *draft = draft.clone().with(condition);
    Some(())
}

/// Gives a stage what a refusal starts from: the key of idempotency is taken, by each caller.
pub(super) async fn prepare(scenes: &Scenes, stage: &Stage) -> Vec<String> {
    let mut faults = Vec::new();
    for (caller, customer) in [("administrator", 1), (scenes.caller.as_str(), 7)] {
        let mut draft = Draft::plain(&format!("POST /customers/{customer}/spaces"), caller);
        draft.header("Content-Type", "application/json");
        draft.header("Idempotency-Key", REUSED);
        draft.body = Some(serde_json::json!({ "name": "taken" }));
        let answer = draft.send(stage).await;
        if answer.status != 201 {
            faults.push(format!("the preparation of 422 failed\n{answer}"));
        }
    }
    faults
}
