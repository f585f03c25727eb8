use std::fs::{self, File};
use std::path::Path;

use archive::{Damage, Reader, SUMS};
use proptest::prelude::*;

use super::{members, read, write};

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.tar", "a.tar.zst"] {
        let path = folder.path().join(name);
        write(&path, &members());
        let whole = fs::read(&path).unwrap();
        // The end of a tar file is 1,024 zeros, which say nothing.
        let end = if name == "a.tar" { whole.len() - 1_024 - 512 } else { whole.len() - 8 };
        for length in (0..end).step_by(end / 60).chain([0, 1, 4, 100, 511, 512, 513, end]) {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&path).is_err(), "{name} of {length} bytes");
        }
    }
}

#[test]
fn a_flipped_bit_that_changes_something_is_noticed_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let small = [("header.json", b"{}".to_vec()), ("files/ab/cd/abcd", b"some bytes".to_vec())];
    let original: Vec<_> = small.iter().map(|(name, content)| ((*name).to_owned(), content.clone())).collect();
    for name in ["a.tar", "a.tar.zst"] {
        let path = folder.path().join(name);
        write(&path, &small);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let bit = at * 5 % 8;
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            fs::write(&path, &flipped).unwrap();
            // What is padding may be flipped, if what is read stays the same.
            if let Ok(members) = read(&path) {
                assert_eq!(members, original, "{name}: bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn the_damaged_member_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    write(&path, &members());
    let mut bytes = fs::read(&path).unwrap();
    bytes[300_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damage = read(&path).unwrap_err();
    assert!(matches!(&damage, Damage::Sum(name) if name == "files/ab/cd/abcd"), "{damage}");
}

/// A tar file of somebody else.
fn foreign(path: &Path, entry_type: tar::EntryType, name: &[u8], sums: &str) {
    let mut tar = tar::Builder::new(File::create(path).unwrap());
    let mut add = |entry_type, name: &[u8], content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name);
        header.set_size(content.len() as u64);
        header.set_entry_type(entry_type);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    };
    add(entry_type, name, b"");
    add(tar::EntryType::Regular, SUMS.as_bytes(), sums.as_bytes());
    tar.finish().unwrap();
}

#[test]
fn names_of_other_places_links_and_devices_are_refused_before_anything_is_received() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let regular = tar::EntryType::Regular;
    for (entry_type, name) in [
        (regular, &b"../../etc/cron.d/x"[..]),
        (regular, b"/etc/passwd"),
        (regular, b"files/../../x"),
        (regular, b".ssh/authorized_keys"),
        (regular, b"a\xff"),
        (tar::EntryType::Symlink, b"files"),
        (tar::EntryType::Link, b"files"),
        (tar::EntryType::Directory, b"files"),
        (tar::EntryType::GNULongName, b"a"),
        (tar::EntryType::XHeader, b"a"),
        (tar::EntryType::Char, b"a"),
    ] {
        foreign(&path, entry_type, name, "");
        let read = Reader::open(&path).unwrap().read(|name, _, _| panic!("{name} was received"));
        assert!(matches!(read, Err(Damage::Format(_))), "{:?}: {read:?}", String::from_utf8_lossy(name));
    }
}

#[test]
fn sums_that_list_something_else_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let right = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n";
    foreign(&path, tar::EntryType::Regular, b"a", right);
    assert_eq!(read(&path).unwrap().len(), 1);
    let more = format!("{right}{right}");
    let upper = right.to_uppercase();
    let long = "x".repeat(10_000);
    for sums in
        ["", "\n", right.trim_end(), &more, &upper, &long, &right.replace("  a", "  b"), &right.replace("  a", "   a")]
    {
        foreign(&path, tar::EntryType::Regular, b"a", sums);
        assert!(read(&path).is_err(), "{sums:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..3_000), is_zstd: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let magic: &[u8] = if is_zstd { &[0x28, 0xb5, 0x2f, 0xfd] } else { &[] };
        fs::write(&path, [magic, &bytes].concat()).unwrap();
        prop_assert!(Reader::open(&path).map_err(Damage::from).and_then(|reader| reader.read(|_, _, _| Ok(()))).is_err());
    }
}
