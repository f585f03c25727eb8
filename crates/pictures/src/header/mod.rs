//! What a picture's header says, read without decoding it.

mod gif;
mod jpeg;
mod png;
mod webp;

use std::io::{BufReader, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal};
use crate::exif::Orientation;

/// Most pixels of a picture that has a preview: 50 megapixels, counted so that the sensors sold as such
/// (8192 × 6144) are within. Decoded it takes 200 MiB at most.
pub const MAX_PIXELS: u64 = 50 * 1024 * 1024;

/// The longest side of a picture that has a preview, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// Read ahead while walking over chunks. Most headers are smaller than this.
const BUFFER_BYTES: usize = 8 * 1024;

/// The formats that are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it")]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
}

impl Format {
    /// Recognises a format by the first 12 bytes of a file.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }
}

/// What a picture's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Found from the bytes.
    pub format: Format,
    /// Pixels, as the picture is shown upright.
    pub width: u32,
    /// Pixels, as the picture is shown upright.
    pub height: u32,
    /// More than one frame.
    pub animated: bool,
    pub(crate) orientation: Orientation,
}

impl Header {
    /// Width and height as they are stored, before the picture is turned.
    pub(crate) fn stored_size(&self) -> (u32, u32) {
        if self.orientation.exchanges_sides() { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// What the reader of a format found. Width and height are as stored.
struct Found {
    width: u32,
    height: u32,
    animated: bool,
    orientation: Orientation,
}

/// Reads a picture's header from the beginning of `reader`.
///
/// Nothing is decoded, and at most 64 KiB are held. What stands behind the header is skipped, and read only as far as it
/// takes to find the orientation and the second frame: bounded, too, by a count of chunks.
///
/// # Errors
/// [`Error::Refused`] for other formats, damaged headers, and pictures larger than [`MAX_PIXELS`] and [`MAX_SIDE`];
/// [`Error::Io`] when reading fails.
pub fn probe(mut reader: impl Read + Seek) -> Result<Header, Error> {
    reader.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    let mut head = [0; 12];
    let length = read_up_to(&mut reader, &mut head)?;
    let format = Format::of(&head[..length]).ok_or(Refusal::Unsupported)?;
    reader.seek(SeekFrom::Start(0))?;
    let Found { width, height, animated, orientation } = match format {
        Format::Jpeg => jpeg::read(&mut reader),
        Format::Png => png::read(&mut reader),
        Format::Gif => gif::read(&mut reader),
        Format::Webp => webp::read(&mut reader),
    }?;
    check_size(width, height)?;
    let (width, height) = if orientation.exchanges_sides() { (height, width) } else { (width, height) };
    Ok(Header { format, width, height, animated, orientation })
}

fn check_size(width: u32, height: u32) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::damaged("a side has no pixels"));
    }
    if width > MAX_SIDE || height > MAX_SIDE || u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Refusal::TooLarge { width, height }.into());
    }
    Ok(())
}

/// Fills `buffer` as far as there are bytes, and returns how many there were.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// Reads exactly this many bytes.
fn take<const N: usize>(reader: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads a block of `length` bytes, at most `max` of them.
fn take_vec(reader: &mut impl Read, length: u64, max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length.min(max as u64)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
