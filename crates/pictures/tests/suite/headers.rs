//! What headers say, and what is refused because of it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use pictures::{Error, Format, Header, MAX_SIDE, Refusal, probe};

use crate::inputs::*;

fn probed(bytes: &[u8]) -> Result<Header, Refusal> {
    probe(Cursor::new(bytes)).map_err(|error| match error {
        Error::Refused(refusal) => refusal,
        Error::Io(error) => panic!("{error}"),
    })
}

fn size(bytes: &[u8]) -> (u32, u32, bool) {
    let header = probed(bytes).unwrap();
    (header.width, header.height, header.animated)
}

#[test]
fn every_format_says_its_size() {
    let picture = gradient(40, 30);
    for (format, kind) in [
        (ImageFormat::Jpeg, Format::Jpeg),
        (ImageFormat::Png, Format::Png),
        (ImageFormat::Gif, Format::Gif),
        (ImageFormat::WebP, Format::Webp),
    ] {
        let bytes = encoded(picture.clone(), format);
        assert_eq!(size(&bytes), (40, 30, false), "{format:?}");
        assert_eq!(probed(&bytes).unwrap().format, kind);
    }
    assert_eq!(size(&riff(&[vp8x(0, 40, 30), vp8l(picture)])), (40, 30, false));
    // A lossy frame, of which only the header is there.
    let lossy = riff(&[riff_chunk(b"VP8 ", &[0x30, 1, 0, 0x9d, 0x01, 0x2a, 40, 0x40, 30, 0x80])]);
    assert_eq!(size(&lossy), (40, 30, false));
}

#[test]
fn animations_are_recognised_by_their_second_frame() {
    assert_eq!(size(&gif(1)), (1, 1, false));
    assert_eq!(size(&gif(2)), (1, 1, true));
    assert_eq!(size(&gif(10_000)), (1, 1, true));
    assert_eq!(size(&animated_webp(12, 8)), (12, 8, true));
    let png = encoded(gradient(40, 30), ImageFormat::Png);
    assert_eq!(size(&with_chunks(&png, &[chunk(b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0])])), (40, 30, false));
    assert_eq!(size(&with_chunks(&png, &[chunk(b"acTL", &[0, 0, 0, 9, 0, 0, 0, 0])])), (40, 30, true));
}

#[test]
fn the_size_is_that_of_the_picture_upright() {
    for orientation in 1..=8 {
        let stored = quarters_stored(40, 30, orientation);
        let (width, height) = stored.dimensions();
        let png = encoded(stored.clone(), ImageFormat::Png);
        let end = png.len() - 12;
        for bytes in [
            with_segments(&jpeg(&stored), &[exif_segment(orientation)]),
            with_chunks(&png, &[chunk(b"eXIf", &exif(orientation))]),
            // EXIF data may stand behind the pixels.
            [&png[..end], &chunk(b"eXIf", &exif(orientation)), &png[end..]].concat(),
            riff(&[vp8x(0x08, width, height), vp8l(stored), riff_chunk(b"EXIF", &exif(orientation))]),
        ] {
            assert_eq!(size(&bytes), (40, 30, false), "{orientation}");
        }
    }
}

#[test]
fn a_header_that_announces_too_much_is_refused_before_anything_is_allocated() {
    let mut bomb = png_header(8_000_000, u32::MAX, 8, 2);
    bomb.extend([0, 0, 0, 0, b'I', b'D', b'A', b'T']);
    assert_eq!(bomb.len(), 41);
    assert_eq!(probed(&bomb), Err(Refusal::TooLarge { width: 8_000_000, height: u32::MAX }));

    let zeros = black_png(20_000, 20_000);
    assert!(zeros.len() < 60_000, "{}", zeros.len());
    assert_eq!(probed(&zeros), Err(Refusal::TooLarge { width: 20_000, height: 20_000 }));

    let wide = |width, height| probed(&riff(&[vp8x(0, width, height)])).is_ok();
    assert!(wide(MAX_SIDE, 3200));
    assert!(!wide(MAX_SIDE, 3201));
    assert!(!wide(MAX_SIDE + 1, 1));
    assert!(!wide(1, MAX_SIDE + 1));
    // Sensors that are sold as 50 megapixels.
    assert!(wide(8192, 6144));
    assert!(wide(6144, 8192));
}

#[test]
fn other_files_are_refused() {
    for bytes in [
        b"".as_slice(),
        b"hello",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"II*\0\x08\0\0\0",
        b"8BPS\0\x01",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVE",
    ] {
        assert_eq!(probed(bytes), Err(Refusal::Unsupported), "{}", bytes.escape_ascii());
    }
}

#[test]
fn headers_without_a_size_are_damaged() {
    let zero_png = png_header(0, 10, 8, 2);
    let zero_gif = b"GIF89a\0\0\x01\0\0\0\0".to_vec();
    let no_frame = [0xff, 0xd8, 0xff, 0xd9].to_vec();
    let short_segment = [0xff, 0xd8, 0xff, 0xe0, 0, 1].to_vec();
    let only_noise = [[0xff, 0xd8, 0xff].as_slice(), &[0; 100_000]].concat();
    let no_picture = riff(&[riff_chunk(b"EXIF", &exif(1))]);
    for bytes in [zero_png, zero_gif, no_frame, short_segment, only_noise, no_picture] {
        assert!(matches!(probed(&bytes), Err(Refusal::Damaged(_))), "{}", bytes[..12].escape_ascii());
    }
}

#[test]
fn variants_of_jpeg_that_browsers_do_not_show_are_refused() {
    let lossless = [&[0xff, 0xd8], segment(0xc3, &[8, 0, 10, 0, 10, 1, 1, 0x11, 0]).as_slice()].concat();
    assert_eq!(probed(&lossless), Err(Refusal::Unsupported));
}

#[test]
fn what_decodes_to_a_size_is_announced_with_it() {
    for (name, bytes) in one_of_each() {
        let header = probed(&bytes).unwrap();
        let decoded: DynamicImage = decoded(&bytes);
        let mut sides = [decoded.width(), decoded.height()];
        let mut announced = [header.width, header.height];
        sides.sort_unstable();
        announced.sort_unstable();
        assert_eq!(sides, announced, "{name}");
    }
}
