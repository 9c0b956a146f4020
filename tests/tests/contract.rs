//! Contract tests, one module per resource.

mod audit;
mod docs;
mod harness;
mod idempotency;
mod links;
mod portal_users;
mod metadata;
mod named_queries;
