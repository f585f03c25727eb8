//! GIF (89a): blocks up to the second frame.

use std::io::{BufReader, Read, Seek};

use super::{Found, take};
use crate::error::Error;
use crate::exif::Orientation;

/// Pieces of data, of at most 255 bytes each, that are skipped in search of a second frame: 100 MB of full ones.
const MAX_PIECES: usize = 400_000;

pub(super) fn read<R: Read + Seek>(reader: &mut BufReader<R>) -> Result<Found, Error> {
    let _signature: [u8; 6] = take(reader)?;
    let [width_1, width_2, height_1, height_2, flags, _background, _aspect] = take(reader)?;
    let width = u16::from_le_bytes([width_1, width_2]).into();
    let height = u16::from_le_bytes([height_1, height_2]).into();
    let animated = match has_second_frame(reader, flags) {
        Ok(animated) => animated,
        Err(Error::Io(error)) => return Err(Error::Io(error)),
        Err(Error::Refused(_)) => false,
    };
    Ok(Found { width, height, animated, orientation: Orientation::UPRIGHT })
}

fn has_second_frame<R: Read + Seek>(reader: &mut BufReader<R>, flags: u8) -> Result<bool, Error> {
    skip_colors(reader, flags)?;
    let mut pieces = 0;
    let mut frames = 0;
    while pieces < MAX_PIECES {
        match take(reader)? {
            // An extension.
            [0x21] => {
                let [_label] = take(reader)?;
            }
            // A frame.
            [0x2c] => {
                frames += 1;
                if frames == 2 {
                    return Ok(true);
                }
                let [.., flags]: [u8; 9] = take(reader)?;
                skip_colors(reader, flags)?;
                let [_code_size] = take(reader)?;
            }
            _ => break,
        }
        loop {
            pieces += 1;
            let [length] = take(reader)?;
            if length == 0 || pieces >= MAX_PIECES {
                break;
            }
            reader.seek_relative(length.into())?;
        }
    }
    Ok(false)
}

/// Skips the table of colours that these flags announce.
fn skip_colors<R: Read + Seek>(reader: &mut BufReader<R>, flags: u8) -> std::io::Result<()> {
    if flags & 0x80 == 0 { Ok(()) } else { reader.seek_relative(3 << ((flags & 7) + 1)) }
}
