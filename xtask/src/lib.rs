//! The workshop of the customer API: what is made from the document, and what checks it.

pub mod bundle;
pub mod check;
pub mod client;
pub mod client_schemas;
pub mod client_view;
pub mod compare;
pub mod edition_31;
pub mod finding;
pub mod generate;
pub mod lint;
pub mod matrix;
pub mod normal;
pub mod pointer;
pub mod schemas;
pub mod shape;
pub mod test_run;
pub mod yaml;
