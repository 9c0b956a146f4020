//! Spaces: numbered partitions of a customer's images.

use super::{
    Tag, change,
    role_references::{GivenRole, GivenRoleCollection, RolesAdd, references},
};
use crate::{
    collection,
    domain::{
        Change, Error,
        page::Paging,
        roles::References,
        spaces::{self, Changes, Settings, UNLIMITED},
    },
    http::{
        answer::{Created, Deleted, Done, Replaced, Updated, Value, View},
        body::{Input, Json},
        links::Links,
        parameters,
        problem::{Conflicts, Fail, Failure},
        read_only::{self, agree},
        session::Caller,
        types::{CustomerId, RoleReference, RolesOrLink, SpaceId, Tag as TagText, Time, Uri},
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
    default_roles: Uri,
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
            default_roles: Uri(format!("{id}/defaultRoles")),
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
    ($(#[$doc:meta])* $name:ident, $(#[$limit:meta])? $roles:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Object)]
        #[oai(rename_all = "camelCase")]
        pub struct $name {
            #[oai(validator(min_length = 1, max_length = 500, pattern = r"\S"))]
            name: String,
            #[oai(validator(max_items = 100))]
            default_tags: Option<Vec<TagText>>,
            $(#[$limit])?
            default_roles: Option<$roles>,
            #[oai(validator(minimum(value = "-1")))]
            max_unauthorised: Option<i64>,
            #[oai(deprecated, validator(minimum(value = "-1")))]
            default_max_unauthorised: Option<i64>,
        }

        impl Input for $name {
            const CLASS: &'static str = "Space";
        }

        impl $name {
            fn settings(self, links: &Links, customer: i64, space: Option<i64>) -> Result<Settings, Failure> {
                let limit = limit(self.max_unauthorised, self.default_max_unauthorised)?;
                let default_tags = self.default_tags.unwrap_or_default();
                let roles = self.default_roles.map_or(Ok(Change::Reset), |r| asked(r.into(), links, customer, space))?;
                Ok(Settings {
                    name: self.name,
                    default_tags: default_tags.into_iter().map(|t| t.0).collect(),
                    default_roles: match roles {
                        Change::Keep => None,
                        Change::Reset => Some(References::default()),
                        Change::Set(roles) => Some(roles),
                    },
                    max_unauthorised: limit.unwrap_or(UNLIMITED),
                })
            }
        }
    };
}

settings!(
    /// A space to be created.
    SpaceCreate, #[oai(validator(max_items = 100))] Vec<RoleReference>
);
settings!(
    /// What a space is to be.
    SpaceReplace, RolesOrLink
);

/// Changes to a space.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct SpaceUpdate {
    #[oai(validator(min_length = 1, max_length = 500, pattern = r"\S"))]
    name: Option<String>,
    #[oai(nullable, validator(max_items = 100))]
    default_tags: MaybeUndefined<Vec<TagText>>,
    #[oai(nullable)]
    default_roles: MaybeUndefined<RolesOrLink>,
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
    fn changes(self, links: &Links, customer: i64, space: i64) -> Result<Changes, Failure> {
        let given = |m: MaybeUndefined<i64>| (!m.is_undefined()).then_some(m);
        let limit = limit(given(self.max_unauthorised), given(self.default_max_unauthorised))?;
        Ok(Changes {
            name: self.name,
            default_tags: change(match self.default_tags {
                MaybeUndefined::Value(tags) => MaybeUndefined::Value(tags.into_iter().map(|t| t.0).collect()),
                MaybeUndefined::Null => MaybeUndefined::Null,
                MaybeUndefined::Undefined => MaybeUndefined::Undefined,
            }),
            default_roles: match self.default_roles {
                MaybeUndefined::Value(roles) => asked(roles, links, customer, Some(space))?,
                MaybeUndefined::Null => Change::Reset,
                MaybeUndefined::Undefined => Change::Keep,
            },
            max_unauthorised: change(limit.unwrap_or(MaybeUndefined::Undefined)),
        })
    }
}

fn limit<T: PartialEq>(new: Option<T>, old: Option<T>) -> Result<Option<T>, Failure> {
    agree(new, old, "maxUnauthorised", "defaultMaxUnauthorised", "").map_err(|fault| Error::Invalid(vec![fault]).into())
}

impl From<Vec<RoleReference>> for RolesOrLink {
    fn from(roles: Vec<RoleReference>) -> Self {
        Self::Roles(roles)
    }
}

/// The default roles that a body asks for. The link to them, as the space shows it, asks for no change.
fn asked(roles: RolesOrLink, links: &Links, customer: i64, space: Option<i64>) -> Result<Change<References>, Failure> {
    let home = links.roles(customer);
    let all = match roles {
        RolesOrLink::Link(link) => {
            let own = space.map(|space| format!("{}/defaultRoles", links.space(customer, space)));
            if own.is_some_and(|own| read_only::is_same_link(&link, &own)) {
                return Ok(Change::Keep);
            }
            let detail = format!("`{link}` is not the link to the default roles of this space: send a list of roles.");
            return Err(Failure::invalid("/defaultRoles", detail));
        }
        RolesOrLink::Roles(roles) => roles,
    };
    Ok(Change::Set(References { all: references(all, "/defaultRoles", links, &home)?, home }))
}

/// The stored space as its caller sees it, once the conditions of the request hold; the version to write under.
async fn stored(caller: &Caller, customer: i64, space: i64) -> Result<(Space, Option<i64>), Failure> {
    let old = spaces::get(&caller.app.db, customer, space).await?;
    let version = old.version;
    caller.checked(Space::item(old, &caller.links), version)
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Spaces")]
impl Api {
    #[oai(path = "/customers/:customer/spaces", method = "get", operation_id = "space_list")]
    async fn list(&self, caller: Caller, customer: Path<CustomerId>) -> Result<Value<SpaceCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let (by, descending) = parameters::space_order(&caller);
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
        let made =
            spaces::create(&caller.app.db, customer.0.0, body.value.settings(&caller.links, customer.0.0, None)?)
                .await?;
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
                let version = caller.absent()?;
                (json!({ "@id": caller.links.space(customer, space), "id": space, "modelId": space }), version)
            }
            Err(failure) => return Err(failure.into()),
        };
        read_only::check::<Space>(&body.raw, "SpaceReplace", Some(&known), "")?;
        let settings = body.value.settings(&caller.links, customer, Some(space))?;
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
        let changes = body.value.changes(&caller.links, customer.0.0, space.0.0)?;
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

    #[oai(
        path = "/customers/:customer/spaces/:space/defaultRoles",
        method = "get",
        operation_id = "space_list_default_roles"
    )]
    async fn list_default_roles(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<Value<GivenRoleCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let home = caller.links.roles(customer.0.0);
        let page = spaces::default_roles(&caller.app.db, customer.0.0, space.0.0, &home, &paging).await?;
        let page = page.map(|given| GivenRole::member(given, &caller.links));
        Ok(caller.value(&GivenRoleCollection::new(&caller, &paging, page)))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/defaultRoles",
        method = "post",
        operation_id = "space_add_default_roles"
    )]
    async fn add_default_roles(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        body: Json<RolesAdd>,
    ) -> Result<Done<GivenRoleCollection>, Fail> {
        let references = body.value.references(&caller.links, customer.0.0)?;
        let page = spaces::add_default_roles(&caller.app.db, customer.0.0, space.0.0, references).await?;
        let page = page.map(|given| GivenRole::member(given, &caller.links));
        Ok(caller.done(&GivenRoleCollection::new(&caller, &Paging::default(), page)))
    }
}
