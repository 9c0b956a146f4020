//! Contract tests, one module per resource.

mod access;
mod batches;
mod client;
mod customers;
mod delivery;
mod demo;
mod docs;
mod entry_point;
mod harness;
mod hydra;
mod images;
mod ingest;
mod keys;
mod policies;
mod queue;
mod registered;
mod spaces;
mod statuses;
mod storage;
