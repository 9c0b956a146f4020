//! The file that a fetch fills, within the limit.

use super::fetch::{FetchError, Limits, shown};
use std::{path::Path, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncWriteExt, BufWriter},
    time::timeout,
};
use url::Url;

/// A file being filled from an origin.
pub(super) struct Sink<'a> {
    origin: &'a Url,
    file: BufWriter<File>,
    bytes: u64,
    limits: Limits,
}

impl<'a> Sink<'a> {
    /// Creates the file, unless the origin announces more than fits.
    pub(super) async fn create(
        origin: &'a Url,
        into: &Path,
        limits: Limits,
        announced: Option<u64>,
    ) -> Result<Self, FetchError> {
        if announced.is_some_and(|bytes| bytes > limits.max_bytes) {
            return Err(too_large(origin, limits));
        }
        let file = File::create(into).await.map_err(|source| storing(origin, source))?;
        Ok(Self { origin, file: BufWriter::with_capacity(256 * 1024, file), bytes: 0, limits })
    }

    /// Adds what came.
    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), FetchError> {
        self.bytes += chunk.len() as u64;
        if self.bytes > self.limits.max_bytes {
            return Err(too_large(self.origin, self.limits));
        }
        self.file.write_all(chunk).await.map_err(|source| storing(self.origin, source))
    }

    /// How many bytes came in all, at least 1.
    pub(super) async fn finish(mut self) -> Result<u64, FetchError> {
        self.file.flush().await.map_err(|source| storing(self.origin, source))?;
        if self.bytes == 0 {
            return Err(FetchError::Empty { origin: shown(self.origin) });
        }
        Ok(self.bytes)
    }
}

fn too_large(origin: &Url, limits: Limits) -> FetchError {
    FetchError::TooLarge { origin: shown(origin), limit: limits.max_bytes }
}

fn storing(origin: &Url, source: std::io::Error) -> FetchError {
    FetchError::Storing { origin: shown(origin), source }
}

/// Waits for one answer of an origin, for so long.
pub(super) async fn within<T>(
    origin: &Url,
    limit: Duration,
    problem: &'static str,
    answer: impl Future<Output = T>,
) -> Result<T, FetchError> {
    let slow = || FetchError::Slow { origin: shown(origin), problem, seconds: limit.as_secs() };
    timeout(limit, answer).await.map_err(|_| slow())
}

/// A failure in words, from the verb on.
pub(super) fn problem(origin: &Url, problem: &'static str) -> FetchError {
    FetchError::Problem { origin: shown(origin), problem }
}
