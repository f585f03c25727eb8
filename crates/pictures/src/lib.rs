//! What files are, and what is done with pictures that people send.
//!
//! - [`content_type`] finds the type of a file from its bytes, and says how it may be served.
//! - [`probe`] reads a picture's header: format, size upright, animated or not. It decodes nothing.
//! - [`strip_metadata`] copies a picture without position, camera data and comments. It decodes nothing either.
//! - [`thumbnail`] decodes, scales and encodes. It is called in a process of its own: [`Thumbnailer`] starts one,
//!   [`child::run`] is what happens in it.
//!
//! A picture is made by whoever sends it, so all numbers in it are taken for attacks: sizes are checked before anything
//! is allocated, readers hold at most a few segments of 64 KiB, and walks over chunks are bounded. Decoders are the
//! largest attack surface of a chat and have had bugs of every kind; the process of [`child`] limits what those cost to
//! one preview.
//!
//! Decoded are JPEG, PNG, GIF and WebP alone ([`Format`]).

pub mod child;
pub mod content_type;
mod error;
mod exif;
mod header;
mod metadata;
mod thumbnail;
mod thumbnailer;

pub use content_type::ContentType;
pub use error::{Error, Refusal};
pub use header::{Format, Header, MAX_PIXELS, MAX_SIDE, probe};
pub use metadata::{Stripped, strip_metadata};
pub use thumbnail::{Bounds, Color, Crop, Encoding, Thumbnail, ThumbnailFormat, thumbnail};
pub use thumbnailer::{Outcome, Thumbnailer};
