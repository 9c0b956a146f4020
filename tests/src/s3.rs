//! A server that speaks the protocol of Amazon S3, with its objects in a directory.

use std::net::SocketAddr;

use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::files;

const KEY: &str = "AKIDOFTHEPLATFORM";
/// The secret of the identity that may read everything there.
pub const S3_SECRET: &str = "secret-of-the-platform";

/// A running S3 server. Dropping it stops it.
#[derive(Debug)]
pub struct S3 {
    address: SocketAddr,
    objects: TempDir,
    listener: JoinHandle<()>,
}

impl S3 {
    /// Starts a server without buckets on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When it can't be started.
    pub async fn start() -> Self {
        let objects = tempfile::Builder::new().prefix("contract-s3-").tempdir().expect("a directory");
        let files = FileSystem::new(objects.path()).expect("a directory that can be used");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY, S3_SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let listener = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service.clone()));
            }
        });
        Self { address, objects, listener }
    }

    /// Stores an object, and makes its bucket.
    ///
    /// # Panics
    /// When it can't be stored.
    pub fn put(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let file = self.objects.path().join(bucket).join(key);
        std::fs::create_dir_all(file.parent().expect("it is in a bucket")).expect("a directory");
        std::fs::write(file, bytes).expect("a file");
    }

    /// The keys of the objects in a bucket that begin with `prefix`, in order.
    #[must_use]
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let bucket = self.objects.path().join(bucket);
        let mut found: Vec<String> = files(&bucket)
            .iter()
            .filter_map(|file| file.strip_prefix(&bucket).ok()?.to_str().map(str::to_owned))
            .filter(|key| key.starts_with(prefix))
            .collect();
        found.sort_unstable();
        found
    }

    /// The environment of a process that is to fetch from here.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let all = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", KEY),
            ("AWS_SECRET_ACCESS_KEY", S3_SECRET),
        ];
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.listener.abort();
    }
}
