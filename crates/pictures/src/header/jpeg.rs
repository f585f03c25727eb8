//! JPEG (ITU-T T.81, annex B): segments up to the first scan.

use std::io::{BufReader, Read, Seek};

use super::{Found, take, take_vec};
use crate::error::{Error, Refusal};
use crate::exif::{MAX_EXIF_BYTES, Orientation};

/// Segments before the first scan. Real pictures have some dozens: a colour profile in pieces, metadata of editors.
const MAX_SEGMENTS: usize = 4096;

/// Bytes that belong to no segment and are skipped, as all decoders do.
const MAX_STRAY_BYTES: usize = 64 * 1024;

pub(super) fn read<R: Read + Seek>(reader: &mut BufReader<R>) -> Result<Found, Error> {
    let [_, _] = take(reader)?; // the start of the image
    let mut stray = 0;
    let mut size = None;
    let mut orientation = None;
    for _ in 0..MAX_SEGMENTS {
        let marker = next_marker(reader, &mut stray)?;
        // Markers without a segment.
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if marker == 0xd9 {
            break;
        }
        let length = u16::from_be_bytes(take(reader)?);
        let Some(length) = length.checked_sub(2).map(u64::from) else {
            return Err(Error::damaged("a segment is shorter than its length"));
        };
        match marker {
            // The start of a frame: baseline, extended, progressive.
            0xc0..=0xc2 if length >= 6 => {
                let [_precision, height_1, height_2, width_1, width_2, _components] = take(reader)?;
                let sides = (u16::from_be_bytes([width_1, width_2]), u16::from_be_bytes([height_1, height_2]));
                size = size.or(Some(sides));
                reader.seek_relative(length as i64 - 6)?;
            }
            // Lossless, hierarchical and arithmetic coding.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => return Err(Refusal::Unsupported.into()),
            0xe1 => {
                let segment = take_vec(reader, length, MAX_EXIF_BYTES)?;
                if segment.starts_with(b"Exif\0\0") {
                    orientation = orientation.or(Orientation::find(&segment));
                }
            }
            // The start of the scan: only pixels follow.
            0xda => {
                let (width, height) = size.ok_or_else(|| Error::damaged("no size before the pixels"))?;
                let orientation = orientation.unwrap_or(Orientation::UPRIGHT);
                return Ok(Found { width: width.into(), height: height.into(), animated: false, orientation });
            }
            _ => reader.seek_relative(length as i64)?,
        }
    }
    Err(Error::damaged("no pixels"))
}

/// Skips to the next marker and returns its second byte.
fn next_marker(reader: &mut impl Read, stray: &mut usize) -> Result<u8, Error> {
    let mut after_ff = false;
    loop {
        let [byte] = take(reader)?;
        match byte {
            0xff => after_ff = true,
            0 => after_ff = false,
            marker if after_ff => return Ok(marker),
            _ => {}
        }
        *stray += 1;
        if *stray > MAX_STRAY_BYTES {
            return Err(Error::damaged("too many bytes outside of segments"));
        }
    }
}
