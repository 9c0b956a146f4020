//! The front door: every request passes here first and every answer last. Credentials and ownership
//! are checked before anything is looked up, every failure gets its problem, every answer its headers.

use super::{
    account,
    conditions::{Conditions, Prefer},
    document::{Operation, Route, Security, document},
    links::Links,
    problem::{self, Circumstances, Failure},
    rate::Standing,
    repeat::Change,
    session::{Inner, Session},
};
use crate::{
    App,
    domain::{self, customers, keys},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::FutureExt;
use percent_encoding::percent_decode_str;
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, OnceLock},
    time::Instant,
};

/// The request headers that answers depend on.
const VARY: &str = "Accept, Authorization, Prefer";
/// The response headers that scripts may read.
const EXPOSED: &str = "Link, Location, ETag, Content-Location, Preference-Applied, X-Request-Id, Retry-After, WWW-Authenticate, \
     Fastly-RateLimit-Remaining, Fastly-RateLimit-Reset";

/// See the module.
pub struct Front(pub Arc<App>);

impl<E: Endpoint + 'static> Middleware<E> for Front {
    type Output = FrontEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        FrontEndpoint { app: self.0.clone(), inner: Arc::new(inner) }
    }
}

/// An endpoint behind the front door.
pub struct FrontEndpoint<E> {
    app: Arc<App>,
    inner: Arc<E>,
}

impl<E: Endpoint + 'static> Endpoint for FrontEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        super::body::lingering(&mut request);
        let started = Instant::now();
        let request_id = uuid::Uuid::new_v4().to_string();
        let links = Links::new(&self.app.base.of(&request));
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let target = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let instance = links.path(target);
        let standing = OnceLock::new();
        // A panic is a fault of ours, and no reason to drop the connection.
        let outcome =
            AssertUnwindSafe(self.admit(request, &links, &method, &path, &request_id, &standing)).catch_unwind().await;
        let failed = |failure: &Failure| {
            let around = Circumstances {
                profile: self.app.profile,
                links: &links,
                instance: &instance,
                request_id: &request_id,
                method: &method,
                path: &path,
            };
            problem::response(failure, &around)
        };
        let mut response = match outcome {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => failed(&failure),
            Err(_) => failed(&Failure::Internal),
        };
        finish(response.headers_mut(), &links, &request_id);
        if account::is_path(&path) {
            // Without the database nobody knows who is calling, but clients rely on the headers.
            let lost = response.status().is_server_error() && matches!(method, Method::PUT | Method::DELETE);
            let standing = standing.get().copied().or_else(|| lost.then(|| self.app.rates.fresh()));
            finish_account(response.headers_mut(), standing);
        }
        tracing::info!(
            request_id,
            %method,
            path,
            status = response.status().as_u16(),
            elapsed_us = started.elapsed().as_micros() as u64,
            "answered"
        );
        Ok(response)
    }
}

impl<E: Endpoint + 'static> FrontEndpoint<E> {
    async fn admit(
        &self,
        mut request: Request,
        links: &Links,
        method: &Method,
        path: &str,
        request_id: &str,
        standing: &OnceLock<Standing>,
    ) -> Result<Response, Failure> {
        let route = document().route(path);
        if *method == Method::OPTIONS {
            let allow =
                route.map(Route::allow).or_else(|| super::ui::serves(path).then(|| super::ui::ALLOW.to_owned()));
            return allow.map(|allow| preflight(&allow)).ok_or(Failure::NoRoute);
        }
        let operation = route.and_then(|r| r.operation(method));
        let principal = self.authorize(request.headers(), path, operation).await?;
        if account::is_path(path) {
            self.admit_account(principal.as_ref(), method, path, standing).await?;
        }
        let (Some(route), operation) = (route, operation) else { return self.undocumented(request).await };
        let operation = operation.ok_or_else(|| Failure::Method(route.allow()))?;
        let query = pairs(request.uri().query().unwrap_or_default());
        let (arguments, schemas) = (&operation.arguments, &document().schemas);
        arguments.check_path(schemas, method, path)?;
        if !account::is_path(path) {
            arguments.check_query(schemas, &query)?;
        }
        arguments.check_headers(schemas, request.headers())?;
        let session = Session::new(Inner {
            app: self.app.clone(),
            links: links.clone(),
            principal,
            conditions: Conditions::read(request.headers(), |name| arguments.has_header(name)),
            prefer: Prefer::read(request.headers()).filter(|_| arguments.has_header("prefer")),
            query,
            path: path.to_owned(),
            plain_json: plain_json(request.headers()),
        });
        if *method == Method::HEAD {
            // The server leaves the body of the answer out, and keeps its length.
            request.set_method(Method::GET);
        }
        request.extensions_mut().insert(session.clone());
        let (inner, method) = (self.inner.clone(), method.clone());
        let carry_out = move |request| async move {
            let answer = inner.call(request).await;
            answer.map(IntoResponse::into_response).map_err(|e| problem::failure(e, &method))
        };
        match session.principal.clone() {
            Some(principal) if operation.method != Method::GET => {
                let request_id = request_id.to_owned();
                Change { operation, principal, session, request_id }.run(request, carry_out).await
            }
            _ => carry_out(request).await,
        }
    }

    /// What is served but no part of the contract: the explorer and the document itself.
    async fn undocumented(&self, mut request: Request) -> Result<Response, Failure> {
        let method = request.method().clone();
        let known = super::ui::serves(request.uri().path());
        match (known, &method) {
            (true, &Method::GET | &Method::HEAD) => {
                request.set_method(Method::GET);
                let answer = self.inner.call(request).await.map(IntoResponse::into_response);
                let answer = answer.map_err(|e| problem::failure(e, &method))?;
                if answer.status() == StatusCode::NOT_FOUND { Err(Failure::NoRoute) } else { Ok(answer) }
            }
            (true, _) => Err(Failure::Method(super::ui::ALLOW.to_owned())),
            (false, _) => Err(Failure::NoRoute),
        }
    }

    /// Who is calling, if they may call this at all (decision 2): under the path of a customer everything is
    /// closed to the keys of others, whether it exists or not.
    async fn authorize(
        &self,
        headers: &HeaderMap,
        path: &str,
        operation: Option<&Operation>,
    ) -> Result<Option<keys::Principal>, Failure> {
        let customer = path.strip_prefix("/customers/").map(|rest| rest.split('/').next().unwrap_or_default());
        let customer = customer.filter(|customer| !customer.is_empty());
        let security =
            if account::is_path(path) { Security::Required } else { operation.map_or(Security::Open, |o| o.security) };
        if customer.is_none() && security == Security::Open {
            return Ok(None);
        }
        let token = if account::is_path(path) { account::token(headers)? } else { None };
        let shown = match token {
            Some(token) => Some(token),
            None => credentials(headers)?,
        };
        let Some((id, secret)) = shown else {
            return if customer.is_none() && security == Security::Optional {
                Ok(None)
            } else {
                Err(Failure::Unauthorized("Credentials are missing: send an API key and its secret by HTTP Basic."))
            };
        };
        let principal = keys::authenticate(&self.app.db, &id, &secret).await?.ok_or(Failure::Unauthorized(
            "The credentials are not those of a key of this service: check the key and its secret.",
        ))?;
        if let Some(customer) = customer {
            self.own(&principal, customer, path, operation).await?;
        }
        Ok(Some(principal))
    }

    /// Counts what changes something, and lets nobody pass to another's account (`reference/fastly.md` §2, §7).
    async fn admit_account(
        &self,
        principal: Option<&keys::Principal>,
        method: &Method,
        path: &str,
        standing: &OnceLock<Standing>,
    ) -> Result<(), Failure> {
        let Some(principal) = principal else { return Ok(()) };
        if !matches!(*method, Method::GET | Method::HEAD) {
            let now = *standing.get_or_init(|| self.app.rates.count(&principal.key));
            if !now.allowed {
                return Err(Failure::TooMany(now.wait));
            }
        }
        let Some(id) = account::customer_of(path) else { return Ok(()) };
        if customers::get(&self.app.db, principal.customer).await?.public_id == id {
            return Ok(());
        }
        Err(domain::account::unknown(&id).into())
    }

    /// Whether the caller may act on the customer of a path. An administrator may act on all that exist.
    async fn own(
        &self,
        principal: &keys::Principal,
        customer: &str,
        path: &str,
        operation: Option<&Operation>,
    ) -> Result<(), Failure> {
        let number: Option<i64> = customer.parse().ok().filter(|n: &i64| n.to_string() == customer);
        if number == Some(principal.customer) {
            return Ok(());
        }
        if !principal.administrator {
            let detail = "The key belongs to another customer: use a key of this one.".to_owned();
            return Err(domain::Error::Forbidden(detail).into());
        }
        if let Some(fault) = operation.and_then(|o| o.arguments.customer(&document().schemas, path)) {
            return Err(domain::Error::Missing(fault.detail).into());
        }
        match number {
            Some(number) => customers::get(&self.app.db, number).await.map(drop).map_err(Into::into),
            None => Err(domain::Error::Missing("There is no such customer.".to_owned()).into()),
        }
    }
}

/// The key and secret of a request; `None` if it has none.
fn credentials(headers: &HeaderMap) -> Result<Option<(String, String)>, Failure> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let malformed = Failure::Unauthorized("The Authorization header is not `Basic` with base64 of `key:secret`.");
    let decoded = value
        .to_str()
        .ok()
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, encoded)| BASE64_STANDARD.decode(encoded.trim()).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => Ok(Some((id.to_owned(), secret.to_owned()))),
        None => Err(malformed),
    }
}

/// The parameters of a query, decoded.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Whether the caller asks for `application/json` by name and not for `application/ld+json` (decision 4).
fn plain_json(headers: &HeaderMap) -> bool {
    let mut weights = [None, None];
    for range in headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")))
            .map_or(Some(1.0), |q| q.parse().ok());
        match (name.as_str(), weight) {
            ("application/json", Some(weight)) => weights[0] = Some(f32::max(weight, weights[0].unwrap_or(0.0))),
            ("application/ld+json", Some(weight)) => weights[1] = Some(f32::max(weight, weights[1].unwrap_or(0.0))),
            _ => {}
        }
    }
    let [plain, linked] = weights.map(|weight| weight.unwrap_or(0.0));
    plain > 0.0 && linked <= 0.0
}

fn preflight(allow: &str) -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ALLOW, allow)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, allow)
        .header(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Accept, If-Match, If-None-Match, Prefer, Idempotency-Key, Fastly-Key",
        )
        .header(header::ACCESS_CONTROL_MAX_AGE, "86400")
        .finish()
}

/// The headers of every answer; see [`super::emitted::EVERY_RESPONSE`].
fn finish(headers: &mut HeaderMap, links: &Links, request_id: &str) {
    let documentation =
        format!("<{}#>; rel=\"http://www.w3.org/ns/hydra/core#apiDocumentation\"", links.path("/vocab"));
    let values = [
        (header::LINK, documentation.as_str()),
        (header::HeaderName::from_static("x-request-id"), request_id),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        (header::VARY, VARY),
    ];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

/// The further headers of every answer to Fastly's clients; see [`super::emitted`].
fn finish_account(headers: &mut HeaderMap, standing: Option<Standing>) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(standing) = standing {
        headers.insert("fastly-ratelimit-remaining", standing.remaining.into());
        headers.insert("fastly-ratelimit-reset", standing.reset.into());
    }
}

#[cfg(test)]
mod tests;
