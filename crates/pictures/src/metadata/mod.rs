//! Pictures without what their makers did not mean to send.
//!
//! A photo of a phone names the place where it was taken, to some metres, and the camera by its serial number. All of it
//! is left out of JPEG, PNG and WebP: EXIF, XMP, IPTC, comments, texts, thumbnails of the uncropped picture, and what
//! stands behind the picture's end, where phones put a video with its own position. What the picture looks like is kept
//! byte for byte: pixels, colour profile, animation, and the orientation, in EXIF data of 26 bytes that say nothing else.
//!
//! What is kept is listed, and everything else left out, so that a kind of metadata that is invented tomorrow is left
//! out, too. Files that end too early are copied as far as they go.

mod jpeg;
mod png;
mod webp;

use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use crate::header::Format;

/// Buffer for reading, and for writing.
const BUFFER_BYTES: usize = 64 * 1024;

/// What [`strip_metadata`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stripped {
    /// Not a JPEG, PNG or WebP: nothing was written.
    NotApplicable,
    /// The copy has the same bytes.
    Unchanged,
    /// The copy is complete, and without the metadata.
    Removed,
}

/// Copies a JPEG, PNG or WebP picture without its metadata. Reads it from its beginning; holds some 200 KiB.
///
/// # Errors
/// `InvalidData` when the picture's structure cannot be followed; nobody can show such a file, and the caller keeps it
/// as it is. Else the error of reading or writing. What was written until then is to be thrown away.
pub fn strip_metadata(mut reader: impl Read + Seek, writer: impl Write) -> io::Result<Stripped> {
    let length = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    let mut head = Vec::new();
    reader.by_ref().take(12).read_to_end(&mut head)?;
    let format = Format::of(&head);
    reader.seek(SeekFrom::Start(0))?;
    let mut writer = BufWriter::with_capacity(BUFFER_BYTES, Counted { writer, bytes: 0 });
    match format {
        Some(Format::Jpeg) => jpeg::copy(&mut reader, &mut writer)?,
        Some(Format::Png) => png::copy(&mut reader, &mut writer)?,
        Some(Format::Webp) => webp::copy(&mut reader, length, &mut writer)?,
        Some(Format::Gif) | None => return Ok(Stripped::NotApplicable),
    }
    writer.flush()?;
    // Nothing is left out without the length changing, other than 26 bytes of EXIF for 26 bytes of EXIF.
    Ok(if writer.get_ref().bytes == length { Stripped::Unchanged } else { Stripped::Removed })
}

/// Counts what is written.
struct Counted<W> {
    writer: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Fills `buffer` as far as there are bytes, and returns those.
fn read_up_to<'b>(reader: &mut impl Read, buffer: &'b mut [u8]) -> io::Result<&'b [u8]> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(&buffer[..length])
}

/// Copies `length` bytes, or what there is of them.
fn copy_bytes(reader: &mut impl BufRead, length: u64, writer: &mut impl Write) -> io::Result<u64> {
    io::copy(&mut reader.take(length), writer)
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
