//! JPEG (ITU-T T.81, annex B): segments, and scans between them.

use std::io::{self, BufRead, Read, Write};

use super::{copy_bytes, invalid, read_up_to};
use crate::exif::Orientation;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

pub(super) fn copy(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<()> {
    copy_bytes(reader, 2, writer)?; // the start of the image
    let mut orientation_found = false;
    let mut marker = next_marker(reader)?;
    while let Some(code) = marker {
        marker = match code {
            END_OF_IMAGE => return writer.write_all(&[0xff, END_OF_IMAGE]),
            START_OF_IMAGE => {
                writer.write_all(&[0xff, START_OF_IMAGE])?;
                next_marker(reader)?
            }
            // A restart between segments means nothing.
            0x01 | 0xd0..=0xd7 => next_marker(reader)?,
            START_OF_SCAN => {
                copy_segment(reader, code, writer)?;
                copy_scan(reader, writer)?
            }
            // Application data and comments.
            0xe0..=0xef | 0xfe => {
                let Some(segment) = read_segment(reader)? else { return Ok(()) };
                write_kept(code, &segment, &mut orientation_found, writer)?;
                next_marker(reader)?
            }
            _ => {
                copy_segment(reader, code, writer)?;
                next_marker(reader)?
            }
        };
    }
    Ok(())
}

/// Skips to the next marker and returns its second byte; `None` at the end of the file.
///
/// What belongs to no segment is left out: decoders skip it.
fn next_marker(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    let mut after_ff = false;
    for byte in reader.bytes() {
        match byte? {
            0xff => after_ff = true,
            0 => after_ff = false,
            marker if after_ff => return Ok(Some(marker)),
            _ => {}
        }
    }
    Ok(None)
}

/// The length of a segment's data, of which the length's own two bytes are no part; `None` at the end of the file.
fn segment_length(reader: &mut impl Read) -> io::Result<Option<u16>> {
    let mut length = [0; 2];
    if read_up_to(reader, &mut length)?.len() < 2 {
        return Ok(None);
    }
    let length = u16::from_be_bytes(length);
    length.checked_sub(2).map(Some).ok_or_else(|| invalid("a JPEG segment is shorter than its length"))
}

fn read_segment(reader: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(length) = segment_length(reader)? else { return Ok(None) };
    let mut segment = Vec::with_capacity(length.into());
    reader.take(length.into()).read_to_end(&mut segment)?;
    Ok((segment.len() == usize::from(length)).then_some(segment))
}

fn write_segment(writer: &mut impl Write, code: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u16::try_from(length).map_err(|_| invalid("a JPEG segment is too long"))?;
    writer.write_all(&[0xff, code])?;
    writer.write_all(&length.to_be_bytes())?;
    parts.iter().try_for_each(|part| writer.write_all(part))
}

fn copy_segment(reader: &mut impl BufRead, code: u8, writer: &mut impl Write) -> io::Result<()> {
    let Some(length) = segment_length(reader)? else { return Ok(()) };
    writer.write_all(&[0xff, code])?;
    writer.write_all(&(length + 2).to_be_bytes())?;
    copy_bytes(reader, length.into(), writer)?;
    Ok(())
}

/// Of application data, writes what changes how the picture looks.
fn write_kept(code: u8, segment: &[u8], orientation_found: &mut bool, writer: &mut impl Write) -> io::Result<()> {
    match (code, segment) {
        // JFIF: version and density, without the thumbnail that may follow them.
        (0xe0, [b'J', b'F', b'I', b'F', 0, ..]) if segment.len() >= 14 => {
            write_segment(writer, code, &[&segment[..12], &[0, 0]])
        }
        (0xe1, [b'E', b'x', b'i', b'f', 0, 0, ..]) if !*orientation_found => match Orientation::find(segment) {
            Some(orientation) => {
                *orientation_found = true;
                if orientation == Orientation::UPRIGHT {
                    return Ok(());
                }
                write_segment(writer, code, &[b"Exif\0\0", &orientation.to_exif()])
            }
            None => Ok(()),
        },
        (0xe2, _) if segment.starts_with(b"ICC_PROFILE\0") => write_segment(writer, code, &[segment]),
        // Adobe's segment says how colours are coded.
        (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) if segment.len() >= 12 => {
            write_segment(writer, code, &[&segment[..12]])
        }
        _ => Ok(()),
    }
}

/// Copies the pixels of a scan, and returns the marker behind them; `None` at the end of the file.
fn copy_scan(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<Option<u8>> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(None);
        }
        let Some(length) = buffer.iter().position(|&byte| byte == 0xff) else {
            let length = buffer.len();
            writer.write_all(buffer)?;
            reader.consume(length);
            continue;
        };
        writer.write_all(&buffer[..length])?;
        reader.consume(length + 1);
        // Any number of 0xff may stand before a marker.
        let code = loop {
            let mut byte = [0];
            if read_up_to(reader, &mut byte)?.is_empty() {
                return Ok(None);
            }
            if byte[0] != 0xff {
                break byte[0];
            }
        };
        match code {
            // A byte 0xff of the pixels, or a restart between them.
            0 | 0xd0..=0xd7 => writer.write_all(&[0xff, code])?,
            _ => return Ok(Some(code)),
        }
    }
}
