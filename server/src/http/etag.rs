//! Entity tags.

use axum::http::{HeaderMap, header};

/// Whether the browser has a response with this entity tag already (`If-None-Match`).
#[must_use]
pub fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
