//! What a customer, a space and an image take up.

use super::Tag;
use crate::{
    domain::{customers, images, queue, spaces},
    http::{
        answer::View,
        problem::Fail,
        session::Caller,
        types::{CustomerId, ImageId, SpaceId, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// What a customer takes up.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct CustomerStorage {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    number_of_stored_images: i64,
    total_size_of_stored_images: i64,
    total_size_of_thumbnails: i64,
    last_calculated: Time,
    storage_policy: Uri,
}

/// What a space takes up.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct SpaceStorage {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    number_of_stored_images: i64,
    total_size_of_stored_images: i64,
    total_size_of_thumbnails: i64,
    last_calculated: Time,
}

/// What an image takes up.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ImageStorage {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    size: i64,
    thumbnail_size: i64,
    last_checked: Option<Time>,
    checking_in_progress: bool,
}
resource!(CustomerStorage, SpaceStorage, ImageStorage);

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Storage")]
impl Api {
    #[oai(path = "/customers/:customer/storage", method = "get", operation_id = "storage_view_customer")]
    async fn of_customer(&self, caller: Caller, customer: Path<CustomerId>) -> Result<View<CustomerStorage>, Fail> {
        let owner = customers::get(&caller.app.db, customer.0.0).await?;
        let usage = queue::get(&caller.app.db, customer.0.0).await?;
        Ok(caller.view(&CustomerStorage {
            context: Uri(caller.links.context("CustomerStorage")),
            id: Uri(format!("{}/storage", caller.links.customer(customer.0.0))),
            class: "CustomerStorage".to_owned(),
            number_of_stored_images: usage.images,
            total_size_of_stored_images: usage.image_bytes,
            total_size_of_thumbnails: usage.thumbnail_bytes,
            last_calculated: Time(usage.calculated),
            storage_policy: Uri(caller.links.storage_policy(&owner.storage_policy)),
        }))
    }

    #[oai(path = "/customers/:customer/spaces/:space/storage", method = "get", operation_id = "storage_view_space")]
    async fn of_space(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<View<SpaceStorage>, Fail> {
        let found = spaces::get(&caller.app.db, customer.0.0, space.0.0).await?;
        Ok(caller.view(&SpaceStorage {
            context: Uri(caller.links.context("CustomerStorage")),
            id: Uri(format!("{}/storage", caller.links.space(found.customer, found.id))),
            class: "CustomerStorage".to_owned(),
            number_of_stored_images: found.images,
            total_size_of_stored_images: found.image_bytes,
            total_size_of_thumbnails: found.thumbnail_bytes,
            last_calculated: Time(found.calculated),
        }))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/storage",
        method = "get",
        operation_id = "storage_view_image"
    )]
    async fn of_image(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<ImageStorage>, Fail> {
        let at = super::images::existing(&customer, &space, &image)?;
        let found = images::get(&caller.app.db, &at).await?;
        Ok(caller.view(&ImageStorage {
            context: Uri(caller.links.context("ImageStorage")),
            id: Uri(format!("{}/storage", caller.links.image(&at))),
            class: "ImageStorage".to_owned(),
            size: found.size,
            thumbnail_size: found.thumbnail_size,
            last_checked: found.checked.map(Time),
            checking_in_progress: found.ingesting,
        }))
    }
}
