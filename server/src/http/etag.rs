//! Entity tags (RFC 9110, section 8.8.3).

use axum::http::{HeaderMap, header};

/// Whether the browser has a response with this entity tag cached (`If-None-Match`).
#[must_use]
pub fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let cached = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cached.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
