//! Connecting, and what every request carries.

use std::{fmt, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use progenitor_client::{ClientHooks, OperationInfo};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::{Client, Error, Failure};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: a PUT of an image answers when the image is ingested.
const ANSWER: Duration = Duration::from_secs(120);

/// An API key and its secret. Printing it shows the key only.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The API key.
    pub key: String,
    /// Its secret.
    pub secret: String,
}

impl Credentials {
    /// A key and its secret.
    pub fn new(key: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { key: key.into(), secret: secret.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `base_url` (scheme and host, and a path where the API has one),
    /// acting for a key.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when `base_url` is no absolute http or https URL.
    pub fn connect(base_url: &str, credentials: &Credentials) -> Result<Self, Failure> {
        let scheme = HeaderValue::try_from(format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", credentials.key, credentials.secret))
        ));
        let mut basic = scheme.map_err(|error| Failure::Invalid(error.to_string()))?;
        // Keeps the secret out of logs and out of requests to other hosts.
        basic.set_sensitive(true);
        Self::build(base_url, HeaderMap::from_iter([(AUTHORIZATION, basic)]))
    }

    /// A client without credentials, for what everybody may see.
    ///
    /// # Errors
    /// [`Failure::Invalid`] when `base_url` is no absolute http or https URL.
    pub fn anonymous(base_url: &str) -> Result<Self, Failure> {
        Self::build(base_url, HeaderMap::new())
    }

    fn build(base_url: &str, headers: HeaderMap) -> Result<Self, Failure> {
        let url = reqwest::Url::parse(base_url).map_err(|error| Failure::Invalid(format!("`{base_url}`: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Failure::Invalid(format!("`{base_url}` is no http or https URL")));
        }
        let client =
            reqwest::Client::builder().default_headers(headers).connect_timeout(CONNECT).timeout(ANSWER).build();
        Ok(Self::new_with_client(
            base_url.trim_end_matches('/'),
            client.map_err(|error| Failure::Invalid(error.to_string()))?,
        ))
    }
}

/// `…_returning` methods differ from their twins in nothing but this header.
impl ClientHooks<()> for Client {
    async fn pre<E>(&self, request: &mut reqwest::Request, info: &OperationInfo) -> Result<(), Error<E>> {
        if info.operation_id.ends_with("_returning") {
            request
                .headers_mut()
                .insert(HeaderName::from_static("prefer"), HeaderValue::from_static("return=representation"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints_a_secret() {
        assert!(!format!("{:?}", Credentials::new("key", "hidden")).contains("hidden"));
    }

    #[test]
    fn refuses_what_is_no_base_url() {
        for url in ["", "example.org", "ftp://example.org", "/customers"] {
            assert!(matches!(Client::anonymous(url), Err(Failure::Invalid(_))), "{url}");
        }
    }
}
