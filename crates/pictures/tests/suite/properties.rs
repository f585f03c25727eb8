//! Whatever the bytes are, nothing panics.

use std::io::Cursor;
use std::sync::LazyLock;

use pictures::content_type::sniff;
use pictures::{Stripped, probe, strip_metadata};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::inputs::one_of_each;

fn check(bytes: &[u8]) {
    let _ = sniff(bytes, "a.png");
    let _ = probe(Cursor::new(bytes));
    let mut copy = Vec::new();
    if strip_metadata(Cursor::new(bytes), &mut copy).is_ok() && !copy.is_empty() {
        let mut again = Vec::new();
        // Two bytes of a JPEG are not recognised as one.
        if strip_metadata(Cursor::new(&copy), &mut again).unwrap() != Stripped::NotApplicable {
            assert_eq!(again, copy, "what was taken out is out");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_of_real_pictures_do_no_harm(
        which in 0..5_usize,
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        static PICTURES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(one_of_each);
        let mut bytes = PICTURES[which].1.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        check(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_signature_do_no_harm(
        which in 0..5_usize,
        rest in vec(prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..300),
    ) {
        let signatures = [
            b"\xff\xd8\xff".as_slice(),
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\0\0\0\0",
            b"GIF89a",
            b"RIFF\xff\xff\0\0WEBPVP8X\x0a\0\0\0\x0c\0\0\0",
            b"",
        ];
        check(&[signatures[which], &rest].concat());
    }
}
