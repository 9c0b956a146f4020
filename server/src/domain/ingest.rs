//! The end of an ingest: what it found goes into the image, and every number that counts it, at once.

use super::{
    Error, batches,
    images::{Image, ImageRef},
    policies::{DEFAULT_STORAGE, Policies},
    time,
};
use crate::store::{self, Db, Tx, spaces::Held, usage::Usage};
use futures::FutureExt;

/// What came of an ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The original and its thumbnails are stored.
    Stored(Stored),
    /// Nothing is to be stored.
    Nothing,
    /// It failed, for this reason.
    Failed(String),
}

/// What was stored; sizes in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Width and height in pixels, of an image.
    pub dimensions: Option<(i64, i64)>,
    /// Width and height of the thumbnails, largest first.
    pub thumbnails: Vec<(i64, i64)>,
    /// The original.
    pub size: i64,
    /// All thumbnails.
    pub thumbnail_size: i64,
}

/// Which stored files nobody needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// None.
    None,
    /// Those of this registration.
    Generation(i64),
}

/// Characters of an error at most (`reference/dlcs.md` §2.6).
const MAX_ERROR: usize = 1000;

/// Claims up to `count` waiting images until `lease` (milliseconds since the epoch).
///
/// # Errors
/// Whatever the database says.
pub async fn claim(db: &Db, count: i64, lease: i64) -> Result<Vec<Image>, Error> {
    let now = time::now();
    if !store::work::waits(db, now).await? {
        return Ok(Vec::new());
    }
    db.write(move |tx| async move { Ok(store::work::claim(tx, count, now, lease).await?) }.boxed()).await
}

/// Lengthens a claim until `lease` (milliseconds since the epoch), unless it has been overtaken.
///
/// # Errors
/// Whatever the database says.
pub async fn renew(db: &Db, claim: &Image, lease: i64) -> Result<(), Error> {
    let (at, generation) = (claim.at.clone(), claim.generation);
    db.write(move |tx| async move { Ok(store::work::renew(tx, &at, generation, lease).await?) }.boxed()).await
}

/// Gives a claim back to the queue, unless it has been overtaken: nobody died over it.
///
/// # Errors
/// Whatever the database says.
pub async fn hand_back(db: &Db, claim: &Image) -> Result<(), Error> {
    let (at, generation, dequeued) = (claim.at.clone(), claim.generation, claim.dequeued);
    db.write(move |tx| async move { Ok(store::work::hand_back(tx, &at, generation, dequeued).await?) }.boxed()).await
}

/// Counts, before it is decoded, an image that a worker died over.
///
/// # Errors
/// Whatever the database says.
pub async fn attempt(db: &Db, claim: &Image) -> Result<(), Error> {
    let (at, generation) = (claim.at.clone(), claim.generation);
    db.write(move |tx| async move { Ok(store::work::attempt(tx, &at, generation).await?) }.boxed()).await
}

/// Lets go of every claim; for the one process that works on a database of its own, when it starts.
///
/// # Errors
/// Whatever the database says.
pub async fn release_all(db: &Db) -> Result<(), Error> {
    db.write(|tx| async move { Ok(store::work::release_all(tx).await?) }.boxed()).await
}

/// Writes what came of the ingest of `claim`, unless a later registration has overtaken it. Counts it
/// once, whatever is repeated.
///
/// # Errors
/// Whatever the database says.
pub async fn finish(db: &Db, policies: &Policies, claim: &Image, outcome: Outcome) -> Result<Leftover, Error> {
    let (at, generation, policies) = (claim.at.clone(), claim.generation, policies.clone());
    db.write(move |tx| async move { settle(tx, &policies, &at, generation, outcome).await }.boxed()).await
}

async fn settle(
    tx: &Tx,
    policies: &Policies,
    at: &ImageRef,
    generation: i64,
    outcome: Outcome,
) -> Result<Leftover, Error> {
    let Some(mut usage) = store::usage::lock(tx, at.customer).await? else {
        // The customer was destroyed while its image was with a worker whose claim had run out.
        return Ok(Leftover::Generation(generation));
    };
    let found = store::images::lock(tx, at).await?;
    // Another worker may have taken the claim for abandoned, and have stored the same files before.
    let shown = found.as_ref().is_some_and(|i| i.stored_generation == Some(generation));
    let Some(mut image) = found.filter(|i| i.generation == generation && i.ingesting) else {
        return Ok(if shown { Leftover::None } else { Leftover::Generation(generation) });
    };
    let outcome = within_quota(tx, policies, &usage, &image, outcome).await?;
    let now = time::now();
    image.ingesting = false;
    image.finished = Some(now);
    image.lease = 0;
    image.version += 1;
    image.error.clear();
    let before = image.stored_generation.map_or(Leftover::None, Leftover::Generation);
    let leftover = match outcome {
        Outcome::Nothing => {
            hold(tx, &mut usage, &mut image, Stored::default(), now).await?;
            image.stored_generation = None;
            before
        }
        Outcome::Failed(reason) => {
            image.error = reason.chars().take(MAX_ERROR).collect();
            Leftover::Generation(generation)
        }
        Outcome::Stored(stored) => {
            hold(tx, &mut usage, &mut image, stored, now).await?;
            before
        }
    };
    // The first fetch is over, however it ended well.
    if image.error.is_empty() {
        image.initial_origin = None;
    }
    usage.waiting -= 1;
    store::images::put(tx, &image).await?;
    store::usage::put(tx, at.customer, &usage).await?;
    if let Some(batch) = image.batch {
        batches::count(tx, batch, at, !image.error.is_empty(), now).await?;
    }
    Ok(leftover)
}

/// Takes what was stored into the image and the numbers of its customer and space.
async fn hold(tx: &Tx, usage: &mut Usage, image: &mut Image, stored: Stored, now: i64) -> Result<(), Error> {
    let change = Held {
        images: 0,
        image_bytes: stored.size - image.size,
        thumbnail_bytes: stored.thumbnail_size - image.thumbnail_size,
    };
    usage.image_bytes += change.image_bytes;
    usage.thumbnail_bytes += change.thumbnail_bytes;
    usage.calculated = now;
    store::spaces::hold(tx, image.at.customer, image.at.space, change, now).await?;
    image.width = stored.dimensions.map(|d| d.0);
    image.height = stored.dimensions.map(|d| d.1);
    image.thumbnails = stored.thumbnails;
    image.size = stored.size;
    image.thumbnail_size = stored.thumbnail_size;
    image.checked = Some(now);
    image.stored_generation = Some(image.generation);
    Ok(())
}

/// What the storage policy makes of an outcome, now that the size is known.
async fn within_quota(
    tx: &Tx,
    policies: &Policies,
    usage: &Usage,
    image: &Image,
    outcome: Outcome,
) -> Result<Outcome, Error> {
    let Outcome::Stored(stored) = outcome else { return Ok(outcome) };
    let owner = store::customers::get(tx, image.at.customer).await?;
    let policy = policies.storage_named(owner.as_ref().map_or(DEFAULT_STORAGE, |o| &o.storage_policy))?;
    let others = usage.image_bytes - image.size;
    if others + stored.size > policy.bytes {
        let reason = format!(
            "StoragePolicy size limit exceeded: `{}` allows {} bytes, {others} are stored, and this image has {}: \
             delete some images, then reingest this one.",
            policy.id, policy.bytes, stored.size
        );
        return Ok(Outcome::Failed(reason));
    }
    Ok(Outcome::Stored(stored))
}
