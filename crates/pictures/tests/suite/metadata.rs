//! What is taken out of pictures, and what stays.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, ImageDecoder, ImageFormat};
use pictures::{Stripped, probe, strip_metadata};

use crate::inputs::*;

pub fn stripped(bytes: &[u8]) -> (Stripped, Vec<u8>) {
    let mut copy = Vec::new();
    let stripped = strip_metadata(Cursor::new(bytes), &mut copy).unwrap();
    (stripped, copy)
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The orientation, from a decoder that is not ours.
fn orientation(bytes: &[u8]) -> u8 {
    let mut decoder =
        image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_decoder().unwrap();
    decoder.orientation().unwrap().to_exif()
}

/// Asserts that the copy looks like the original and has none of what was secret.
fn assert_clean(bytes: &[u8], copy: &[u8]) {
    assert!(has(bytes, SECRET));
    assert!(!has(copy, SECRET));
    assert!(!has(copy, b"Camera Corp"));
    assert!(copy.len() < bytes.len());
    assert_eq!(decoded(copy), decoded(bytes));
    assert_eq!(orientation(copy), orientation(bytes));
    assert_eq!(probe(Cursor::new(copy)).unwrap(), probe(Cursor::new(bytes)).unwrap());
    assert_eq!(stripped(copy), (Stripped::Unchanged, copy.to_vec()));
}

#[test]
fn a_jpeg_loses_position_and_camera_and_keeps_pixels_orientation_and_profile() {
    let original = jpeg(&gradient(40, 30));
    let profile = profile(b"RGB ", 100_000);
    for turned in 1..=8 {
        let mut segments = vec![
            segment(0xe0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x05".as_slice(), SECRET].concat()),
            segment(0xe0, &[b"JFXX\0\x10".as_slice(), SECRET].concat()),
            exif_segment(turned),
            segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>".as_slice(), SECRET].concat()),
            segment(0xe2, &[b"MPF\0".as_slice(), SECRET].concat()),
            segment(0xeb, &[b"JP\0\0jumbf".as_slice(), SECRET].concat()),
            segment(0xed, &[b"Photoshop 3.0\x008BIM".as_slice(), SECRET].concat()),
            segment(0xee, &[b"Adobe\0\x64\0\0\0\0\x01".as_slice(), SECRET].concat()),
            segment(0xfe, SECRET),
        ];
        segments.extend(profile_segments(&profile));
        let bytes = with_segments(&original, &segments);
        let (outcome, copy) = stripped(&bytes);
        assert_eq!(outcome, Stripped::Removed);
        assert_clean(&bytes, &copy);
        assert_eq!(orientation(&copy), turned);
        for part in profile_segments(&profile) {
            assert!(has(&copy, &part));
        }
        // From the tables on, which the encoder writes behind its own header, every byte is the same.
        let tables = original.windows(2).position(|bytes| bytes == [0xff, 0xdb] || bytes == [0xff, 0xc0]).unwrap();
        assert!(copy.ends_with(&original[tables..]));
    }
}

#[test]
fn of_several_orientations_the_first_is_kept_as_in_browsers() {
    let original = jpeg(&gradient(40, 30));
    let nothing = segment(0xe1, b"Exif\0\0II*\0");
    let (_, copy) = stripped(&with_segments(&original, &[nothing, exif_segment(6), exif_segment(3)]));
    assert_eq!(orientation(&copy), 6);
    let (_, copy) = stripped(&with_segments(&original, &[exif_segment(1), exif_segment(3)]));
    assert_eq!(copy, original);
}

#[test]
fn metadata_between_the_scans_of_a_jpeg_is_found_and_restarts_are_kept() {
    let original = jpeg(&gradient(40, 30));
    let scan = original.windows(2).position(|bytes| bytes == [0xff, 0xda]).unwrap();
    // A restart and a stuffed byte, then a comment, a second scan, and the end.
    let pixels = [0x12, 0xff, 0xd0, 0x34, 0xff, 0x00, 0x56];
    let second = segment(0xda, &[1, 1, 0, 0, 63, 0]);
    let bytes = [&original[..scan + 14], &pixels, &segment(0xfe, SECRET), &second, &pixels, &[0xff, 0xd9]].concat();
    let (outcome, copy) = stripped(&bytes);
    assert_eq!(outcome, Stripped::Removed);
    assert_eq!(copy, [&original[..scan + 14], &pixels, &second, &pixels, &[0xff, 0xd9]].concat());
}

#[test]
fn what_stands_behind_a_picture_is_left_out() {
    let picture = gradient(40, 30);
    let webp = riff(&[vp8x(0, 40, 30), vp8l(picture.clone())]);
    for bytes in [jpeg(&picture), encoded(picture, ImageFormat::Png), webp] {
        // A motion photo has a video there.
        let motion = [&bytes, b"\0\0\0\x18ftypmp42".as_slice(), SECRET].concat();
        assert_eq!(stripped(&motion), (Stripped::Removed, bytes));
    }
}

#[test]
fn a_png_loses_texts_and_keeps_what_its_colours_are() {
    let original = encoded(gradient(40, 30), ImageFormat::Png);
    let text = |kind: &[u8; 4], begin: &[u8]| chunk(kind, &[begin, SECRET].concat());
    let kept = [
        chunk(b"gAMA", &45_455_u32.to_be_bytes()),
        chunk(b"pHYs", &[0, 0, 0x0b, 0x13, 0, 0, 0x0b, 0x13, 1]),
        chunk(b"iCCP", &[b"profile\0\0".as_slice(), &deflated_zeros(1000)].concat()),
    ];
    let removed = [
        text(b"tEXt", b"Comment\0"),
        text(b"zTXt", b"Raw profile type exif\0\0"),
        text(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0"),
        text(b"iDOT", b""),
        text(b"caBX", b""),
        chunk(b"tIME", &[7, 0xea, 11, 26, 20, 0, 0]),
    ];
    for turned in 1..=8 {
        let bytes = with_chunks(&original, &[kept.concat(), removed.concat(), chunk(b"eXIf", &exif(turned))]);
        let (outcome, copy) = stripped(&bytes);
        assert_eq!(outcome, Stripped::Removed);
        assert_clean(&bytes, &copy);
        assert_eq!(orientation(&copy), turned);
        for part in &kept {
            assert!(has(&copy, part));
        }
        for kind in [b"tEXt", b"zTXt", b"iTXt", b"iDOT", b"caBX", b"tIME"] {
            assert!(!has(&copy, kind), "{}", kind.escape_ascii());
        }
    }
}

#[test]
fn an_animated_png_keeps_its_frames() {
    let png = encoded(gradient(40, 30), ImageFormat::Png);
    let end = png.len() - 12;
    let control = |number: u32| {
        let sides = [number, 40, 30, 0, 0].map(u32::to_be_bytes).concat();
        chunk(b"fcTL", &[sides.as_slice(), &[0, 1, 0, 10, 0, 0]].concat())
    };
    let pixels = deflated_zeros((1 + 40 * 3) * 30);
    let second = chunk(b"fdAT", &[&2_u32.to_be_bytes(), pixels.as_slice()].concat());
    let animation = chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    let bytes = with_chunks(&png[..end], &[animation, control(0), chunk(b"tEXt", b"Comment\0hello")]);
    let bytes = [bytes, control(1), second, png[end..].to_vec()].concat();
    let frames = |bytes: &[u8]| {
        let decoder = PngDecoder::new(Cursor::new(bytes)).unwrap().apng().unwrap();
        decoder.into_frames().map(|frame| frame.unwrap().into_buffer()).collect::<Vec<_>>()
    };
    let (outcome, copy) = stripped(&bytes);
    assert_eq!(outcome, Stripped::Removed);
    assert_eq!(frames(&copy).len(), 2);
    assert_eq!(frames(&copy), frames(&bytes));
}

#[test]
fn a_webp_loses_position_and_camera_and_keeps_pixels_orientation_and_profile() {
    let pixels = vp8l(gradient(40, 30));
    // An odd length, so that a byte of padding is copied.
    let profile = riff_chunk(b"ICCP", &profile(b"RGB ", 333));
    for turned in 1..=8 {
        let bytes = riff(&[
            vp8x(0x20 | 0x08 | 0x04, 40, 30),
            profile.clone(),
            pixels.clone(),
            riff_chunk(b"EXIF", &exif(turned)),
            riff_chunk(b"XMP ", SECRET),
            riff_chunk(b"PRIV", SECRET),
        ]);
        let (outcome, copy) = stripped(&bytes);
        assert_eq!(outcome, Stripped::Removed);
        assert_clean(&bytes, &copy);
        assert_eq!(orientation(&copy), turned);
        assert!(has(&copy, &profile));
        let exif_flag = if turned == 1 { 0 } else { 0x08 };
        assert!(copy[12..].starts_with(&vp8x(0x20 | exif_flag, 40, 30)));
        assert_eq!(copy[4..8], (copy.len() as u32 - 8).to_le_bytes());
    }
}

#[test]
fn an_animated_webp_keeps_its_frames() {
    let original = animated_webp(12, 8);
    let bytes = riff(&[original[12..].to_vec(), riff_chunk(b"EXIF", &exif(1))]);
    let (outcome, copy) = stripped(&bytes);
    assert_eq!((outcome, &copy), (Stripped::Removed, &original));
    assert_eq!(WebPDecoder::new(Cursor::new(&copy)).unwrap().into_frames().count(), 2);
}

#[test]
fn pictures_without_metadata_are_unchanged() {
    let picture = gradient(40, 30);
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let bytes = encoded(picture.clone(), format);
        assert_eq!(stripped(&bytes), (Stripped::Unchanged, bytes), "{format:?}");
    }
}

#[test]
fn other_files_are_not_touched() {
    for bytes in [gif(2), Vec::new(), b"hello".to_vec(), b"<svg/>".to_vec(), b"RIFF\x04\0\0\0WAVE".to_vec()] {
        assert_eq!(stripped(&bytes), (Stripped::NotApplicable, Vec::new()));
    }
}

#[test]
fn a_file_that_ends_too_early_loses_its_metadata_too() {
    for (name, bytes) in one_of_each() {
        for length in 0..bytes.len() {
            let mut copy = Vec::new();
            if strip_metadata(Cursor::new(&bytes[..length]), &mut copy).is_ok() {
                assert!(copy.len() <= length + 4, "{name}, {length}");
                assert!(!has(&copy, SECRET), "{name}, {length}");
            }
        }
    }
}

#[test]
fn a_huge_compressed_text_is_skipped() {
    let png = encoded(gradient(40, 30), ImageFormat::Png);
    let text = chunk(b"zTXt", &[b"Comment\0\0".as_slice(), &deflated_zeros(64 << 20)].concat());
    let bytes = with_chunks(&png, &[text]);
    assert_eq!(probe(Cursor::new(&bytes)).unwrap().width, 40);
    assert_eq!(stripped(&bytes), (Stripped::Removed, png));
}
