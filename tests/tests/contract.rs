//! Contract tests, one module per resource.

mod audit;
mod docs;
mod harness;
mod idempotency;
mod links;
mod metadata;
mod named_queries;
mod portal_users;
