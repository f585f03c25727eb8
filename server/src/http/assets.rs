//! Files embedded in the executable: style, scripts and WASM, compressed at build time, with content hashes in their
//! names.

use app::shell::Assets;

/// An embedded file.
pub struct Asset {
    /// Its name at build time, like `main.css`.
    source: &'static str,
    /// Its path, with the hash of its content, like `/assets/main-0123456789abcdef.css`, or that of all scripts and WASM,
    /// like `/assets/0123456789abcdef/boot.js`.
    path: &'static str,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its content, compressed with Brotli.
    pub brotli: &'static [u8],
    /// Its content, compressed with gzip.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset at this path below `/assets/`.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(path))
}

/// The service worker of this build, or the one that takes its place in an emergency; `None` if the build has no scripts.
#[must_use]
pub fn worker(is_emergency: bool) -> Option<&'static Asset> {
    let source = if is_emergency { "emergency-worker.js" } else { "service-worker.js" };
    ASSETS.iter().find(|asset| asset.source == source)
}

/// The id of this build: a hash of all its assets. `None` if it has no scripts.
#[must_use]
pub fn build() -> Option<&'static str> {
    BUILD
}

/// The paths of the assets that pages refer to.
#[must_use]
pub fn paths() -> Assets {
    Assets {
        style: path("main.css"),
        boot: path("boot.js"),
        chat: path("chat.js"),
        loader: path("campfire.js"),
        wasm: path("campfire.wasm"),
        build: BUILD,
        icon: path("icon.svg"),
        apple_icon: path("apple-touch-icon.png"),
        maskable_icon: path("icon-maskable.png"),
        monochrome_icon: path("icon-monochrome.png"),
    }
}

/// The MP3 of a sound; `None` if there is no sound of this name.
#[must_use]
pub fn clip(name: &str) -> Option<&'static [u8]> {
    CLIPS.binary_search_by_key(&name, |(name, _)| name).ok().map(|index| CLIPS[index].1)
}

/// The path of an asset that this build does not contain; requests for it get 404.
const MISSING: &str = "/assets/missing";

/// The path of an asset, or [`MISSING`].
fn path(source: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.source == source).map_or(MISSING, |asset| asset.path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn every_sound_has_a_clip() {
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
    fn every_build_contains_the_style_sheet_and_the_icon() {
        let assets = paths();
        for path in [assets.style, assets.icon, assets.apple_icon, assets.maskable_icon, assets.monochrome_icon] {
            assert!(path.starts_with("/assets/") && path != MISSING, "{path}");
        }
    }

    #[test]
    fn scripts_and_wasm_are_embedded_if_the_build_was_given_their_folder() {
        let assets = paths();
        for path in [assets.boot, assets.chat, assets.loader, assets.wasm] {
            assert_eq!(path != MISSING, option_env!("CAMPFIRE_SITE").is_some(), "{path}");
        }
        assert_eq!(build().is_some(), option_env!("CAMPFIRE_SITE").is_some());
    }

    #[test]
    fn the_service_workers_are_small_and_that_of_the_build_names_its_files() {
        let Some(build) = build() else { return };
        let mut script = String::new();
        let worker = worker(false).expect("a build with scripts has one");
        GzDecoder::new(worker.gzip).read_to_string(&mut script).unwrap();
        let assets = paths();
        for named in [build, assets.style, assets.boot, assets.chat, assets.loader, assets.wasm, assets.icon] {
            assert!(script.contains(&format!("{named:?}")), "{named}");
        }
        assert!(!script.contains("-worker.js\""), "a worker keeps no worker");
        assert!(worker.brotli.len() <= 8_000, "{} bytes", worker.brotli.len());
        assert!(super::worker(true).is_some_and(|worker| worker.brotli.len() <= 500));
    }

    #[test]
    fn the_style_sheet_has_every_rule_of_its_files_and_no_comments() {
        let asset = ASSETS.iter().find(|asset| asset.source == "main.css").expect("every build contains it");
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
        assert_eq!(rest, 0, "nothing is between the files");
    }
}
