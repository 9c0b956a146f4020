//! The policies of the platform, which customers see and can't change.

use super::{Error, page::Page, page::Paging};
use crate::store::{self, Value};
use std::{str::FromStr, sync::Arc};

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
    pub id: String,
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

impl FromStr for StoragePolicy {
    type Err = String;

    /// Reads `NAME=IMAGES/BYTES`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = |number: &str| number.parse::<i64>().ok().filter(|n| *n >= 0);
        let named = |id: &str| {
            !id.is_empty() && id.len() <= 100 && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        text.split_once('=')
            .filter(|(id, _)| named(id))
            .and_then(|(id, limits)| Some((id, limits.split_once('/')?)))
            .and_then(|(id, (images, bytes))| {
                Some(Self { id: id.to_owned(), images: whole(images)?, bytes: whole(bytes)? })
            })
            .ok_or_else(|| "a storage policy reads NAME=IMAGES/BYTES, such as default=10000/20000000000".to_owned())
    }
}

/// The storage policies of this installation; clones share them.
#[derive(Debug, Clone)]
pub struct Policies {
    storage: Arc<[StoragePolicy]>,
}

impl Policies {
    /// The policies there are anyway, with `given` ones in place of them or besides.
    pub fn new(given: &[StoragePolicy]) -> Self {
        let mut storage = vec![
            StoragePolicy { id: DEFAULT_STORAGE.to_owned(), images: 1_000_000_000, bytes: 1_000_000_000_000_000 },
            StoragePolicy { id: "pilot".to_owned(), images: 10_000, bytes: 20_000_000_000 },
        ];
        for policy in given {
            storage.retain(|other| other.id != policy.id);
            storage.push(policy.clone());
        }
        storage.sort_by(|a, b| a.id.cmp(&b.id));
        Self { storage: storage.into() }
    }

    /// The storage policies, by name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list.
    pub fn storage(&self, paging: &Paging) -> Result<Page<StoragePolicy>, Error> {
        page(&self.storage, paging)
    }

    /// One storage policy.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn storage_named(&self, id: &str) -> Result<&StoragePolicy, Error> {
        self.storage.iter().find(|p| p.id == id).ok_or_else(|| missing("storage", id))
    }
}

const THUMBNAIL: &[ThumbnailPolicy] =
    &[ThumbnailPolicy { id: THUMBNAILS, name: "Standard thumbnails", sizes: &[1024, 400, 200, 100] }];

const OPTIMISATIONS: &[OptimisationPolicy] = &[OptimisationPolicy {
    id: OPTIMISATION,
    name: "Use original",
    details: "The original is kept as it was fetched.",
}];

/// A page of a list in memory; a position in it is how many policies come before.
fn page<T: Clone>(all: &[T], paging: &Paging) -> Result<Page<T>, Error> {
    let window = paging.window();
    let before = match window.after.as_deref() {
        None => window.offset,
        Some([Value::Int(before)]) => *before,
        Some(_) => return Err(store::Error::Position.into()),
    };
    let skip = usize::try_from(before).map_err(|_| store::Error::Position)?;
    let take = usize::try_from(window.size).unwrap_or(usize::MAX);
    let end = skip.saturating_add(take);
    let next = (end < all.len()).then(|| vec![Value::Int(end as i64)]);
    Ok(Page::new((all.iter().skip(skip).take(take).cloned().collect(), next), all.len() as i64))
}

/// The thumbnail policies.
///
/// # Errors
/// [`Error::Invalid`] for a cursor of another list.
pub fn thumbnail_policies(paging: &Paging) -> Result<Page<ThumbnailPolicy>, Error> {
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
///
/// # Errors
/// [`Error::Invalid`] for a cursor of another list.
pub fn optimisation_policies(paging: &Paging) -> Result<Page<OptimisationPolicy>, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_policy_replaces_the_one_of_its_name() {
        let given: StoragePolicy = "default=5/1000".parse().unwrap();
        let policies = Policies::new(&[given.clone(), "tiny=0/0".parse().unwrap()]);
        assert_eq!(policies.storage_named(DEFAULT_STORAGE).unwrap(), &given);
        let names: Vec<String> =
            policies.storage(&Paging::default()).unwrap().items.into_iter().map(|p| p.id).collect();
        assert_eq!(names, ["default", "pilot", "tiny"]);
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in ["", "default", "default=5", "=5/6", "a b=5/6", "a=-1/6", "a=5/x", "a=5/6/7"] {
            assert!(text.parse::<StoragePolicy>().is_err(), "{text}");
        }
    }
}
