//! Archives: what is written is read again, and nothing else is believed.

mod reading;
mod writing;

use std::path::Path;

use archive::{Damage, Finished, Reader, Writer};

/// Members of a small archive, one of them empty and one longer than a piece.
pub fn members() -> Vec<(&'static str, Vec<u8>)> {
    let long = (0..600_000_u32).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    vec![("header.json", b"{}".to_vec()), ("files/ab/cd/abcd", long), ("files/ab/cd/empty", Vec::new())]
}

/// Writes an archive with these members.
pub fn write(path: &Path, members: &[(&str, Vec<u8>)]) -> Finished {
    let mut writer = Writer::create(path, 1_700_000_000).unwrap();
    for (name, content) in members {
        let bytes = content.len() as u64;
        writer.append(&name.parse().unwrap(), bytes, &mut &content[..], &mut |_| {}).unwrap();
    }
    writer.finish().unwrap()
}

/// Reads an archive whole.
pub fn read(path: &Path) -> Result<Vec<(String, Vec<u8>)>, Damage> {
    let mut members = Vec::new();
    let count = Reader::open(path)?.read(|name, bytes, source| {
        let mut content = Vec::new();
        source.read_to_end(&mut content)?;
        assert_eq!(content.len() as u64, bytes);
        members.push((name.to_string(), content));
        Ok(())
    })?;
    assert_eq!(count, members.len() as u64);
    Ok(members)
}
