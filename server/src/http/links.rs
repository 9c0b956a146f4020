//! Every URI that the service gives out is made here.

use crate::domain::images::ImageRef;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What can't stand in a path segment as it is (RFC 3986 §3.3).
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What can't stand in the value of a query parameter as it is.
const QUERY: &AsciiSet = &SEGMENT.add(b'&').add(b'+').add(b'=').add(b'\'');

/// A text as one path segment.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A text as the value of a query parameter.
pub fn query_value(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// Makes URIs under the public base URL of the service, which has no trailing slash.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links under a base URL; a trailing slash is dropped.
    pub fn new(base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned() }
    }

    /// The base URL: the URI of the entry point.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether a URI is one of this service.
    pub fn is_own(&self, uri: &str) -> bool {
        uri.strip_prefix(&self.base).is_some_and(|path| path.is_empty() || path.starts_with(['/', '?', '#']))
    }

    /// A path from the root, `/` first.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The JSON-LD context of a class.
    pub fn context(&self, class: &str) -> String {
        format!("{}/contexts/{class}.jsonld", self.base)
    }

    /// A problem type.
    pub fn problem(&self, kind: &str) -> String {
        format!("{}/vocab#problems/{kind}", self.base)
    }

    /// A customer.
    pub fn customer(&self, customer: i64) -> String {
        format!("{}/customers/{customer}", self.base)
    }

    /// A customer as Fastly's clients know it.
    pub fn account(&self, public_id: &str) -> String {
        format!("{}/customer/{public_id}", self.base)
    }

    /// A key of a customer.
    pub fn key(&self, customer: i64, key: &str) -> String {
        format!("{}/customers/{customer}/keys/{}", self.base, segment(key))
    }

    /// The portal users of a customer.
    pub fn portal_users(&self, customer: i64) -> String {
        format!("{}/customers/{customer}/portalUsers", self.base)
    }

    /// A portal user of a customer.
    pub fn portal_user(&self, customer: i64, user: &str) -> String {
        format!("{}/{}", self.portal_users(customer), segment(user))
    }

    /// A role that portal users can have.
    pub fn portal_role(&self, id: &str) -> String {
        format!("{}/portalRoles/{}", self.base, segment(id))
    }

    /// A named query, as a customer sees it.
    pub fn named_query(&self, customer: i64, query: &str) -> String {
        format!("{}/customers/{customer}/namedQueries/{}", self.base, segment(query))
    }

    /// The auth services of a customer.
    pub fn auth_services(&self, customer: i64) -> String {
        format!("{}/customers/{customer}/authServices", self.base)
    }

    /// An auth service of a customer.
    pub fn auth_service(&self, customer: i64, service: &str) -> String {
        format!("{}/{}", self.auth_services(customer), segment(service))
    }

    /// The roles of a customer.
    pub fn roles(&self, customer: i64) -> String {
        format!("{}/customers/{customer}/roles", self.base)
    }

    /// A role of a customer.
    pub fn role(&self, customer: i64, role: &str) -> String {
        format!("{}/{}", self.roles(customer), segment(role))
    }

    /// The id that a reference gives to a member of a collection here: the id itself, its path, or its URI.
    pub fn id_within(&self, collection: &str, reference: &str) -> Option<String> {
        let path = collection.strip_prefix(&self.base).unwrap_or(collection);
        let id = [collection, path]
            .iter()
            .find_map(|start| reference.strip_prefix(start)?.strip_prefix('/'))
            .or_else(|| (!reference.contains([':', '/'])).then_some(reference))?;
        let id = percent_encoding::percent_decode_str(id).decode_utf8().ok()?;
        (!id.is_empty() && !id.contains('/')).then(|| id.into_owned())
    }

    /// A way of fetching origins.
    pub fn origin_strategy(&self, id: &str) -> String {
        format!("{}/originStrategies/{}", self.base, segment(id))
    }

    /// A customer's rule for fetching origins.
    pub fn customer_origin_strategy(&self, customer: i64, id: &str) -> String {
        format!("{}/customers/{customer}/originStrategies/{}", self.base, segment(id))
    }

    /// A space of a customer.
    pub fn space(&self, customer: i64, space: i64) -> String {
        format!("{}/customers/{customer}/spaces/{space}", self.base)
    }

    /// An image.
    pub fn image(&self, at: &ImageRef) -> String {
        format!("{}/images/{}", self.space(at.customer, at.space), segment(&at.id))
    }

    /// The queue of a customer.
    pub fn queue(&self, customer: i64) -> String {
        format!("{}/customers/{customer}/queue", self.base)
    }

    /// A batch of a customer.
    pub fn batch(&self, customer: i64, batch: i64) -> String {
        format!("{}/batches/{batch}", self.queue(customer))
    }

    /// A storage policy.
    pub fn storage_policy(&self, id: &str) -> String {
        format!("{}/storagePolicies/{}", self.base, segment(id))
    }

    /// A thumbnail policy.
    pub fn thumbnail_policy(&self, id: &str) -> String {
        format!("{}/thumbnailPolicies/{}", self.base, segment(id))
    }

    /// An image optimisation policy.
    pub fn optimisation_policy(&self, id: &str) -> String {
        format!("{}/imageOptimisationPolicies/{}", self.base, segment(id))
    }

    /// The image service of an image (IIIF Image API), without `/info.json`.
    pub fn image_service(&self, at: &ImageRef) -> String {
        format!("{}/iiif-img/{}/{}/{}", self.base, at.customer, at.space, segment(&at.id))
    }

    /// The image service of the thumbnails of an image, without `/info.json`.
    pub fn thumbnail_service(&self, at: &ImageRef) -> String {
        format!("{}/thumbs/{}/{}/{}", self.base, at.customer, at.space, segment(&at.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_an_id_a_path_or_a_uri() {
        let links = Links::new("https://api.example.org/");
        let roles = links.roles(7);
        let id = |reference: &str| links.id_within(&roles, reference);
        for reference in ["a b", "a%20b", "/customers/7/roles/a%20b", "https://api.example.org/customers/7/roles/a%20b"]
        {
            assert_eq!(id(reference).as_deref(), Some("a b"), "{reference}");
        }
        for other in
            ["", "/customers/7/roles/", "/customers/7/roles/a/b", "/customers/8/roles/a", "a/b", "a%2Fb", "x:a"]
        {
            assert_eq!(id(other), None, "{other}");
        }
    }
}
