//! Batches: the receipts of what was put on the queue.

use super::{
    Tag,
    images::{self, ImageCollection},
};
use crate::{
    collection,
    domain::{
        batches::{self, State},
        images::Scope,
    },
    http::{
        answer::{Value, View},
        links::Links,
        parameters,
        problem::{Fail, Failure},
        session::{Caller, Session},
        types::{BatchId, CustomerId, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// A batch.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Batch {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    submitted: Time,
    count: i64,
    completed: i64,
    errors: i64,
    finished: Option<Time>,
    superseded: bool,
    images: Uri,
    completed_images: Uri,
    error_images: Uri,
    assets: Uri,
    test: Uri,
}
resource!(Batch);
collection!(
    /// A page of batches.
    BatchCollection of Batch
);

/// What testing a batch found.
#[derive(Debug, Clone, Object)]
pub struct BatchTest {
    success: bool,
}

impl Batch {
    fn member(b: &batches::Batch, links: &Links) -> Self {
        let id = links.batch(b.customer, b.id);
        let under = |name: &str| Uri(format!("{id}/{name}"));
        Self {
            context: None,
            class: "Batch".to_owned(),
            submitted: Time(b.submitted),
            count: b.count,
            completed: b.completed,
            errors: b.errors,
            finished: b.finished.map(Time),
            superseded: b.state == State::Superseded,
            images: under("images"),
            completed_images: under("completedImages"),
            error_images: under("errorImages"),
            assets: under("assets"),
            test: under("test"),
            id: Uri(id),
        }
    }

    pub(super) fn item(b: &batches::Batch, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Batch"))), ..Self::member(b, links) }
    }
}

/// A page of the batches in a state, or of all, as the request asks for it.
pub(super) async fn page(
    session: &Session,
    customer: i64,
    state: Option<State>,
) -> Result<Value<BatchCollection>, Failure> {
    let paging = parameters::paging(session)?;
    let order = parameters::batch_order(session);
    let page = batches::list(&session.app.db, customer, state, order, &paging).await?;
    let page = page.map(|b| Batch::member(&b, &session.links));
    Ok(session.value(&BatchCollection::new(session, &paging, page)))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Batches")]
impl Api {
    #[oai(path = "/customers/:customer/queue/batches", method = "get", operation_id = "batch_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<BatchCollection>, Fail> {
        Ok(page(&caller, customer.0.0, None).await?)
    }

    #[oai(path = "/customers/:customer/queue/batches/:batch", method = "get", operation_id = "batch_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<View<Batch>, Fail> {
        let found = batches::get(&caller.app.db, customer.0.0, batch.0.0).await?;
        Ok(caller.view(&Batch::item(&found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/queue/batches/:batch/images", method = "get", operation_id = "batch_images")]
    async fn images(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<Value<ImageCollection>, Fail> {
        Ok(images::page(&caller, customer.0.0, Scope::Batch(batch.0.0)).await?)
    }

    #[oai(
        path = "/customers/:customer/queue/batches/:batch/errorImages",
        method = "get",
        operation_id = "batch_error_images"
    )]
    async fn error_images(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<Value<ImageCollection>, Fail> {
        Ok(images::page(&caller, customer.0.0, Scope::BatchErrors(batch.0.0)).await?)
    }

    #[oai(
        path = "/customers/:customer/queue/batches/:batch/completedImages",
        method = "get",
        operation_id = "batch_completed_images"
    )]
    async fn completed_images(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<Value<ImageCollection>, Fail> {
        Ok(images::page(&caller, customer.0.0, Scope::BatchCompleted(batch.0.0)).await?)
    }

    #[oai(path = "/customers/:customer/queue/batches/:batch/assets", method = "get", operation_id = "batch_assets")]
    async fn assets(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<Value<ImageCollection>, Fail> {
        Ok(images::page(&caller, customer.0.0, Scope::BatchAssets(batch.0.0)).await?)
    }

    #[oai(path = "/customers/:customer/queue/batches/:batch/test", method = "post", operation_id = "batch_test")]
    async fn test(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        batch: Path<BatchId>,
    ) -> Result<Value<BatchTest>, Fail> {
        let success = batches::test(&caller.app.db, customer.0.0, batch.0.0).await?;
        Ok(caller.value(&BatchTest { success }))
    }
}
