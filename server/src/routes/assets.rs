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
    let plain = include_str!("../../../public/icon.svg");
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

/// The path of an asset, or one that leads nowhere when this build has none of that name.
fn url(source: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.source == source).map_or("/assets/missing", |asset| asset.name)
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
    use std::fs;
    use std::io::Read as _;

    use flate2::read::GzDecoder;

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
    fn every_page_finds_its_style_and_script() {
        let assets = named();
        for path in [assets.style, assets.boot, assets.chat, assets.icon] {
            assert!(path.starts_with("/assets/") && path != "/assets/missing", "{path}");
        }
    }

    #[test]
    fn the_style_sheet_has_every_rule_of_its_files_and_no_comments() {
        let asset = ASSETS.iter().find(|asset| asset.source == "main.css").expect("every build has it");
        let mut sheet = String::new();
        GzDecoder::new(asset.gzip).read_to_string(&mut sheet).unwrap();
        assert!(!sheet.contains("/*"));

        let mut rest = sheet.len();
        for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../style")).unwrap() {
            let path = file.unwrap().path();
            let mut in_comment = false;
            let mut rules = String::new();
            for line in fs::read_to_string(&path).unwrap().lines().map(str::trim).filter(|line| !line.is_empty()) {
                in_comment |= line.starts_with("/*");
                if !in_comment {
                    rules += line;
                    rules.push('\n');
                }
                in_comment &= !line.ends_with("*/");
            }
            assert_eq!(sheet.matches(&rules).count(), 1, "{}", path.display());
            rest -= rules.len();
        }
        assert_eq!(rest, 0, "nothing stands between the files");
    }
}
