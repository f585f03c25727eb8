//! Decoding, scaling and encoding: what is done in a process of its own.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::str::FromStr;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{InnerPixel, U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::{CompressionType, FilterType as RowFilter, PngDecoder, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageEncoder, ImageError, Limits};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal};
use crate::exif::Orientation;
use crate::header::{Format, Header, MAX_PIXELS, probe};

/// Bytes of a decoded picture: [`MAX_PIXELS`] with four channels of 8 bits.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;

/// Bytes that a decoder may take for chunks beside the pixels.
const MAX_CHUNK_BYTES: u64 = 64 * 1024 * 1024;

/// Longest colour profile that is kept: those of cameras and screens have 500 bytes to 4 KiB. Those of printers have
/// megabytes.
const MAX_PROFILE_BYTES: usize = 64 * 1024;

/// Quality of a JPEG, of 100. Thumbnails are shown at half their size, where 70 cannot be told from 90.
const JPEG_QUALITY: u8 = 70;

/// The box that a thumbnail fits into, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least 1.
    pub width: u16,
    /// At least 1.
    pub height: u16,
}

impl Bounds {
    /// Pictures of messages, which are shown at half this size at most.
    pub const MESSAGE: Self = Self { width: 1200, height: 800 };
    /// Pictures of people, and the account's logo.
    pub const AVATAR: Self = Self { width: 512, height: 512 };
    /// Pictures of link previews.
    pub const LINK_PREVIEW: Self = Self { width: 600, height: 600 };

    /// The size of a picture scaled down into this box; never enlarged, and at least one pixel on each side.
    #[must_use]
    pub fn fit(self, width: u32, height: u32) -> (u32, u32) {
        let (max_width, max_height) = (u64::from(self.width.max(1)), u64::from(self.height.max(1)));
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let rounded = |side: u64, numerator: u64, denominator: u64| {
            ((side * numerator + denominator / 2) / denominator).max(1) as u32
        };
        if width <= max_width && height <= max_height {
            (width as u32, height as u32)
        } else if width * max_height >= height * max_width {
            (max_width as u32, rounded(height, max_width, width))
        } else {
            (rounded(width, max_height, height), max_height as u32)
        }
    }
}

/// A part of a picture, as fractions of its width and height when it is shown upright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crop {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Crop {
    /// `None` unless the part lies within the picture, and is more than a thousandth of each side.
    #[must_use]
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Option<Self> {
        let within = |begin: f64, length: f64| begin >= 0.0 && length > 0.001 && begin + length <= 1.0 + 1e-9;
        (within(left, width) && within(top, height)).then_some(Self { left, top, width, height })
    }

    /// The same part of the picture as it is stored.
    fn stored(self, orientation: Orientation) -> Self {
        let Self { left, top, width, height } = self;
        let (right, bottom) = ((1.0 - left - width).max(0.0), (1.0 - top - height).max(0.0));
        let (left, top) = match orientation.get() {
            2 => (right, top),
            3 => (right, bottom),
            4 => (left, bottom),
            5 => (top, left),
            6 => (top, right),
            7 => (bottom, right),
            8 => (bottom, left),
            _ => (left, top),
        };
        let (width, height) = if orientation.exchanges_sides() { (height, width) } else { (width, height) };
        Self { left, top, width, height }
    }
}

impl std::fmt::Display for Crop {
    /// `LEFT,TOP,WIDTH,HEIGHT`, which [`Crop::from_str`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{},{},{}", self.left, self.top, self.width, self.height)
    }
}

impl FromStr for Crop {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split(',').map(|number| number.parse::<f64>().map_err(drop));
        let mut next = || numbers.next().unwrap_or(Err(()));
        let crop = Self::new(next()?, next()?, next()?, next()?).ok_or(())?;
        if numbers.next().is_none() { Ok(crop) } else { Err(()) }
    }
}

/// The format that a thumbnail has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThumbnailFormat {
    /// Of opaque pictures, unless PNG is asked for.
    Jpeg,
    /// Of pictures through which the page is seen.
    Png,
}

impl ThumbnailFormat {
    /// `image/jpeg` or `image/png`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A colour of sRGB; shown as `#rrggbb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color(pub [u8; 3]);

impl std::fmt::Display for Color {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// How a thumbnail is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As JPEG if it is opaque, else as PNG.
    Small,
    /// As PNG, for icons: not all systems take others.
    Png,
}

/// What a thumbnail has become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The format of the file.
    pub format: ThumbnailFormat,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The mean of all pixels, shown in the picture's place until it is loaded. `None` for a picture that is not opaque:
    /// the colour would be seen through it.
    pub color: Option<Color>,
}

/// Makes a thumbnail of the picture `input`: its first frame, upright, fitted into `bounds`, of the part `crop`.
///
/// `output` must not exist; the file is complete if there is no error. A colour profile of at most 64 KiB is kept, and
/// no other metadata. Decodes up to 200 MiB of pixels made by a stranger: to be called in a process of its own, by
/// [`crate::Thumbnailer`].
///
/// # Errors
/// [`Error::Refused`] if the picture is the reason, [`Error::Io`] if the system is.
pub fn thumbnail(
    input: &Path,
    output: &Path,
    bounds: Bounds,
    crop: Option<Crop>,
    encoding: Encoding,
) -> Result<Thumbnail, Error> {
    let mut file = File::open(input)?;
    let header = probe(&file)?;
    file.seek(SeekFrom::Start(0))?;
    let (picture, profile) = decode(file, &header)?;
    let picture = scale(in_eight_bits(picture), &header, bounds, crop)?;
    let (width, height) = picture.dimensions();
    let opaque = is_opaque(&picture);
    let mut output = BufWriter::new(File::create_new(output)?);
    let format = if opaque && encoding == Encoding::Small { ThumbnailFormat::Jpeg } else { ThumbnailFormat::Png };
    let profile = profile.filter(|profile| fits(profile, &picture));
    match format {
        ThumbnailFormat::Jpeg => encode_jpeg(&mut output, &picture, profile)?,
        ThumbnailFormat::Png => encode_png(&mut output, &picture, profile)?,
    }
    output.flush()?;
    let color = opaque.then(|| mean_color(&picture));
    Ok(Thumbnail { format, width, height, color })
}

/// Decodes the first frame; with it the colour profile, if it may be kept.
fn decode(file: File, header: &Header) -> Result<(DynamicImage, Option<Vec<u8>>), Error> {
    let reader = BufReader::with_capacity(64 * 1024, file);
    // Decoders do not observe all limits on all paths, and PNG's stops at texts that exceed it. What is certain is the
    // size of the pixels, which is checked here, and the limit on the process.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_CHUNK_BYTES);
    let decoder: Result<Box<dyn ImageDecoder>, ImageError> = match header.format {
        Format::Jpeg => JpegDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Format::Png => PngDecoder::with_limits(reader, limits).map(|decoder| Box::new(decoder) as _),
        Format::Gif => GifDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Format::Webp => WebPDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
    };
    let mut decoder = decoder.map_err(because)?;
    if decoder.dimensions() != header.stored_size() {
        return Err(Error::damaged("two headers of different sizes"));
    }
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(Refusal::TooDeep(decoder.total_bytes()).into());
    }
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| profile.len() <= MAX_PROFILE_BYTES);
    let picture = DynamicImage::from_decoder(decoder).map_err(because)?;
    Ok((picture, profile))
}

/// Why a picture cannot be decoded, or encoded.
fn because(error: ImageError) -> Error {
    match error {
        ImageError::IoError(error) => error.into(),
        error => Error::damaged(error.to_string()),
    }
}

/// Crops, scales and turns a picture with 8 bits a channel.
fn scale(picture: DynamicImage, header: &Header, bounds: Bounds, crop: Option<Crop>) -> Result<DynamicImage, Error> {
    let (width, height) = picture.dimensions();
    let crop = crop.map(|crop| crop.stored(header.orientation));
    let (cropped_width, cropped_height) = match crop {
        Some(crop) => (f64::from(width) * crop.width, f64::from(height) * crop.height),
        None => (width.into(), height.into()),
    };
    let bounds = if header.orientation.exchanges_sides() {
        Bounds { width: bounds.height, height: bounds.width }
    } else {
        bounds
    };
    let (small_width, small_height) = bounds.fit(cropped_width.round() as u32, cropped_height.round() as u32);
    let mut picture = if crop.is_none() && (small_width, small_height) == (width, height) {
        picture
    } else {
        let mut options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom))
            // Otherwise the whole picture would be copied, with its colours multiplied.
            .use_alpha(!is_opaque(&picture));
        if let Some(crop) = crop {
            let (left, top) = (f64::from(width) * crop.left, f64::from(height) * crop.top);
            let cropped_width = cropped_width.min(f64::from(width) - left);
            options = options.crop(left, top, cropped_width, cropped_height.min(f64::from(height) - top));
        }
        let size = (small_width, small_height);
        match &picture {
            DynamicImage::ImageLuma8(_) => resized::<U8>(&picture, size, &options)?,
            DynamicImage::ImageRgb8(_) => resized::<U8x3>(&picture, size, &options)?,
            _ => resized::<U8x4>(&picture, size, &options)?,
        }
    };
    if let Some(orientation) = image::metadata::Orientation::from_exif(header.orientation.get()) {
        picture.apply_orientation(orientation);
    }
    Ok(picture)
}

/// A picture of these pixels in another size. Called for the pixels that pictures have here: compiled for all that there
/// are, scaling would be a fifth of the executable.
fn resized<P: PixelTrait + InnerPixel>(
    picture: &DynamicImage,
    (width, height): (u32, u32),
    options: &ResizeOptions,
) -> Result<DynamicImage, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::damaged(format!("it cannot be scaled: {error}"));
    let mut small = DynamicImage::new(width, height, picture.color());
    let source = TypedImageRef::<P>::from_buffer(picture.width(), picture.height(), picture.as_bytes());
    let source = source.map_err(|error| failed(&error))?;
    let pixels = match &mut small {
        DynamicImage::ImageLuma8(small) => &mut **small,
        DynamicImage::ImageRgb8(small) => &mut **small,
        DynamicImage::ImageRgba8(small) => &mut **small,
        _ => return Err(Error::damaged("it has other pixels than what was made of it")),
    };
    let mut target = TypedImage::<P>::from_buffer(width, height, pixels).map_err(|error| failed(&error))?;
    Resizer::new().resize_typed(&source, &mut target, options).map_err(|error| failed(&error))?;
    Ok(small)
}

/// True if no pixel lets the background through.
fn is_opaque(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageLumaA8(picture) => picture.pixels().all(|pixel| pixel.0[1] == u8::MAX),
        DynamicImage::ImageRgba8(picture) => picture.pixels().all(|pixel| pixel.0[3] == u8::MAX),
        DynamicImage::ImageLumaA16(picture) => picture.pixels().all(|pixel| pixel.0[1] == u16::MAX),
        DynamicImage::ImageRgba16(picture) => picture.pixels().all(|pixel| pixel.0[3] == u16::MAX),
        picture => !picture.color().has_alpha(),
    }
}

/// The same picture with 8 bits a channel, and no others than what the encoders take.
fn in_eight_bits(picture: DynamicImage) -> DynamicImage {
    match picture {
        picture @ (DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_)) => picture,
        picture @ DynamicImage::ImageLuma16(_) => DynamicImage::ImageLuma8(picture.into_luma8()),
        picture if picture.color().has_alpha() => DynamicImage::ImageRgba8(picture.into_rgba8()),
        picture => DynamicImage::ImageRgb8(picture.into_rgb8()),
    }
}

/// True if a colour profile is one of these pixels, and not of the four inks that they were made of
/// (ICC.1:2022, section 7.2.6).
fn fits(profile: &[u8], picture: &DynamicImage) -> bool {
    let space: &[u8] = if matches!(picture, DynamicImage::ImageLuma8(_)) { b"GRAY" } else { b"RGB " };
    profile.get(16..20) == Some(space)
}

fn encode_jpeg(output: &mut impl Write, picture: &DynamicImage, profile: Option<Vec<u8>>) -> Result<(), Error> {
    let (Ok(width), Ok(height)) = (u16::try_from(picture.width()), u16::try_from(picture.height())) else {
        return Err(Error::damaged("too large for a thumbnail"));
    };
    let color = match picture {
        DynamicImage::ImageLuma8(_) => jpeg_encoder::ColorType::Luma,
        DynamicImage::ImageRgb8(_) => jpeg_encoder::ColorType::Rgb,
        _ => jpeg_encoder::ColorType::Rgba,
    };
    let mut encoder = jpeg_encoder::Encoder::new(output, JPEG_QUALITY);
    // Optimised tables would save 5 %, but are written as one scan a channel, which not all decoders can read.
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    let encoded = match profile {
        Some(profile) => encoder.add_icc_profile(&profile),
        None => Ok(()),
    };
    encoded.and_then(|()| encoder.encode(picture.as_bytes(), width, height, color)).map_err(|error| match error {
        jpeg_encoder::EncodingError::IoError(error) => error.into(),
        error => Error::damaged(error.to_string()),
    })
}

fn encode_png(output: &mut impl Write, picture: &DynamicImage, profile: Option<Vec<u8>>) -> Result<(), Error> {
    let mut encoder = PngEncoder::new_with_quality(output, CompressionType::Default, RowFilter::Adaptive);
    if let Some(profile) = profile {
        // Without it, the colours are those of sRGB.
        let _ = encoder.set_icc_profile(profile);
    }
    encoder.write_image(picture.as_bytes(), picture.width(), picture.height(), picture.color().into()).map_err(because)
}

fn mean_color(picture: &DynamicImage) -> Color {
    let (channels, bytes) = (usize::from(picture.color().channel_count()), picture.as_bytes());
    let mut sums = [0_u64; 3];
    for pixel in bytes.chunks_exact(channels) {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum += u64::from(if channels < 3 { pixel[0] } else { pixel[channel] });
        }
    }
    let count = (bytes.len() / channels).max(1) as u64;
    Color(sums.map(|sum| ((sum + count / 2) / count) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_fitted_into_the_bounds_and_never_enlarged() {
        let cases = [
            ((2400, 800), (1200, 400)),
            ((1200, 800), (1200, 800)),
            ((10, 7), (10, 7)),
            ((800, 1600), (400, 800)),
            ((2400, 1600), (1200, 800)),
            ((16_384, 1), (1200, 1)),
            ((1, 16_384), (1, 800)),
            ((1201, 1), (1200, 1)),
            ((0, 0), (1, 1)),
        ];
        for ((width, height), expected) in cases {
            assert_eq!(Bounds::MESSAGE.fit(width, height), expected, "{width} × {height}");
        }
    }

    #[test]
    fn a_crop_lies_within_the_picture_and_survives_the_command_line() {
        let crop = Crop::new(0.25, 0.0, 0.5, 1.0).unwrap();
        assert_eq!(crop.to_string().parse(), Ok(crop));
        assert!(Crop::new(0.6, 0.0, 0.5, 1.0).is_none());
        assert!(Crop::new(-0.1, 0.0, 0.5, 1.0).is_none());
        assert!(Crop::new(0.0, 0.0, 0.0, 1.0).is_none());
        assert!(Crop::new(f64::NAN, 0.0, 0.5, 1.0).is_none());
        assert!(Crop::new(0.0, 0.0, f64::INFINITY, 1.0).is_none());
        for text in ["", "0,0,1", "0,0,1,1,1", "a,0,1,1", "0,0,2,1"] {
            assert_eq!(text.parse::<Crop>(), Err(()), "{text}");
        }
    }
}
