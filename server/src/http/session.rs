//! What a handler knows of the request it answers: the caller, the links, the wishes.

use super::{
    conditions::{Conditions, Prefer},
    links::Links,
    problem::Failure,
};
use crate::{
    App,
    domain::{self, keys::Principal},
};
use poem::{FromRequest, Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};
use std::{ops::Deref, sync::Arc};

/// Everything about one request, gathered before it is routed.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

/// See [`Session`].
pub struct Inner {
    /// The service.
    pub app: Arc<App>,
    /// Where links start.
    pub links: Links,
    /// Who is calling, where credentials were given.
    pub principal: Option<Principal>,
    /// The conditions of the request.
    pub conditions: Conditions,
    /// How much the answer shall hold.
    pub prefer: Option<Prefer>,
    /// The query parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The path, as it came.
    pub path: String,
    /// Whether the answer shall say `application/json` of itself.
    pub plain_json: bool,
}

impl Session {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Deref for Session {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

fn of(request: &Request) -> Result<Session, Failure> {
    request.extensions().get::<Session>().cloned().ok_or(Failure::Internal)
}

impl<'a> FromRequest<'a> for Session {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Ok(of(request)?)
    }
}

/// A caller who has shown a key as Fastly's clients do, or by Basic.
pub struct AccountCaller(Caller);

impl Deref for AccountCaller {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<'a> ApiExtractor<'a> for AccountCaller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        basic(registry);
        let scheme = MetaSecurityScheme {
            ty: "apiKey",
            description: None,
            name: Some("Fastly-Key"),
            key_in: Some("header"),
            scheme: None,
            bearer_format: None,
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme("fastlyKey", scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["basic", "fastlyKey"]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Caller::from_request(request, body, options).await.map(Self)
    }
}

fn basic(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "http",
        description: None,
        name: None,
        key_in: None,
        scheme: Some("basic"),
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme("basic", scheme);
}

/// A caller who has shown a key. Stands first among the parameters of a handler.
pub struct Caller {
    session: Session,
    /// Who it is.
    pub principal: Principal,
}

impl Deref for Caller {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.session
    }
}

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        basic(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["basic"]
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let session = of(request)?;
        let principal = session.principal.clone().ok_or(Failure::Unauthorized("Credentials are missing."))?;
        Ok(Self { session, principal })
    }
}

/// A caller who has shown a key of an administrator. Stands first among the parameters of a handler.
pub struct Administrator(Caller);

impl Deref for Administrator {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<'a> ApiExtractor<'a> for Administrator {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        basic(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["basic"]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let caller = Caller::from_request(request, body, options).await?;
        if !caller.principal.administrator {
            let detail = "Only an administrator may do this: use a key of one.".to_owned();
            return Err(Failure::from(domain::Error::Forbidden(detail)).into());
        }
        Ok(Self(caller))
    }
}

/// Somebody who may have shown a key or not.
pub struct Visitor(pub Session);

impl Deref for Visitor {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl<'a> ApiExtractor<'a> for Visitor {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        basic(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["basic"]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self(of(request)?))
    }
}
