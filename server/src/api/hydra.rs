//! The vocabulary and the JSON-LD contexts, derived from the canonical document.

use super::Tag;
use crate::{
    domain::Error,
    http::{
        answer::{Resource, View},
        document::document,
        problem::{Fail, Named},
        session::Session,
        types::{ContextName, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};
use serde_json::Value;
use std::collections::BTreeMap;

/// A free-form object.
pub type Anything = BTreeMap<String, Value>;

/// The documentation of the API.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ApiDocumentation {
    #[oai(rename = "@context")]
    pub(crate) context: Anything,
    #[oai(rename = "@id")]
    pub(crate) id: Uri,
    #[oai(rename = "@type")]
    pub(crate) class: String,
    pub(crate) supported_class: Vec<ApiClass>,
}
resource!(ApiDocumentation);

/// A class.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ApiClass {
    #[oai(rename = "@id")]
    pub(crate) id: String,
    #[oai(rename = "@type")]
    pub(crate) class: String,
    pub(crate) sub_class_of: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) supported_operation: Vec<ApiOperation>,
    pub(crate) supported_property: Vec<ApiSupportedProperty>,
}

/// An operation.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ApiOperation {
    #[oai(rename = "@id")]
    pub(crate) id: String,
    #[oai(rename = "@type")]
    pub(crate) class: String,
    pub(crate) method: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) expects: Option<String>,
    pub(crate) returns: Option<String>,
    pub(crate) status_code: Vec<ApiStatus>,
}

/// A status of an operation.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase")]
pub struct ApiStatus {
    #[oai(rename = "@type")]
    pub(crate) class: String,
    pub(crate) status_code: i32,
    pub(crate) title: String,
    pub(crate) description: String,
}

/// A property of a class.
#[derive(Debug, Clone, Object)]
pub struct ApiSupportedProperty {
    pub(crate) property: ApiProperty,
    #[oai(rename = "hydra:title")]
    pub(crate) title: String,
    #[oai(rename = "hydra:description")]
    pub(crate) description: String,
    pub(crate) required: bool,
    pub(crate) readonly: bool,
    pub(crate) writeonly: bool,
}

/// What a property means.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ApiProperty {
    #[oai(rename = "@id")]
    pub(crate) id: String,
    #[oai(rename = "@type")]
    pub(crate) class: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) domain: String,
    pub(crate) range: String,
    pub(crate) supported_operation: Option<Vec<ApiOperation>>,
}

/// A JSON-LD context.
#[derive(Debug, Clone, Object)]
pub struct JsonLdContext {
    #[oai(rename = "@context")]
    context: Anything,
}

impl Resource for JsonLdContext {
    fn iri(&self) -> &str {
        ""
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Hydra")]
impl Api {
    #[oai(path = "/vocab", method = "get", operation_id = "hydra_vocab")]
    async fn vocab(&self, session: Session) -> Result<View<ApiDocumentation>, Fail> {
        Ok(session.view(&document().vocabulary.documentation(&session.links, session.app.profile)))
    }

    #[oai(path = "/contexts/:name", method = "get", operation_id = "hydra_context")]
    async fn context(&self, session: Session, name: Path<ContextName>) -> Result<View<JsonLdContext>, Fail<Named>> {
        let context = document()
            .vocabulary
            .context(&session.links, &name.0.0)
            .ok_or_else(|| Error::Missing(format!("There is no context `{}`.", name.0.0)))?;
        Ok(session.view(&JsonLdContext { context }))
    }
}
