//! Thumbnails, made in this process.

use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageFormat, Luma, Rgb, Rgba, RgbaImage};
use pictures::{Bounds, Crop, Encoding, Error, Refusal, Thumbnail, ThumbnailFormat, thumbnail};
use tempfile::TempDir;

use crate::inputs::*;

struct Folder {
    folder: TempDir,
    count: usize,
}

impl Folder {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap(), count: 0 }
    }

    fn path(&mut self) -> PathBuf {
        self.count += 1;
        self.folder.path().join(self.count.to_string())
    }

    fn try_thumbnail(
        &mut self,
        bytes: &[u8],
        bounds: Bounds,
        crop: Option<Crop>,
    ) -> Result<(Thumbnail, Vec<u8>), Error> {
        let (input, output) = (self.path(), self.path());
        std::fs::write(&input, bytes).unwrap();
        let made = thumbnail(&input, &output, bounds, crop, Encoding::Small)?;
        Ok((made, std::fs::read(&output).unwrap()))
    }

    fn thumbnail(&mut self, bytes: &[u8]) -> (Thumbnail, Vec<u8>) {
        self.try_thumbnail(bytes, Bounds::MESSAGE, None).unwrap()
    }
}

/// Asserts that the middle of every quarter has nearly the colour that it should have.
fn assert_quarters(picture: &DynamicImage, expected: [[u8; 3]; 4], what: &str) {
    let picture = picture.to_rgb8();
    let (width, height) = picture.dimensions();
    for (index, color) in expected.into_iter().enumerate() {
        let (x, y) = (width * (1 + 2 * (index as u32 % 2)) / 4, height * (1 + 2 * (index as u32 / 2)) / 4);
        let Rgb(found) = *picture.get_pixel(x, y);
        let near = found.iter().zip(color).all(|(found, color)| found.abs_diff(color) < 30);
        assert!(near, "{what}: quarter {index} is {found:?}, not {color:?}");
    }
}

#[test]
fn all_eight_orientations_are_shown_upright() {
    let mut folder = Folder::new();
    for orientation in 1..=8 {
        let stored = quarters_stored(80, 60, orientation);
        let (width, height) = stored.dimensions();
        let png = encoded(stored.clone(), ImageFormat::Png);
        for bytes in [
            with_segments(&jpeg(&stored), &[exif_segment(orientation)]),
            with_chunks(&png, &[chunk(b"eXIf", &exif(orientation))]),
            riff(&[vp8x(0x08, width, height), vp8l(stored), riff_chunk(b"EXIF", &exif(orientation))]),
        ] {
            let what = format!("orientation {orientation}");
            let (made, bytes_made) = folder.thumbnail(&bytes);
            assert_eq!((made.format, made.width, made.height), (ThumbnailFormat::Jpeg, 80, 60));
            assert_quarters(&decoded(&bytes_made), QUARTERS, &what);
            // Scaled, where bounds are not square.
            let bounds = Bounds { width: 40, height: 10_000 };
            let (made, bytes_made) = folder.try_thumbnail(&bytes, bounds, None).unwrap();
            assert_eq!((made.width, made.height), (40, 30));
            assert_quarters(&decoded(&bytes_made), QUARTERS, &what);
            // Cropped: what is chosen in the picture as it is seen.
            for (index, color) in QUARTERS.into_iter().enumerate() {
                let crop = Crop::new(0.5 * (index % 2) as f64, 0.5 * (index / 2) as f64, 0.5, 0.5);
                let (made, bytes_made) = folder.try_thumbnail(&bytes, Bounds::AVATAR, crop).unwrap();
                assert_eq!((made.width, made.height), (40, 30));
                assert_quarters(&decoded(&bytes_made), [color; 4], &what);
            }
        }
    }
}

#[test]
fn a_picture_is_scaled_down_and_not_up() {
    let mut folder = Folder::new();
    let large = jpeg(&quarters(1800, 900));
    for (bounds, expected) in
        [(Bounds::MESSAGE, (1200, 600)), (Bounds::AVATAR, (512, 256)), (Bounds::LINK_PREVIEW, (600, 300))]
    {
        let (made, bytes) = folder.try_thumbnail(&large, bounds, None).unwrap();
        assert_eq!((made.width, made.height), expected);
        let picture = decoded(&bytes);
        assert_eq!((picture.width(), picture.height()), expected);
        assert_quarters(&picture, QUARTERS, "scaled");
    }
    let (made, _) = folder.thumbnail(&jpeg(&quarters(64, 2)));
    assert_eq!((made.width, made.height), (64, 2));
    let (made, _) = folder.thumbnail(&encoded(GrayImage::new(9000, 1), ImageFormat::Png));
    assert_eq!((made.width, made.height), (1200, 1));
}

#[test]
fn opaque_pictures_become_jpeg_and_others_png() {
    let mut folder = Folder::new();
    let of = |alpha: u8| RgbaImage::from_pixel(1600, 10, Rgba([200, 100, 50, alpha]));
    let (made, bytes) = folder.thumbnail(&encoded(of(255), ImageFormat::Png));
    assert_eq!(made.format, ThumbnailFormat::Jpeg);
    assert_eq!(image::guess_format(&bytes).unwrap(), ImageFormat::Jpeg);
    assert_eq!(made.color.unwrap().to_string(), "#c86432");

    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let (made, bytes) = folder.thumbnail(&encoded(of(128), format));
        assert_eq!(made.format, ThumbnailFormat::Png);
        assert_eq!(image::guess_format(&bytes).unwrap(), ImageFormat::Png);
        assert_eq!(made.color, None);
        // Scaling multiplies colours with their opacity and divides them again.
        let Rgba([red, green, blue, alpha]) = *decoded(&bytes).to_rgba8().get_pixel(3, 3);
        assert!(red.abs_diff(200) <= 1 && green.abs_diff(100) <= 1 && blue.abs_diff(50) <= 1);
        assert_eq!(alpha, 128);
    }
}

#[test]
fn every_kind_of_pixels_is_decoded() {
    let mut folder = Folder::new();
    let rgb = quarters(64, 48);
    let rgb16 = ImageBuffer::from_fn(64, 48, |x, y| Rgb(rgb.get_pixel(x, y).0.map(|channel| u16::from(channel) * 257)));
    let rgba16 = DynamicImage::ImageRgb16(rgb16.clone()).to_rgba16();
    for picture in [DynamicImage::ImageRgb16(rgb16), DynamicImage::ImageRgba16(rgba16)] {
        let (made, bytes) = folder.thumbnail(&encoded(picture, ImageFormat::Png));
        assert_eq!(made.format, ThumbnailFormat::Jpeg);
        assert_quarters(&decoded(&bytes), QUARTERS, "16 bits");
    }
    let gray16 = ImageBuffer::from_pixel(64, 48, Luma([0x8000_u16]));
    let gray_alpha = DynamicImage::ImageLuma16(gray16.clone()).to_luma_alpha8();
    for picture in [DynamicImage::ImageLuma16(gray16), DynamicImage::ImageLumaA8(gray_alpha)] {
        let (made, bytes) = folder.thumbnail(&encoded(picture, ImageFormat::Png));
        assert_eq!(made.format, ThumbnailFormat::Jpeg);
        assert_quarters(&decoded(&bytes), [[128; 3]; 4], "grey");
        assert_eq!(made.color.unwrap().to_string(), "#808080");
    }
}

#[test]
fn only_the_first_frame_is_decoded() {
    let mut folder = Folder::new();
    let (made, _) = folder.thumbnail(&gif(10_000));
    assert_eq!((made.width, made.height), (1, 1));
    let (_, bytes) = folder.thumbnail(&animated_webp(64, 48));
    assert_quarters(&decoded(&bytes), QUARTERS, "animated");
}

#[test]
fn a_colour_profile_is_kept_if_it_is_small_and_fits() {
    let mut folder = Folder::new();
    let picture = jpeg(&quarters(64, 48));
    let cases = [
        (profile(b"RGB ", 3000), true),
        (profile(b"RGB ", 64 * 1024), true),
        (profile(b"RGB ", 64 * 1024 + 1), false),
        (profile(b"CMYK", 3000), false),
        (profile(b"GRAY", 3000), false),
    ];
    for (profile, kept) in cases {
        let (_, bytes) = folder.thumbnail(&with_segments(&picture, &profile_segments(&profile)));
        let mut decoder = image::codecs::jpeg::JpegDecoder::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), kept.then_some(profile));
    }
}

#[test]
fn no_metadata_reaches_a_thumbnail() {
    let mut folder = Folder::new();
    for (name, bytes) in one_of_each() {
        let (_, made) = folder.thumbnail(&bytes);
        for secret in [SECRET, b"Camera", b"Exif", b"Comment"] {
            assert!(!made.windows(secret.len()).any(|window| window == secret), "{name}");
        }
    }
}

#[test]
fn pixels_of_more_bytes_than_allowed_are_refused_before_they_are_decoded() {
    let mut folder = Folder::new();
    let deep = [png_header(16_000, 3000, 16, 2), chunk(b"IDAT", &[]), chunk(b"IEND", &[])].concat();
    let refused = folder.try_thumbnail(&deep, Bounds::MESSAGE, None);
    assert!(matches!(refused, Err(Error::Refused(Refusal::TooDeep(288_000_000)))), "{refused:?}");
}

#[test]
fn a_size_that_differs_from_the_header_is_refused() {
    let mut folder = Folder::new();
    let lying = riff(&[vp8x(0, 9, 9), vp8l(quarters(64, 48))]);
    assert!(matches!(folder.try_thumbnail(&lying, Bounds::MESSAGE, None), Err(Error::Refused(_))));
}

#[test]
fn an_output_that_exists_is_not_overwritten() {
    let mut folder = Folder::new();
    let (input, output) = (folder.path(), folder.path());
    std::fs::write(&input, jpeg(&quarters(64, 48))).unwrap();
    std::fs::write(&output, b"kept").unwrap();
    assert!(matches!(thumbnail(&input, &output, Bounds::MESSAGE, None, Encoding::Small), Err(Error::Io(_))));
    assert_eq!(std::fs::read(&output).unwrap(), b"kept");
}

#[test]
fn pictures_that_end_anywhere_are_decoded_in_part_or_refused() {
    let mut folder = Folder::new();
    for (name, bytes) in one_of_each() {
        for length in 0..bytes.len() {
            match folder.try_thumbnail(&bytes[..length], Bounds::MESSAGE, None) {
                Ok(_) | Err(Error::Refused(_)) => {}
                Err(Error::Io(error)) => panic!("{name}, {length}: {error}"),
            }
        }
    }
}
