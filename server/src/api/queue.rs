//! The queue of a customer: images are registered in bulk here.

use super::{
    Tag,
    batches::{self, Batch, BatchCollection},
    images::{self, Image, ImageCollection, ImageRegistration, spell_out_channels},
};
use crate::{
    domain::{Error, batches::State, images::Scope, queue},
    http::{
        answer::{Created, Value, View},
        body::{Input, Json},
        problem::{Fail, Quotas},
        read_only,
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
}
resource!(Queue);

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
        if !members.contains_key("member")
            && let Some(all) = members.remove("members")
        {
            members.insert("member".to_owned(), all);
        }
        for member in members.get_mut("member").and_then(JsonValue::as_array_mut).into_iter().flatten() {
            if let Some(member) = member.as_object_mut() {
                spell_out_channels(member);
            }
        }
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Queue")]
impl Api {
    #[oai(path = "/customers/:customer/queue", method = "get", operation_id = "queue_view")]
    async fn view(&self, caller: Caller, customer: Path<CustomerId>) -> Result<View<Queue>, Fail> {
        let usage = queue::get(&caller.app.db, customer.0.0).await?;
        let id = caller.links.queue(customer.0.0);
        let under = |name: &str| Uri(format!("{id}/{name}"));
        Ok(caller.view(&Queue {
            context: Some(Uri(caller.links.context("Queue"))),
            class: "Queue".to_owned(),
            size: usage.waiting,
            batches_waiting: usage.active_batches,
            images_waiting: usage.waiting,
            batches: under("batches"),
            images: under("images"),
            recent: under("recent"),
            active: under("active"),
            id: Uri(id),
        }))
    }

    #[oai(path = "/customers/:customer/queue", method = "post", operation_id = "queue_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<BatchCreate>,
    ) -> Result<Created<Batch>, Fail<Quotas>> {
        if body.raw.get("view").is_some_and(|view| !view.is_null()) {
            return Err(Error::invalid(
                "/view",
                "A page of a collection can't be queued: send all members, without `view`.",
            )
            .into());
        }
        let given = body.raw.get("member").or_else(|| body.raw.get("members")).and_then(JsonValue::as_array);
        let mut faults = Vec::new();
        for (i, member) in given.into_iter().flatten().enumerate() {
            if let Some(member) = member.as_object() {
                let at = format!("/member/{i}");
                faults.extend(read_only::faults::<Image>(member, "ImageRegistration", None, &at));
            }
        }
        crate::domain::check(faults)?;
        let members = images::registrations(body.value.member)?;
        let engine = &caller.app.engine;
        let batch = queue::submit(&caller.app.db, &engine.rules, customer.0.0, members).await?;
        engine.wake();
        Ok(caller.created(&Batch::item(&batch, &caller.links)))
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
