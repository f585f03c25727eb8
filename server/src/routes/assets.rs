//! Embedded assets, the service worker, the icon, and `robots.txt`.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use campfire::model::paths;
use campfire::ops;
use campfire::state::AppState;

use crate::Site;
use crate::http::assets::Asset;
use crate::http::path::PageQuery;
use crate::http::{assets, encoding};

/// The embedded files. Paths contain content hashes, so responses are immutable.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/assets/{*path}", get(serve))
        .route(paths::WORKER, get(worker))
        .route("/icon/{file}", get(icon))
        .route("/robots.txt", get(async || "User-agent: *\n"))
}

/// The icon with a count, like `/icon/3.svg`; 10 is shown as "9+". With the version of the logo in the query it is the
/// logo, if the account has one.
async fn icon(State(state): State<AppState>, Path(file): Path<String>, Query(query): PageQuery) -> Response {
    let count = file.strip_suffix(".svg").and_then(|count| count.parse::<u8>().ok()).filter(|count| *count <= 10);
    let Some(count) = count else { return StatusCode::NOT_FOUND.into_response() };
    let label = if count > 9 { "9+".to_owned() } else { count.to_string() };
    let logo =
        if query.contains_key("v") { ops::avatars::logo(&state, ops::avatars::LOGO_SIDES[0]).await } else { Ok(None) };
    let badge = format!(
        r##"<circle cx="46" cy="46" r="18" fill="#1d4ed8"/><text x="46" y="54" font-family="sans-serif" font-size="24" font-weight="700" text-anchor="middle" fill="#fff">{label}</text></svg>"##
    );
    let plain = match logo {
        Ok(Some((_, png))) => format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><image href="data:image/png;base64,{}" width="64" height="64"/></svg>"#,
            STANDARD.encode(png)
        ),
        Ok(None) | Err(_) => include_str!("../../../public/icon.svg").to_owned(),
    };
    let svg = if count == 0 { plain } else { plain.replace("</svg>", &badge) };
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, svg).into_response()
}

async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::find(&path) else { return StatusCode::NOT_FOUND.into_response() };
    answer(asset, &headers, "public, max-age=31536000, immutable")
}

/// The service worker. Browsers ask for it at every visit, and get the new one as soon as there is another build.
async fn worker(State(site): State<Site>, headers: HeaderMap) -> Response {
    match assets::worker(site.has_emergency_worker) {
        Some(asset) => answer(asset, &headers, "no-cache"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn answer(asset: &'static Asset, headers: &HeaderMap, caching: &'static str) -> Response {
    let (encoding, body) = if encoding::accepts(headers, "br") { ("br", asset.brotli) } else { ("gzip", asset.gzip) };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CONTENT_ENCODING, encoding),
        (header::CACHE_CONTROL, caching),
        (header::VARY, "Accept-Encoding"),
    ];
    (headers, body).into_response()
}
