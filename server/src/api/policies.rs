//! The policies of the platform.

use super::Tag;
use crate::{
    collection,
    domain::policies,
    http::{
        answer::{Value, View},
        links::Links,
        parameters,
        problem::{Fail, Named},
        session::Caller,
        types::{PolicyId, Uri},
    },
    resource,
};
use poem_openapi::{Object, OpenApi, param::Path};

/// How much a customer may store.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct StoragePolicy {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    maximum_number_of_stored_images: i64,
    maximum_total_size_of_stored_images: i64,
}

/// Which thumbnails are made.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ThumbnailPolicy {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    sizes: Vec<i64>,
}

/// How images are kept for delivery.
#[derive(Debug, Clone, Object)]
#[oai(rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ImageOptimisationPolicy {
    #[oai(rename = "@context")]
    context: Option<Uri>,
    #[oai(rename = "@id")]
    id: Uri,
    #[oai(rename = "@type")]
    class: String,
    name: String,
    technical_details: String,
}
resource!(StoragePolicy, ThumbnailPolicy, ImageOptimisationPolicy);
collection!(
    /// A page of storage policies.
    StoragePolicyCollection of StoragePolicy
);
collection!(
    /// A page of thumbnail policies.
    ThumbnailPolicyCollection of ThumbnailPolicy
);
collection!(
    /// A page of image optimisation policies.
    ImageOptimisationPolicyCollection of ImageOptimisationPolicy
);

impl StoragePolicy {
    fn member(p: &policies::StoragePolicy, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.storage_policy(&p.id)),
            class: "StoragePolicy".to_owned(),
            maximum_number_of_stored_images: p.images,
            maximum_total_size_of_stored_images: p.bytes,
        }
    }
}

impl ThumbnailPolicy {
    fn member(p: &policies::ThumbnailPolicy, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.thumbnail_policy(p.id)),
            class: "ThumbnailPolicy".to_owned(),
            name: p.name.to_owned(),
            sizes: p.sizes.iter().copied().map(i64::from).collect(),
        }
    }

    pub(super) fn item(p: &policies::ThumbnailPolicy, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("ThumbnailPolicy"))), ..Self::member(p, links) }
    }
}

impl ImageOptimisationPolicy {
    fn member(p: &policies::OptimisationPolicy, links: &Links) -> Self {
        Self {
            context: None,
            id: Uri(links.optimisation_policy(p.id)),
            class: "ImageOptimisationPolicy".to_owned(),
            name: p.name.to_owned(),
            technical_details: p.details.to_owned(),
        }
    }

    pub(super) fn item(p: &policies::OptimisationPolicy, links: &Links) -> Self {
        Self { context: Some(Uri(links.context("ImageOptimisationPolicy"))), ..Self::member(p, links) }
    }
}

/// The operations.
pub struct Api;

#[OpenApi(tag = "Tag::Policies")]
impl Api {
    #[oai(path = "/storagePolicies", method = "get", operation_id = "policy_list_storage")]
    async fn list_storage(&self, caller: Caller) -> Result<Value<StoragePolicyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = caller.app.engine.rules.policies.storage(&paging)?.map(|p| StoragePolicy::member(&p, &caller.links));
        Ok(caller.value(&StoragePolicyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/storagePolicies/:policy", method = "get", operation_id = "policy_view_storage")]
    async fn view_storage(&self, caller: Caller, policy: Path<PolicyId>) -> Result<View<StoragePolicy>, Fail<Named>> {
        let named = caller.app.engine.rules.policies.storage_named(&policy.0.0)?;
        let found = StoragePolicy::member(named, &caller.links);
        Ok(caller.view(&StoragePolicy { context: Some(Uri(caller.links.context("StoragePolicy"))), ..found }))
    }

    #[oai(path = "/thumbnailPolicies", method = "get", operation_id = "policy_list_thumbnail")]
    async fn list_thumbnail(&self, caller: Caller) -> Result<Value<ThumbnailPolicyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page = policies::thumbnail_policies(&paging)?.map(|p| ThumbnailPolicy::member(&p, &caller.links));
        Ok(caller.value(&ThumbnailPolicyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/thumbnailPolicies/:policy", method = "get", operation_id = "policy_view_thumbnail")]
    async fn view_thumbnail(
        &self,
        caller: Caller,
        policy: Path<PolicyId>,
    ) -> Result<View<ThumbnailPolicy>, Fail<Named>> {
        Ok(caller.view(&ThumbnailPolicy::item(&policies::thumbnail_policy(&policy.0.0)?, &caller.links)))
    }

    #[oai(path = "/imageOptimisationPolicies", method = "get", operation_id = "policy_list_image_optimisation")]
    async fn list_optimisation(&self, caller: Caller) -> Result<Value<ImageOptimisationPolicyCollection>, Fail> {
        let paging = parameters::paging(&caller)?;
        let page =
            policies::optimisation_policies(&paging)?.map(|p| ImageOptimisationPolicy::member(&p, &caller.links));
        Ok(caller.value(&ImageOptimisationPolicyCollection::new(&caller, &paging, page)))
    }

    #[oai(path = "/imageOptimisationPolicies/:policy", method = "get", operation_id = "policy_view_image_optimisation")]
    async fn view_optimisation(
        &self,
        caller: Caller,
        policy: Path<PolicyId>,
    ) -> Result<View<ImageOptimisationPolicy>, Fail<Named>> {
        Ok(caller.view(&ImageOptimisationPolicy::item(&policies::optimisation_policy(&policy.0.0)?, &caller.links)))
    }
}
