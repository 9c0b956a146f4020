//! The queue of a customer: images are registered in bulk here.

use super::{
    Tag,
    batches::{self, Batch, BatchCollection},
    image_inputs::{ImageRegistration, registrations, spell_out},
    image_list::full_id_faults,
    images::{self, ImageCollection, read_only_faults},
};
use crate::{
    domain::{
        batches::State,
        images::Scope,
        queue,
        register::{PRIORITY_HIGH, PRIORITY_NORMAL},
    },
    http::{
        answer::{Created, Value, View},
        body::{self, Input, Json},
        links::Links,
        problem::{Fail, Failure, Quotas},
        session::Caller,
        types::{CustomerId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};
use serde_json::{Map, Value as JsonValue};

/// A queue.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Queue {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    size: i64,
    batches_waiting: i64,
    images_waiting: i64,
    batches: Uri,
    images: Uri,
    recent: Uri,
    active: Uri,
    priority: Uri,
}

/// The queues of all customers.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct QueueSummary {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    incoming: i64,
    priority: i64,
    timebased: i64,
    transcode_complete: i64,
    file: i64,
    failed: i64,
    success: i64,
}
resource!(Queue, QueueSummary);

/// Images, the images among them that batches wait for, and these batches.
struct Numbers {
    size: i64,
    images_waiting: i64,
    batches_waiting: i64,
}

impl Queue {
    /// The queue or, under another `id`, a lane of it.
    fn item(id: String, customer: i64, numbers: &Numbers, links: &Links) -> Self {
        let queue = links.queue(customer);
        let under = |name: &str| Uri(format!("{queue}/{name}"));
        Self {
            context: Some(Uri(links.context("Queue"))),
            id: Uri(id),
            class: "Queue".to_owned(),
            size: numbers.size,
            batches_waiting: numbers.batches_waiting,
            images_waiting: numbers.images_waiting,
            batches: under("batches"),
            images: under("images"),
            recent: under("recent"),
            active: under("active"),
            priority: under("priority"),
        }
    }
}

/// Images to be registered together.
#[derive(Debug, Clone, Object)]
pub struct BatchCreate {
    #[oai(rename = "@type")]
    class: Option<String>,
    #[oai(validator(min_items = 1, max_items = 250))]
    member: Vec<ImageRegistration>,
}

impl Input for BatchCreate {
    const CLASS: &'static str = "Collection";

    fn prepare(members: &mut Map<String, JsonValue>) {
        body::name_member(members);
        for member in members.get_mut("member").and_then(JsonValue::as_array_mut).into_iter().flatten() {
            if let Some(member) = member.as_object_mut() {
                spell_out(member);
            }
        }
    }
}

/// Puts what a body registers on a lane of the queue.
async fn submit(
    caller: &Caller,
    customer: i64,
    body: Json<BatchCreate>,
    priority: i64,
) -> Result<Created<Batch>, Failure> {
    if body.raw.get("view").is_some_and(|view| !view.is_null()) {
        return Err(Failure::invalid(
            "/view",
            "A page of a collection can't be queued: send all members, without `view`.",
        ));
    }
    let mut faults = Vec::new();
    for (i, (given, member)) in body::members(&body.raw).iter().zip(&body.value.member).enumerate() {
        if let Some(given) = given.as_object() {
            let pointer = format!("/member/{i}");
            faults.extend(body::class_fault::<ImageRegistration>(given, &pointer));
            faults.extend(full_id_faults(given, customer, None, &pointer));
            let at = member.at(customer);
            faults.extend(read_only_faults(caller, given, "ImageRegistration", at, &JsonValue::Null, &pointer).await?);
        }
    }
    crate::domain::check(faults)?;
    let members = registrations(body.value.member)?;
    let engine = &caller.app.engine;
    let batch = queue::submit(&caller.app.db, &engine.rules, customer, members, priority).await?;
    engine.wake();
    Ok(caller.created(&Batch::item(&batch, &caller.links)))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Queue")]
impl Api {
    #[oai(path = "/customers/:customer/queue", method = "get", operation_id = "queue_view")]
    async fn view(&self, caller: Caller, customer: Path<CustomerId>) -> Result<View<Queue>, Fail> {
        let usage = queue::get(&caller.app.db, customer.0.0).await?;
        let numbers =
            Numbers { size: usage.waiting, images_waiting: usage.waiting, batches_waiting: usage.active_batches };
        let id = caller.links.queue(customer.0.0);
        Ok(caller.view(&Queue::item(id, customer.0.0, &numbers, &caller.links)))
    }

    #[oai(path = "/customers/:customer/queue", method = "post", operation_id = "queue_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<BatchCreate>,
    ) -> Result<Created<Batch>, Fail<Quotas>> {
        Ok(submit(&caller, customer.0.0, body, PRIORITY_NORMAL).await?)
    }

    #[oai(path = "/customers/:customer/queue/priority", method = "get", operation_id = "queue_view_priority")]
    async fn view_priority(&self, caller: Caller, customer: Path<CustomerId>) -> Result<View<Queue>, Fail> {
        let lane = queue::priority(&caller.app.db, customer.0.0).await?;
        let numbers = Numbers { size: lane.images, images_waiting: lane.of_batches, batches_waiting: lane.batches };
        let id = format!("{}/priority", caller.links.queue(customer.0.0));
        Ok(caller.view(&Queue::item(id, customer.0.0, &numbers, &caller.links)))
    }

    #[oai(path = "/customers/:customer/queue/priority", method = "post", operation_id = "queue_create_priority")]
    async fn create_priority(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<BatchCreate>,
    ) -> Result<Created<Batch>, Fail<Quotas>> {
        Ok(submit(&caller, customer.0.0, body, PRIORITY_HIGH).await?)
    }

    #[oai(path = "/queue", method = "get", operation_id = "queue_summary")]
    async fn summary(&self, caller: Caller) -> Result<View<QueueSummary>, Fail> {
        let all = queue::summary(&caller.app.db).await?;
        Ok(caller.view(&QueueSummary {
            context: Some(Uri(caller.links.context("QueueSummary"))),
            id: Uri(caller.links.path("/queue")),
            class: "QueueSummary".to_owned(),
            incoming: all.waiting - all.priority,
            priority: all.priority,
            timebased: all.timed,
            transcode_complete: 0,
            file: all.files,
            failed: all.failed,
            success: all.images - all.waiting - all.failed,
        }))
    }

    #[oai(path = "/customers/:customer/queue/images", method = "get", operation_id = "queue_images")]
    async fn images(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<ImageCollection>, Fail> {
        Ok(images::page(&caller, customer.0.0, Scope::Waiting).await?)
    }

    #[oai(path = "/customers/:customer/queue/recent", method = "get", operation_id = "queue_recent")]
    async fn recent(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<BatchCollection>, Fail> {
        Ok(batches::page(&caller, customer.0.0, Some(State::Finished)).await?)
    }

    #[oai(path = "/customers/:customer/queue/active", method = "get", operation_id = "queue_active")]
    async fn active(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<BatchCollection>, Fail> {
        Ok(batches::page(&caller, customer.0.0, Some(State::Active)).await?)
    }
}
