//! WebP (RFC 9649): RIFF chunks. Their total length stands at the beginning, so they are walked over once before they
//! are copied.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use super::{copy_bytes, invalid, read_up_to};
use crate::exif::{MAX_EXIF_BYTES, Orientation};

/// Chunks that are copied.
const KEPT: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];

/// Flags of the extended header.
const EXIF: u8 = 0x08;
const XMP: u8 = 0x04;

/// The length of `RIFF`, the total, and `WEBP`.
const HEADER_BYTES: u64 = 12;

pub(super) fn copy<R: Read + Seek>(reader: &mut BufReader<R>, length: u64, writer: &mut impl Write) -> io::Result<()> {
    let mut header = [0; HEADER_BYTES as usize];
    reader.read_exact(&mut header)?;
    let [_, _, _, _, total_1, total_2, total_3, total_4, ..] = header;
    let total = u32::from_le_bytes([total_1, total_2, total_3, total_4]);
    // Whatever stands behind the end is left out.
    let end = (u64::from(total) + 8).min(length);

    let plan = Plan::read(reader, end)?;
    let total = u32::try_from(plan.total).map_err(|_| invalid("a WebP is longer than 4 GiB"))?;
    writer.write_all(b"RIFF")?;
    writer.write_all(&total.to_le_bytes())?;
    writer.write_all(b"WEBP")?;
    reader.seek(SeekFrom::Start(HEADER_BYTES))?;
    let mut position = HEADER_BYTES;
    let mut orientation = plan.orientation;
    while let Some(chunk) = Chunk::read(reader, &mut position, end)? {
        let kept = KEPT.contains(&&chunk.kind);
        if kept {
            writer.write_all(&chunk.kind)?;
            writer.write_all(&chunk.length.to_le_bytes())?;
            copy_data(reader, &chunk, plan.orientation.is_some(), writer)?;
        } else if chunk.kind == *b"EXIF"
            && let Some(orientation) = orientation.take()
        {
            let exif = orientation.to_exif();
            writer.write_all(b"EXIF")?;
            writer.write_all(&(exif.len() as u32).to_le_bytes())?;
            writer.write_all(&exif)?;
        }
        skip_to(reader, position)?;
    }
    Ok(())
}

/// What the copy has.
struct Plan {
    /// Its length without the first eight bytes, which is what stands in them.
    total: u64,
    /// The orientation, if the picture is to be turned.
    orientation: Option<Orientation>,
}

impl Plan {
    fn read<R: Read + Seek>(reader: &mut BufReader<R>, end: u64) -> io::Result<Self> {
        let mut plan = Self { total: 4, orientation: None };
        let mut orientation_found = false;
        let mut position = HEADER_BYTES;
        while let Some(chunk) = Chunk::read(reader, &mut position, end)? {
            if plan.total == 4 && !matches!(&chunk.kind, b"VP8X" | b"VP8 " | b"VP8L") {
                return Err(invalid("the first chunk of a WebP is no picture"));
            }
            if KEPT.contains(&&chunk.kind) {
                plan.total += 8 + chunk.padded();
            } else if &chunk.kind == b"EXIF" && !orientation_found {
                let mut exif = Vec::new();
                reader.by_ref().take(chunk.available.min(MAX_EXIF_BYTES as u64)).read_to_end(&mut exif)?;
                if let Some(orientation) = Orientation::find(&exif) {
                    orientation_found = true;
                    if orientation != Orientation::UPRIGHT {
                        plan.orientation = Some(orientation);
                        plan.total += 8 + orientation.to_exif().len() as u64;
                    }
                }
            }
            skip_to(reader, position)?;
        }
        Ok(plan)
    }
}

/// The header of a chunk, and how much of it there is.
struct Chunk {
    kind: [u8; 4],
    /// As announced.
    length: u32,
    /// Bytes of it before the end.
    available: u64,
}

impl Chunk {
    /// Reads the header at `position` and moves that to the next chunk; `None` at the end.
    fn read<R: Read + Seek>(reader: &mut BufReader<R>, position: &mut u64, end: u64) -> io::Result<Option<Self>> {
        if *position + 8 > end {
            return Ok(None);
        }
        let mut header = [0; 8];
        let &[kind_1, kind_2, kind_3, kind_4, length_1, length_2, length_3, length_4] =
            read_up_to(reader, &mut header)?
        else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([length_1, length_2, length_3, length_4]);
        let begin = *position + 8;
        let chunk =
            Self { kind: [kind_1, kind_2, kind_3, kind_4], length, available: u64::from(length).min(end - begin) };
        *position = (begin + chunk.padded()).min(end);
        Ok(Some(chunk))
    }

    /// The length with the byte that makes it even.
    fn padded(&self) -> u64 {
        let length = u64::from(self.length);
        length + length % 2
    }
}

/// Copies a chunk's data, as far as there is any, with the flags of the extended header corrected.
fn copy_data<R: Read + Seek>(
    reader: &mut BufReader<R>,
    chunk: &Chunk,
    turned: bool,
    writer: &mut impl Write,
) -> io::Result<()> {
    let mut rest = chunk.available;
    if &chunk.kind == b"VP8X" && rest > 0 {
        let mut flags = [0];
        reader.read_exact(&mut flags)?;
        writer.write_all(&[flags[0] & !(EXIF | XMP) | if turned { EXIF } else { 0 }])?;
        rest -= 1;
    }
    copy_bytes(reader, rest, writer)?;
    let complete = chunk.available == u64::from(chunk.length);
    if complete && chunk.length % 2 == 1 { writer.write_all(&[0]) } else { Ok(()) }
}

/// Goes on to `position`, and keeps what is read ahead.
fn skip_to<R: Read + Seek>(reader: &mut BufReader<R>, position: u64) -> io::Result<()> {
    let skipped = position as i64 - reader.stream_position()? as i64;
    reader.seek_relative(skipped)
}
