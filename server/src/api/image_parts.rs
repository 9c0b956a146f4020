//! What belongs to one image: its roles, its batch, its policies; and ingesting it again.

use super::{
    Tag,
    batches::Batch,
    images::{Image, existing},
    policies::{ImageOptimisationPolicy, ThumbnailPolicy},
};
use crate::{
    collection,
    domain::{
        Error, batches, images,
        page::{Page, Paging},
        policies,
    },
    http::{
        answer::{Value, View},
        body::{self, Input, Json},
        parameters,
        problem::Fail,
        session::{Caller, Session},
        types::{CustomerId, ImageId, RoleReference as RoleText, SpaceId},
    },
};
use poem_openapi::{Object, OpenApi, param::Path};
use serde_json::{Map, Value as JsonValue, json};

/// A reference to a role.
#[derive(Debug, Clone, Object)]
pub struct RoleReference {
    #[oai(rename = "@id")]
    id: String,
    #[oai(rename = "@type")]
    class: String,
}
collection!(
    /// A page of references to roles.
    ImageRoleCollection of RoleReference
);

/// A reference to a role that is to be added.
#[derive(Debug, Clone, Object)]
pub struct RoleReferenceInput {
    #[oai(rename = "@id")]
    id: RoleText,
}

/// Roles to be added.
#[derive(Debug, Clone, Object)]
pub struct ImageRolesAdd {
    #[oai(rename = "@type")]
    class: Option<String>,
    #[oai(validator(min_items = 1, max_items = 100))]
    member: Vec<RoleReferenceInput>,
}

impl Input for ImageRolesAdd {
    const CLASS: &'static str = "Collection";

    fn prepare(members: &mut Map<String, JsonValue>) {
        body::name_member(members);
        if !members.contains_key("member")
            && let Some(role) = members.get("@id").cloned()
        {
            *members = Map::from_iter([("member".to_owned(), json!([{ "@id": role }]))]);
        }
        for member in members.get_mut("member").and_then(JsonValue::as_array_mut).into_iter().flatten() {
            if let JsonValue::String(id) = member {
                *member = json!({ "@id": std::mem::take(id) });
            }
        }
    }
}

/// A page of the roles of an image.
fn roles(session: &Session, paging: &Paging, roles: Vec<String>) -> Value<ImageRoleCollection> {
    let window = paging.window();
    let total = roles.len() as i64;
    let skip = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let take = usize::try_from(window.size).unwrap_or(usize::MAX);
    let items = roles.into_iter().skip(skip).take(take);
    let items = items.map(|id| RoleReference { id, class: "Role".to_owned() }).collect();
    session.value(&ImageRoleCollection::new(session, paging, Page { items, total, next: None }))
}

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
    ) -> Result<Value<Image>, Fail> {
        let again = images::reingest(&caller.app.db, existing(&customer, &space, &image)?).await?;
        caller.app.engine.wake();
        Ok(caller.value(&Image::item(again, &caller.links)))
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
    ) -> Result<Value<ImageRoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let found = images::get(&caller.app.db, &existing(&customer, &space, &image)?).await?;
        Ok(roles(&caller, &paging, found.settings.roles))
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
        body: Json<ImageRolesAdd>,
    ) -> Result<Value<ImageRoleCollection>, Fail> {
        let added = body.value.member.into_iter().map(|role| role.id.0).collect();
        let image = images::add_roles(&caller.app.db, existing(&customer, &space, &image)?, added).await?;
        Ok(roles(&caller, &Paging::default(), image.settings.roles))
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
