//! The command line; every flag has an environment twin.

use crate::{
    domain::policies::StoragePolicy,
    http::{Profile, base::PublicUrl},
    ingest::fetch::Limits,
    network::Network,
    retention::Retention,
};
use clap::{Args, Parser, Subcommand, builder::NonEmptyStringValueParser};
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// The customer API of an image service.
#[derive(Debug, Parser)]
#[command(name = "customer-server", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, and ingest images unless `--workers 0`.
    Serve(Serve),
    /// Ingest images only, with a database that other processes share.
    Worker(Shared),
    /// Print the OpenAPI document as the code emits it.
    #[command(hide = true)]
    EmitOpenapi,
}

/// Where everything is kept.
#[derive(Debug, Clone, Args)]
pub struct Shared {
    /// The directory of the database file and the stored images.
    #[arg(long, env = "CUSTOMER_API_DATA", default_value = "./data")]
    pub data: PathBuf,
    /// A PostgreSQL database (`postgres://…`) in place of the file in the data directory. With `?sslmode=verify-full`
    /// (or `require`, which means the same here) it is spoken to encrypted, and its certificate checked against those
    /// that this machine trusts, or those of `&sslrootcert=FILE`.
    #[arg(long, env = "CUSTOMER_API_DATABASE", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub database: Option<String>,
    /// Where stored images go in place of the data directory: a directory, or `s3://bucket/prefix`.
    #[arg(long, env = "CUSTOMER_API_OBJECTS", value_parser = NonEmptyStringValueParser::new())]
    pub objects: Option<String>,
    /// The key that stored credentials are sealed with, 32 bytes in base64, in place of the file `secret.key`
    /// in the data directory; all processes that share a database need the same.
    #[arg(long, env = "CUSTOMER_API_SECRET_KEY", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    pub secret_key: Option<String>,
    /// Start on a database that knows other stored images or another secret key; what was stored or sealed with
    /// those is lost to it.
    #[arg(long, env = "CUSTOMER_API_ADOPT")]
    pub adopt: bool,
    /// Networks that origins may be in besides public addresses, such as `10.1.0.0/16`.
    #[arg(long, env = "CUSTOMER_API_ORIGIN_ALLOW", value_delimiter = ',')]
    pub origin_allow: Vec<Network>,
    /// The seconds that fetching an origin may take in all, 1 to 100.
    #[arg(long, env = "CUSTOMER_API_ORIGIN_TIMEOUT", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub origin_timeout: u64,
    /// The bytes of the largest original that is fetched.
    #[arg(long, env = "CUSTOMER_API_ORIGIN_MAX_BYTES", default_value_t = 512 * 1024 * 1024)]
    pub origin_max_bytes: u64,
    /// How much customers may store, as NAME=IMAGES/BYTES; `default` is the policy of every new customer.
    #[arg(long, env = "CUSTOMER_API_STORAGE_POLICY", value_delimiter = ',')]
    pub storage_policy: Vec<StoragePolicy>,
    /// How long deleted customers are kept before everything of them is destroyed: days, or a duration such as
    /// `12h`; `never` keeps them for good.
    #[arg(long, env = "CUSTOMER_API_RETENTION", default_value = "30")]
    pub retention: Retention,
    /// Images to decode at once; one per core unless given, 0 for none.
    #[arg(long, env = "CUSTOMER_API_WORKERS")]
    pub workers: Option<usize>,
}

impl Shared {
    /// What one fetch may cost.
    pub fn fetch_limits(&self) -> Limits {
        let usual = Limits::default();
        let total = Duration::from_secs(self.origin_timeout);
        Limits { max_bytes: self.origin_max_bytes, total, idle: usual.idle.min(total), ..usual }
    }
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// The address to listen on.
    #[arg(long, env = "CUSTOMER_API_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// The base URL of all links; taken from the Host header of each request unless given.
    #[arg(long, env = "CUSTOMER_API_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// Networks of proxies whose `Forwarded` or `X-Forwarded-…` headers tell the base URL, such as `10.1.0.0/16`.
    #[arg(long, env = "CUSTOMER_API_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<Network>,
    /// The first key of the administrator of an empty database; random unless given.
    #[arg(long, env = "CUSTOMER_API_ADMIN_KEY", requires = "admin_secret", value_parser = admin_key)]
    pub admin_key: Option<String>,
    /// The secret of that key.
    #[arg(long, env = "CUSTOMER_API_ADMIN_SECRET", hide_env_values = true, requires = "admin_key", value_parser = NonEmptyStringValueParser::new())]
    pub admin_secret: Option<String>,
    /// The statuses that clients expect.
    #[arg(long, env = "CUSTOMER_API_PROFILE", value_enum, default_value = "seed")]
    pub profile: Profile,
    /// How often in an hour a key may change something as Fastly's clients do (`/customer/…`).
    #[arg(long, env = "CUSTOMER_API_ACCOUNT_WRITES_PER_HOUR", default_value = "1000")]
    pub account_writes_per_hour: u32,
    /// Where everything is kept.
    #[command(flatten)]
    pub shared: Shared,
}

/// A key is the user name of Basic authentication, which ends at the first colon (RFC 7617).
fn admin_key(text: &str) -> Result<String, String> {
    let fits = (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if fits { Ok(text.to_owned()) } else { Err("a key has 1 to 200 visible ASCII characters but no `:`".to_owned()) }
}
