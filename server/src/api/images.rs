//! Images within a space, and all of a customer's.

use super::{
    Tag,
    image_inputs::{ImageCreate, ImageReplace, ImageUpdate},
    image_list::full_id_faults,
};
use crate::{
    collection,
    domain::{
        Error, Fault, check,
        images::{self, ImageRef, Scope},
        page::{Page, Paging},
        policies, queue,
        register::Registration,
    },
    http::{
        answer::{Created, Deleted, Replaced, Updated, Value, View},
        body::Json,
        links::Links,
        parameters,
        problem::{Fail, Failure, Quotas},
        read_only,
        session::{Caller, Session},
        types::{CustomerId, Family, Flag, ImageId, SpaceId, Time, Uri},
    },
    ingest::Engine,
    objects::image_prefix,
    resource,
};
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
};
use serde_json::{Map, Value as JsonValue, json};

/// An output of an image.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct DeliveryChannel {
    channel: String,
    policy: Option<String>,
}

/// An image.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Image {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    #[oai(rename = "id")]
    local_id: String,
    #[oai(deprecated)]
    model_id: String,
    space: i64,
    #[oai(deprecated)]
    info_json: Option<Uri>,
    image_service: Option<Uri>,
    #[oai(deprecated)]
    thumbnail_info_json: Option<Uri>,
    thumbnail_image_service: Option<Uri>,
    thumbnail400: Option<Uri>,
    created: Time,
    origin: String,
    max_unauthorised: i64,
    width: Option<i64>,
    height: Option<i64>,
    queued: Option<Time>,
    dequeued: Option<Time>,
    finished: Option<Time>,
    ingesting: bool,
    error: String,
    tags: Vec<String>,
    string1: String,
    string2: String,
    string3: String,
    number1: i64,
    number2: i64,
    number3: i64,
    roles: Vec<String>,
    manifests: Vec<String>,
    batch: Option<Uri>,
    media_type: String,
    family: Family,
    delivery_channels: Option<Vec<DeliveryChannel>>,
    image_optimisation_policy: Uri,
    thumbnail_policy: Uri,
    storage: Uri,
}
resource!(Image);
collection!(
    /// A page of images.
    ImageCollection of Image
);

impl Image {
    pub(super) fn member(i: images::Image, links: &Links) -> Self {
        let id = links.image(&i.at);
        let delivered = i.error.is_empty() && i.stored_generation.is_some() && !i.thumbnails.is_empty();
        let service = delivered.then(|| Uri(links.image_service(&i.at)));
        let thumbnails = delivered.then(|| links.thumbnail_service(&i.at));
        let s = i.settings;
        let [string1, string2, string3] = s.strings;
        let [number1, number2, number3] = s.numbers;
        Self {
            context: None,
            class: "Image".to_owned(),
            model_id: i.at.id.clone(),
            local_id: i.at.id,
            space: i.at.space,
            info_json: service.clone(),
            image_service: service,
            thumbnail_info_json: thumbnails.clone().map(Uri),
            thumbnail400: thumbnails.as_ref().map(|t| Uri(format!("{t}/full/!400,400/0/default.jpg"))),
            thumbnail_image_service: thumbnails.map(Uri),
            created: Time(i.created),
            origin: s.origin,
            max_unauthorised: s.max_unauthorised,
            width: i.width,
            height: i.height,
            queued: i.queued.map(Time),
            dequeued: i.dequeued.map(Time),
            finished: i.finished.map(Time),
            ingesting: i.ingesting,
            error: i.error,
            tags: s.tags,
            string1,
            string2,
            string3,
            number1,
            number2,
            number3,
            roles: s.roles,
            manifests: s.manifests,
            batch: i.batch.map(|batch| Uri(links.batch(i.at.customer, batch))),
            media_type: s.media_type,
            family: Family(s.family),
            delivery_channels: s
                .channels
                .map(|all| all.into_iter().map(|c| DeliveryChannel { channel: c.channel, policy: c.policy }).collect()),
            image_optimisation_policy: Uri(links.optimisation_policy(policies::OPTIMISATION)),
            thumbnail_policy: Uri(links.thumbnail_policy(policies::THUMBNAILS)),
            storage: Uri(format!("{id}/storage")),
            id: Uri(id),
        }
    }

    pub(super) fn item(i: images::Image, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Image"))), ..Self::member(i, links) }
    }
}

/// A page of the images of a scope, as the request asks for it.
pub(super) async fn page(session: &Session, customer: i64, scope: Scope) -> Result<Value<ImageCollection>, Failure> {
    let paging: Paging = parameters::paging(session)?;
    let query = parameters::image_query(session)?;
    let order = parameters::image_order(session);
    let page: Page<images::Image> = images::list(&session.app.db, customer, scope, &query, &order, &paging).await?;
    let page = page.map(|image| Image::member(image, &session.links));
    Ok(session.value(&ImageCollection::new(session, &paging, page)))
}

/// What an image to be registered says that it must not, seen against the one that it replaces, if any; `certain` is
/// what is known of it anyway.
pub(super) async fn read_only_faults(
    caller: &Caller,
    given: &Map<String, JsonValue>,
    input: &str,
    at: Option<ImageRef>,
    certain: &JsonValue,
    pointer: &str,
) -> Result<Vec<Fault>, Failure> {
    let faults = |known: &JsonValue| read_only::faults::<Image>(given, input, Some(known), pointer);
    let blind = faults(certain);
    let Some(at) = at.filter(|_| !blind.is_empty()) else { return Ok(blind) };
    match images::get(&caller.app.db, &at).await {
        Ok(image) => Ok(faults(&read_only::shown(&Image::member(image, &caller.links)))),
        Err(Error::Missing(_)) => Ok(blind),
        Err(error) => Err(error.into()),
    }
}

/// The stored image as its caller sees it, once the conditions of the request hold; the version to write under.
async fn stored(caller: &Caller, at: &ImageRef) -> Result<(Image, Option<i64>), Failure> {
    let old = images::get(&caller.app.db, at).await?;
    let version = old.version;
    caller.checked(Image::item(old, &caller.links), version)
}

/// Registers one image and ingests it at once; answers it as it then is, and whether it is new.
async fn register(
    caller: &Caller,
    customer: i64,
    registration: Registration,
    version: Option<i64>,
) -> Result<(Image, bool), Failure> {
    let engine = &caller.app.engine;
    let (claim, is_new) =
        queue::submit_one(&caller.app.db, &engine.rules, customer, registration, Engine::lease(), version).await?;
    let at = claim.at.clone();
    engine.ingest(claim).await?;
    let image = engine.outcome(&at).await?;
    Ok((Image::item(image, &caller.links), is_new))
}

fn at(customer: &Path<CustomerId>, space: &Path<SpaceId>, image: &Path<ImageId>) -> Result<ImageRef, String> {
    images::check_id(&image.0.0)?;
    Ok(ImageRef { customer: customer.0.0, space: space.0.0, id: image.0.0.clone() })
}

/// The image of a path that reads or changes what must exist.
pub(super) fn existing(
    customer: &Path<CustomerId>,
    space: &Path<SpaceId>,
    image: &Path<ImageId>,
) -> Result<ImageRef, Error> {
    at(customer, space, image).map_err(Error::Missing)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Images")]
impl Api {
    #[oai(path = "/customers/:customer/spaces/:space/images", method = "get", operation_id = "image_list")]
    async fn list(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<Value<ImageCollection>, Fail> {
        Ok(page(&caller, customer.0.0, Scope::Space(space.0.0)).await?)
    }

    #[oai(path = "/customers/:customer/spaces/:space/images", method = "post", operation_id = "image_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        body: Json<ImageCreate>,
    ) -> Result<Created<Image>, Fail<Quotas>> {
        check(full_id_faults(&body.raw, customer.0.0, Some(space.0.0), ""))?;
        let registration = body.value.registration(space.0.0, "").map_err(|f| Error::Invalid(vec![f]))?;
        let mut raw = body.raw;
        drop_unset_space(&mut raw);
        let id = registration.id.clone();
        let at = id.map(|id| ImageRef { customer: customer.0.0, space: space.0.0, id });
        let certain = json!({ "space": space.0.0 });
        check(read_only_faults(&caller, &raw, "ImageCreate", at, &certain, "").await?)?;
        crate::domain::spaces::get(&caller.app.db, customer.0.0, space.0.0).await?;
        let (image, _) = register(&caller, customer.0.0, registration, None).await?;
        Ok(caller.created(&image))
    }

    #[oai(path = "/customers/:customer/spaces/:space/images/:image", method = "get", operation_id = "image_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        #[oai(name = "noCache")] no_cache: Query<Option<Flag>>,
    ) -> Result<View<Image>, Fail> {
        let _ = no_cache;
        let found = images::get(&caller.app.db, &existing(&customer, &space, &image)?).await?;
        Ok(caller.view(&Image::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/spaces/:space/images/:image", method = "put", operation_id = "image_replace")]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        body: Json<ImageReplace>,
    ) -> Result<Replaced<Image>, Fail<Quotas>> {
        let at = at(&customer, &space, &image).map_err(|detail| Error::invalid("image", detail))?;
        let (known, version) = match stored(&caller, &at).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                let version = caller.absent()?;
                let known = json!({ "@id": caller.links.image(&at), "id": at.id, "modelId": at.id, "space": at.space });
                (known, version)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<Image>(&full_id(body.raw, &at), "ImageReplace", Some(&known), "")?;
        let registration = body.value.registration(at.space, "").map_err(|f| Error::Invalid(vec![f]))?;
        let registration = Registration { id: Some(at.id.clone()), ..registration };
        let (image, is_new) = register(&caller, at.customer, registration, version).await?;
        Ok(caller.replaced(&image, is_new))
    }

    #[oai(path = "/customers/:customer/spaces/:space/images/:image", method = "patch", operation_id = "image_update")]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
        body: Json<ImageUpdate>,
    ) -> Result<Updated<Image>, Fail> {
        let at = existing(&customer, &space, &image)?;
        let (shown, version) = stored(&caller, &at).await?;
        let known = read_only::shown(&shown);
        read_only::check::<Image>(&full_id(body.raw, &at), "ImageUpdate", Some(&known), "")?;
        let engine = &caller.app.engine;
        let (image, again) = images::update(&caller.app.db, &engine.rules, at, body.value.changes(), version).await?;
        if again {
            engine.wake();
        }
        Ok(caller.updated(&Image::item(image, &caller.links)))
    }

    #[oai(path = "/customers/:customer/spaces/:space/images/:image", method = "delete", operation_id = "image_delete")]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        image: Path<ImageId>,
    ) -> Result<Deleted, Fail> {
        let at = existing(&customer, &space, &image)?;
        let (_, version) = stored(&caller, &at).await?;
        let gone = images::delete(&caller.app.db, at, version).await?;
        discard(&caller, &gone).await;
        Ok(caller.deleted())
    }

    #[oai(path = "/customers/:customer/allImages", method = "get", operation_id = "image_list_all")]
    async fn list_all(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<ImageCollection>, Fail> {
        Ok(page(&caller, customer.0.0, Scope::Customer).await?)
    }
}

/// Removes the files of an image that is deleted.
pub(super) async fn discard(session: &Session, gone: &images::Image) {
    let Some(generation) = gone.stored_generation else { return };
    let prefix = image_prefix(gone.at.customer, gone.at.space, &gone.at.id, generation);
    if let Err(error) = session.app.objects.delete_prefix(&prefix).await {
        tracing::warn!(at = ?gone.at, %error, "removing the files of a deleted image");
    }
}

/// The body without what names the image of the path in other words: clients may give its id in full, as
/// `customer/space/image`.
pub(super) fn full_id(mut raw: Map<String, JsonValue>, at: &ImageRef) -> Map<String, JsonValue> {
    drop_unset_space(&mut raw);
    let full = format!("{}/{}/{}", at.customer, at.space, at.id);
    for name in ["id", "modelId"] {
        if raw.get(name).and_then(JsonValue::as_str) == Some(&full) {
            raw.remove(name);
        }
    }
    raw
}

/// Clients whose `space` is a number that can't be missing send 0, the number of no space, where the path says which.
fn drop_unset_space(raw: &mut Map<String, JsonValue>) {
    if raw.get("space").is_some_and(|space| *space == 0) {
        raw.remove("space");
    }
}
