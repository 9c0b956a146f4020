//! Contract tests, one module per resource.

mod docs;
mod harness;
mod portal_users;
