//! The one thing that is read from EXIF data, and the one thing that is written: how the camera was held.

/// Bytes of EXIF data that are looked at. In a JPEG it has no more; elsewhere the orientation stands at the beginning.
pub(crate) const MAX_EXIF_BYTES: usize = 64 * 1024;

/// The tag `Orientation` (TIFF 6.0, page 36).
const ORIENTATION_TAG: u16 = 0x0112;
/// The field type of a 16-bit number.
const SHORT: u16 = 3;

/// How the stored rows and columns are shown (TIFF 6.0): 1 as they are, 2 to 8 mirrored or turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Orientation(u8);

impl Orientation {
    /// Rows and columns are shown as they are stored.
    pub(crate) const UPRIGHT: Self = Self(1);

    /// `None` for numbers that are not 1 to 8.
    pub(crate) const fn new(value: u16) -> Option<Self> {
        match value {
            1..=8 => Some(Self(value as u8)),
            _ => None,
        }
    }

    /// 1 to 8.
    pub(crate) const fn get(self) -> u8 {
        self.0
    }

    /// True if width and height are exchanged when the picture is shown.
    pub(crate) const fn exchanges_sides(self) -> bool {
        self.0 >= 5
    }

    /// Reads the orientation in the first directory of EXIF data, with or without the prefix `Exif\0\0` that JPEG puts
    /// before it.
    ///
    /// `None` if there is none, or the data is damaged.
    pub(crate) fn find(exif: &[u8]) -> Option<Self> {
        let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
        let little = match tiff.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        let short = |at: usize| {
            let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
            Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
        };
        let long = |at: usize| {
            let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
            Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
        };
        let directory = usize::try_from(long(4)?).ok()?;
        let entries = usize::from(short(directory)?);
        (0..entries)
            .map_while(|index| {
                let entry = directory.checked_add(2 + 12 * index)?;
                Some((short(entry)?, short(entry + 2)?, long(entry + 4)?, short(entry + 8)?))
            })
            .find(|&(tag, kind, count, _)| tag == ORIENTATION_TAG && kind == SHORT && count == 1)
            .and_then(|(.., value)| Self::new(value))
    }

    /// EXIF data that says this and nothing else, without JPEG's prefix.
    pub(crate) const fn to_exif(self) -> [u8; 26] {
        [
            b'M', b'M', 0, b'*', 0, 0, 0, 8, // the directory begins at byte 8
            0, 1, // and has one entry:
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, self.0, 0, 0, // the orientation, one short
            0, 0, 0, 0, // no further directory
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in 1..=8 {
            let orientation = Orientation::new(value).unwrap();
            assert_eq!(Orientation::find(&orientation.to_exif()), Some(orientation));
            let with_prefix = [b"Exif\0\0".as_slice(), &orientation.to_exif()].concat();
            assert_eq!(Orientation::find(&with_prefix), Some(orientation));
        }
        assert_eq!(Orientation::new(0), None);
        assert_eq!(Orientation::new(9), None);
    }

    #[test]
    fn both_byte_orders_are_read_and_other_entries_skipped() {
        let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
        exif.extend(b"\x0f\x01\x02\0\x04\0\0\0abc\0"); // the maker
        exif.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
        assert_eq!(Orientation::find(&exif).map(Orientation::get), Some(6));
    }

    #[test]
    fn damaged_data_has_no_orientation() {
        let whole = Orientation::new(3).unwrap().to_exif();
        for length in 0..20 {
            assert_eq!(Orientation::find(&whole[..length]), None, "{length}");
        }
        let mut far = whole;
        far[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(Orientation::find(&far), None);
        let mut many = whole;
        many[8..10].copy_from_slice(&u16::MAX.to_be_bytes());
        assert_eq!(Orientation::find(&many).map(Orientation::get), Some(3));
        let mut nine = whole;
        nine[19] = 9;
        assert_eq!(Orientation::find(&nine), None);
    }
}
