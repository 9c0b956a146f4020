//! The metadata fields of a space and their distinct values.

use super::Tag;
use crate::{
    domain::{
        metadata::{self, FIELDS, Field, Values},
        spaces,
    },
    http::{
        answer::{Value, View},
        problem::Fail,
        session::Caller,
        types::{CustomerId, SpaceId, Uri},
    },
    resource,
};
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::{ParseError, ParseFromParameter, ParseResult, ToJSON, Type},
};
use std::borrow::Cow;

/// What is known of the metadata of a space.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct Metadata {
    #[oai(rename = "@context")]
    context: Uri,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    fields: Vec<String>,
    distinct: String,
}
resource!(Metadata);

/// The distinct values of a field: a list on the wire, of texts or of numbers.
pub struct DistinctValues(Values);

impl Type for DistinctValues {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        "DistinctValues".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }
    fn register(registry: &mut Registry) {
        // `derive(Union)` would say `type: object` besides, which no list is. An empty list is to be one of
        // the first kind only.
        let numbers =
            MetaSchema { items: Some(Box::new(i64::schema_ref())), min_items: Some(1), ..MetaSchema::new("array") };
        registry.create_schema::<Self, _>(Self::name().into_owned(), |_| MetaSchema {
            one_of: vec![<Vec<String>>::schema_ref(), MetaSchemaRef::Inline(Box::new(numbers))],
            ..MetaSchema::ANY
        });
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for DistinctValues {
    fn to_json(&self) -> Option<serde_json::Value> {
        match &self.0 {
            Values::Texts(texts) => texts.to_json(),
            Values::Numbers(numbers) => numbers.to_json(),
        }
    }
}

/// The query parameter that names a field, in any letter case.
pub struct FieldName(Field);

impl Type for FieldName {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;
    fn name() -> Cow<'static, str> {
        "string_FieldName".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        let enum_items = FIELDS.iter().map(|(name, _)| (*name).into()).collect();
        MetaSchemaRef::Inline(Box::new(MetaSchema { enum_items, ..MetaSchema::new("string") }))
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromParameter for FieldName {
    fn parse_from_parameter(value: &str) -> ParseResult<Self> {
        let known = FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        known.map(|(_, field)| Self(*field)).ok_or_else(ParseError::expected_input)
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Spaces")]
impl Api {
    #[oai(path = "/customers/:customer/spaces/:space/metadata", method = "get", operation_id = "space_metadata")]
    async fn view(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
    ) -> Result<View<Metadata>, Fail> {
        spaces::get(&caller.app.db, customer.0.0, space.0.0).await?;
        let id = format!("{}/metadata", caller.links.space(customer.0.0, space.0.0));
        Ok(caller.view(&Metadata {
            context: Uri(caller.links.context("Metadata")),
            class: "Metadata".to_owned(),
            fields: FIELDS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            distinct: format!("{id}/distinct{{?field}}"),
            id: Uri(id),
        }))
    }

    #[oai(
        path = "/customers/:customer/spaces/:space/metadata/distinct",
        method = "get",
        operation_id = "space_metadata_distinct"
    )]
    async fn distinct(
        &self,
        caller: Caller,
        customer: Path<CustomerId>,
        space: Path<SpaceId>,
        field: Query<FieldName>,
    ) -> Result<Value<DistinctValues>, Fail> {
        let values = metadata::distinct(&caller.app.db, customer.0.0, space.0.0, field.0.0).await?;
        Ok(caller.value(&DistinctValues(values)))
    }
}
