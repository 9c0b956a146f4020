//! What belongs to one image: its roles, its batch, its policies; and ingesting it again.

use super::{
    Tag,
    batches::Batch,
    images::{Image, existing},
    policies::{ImageOptimisationPolicy, ThumbnailPolicy},
    role_references::{GivenRole, GivenRoleCollection, RolesAdd},
};
use crate::{
    domain::{Error, batches, images, page::Paging, policies},
    http::{
        answer::{Done, Value, View},
        body::Json,
        parameters,
        problem::Fail,
        session::Caller,
        types::{CustomerId, ImageId, SpaceId},
    },
};
use poem_openapi::{OpenApi, param::Path};

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Images")]
impl Api {
    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/reingest",
        method = "post",
        operation_id = "image_reingest"
    )]
    async fn reingest(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<Done<Image>, Fail> {
        let again = images::reingest(&caller.app.db, existing(&customer, &space, &image)?).await?;
        caller.app.engine.wake();
        Ok(caller.done(&Image::item(again, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/roles",
        method = "get",
        operation_id = "image_list_roles"
    )]
    async fn list_roles(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<Value<GivenRoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let home = caller.links.roles(customer.0.0);
        let page = images::roles(&caller.app.db, &existing(&customer, &space, &image)?, &home, &paging).await?;
        let page = page.map(|given| GivenRole::member(given, &caller.links));
        Ok(caller.value(&GivenRoleCollection::new(&caller, &paging, page)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/roles",
        method = "post",
        operation_id = "image_add_roles"
    )]
    async fn add_roles(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        body: Json<RolesAdd>,
    ) -> Result<Done<GivenRoleCollection>, Fail> {
        let added = body.value.references(&caller.links, customer.0.0)?;
        let page = images::add_roles(&caller.app.db, existing(&customer, &space, &image)?, added).await?;
        let page = page.map(|given| GivenRole::member(given, &caller.links));
        Ok(caller.done(&GivenRoleCollection::new(&caller, &Paging::default(), page)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/batch",
        method = "get",
        operation_id = "image_view_batch"
    )]
    async fn view_batch(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<Batch>, Fail> {
        let found = images::get(&caller.app.db, &existing(&customer, &space, &image)?).await?;
        let batch = found.batch.ok_or_else(|| {
            Error::Missing(format!("The image `{}` was registered directly and belongs to no batch.", found.at.id))
        })?;
        let batch = batches::get(&caller.app.db, customer.0.0, batch).await?;
        Ok(caller.view(&Batch::item(&batch, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/imageOptimisationPolicy",
        method = "get",
        operation_id = "image_view_optimisation_policy"
    )]
    async fn view_optimisation_policy(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<ImageOptimisationPolicy>, Fail> {
        images::get(&caller.app.db, &existing(&customer, &space, &image)?).await?;
        let policy = policies::optimisation_policy(policies::OPTIMISATION)?;
        Ok(caller.view(&ImageOptimisationPolicy::item(&policy, &caller.links)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/images/:image/thumbnailPolicy",
        method = "get",
        operation_id = "image_view_thumbnail_policy"
    )]
    async fn view_thumbnail_policy(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<ThumbnailPolicy>, Fail> {
        images::get(&caller.app.db, &existing(&customer, &space, &image)?).await?;
        let policy = policies::thumbnail_policy(policies::THUMBNAILS)?;
        Ok(caller.view(&ThumbnailPolicy::item(&policy, &caller.links)))
    }
}
