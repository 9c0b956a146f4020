//! Swagger UI on the canonical document.

use super::document::BUNDLE;
use poem::{
    Endpoint, IntoEndpoint, Request, Response, Route,
    endpoint::make_sync,
    http::{StatusCode, header},
};
use std::sync::Arc;
use utoipa_swagger_ui::{Config, serve};
use xxhash_rust::xxh3::xxh3_64;

/// Where the document is served.
const DOCUMENT: &str = "/openapi.json";
/// The script of the explorer that starts it.
const INITIALIZER: &str = "swagger-initializer.js";
/// Where the explorer is served.
const EXPLORER: &str = "/docs";

/// What the explorer does otherwise than it would.
const ADAPTED: &str = include_str!("explorer.js");

/// The methods of both.
pub const ALLOW: &str = "GET, HEAD, OPTIONS";

/// Whether a path is one of the explorer's.
pub fn serves(path: &str) -> bool {
    path == DOCUMENT || path == EXPLORER || path.starts_with("/docs/")
}

/// The routes of the explorer, with everything else behind them.
pub fn around(api: impl IntoEndpoint<Endpoint: 'static>) -> Route {
    Route::new()
        .at(DOCUMENT, make_sync(|request: Request| file(&request, "application/json", "no-cache", BUNDLE.as_bytes())))
        .nest(EXPLORER, explorer())
        .nest_no_strip("/", api)
}

fn explorer() -> impl Endpoint<Output = Response> {
    let config = Arc::new(
        Config::from(DOCUMENT)
            .try_it_out_enabled(true)
            .filter(true)
            .deep_linking(true)
            .display_request_duration(true)
            .display_operation_id(true)
            .persist_authorization(true)
            .default_models_expand_depth(0)
            .doc_expansion("list")
            .validator_url("none"),
    );
    make_sync(move |request: Request| {
        let tail = request.uri().path().trim_start_matches('/').to_owned();
        if tail.is_empty() && !request.original_uri().path().ends_with('/') {
            // The page links to its parts relative to a path that ends in a slash.
            return Response::builder()
                .status(StatusCode::PERMANENT_REDIRECT)
                .header(header::LOCATION, format!("{EXPLORER}/"))
                .finish();
        }
        match serve(&tail, config.clone()) {
            Ok(Some(found)) => {
                let fixed = !matches!(tail.as_str(), "" | "index.html" | INITIALIZER);
                let cache = if fixed { "public, max-age=86400" } else { "no-cache" };
                let bytes = if tail == INITIALIZER { adapted(&found.bytes) } else { found.bytes.into_owned() };
                file(&request, &found.content_type, cache, &bytes)
            }
            Ok(None) => StatusCode::NOT_FOUND.into(),
            Err(error) => {
                tracing::error!(%error, "serving the explorer");
                StatusCode::INTERNAL_SERVER_ERROR.into()
            }
        }
    })
}

/// The script that starts the explorer, with ours in it.
fn adapted(script: &[u8]) -> Vec<u8> {
    let script = String::from_utf8_lossy(script)
        .replace("SwaggerUIBundle.plugins.DownloadUrl", "SwaggerUIBundle.plugins.DownloadUrl, Typed")
        .replace("presets: [", "requestInterceptor: omitting,\n    presets: [");
    format!("{ADAPTED}{script}").into_bytes()
}

fn file(request: &Request, content_type: &str, cache: &str, bytes: &[u8]) -> Response {
    let tag = format!("\"{:016x}\"", xxh3_64(bytes));
    let known = request.header("if-none-match") == Some(&tag);
    let answer = Response::builder()
        .header(header::ETAG, tag)
        .header(header::CACHE_CONTROL, cache)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if known {
        return answer.status(StatusCode::NOT_MODIFIED).finish();
    }
    answer.content_type(content_type).body(bytes.to_vec())
}
