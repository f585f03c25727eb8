//! PNG (third edition, section 5): chunks.

use std::io::{BufReader, Read, Seek};

use super::{Found, check_size, take, take_vec};
use crate::error::Error;
use crate::exif::{MAX_EXIF_BYTES, Orientation};

/// Chunks that are looked at. Encoders cut the pixels into chunks of 8 KiB or more, so that 100 MB have 12,800.
const MAX_CHUNKS: usize = 65_536;

pub(super) fn read<R: Read + Seek>(reader: &mut BufReader<R>) -> Result<Found, Error> {
    let _signature: [u8; 8] = take(reader)?;
    let (length, kind) = chunk(reader)?;
    if length != 13 || &kind != b"IHDR" {
        return Err(Error::damaged("the first chunk is not the header"));
    }
    let width = u32::from_be_bytes(take(reader)?);
    let height = u32::from_be_bytes(take(reader)?);
    check_size(width, height)?;
    let _rest_and_checksum: [u8; 9] = take(reader)?;
    let mut found = Found { width, height, animated: false, orientation: Orientation::UPRIGHT };
    // A file that ends after its header is no less a picture of this size.
    match read_chunks(reader, &mut found) {
        Err(Error::Io(error)) => Err(Error::Io(error)),
        _ => Ok(found),
    }
}

fn read_chunks<R: Read + Seek>(reader: &mut BufReader<R>, found: &mut Found) -> Result<(), Error> {
    for _ in 0..MAX_CHUNKS {
        let (length, kind) = chunk(reader)?;
        match &kind {
            b"acTL" => {
                let frames = u32::from_be_bytes(take(reader)?);
                found.animated = frames > 1;
                reader.seek_relative(i64::from(length) - 4)?;
            }
            b"eXIf" => {
                let exif = take_vec(reader, length.into(), MAX_EXIF_BYTES)?;
                reader.seek_relative(i64::from(length) - exif.len() as i64)?;
                found.orientation = Orientation::find(&exif).unwrap_or(Orientation::UPRIGHT);
            }
            b"IEND" => return Ok(()),
            _ => reader.seek_relative(length.into())?,
        }
        let _checksum: [u8; 4] = take(reader)?;
    }
    Ok(())
}

/// The length of the next chunk's data, and its type.
fn chunk(reader: &mut impl Read) -> Result<(u32, [u8; 4]), Error> {
    let length = u32::from_be_bytes(take(reader)?);
    Ok((length, take(reader)?))
}
