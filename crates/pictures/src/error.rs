//! Why there is no preview.

use std::io;

use serde::{Deserialize, Serialize};

use crate::{MAX_PIXELS, MAX_SIDE};

/// Why a file has no preview and never will: the reason is in its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// Another format, or a variant of JPEG that browsers do not show.
    #[error("not a JPEG, PNG, GIF or WebP picture")]
    Unsupported,
    /// The header, or what follows it, is not what the format prescribes.
    #[error("the picture is damaged: {0}")]
    Damaged(String),
    /// More pixels than [`MAX_PIXELS`], or a side longer than [`MAX_SIDE`].
    #[error("{width} × {height} pixels are more than {MAX_PIXELS}, or a side is longer than {MAX_SIDE}")]
    TooLarge {
        /// Pixels, as announced by the header.
        width: u32,
        /// Pixels, as announced by the header.
        height: u32,
    },
    /// Its pixels take more bytes than may be decoded: 16 bits a channel.
    #[error("the decoded picture would take {0} bytes")]
    TooDeep(u64),
}

/// Why a picture could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The picture itself is the reason; trying again changes nothing.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(io::Error),
}

impl Error {
    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Refused(Refusal::Damaged(why.into()))
    }
}

impl From<io::Error> for Error {
    /// A file that ends too early is damaged; other errors are the system's.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::damaged("it ends too early"),
            _ => Self::Io(error),
        }
    }
}
