//! Archives in the format ZIP, with names and sizes as a test wants them.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A file of an archive.
pub struct Entry {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// An archive with these files. `are_one`: all of them are the bytes of the first one, as in an archive that overlaps.
pub fn archive(entries: &[Entry], are_one: bool) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    let mut first = None;
    for entry in entries {
        let shown = if are_one { &entries[0] } else { entry };
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&shown.bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = Crc::new();
        crc.update(&shown.bytes);
        // Version, flags (UTF-8), method, time and date, sum, sizes, length of the name, no extra field.
        let mut common = Vec::new();
        common.extend([20, 0, 0, 8, 8, 0, 0, 0, 33, 0]);
        common.extend(crc.sum().to_le_bytes());
        common.extend(u32::try_from(packed.len()).unwrap().to_le_bytes());
        common.extend(u32::try_from(shown.bytes.len()).unwrap().to_le_bytes());
        let length_at = common.len();
        common.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        let offset = if are_one && first.is_some() { 0 } else { archive.len() };
        if first.is_none() || !are_one {
            first = Some(archive.len());
            archive.extend(b"PK\x03\x04");
            archive.extend(&common);
            archive.extend(&entry.name);
            archive.extend(&packed);
        }
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common[..length_at]);
        directory.extend(u16::try_from(entry.name.len()).unwrap().to_le_bytes());
        // No extra field, no comment, first disk, attributes.
        directory.extend([0; 12]);
        directory.extend(u32::try_from(offset).unwrap().to_le_bytes());
        directory.extend(&entry.name);
    }
    let (start, length) = (archive.len(), directory.len());
    archive.extend(directory);
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([count, count].concat());
    archive.extend(u32::try_from(length).unwrap().to_le_bytes());
    archive.extend(u32::try_from(start).unwrap().to_le_bytes());
    archive.extend([0, 0]);
    archive
}
