//! What the links of an image point at.

use super::Tag;
use crate::{
    delivery::{self, Denied},
    domain::{
        Error, customers,
        images::{self, ImageRef},
    },
    http::{
        answer::{Pixels, Resource, SeeOther, View},
        problem::{Delivered, Fail, Failure},
        session::Visitor,
        types::{CustomerId, ImageId, SpaceId, Uri},
    },
    ingest::thumbnail_name,
    objects::image_prefix,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// A size that is offered.
#[derive(Debug, Clone, Object)]
pub struct ImageSize {
    width: i64,
    height: i64,
}

/// The description of an image service (IIIF Image API 3).
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ImageService3 {
    #[oai(rename = "@context")]
    context: Uri,
    id: Uri,
    #[oai(rename = "type")]
    class: String,
    protocol: Uri,
    profile: String,
    width: i64,
    height: i64,
    max_width: i64,
    max_height: i64,
    sizes: Vec<ImageSize>,
}

impl Resource for ImageService3 {
    fn iri(&self) -> &str {
        &self.id.0
    }
}

fn at(customer: &Path<CustomerId>, space: &Path<SpaceId>, image: &Path<ImageId>) -> ImageRef {
    ImageRef { customer: customer.0.0, space: space.0.0, id: image.0.0.clone() }
}

/// The image and the sizes of it that the visitor may see.
async fn visible(visitor: &Visitor, at: &ImageRef) -> Result<(images::Image, Vec<(i64, i64)>), Failure> {
    // What a deleted customer owns is still stored.
    match customers::get(&visitor.app.db, at.customer).await {
        Err(Error::Missing(_)) => return Err(absent(at)),
        known => drop(known?),
    }
    let found = match images::get(&visitor.app.db, at).await {
        Err(Error::Missing(_)) => return Err(absent(at)),
        found => found?,
    };
    let owner = visitor.principal.as_ref().is_some_and(|p| p.administrator || p.customer == at.customer);
    match delivery::sizes(&found, owner) {
        Ok(sizes) => Ok((found, sizes)),
        Err(Denied::Absent) => Err(absent(at)),
        Err(Denied::Protected) if visitor.principal.is_some() => {
            Err(Error::Forbidden("The image is for keys of its customer only.".to_owned()).into())
        }
        Err(Denied::Protected) => {
            Err(Failure::Unauthorized("The image is for keys of its customer only: send one by HTTP Basic."))
        }
    }
}

fn absent(at: &ImageRef) -> Failure {
    Error::Missing(format!("There are no pixels of an image `{}`.", at.id)).into()
}

async fn service(visitor: &Visitor, at: &ImageRef, base: String) -> Result<SeeOther, Failure> {
    visible(visitor, at).await?;
    Ok(SeeOther::to(&format!("{base}/info.json")))
}

async fn info(visitor: &Visitor, at: &ImageRef, base: String) -> Result<View<ImageService3>, Failure> {
    let (image, sizes) = visible(visitor, at).await?;
    let (max_width, max_height) = sizes.first().copied().unwrap_or_default();
    let mut sizes: Vec<ImageSize> = sizes.into_iter().map(|(width, height)| ImageSize { width, height }).collect();
    sizes.reverse();
    let service = ImageService3 {
        context: Uri("http://iiif.io/api/image/3/context.json".to_owned()),
        id: Uri(base),
        class: "ImageService3".to_owned(),
        protocol: Uri("http://iiif.io/api/image".to_owned()),
        profile: "level0".to_owned(),
        width: image.width.unwrap_or(max_width),
        height: image.height.unwrap_or(max_height),
        max_width,
        max_height,
        sizes,
    };
    Ok(visitor.view(&service).with_profile("http://iiif.io/api/image/3/context.json"))
}

/// The part of a path that says which pixels.
struct Request {
    region: String,
    size: String,
    rotation: String,
    quality: String,
}

async fn pixels(visitor: &Visitor, at: &ImageRef, request: Request) -> Result<Pixels, Failure> {
    let (image, sizes) = visible(visitor, at).await?;
    delivery::check(&request.region, &request.rotation, &request.quality)
        .map_err(|(part, detail)| Failure::invalid(part, detail))?;
    let (width, height) = delivery::choose(&request.size, &sizes).map_err(|detail| Failure::invalid("size", detail))?;
    let generation = image.stored_generation.unwrap_or_default();
    let prefix = image_prefix(at.customer, at.space, &at.id, generation);
    let key = format!("{prefix}/{}", thumbnail_name(width, height));
    let stored = visitor.app.objects.get(&key).await.map_err(|error| {
        tracing::error!(?at, %error, "reading a thumbnail");
        Failure::Internal
    })?;
    // A reingest may have replaced the files since the image was read.
    let bytes = stored.ok_or_else(|| absent(at))?;
    let open = image.settings.roles.is_empty() && image.settings.max_unauthorised < 0;
    Ok(visitor.pixels(bytes, open))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Delivery")]
impl Api {
    #[oai(path = "/iiif-img/:customer/:space/:image", method = "get", operation_id = "delivery_image_service")]
    async fn image_service(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<SeeOther, Fail<Delivered>> {
        let at = at(&customer, &space, &image);
        Ok(service(&visitor, &at, visitor.links.image_service(&at)).await?)
    }

    #[oai(path = "/iiif-img/:customer/:space/:image/info.json", method = "get", operation_id = "delivery_image_info")]
    async fn image_info(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<ImageService3>, Fail<Delivered>> {
        let at = at(&customer, &space, &image);
        Ok(info(&visitor, &at, visitor.links.image_service(&at)).await?)
    }

    #[oai(
        path = "/iiif-img/:customer/:space/:image/:region/:size/:rotation/:quality",
        method = "get",
        operation_id = "delivery_image_pixels"
    )]
    #[expect(clippy::too_many_arguments, reason = "the parts of the path are what they are")]
    async fn image_pixels(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        region: Path<String>,
        size: Path<String>,
        rotation: Path<String>,
        quality: Path<String>,
    ) -> Result<Pixels, Fail<Delivered>> {
        let request = Request { region: region.0, size: size.0, rotation: rotation.0, quality: quality.0 };
        Ok(pixels(&visitor, &at(&customer, &space, &image), request).await?)
    }

    #[oai(path = "/thumbs/:customer/:space/:image", method = "get", operation_id = "delivery_thumbnail_service")]
    async fn thumbnail_service(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<SeeOther, Fail<Delivered>> {
        let at = at(&customer, &space, &image);
        Ok(service(&visitor, &at, visitor.links.thumbnail_service(&at)).await?)
    }

    #[oai(path = "/thumbs/:customer/:space/:image/info.json", method = "get", operation_id = "delivery_thumbnail_info")]
    async fn thumbnail_info(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<View<ImageService3>, Fail<Delivered>> {
        let at = at(&customer, &space, &image);
        Ok(info(&visitor, &at, visitor.links.thumbnail_service(&at)).await?)
    }

    #[oai(
        path = "/thumbs/:customer/:space/:image/:region/:size/:rotation/:quality",
        method = "get",
        operation_id = "delivery_thumbnail_pixels"
    )]
    #[expect(clippy::too_many_arguments, reason = "the parts of the path are what they are")]
    async fn thumbnail_pixels(
        &self,
        visitor: Visitor,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        region: Path<String>,
        size: Path<String>,
        rotation: Path<String>,
        quality: Path<String>,
    ) -> Result<Pixels, Fail<Delivered>> {
        let request = Request { region: region.0, size: size.0, rotation: rotation.0, quality: quality.0 };
        Ok(pixels(&visitor, &at(&customer, &space, &image), request).await?)
    }
}
