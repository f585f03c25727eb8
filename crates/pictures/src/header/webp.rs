//! WebP (RFC 9649): RIFF chunks.

use std::io::{BufReader, Read, Seek};

use super::{Found, take, take_vec};
use crate::error::Error;
use crate::exif::{MAX_EXIF_BYTES, Orientation};

/// Chunks that are looked at for the orientation: a frame of an animation is one.
const MAX_CHUNKS: usize = 65_536;

/// Flags of the extended header.
const ANIMATION: u8 = 0x02;
const EXIF: u8 = 0x08;

pub(super) fn read<R: Read + Seek>(reader: &mut BufReader<R>) -> Result<Found, Error> {
    let _riff: [u8; 12] = take(reader)?;
    let kind: [u8; 4] = take(reader)?;
    let length = u32::from_le_bytes(take(reader)?);
    let still = |width: u32, height: u32| Found { width, height, animated: false, orientation: Orientation::UPRIGHT };
    match &kind {
        b"VP8 " => {
            let [_, _, _, 0x9d, 0x01, 0x2a, width_1, width_2, height_1, height_2] = take(reader)? else {
                return Err(Error::damaged("no key frame"));
            };
            // The upper two bits ask for scaling, which no browser does.
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            Ok(still(side(width_1, width_2), side(height_1, height_2)))
        }
        b"VP8L" => {
            let [0x2f, bits @ ..] = take::<5>(reader)? else { return Err(Error::damaged("no lossless frame")) };
            let bits = u32::from_le_bytes(bits);
            Ok(still((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => {
            let [flags, _, _, _, width @ .., height_1, height_2, height_3] = take::<10>(reader)?;
            let side = |[low, middle, high]: [u8; 3]| u32::from_le_bytes([low, middle, high, 0]) + 1;
            let mut found = still(side(width), side([height_1, height_2, height_3]));
            found.animated = flags & ANIMATION != 0;
            if flags & EXIF != 0 {
                reader.seek_relative(padded(length) - 10)?;
                match find_orientation(reader) {
                    Ok(orientation) => found.orientation = orientation.unwrap_or(Orientation::UPRIGHT),
                    Err(Error::Io(error)) => return Err(Error::Io(error)),
                    Err(Error::Refused(_)) => {}
                }
            }
            Ok(found)
        }
        _ => Err(Error::damaged("the first chunk is no picture")),
    }
}

fn find_orientation<R: Read + Seek>(reader: &mut BufReader<R>) -> Result<Option<Orientation>, Error> {
    for _ in 0..MAX_CHUNKS {
        let kind: [u8; 4] = take(reader)?;
        let length = u32::from_le_bytes(take(reader)?);
        if &kind == b"EXIF" {
            return Ok(Orientation::find(&take_vec(reader, length.into(), MAX_EXIF_BYTES)?));
        }
        reader.seek_relative(padded(length))?;
    }
    Ok(None)
}

/// Chunks begin at even positions.
fn padded(length: u32) -> i64 {
    let length = i64::from(length);
    length + length % 2
}
