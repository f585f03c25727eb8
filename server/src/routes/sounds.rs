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
use crate::http::range::{self, Requested};

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
    // The same for as long as the program runs: no range is one of another state.
    match range::requested(&headers, "", clip.len() as u64) {
        Requested::Part(part) => {
            let (first, end) = (part.start as usize, part.end as usize);
            let text = format!("bytes {first}-{}/{}", end - 1, clip.len());
            clip_headers.insert(header::CONTENT_RANGE, text.parse().expect("numbers are printable"));
            (StatusCode::PARTIAL_CONTENT, clip_headers, &clip[first..end]).into_response()
        }
        Requested::Whole | Requested::Unsatisfiable => (clip_headers, clip).into_response(),
    }
}
