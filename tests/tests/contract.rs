//! Contract tests, one module per resource.

mod bulk;
mod clients;
mod docs;
mod harness;
mod image_parts;
mod priority;
