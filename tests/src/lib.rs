//! Contract tests: the real server through its front door, every answer held against the document.
//!
//! A test drives a [`TestServer`] through a validating [`Proxy`]; see [`contract_test!`].

pub mod browser;
mod cut;
pub mod document;
mod eventually;
pub mod examples;
mod files;
pub mod http;
pub mod origin;
mod picture;
pub mod places;
mod postgres;
pub mod probes;
pub mod process;
pub mod proxy;
mod rows;
mod run;
pub mod s3;
mod schema;
mod server;
pub mod sftp;
mod tenant;
pub mod validate;

pub use customer_client::{self, Credentials};
pub use cut::Cut;
pub use document::Document;
pub use eventually::eventually;
pub use files::files;
pub use http::{Answer, RawRequest, basic};
pub use origin::Origin;
pub use places::Places;
pub use postgres::FreshDatabase;
pub use proxy::Proxy;
pub use run::run;
pub use s3::S3;
pub use server::{Backend, Options, Profile, Snapshot, TestServer};
pub use sftp::Sftp;
pub use tenant::Tenant;
