//! Pictures, byte by byte where it matters.

use std::io::{Cursor, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage};

/// What must not be found in a picture without metadata.
pub const SECRET: &[u8] = b"52.5163N 13.3777E";

/// The colours of a picture's quarters: above left, above right, below left, below right.
pub const QUARTERS: [[u8; 3]; 4] = [[220, 30, 30], [30, 200, 40], [40, 50, 220], [230, 220, 40]];

/// A picture that is shown with its quarters in the order of [`QUARTERS`].
pub fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(QUARTERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)])
    })
}

/// The picture of [`quarters`] as a camera stores it that was held like this: where the stored row 0 and column 0 are
/// in what is seen is copied from TIFF 6.0, page 36.
pub fn quarters_stored(width: u32, height: u32, orientation: u8) -> RgbImage {
    let seen = quarters(width, height);
    let (stored_width, stored_height) = if orientation >= 5 { (height, width) } else { (width, height) };
    RgbImage::from_fn(stored_width, stored_height, |column, row| {
        let (from_right, from_bottom) = (|step: u32| width - 1 - step, |step: u32| height - 1 - step);
        let (x, y) = match orientation {
            1 => (column, row),                          // top, left
            2 => (from_right(column), row),              // top, right
            3 => (from_right(column), from_bottom(row)), // bottom, right
            4 => (column, from_bottom(row)),             // bottom, left
            5 => (row, column),                          // left, top
            6 => (from_right(row), column),              // right, top
            7 => (from_right(row), from_bottom(column)), // right, bottom
            8 => (row, from_bottom(column)),             // left, bottom
            other => panic!("no orientation {other}"),
        };
        *seen.get_pixel(x, y)
    })
}

/// A picture with something in every pixel.
pub fn gradient(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 13;
        Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, (noise % 64) as u8 + 90])
    })
}

pub fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
    encoder.write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

pub fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn decoded(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

// JPEG

pub fn segment(code: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap();
    [&[0xff, code], length.to_be_bytes().as_slice(), data].concat()
}

/// The JPEG with these segments behind the start of the image.
pub fn with_segments(jpeg: &[u8], segments: &[Vec<u8>]) -> Vec<u8> {
    [&jpeg[..2], &segments.concat(), &jpeg[2..]].concat()
}

/// EXIF data with a maker, a position, an orientation and a thumbnail.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x03\0".to_vec();
    exif.extend(b"\x0f\x01\x02\0\x0b\0\0\0\x32\0\0\0"); // the maker, 11 bytes at 50
    exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    exif.extend(b"\x25\x88\x04\0\x01\0\0\0\x3d\0\0\0"); // the position's directory, at 61
    exif.extend(b"\0\0\0\0");
    exif.extend(b"Camera Corp");
    exif.extend(SECRET);
    exif
}

pub fn exif_segment(orientation: u8) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0".as_slice(), &exif(orientation)].concat())
}

/// A colour profile of this length and colour space.
pub fn profile(space: &[u8; 4], length: usize) -> Vec<u8> {
    let mut profile = vec![7; length];
    profile[16..20].copy_from_slice(space);
    profile
}

/// The segments that a profile is stored in.
pub fn profile_segments(profile: &[u8]) -> Vec<Vec<u8>> {
    let pieces: Vec<_> = profile.chunks(60_000).collect();
    let count = pieces.len() as u8;
    let piece = |(index, piece): (usize, &&[u8])| {
        segment(0xe2, &[b"ICC_PROFILE\0".as_slice(), &[index as u8 + 1, count], piece].concat())
    };
    pieces.iter().enumerate().map(piece).collect()
}

// PNG

pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = Crc::new();
    sum.update(kind);
    sum.update(data);
    [&(data.len() as u32).to_be_bytes(), kind.as_slice(), data, &sum.sum().to_be_bytes()].concat()
}

pub fn png_header(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut data = [width.to_be_bytes(), height.to_be_bytes()].concat();
    data.extend([depth, color, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &data)].concat()
}

/// The PNG with these chunks behind its header.
pub fn with_chunks(png: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    [&png[..33], &chunks.concat(), &png[33..]].concat()
}

pub fn deflated_zeros(length: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    let mut rest = length;
    while rest > 0 {
        let step = rest.min(zeros.len());
        encoder.write_all(&zeros[..step]).unwrap();
        rest -= step;
    }
    encoder.finish().unwrap()
}

/// A black PNG of one bit a pixel.
pub fn black_png(width: u32, height: u32) -> Vec<u8> {
    let row = 1 + width.div_ceil(8) as usize;
    let pixels = deflated_zeros(row * height as usize);
    [png_header(width, height, 1, 0), chunk(b"IDAT", &pixels), chunk(b"IEND", &[])].concat()
}

// GIF

/// A GIF of this many frames of one pixel.
pub fn gif(frames: usize) -> Vec<u8> {
    let mut gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    for _ in 0..frames {
        gif.extend(b"\x21\xf9\x04\0\x0a\0\0\0"); // shown for a tenth of a second
        gif.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    gif.push(0x3b);
    gif
}

// WebP

pub fn riff(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    [b"RIFF".as_slice(), &(chunks.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunks].concat()
}

pub fn riff_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let padding: &[u8] = if data.len() % 2 == 1 { &[0] } else { &[] };
    [kind.as_slice(), &(data.len() as u32).to_le_bytes(), data, padding].concat()
}

/// The extended header.
pub fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    riff_chunk(b"VP8X", &[vec![flags, 0, 0, 0], side(width), side(height)].concat())
}

/// The chunk of the pixels, lossless.
pub fn vp8l(picture: RgbImage) -> Vec<u8> {
    encoded(picture, ImageFormat::WebP)[12..].to_vec()
}

/// An animation of two frames of this size.
pub fn animated_webp(width: u32, height: u32) -> Vec<u8> {
    let side = |side: u32| side.to_le_bytes()[..3].to_vec();
    let frame = |picture| {
        let head = [side(0), side(0), side(width - 1), side(height - 1), vec![100, 0, 0, 0]].concat();
        riff_chunk(b"ANMF", &[head, vp8l(picture)].concat())
    };
    riff(&[
        vp8x(0x02, width, height),
        riff_chunk(b"ANIM", &[0; 6]),
        frame(quarters(width, height)),
        frame(gradient(width, height)),
    ])
}

/// One small picture of each format, with metadata where there can be some.
pub fn one_of_each() -> Vec<(&'static str, Vec<u8>)> {
    let picture = gradient(24, 16);
    let png = encoded(picture.clone(), ImageFormat::Png);
    vec![
        ("jpeg", with_segments(&jpeg(&picture), &[exif_segment(6)])),
        ("png", with_chunks(&png, &[chunk(b"eXIf", &exif(3)), chunk(b"tEXt", b"Comment\0hello")])),
        ("gif", gif(3)),
        ("webp", riff(&[vp8x(0x08, 24, 16), vp8l(picture), riff_chunk(b"EXIF", &exif(8))])),
        ("animated webp", animated_webp(12, 8)),
    ]
}
