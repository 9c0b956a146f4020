//! Contract tests, one module per resource.

mod auth_services;
mod default_roles;
mod docs;
mod harness;
mod roles;
