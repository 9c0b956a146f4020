//! Many images at once: found, changed and deleted by their ids.

use super::{
    Tag, change,
    image_inputs::ImageUpdate,
    image_list::{self, ImageList, ImageReference},
    images::{Image, ImageCollection, discard, full_id},
};
use crate::{
    domain::{
        Error, Fault,
        bulk::{self, FieldChange, Operation},
        check,
        images::{self, Changes, ImageRef},
        page::{Page, Paging},
        spaces,
    },
    http::{
        answer::Value,
        body::{self, Input, Json},
        problem::{Fail, Failure},
        read_only,
        session::{Caller, Session},
        types::{
            ChangeName, ChangeValue, CustomerId, ManifestReference, MediaType, RoleReference, SpaceId, Tag as TagText,
        },
    },
};
use futures::{StreamExt, stream};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::{Map, Value as JsonValue};

/// Files of this many images are removed at the same time.
const REMOVALS_AT_ONCE: usize = 8;

/// A change of one field of many images.
#[derive(Debug, Clone, Object)]
pub struct ImageListChange {
    #[oai(rename = "@type")]
    class: Option<String>,
    #[oai(validator(min_items = 1, max_items = 10000))]
    member: Vec<ImageReference>,
    #[oai(validator(min_length = 1, max_length = 100))]
    field: String,
    operation: ChangeName,
    #[oai(validator(max_items = 100))]
    value: Vec<ChangeValue>,
}

impl Input for ImageListChange {
    const CLASS: &'static str = "Collection";

    fn prepare(members: &mut Map<String, JsonValue>) {
        image_list::spell_out(members);
        let numeric = members.get("field").and_then(JsonValue::as_str).is_some_and(bulk::is_number);
        let Some(value) = members.get_mut("value") else { return };
        if value.is_string() || value.is_number() {
            *value = JsonValue::Array(vec![value.take()]);
        }
        // Only what is to be a number may be one; texts are texts, as everywhere.
        for item in value.as_array_mut().into_iter().flatten().filter(|_| numeric) {
            if item.is_number() {
                *item = JsonValue::String(item.to_string());
            }
        }
    }
}

/// What became of images that were to be deleted.
#[derive(Debug, Clone, Object)]
pub struct ImageDeletion {
    message: String,
    requested: i64,
    deleted: i64,
    missing: i64,
}

impl ImageDeletion {
    fn new(requested: usize, deleted: usize) -> Self {
        let images = |n: usize| if n == 1 { "1 image was".to_owned() } else { format!("{n} images were") };
        let missing = requested.saturating_sub(deleted);
        let message = match missing {
            0 => format!("{} deleted.", images(deleted)),
            1 => format!("{} deleted, 1 was not found.", images(deleted)),
            _ => format!("{} deleted, {missing} were not found.", images(deleted)),
        };
        Self { message, requested: requested as i64, deleted: deleted as i64, missing: missing as i64 }
    }
}

/// Changes to one of several images.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ImageMemberUpdate {
    #[oai(validator(min_length = 1, max_length = 2000))]
    id: String,
    #[oai(nullable, validator(max_items = 100))]
    tags: MaybeUndefined<Vec<TagText>>,
    #[oai(nullable, validator(max_length = 500))]
    string1: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 500))]
    string2: MaybeUndefined<String>,
    #[oai(nullable, validator(max_length = 500))]
    string3: MaybeUndefined<String>,
    #[oai(nullable)]
    number1: MaybeUndefined<i64>,
    #[oai(nullable)]
    number2: MaybeUndefined<i64>,
    #[oai(nullable)]
    number3: MaybeUndefined<i64>,
    #[oai(nullable, validator(max_items = 100))]
    roles: MaybeUndefined<Vec<RoleReference>>,
    #[oai(nullable, validator(max_items = 100))]
    manifests: MaybeUndefined<Vec<ManifestReference>>,
    #[oai(nullable)]
    media_type: MaybeUndefined<MediaType>,
}

impl ImageMemberUpdate {
    fn changes(self) -> Changes {
        Changes {
            tags: change(self.tags).map(|all| all.into_iter().map(|t| t.0).collect()),
            roles: change(self.roles).map(|all| all.into_iter().map(|r| r.0).collect()),
            manifests: change(self.manifests).map(|all| all.into_iter().map(|m| m.0).collect()),
            strings: [self.string1, self.string2, self.string3].map(change),
            numbers: [self.number1, self.number2, self.number3].map(change),
            media_type: change(self.media_type).map(|m| m.0),
            ..Changes::default()
        }
    }
}

/// Changes to images of one space.
#[derive(Debug, Clone, Object)]
pub struct ImageChanges {
    #[oai(rename = "@type")]
    class: Option<String>,
    #[oai(validator(min_items = 1, max_items = 250))]
    member: Vec<ImageMemberUpdate>,
}

impl Input for ImageChanges {
    const CLASS: &'static str = "Collection";
    const PATCH: bool = true;

    fn prepare(members: &mut Map<String, JsonValue>) {
        body::name_member(members);
        // Only the members are patches.
        members.retain(|_, value| !value.is_null());
        for member in members.get_mut("member").and_then(JsonValue::as_array_mut).into_iter().flatten() {
            let Some(member) = member.as_object_mut() else { continue };
            let name = ["id", "modelId", "@id"].into_iter().find_map(|n| member.get(n).filter(|id| !id.is_null()));
            if let Some(name) = name.cloned() {
                member.insert("id".to_owned(), name);
            }
        }
    }
}

/// What of an image can't be changed together with others.
const FORBIDDEN: &[&str] =
    &["origin", "initialOrigin", "maxUnauthorised", "deliveryChannels", "imageOptimisationPolicy", "thumbnailPolicy"];

/// Takes from a member what it must not have; that is a fault each.
fn forbidden(member: &mut Map<String, JsonValue>, at: &str) -> Vec<Fault> {
    FORBIDDEN
        .iter()
        .filter(|name| member.remove(**name).is_some())
        .map(|name| {
            let detail = format!("`{name}` can't be changed for many images at once: leave it out.");
            Fault::new(format!("{at}/{name}"), detail)
        })
        .collect()
}

/// What the members of a change say that they must not, seen against the images that they name.
async fn member_faults(caller: &Caller, given: &[JsonValue], wanted: &[ImageRef]) -> Result<Vec<Fault>, Failure> {
    let Some(customer) = wanted.first().map(|at| at.customer) else { return Ok(Vec::new()) };
    let mut stored = bulk::find(&caller.app.db, customer, wanted).await?.into_iter().peekable();
    let mut faults = Vec::new();
    for (i, (given, at)) in given.iter().zip(wanted).enumerate() {
        let pointer = format!("/member/{i}");
        let mut given = full_id(given.as_object().cloned().unwrap_or_default(), at);
        faults.extend(body::class_fault::<ImageUpdate>(&given, &pointer));
        faults.extend(forbidden(&mut given, &pointer));
        match stored.next_if(|image| image.at == *at) {
            Some(image) => {
                let known = read_only::shown(&Image::member(image, &caller.links));
                faults.extend(read_only::faults::<Image>(&given, "ImageMemberUpdate", Some(&known), &pointer));
            }
            None => faults.push(bulk::unknown(i, at)),
        }
    }
    Ok(faults)
}

/// All of the images, on one page.
fn unpaged(session: &Session, all: Vec<images::Image>) -> Value<ImageCollection> {
    let total = all.len() as i64;
    let paging = Paging { page: 1, size: total, after: None };
    let page = Page { items: all, total, next: None }.map(|image| Image::member(image, &session.links));
    session.value(&ImageCollection::new(session, &paging, page))
}

/// A collection has no entity tag, so that no condition that names one holds.
fn unconditional(caller: &Caller) -> Result<(), Failure> {
    caller.conditions.check(Some(""))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Images")]
impl Api {
    #[oai(path = "/customers/:customer/allImages", method = "post", operation_id = "image_find")]
    async fn find(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<ImageList>,
    ) -> Result<Value<ImageCollection>, Fail> {
        let wanted = body.value.resolve(&caller.links, customer.0.0).map_err(Error::Invalid)?;
        Ok(unpaged(&caller, bulk::find(&caller.app.db, customer.0.0, &wanted).await?))
    }

    #[oai(path = "/customers/:customer/allImages", method = "patch", operation_id = "image_update_many")]
    async fn update_many(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<ImageListChange>,
    ) -> Result<Value<ImageCollection>, Fail> {
        unconditional(&caller)?;
        let ImageListChange { member, field, operation, value, .. } = body.value;
        let wanted = image_list::resolve(&member, &caller.links, customer.0.0);
        let operation = Operation::named(&operation.0)
            .ok_or_else(|| Error::invalid("/operation", "Use `add`, `remove` or `replace`."))?;
        let change = FieldChange::new(&field, operation, value.into_iter().map(|v| v.0).collect());
        let (wanted, change) = match (wanted, change) {
            (Ok(wanted), Ok(change)) => (wanted, change),
            (wanted, change) => {
                let faults = [wanted.err(), change.err()].into_iter().flatten().flatten().collect();
                return Err(Error::Invalid(faults).into());
            }
        };
        Ok(unpaged(&caller, bulk::update_field(&caller.app.db, customer.0.0, &wanted, change).await?))
    }

    #[oai(path = "/customers/:customer/deleteImages", method = "post", operation_id = "image_delete_many")]
    async fn delete_many(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<ImageList>,
    ) -> Result<Value<ImageDeletion>, Fail> {
        let wanted = body.value.resolve(&caller.links, customer.0.0).map_err(Error::Invalid)?;
        let gone = bulk::delete(&caller.app.db, customer.0.0, &wanted).await?;
        stream::iter(&gone).for_each_concurrent(REMOVALS_AT_ONCE, |image| discard(&caller, image)).await;
        Ok(caller.value(&ImageDeletion::new(wanted.len(), gone.len())))
    }

    #[oai(path = "/customers/:customer/spaces/:space/images", method = "patch", operation_id = "image_update_space")]
    async fn update_space(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        body: Json<ImageChanges>,
    ) -> Result<Value<ImageCollection>, Fail> {
        unconditional(&caller)?;
        let (customer, space) = (customer.0.0, space.0.0);
        spaces::get(&caller.app.db, customer, space).await?;
        let named = body.value.member.iter().enumerate().map(|(i, member)| {
            image_list::named(&member.id, &caller.links, customer, Some(space))
                .map_err(|detail| Fault::new(format!("/member/{i}/id"), detail))
        });
        let wanted = image_list::distinct(named).map_err(Error::Invalid)?;
        check(member_faults(&caller, body::members(&body.raw), &wanted).await?)?;
        let changes = wanted.into_iter().zip(body.value.member.into_iter().map(ImageMemberUpdate::changes)).collect();
        Ok(unpaged(&caller, bulk::update(&caller.app.db, customer, changes).await?))
    }
}
