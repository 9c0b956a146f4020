//! Fetching origins from Amazon S3, or what speaks its protocol, with the identity of this process: the
//! `AWS_…` variables of its environment, or the role of the machine.

use super::{
    fetch::{FetchError, Limits, shown},
    sink::{Sink, problem, within},
};
use futures::StreamExt;
use object_store::{
    ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    path::Path as Key,
};
use percent_encoding::percent_decode_str;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// Buckets whose clients are kept.
const CLIENTS: usize = 100;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The region, where the origin names one.
    pub region: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
}

impl Location {
    /// Where the object of an origin is, in any of the forms that are in use: `s3://bucket/key`,
    /// `s3://region/bucket/key`, and the addresses of Amazon with the bucket in the host name or the path.
    pub fn of(origin: &Url) -> Option<Self> {
        let path = origin.path().trim_start_matches('/');
        let host = origin.host_str()?.to_ascii_lowercase();
        let (region, bucket, key) = match origin.scheme() {
            "s3" if is_region(&host) => {
                let (bucket, key) = path.split_once('/')?;
                (Some(host), bucket.to_owned(), key)
            }
            // Bucket names have no capitals, but the host of this scheme is left as it is written.
            "s3" => (None, origin.host_str()?.to_owned(), path),
            "http" | "https" => {
                let before = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
                let (bucket, region) = of_amazon(before)?;
                match bucket {
                    Some(bucket) => (region, bucket.to_owned(), path),
                    None => {
                        let (bucket, key) = path.split_once('/')?;
                        (region, bucket.to_owned(), key)
                    }
                }
            }
            _ => return None,
        };
        let key = percent_decode_str(key).decode_utf8().ok()?.into_owned();
        (is_bucket(&bucket) && !key.is_empty()).then_some(Self { region, bucket, key })
    }
}

/// Bucket and region of what stands before `.amazonaws.com`; `None` when it isn't of S3.
fn of_amazon(host: &str) -> Option<(Option<&str>, Option<String>)> {
    let of_service = |service: &str| match service.strip_prefix("s3")? {
        "" => Some(None),
        rest => {
            let region = rest.strip_prefix(['.', '-'])?;
            is_region(region).then(|| Some(region.to_owned()))
        }
    };
    if let Some(region) = of_service(host) {
        return Some((None, region));
    }
    // A bucket name may hold dots, and even `s3`: the last place where the rest is of the service counts.
    let mut dots = host.match_indices('.').map(|(at, _)| at).collect::<Vec<_>>().into_iter().rev();
    dots.find_map(|at| Some((Some(&host[..at]), of_service(&host[at + 1..])?)))
}

/// Whether a word has the form of a region: `eu-west-1`, `us-gov-east-1`.
fn is_region(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && letters(area)
                && !middle.is_empty()
                && middle.iter().all(letters)
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        && !name.contains("..")
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// Region, where an origin names one, and bucket.
type BucketName = (Option<String>, String);

/// Fetches objects; keeps a client for each bucket.
pub struct Buckets {
    limits: Limits,
    /// The bucket that the server's own files are in, which holds those of all customers.
    own: Option<String>,
    clients: Mutex<HashMap<BucketName, Arc<AmazonS3>>>,
}

impl Buckets {
    /// Any bucket that the identity of this process may read, but `own`.
    pub fn new(limits: Limits, own: Option<String>) -> Self {
        Self { limits, own, clients: Mutex::default() }
    }

    /// Fetches an object into a file; answers its size in bytes.
    ///
    /// # Errors
    /// One of [`FetchError`], whose text may be shown to the owner of the image.
    pub async fn fetch(&self, origin: &Url, into: &Path) -> Result<u64, FetchError> {
        let work = self.copy(origin, into);
        within(origin, self.limits.total, "it wasn't complete", work).await?
    }

    async fn copy(&self, origin: &Url, into: &Path) -> Result<u64, FetchError> {
        let wrong = "names no object in S3: write it like s3://bucket/key or s3://eu-west-1/bucket/key";
        let at = Location::of(origin).ok_or_else(|| problem(origin, wrong))?;
        if self.own.as_ref() == Some(&at.bucket) {
            return Err(problem(origin, "is in the bucket that the server keeps its own files in: use another one"));
        }
        let key = Key::parse(&at.key).map_err(|_| {
            problem(origin, "has a key with an empty or dotted part, which can't be fetched: rename the object")
        })?;
        let client = self.client(origin, &at)?;
        let found = client.get(&key).await.map_err(|error| failed(origin, &error))?;
        let mut sink = Sink::create(origin, into, self.limits, Some(found.meta.size)).await?;
        let mut stream = found.into_stream();
        while let Some(chunk) = within(origin, self.limits.idle, "nothing more came", stream.next()).await? {
            let chunk = chunk.map_err(|_| FetchError::Broken { origin: shown(origin) })?;
            sink.write(&chunk).await?;
        }
        sink.finish().await
    }

    fn client(&self, origin: &Url, at: &Location) -> Result<Arc<AmazonS3>, FetchError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (at.region.clone(), at.bucket.clone());
        if let Some(client) = clients.get(&name) {
            return Ok(client.clone());
        }
        let retry = RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(20), ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&at.bucket).with_retry(retry);
        if let Some(region) = &at.region {
            builder = builder.with_region(region);
        }
        let client = builder.build().map(Arc::new).map_err(|error| {
            tracing::error!(%error, "the AWS_ variables of the environment don't make an S3 client");
            problem(origin, "can't be fetched, because S3 isn't set up on the server: ask its operator")
        })?;
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(name, client.clone());
        Ok(client)
    }
}

/// What Amazon said is for the log: it may name the identity of the platform.
fn failed(origin: &Url, error: &object_store::Error) -> FetchError {
    use object_store::Error as E;
    tracing::warn!(origin = shown(origin), %error, "fetching from S3");
    match error {
        E::NotFound { .. } => problem(origin, "was not found in S3: check bucket, region and key"),
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => {
            problem(origin, "may not be read by the platform: let its identity read the bucket")
        }
        _ => FetchError::Unreachable { origin: shown(origin), reason: "S3 gave no usable answer".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_names_its_object() {
        let eu = Some("eu-west-1");
        for (origin, region, bucket, key) in [
            ("s3://masters/a/b.tif", None, "masters", "a/b.tif"),
            ("s3://eu-west-1/masters/a/b.tif", eu, "masters", "a/b.tif"),
            ("s3://us-gov-east-1/masters/b", Some("us-gov-east-1"), "masters", "b"),
            ("https://masters.s3.amazonaws.com/a/b.tif", None, "masters", "a/b.tif"),
            ("https://masters.s3.eu-west-1.amazonaws.com/a/b.tif", eu, "masters", "a/b.tif"),
            ("https://masters.s3-eu-west-1.amazonaws.com/a/b.tif", eu, "masters", "a/b.tif"),
            ("https://s3.eu-west-1.amazonaws.com/masters/a/b.tif", eu, "masters", "a/b.tif"),
            ("https://s3-eu-west-1.amazonaws.com/masters/a/b.tif", eu, "masters", "a/b.tif"),
            ("https://s3.amazonaws.com/masters/a/b.tif", None, "masters", "a/b.tif"),
            ("http://s3.amazonaws.com/masters/a/b.tif", None, "masters", "a/b.tif"),
            ("https://a.s3.b.s3.eu-west-1.amazonaws.com/k", eu, "a.s3.b", "k"),
            ("https://my.masters.s3.amazonaws.com/k", None, "my.masters", "k"),
            ("https://MASTERS.S3.AmazonAWS.com/K", None, "masters", "K"),
            ("s3://masters/a%20b/%C3%BC%25.tif?versionId=1", None, "masters", "a b/ü%.tif"),
            ("s3://eu-west/masters/b", None, "eu-west", "masters/b"),
        ] {
            let expected =
                Location { region: region.map(str::to_owned), bucket: bucket.to_owned(), key: key.to_owned() };
            assert_eq!(Location::of(&Url::parse(origin).unwrap()), Some(expected), "{origin}");
        }
    }

    #[test]
    fn everything_else_names_none() {
        for origin in [
            "https://example.org/masters/b.tif",
            "https://s3.amazonaws.com.example.org/masters/b.tif",
            "https://ec2.amazonaws.com/masters/b.tif",
            "https://masters.s3x.amazonaws.com/b.tif",
            "https://masters.s3.nowhere.amazonaws.com/b.tif",
            "https://s3.amazonaws.com/masters",
            "https://masters.s3.amazonaws.com/",
            "s3://masters",
            "s3://masters/",
            "s3://Masters/b.tif",
            "s3://ma/b.tif",
            "s3://eu-west-1/masters",
            "s3://eu-west-1/..%2f/b.tif",
            "sftp://masters/b.tif",
        ] {
            assert_eq!(Location::of(&Url::parse(origin).unwrap()), None, "{origin}");
        }
    }
}
