//! Contract tests, one module per resource.

mod account;
mod audit;
mod auth_services;
mod default_roles;
mod docs;
mod fastly_client;
mod harness;
mod idempotency;
mod links;
mod metadata;
mod named_queries;
mod portal_users;
mod roles;
