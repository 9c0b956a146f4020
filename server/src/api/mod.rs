//! The operations, one module for each resource: parameters, bodies and answers around one call into
//! the domain.

pub mod batches;
pub mod customers;
pub mod delivery;
pub mod entry_point;
pub mod hydra;
pub mod images;
pub mod keys;
pub mod origin_strategies;
pub mod policies;
pub mod queue;
pub mod spaces;
pub mod storage;

use crate::{domain::Change, http::emitted::Completed};
use poem_openapi::{LicenseObject, OpenApiService, Tags, types::MaybeUndefined};

/// The tags of the document.
#[derive(Tags)]
#[oai(rename_all = "snake_case")]
pub enum Tag {
    /// Where every walk through the API starts.
    EntryPoint,
    /// Customers.
    Customers,
    /// API keys.
    Keys,
    /// How origins are fetched.
    OriginStrategies,
    /// Spaces.
    Spaces,
    /// Images.
    Images,
    /// The queue.
    Queue,
    /// Batches.
    Batches,
    /// Storage.
    Storage,
    /// Policies.
    Policies,
    /// Vocabulary and contexts.
    Hydra,
    /// What the links of an image point at.
    Delivery,
}

type All = (
    (entry_point::Api, hydra::Api, customers::Api, keys::Api),
    (spaces::Api, images::Api, queue::Api, batches::Api),
    (storage::Api, policies::Api, delivery::Api),
    origin_strategies::Api,
);

/// All operations.
pub fn service() -> OpenApiService<Completed<All>, ()> {
    let all = (
        (entry_point::Api, hydra::Api, customers::Api, keys::Api),
        (spaces::Api, images::Api, queue::Api, batches::Api),
        (storage::Api, policies::Api, delivery::Api),
        origin_strategies::Api,
    );
    let license = LicenseObject::new(env!("CARGO_PKG_LICENSE")).url("https://spdx.org/licenses/MIT.html");
    OpenApiService::new(Completed(all), "Customer API", env!("CARGO_PKG_VERSION")).license(license)
}

/// A member of a merge patch, as the domain takes it.
fn change<T>(member: MaybeUndefined<T>) -> Change<T> {
    match member {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Reset,
        MaybeUndefined::Value(value) => Change::Set(value),
    }
}
