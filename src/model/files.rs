//! Files: what people attach to messages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ClientMessageId;
use super::text::is_invisible;
use crate::AppError;

/// How many files a message has at most.
pub const MAX_FILES: usize = 10;

/// The largest body of a request that continues an upload, in bytes: 8 MiB.
pub const MAX_PIECE_BYTES: u64 = 8 * 1024 * 1024;

/// The longest name of a file, in bytes of UTF-8: what most file systems take.
const MAX_NAME_BYTES: usize = 255;

/// Pictures are previewed in half their pixels, so that they are sharp on dense screens; see [`Attachment::shown_size`].
const PREVIEW_BOUNDS: (u32, u32) = (1_200, 800);

/// The id that a browser assigns to an upload before it begins: a UUID as of a message, so that a repeated request begins
/// the same upload.
pub type ClientUploadId = ClientMessageId;

/// The key of a stored file, and the id of the upload that it came by: the 32 hexadecimal digits of a version 4 UUID, of
/// which 122 bits are random.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
#[serde(try_from = "String")]
pub struct FileKey(String);

impl FileKey {
    /// The key of these random bits.
    #[must_use]
    pub fn new(randomness: [u8; 16]) -> Self {
        Self(super::hex(&randomness))
    }

    /// The 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Parses the key in a URL. Anything else is `NotFound`, as no file can have it.
impl FromStr for FileKey {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let is_key = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_key { Ok(Self(text.to_owned())) } else { Err(AppError::NotFound) }
    }
}

impl TryFrom<String> for FileKey {
    type Error = AppError;

    fn try_from(text: String) -> Result<Self, AppError> {
        text.parse()
    }
}

/// The name of a file as it is shown and downloaded: never empty, at most 255 bytes, without characters that mean
/// something in paths or hide what the name is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
#[serde(from = "String")]
pub struct FileName(String);

impl FileName {
    /// The name that a file was sent with, cleaned: characters of paths and control characters become `-`, invisible ones
    /// (direction overrides among them) go, and a name that is too long is cut before its extension.
    #[must_use]
    pub fn clean(given: &str) -> Self {
        // Browsers send bare names; other programs send paths.
        let last = given.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
        let mut name = String::with_capacity(last.len());
        for c in last.chars() {
            match c {
                '/' | '\\' | ':' | '|' | '<' | '>' | '?' | '*' | '"' | '%' | '$' | ';' => name.push('-'),
                c if c.is_control() => name.push('-'),
                c if is_invisible(c) && c != ' ' => {}
                c => name.push(c),
            }
        }
        let name = name.trim().trim_end_matches('.');
        let name = if name.trim_matches('.').is_empty() { "file" } else { name };
        Self(shortened(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last dot, in lower case; empty without one.
    #[must_use]
    pub fn extension(&self) -> String {
        self.0.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default()
    }
}

impl From<String> for FileName {
    fn from(given: String) -> Self {
        Self::clean(&given)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name of at most [`MAX_NAME_BYTES`]; its extension is kept unless that is long itself.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let extension = name.rfind('.').map(|at| &name[at..]).filter(|extension| extension.len() <= 16).unwrap_or_default();
    let mut end = MAX_NAME_BYTES - extension.len();
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", name[..end].trim_end())
}

/// A file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its key in the store and in URLs.
    pub key: FileKey,
    /// Its name as given, cleaned.
    pub name: FileName,
    /// Its size, in bytes.
    pub bytes: i64,
    /// Its media type, found from its bytes.
    pub content_type: String,
    /// Width and height in pixels, upright, of a picture or the poster of a video; `None` if they are not known.
    pub size: Option<(u32, u32)>,
    /// The main colour of its preview, like `#a1b2c3`: shown until the preview has loaded.
    pub color: Option<String>,
    /// Whether there is a preview.
    pub has_preview: bool,
}

impl Attachment {
    /// How a message shows it.
    #[must_use]
    pub fn form(&self) -> FileForm {
        FileForm::of(&self.content_type)
    }

    /// Width and height of its preview in a message, in CSS pixels: half of what [`PREVIEW_BOUNDS`] leave of the picture.
    #[must_use]
    pub fn shown_size(&self) -> Option<(u32, u32)> {
        let (width, height) = self.size.filter(|(width, height)| *width > 0 && *height > 0)?;
        let (max_width, max_height) = PREVIEW_BOUNDS;
        let scale = (f64::from(max_width) / f64::from(width)).min(f64::from(max_height) / f64::from(height)).min(1.0);
        let halved = |pixels: u32| ((f64::from(pixels) * scale / 2.0).round().max(1.0)) as u32;
        Some((halved(width), halved(height)))
    }
}

/// How a message shows a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileForm {
    /// A picture, as soon as it has a preview; a row until then, and for good if none can be made.
    Picture,
    /// A player.
    Video,
    /// A player without a picture.
    Audio,
    /// A row with name and size.
    Other,
}

impl FileForm {
    /// The form of files of a media type.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        match content_type.split_once('/').map_or("", |(kind, _)| kind) {
            "image" if is_previewed_type(content_type) => Self::Picture,
            "video" => Self::Video,
            "audio" => Self::Audio,
            _ => Self::Other,
        }
    }
}

/// Whether previews are made of files of this type: the four formats with a decoder that is allowed to read them.
#[must_use]
pub fn is_previewed_type(content_type: &str) -> bool {
    matches!(content_type, "image/jpeg" | "image/png" | "image/gif" | "image/webp")
}

/// An upload and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id, and the key of the file that it becomes.
    pub key: FileKey,
    /// The name of the file.
    pub name: FileName,
    /// The announced size, in bytes.
    pub bytes: u64,
    /// How many bytes have arrived.
    pub offset: u64,
    /// Whether the file is complete and stored, so that a message can have it.
    pub is_complete: bool,
}

/// A number of bytes for people, like `1.2 MB`: thousands, as file managers count.
#[must_use]
pub fn size_text(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    let bytes = bytes.clamp(0, i64::MAX - 1_000);
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut tenths = (bytes + 50) / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1_000;
        unit += 1;
    }
    let whole = tenths / 10;
    if whole >= 10 || tenths % 10 == 0 {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    } else {
        format!("{whole}.{} {}", tenths % 10, UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_means_something_in_paths_or_hides_them() {
        for (given, clean) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\Ada\\photo.jpg", "photo.jpg"),
            ("a\u{202e}gpj.exe", "agpj.exe"),
            ("a\u{0}b\r\nc\td.txt", "a-b--c-d.txt"),
            ("what? <x>|y:*.\"z\"", "what- -x--y--.-z-"),
            ("", "file"),
            ("..", "file"),
            (" . ", "file"),
            ("\u{3164}\u{200b}", "file"),
            ("名前 α.png", "名前 α.png"),
            ("trailing. ", "trailing"),
            (".gitignore", ".gitignore"),
            ("folder/", "folder"),
        ] {
            assert_eq!(FileName::clean(given).as_str(), clean, "{given:?}");
        }
    }

    #[test]
    fn long_names_keep_their_extension() {
        let long = FileName::clean(&format!("{}.jpeg", "é".repeat(200)));
        assert!(long.as_str().len() <= 255 && long.as_str().ends_with("é.jpeg"), "{long}");
        assert_eq!(FileName::clean(&"a".repeat(255)).as_str().len(), 255);
        assert_eq!(FileName::clean(&"a".repeat(256)).as_str().len(), 255);
        assert_eq!(FileName::clean(&format!("a.{}", "b".repeat(300))).as_str().len(), 255);
        assert_eq!(long.extension(), "jpeg");
        assert_eq!(FileName::clean("Makefile").extension(), "");
    }

    #[test]
    fn only_keys_are_keys() {
        let key = FileKey::new([0xab; 16]);
        assert_eq!(key.as_str().parse(), Ok(key.clone()));
        for text in ["", "ab", &"AB".repeat(16), &"ab".repeat(17), &"../".repeat(11)[..32], &"é".repeat(16)] {
            assert_eq!(text.parse::<FileKey>(), Err(AppError::NotFound), "{text:?}");
        }
    }

    #[test]
    fn pictures_are_shown_in_half_their_pixels() {
        let shown = |size| {
            let key = FileKey::new([0; 16]);
            let name = FileName::clean("x");
            let content_type = "image/png".to_owned();
            Attachment { key, name, bytes: 1, content_type, size, color: None, has_preview: true }.shown_size()
        };
        assert_eq!(shown(Some((2_400, 800))), Some((600, 200)));
        assert_eq!(shown(Some((100, 60))), Some((50, 30)));
        assert_eq!(shown(Some((1, 16_384))), Some((1, 400)));
        assert_eq!(shown(Some((0, 3))), None);
        assert_eq!(shown(None), None);
    }

    #[test]
    fn sizes_have_two_digits_and_a_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 KB"),
            (1_250, "1.3 KB"),
            (9_949, "9.9 KB"),
            (10_400, "10 KB"),
            (999_400, "999 KB"),
            (999_999, "1 MB"),
            (1_250_000, "1.3 MB"),
            (104_857_600, "105 MB"),
            (3_000_000_000, "3 GB"),
            (i64::MAX, "9223372 TB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
