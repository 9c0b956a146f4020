//! What poem-openapi emits of the API, completed by what all operations of a kind have in common: the
//! headers of every response, the failures that anything can meet, the parameters that come with an answer.

use super::{
    account::{self, AccountError},
    answer, parameters, problem,
};
use poem::{endpoint::BoxEndpoint, http::Method};
use poem_openapi::{
    OpenApi,
    registry::{MetaApi, MetaMediaType, MetaOperation, MetaPath, MetaSchemaRef, Registry},
    types::Type,
};
use std::collections::HashMap;

/// The headers that every response has.
pub const EVERY_RESPONSE: &[&str] =
    &["Link", "X-Request-Id", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"];

/// An API with what its operations have in common.
pub struct Completed<T>(pub T);

impl<T: OpenApi> OpenApi for Completed<T> {
    fn meta() -> Vec<MetaApi> {
        // Several APIs that share a path would make two entries of it.
        let mut paths: Vec<MetaPath> = Vec::new();
        for path in T::meta().into_iter().flat_map(|api| api.paths) {
            match paths.iter_mut().find(|known| known.path == path.path) {
                Some(known) => known.operations.extend(path.operations),
                None => paths.push(path),
            }
        }
        for path in &mut paths {
            let of_customer =
                path.path.starts_with("/customers/:customer") || path.path.starts_with("/customers/{customer}");
            if account::is_path(&path.path) {
                let named = account::customer_of(&path.path).is_some();
                path.operations.iter_mut().for_each(|operation| complete_account(operation, named));
                continue;
            }
            for operation in &mut path.operations {
                add_failures(operation, of_customer);
                add_parameters(operation);
                add_headers(operation);
            }
        }
        vec![MetaApi { paths }]
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {
        self.0.add_routes(table);
    }
}

fn has(operation: &MetaOperation, status: u16) -> bool {
    operation.responses.responses.iter().any(|r| r.status == Some(status))
}

/// The statuses that follow from what an operation is.
fn add_failures(operation: &mut MetaOperation, of_customer: bool) {
    let mut statuses = vec![400];
    if !operation.security.is_empty() {
        statuses.extend([401, 503]);
    }
    if of_customer {
        statuses.extend([403, 404]);
    }
    if operation.request.is_some() {
        statuses.extend([413, 415]);
    }
    if matches!(operation.method, Method::PUT | Method::PATCH | Method::DELETE) {
        statuses.push(412);
    }
    if operation.method == Method::POST && !operation.security.is_empty() {
        statuses.push(422);
    }
    for status in statuses {
        if !has(operation, status) {
            operation.responses.responses.push(problem::documented(status));
        }
    }
}

/// The schema of the body of a success.
fn answered(operation: &MetaOperation) -> Option<String> {
    let ok = operation.responses.responses.iter().find(|r| r.status == Some(200))?;
    match ok.content.first().map(|c| &c.schema) {
        Some(MetaSchemaRef::Reference(name)) => Some(name.clone()),
        _ => None,
    }
}

/// The parameters that follow from how an operation answers.
fn add_parameters(operation: &mut MetaOperation) {
    let mut headers = Vec::new();
    if has(operation, 412) {
        headers.push("If-Match");
    }
    if has(operation, 304) || has(operation, 412) {
        headers.push("If-None-Match");
    }
    if operation.responses.responses.iter().any(|r| r.headers.iter().any(|h| h.name == "Preference-Applied")) {
        headers.push("Prefer");
    }
    operation.params.extend(headers.into_iter().map(parameters::header));
    if has(operation, 422) {
        operation.params.push(parameters::idempotency_key());
    }
    if let Some(schema) =
        answered(operation).filter(|name| operation.method == Method::GET && name.ends_with("Collection"))
    {
        operation.params.extend(parameters::of_collection(&schema));
    }
}

fn add_headers(operation: &mut MetaOperation) {
    for response in &mut operation.responses.responses {
        match response.status {
            Some(401) => response.headers.push(answer::header("WWW-Authenticate", None, true)),
            Some(503) => response.headers.push(answer::header("Retry-After", None, true)),
            _ => {}
        }
        response.headers.extend(EVERY_RESPONSE.iter().map(|name| answer::header(name, None, true)));
    }
}

/// What follows from an operation being one of Fastly's; `named` are those with a customer in the path.
fn complete_account(operation: &mut MetaOperation, named: bool) {
    let write = operation.method != Method::GET;
    let mut statuses = vec![401, 503];
    if named {
        statuses.push(404);
    }
    if write {
        statuses.push(429);
    }
    match operation.method {
        Method::PUT => statuses.extend([400, 413, 415]),
        Method::DELETE => statuses.push(403),
        _ => {}
    }
    for status in statuses {
        let mut response = problem::documented(status);
        response.content = vec![MetaMediaType { content_type: "application/json", schema: AccountError::schema_ref() }];
        operation.responses.responses.push(response);
    }
    for response in &mut operation.responses.responses {
        response.headers.push(answer::header("Cache-Control", None, true));
        if write && response.status != Some(401) {
            let names = ["Fastly-RateLimit-Remaining", "Fastly-RateLimit-Reset"];
            response.headers.extend(names.map(|name| answer::header(name, None, true)));
        }
        if response.status == Some(429) {
            response.headers.push(answer::header("Retry-After", None, true));
        }
    }
    add_headers(operation);
}
