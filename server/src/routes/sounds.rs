//! The clips of `/play`, in whole or in part: some browsers ask for the first bytes before they play any.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use campfire::model::{SOUNDS, Sound};
use serde::Serialize;

use crate::Site;
use crate::http::assets;

/// The clips, for everybody: a name is no secret.
pub fn router() -> Router<Site> {
    Router::new().route("/sounds", get(list)).route("/sounds/{file}", get(clip))
}

/// What can be played, for whoever types `/play `.
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
    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static("audio/mpeg"));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=604800"));
    answer.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let asked = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    match asked.and_then(|asked| range(asked, clip.len())) {
        Some((first, last)) => {
            let part = format!("bytes {first}-{last}/{}", clip.len());
            answer.insert(header::CONTENT_RANGE, part.parse().expect("numbers are printable"));
            (StatusCode::PARTIAL_CONTENT, answer, &clip[first..=last]).into_response()
        }
        None => (answer, clip).into_response(),
    }
}

/// The first and the last byte that `bytes=…` asks for. What is no single range of the clip is answered in whole.
fn range(asked: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
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
    fn parts_stay_within_the_clip() {
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
