//! The account: the one tenant of an installation.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::paths;
use super::text::name_line;
use crate::AppError;

/// What every page shows or needs of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Account {
    pub name: String,
    /// The secret in the URL with which people register themselves: `XXXX-XXXX-XXXX`.
    pub join_code: String,
    /// Only administrators make rooms.
    pub room_creation_restricted: bool,
    /// Names the custom styles; empty without any.
    pub custom_styles_digest: String,
}

impl Account {
    /// Where the custom styles are found under their digest; empty without any.
    #[must_use]
    pub fn custom_styles_path(&self) -> String {
        custom_styles_path(&self.custom_styles_digest)
    }
}

/// Where the custom styles of this digest are found; empty without any.
#[must_use]
pub fn custom_styles_path(digest: &str) -> String {
    if digest.is_empty() { String::new() } else { paths::custom_styles(digest) }
}

/// What the account is called: one line, 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        name_line(text, "Give it a name.", "A name", 100).map(Self)
    }
}

/// The account's own CSS: at most 64 KiB.
///
/// It is served as a style sheet of its own, so nothing in it can end an element of the page, and the pages' policy
/// keeps it from loading anything from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomStyles(String);

impl CustomStyles {
    /// The most CSS, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CustomStyles {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        if text.len() > Self::MAX_BYTES {
            return Err(AppError::invalid("custom_styles", "Custom styles have at most 64 KB. Shorten them."));
        }
        if text.contains('\0') {
            return Err(AppError::invalid("custom_styles", "Custom styles are plain text."));
        }
        Ok(Self(text.trim().replace("\r\n", "\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_styles_have_a_bound() {
        assert!("a".repeat(CustomStyles::MAX_BYTES).parse::<CustomStyles>().is_ok());
        assert!("a".repeat(CustomStyles::MAX_BYTES + 1).parse::<CustomStyles>().is_err());
        assert_eq!(" a{}\r\nb{} ".parse::<CustomStyles>().unwrap().as_str(), "a{}\nb{}");
    }
}
