//! Contract tests, one module per resource.

mod docs;
mod harness;
mod metadata;
mod named_queries;
