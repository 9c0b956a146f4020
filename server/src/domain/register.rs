//! Registering images: what the queue, PUT and POST have in common.

use super::{
    Error, Fault, batches, check,
    images::{Channel, Image, ImageRef, Settings, check_channels, check_id},
    keys::lock_usage,
    policies::Policies,
    spaces, time,
};
use crate::{
    ingest::address::{Allowed, check_origin},
    store::{self, Tx, spaces::Held, usage::Usage},
};
use std::collections::{BTreeMap, HashMap};

/// The lane that is served first.
pub const PRIORITY_HIGH: i64 = 0;
/// The lane of the queue.
pub const PRIORITY_NORMAL: i64 = 1;

/// An image to be registered. What is left out gets the default of its space.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// Minted when left out.
    pub id: Option<String>,
    /// The space to put it in.
    pub space: i64,
    /// See [`Settings::origin`].
    pub origin: String,
    /// See [`Image::initial_origin`].
    pub initial_origin: Option<String>,
    /// See [`Settings::max_unauthorised`].
    pub max_unauthorised: Option<i64>,
    /// See [`Settings::tags`].
    pub tags: Option<Vec<String>>,
    /// See [`Settings::roles`].
    pub roles: Option<Vec<String>>,
    /// See [`Settings::manifests`]; those that are stored stay when left out.
    pub manifests: Option<Vec<String>>,
    /// See [`Settings::strings`].
    pub strings: [String; 3],
    /// See [`Settings::numbers`].
    pub numbers: [i64; 3],
    /// Guessed from the origin when left out.
    pub media_type: Option<String>,
    /// `I` when left out.
    pub family: Option<String>,
    /// See [`Settings::channels`].
    pub channels: Option<Vec<Channel>>,
}

/// What the operator allows; clones share it.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The networks that origins may be in besides public ones.
    pub allowed: Allowed,
    /// How much customers may store.
    pub policies: Policies,
}

/// How registrations are to be carried out.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    /// The batch they belong to.
    pub batch: Option<i64>,
    /// The lane of the queue.
    pub priority: i64,
    /// Until when the caller holds them itself, milliseconds since the epoch; 0 leaves them to the workers.
    pub lease: i64,
}

/// A media type by the extension of an origin.
pub fn guess_media_type(origin: &str) -> &'static str {
    let path = origin.split(['?', '#']).next().unwrap_or(origin);
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).as_deref() {
        Some("jpg" | "jpeg" | "jpe") => "image/jpeg",
        Some("png") => "image/png",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("tif" | "tiff") => "image/tiff",
        Some("jp2" | "j2k" | "jpf" | "jpx") => "image/jp2",
        _ => "image/unknown",
    }
}

/// What is wrong with a registration in itself; pointers start under `at`.
pub fn faults(registration: &Registration, at: &str, allowed: &Allowed) -> Vec<Fault> {
    let mut faults = Vec::new();
    let origins = [("origin", Some(&registration.origin)), ("initialOrigin", registration.initial_origin.as_ref())];
    for (name, origin) in origins {
        if let Some(Err(detail)) = origin.map(|o| check_origin(o, allowed)) {
            faults.push(Fault::new(format!("{at}/{name}"), detail));
        }
    }
    if let Some(Err(detail)) = registration.id.as_deref().map(check_id) {
        faults.push(Fault::new(format!("{at}/id"), detail));
    }
    if let Some(channels) = &registration.channels {
        let media_type = registration.media_type.as_deref().unwrap_or_else(|| guess_media_type(&registration.origin));
        faults.extend(check_channels(channels, media_type, &format!("{at}/deliveryChannels")));
    }
    faults
}

/// Registers images of a customer, all or none; `pointers` says where in the input each stands. What
/// exists already is replaced and ingested again.
///
/// # Errors
/// [`Error::Invalid`] for an unknown space, [`Error::Quota`], or whatever the database says.
pub async fn register(
    tx: &Tx,
    policies: &Policies,
    customer: i64,
    registrations: Vec<Registration>,
    pointers: &[String],
    mode: Mode,
) -> Result<Vec<Image>, Error> {
    let mut usage = lock_usage(tx, customer).await?;
    let homes = homes(tx, customer, &registrations, pointers).await?;
    let wanted: Vec<(i64, String)> = registrations
        .iter()
        .map(|r| (r.space, r.id.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string())))
        .collect();
    let mut existing: HashMap<(i64, String), Image> = store::images::lock_many(tx, customer, &wanted)
        .await?
        .into_iter()
        .map(|image| ((image.at.space, image.at.id.clone()), image))
        .collect();
    check(other_families(&registrations, &wanted, &existing, pointers))?;
    room(tx, policies, customer, &usage, (wanted.len() - existing.len()) as i64).await?;

    let now = time::now();
    let first = store::counters::take(tx, "generation", wanted.len() as i64).await?;
    let mut images = Vec::with_capacity(wanted.len());
    let mut added: BTreeMap<i64, i64> = BTreeMap::new();
    let mut claimed: BTreeMap<i64, i64> = BTreeMap::new();
    for ((registration, (space, id)), generation) in registrations.into_iter().zip(wanted).zip(first..) {
        let old = existing.remove(&(space, id.clone()));
        match &old {
            None => *added.entry(space).or_default() += 1,
            Some(old) => {
                if let Some(batch) = old.batch {
                    *claimed.entry(batch).or_default() += 1;
                }
            }
        }
        usage.images += i64::from(old.is_none());
        usage.waiting += i64::from(!old.as_ref().is_some_and(|o| o.ingesting));
        let home = homes.get(&space).ok_or_else(|| Error::Missing(format!("The customer has no space {space}.")))?;
        let at = ImageRef { customer, space, id };
        images.push(image(at, registration, home, old, generation, mode, now));
    }
    store::images::put_many(tx, &images).await?;
    for (space, images) in added {
        store::spaces::hold(tx, customer, space, Held { images, ..Held::default() }, now).await?;
    }
    store::usage::put(tx, customer, &usage).await?;
    for (batch, images) in claimed {
        batches::leave(tx, batch, images, true).await?;
    }
    Ok(images)
}

/// The spaces that are registered into.
async fn homes(
    tx: &Tx,
    customer: i64,
    registrations: &[Registration],
    pointers: &[String],
) -> Result<BTreeMap<i64, spaces::Space>, Error> {
    let mut homes = BTreeMap::new();
    let mut faults = Vec::new();
    for (registration, pointer) in registrations.iter().zip(pointers) {
        let id = registration.space;
        if homes.contains_key(&id) {
            continue;
        }
        match store::spaces::get(tx, customer, id).await? {
            Some(space) => drop(homes.insert(id, space)),
            None => {
                let detail = format!("Target space for asset does not exist: {customer}/{id}. Create the space first.");
                faults.push(Fault::new(format!("{pointer}/space"), detail));
            }
        }
    }
    check(faults)?;
    Ok(homes)
}

/// Registrations of what exists already as something else.
fn other_families(
    registrations: &[Registration],
    wanted: &[(i64, String)],
    existing: &HashMap<(i64, String), Image>,
    pointers: &[String],
) -> Vec<Fault> {
    let places = wanted.iter().zip(pointers);
    let families = registrations.iter().zip(places).filter_map(|(registration, (place, pointer))| {
        Some((registration.family.as_ref()?, &existing.get(place)?.settings.family, place, pointer))
    });
    families
        .filter(|(new, old, ..)| new != old)
        .map(|(_, old, (_, id), pointer)| {
            let detail =
                format!("`{id}` is of family {old}, which can't change: delete it first, or leave `family` out.");
            Fault::new(format!("{pointer}/family"), detail)
        })
        .collect()
}

/// Whether the storage policy has room for more images.
async fn room(tx: &Tx, policies: &Policies, customer: i64, usage: &Usage, new: i64) -> Result<(), Error> {
    let owner = store::customers::get(tx, customer)
        .await?
        .ok_or_else(|| Error::Missing(format!("There is no customer {customer}.")))?;
    let policy = policies.storage_named(&owner.storage_policy)?;
    if usage.images + new > policy.images {
        return Err(Error::Quota(format!(
            "The storage policy `{}` allows {} images, {} are stored and {new} would be added: delete some first.",
            policy.id, policy.images, usage.images
        )));
    }
    if new > 0 && usage.image_bytes > policy.bytes {
        return Err(Error::Quota(format!(
            "The storage policy `{}` allows {} bytes and {} are stored: delete some images first.",
            policy.id, policy.bytes, usage.image_bytes
        )));
    }
    Ok(())
}

fn image(
    at: ImageRef,
    registration: Registration,
    home: &spaces::Space,
    old: Option<Image>,
    generation: i64,
    mode: Mode,
    now: i64,
) -> Image {
    let kept_manifests = || old.as_ref().map_or_else(Vec::new, |o| o.settings.manifests.clone());
    let kept_family = || old.as_ref().map(|o| o.settings.family.clone());
    // Also where the image exists: replacing what a space protects must not open it.
    let settings = Settings {
        max_unauthorised: registration.max_unauthorised.unwrap_or(home.max_unauthorised),
        tags: registration.tags.unwrap_or_else(|| home.default_tags.clone()),
        roles: registration.roles.unwrap_or_else(|| home.default_roles.clone()),
        manifests: registration.manifests.unwrap_or_else(kept_manifests),
        strings: registration.strings,
        numbers: registration.numbers,
        media_type: registration.media_type.unwrap_or_else(|| guess_media_type(&registration.origin).to_owned()),
        family: registration.family.or_else(kept_family).unwrap_or_else(|| "I".to_owned()),
        channels: registration.channels,
        origin: registration.origin,
    };
    let old = old.unwrap_or_else(|| blank(at.clone(), settings.clone(), now));
    Image {
        at,
        settings,
        initial_origin: registration.initial_origin,
        queued: Some(now),
        dequeued: (mode.lease > 0).then_some(now),
        finished: None,
        ingesting: true,
        error: String::new(),
        batch: mode.batch,
        generation,
        priority: mode.priority,
        lease: mode.lease,
        attempts: 0,
        version: old.version + 1,
        ..old
    }
}

/// An image of which nothing is known yet.
fn blank(at: ImageRef, settings: Settings, now: i64) -> Image {
    Image {
        at,
        settings,
        initial_origin: None,
        created: now,
        width: None,
        height: None,
        queued: None,
        dequeued: None,
        finished: None,
        ingesting: false,
        error: String::new(),
        batch: None,
        thumbnails: Vec::new(),
        stored_generation: None,
        size: 0,
        thumbnail_size: 0,
        checked: None,
        generation: 0,
        priority: PRIORITY_NORMAL,
        lease: 0,
        attempts: 0,
        version: 0,
    }
}

/// Puts an image on the queue again as it is; the caller counts it as waiting and stores it. Its batch runs until it
/// has counted it once more.
///
/// # Errors
/// Whatever the database says.
pub(crate) async fn restart(tx: &Tx, image: &mut Image, now: i64) -> Result<(), Error> {
    image.generation = store::counters::take(tx, "generation", 1).await?;
    image.queued = Some(now);
    image.dequeued = None;
    image.finished = None;
    image.ingesting = true;
    image.error.clear();
    image.priority = PRIORITY_HIGH;
    image.lease = 0;
    image.attempts = 0;
    match image.batch {
        Some(batch) => batches::uncount(tx, batch, &image.at).await,
        None => Ok(()),
    }
}
