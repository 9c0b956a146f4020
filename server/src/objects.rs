//! Stored files: originals and what is made of them, in a directory or an S3 bucket.

use std::{fmt::Write as _, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart, aws::AmazonS3Builder, local::LocalFileSystem,
    path::Path as Key, prefix::PrefixStore,
};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

/// Files up to this size go up in one request, larger ones in parts of it; bytes.
const PART: usize = 8 * 1024 * 1024;

/// How many parts of a large file are on their way at once.
const PARTS_AT_ONCE: usize = 4;

/// The longest encoded image id used as it is, in bytes; file systems end at 255.
const LONGEST_NAME: usize = 200;

/// The key of what tells one storage from all others; no image has files there.
const IDENTITY: &str = "identity";

/// Why stored files can't be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// The place named by the configuration can't be used.
    #[error("the object storage `{place}` can't be used: {reason}")]
    Place {
        /// The configured directory or address.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key with empty parts, dots or characters that storages treat differently.
    #[error("`{0}` is not a storage key")]
    Key(String),
    /// The storage failed.
    #[error("the object storage failed: {0}")]
    Store(#[from] object_store::Error),
    /// A local file failed.
    #[error("a local file failed: {0}")]
    File(#[from] io::Error),
}

/// A storage for files under keys; clones share it.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The directory of a local storage.
    root: Option<PathBuf>,
    /// The bucket of a storage in S3.
    bucket: Option<String>,
}

impl Objects {
    /// Opens `s3://bucket/prefix`, with credentials, region and endpoint from the `AWS_…`
    /// environment, or a directory, which is created if absent.
    ///
    /// # Errors
    /// When the address is malformed, the environment is incomplete, or the directory can't be
    /// created.
    pub fn open(place: &str) -> Result<Self, ObjectsError> {
        match place.strip_prefix("s3://") {
            Some(rest) => Self::open_s3(place, rest),
            None if place.contains("://") => Err(unusable(place, "write a directory or s3://bucket/prefix")),
            None => Self::open_directory(place),
        }
    }

    fn open_s3(place: &str, rest: &str) -> Result<Self, ObjectsError> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(unusable(place, "it names no bucket"));
        }
        let prefix = Key::parse(prefix).map_err(|error| unusable(place, error))?;
        let store =
            AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(|error| unusable(place, error))?;
        let bucket = Some(bucket.to_owned());
        Ok(Self { store: Arc::new(PrefixStore::new(store, prefix)), root: None, bucket })
    }

    fn open_directory(place: &str) -> Result<Self, ObjectsError> {
        std::fs::create_dir_all(place).map_err(|error| unusable(place, error))?;
        let root = std::fs::canonicalize(place).map_err(|error| unusable(place, error))?;
        // An image counts as stored once the database says so, which survives power loss; its files
        // must too.
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| unusable(place, error))?.with_fsync(true);
        Ok(Self { store: Arc::new(store), root: Some(root), bucket: None })
    }

    /// The bucket that the files are in, if they are in one.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref()
    }

    /// What tells this storage from all others: a text that was drawn when it was first used, and lies in it.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn identity(&self) -> Result<String, ObjectsError> {
        let drawn = PutPayload::from(uuid::Uuid::new_v4().to_string());
        if let Some(known) = self.get(IDENTITY).await? {
            return Ok(String::from_utf8_lossy(&known).trim().to_owned());
        }
        match self.store.put_opts(&checked(IDENTITY)?, drawn, PutMode::Create.into()).await {
            // Another process was faster: what it drew counts.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let known = self.get(IDENTITY).await?.ok_or_else(|| ObjectsError::Key(IDENTITY.to_owned()))?;
        Ok(String::from_utf8_lossy(&known).trim().to_owned())
    }

    /// Stores `bytes` under `key`, replacing what was there, entirely or not at all.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), ObjectsError> {
        self.store.put(&checked(key)?, PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// Stores the file at `from` under `key`, replacing what was there, entirely or not at all, in
    /// bounded memory; answers its size in bytes.
    ///
    /// # Errors
    /// When the file or the storage fails.
    pub async fn put_file(&self, key: &str, from: &std::path::Path) -> Result<u64, ObjectsError> {
        let key = checked(key)?;
        let mut file = tokio::fs::File::open(from).await?;
        let first = read_part(&mut file).await?;
        if first.len() < PART {
            let size = first.len() as u64;
            self.store.put(&key, PutPayload::from_bytes(first)).await?;
            return Ok(size);
        }
        let upload = self.store.put_multipart(&key).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        match write_parts(&mut upload, first, &mut file).await {
            Ok(size) => {
                upload.finish().await?;
                Ok(size)
            }
            Err(error) => {
                // The first failure is what matters; the storage forgets unfinished parts in time.
                let _ = upload.abort().await;
                Err(error)
            }
        }
    }

    /// The bytes stored under `key`, if any.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, ObjectsError> {
        match self.store.get(&checked(key)?).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what a process that was killed left of files that it was writing directly under `prefix`; a bucket shows
    /// no such files.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn delete_half_written(&self, prefix: &str) -> Result<(), ObjectsError> {
        let Some(root) = &self.root else { return Ok(()) };
        let inside = root.join(checked(prefix)?.as_ref());
        Ok(tokio::task::spawn_blocking(move || remove_staged(&inside)).await.map_err(io::Error::other)??)
    }

    /// Removes everything under `prefix`, whole parts of keys only; nothing there is fine.
    ///
    /// # Errors
    /// When the storage fails; some of it may be gone then.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<(), ObjectsError> {
        let key = checked(prefix)?;
        if let Some(root) = self.root.clone() {
            let inside = root.join(key.as_ref());
            return tokio::task::spawn_blocking(move || remove_tree(&root, inside))
                .await
                .map_err(io::Error::other)?
                .map_err(Into::into);
        }
        let found = self.store.list(Some(&key)).map_ok(|meta| meta.location);
        let mut removed = self.store.delete_stream(found.boxed());
        while let Some(result) = removed.next().await {
            match result {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Removes a directory tree with half-written files, and the parents it leaves empty.
fn remove_tree(root: &std::path::Path, inside: PathBuf) -> io::Result<()> {
    match std::fs::remove_dir_all(&inside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut parent = inside;
    // Ends at the first parent that still holds something, since that can't be removed.
    while parent.pop() && parent != root && std::fs::remove_dir(&parent).is_ok() {}
    Ok(())
}

/// Removes the files of a directory that the storage writes before it gives them their names; no key has a `#`.
fn remove_staged(inside: &std::path::Path) -> io::Result<()> {
    let files = match std::fs::read_dir(inside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        if file.file_name().to_string_lossy().contains('#') {
            std::fs::remove_file(file.path())?;
        }
    }
    Ok(())
}

fn unusable(place: &str, reason: impl std::fmt::Display) -> ObjectsError {
    ObjectsError::Place { place: place.to_owned(), reason: reason.to_string() }
}

/// Only keys that mean the same file in a bucket and in any file system.
fn checked(key: &str) -> Result<Key, ObjectsError> {
    let wrong = || ObjectsError::Key(key.to_owned());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
    let good = |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain);
    if !key.split('/').all(good) {
        return Err(wrong());
    }
    Key::parse(key).map_err(|_| wrong())
}

/// Up to [`PART`] bytes, fewer only at the end of the file.
async fn read_part(file: &mut tokio::fs::File) -> io::Result<Bytes> {
    let mut part = Vec::new();
    file.take(PART as u64).read_to_end(&mut part).await?;
    Ok(part.into())
}

async fn write_parts(
    upload: &mut WriteMultipart,
    first: Bytes,
    file: &mut tokio::fs::File,
) -> Result<u64, ObjectsError> {
    let mut size = 0;
    let mut part = first;
    while !part.is_empty() {
        size += part.len() as u64;
        upload.wait_for_capacity(PARTS_AT_ONCE).await?;
        upload.put(part);
        part = read_part(file).await?;
    }
    Ok(size)
}

/// Where the files of one processing of an image lie: `c{customer}/s{space}/{image}/g{generation}`.
///
/// The image id is written in a way that any id is one part of a key, on case-insensitive file
/// systems too, and that two ids never share one: lower-case letters, digits and hyphens stay, any
/// other byte becomes `_` and two hexadecimal digits, and what is too long is replaced by its hash.
pub fn image_prefix(customer: i64, space: i64, image: &str, generation: i64) -> String {
    format!("{}/g{generation}", image_root(customer, space, image))
}

/// Where the files of all processings of an image lie: [`image_prefix`] without the generation.
pub fn image_root(customer: i64, space: i64, image: &str) -> String {
    format!("{}/s{space}/{}", customer_root(customer), file_name(image))
}

/// Where all files of a customer lie: [`image_root`] without the space and the image.
pub fn customer_root(customer: i64) -> String {
    format!("c{customer}")
}

fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            push_hex(&mut name, "_", byte);
        }
    }
    if !name.is_empty() && name.len() <= LONGEST_NAME {
        return name;
    }
    // `_s` begins no other name, since `_` is followed by a hexadecimal digit.
    let mut name = "_s".to_owned();
    for byte in Sha256::digest(id.as_bytes()) {
        push_hex(&mut name, "", byte);
    }
    name
}

fn push_hex(name: &mut String, before: &str, byte: u8) {
    // Writing to a string can't fail.
    let _ = write!(name, "{before}{byte:02x}");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_has_its_own_safe_name() {
        let long = "x".repeat(201);
        let longer = "ä".repeat(200);
        let ids = [
            "a",
            "A",
            "a.",
            ".",
            "..",
            "a/b",
            "a_2fb",
            "a%2fb",
            "a%2Fb",
            "_",
            "-",
            "con",
            "ü",
            "u\u{308}",
            " ",
            "a b",
            "\0",
            "",
            "_s",
            &long,
            &long[1..],
            &longer,
            &longer[2..],
            "~",
            "a\\b",
            "a:b",
        ];
        let mut seen = HashSet::new();
        for id in ids {
            let prefix = image_prefix(7, 3, id, 1);
            assert!(checked(&prefix).is_ok(), "{id:?}: {prefix}");
            assert!(prefix.split('/').count() == 4 && prefix.split('/').all(|p| p.len() <= 200));
            assert!(seen.insert(prefix.clone()), "{id:?}: {prefix}");
        }
        assert_eq!(image_prefix(7, 3, "plan-001", 2), "c7/s3/plan-001/g2");
        assert_eq!(image_prefix(7, 3, "Plan.1", 2), "c7/s3/_50lan_2e1/g2");
    }

    #[test]
    fn keys_that_climb_or_differ_between_storages_are_refused() {
        for key in ["", "/a", "a/", "a//b", "../a", "a/..", "a/./b", "A", "a b", "a\\b", "a%2fb", "ä"] {
            assert!(matches!(checked(key), Err(ObjectsError::Key(_))), "{key}");
        }
    }

    #[tokio::test]
    async fn files_come_back_and_go_with_their_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new/objects");
        let objects = Objects::open(place.to_str().unwrap()).unwrap();
        assert_eq!(objects.get("c1/s1/a/g1/original").await.unwrap(), None);
        for key in ["c1/s1/a/g1/original", "c1/s1/a/g2/original", "c1/s1/ab/g1/original"] {
            objects.put(key, Bytes::from_static(b"one")).await.unwrap();
            objects.put(key, Bytes::from_static(b"two")).await.unwrap();
            assert_eq!(objects.get(key).await.unwrap().unwrap(), "two");
        }
        objects.delete_prefix("c1/s1/a/g1").await.unwrap();
        objects.delete_prefix("c1/s1/a/g1").await.unwrap();
        assert_eq!(objects.get("c1/s1/a/g1/original").await.unwrap(), None);
        assert!(objects.get("c1/s1/a/g2/original").await.unwrap().is_some());
        objects.delete_prefix("c1/s1/a").await.unwrap();
        assert!(objects.get("c1/s1/ab/g1/original").await.unwrap().is_some());
        objects.delete_prefix("c1").await.unwrap();
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
        assert!(objects.delete_prefix("").await.is_err());
        assert!(objects.put("../escape", Bytes::new()).await.is_err());
    }

    #[tokio::test]
    async fn a_storage_is_told_from_others_by_what_lies_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| Objects::open(folder.path().join(name).to_str().unwrap()).unwrap();
        let (one, same, other) = (open("a"), open("a"), open("b"));
        let (first, second) = tokio::join!(one.identity(), same.identity());
        let first = first.unwrap();
        assert_eq!(first, second.unwrap());
        assert_eq!(first, one.identity().await.unwrap());
        assert_ne!(first, other.identity().await.unwrap());
    }

    #[tokio::test]
    async fn large_files_are_stored_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(folder.path().join("o").to_str().unwrap()).unwrap();
        let from = folder.path().join("from");
        for size in [0, 5, PART - 1, PART, 2 * PART + 17] {
            let content: Vec<u8> = (0..size).map(|n| (n % 251) as u8).collect();
            std::fs::write(&from, &content).unwrap();
            assert_eq!(objects.put_file("c1/file", &from).await.unwrap(), size as u64);
            assert_eq!(objects.get("c1/file").await.unwrap().unwrap(), content);
        }
    }

    #[tokio::test]
    async fn what_was_half_written_goes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("o");
        let objects = Objects::open(place.to_str().unwrap()).unwrap();
        objects.delete_half_written("c1/s1/a/g1").await.unwrap();
        objects.put("c1/s1/a/g1/400x300.jpg", Bytes::from_static(b"whole")).await.unwrap();
        for staged in ["400x300.jpg#1", "original#2"] {
            std::fs::write(place.join("c1/s1/a/g1").join(staged), "half").unwrap();
        }
        objects.delete_half_written("c1/s1/a/g1").await.unwrap();
        let left: Vec<_> =
            std::fs::read_dir(place.join("c1/s1/a/g1")).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["400x300.jpg"]);
    }

    #[test]
    fn places_that_are_none_are_named() {
        for place in ["s3://", "s3:///prefix", "gs://bucket", "/proc/nowhere/at/all"] {
            let error = Objects::open(place).unwrap_err().to_string();
            assert!(error.contains(place), "{error}");
        }
    }
}
