//! PNG (third edition, section 5): chunks.

use std::io::{self, BufRead, Read, Write};

use super::{copy_bytes, invalid, read_up_to};
use crate::exif::{MAX_EXIF_BYTES, Orientation};

/// Chunks that are no part of the pixels, but of how they look. All whose type begins with a capital are kept as well:
/// without them, nothing can be shown.
const KEPT: [&[u8; 4]; 15] = [
    b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
];

pub(super) fn copy(reader: &mut impl BufRead, writer: &mut impl Write) -> io::Result<()> {
    copy_bytes(reader, 8, writer)?; // the signature
    let mut orientation_found = false;
    loop {
        let mut header = [0; 8];
        let header = read_up_to(reader, &mut header)?;
        let &[length_1, length_2, length_3, length_4, ref kind @ ..] = header else { return Ok(()) };
        let Ok(kind) = <&[u8; 4]>::try_from(kind) else { return writer.write_all(header) };
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(invalid("a PNG chunk has no type"));
        }
        let length = u32::from_be_bytes([length_1, length_2, length_3, length_4]);
        // The checksum is part of what follows.
        let rest = u64::from(length) + 4;
        if kind == b"IEND" {
            writer.write_all(header)?;
            copy_bytes(reader, rest, writer)?;
            return Ok(());
        }
        if kind[0].is_ascii_uppercase() || KEPT.contains(&kind) {
            writer.write_all(header)?;
            copy_bytes(reader, rest, writer)?;
            continue;
        }
        let mut read = 0;
        if kind == b"eXIf" && !orientation_found {
            let mut exif = Vec::new();
            read = reader.by_ref().take(u64::from(length).min(MAX_EXIF_BYTES as u64)).read_to_end(&mut exif)? as u64;
            if let Some(orientation) = Orientation::find(&exif) {
                orientation_found = true;
                if orientation != Orientation::UPRIGHT {
                    write_chunk(writer, *kind, &orientation.to_exif())?;
                }
            }
        }
        copy_bytes(reader, rest - read, &mut io::sink())?;
    }
}

fn write_chunk(writer: &mut impl Write, kind: [u8; 4], data: &[u8; 26]) -> io::Result<()> {
    let checked = [&kind, data.as_slice()].concat();
    writer.write_all(&(data.len() as u32).to_be_bytes())?;
    writer.write_all(&checked)?;
    writer.write_all(&checksum(&checked).to_be_bytes())
}

/// The CRC-32 of a chunk (annex D), bit by bit: it is made for 30 bytes.
fn checksum(bytes: &[u8]) -> u32 {
    let all = bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    });
    !all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"IEND"), 0xae42_6082);
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    }
}
