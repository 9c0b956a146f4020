//! Client of the customer API.
//!
//! [`Client`] has one method per operation of the API's document, called like it:
//!
//! ```no_run
//! use customer_client::{Client, Credentials, types};
//!
//! # async fn example() -> Result<(), customer_client::Failure> {
//! let client = Client::connect("http://127.0.0.1:8080", &Credentials::new("key", "secret"))?;
//! let space = client.space_create().customer(7).body_map(|space| space.name("ship-plans")).send().await?;
//! println!("{}", space.into_inner().iri);
//! # Ok(())
//! # }
//! ```
//!
//! What a document can't say is written by hand: [`Client::connect`], collections as streams
//! ([`Client::follow`]), [`Client::wait_for_batch`], merge patches ([`Nullable`]), and an error that
//! prints the server's own sentence ([`Failure`]).
//!
//! Where a PATCH has a method `…_update` and another `…_update_returning`, the second asks the
//! server for what the resource has become.

mod batches;
mod connect;
#[cfg(test)]
mod examples;
mod failure;
// As the generator writes it: formatting it again would make it differ from what is generated.
#[rustfmt::skip]
#[expect(missing_docs, clippy::allow_attributes, reason = "generated code")]
mod generated;
mod nullable;
mod pages;
#[cfg(test)]
mod tests;

pub use connect::Credentials;
pub use failure::Failure;
pub use generated::{ByteStream, Client, ClientInfo, Error, ResponseValue, builder, types};
pub use nullable::Nullable;
pub use pages::Page;
