//! Contract tests, one module per resource.

mod docs;
mod harness;
