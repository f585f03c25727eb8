//! The account: the single tenant of an installation.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::paths;
use super::text::name_line;
use crate::AppError;

/// The account's data that every page needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Account {
    /// The name of the account, shown in titles and in the sidebar.
    pub name: String,
    /// The secret in the URL of the registration page, like `5yjk-v7yQ-D8i4`.
    pub join_code: String,
    /// Only administrators may create rooms.
    pub room_creation_restricted: bool,
    /// The digest of the custom styles, which versions their URL; empty without custom styles.
    pub custom_styles_digest: String,
    /// The number of the latest change to anybody's picture or to the logo; 0 before the first.
    #[serde(default)]
    pub avatars_version: i64,
    /// The number of the latest change to the logo; 0 without a logo.
    #[serde(default)]
    pub logo_version: i64,
}

impl Account {
    /// The path of the account's custom styles; empty without custom styles.
    #[must_use]
    pub fn custom_styles_path(&self) -> String {
        custom_styles_path(&self.custom_styles_digest)
    }
}

/// The path of the custom styles with this digest, cacheable for ever; empty for an empty digest.
#[must_use]
pub fn custom_styles_path(digest: &str) -> String {
    if digest.is_empty() { String::new() } else { paths::custom_styles(digest) }
}

/// The name of an account: one line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountName(String);

impl AccountName {
    /// The name, without white space around it.
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

/// Custom CSS of the account: at most 64 KiB.
///
/// It is served as a separate style sheet, so it cannot close an element of a page, and the Content-Security-Policy keeps
/// it from loading resources of other sites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomStyles(String);

impl CustomStyles {
    /// The maximum length, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// The CSS, with lines ending in `\n`.
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
    fn custom_styles_over_the_limit_are_refused() {
        assert!("a".repeat(CustomStyles::MAX_BYTES).parse::<CustomStyles>().is_ok());
        assert!("a".repeat(CustomStyles::MAX_BYTES + 1).parse::<CustomStyles>().is_err());
        assert_eq!(" a{}\r\nb{} ".parse::<CustomStyles>().unwrap().as_str(), "a{}\nb{}");
    }
}
