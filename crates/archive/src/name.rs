//! Names of members.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use thiserror::Error;

/// Longest name of a member, in bytes: what the header of a tar file holds without extensions.
const MAX_BYTES: usize = 100;

/// The name of a member: a relative path with `/`, whose parts are of ASCII letters, digits, `.`, `-` and `_` and do not
/// begin with `.`. Below whatever folder it is extracted to, it stays there, on every file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// The text is not a [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a name that an archive of ours has")]
pub struct InvalidName;

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_part = |part: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_allowed)
        };
        let is_name = text.len() <= MAX_BYTES && text.split('/').all(is_part);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_their_folder() {
        for name in ["a", "campfire.sqlite3", "files/ab/cd/abcd-preview", "A_b/c.d", &"a".repeat(100)] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        let long = "a".repeat(101);
        for text in
            ["", "/", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".a", "a/.b", "a\\b", "a b", "ä", "a\0", &long]
        {
            assert_eq!(text.parse::<Name>(), Err(InvalidName), "{text:?}");
        }
    }
}
