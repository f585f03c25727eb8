//! The sounds of `/play`, with support for range requests: some browsers request the first bytes before they play a sound.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use campfire::model::{SOUNDS, Sound};
use serde::Serialize;

use crate::Site;
use crate::http::assets;

/// The sounds; no session is required.
pub fn router() -> Router<Site> {
    Router::new().route("/sounds", get(list)).route("/sounds/{file}", get(clip))
}

/// The list of sounds, for completions after `/play `.
async fn list() -> Json<Vec<Playable>> {
    Json(SOUNDS.into_iter().map(|Sound { name, caption }| Playable { name, caption }).collect())
}

#[derive(Serialize)]
struct Playable {
    name: &'static str,
    caption: &'static str,
}

async fn clip(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(clip) = file.strip_suffix(".mp3").and_then(assets::clip) else {
        return (StatusCode::NOT_FOUND, "There is no such sound.").into_response();
    };
    let mut clip_headers = HeaderMap::new();
    clip_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    clip_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=604800"));
    clip_headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let requested = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    match requested.and_then(|requested| range(requested, clip.len())) {
        Some((first, last)) => {
            let part = format!("bytes {first}-{last}/{}", clip.len());
            clip_headers.insert(header::CONTENT_RANGE, part.parse().expect("numbers are printable"));
            (StatusCode::PARTIAL_CONTENT, clip_headers, &clip[first..=last]).into_response()
        }
        None => (clip_headers, clip).into_response(),
    }
}

/// The first and the last byte of a `Range` header; `None` if it is not one satisfiable range of bytes, for which the
/// response is the whole sound.
fn range(requested: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = requested.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", count) => (length.saturating_sub(count.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<usize>().ok()?.min(end)),
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_limited_to_the_clip() {
        assert_eq!(range("bytes=0-1", 10), Some((0, 1)));
        assert_eq!(range("bytes=4-", 10), Some((4, 9)));
        assert_eq!(range("bytes=-3", 10), Some((7, 9)));
        assert_eq!(range("bytes=0-99999999", 10), Some((0, 9)));
        for odd in ["bytes=9-1", "bytes=10-", "bytes=a-b", "items=0-1", "bytes=", "bytes=0-1,3-4"] {
            assert_eq!(range(odd, 10), None, "{odd}");
        }
        assert_eq!(range("bytes=0-", 0), None);
    }
}
