//! Contract tests, one module per resource.

mod docs;
mod harness;
mod origin_strategies;
