//! Spaces: numbered partitions of a customer's images.

use super::{Tag, change};
use crate::{
    collection,
    domain::{
        Error,
        spaces::{self, Changes, Settings, UNLIMITED},
    },
    http::{
        answer::{Created, Deleted, Replaced, Resource, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only::{self, agree},
        session::Caller,
        types::{CustomerId, SpaceId, Tag as TagText, Time, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path, types::MaybeUndefined};
use serde_json::json;

/// A space.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct Space {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    #[oai(rename = "id")]
    number: i64,
    #[oai(deprecated)]
    model_id: i64,
    name: String,
    created: Time,
    default_tags: Vec<String>,
    max_unauthorised: i64,
    #[oai(deprecated)]
    default_max_unauthorised: i64,
    approximate_number_of_images: i64,
    images: Uri,
    metadata: Uri,
    storage: Uri,
}
resource!(Space);
collection!(
    /// A page of spaces.
    SpaceCollection of Space
);

impl Space {
    fn member(s: spaces::Space, links: &Links) -> Self {
        let id = links.space(s.customer, s.id);
        Self {
            context: None,
            class: "Space".to_owned(),
            number: s.id,
            model_id: s.id,
            name: s.name,
            created: Time(s.created),
            default_tags: s.default_tags,
            max_unauthorised: s.max_unauthorised,
            default_max_unauthorised: s.max_unauthorised,
            approximate_number_of_images: s.images,
            images: Uri(format!("{id}/images")),
            metadata: Uri(format!("{id}/metadata")),
            storage: Uri(format!("{id}/storage")),
            id: Uri(id),
        }
    }

    fn item(s: spaces::Space, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("Space"))), ..Self::member(s, links) }
    }
}

macro_rules! settings {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            #[oai(validator(min_length = 1, max_length = 500))]
            name: String,
            #[oai(validator(max_items = 100))]
            default_tags: Option<Vec<TagText>>,
            #[oai(validator(minimum(value = "-1")))]
            max_unauthorised: Option<i64>,
            #[oai(deprecated, validator(minimum(value = "-1")))]
            default_max_unauthorised: Option<i64>,
        }

        impl Input for $name {
            const CLASS: &'static str = "Space";
        }

        impl $name {
            fn settings(self) -> Result<Settings, Failure> {
                let limit = limit(self.max_unauthorised, self.default_max_unauthorised)?;
                let default_tags = self.default_tags.unwrap_or_default();
                Ok(Settings {
                    name: self.name,
                    default_tags: default_tags.into_iter().map(|t| t.0).collect(),
                    max_unauthorised: limit.unwrap_or(UNLIMITED),
                })
            }
        }
    };
}

settings!(
    /// A space to be created.
    SpaceCreate
);
settings!(
    /// What a space is to be.
    SpaceReplace
);

/// Changes to a space.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct SpaceUpdate {
    #[oai(validator(min_length = 1, max_length = 500))]
    name: Option<String>,
    #[oai(nullable, validator(max_items = 100))]
    default_tags: MaybeUndefined<Vec<TagText>>,
    #[oai(nullable, validator(minimum(value = "-1")))]
    max_unauthorised: MaybeUndefined<i64>,
    #[oai(nullable, deprecated, validator(minimum(value = "-1")))]
    default_max_unauthorised: MaybeUndefined<i64>,
}

impl Input for SpaceUpdate {
    const CLASS: &'static str = "Space";
    const PATCH: bool = true;
}

impl SpaceUpdate {
    fn changes(self) -> Result<Changes, Failure> {
        let given = |m: MaybeUndefined<i64>| (!m.is_undefined()).then_some(m);
        let limit = limit(given(self.max_unauthorised), given(self.default_max_unauthorised))?;
        Ok(Changes {
            name: self.name,
            default_tags: change(match self.default_tags {
                MaybeUndefined::Value(tags) => MaybeUndefined::Value(tags.into_iter().map(|t| t.0).collect()),
                MaybeUndefined::Null => MaybeUndefined::Null,
                MaybeUndefined::Undefined => MaybeUndefined::Undefined,
            }),
            max_unauthorised: change(limit.unwrap_or(MaybeUndefined::Undefined)),
        })
    }
}

fn limit<T: PartialEq>(new: Option<T>, old: Option<T>) -> Result<Option<T>, Failure> {
    agree(new, old, "maxUnauthorised", "defaultMaxUnauthorised", "").map_err(|fault| Error::Invalid(vec![fault]).into())
}

/// The stored space as its caller sees it, once the conditions of the request hold; the version to write under.
async fn stored(caller: &Caller, customer: i64, space: i64) -> Result<(Space, Option<i64>), Failure> {
    let old = spaces::get(&caller.app.db, customer, space).await?;
    let version = caller.conditions.any().then_some(old.version);
    let shown = Space::item(old, &caller.links);
    caller.conditions.check(Some(&shown.etag()))?;
    Ok((shown, version))
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Spaces")]
impl Api {
    #[oai(path = "/customers/:customer/spaces", method = "get", operation_id = "space_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<SpaceCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let (by, descending) = parameters::space_order(&caller)?;
        let page = spaces::list(&caller.app.db, customer.0.0, by, descending, &paging).await?;
        let page = page.map(|s| Space::member(s, &caller.links));
        Ok(caller.value(&SpaceCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/customers/:customer/spaces", method = "post", operation_id = "space_create")]
    async fn create(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        body: Json<SpaceCreate>,
    ) -> Result<Created<Space>, Fail<Conflicts>> {
        read_only::check::<Space>(&body.raw, "SpaceCreate", None, "")?;
        let made = spaces::create(&caller.app.db, customer.0.0, body.value.settings()?).await?;
        Ok(caller.created(&Space::item(made, &caller.links)))
    }

    #[oai(path = "/customers/:customer/spaces/:space", method = "get", operation_id = "space_view")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<View<Space>, Fail> {
        let found = spaces::get(&caller.app.db, customer.0.0, space.0.0).await?;
        Ok(caller.view(&Space::item(found, &caller.links)))
    }

    #[oai(path = "/customers/:customer/spaces/:space", method = "put", operation_id = "space_replace")]
    async fn replace(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        body: Json<SpaceReplace>,
    ) -> Result<Replaced<Space>, Fail<Conflicts>> {
        let (customer, space) = (customer.0.0, space.0.0);
        let (known, version) = match stored(&caller, customer, space).await {
            Ok((shown, version)) => (read_only::shown(&shown), version),
            Err(Failure::Domain(Error::Missing(_))) => {
                caller.conditions.check(None)?;
                (json!({ "@id": caller.links.space(customer, space), "id": space, "modelId": space }), None)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<Space>(&body.raw, "SpaceReplace", Some(&known), "")?;
        let settings = body.value.settings()?;
        let (new, created) = spaces::replace(&caller.app.db, customer, space, settings, version).await?;
        Ok(caller.replaced(&Space::item(new, &caller.links), created))
    }

    #[oai(path = "/customers/:customer/spaces/:space", method = "patch", operation_id = "space_update")]
    async fn update(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        body: Json<SpaceUpdate>,
    ) -> Result<Updated<Space>, Fail<Conflicts>> {
        let (shown, version) = stored(&caller, customer.0.0, space.0.0).await?;
        read_only::check::<Space>(&body.raw, "SpaceUpdate", Some(&read_only::shown(&shown)), "")?;
        let changes = body.value.changes()?;
        let new = spaces::update(&caller.app.db, customer.0.0, space.0.0, changes, version).await?;
        Ok(caller.updated(&Space::item(new, &caller.links)))
    }

    #[oai(path = "/customers/:customer/spaces/:space", method = "delete", operation_id = "space_delete")]
    async fn delete(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<Deleted, Fail<Conflicts>> {
        let (_, version) = stored(&caller, customer.0.0, space.0.0).await?;
        spaces::delete(&caller.app.db, customer.0.0, space.0.0, version).await?;
        Ok(caller.deleted())
    }
}
