//! Images: where they came from, how far their ingest is, what is known of them.

use super::{
    Change, Error, Fault, check, expect,
    keys::lock_usage,
    page::{Page, Paging},
    query::{ImageOrder, ImageQuery},
    register::{self, Rules},
    roles::{self, Given, References},
    spaces::{self, Space},
    time,
};
use crate::{
    ingest::address::check_origin,
    store::{self, Db, Tx, spaces::Held},
};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tags, roles and manifests that an image can have, each.
pub const MAX_LIST: usize = 100;

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageRef {
    /// Whose it is.
    pub customer: i64,
    /// The space it is in.
    pub space: i64,
    /// Its id within the space; case counts.
    pub id: String,
}

/// An output of an image, as the client asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// The kind of output.
    pub channel: String,
    /// How it is to be made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<String>,
}

/// What of an image its owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where the original lives.
    pub origin: String,
    /// The largest edge in pixels that everybody may see; -1 no limit.
    pub max_unauthorised: i64,
    /// Free tags.
    pub tags: Vec<String>,
    /// The roles any one of which opens the image; kept exactly as sent.
    pub roles: Vec<String>,
    /// The manifests that use the image; kept exactly as sent.
    pub manifests: Vec<String>,
    /// Free texts.
    pub strings: [String; 3],
    /// Free numbers.
    pub numbers: [i64; 3],
    /// The declared media type.
    pub media_type: String,
    /// `I` image, `T` timed, `F` file.
    pub family: String,
    /// The outputs asked for, if any were.
    pub channels: Option<Vec<Channel>>,
}

/// A registered image. Times are milliseconds since the epoch, sizes bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub at: ImageRef,
    /// What its owner decides.
    pub settings: Settings,
    /// Fetched from instead of the origin, the first time.
    pub initial_origin: Option<String>,
    /// When it was first registered.
    pub created: i64,
    /// Its width in pixels, once known.
    pub width: Option<i64>,
    /// Its height in pixels, once known.
    pub height: Option<i64>,
    /// When it was put on the queue.
    pub queued: Option<i64>,
    /// When a worker took it.
    pub dequeued: Option<i64>,
    /// When its ingest ended, well or not.
    pub finished: Option<i64>,
    /// Whether its ingest is still to end.
    pub ingesting: bool,
    /// Why its last ingest failed; empty when it didn't.
    pub error: String,
    /// The latest batch it was submitted in.
    pub batch: Option<i64>,
    /// Width and height of the stored thumbnails, largest first.
    pub thumbnails: Vec<(i64, i64)>,
    /// The registration that the stored files were made for.
    pub stored_generation: Option<i64>,
    /// Bytes of the stored original.
    pub size: i64,
    /// Bytes of the stored thumbnails.
    pub thumbnail_size: i64,
    /// When the sizes were last set.
    pub checked: Option<i64>,
    /// The registration in force; later ones are greater.
    pub generation: i64,
    /// The lane of the queue, 0 first.
    pub priority: i64,
    /// Until when a worker holds the image; 0 when none does.
    pub lease: i64,
    /// 0 until a worker died over this registration, then 1 and how often it was decoded since.
    pub attempts: i64,
    /// Counts its changes.
    pub version: i64,
}

/// Changes to what the owner decides.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// See [`Settings::origin`]; has no default.
    pub origin: Option<String>,
    /// See [`Settings::max_unauthorised`].
    pub max_unauthorised: Change<i64>,
    /// See [`Settings::tags`].
    pub tags: Change<Vec<String>>,
    /// See [`Settings::roles`].
    pub roles: Change<Vec<String>>,
    /// See [`Settings::manifests`].
    pub manifests: Change<Vec<String>>,
    /// See [`Settings::strings`].
    pub strings: [Change<String>; 3],
    /// See [`Settings::numbers`].
    pub numbers: [Change<i64>; 3],
    /// See [`Settings::media_type`].
    pub media_type: Change<String>,
    /// See [`Settings::channels`].
    pub channels: Change<Vec<Channel>>,
}

/// Which images a list is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of the customer.
    Customer,
    /// Those of a space.
    Space(i64),
    /// Those whose latest batch this is.
    Batch(i64),
    /// Those of the batch whose ingest failed.
    BatchErrors(i64),
    /// Those of the batch whose ingest went well.
    BatchCompleted(i64),
    /// Those that were ever submitted in the batch.
    BatchAssets(i64),
    /// Those whose ingest is still to end, in the order of the queue.
    Waiting,
}

/// Whether an id can name an image: 1 to 200 characters, none of which would be lost or misread in a URL.
///
/// # Errors
/// One sentence that says what is wrong.
pub fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() || id.chars().count() > 200 {
        return Err("An image id has 1 to 200 characters.".to_owned());
    }
    if matches!(id, "." | "..") || id.chars().any(|c| c == '/' || c == '\\' || c.is_whitespace() || c.is_control()) {
        return Err(
            "An image id has no `/`, `\\`, white space or control characters, and is not `.` or `..`.".to_owned()
        );
    }
    Ok(())
}

/// One image.
///
/// # Errors
/// [`Error::Missing`], or whatever the database says.
pub async fn get(db: &Db, at: &ImageRef) -> Result<Image, Error> {
    store::images::get(db, at).await?.ok_or_else(|| missing(at))
}

pub(crate) fn missing(at: &ImageRef) -> Error {
    Error::Missing(format!("The space {} has no image `{}`.", at.space, at.id))
}

/// A page of images.
///
/// # Errors
/// [`Error::Missing`] for an unknown space or batch, or whatever the database says.
pub async fn list(
    db: &Db,
    customer: i64,
    scope: Scope,
    query: &ImageQuery,
    order: &ImageOrder,
    paging: &Paging,
) -> Result<Page<Image>, Error> {
    let kept = match scope {
        Scope::Customer => Some(store::usage::get(db, customer).await?.unwrap_or_default().images),
        Scope::Waiting => Some(store::usage::get(db, customer).await?.unwrap_or_default().waiting),
        Scope::Space(space) => Some(spaces::get(db, customer, space).await?.images),
        Scope::Batch(batch) => Some(super::batches::get(db, customer, batch).await?.remaining),
        Scope::BatchErrors(batch) | Scope::BatchCompleted(batch) | Scope::BatchAssets(batch) => {
            super::batches::get(db, customer, batch).await?;
            None
        }
    };
    let total = match kept.filter(|_| query.is_empty()) {
        Some(kept) => kept,
        None => store::images::count(db, customer, scope, query).await?,
    };
    let rows = store::images::list(db, customer, scope, query, order, &paging.window()).await?;
    Ok(Page::new(rows, total))
}

/// Changes an image; where `version` is given it must still have it. Answers the image, and whether
/// the change asks for another ingest, which then is on the queue.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`], [`Error::Changed`], or whatever the database says.
pub async fn update(
    db: &Db,
    rules: &Rules,
    at: ImageRef,
    changes: Changes,
    version: Option<i64>,
) -> Result<(Image, bool), Error> {
    if let Some(Err(detail)) = changes.origin.as_deref().map(|o| check_origin(o, &rules.allowed)) {
        return Err(Error::invalid("/origin", detail));
    }
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, at.customer).await?;
            let mut image = store::images::lock(tx, &at).await?.ok_or_else(|| missing(&at))?;
            expect(version, Some(image.version))?;
            let home = spaces::home(tx, at.customer, at.space).await?;
            let settings = changed(image.settings.clone(), changes, &home);
            if let Some(channels) = &settings.channels {
                check(check_channels(channels, &settings.media_type, "/deliveryChannels"))?;
            }
            let again = reprocesses(&image.settings, &settings);
            if settings == image.settings {
                return Ok((image, false));
            }
            image.settings = settings;
            image.version += 1;
            if again {
                let was_waiting = image.ingesting;
                register::restart(tx, &mut image, time::now()).await?;
                usage.waiting += i64::from(!was_waiting);
                store::usage::put(tx, at.customer, &usage).await?;
            }
            store::images::put(tx, &image).await?;
            Ok((image, again))
        }
        .boxed()
    })
    .await
}

/// What of an image asks for another ingest when it changes (`reference/dlcs.md` §5.6).
fn reprocesses(old: &Settings, new: &Settings) -> bool {
    old.origin != new.origin || old.channels != new.channels || old.max_unauthorised != new.max_unauthorised
}

/// The settings after the changes; what loses its value gets the default that images of the space have.
pub(crate) fn changed(old: Settings, changes: Changes, home: &Space) -> Settings {
    let [s1, s2, s3] = changes.strings;
    let [n1, n2, n3] = changes.numbers;
    let [o1, o2, o3] = old.strings;
    let origin = changes.origin.unwrap_or(old.origin);
    Settings {
        max_unauthorised: changes.max_unauthorised.apply(old.max_unauthorised, home.max_unauthorised),
        tags: changes.tags.apply(old.tags, home.default_tags.clone()),
        roles: changes.roles.apply(old.roles, home.default_roles.clone()),
        manifests: changes.manifests.apply(old.manifests, Vec::new()),
        strings: [s1.apply(o1, String::new()), s2.apply(o2, String::new()), s3.apply(o3, String::new())],
        numbers: [n1.apply(old.numbers[0], 0), n2.apply(old.numbers[1], 0), n3.apply(old.numbers[2], 0)],
        media_type: match changes.media_type {
            Change::Reset => register::guess_media_type(&origin).to_owned(),
            change => change.apply(old.media_type, String::new()),
        },
        family: old.family,
        channels: match changes.channels {
            Change::Keep => old.channels,
            Change::Reset => None,
            Change::Set(channels) => Some(channels),
        },
        origin,
    }
}

/// Deletes an image; where `version` is given it must still have it. Answers what it was.
///
/// # Errors
/// [`Error::Missing`], [`Error::Changed`], or whatever the database says.
pub async fn delete(db: &Db, at: ImageRef, version: Option<i64>) -> Result<Image, Error> {
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, at.customer).await?;
            let image = store::images::lock(tx, &at).await?.ok_or_else(|| missing(&at))?;
            expect(version, Some(image.version))?;
            remove(tx, std::slice::from_ref(&image), &mut usage).await?;
            store::usage::put(tx, at.customer, &usage).await?;
            Ok(image)
        }
        .boxed()
    })
    .await
}

/// Deletes images of one customer, whose numbers the caller stores.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn remove(tx: &Tx, images: &[Image], usage: &mut store::usage::Usage) -> Result<(), Error> {
    let now = time::now();
    store::images::delete_many(tx, images).await?;
    let mut spaces: BTreeMap<(i64, i64), Held> = BTreeMap::new();
    let mut batches: BTreeMap<i64, i64> = BTreeMap::new();
    for image in images {
        usage.images -= 1;
        usage.image_bytes -= image.size;
        usage.thumbnail_bytes -= image.thumbnail_size;
        usage.waiting -= i64::from(image.ingesting);
        usage.calculated = now;
        let held = spaces.entry((image.at.customer, image.at.space)).or_default();
        held.images -= 1;
        held.image_bytes -= image.size;
        held.thumbnail_bytes -= image.thumbnail_size;
        if let Some(batch) = image.batch {
            *batches.entry(batch).or_default() += 1;
        }
    }
    for ((customer, space), held) in spaces {
        store::spaces::hold(tx, customer, space, held, now).await?;
    }
    for (batch, gone) in batches {
        super::batches::leave(tx, batch, gone, false).await?;
    }
    Ok(())
}

/// Puts an image on the queue again, as it is.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for what is no image, or whatever the database says.
pub async fn reingest(db: &Db, at: ImageRef) -> Result<Image, Error> {
    db.write(move |tx| {
        async move {
            let mut usage = lock_usage(tx, at.customer).await?;
            let mut image = store::images::lock(tx, &at).await?.ok_or_else(|| missing(&at))?;
            if image.settings.family != "I" {
                let detail = format!(
                    "Only images can be ingested again this way, and `{}` is of family {}: register it again.",
                    at.id, image.settings.family
                );
                return Err(Error::invalid("image", detail));
            }
            usage.waiting += i64::from(!image.ingesting);
            image.version += 1;
            register::restart(tx, &mut image, time::now()).await?;
            store::usage::put(tx, at.customer, &usage).await?;
            store::images::put(tx, &image).await?;
            Ok(image)
        }
        .boxed()
    })
    .await
}

/// The roles of an image; `home` is the URI of the roles of the customer.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for a position that is none of the list, or whatever the database says.
pub async fn roles(db: &Db, at: &ImageRef, home: &str, paging: &Paging) -> Result<Page<Given>, Error> {
    roles::shown(db, at.customer, home, get(db, at).await?.settings.roles, paging).await
}

/// Adds the roles that an image doesn't have yet, after those it has; answers all of them.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`] for an unknown role or too many, or whatever the database says.
pub async fn add_roles(db: &Db, at: ImageRef, references: References) -> Result<Page<Given>, Error> {
    db.write(move |tx| {
        async move {
            lock_usage(tx, at.customer).await?;
            let mut image = store::images::lock(tx, &at).await?.ok_or_else(|| missing(&at))?;
            let home = references.home.clone();
            let mut new = roles::uris(tx, at.customer, references, &image.settings.roles).await?;
            new.retain(|uri| !image.settings.roles.contains(uri));
            if !new.is_empty() {
                image.settings.roles.extend(new);
                let count = image.settings.roles.len();
                if count > MAX_LIST {
                    let detail = format!("The image would have {count} roles, {MAX_LIST} are allowed: add fewer.");
                    return Err(Error::invalid("/member", detail));
                }
                image.version += 1;
                store::images::put(tx, &image).await?;
            }
            roles::shown(tx, at.customer, &home, image.settings.roles, &Paging::default()).await
        }
        .boxed()
    })
    .await
}

/// Whether a media type is of a kind, such as `image`; case doesn't count (RFC 9110 §8.3.1).
pub(crate) fn is_of(media_type: &str, kind: &str) -> bool {
    media_type.split_once('/').is_some_and(|(top, _)| top.eq_ignore_ascii_case(kind))
}

/// Checks what a client may say of the outputs it wants (`reference/dlcs.md` §3.16).
pub fn check_channels(channels: &[Channel], media_type: &str, pointer: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    if channels.is_empty() {
        faults.push(Fault::new(pointer, "`deliveryChannels` is empty: name a channel, or leave the member out."));
    }
    for (i, channel) in channels.iter().enumerate() {
        let at = format!("{pointer}/{i}/channel");
        let name = channel.channel.as_str();
        match name {
            "none" | "default" if channels.len() > 1 => {
                faults
                    .push(Fault::new(at.clone(), format!("The channel `{name}` stands alone: leave the others out.")));
            }
            "iiif-img" | "thumbs" if !is_of(media_type, "image") => {
                let detail = format!("The channel `{name}` is for images, not for `{media_type}`.");
                faults.push(Fault::new(at.clone(), detail));
            }
            "iiif-av" if !is_of(media_type, "video") && !is_of(media_type, "audio") => {
                let detail = format!("The channel `iiif-av` is for audio and video, not for `{media_type}`.");
                faults.push(Fault::new(at.clone(), detail));
            }
            "iiif-img" | "thumbs" | "iiif-av" | "file" | "none" | "default" => {}
            _ => {
                let detail = format!(
                    "There is no channel `{name}`: use `iiif-img`, `thumbs`, `iiif-av`, `file`, `none` or `default`."
                );
                faults.push(Fault::new(at.clone(), detail));
            }
        }
        if channels[..i].iter().any(|c| c.channel == channel.channel) {
            faults.push(Fault::new(at, format!("The channel `{name}` is named twice.")));
        }
    }
    faults
}
