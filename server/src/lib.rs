//! The customer API of an image service.
//!
//! A request goes from [`api`] to [`domain`] to [`store`] and straight back; [`http`] holds what all
//! operations share; [`ingest`] and [`delivery`] stand beside.

pub mod api;
pub mod config;
pub mod delivery;
pub mod domain;
pub mod files;
pub mod http;
pub mod ingest;
pub mod listen;
pub mod network;
pub mod objects;
pub mod report;
pub mod retention;
pub mod secrets;
pub mod serve;
pub mod shares;
pub mod store;

use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// The running service, as every request sees it.
pub struct App {
    /// The database.
    pub db: store::Db,
    /// The stored files.
    pub objects: objects::Objects,
    /// Seals what must not be readable from the database alone.
    pub secrets: secrets::Secrets,
    /// What ingests images.
    pub engine: Arc<ingest::Engine>,
    /// How failures and bodiless successes are answered.
    pub profile: http::Profile,
    /// What the links in answers begin with.
    pub base: http::base::Base,
    /// How often keys may still change something as Fastly's clients.
    pub rates: http::rate::Rates,
    /// Requests that are carried out to their end, whether somebody waits for the answer or not.
    pub under_way: TaskTracker,
}
