//! What the executable carries: style, scripts and WASM, compressed ahead and named by their content.

use app::shell::Assets;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::Site;

/// A file of the executable.
struct Asset {
    /// Where it stood, like `style/main.css`.
    source: &'static str,
    /// Name, hash of the content and ending, like `main-0123456789abcdef.css`.
    name: &'static str,
    content_type: &'static str,
    brotli: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The assets, for ever the same under the same name.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/assets/{name}", get(serve))
        .route("/icon/{file}", get(icon))
        .route("/robots.txt", get(async || "User-agent: *\n"))
}

/// The icon with the number of things that wait, like `/icon/3.svg`; ten stands for more than nine.
async fn icon(Path(file): Path<String>) -> Response {
    let count = file.strip_suffix(".svg").and_then(|count| count.parse::<u8>().ok()).filter(|count| *count <= 10);
    let Some(count) = count else { return StatusCode::NOT_FOUND.into_response() };
    let label = if count > 9 { "9+".to_owned() } else { count.to_string() };
    let badge = format!(
        r##"<circle cx="46" cy="46" r="18" fill="#1d4ed8"/><text x="46" y="54" font-family="sans-serif" font-size="24" font-weight="700" text-anchor="middle" fill="#fff">{label}</text></svg>"##
    );
    let plain = include_str!("../../public/icon.svg");
    let picture = if count == 0 { plain.to_owned() } else { plain.replace("</svg>", &badge) };
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (headers, picture).into_response()
}

/// Where the pages find their parts.
#[must_use]
pub fn named() -> Assets {
    Assets {
        style: url("main.css"),
        boot: url("boot.js"),
        chat: url("chat.js"),
        loader: url("campfire.js"),
        wasm: url("campfire.wasm"),
        icon: url("icon.svg"),
    }
}

/// The clip of a sound.
pub(crate) fn clip(name: &str) -> Option<&'static [u8]> {
    CLIPS.binary_search_by_key(&name, |(name, _)| name).ok().map(|index| CLIPS[index].1)
}

/// The path of what this build does not have.
const MISSING: &str = "/assets/missing";

/// The path of an asset, or [`MISSING`].
fn url(source: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.source == source).map_or(MISSING, |asset| asset.name)
}

async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name.strip_prefix("/assets/") == Some(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (encoding, body) = if accepted.contains("br") { ("br", asset.brotli) } else { ("gzip", asset.gzip) };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CONTENT_ENCODING, encoding),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "Accept-Encoding"),
    ];
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sound_has_its_clip() {
        let mut bytes = 0;
        for sound in campfire::model::SOUNDS {
            let clip = clip(sound.name).unwrap_or_else(|| panic!("{} has no clip", sound.name));
            assert!(clip.starts_with(&[0xff]), "{} is no MPEG audio", sound.name);
            bytes += clip.len();
        }
        assert_eq!(CLIPS.len(), campfire::model::SOUNDS.len());
        assert!(bytes <= 1_500_000, "{bytes} bytes");
        assert!(clip("nothing").is_none());
    }

    #[test]
    fn every_page_finds_its_style_and_icon() {
        let assets = named();
        for path in [assets.style, assets.icon] {
            assert!(path.starts_with("/assets/") && path != MISSING, "{path}");
        }
    }

    #[test]
    fn scripts_and_wasm_are_there_if_this_build_was_told_where_they_are() {
        let assets = named();
        for path in [assets.boot, assets.chat, assets.loader, assets.wasm] {
            assert_eq!(path != MISSING, option_env!("CAMPFIRE_SITE").is_some(), "{path}");
        }
    }
}
