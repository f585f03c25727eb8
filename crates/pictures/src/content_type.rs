//! The type of a file, and how it may be served.
//!
//! A type is found from the bytes. Where those say only what the file is packed in (a ZIP archive), or nothing (text),
//! the extension of its name says the rest; it can never make a picture, a page or a script of a file.
//!
//! Types that a browser executes are never given, whatever bytes and name say: HTML, XHTML, SVG, XML, MathML,
//! PostScript, Flash, cache manifests, scripts and style sheets. Their files are [`ContentType::UNKNOWN`]. With
//! `X-Content-Type-Options: nosniff`, a browser then neither shows nor executes them.

use std::fmt;

/// Bytes of a file's beginning that [`sniff`] looks at. More are ignored, and fewer find fewer types.
pub const HEAD_BYTES: usize = 512;

/// One of the types that files are served with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentType(&'static str);

/// How a browser is told to treat a file that it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It may be shown.
    Inline,
    /// It may only be saved.
    Attachment,
}

impl Disposition {
    /// The first word of the header `Content-Disposition`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inline => "inline",
            Self::Attachment => "attachment",
        }
    }
}

impl ContentType {
    /// Any bytes: they can only be saved.
    pub const UNKNOWN: Self = Self("application/octet-stream");

    const JPEG: Self = Self("image/jpeg");
    const PNG: Self = Self("image/png");
    const GIF: Self = Self("image/gif");
    const WEBP: Self = Self("image/webp");
    const AVIF: Self = Self("image/avif");
    const HEIC: Self = Self("image/heic");
    const HEIF: Self = Self("image/heif");
    const TIFF: Self = Self("image/tiff");
    const BMP: Self = Self("image/bmp");
    const PSD: Self = Self("image/vnd.adobe.photoshop");
    const ICO: Self = Self("image/vnd.microsoft.icon");
    const JXL: Self = Self("image/jxl");

    const MP4: Self = Self("video/mp4");
    const QUICKTIME: Self = Self("video/quicktime");
    const VIDEO_3GPP: Self = Self("video/3gpp");
    const WEBM: Self = Self("video/webm");
    const MATROSKA: Self = Self("video/x-matroska");
    const AVI: Self = Self("video/x-msvideo");
    const OGG_VIDEO: Self = Self("video/ogg");

    const MPEG_AUDIO: Self = Self("audio/mpeg");
    const MP4_AUDIO: Self = Self("audio/mp4");
    const AAC: Self = Self("audio/aac");
    const OGG_AUDIO: Self = Self("audio/ogg");
    const WEBM_AUDIO: Self = Self("audio/webm");
    const WAV: Self = Self("audio/wav");
    const FLAC: Self = Self("audio/flac");
    const AIFF: Self = Self("audio/aiff");
    const AMR: Self = Self("audio/amr");
    const MIDI: Self = Self("audio/midi");

    const PDF: Self = Self("application/pdf");
    const ZIP: Self = Self("application/zip");
    const GZIP: Self = Self("application/gzip");
    const BZIP2: Self = Self("application/x-bzip2");
    const XZ: Self = Self("application/x-xz");
    const ZSTD: Self = Self("application/zstd");
    const SEVEN_ZIP: Self = Self("application/x-7z-compressed");
    const RAR: Self = Self("application/vnd.rar");
    const TAR: Self = Self("application/x-tar");
    const OLE: Self = Self("application/x-ole-storage");
    const RTF: Self = Self("application/rtf");

    /// All types: what is stored as text is one of these, or was stored by another version.
    const ALL: &[Self] = &[
        Self::UNKNOWN,
        Self::JPEG,
        Self::PNG,
        Self::GIF,
        Self::WEBP,
        Self::AVIF,
        Self::HEIC,
        Self::HEIF,
        Self::TIFF,
        Self::BMP,
        Self::PSD,
        Self::ICO,
        Self::JXL,
        Self::MP4,
        Self::QUICKTIME,
        Self::VIDEO_3GPP,
        Self::WEBM,
        Self::MATROSKA,
        Self::AVI,
        Self::OGG_VIDEO,
        Self::MPEG_AUDIO,
        Self::MP4_AUDIO,
        Self::AAC,
        Self::OGG_AUDIO,
        Self::WEBM_AUDIO,
        Self::WAV,
        Self::FLAC,
        Self::AIFF,
        Self::AMR,
        Self::MIDI,
        Self::PDF,
        Self::ZIP,
        Self::GZIP,
        Self::BZIP2,
        Self::XZ,
        Self::ZSTD,
        Self::SEVEN_ZIP,
        Self::RAR,
        Self::TAR,
        Self::OLE,
        Self::RTF,
    ];

    /// A type as it was stored; [`Self::UNKNOWN`] for a text that is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let by_extension = [TEXTS, ZIPPED, OLE_FILES].into_iter().flatten().map(|&(_, known)| known);
        Self::ALL.iter().copied().chain(by_extension).find(|known| known.0 == text).unwrap_or(Self::UNKNOWN)
    }

    /// The type as in the header `Content-Type`, without parameters.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// How a file of this type is served.
    ///
    /// Shown are pictures that browsers and their viewers decode, PDF, and what the players of a page play: none of them
    /// can run a script of this origin.
    #[must_use]
    pub fn disposition(self) -> Disposition {
        let shown = [
            Self::PNG,
            Self::JPEG,
            Self::GIF,
            Self::WEBP,
            Self::AVIF,
            Self::TIFF,
            Self::BMP,
            Self::PSD,
            Self::ICO,
            Self::PDF,
        ];
        if shown.contains(&self) || self.is_video() || self.is_audio() {
            Disposition::Inline
        } else {
            Disposition::Attachment
        }
    }

    /// True for the types of [`crate::Format`], of which previews are made.
    #[must_use]
    pub fn is_picture(self) -> bool {
        [Self::JPEG, Self::PNG, Self::GIF, Self::WEBP].contains(&self)
    }

    /// True for what is played in a video player.
    #[must_use]
    pub fn is_video(self) -> bool {
        self.0.starts_with("video/")
    }

    /// True for what is played in an audio player.
    #[must_use]
    pub fn is_audio(self) -> bool {
        self.0.starts_with("audio/")
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Extensions and the types they stand for.
type Extensions = &'static [(&'static str, ContentType)];

/// Of files whose bytes are not recognised. None of these is shown or executed by a browser.
const TEXTS: Extensions = &[
    ("txt", ContentType("text/plain")),
    ("text", ContentType("text/plain")),
    ("log", ContentType("text/plain")),
    ("md", ContentType("text/markdown")),
    ("markdown", ContentType("text/markdown")),
    ("csv", ContentType("text/csv")),
    ("tsv", ContentType("text/tab-separated-values")),
    ("ics", ContentType("text/calendar")),
    ("vcf", ContentType("text/vcard")),
    ("json", ContentType("application/json")),
    ("yaml", ContentType("application/yaml")),
    ("yml", ContentType("application/yaml")),
    ("toml", ContentType("application/toml")),
    ("eml", ContentType("message/rfc822")),
];

/// Of ZIP archives.
const ZIPPED: Extensions = &[
    ("docx", ContentType("application/vnd.openxmlformats-officedocument.wordprocessingml.document")),
    ("xlsx", ContentType("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
    ("pptx", ContentType("application/vnd.openxmlformats-officedocument.presentationml.presentation")),
    ("odt", ContentType("application/vnd.oasis.opendocument.text")),
    ("ods", ContentType("application/vnd.oasis.opendocument.spreadsheet")),
    ("odp", ContentType("application/vnd.oasis.opendocument.presentation")),
    ("epub", ContentType("application/epub+zip")),
];

/// Of Microsoft's compound files.
const OLE_FILES: Extensions = &[
    ("doc", ContentType("application/msword")),
    ("xls", ContentType("application/vnd.ms-excel")),
    ("ppt", ContentType("application/vnd.ms-powerpoint")),
    ("msg", ContentType("application/vnd.ms-outlook")),
];

/// Bytes that a file begins with, at an offset.
const SIGNATURES: &[(usize, &[u8], ContentType)] = &[
    (0, b"\xff\xd8\xff", ContentType::JPEG),
    (0, b"\x89PNG\r\n\x1a\n", ContentType::PNG),
    (0, b"GIF87a", ContentType::GIF),
    (0, b"GIF89a", ContentType::GIF),
    (0, b"II*\0", ContentType::TIFF),
    (0, b"MM\0*", ContentType::TIFF),
    (0, b"8BPS\0\x01", ContentType::PSD),
    (0, b"\xff\x0a", ContentType::JXL),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", ContentType::JXL),
    (0, b"ID3", ContentType::MPEG_AUDIO),
    (0, b"\xff\xf1", ContentType::AAC),
    (0, b"\xff\xf9", ContentType::AAC),
    (0, b"fLaC", ContentType::FLAC),
    (0, b"#!AMR", ContentType::AMR),
    (0, b"MThd\0\0\0\x06", ContentType::MIDI),
    (0, b"%PDF-", ContentType::PDF),
    (0, b"PK\x03\x04", ContentType::ZIP),
    (0, b"PK\x05\x06", ContentType::ZIP),
    (0, b"PK\x07\x08", ContentType::ZIP),
    (0, b"\x1f\x8b\x08", ContentType::GZIP),
    (0, b"BZh", ContentType::BZIP2),
    (0, b"\xfd7zXZ\0", ContentType::XZ),
    (0, b"\x28\xb5\x2f\xfd", ContentType::ZSTD),
    (0, b"7z\xbc\xaf\x27\x1c", ContentType::SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", ContentType::RAR),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ContentType::OLE),
    (0, b"{\\rtf", ContentType::RTF),
    (257, b"ustar", ContentType::TAR),
];

/// What pages, drawings and programs for a browser begin with, behind blanks and in any case. Most are those by which
/// browsers recognise HTML and XML (WHATWG, MIME Sniffing, section 7.1).
const EXECUTED: &[&[u8]] = &[
    b"<!doctype",
    b"<html",
    b"<head",
    b"<body",
    b"<script",
    b"<iframe",
    b"<style",
    b"<title",
    b"<table",
    b"<?xml",
    b"<svg",
    b"<math",
    b"<!--",
    b"%!ps",
    b"fws",
    b"cws",
    b"zws",
    b"cache manifest",
];

/// The type of a file that begins with `head` ([`HEAD_BYTES`] of it) and is called `name`.
#[must_use]
pub fn sniff(head: &[u8], name: &str) -> ContentType {
    let head = &head[..head.len().min(HEAD_BYTES)];
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let refined = |types: Extensions, otherwise| {
        types.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map_or(otherwise, |&(_, known)| known)
    };
    match of_bytes(head, extension) {
        Some(ContentType::ZIP) => refined(ZIPPED, ContentType::ZIP),
        Some(ContentType::OLE) => refined(OLE_FILES, ContentType::OLE),
        Some(known) => known,
        None if is_executed(head) => ContentType::UNKNOWN,
        None => refined(TEXTS, ContentType::UNKNOWN),
    }
}

fn is_executed(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    EXECUTED.iter().any(|begin| text.get(..begin.len()).is_some_and(|text| text.eq_ignore_ascii_case(begin)))
}

fn of_bytes(head: &[u8], extension: &str) -> Option<ContentType> {
    let has = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    let by_signature = SIGNATURES.iter().find(|(offset, bytes, _)| has(*offset, bytes)).map(|&(.., known)| known);
    by_signature
        .or_else(|| of_riff(head))
        .or_else(|| of_boxes(head, extension))
        .or_else(|| of_ogg(head))
        .or_else(|| of_matroska(head, extension))
        .or_else(|| is_bitmap(head).then_some(ContentType::BMP))
        .or_else(|| is_icon(head).then_some(ContentType::ICO))
        .or_else(|| is_mp3_frame(head).then_some(ContentType::MPEG_AUDIO))
}

/// RIFF, and Apple's older form of it.
fn of_riff(head: &[u8]) -> Option<ContentType> {
    match (head.get(..4)?, head.get(8..12)?) {
        (b"RIFF", b"WEBP") => Some(ContentType::WEBP),
        (b"RIFF", b"WAVE") => Some(ContentType::WAV),
        (b"RIFF", b"AVI ") => Some(ContentType::AVI),
        (b"FORM", b"AIFF" | b"AIFC") => Some(ContentType::AIFF),
        _ => None,
    }
}

/// The family of MP4 (ISO/IEC 14496-12): the brand says what is in it.
fn of_boxes(head: &[u8], extension: &str) -> Option<ContentType> {
    let kind = head.get(4..8)?;
    // QuickTime before it had brands.
    if matches!(kind, b"moov" | b"mdat" | b"wide" | b"free" | b"skip") {
        return extension.eq_ignore_ascii_case("mov").then_some(ContentType::QUICKTIME);
    }
    if kind != b"ftyp" {
        return None;
    }
    let length = u32::from_be_bytes(head.get(..4)?.try_into().ok()?);
    let end = head.len().min(usize::try_from(length).ok()?);
    let brands = || head.get(8..12).into_iter().chain(head.get(16..end).into_iter().flat_map(|rest| rest.chunks(4)));
    brands().find_map(|brand| match brand {
        b"avif" | b"avis" => Some(ContentType::AVIF),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => Some(ContentType::HEIC),
        // Says only that it is a picture; the codec's brand may follow.
        b"mif1" | b"msf1" if !brands().any(|brand| matches!(brand, b"avif" | b"avis" | b"heic" | b"heix")) => {
            Some(ContentType::HEIF)
        }
        b"qt  " => Some(ContentType::QUICKTIME),
        b"M4A " | b"M4B " | b"M4P " => Some(ContentType::MP4_AUDIO),
        [b'3', b'g', ..] => Some(ContentType::VIDEO_3GPP),
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4VP" | b"M4VH"
        | b"dash" | b"mmp4" | b"MSNV" | b"f4v " => {
            Some(if extension.eq_ignore_ascii_case("m4a") { ContentType::MP4_AUDIO } else { ContentType::MP4 })
        }
        _ => None,
    })
}

/// Ogg (RFC 3533): the first packet names the codec.
fn of_ogg(head: &[u8]) -> Option<ContentType> {
    if !head.starts_with(b"OggS") {
        return None;
    }
    let packet = head.get(28..)?;
    let is = |begin: &[u8]| packet.starts_with(begin);
    if is(b"\x80theora") {
        Some(ContentType::OGG_VIDEO)
    } else if is(b"\x01vorbis") || is(b"OpusHead") || is(b"\x7fFLAC") || is(b"Speex   ") {
        Some(ContentType::OGG_AUDIO)
    } else {
        None
    }
}

/// Matroska (RFC 9559), of which WebM is a part: the type of the document is near the beginning.
fn of_matroska(head: &[u8], extension: &str) -> Option<ContentType> {
    if !head.starts_with(b"\x1a\x45\xdf\xa3") {
        return None;
    }
    let begin = &head[..head.len().min(64)];
    let has = |name: &[u8]| begin.windows(name.len()).any(|window| window == name);
    if has(b"webm") {
        Some(if extension.eq_ignore_ascii_case("weba") { ContentType::WEBM_AUDIO } else { ContentType::WEBM })
    } else {
        has(b"matroska").then_some(ContentType::MATROSKA)
    }
}

/// `BM` begins many texts, too: the reserved bytes and the length of the second header are looked at.
fn is_bitmap(head: &[u8]) -> bool {
    head.starts_with(b"BM")
        && head.get(6..10) == Some(&[0; 4])
        && matches!(head.get(14..18), Some([12 | 16 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]))
}

/// An icon: reserved, its kind, the count of pictures, and of the first one the reserved byte.
fn is_icon(head: &[u8]) -> bool {
    matches!(head, [0, 0, 1, 0, count, 0, _, _, _, 0, ..] if *count > 0)
}

/// The header of an MPEG frame of layer III, with a bit rate and a sample rate that exist.
fn is_mp3_frame(head: &[u8]) -> bool {
    match head {
        [0xff, 0xe2 | 0xe3 | 0xf2 | 0xf3 | 0xfa | 0xfb, rates, ..] => {
            !matches!(rates >> 4, 0 | 15) && (rates >> 2) & 3 != 3
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The box `ftyp` with these brands.
    fn ftyp(brand: &str, compatible: &[&str]) -> Vec<u8> {
        let length = 16 + 4 * compatible.len() as u32;
        [&length.to_be_bytes(), b"ftyp", brand.as_bytes(), &[0; 4], compatible.concat().as_bytes()].concat()
    }

    #[test]
    fn the_type_comes_from_the_bytes_then_from_the_extension() {
        let bitmap = [b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".as_slice(), &[0; 36]].concat();
        let ogg = |packet: &[u8]| [b"OggS".as_slice(), &[0; 24], packet].concat();
        let tar = [[0; 257].as_slice(), b"ustar\0"].concat();
        let cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(), "image/jpeg"),
            ("a.png", b"\x89PNG\r\n\x1a\n".to_vec(), "image/png"),
            ("a.gif", b"GIF89a".to_vec(), "image/gif"),
            ("a.webp", b"RIFF\0\0\0\0WEBPVP8 ".to_vec(), "image/webp"),
            ("a.avif", ftyp("avif", &["mif1"]), "image/avif"),
            ("a.avif", ftyp("mif1", &["miaf", "avif"]), "image/avif"),
            ("a.heic", ftyp("heic", &["mif1", "heic"]), "image/heic"),
            ("a.heic", ftyp("mif1", &["heic"]), "image/heic"),
            ("a.heif", ftyp("mif1", &["miaf"]), "image/heif"),
            ("a.tif", b"II*\0\x08\0\0\0".to_vec(), "image/tiff"),
            ("a.bmp", bitmap, "image/bmp"),
            ("a.psd", b"8BPS\0\x01\0\0".to_vec(), "image/vnd.adobe.photoshop"),
            ("a.ico", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0".to_vec(), "image/vnd.microsoft.icon"),
            ("a.mp4", ftyp("isom", &["iso2", "avc1", "mp41"]), "video/mp4"),
            ("a.m4a", ftyp("M4A ", &["isom"]), "audio/mp4"),
            ("a.m4a", ftyp("mp42", &["isom"]), "audio/mp4"),
            ("a.mov", ftyp("qt  ", &[]), "video/quicktime"),
            ("a.mov", b"\0\0\0\x08wide\0\0\0\0mdat".to_vec(), "video/quicktime"),
            ("a.bin", b"\0\0\0\x08wide\0\0\0\0mdat".to_vec(), "application/octet-stream"),
            ("a.cr3", ftyp("crx ", &["crx "]), "application/octet-stream"),
            ("a.webm", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm".to_vec(), "video/webm"),
            ("a.mkv", b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska".to_vec(), "video/x-matroska"),
            ("a.avi", b"RIFF\0\0\0\0AVI LIST".to_vec(), "video/x-msvideo"),
            ("a.mp3", b"ID3\x04\0".to_vec(), "audio/mpeg"),
            ("a.mp3", b"\xff\xfb\x90\x64".to_vec(), "audio/mpeg"),
            ("a.ogg", ogg(b"\x01vorbis"), "audio/ogg"),
            ("a.opus", ogg(b"OpusHead"), "audio/ogg"),
            ("a.ogv", ogg(b"\x80theora"), "video/ogg"),
            ("a.wav", b"RIFF\0\0\0\0WAVEfmt ".to_vec(), "audio/wav"),
            ("a.flac", b"fLaC\0".to_vec(), "audio/flac"),
            ("a.pdf", b"%PDF-1.7\n".to_vec(), "application/pdf"),
            ("a.zip", b"PK\x03\x04\x14\0".to_vec(), "application/zip"),
            ("a.jar", b"PK\x03\x04\x14\0".to_vec(), "application/zip"),
            ("A.ODT", b"PK\x03\x04\x14\0".to_vec(), "application/vnd.oasis.opendocument.text"),
            ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "application/msword"),
            ("a.tar.gz", b"\x1f\x8b\x08\0".to_vec(), "application/gzip"),
            ("a.tar", tar, "application/x-tar"),
            ("notes.txt", b"Dear Ada,".to_vec(), "text/plain"),
            ("Notes.MD", b"# Title".to_vec(), "text/markdown"),
            ("BMW.txt", b"BMW has a car".to_vec(), "text/plain"),
            ("utf-16.txt", b"\xff\xfeh\0i\0".to_vec(), "text/plain"),
            ("a.csv", b"a,b\n".to_vec(), "text/csv"),
            ("core", b"\x7fELF".to_vec(), "application/octet-stream"),
            ("empty.png", Vec::new(), "application/octet-stream"),
            ("", Vec::new(), "application/octet-stream"),
            // Wrong extensions.
            ("a.png", b"\xff\xd8\xff\xe0".to_vec(), "image/jpeg"),
            ("a.txt", b"\x89PNG\r\n\x1a\n".to_vec(), "image/png"),
            ("photo.jpg", b"BM, not a picture".to_vec(), "application/octet-stream"),
            ("photo.jpg", b"hello".to_vec(), "application/octet-stream"),
            ("film.mp4", b"hello".to_vec(), "application/octet-stream"),
            ("a.docx", b"hello".to_vec(), "application/octet-stream"),
            ("a.pdf", b"hello".to_vec(), "application/octet-stream"),
        ];
        for (name, head, expected) in cases {
            let found = sniff(&head, name);
            assert_eq!(found.as_str(), expected, "{name}");
            assert_eq!(ContentType::parse(expected), found, "{name}");
        }
    }

    #[test]
    fn what_a_browser_executes_never_has_its_own_type() {
        let bodies: [&[u8]; 13] = [
            b"<!DOCTYPE html><script>alert(1)</script>",
            b"\xef\xbb\xbf \n\t<HTML>",
            b"<html xmlns=\"http://www.w3.org/1999/xhtml\">",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            b"<?xml version=\"1.0\"?><svg/>",
            b"<math><mi>x</mi></math>",
            b"<!-- --><script>",
            b"%!PS-Adobe-3.0",
            b"FWS\x09",
            b"CWS\x09",
            b"ZWS\x09",
            b"CACHE MANIFEST\n",
            b"alert(1)",
        ];
        let names = ["html", "htm", "xhtml", "svg", "xml", "mml", "ps", "eps", "swf", "appcache", "manifest", "js"];
        for body in bodies {
            for extension in names.into_iter().chain(["mjs", "css", "wasm", "xsl", "png", "pdf", "mp4", "zip"]) {
                let found = sniff(body, &format!("a.{extension}"));
                assert_eq!(found, ContentType::UNKNOWN, "{} as {extension}", body.escape_ascii());
            }
        }
        for body in &bodies[..12] {
            assert_eq!(sniff(body, "a.txt"), ContentType::UNKNOWN, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn a_file_that_is_two_things_is_what_its_first_bytes_say() {
        let cases: [(&[u8], &str, &str); 6] = [
            (b"GIF89a/*<script>*/=1;alert(1)", "a.js", "image/gif"),
            (b"GIF89a<html><script>alert(1)</script>", "a.html", "image/gif"),
            (b"\xff\xd8\xff\xfe\0\x40<html><script>alert(1)</script>", "a.html", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR%PDF-1.7", "a.pdf", "image/png"),
            (b"<html>%PDF-1.7", "a.pdf", "application/octet-stream"),
            (b"MZ\x90PK\x03\x04", "a.zip", "application/octet-stream"),
        ];
        for (head, name, expected) in cases {
            assert_eq!(sniff(head, name).as_str(), expected, "{}", head.escape_ascii());
        }
    }

    #[test]
    fn only_what_runs_no_script_is_shown() {
        let inline = |text: &str| ContentType::parse(text).disposition() == Disposition::Inline;
        for text in [
            "image/png",
            "image/jpeg",
            "image/gif",
            "image/webp",
            "image/avif",
            "image/tiff",
            "image/bmp",
            "image/vnd.adobe.photoshop",
            "image/vnd.microsoft.icon",
            "application/pdf",
            "video/mp4",
            "video/quicktime",
            "video/webm",
            "audio/mpeg",
            "audio/ogg",
        ] {
            assert!(inline(text), "{text}");
        }
        for text in [
            "image/heic",
            "image/svg+xml",
            "text/html",
            "text/plain",
            "text/xml",
            "application/xhtml+xml",
            "application/zip",
            "application/octet-stream",
            "video/nonsense",
            "",
        ] {
            assert!(!inline(text), "{text}");
        }
    }

    #[test]
    fn a_stored_type_that_is_none_of_ours_is_unknown() {
        for text in ["text/html", "image/svg+xml", "application/javascript", "image/png; charset=x", "IMAGE/PNG"] {
            assert_eq!(ContentType::parse(text), ContentType::UNKNOWN, "{text}");
        }
    }

    #[test]
    fn previews_are_made_of_the_formats_that_are_decoded() {
        assert!(sniff(b"\xff\xd8\xff", "").is_picture());
        assert!(!sniff(b"II*\0", "").is_picture());
        assert!(!sniff(&ftyp("heic", &[]), "").is_picture());
    }
}
