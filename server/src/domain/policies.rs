//! The policies of the platform, which customers see and can't change.

use super::{Error, page::Page, page::Paging};

/// The storage policy of a new customer.
pub const DEFAULT_STORAGE: &str = "default";
/// The thumbnail policy that images are ingested by.
pub const THUMBNAILS: &str = "standard";
/// The optimisation policy that images are ingested by.
pub const OPTIMISATION: &str = "use-original";

/// How much a customer may store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePolicy {
    /// Its name in URLs.
    pub id: &'static str,
    /// Images at most.
    pub images: i64,
    /// Bytes of originals at most.
    pub bytes: i64,
}

/// Which thumbnails are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThumbnailPolicy {
    /// Its name in URLs.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Longest edges in pixels, largest first.
    pub sizes: &'static [u32],
}

/// How images are kept for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptimisationPolicy {
    /// Its name in URLs.
    pub id: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// What is done, in words.
    pub details: &'static str,
}

const STORAGE: &[StoragePolicy] = &[
    StoragePolicy { id: DEFAULT_STORAGE, images: 1_000_000_000, bytes: 1_000_000_000_000_000 },
    StoragePolicy { id: "pilot", images: 10_000, bytes: 20_000_000_000 },
];

const THUMBNAIL: &[ThumbnailPolicy] =
    &[ThumbnailPolicy { id: THUMBNAILS, name: "Standard thumbnails", sizes: &[1024, 400, 200, 100] }];

const OPTIMISATIONS: &[OptimisationPolicy] = &[OptimisationPolicy {
    id: OPTIMISATION,
    name: "Use original",
    details: "The original is kept as it was fetched.",
}];

fn page<T: Clone>(all: &'static [T], paging: &Paging) -> Page<T> {
    let window = paging.window();
    let skip = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(window.size).unwrap_or(usize::MAX);
    Page::new((all.iter().skip(skip).take(take).cloned().collect(), None), all.len() as i64)
}

/// The storage policies.
pub fn storage_policies(paging: &Paging) -> Page<StoragePolicy> {
    page(STORAGE, paging)
}

/// One storage policy.
///
/// # Errors
/// [`Error::Missing`].
pub fn storage_policy(id: &str) -> Result<StoragePolicy, Error> {
    STORAGE.iter().find(|p| p.id == id).cloned().ok_or_else(|| missing("storage", id))
}

/// The thumbnail policies.
pub fn thumbnail_policies(paging: &Paging) -> Page<ThumbnailPolicy> {
    page(THUMBNAIL, paging)
}

/// One thumbnail policy.
///
/// # Errors
/// [`Error::Missing`].
pub fn thumbnail_policy(id: &str) -> Result<ThumbnailPolicy, Error> {
    THUMBNAIL.iter().find(|p| p.id == id).cloned().ok_or_else(|| missing("thumbnail", id))
}

/// The image optimisation policies.
pub fn optimisation_policies(paging: &Paging) -> Page<OptimisationPolicy> {
    page(OPTIMISATIONS, paging)
}

/// One image optimisation policy.
///
/// # Errors
/// [`Error::Missing`].
pub fn optimisation_policy(id: &str) -> Result<OptimisationPolicy, Error> {
    OPTIMISATIONS.iter().find(|p| p.id == id).cloned().ok_or_else(|| missing("image optimisation", id))
}

/// The longest edges of the thumbnails that are made, in pixels, largest first.
pub fn thumbnail_sizes() -> &'static [u32] {
    THUMBNAIL.first().map_or(&[], |p| p.sizes)
}

fn missing(kind: &str, id: &str) -> Error {
    Error::Missing(format!("There is no {kind} policy `{id}`."))
}
