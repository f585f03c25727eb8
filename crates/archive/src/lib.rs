//! Archives with a sum of each member: a tar file, compressed with Zstandard or not.
//!
//! The last member, [`SUMS`], has the SHA-256 of every other one, a line each in their order, in the format of
//! `sha256sum`. So an archive that was cut off is noticed, and can be checked without this program:
//! `tar -xf backup.tar.zst && sha256sum -c SHA256SUMS`.
//!
//! - [`Writer`] writes under a temporary name; the final name exists once everything is on disk, or not at all.
//! - [`Reader`] takes nothing on trust: names are plain relative paths ([`Name`]), members are plain files, and the sums
//!   are compared as the members are read. Memory grows by 16 bytes per member, whatever the archive says.

mod name;
mod reader;
mod temporary;
mod writer;

pub use name::{InvalidName, Name};
pub use reader::{Damage, Reader};
pub use writer::{Finished, Writer};

/// The name of the last member, with the sums of all others.
pub const SUMS: &str = "SHA256SUMS";

/// How many bytes are read and written at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A sum as it is written: 64 hexadecimal digits in lower case.
fn hex(sum: &[u8]) -> String {
    use std::fmt::Write;
    sum.iter().fold(String::with_capacity(2 * sum.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
