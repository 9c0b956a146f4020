//! Batches: receipts of what was put on the queue.

use super::{
    Error,
    images::ImageRef,
    keys::lock_usage,
    page::{Page, Paging},
    time,
};
use crate::store::{self, Db, Tx};
use futures::FutureExt;

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum State {
    /// Some of its images are still to finish.
    Active = 0,
    /// All of its images have finished.
    Finished = 1,
    /// All of its images belong to later batches.
    Superseded = 2,
}

/// A batch. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: i64,
    /// Whose it is.
    pub customer: i64,
    /// When it was put on the queue.
    pub submitted: i64,
    /// How many images it has, as submitted or as last tested.
    pub count: i64,
    /// How many of them went well.
    pub completed: i64,
    /// How many of them failed.
    pub errors: i64,
    /// When the last of them finished.
    pub finished: Option<i64>,
    /// Images whose latest batch it is.
    pub remaining: i64,
    /// How far it is.
    pub state: State,
    /// Counts its changes.
    pub version: i64,
}

/// How batches can be ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BatchOrder {
    /// By number.
    #[default]
    Id,
    /// By time of submission.
    Submitted,
    /// By time of finishing.
    Finished,
    /// By number of images.
    Count,
    /// By number of errors.
    Errors,
}

/// One batch.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, customer: i64, id: i64) -> Result<Batch, Error> {
    store::batches::get(db, customer, id).await?.ok_or_else(|| missing(id))
}

fn missing(id: i64) -> Error {
    Error::Missing(format!("The customer has no batch {id}."))
}

/// The batches of a customer; without an order the newest first, finished ones by when they finished.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &Db,
    customer: i64,
    state: Option<State>,
    order: Option<(BatchOrder, bool)>,
    paging: &Paging,
) -> Result<Page<Batch>, Error> {
    let usage = store::usage::get(db, customer).await?.unwrap_or_default();
    let total = match state {
        None => usage.batches,
        Some(State::Active) => usage.active_batches,
        Some(State::Superseded) => usage.superseded_batches,
        Some(State::Finished) => usage.batches - usage.active_batches - usage.superseded_batches,
    };
    let natural = if state == Some(State::Finished) { BatchOrder::Finished } else { BatchOrder::Id };
    let (by, descending) = order.unwrap_or((natural, true));
    Ok(Page::new(store::batches::list(db, customer, state, by, descending, &paging.window()).await?, total))
}

/// Takes images away from a batch, because later registrations claimed them (`superseding`) or they were deleted. Its
/// counters stay until it is tested (`reference/dlcs.md` §5.2).
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn leave(tx: &Tx, id: i64, images: i64, superseding: bool) -> Result<(), Error> {
    let Some(mut batch) = store::batches::lock(tx, id).await? else { return Ok(()) };
    let before = batch.state;
    batch.remaining -= images;
    if superseding && batch.remaining <= 0 {
        batch.state = State::Superseded;
    }
    end(tx, &mut batch, time::now()).await?;
    Ok(store::batches::put(tx, &batch, before).await?)
}

/// Counts the end of one image: once, however often it is ingested as a member of the batch; a later
/// end that is another moves it from one number to the other.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn count(tx: &Tx, id: i64, at: &ImageRef, failed: bool, now: i64) -> Result<(), Error> {
    let Some(mut batch) = store::batches::lock(tx, id).await? else { return Ok(()) };
    let before = batch.state;
    let counted = store::batches::ended(tx, id, at, Some(failed)).await?;
    batch.forget(counted);
    if failed {
        batch.errors += 1;
    } else {
        batch.completed += 1;
    }
    end(tx, &mut batch, now).await?;
    Ok(store::batches::put(tx, &batch, before).await?)
}

/// Takes the end of one image back, because it is ingested again: the batch runs until it is counted once more.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn uncount(tx: &Tx, id: i64, at: &ImageRef) -> Result<(), Error> {
    let Some(mut batch) = store::batches::lock(tx, id).await? else { return Ok(()) };
    let before = batch.state;
    batch.forget(store::batches::ended(tx, id, at, None).await?);
    if batch.state == State::Finished {
        batch.state = State::Active;
        batch.finished = None;
    }
    Ok(store::batches::put(tx, &batch, before).await?)
}

impl Batch {
    /// Takes back how an image was counted, if it was.
    fn forget(&mut self, counted: Option<bool>) {
        match counted {
            Some(true) => self.errors -= 1,
            Some(false) => self.completed -= 1,
            None => {}
        }
    }
}

/// Finishes a batch of which nothing is left to do: as its counters tell, unless images were taken away from it before
/// they ended, which are never counted.
async fn end(tx: &Tx, batch: &mut Batch, now: i64) -> Result<(), Error> {
    if batch.state != State::Active {
        return Ok(());
    }
    let all = batch.completed + batch.errors >= batch.count;
    if all || (batch.remaining < batch.count && !store::batches::runs(tx, batch.id).await?) {
        batch.finished = Some(now);
        batch.state = State::Finished;
    }
    Ok(())
}

/// Makes the numbers of a batch agree with its images (`reference/dlcs.md` §3.13); answers whether
/// anything had to be corrected.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn test(db: &Db, customer: i64, id: i64) -> Result<bool, Error> {
    db.write(move |tx| {
        async move {
            // The numbers of the customer are locked first everywhere, so that no two wait for each other.
            lock_usage(tx, customer).await?;
            let mut batch =
                store::batches::lock(tx, id).await?.filter(|b| b.customer == customer).ok_or_else(|| missing(id))?;
            let before = batch.clone();
            let (remaining, finished, errors) = store::batches::tally(tx, id).await?;
            batch.remaining = remaining;
            batch.count = remaining;
            batch.errors = errors;
            batch.completed = finished - errors;
            if remaining == 0 {
                batch.state = State::Superseded;
            }
            end(tx, &mut batch, time::now()).await?;
            let corrected = batch != before;
            if corrected {
                store::batches::put(tx, &batch, before.state).await?;
            }
            Ok(corrected)
        }
        .boxed()
    })
    .await
}
