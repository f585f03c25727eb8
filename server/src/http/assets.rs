//! Files embedded in the executable: style, scripts and WASM, compressed at build time and named by their content.

use app::shell::Assets;

/// An embedded file.
pub struct Asset {
    /// Its name at build time, like `main.css`.
    source: &'static str,
    /// Its path, with the hash of its content, like `/assets/main-0123456789abcdef.css`.
    pub name: &'static str,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The content in brotli.
    pub brotli: &'static [u8],
    /// The content in gzip.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset of this name under `/assets/`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name.strip_prefix("/assets/") == Some(name))
}

/// The paths of the assets that pages refer to.
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

/// The MP3 of a sound.
#[must_use]
pub fn clip(name: &str) -> Option<&'static [u8]> {
    CLIPS.binary_search_by_key(&name, |(name, _)| name).ok().map(|index| CLIPS[index].1)
}

/// The path of an asset that this build does not have; it answers 404.
const MISSING: &str = "/assets/missing";

/// The path of an asset, or [`MISSING`].
fn url(source: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.source == source).map_or(MISSING, |asset| asset.name)
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
    fn pages_find_their_style_and_icon() {
        let assets = named();
        for path in [assets.style, assets.icon] {
            assert!(path.starts_with("/assets/") && path != MISSING, "{path}");
        }
    }

    #[test]
    fn scripts_and_wasm_are_embedded_if_the_build_was_given_their_folder() {
        let assets = named();
        for path in [assets.boot, assets.chat, assets.loader, assets.wasm] {
            assert_eq!(path != MISSING, option_env!("CAMPFIRE_SITE").is_some(), "{path}");
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
