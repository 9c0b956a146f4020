//! The workshop of the customer API: what is made from the document, and what checks it.

pub mod bundle;
pub mod changes;
pub mod check;
pub mod client;
pub mod client_schemas;
pub mod client_view;
pub mod compare;
pub mod edition_30;
pub mod edition_31;
pub mod finding;
pub mod generate;
pub mod lint;
pub mod matrix;
pub mod mutate;
pub mod normal;
pub mod pointer;
pub mod rewrite;
pub mod round_trip;
pub mod schemas;
pub mod shape;
pub mod test_run;
pub mod visit;
pub mod yaml;
