//! Ingest: claim a waiting image, fetch its origin, decode it, make its thumbnails, store and count it.

pub mod address;
pub mod decode;
pub mod derive;
pub mod fetch;
pub mod origin;
pub mod s3;
pub mod scratch;
pub mod sftp;
mod sink;
mod worker;

pub use worker::run;

use crate::{
    domain::{
        Error, customers,
        images::{self, Image, ImageRef, is_of},
        ingest::{self, Leftover, Outcome, Stored},
        policies,
        register::Rules,
        time,
    },
    files,
    objects::{Objects, ObjectsError, image_prefix},
    secrets::Secrets,
    shares::Shares,
    store::Db,
};
use futures::TryFutureExt;
use scratch::Scratch;
use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long each step of one image may take: to be fetched, decoded, stored. Waiting for its turn doesn't count.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a claim holds unless it is renewed: so long an image waits after its worker died.
const LEASE: Duration = Duration::from_secs(20);
/// How often a claim is renewed; several times within a lease, so that a slow moment costs nothing.
const RENEWAL: Duration = Duration::from_secs(5);
/// How long handing claims back may take when the process ends; what isn't handed back waits for its lease to run out.
pub const FAREWELL: Duration = Duration::from_secs(5);
/// How long removing the files of a claim that is handed back may take: whoever waits for it has a second.
const CLEANING: Duration = Duration::from_millis(500);
/// Images decoded at once at most.
const MAX_WORKERS: usize = 1024;
/// Images that are fetched, decoded and stored at once at most, of one customer a quarter or as many as the queue has
/// slots; fewer where few files may be open, of which each needs some.
const MOST_AT_ONCE: usize = 256;
/// How often an image is decoded again after a worker died over it.
const MAX_ATTEMPTS: i64 = 5;
/// How long whoever registered an image waits for a later registration of it that overtook theirs.
const OVERTAKEN: Duration = Duration::from_secs(30);
/// How often they look.
const LOOK: Duration = Duration::from_millis(50);

/// What ingests images.
pub struct Engine {
    db: Db,
    objects: Objects,
    sources: origin::Sources,
    /// What the operator allows.
    pub rules: Rules,
    scratch: PathBuf,
    pixels: Shares,
    room: Shares,
    wake: Notify,
    under_way: TaskTracker,
    abandoned: CancellationToken,
}

/// Why an image could not be ingested, in words for its owner, or for the log only.
enum Trouble {
    Reason(String),
    Internal(String),
}

impl From<ObjectsError> for Trouble {
    fn from(e: ObjectsError) -> Self {
        Self::Internal(e.to_string())
    }
}

impl From<origin::Failed> for Trouble {
    fn from(failed: origin::Failed) -> Self {
        match failed {
            origin::Failed::Reason(reason) => Self::Reason(reason),
            origin::Failed::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<std::io::Error> for Trouble {
    fn from(e: std::io::Error) -> Self {
        Self::Internal(e.to_string())
    }
}

impl Engine {
    /// An engine that decodes up to `workers` images at once and keeps what it is working on in `scratch`.
    ///
    /// # Errors
    /// When the HTTP client can't be set up.
    pub fn new(
        db: Db,
        objects: Objects,
        secrets: Secrets,
        rules: Rules,
        limits: fetch::Limits,
        scratch: PathBuf,
        workers: usize,
    ) -> Result<Self, reqwest::Error> {
        let own = objects.bucket().map(str::to_owned);
        let sources = origin::Sources::new(db.clone(), secrets, rules.allowed.clone(), limits, own)?;
        let workers = workers.clamp(1, MAX_WORKERS);
        // One customer may decode with all of them, but no more of its images wait for that at the same time.
        let pixels = Shares::new(workers, workers);
        let most = (files::open() / 8).min(MOST_AT_ONCE);
        // The queue's own slots are not kept waiting: they would hold claims that others could work off.
        let each = (most / 4).max(workers * worker::FETCHES_PER_WORKER).min(most.saturating_sub(1));
        let room = Shares::new(most, each);
        let (wake, under_way, abandoned) = (Notify::new(), TaskTracker::new(), CancellationToken::new());
        Ok(Self { db, objects, sources, rules, scratch, pixels, room, wake, under_way, abandoned })
    }

    /// Tells the workers that there is something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Until when a claim made now holds, milliseconds since the epoch.
    pub fn lease() -> i64 {
        time::now() + LEASE.as_millis() as i64
    }

    /// Ingests an image that the caller has claimed. It goes on when the caller goes away.
    ///
    /// # Errors
    /// When the outcome could not be written; the image is taken up again when the claim has run out.
    pub async fn ingest(self: &Arc<Self>, claim: Image) -> Result<(), Error> {
        let engine = self.clone();
        match self.under_way.spawn(async move { engine.carry_out(&claim).await }).await {
            Ok(done) => done,
            Err(panicked) => {
                tracing::error!(%panicked, "an ingest panicked");
                Ok(())
            }
        }
    }

    /// Waits for the ingests under way until `end`; then hands what it claimed back to the queue, now and from now on.
    pub async fn end(&self, end: Instant) {
        self.under_way.close();
        let ended = timeout_at(end, self.under_way.wait()).await;
        self.abandoned.cancel();
        if ended.is_err() && timeout(FAREWELL, self.under_way.wait()).await.is_err() {
            tracing::warn!("not all claims could be handed back: they run out by themselves");
        }
    }

    /// An image that was registered and ingested: as it is, or, where a later registration overtook that one, as it is
    /// when that has ended or has taken too long.
    ///
    /// # Errors
    /// [`Error::Missing`] when it was deleted, or whatever the database says.
    pub async fn outcome(&self, at: &ImageRef) -> Result<Image, Error> {
        let end = Instant::now() + OVERTAKEN;
        loop {
            let image = images::get(&self.db, at).await?;
            if !image.ingesting || Instant::now() >= end {
                return Ok(image);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                // It is on the queue again, for another process.
                () = self.abandoned.cancelled() => return Ok(image),
            }
        }
    }

    async fn carry_out(&self, claim: &Image) -> Result<(), Error> {
        let at = &claim.at;
        let produced = tokio::select! {
            produced = self.produce(claim) => produced,
            never = self.keep(claim) => match never {},
            () = self.abandoned.cancelled() => return self.hand_back(claim).await,
        };
        let outcome = match produced {
            Ok(outcome) => outcome,
            Err(Trouble::Reason(reason)) => Outcome::Failed(reason),
            Err(Trouble::Internal(error)) => {
                tracing::error!(?at, error, "ingest");
                Outcome::Failed(
                    "The image could not be stored by the server: ask its operator, then reingest.".to_owned(),
                )
            }
        };
        tracing::info!(?at, generation = claim.generation, failed = matches!(outcome, Outcome::Failed(_)), "ingested");
        let leftover = ingest::finish(&self.db, &self.rules.policies, claim, outcome).await?;
        self.clean(claim, leftover).await;
        Ok(())
    }

    /// Gives a claim back to the queue, and removes what was stored for it: the image may be changed before it is taken
    /// up again.
    async fn hand_back(&self, claim: &Image) -> Result<(), Error> {
        let is_own = match images::get(&self.db, &claim.at).await {
            // Another worker that took the claim for abandoned stores the same files, or has stored them.
            Ok(image) if image.generation == claim.generation => image.ingesting && image.dequeued == claim.dequeued,
            Ok(_) | Err(Error::Missing(_)) => true,
            Err(error) => return Err(error),
        };
        if is_own && timeout(CLEANING, self.clean(claim, Leftover::Generation(claim.generation))).await.is_err() {
            tracing::warn!(at = ?claim.at, "removing the files of what is handed back takes too long: they stay");
        }
        ingest::hand_back(&self.db, claim).await
    }

    /// Removes the files that nobody needs after an ingest.
    async fn clean(&self, claim: &Image, leftover: Leftover) {
        let at = &claim.at;
        let prefix = |generation| image_prefix(at.customer, at.space, &at.id, generation);
        let mut removed = Ok(());
        if claim.attempts > 0 {
            // A worker died over it, perhaps while it wrote.
            removed = self.objects.delete_half_written(&prefix(claim.generation)).await;
        }
        if let Leftover::Generation(generation) = leftover {
            removed = removed.and(self.objects.delete_prefix(&prefix(generation)).await);
        }
        if let Err(error) = removed {
            tracing::warn!(?at, %error, "removing files that are not needed any more");
        }
    }

    /// Renews a claim for as long as it is polled.
    async fn keep(&self, claim: &Image) -> Infallible {
        let mut ticks = tokio::time::interval(RENEWAL);
        // The first tick is at once, when the claim is fresh.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = ingest::renew(&self.db, claim, Self::lease()).await {
                tracing::warn!(at = ?claim.at, %error, "renewing a claim");
            }
        }
    }

    async fn produce(&self, claim: &Image) -> Result<Outcome, Trouble> {
        if claim.attempts > MAX_ATTEMPTS {
            let reason = format!(
                "The server stopped {MAX_ATTEMPTS} times while it decoded this image and nothing else: use another file."
            );
            return Err(Trouble::Reason(reason));
        }
        let wanted = wanted(claim);
        if wanted == Wanted::Nothing {
            return Ok(Outcome::Nothing);
        }
        if !customers::exists(&self.db, claim.at.customer).await.map_err(|e| Trouble::Internal(e.to_string()))? {
            return Err(Trouble::Reason("The customer was deleted before its image was fetched.".to_owned()));
        }
        let _place = self.room.enter(claim.at.customer).await.map_err(|e| Trouble::Internal(e.to_string()))?;
        let file = Scratch::new(&self.scratch)?;
        let size = self.fetch(claim, file.path()).await?;
        let prefix = image_prefix(claim.at.customer, claim.at.space, &claim.at.id, claim.generation);
        let mut stored = Stored { dimensions: None, thumbnails: Vec::new(), size, thumbnail_size: 0 };
        if wanted == Wanted::Pixels {
            let (dimensions, thumbnails) = self.pixels(claim, file.path()).await?;
            stored.dimensions = Some(dimensions);
            for thumbnail in thumbnails {
                stored.thumbnails.push((thumbnail.width.into(), thumbnail.height.into()));
                stored.thumbnail_size += thumbnail.jpeg.len() as i64;
                let key = format!("{prefix}/{}", thumbnail_name(thumbnail.width, thumbnail.height));
                within(self.objects.put(&key, thumbnail.jpeg.into())).await?;
            }
        }
        within(self.objects.put_file(&format!("{prefix}/original"), file.path())).await?;
        Ok(Outcome::Stored(stored))
    }

    async fn fetch(&self, claim: &Image, into: &Path) -> Result<i64, Trouble> {
        let origin = claim.initial_origin.as_ref().unwrap_or(&claim.settings.origin);
        let url = address::check_origin(origin, &self.rules.allowed).map_err(Trouble::Reason)?;
        let how = self.sources.how(claim.at.customer, origin, &url).await?;
        let bytes = within(self.sources.fetch(how, claim.at.customer, &url, into)).await?;
        Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// Decodes and reduces, off the async threads, no more at once than there are workers; what a worker died over is
    /// decoded alone, so that nothing else is taken for what killed it, and counted.
    async fn pixels(&self, claim: &Image, file: &Path) -> Result<((i64, i64), Vec<derive::Thumbnail>), Trouble> {
        let (suspect, customer) = (claim.attempts > 0, claim.at.customer);
        let place = if suspect { self.pixels.enter_alone(customer).await } else { self.pixels.enter(customer).await };
        let place = place.map_err(|e| Trouble::Internal(e.to_string()))?;
        if suspect {
            ingest::attempt(&self.db, claim).await.map_err(|e| Trouble::Internal(e.to_string()))?;
        }
        let file = file.to_owned();
        let work = move || {
            // Decoding can't be interrupted: it keeps its place to its end, however long the caller waits.
            let _place = place;
            let sizes = policies::thumbnail_sizes();
            let longest = sizes.first().copied().unwrap_or(1);
            let decoded = decode::decode(&file, longest, &decode::Limits::default())
                .map_err(|e| Trouble::Reason(e.to_string()))?;
            let full = (decoded.width, decoded.height);
            let thumbnails =
                derive::thumbnails(&decoded.pixels, full, sizes).map_err(|e| Trouble::Internal(e.to_string()))?;
            Ok(((full.0.into(), full.1.into()), thumbnails))
        };
        let joined = tokio::task::spawn_blocking(work).map_err(|e| Trouble::Internal(e.to_string()));
        within(joined).await?
    }
}

/// Gives one step of an ingest its time.
async fn within<T, E: Into<Trouble>>(step: impl Future<Output = Result<T, E>>) -> Result<T, Trouble> {
    match timeout(PATIENCE, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(Trouble::Reason(format!(
            "The image took longer than {} seconds: make it available faster or smaller.",
            PATIENCE.as_secs()
        ))),
    }
}

/// What is to be made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Neither fetched nor stored.
    Nothing,
    /// Stored as it is.
    File,
    /// Measured and reduced besides.
    Pixels,
}

/// What the channels of an image ask for, or else its media type (`reference/dlcs.md` §5.7).
fn wanted(image: &Image) -> Wanted {
    let channels: Vec<&str> = image.settings.channels.iter().flatten().map(|c| c.channel.as_str()).collect();
    let media_type = image.settings.media_type.as_str();
    if channels.contains(&"none") {
        Wanted::Nothing
    } else if channels.iter().any(|c| matches!(*c, "iiif-img" | "thumbs")) {
        Wanted::Pixels
    } else if !channels.is_empty() && !channels.contains(&"default") {
        Wanted::File
    } else if image.settings.family == "I"
        && (is_of(media_type, "image") || media_type.eq_ignore_ascii_case("application/octet-stream"))
    {
        Wanted::Pixels
    } else {
        Wanted::File
    }
}

/// The file name of a stored thumbnail.
pub fn thumbnail_name(width: impl Into<i64>, height: impl Into<i64>) -> String {
    format!("{}x{}.jpg", width.into(), height.into())
}

#[cfg(test)]
mod tests;
