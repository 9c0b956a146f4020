//! The operations, one module for each resource: parameters, bodies and answers around one call into
//! the domain.

pub mod account;
pub mod audit;
pub mod auth_services;
pub mod batches;
pub mod bulk;
pub mod customers;
pub mod delivery;
pub mod entry_point;
pub mod hydra;
pub mod image_inputs;
pub mod image_list;
pub mod image_parts;
pub mod images;
pub mod keys;
pub mod metadata;
pub mod named_queries;
pub mod origin_strategies;
pub mod policies;
pub mod portal_roles;
pub mod portal_users;
pub mod queue;
pub mod role_references;
pub mod roles;
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
    /// Portal users and their roles.
    PortalUsers,
    /// Named queries.
    NamedQueries,
    /// Auth services.
    AuthServices,
    /// Roles.
    Roles,
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
    /// Who changed what.
    Audit,
    /// The same customers, as Fastly's clients know them.
    Account,
    /// What the links of an image point at.
    Delivery,
}

type All = (
    (account::Api, audit::Api, auth_services::Api, batches::Api),
    (bulk::Api, customers::Api, delivery::Api, entry_point::Api),
    (hydra::Api, image_parts::Api, images::Api, keys::Api),
    (metadata::Api, named_queries::Api, origin_strategies::Api, policies::Api),
    (portal_roles::Api, portal_users::Api, queue::Api, roles::Api),
    (auth_services::role_provider::Api, spaces::Api, storage::Api),
);

/// All operations.
pub fn service() -> OpenApiService<Completed<All>, ()> {
    let all = (
        (account::Api, audit::Api, auth_services::Api, batches::Api),
        (bulk::Api, customers::Api, delivery::Api, entry_point::Api),
        (hydra::Api, image_parts::Api, images::Api, keys::Api),
        (metadata::Api, named_queries::Api, origin_strategies::Api, policies::Api),
        (portal_roles::Api, portal_users::Api, queue::Api, roles::Api),
        (auth_services::role_provider::Api, spaces::Api, storage::Api),
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
