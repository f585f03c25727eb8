//! People: who they are, what role they have, and what they may enter about themselves.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::UserId;
use super::text::{is_printable_line, name_line};
use crate::AppError;

/// A signed-in person as the product knows them everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

impl User {
    /// Whether this person may make open and closed rooms, where that may be `restricted` to administrators.
    #[must_use]
    pub fn may_make_rooms(&self, restricted: bool) -> bool {
        match self.role {
            Role::Administrator => true,
            Role::Member => !restricted,
            Role::Bot => false,
        }
    }

    /// Whether this person may administer what `creator_id` made: administrators may, and its creator.
    ///
    /// Membership in the room is a separate question that comes first.
    #[must_use]
    pub fn may_administer(&self, creator_id: UserId) -> bool {
        self.role == Role::Administrator || self.id == creator_id
    }
}

/// A person in a list to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Person {
    pub id: UserId,
    pub name: String,
}

/// A person as their own page shows them, whatever their status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Profile {
    pub id: UserId,
    pub name: String,
    /// Bots have none.
    pub email_address: Option<String>,
    pub bio: String,
    pub role: Role,
    pub status: Status,
}

/// What a user is in the account. The numbers are stored and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[serde(rename_all = "snake_case")]
#[repr(i64)]
pub enum Role {
    Member = 0,
    Administrator = 1,
    Bot = 2,
}

/// Whether a user takes part. The numbers are stored and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[serde(rename_all = "snake_case")]
#[repr(i64)]
pub enum Status {
    Active = 0,
    Deactivated = 1,
    Banned = 2,
}

/// What a person is called: one line, 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        name_line(text, "Enter your name.", "A name", Self::MAX_CHARS).map(Self)
    }
}

/// What a person says of themselves: at most 200 characters, nothing at all included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bio(String);

impl Bio {
    /// The longest bio, in characters.
    pub const MAX_CHARS: usize = 200;

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bio {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let bio = text.trim().replace("\r\n", "\n");
        if bio.chars().count() > Self::MAX_CHARS {
            return Err(AppError::invalid("bio", "This has at most 200 characters."));
        }
        if !bio.lines().all(is_printable_line) {
            return Err(AppError::invalid("bio", "This takes plain characters."));
        }
        Ok(Self(bio))
    }
}

/// Where a person gets mail, and what they sign in with: at most 254 characters, something before and after one `@`.
///
/// Two addresses that differ only in the case of ASCII letters are the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let address = text.trim();
        // RFC 5321 bounds a path at 256 octets, the angle brackets included.
        let fits = address.len() <= 254 && !address.chars().any(|c| c.is_whitespace() || c.is_control());
        match address.split_once('@') {
            Some((local, domain)) if fits && !local.is_empty() && !domain.is_empty() && !domain.contains('@') => {
                Ok(Self(address.to_owned()))
            }
            _ => Err(AppError::invalid("email_address", "Enter an e-mail address like ada@example.com.")),
        }
    }
}

/// A password as typed, 8 characters to 1,000 bytes. It is never printed and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Any text, for checking against a stored hash: a wrong one simply does not match.
    #[must_use]
    pub fn to_check(text: String) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        if text.chars().count() < 8 {
            return Err(AppError::invalid("password", "A password has at least 8 characters."));
        }
        if text.len() > 1_000 {
            return Err(AppError::invalid("password", "That password is too long."));
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_not_blank() {
        assert_eq!(" Ada ".parse::<UserName>().unwrap().as_str(), "Ada");
        assert!("  ".parse::<UserName>().is_err());
        assert!("x".repeat(100).parse::<UserName>().is_ok());
        assert!("x".repeat(101).parse::<UserName>().is_err());
    }

    #[test]
    fn an_address_has_something_on_both_sides_of_one_at_sign() {
        assert!("ada@example.com".parse::<EmailAddress>().is_ok());
        for text in ["", "ada", "@example.com", "ada@", "a@b@c", "a da@example.com", "ada@exa\u{0}mple.com"] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_password_has_eight_characters_and_is_never_printed() {
        assert!("seven77".parse::<Password>().is_err());
        let password = "eight888".parse::<Password>().unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn administrators_and_creators_administer() {
        let user = |id, role| User { id: UserId(id), name: "Ada".into(), role };
        assert!(user(1, Role::Administrator).may_administer(UserId(2)));
        assert!(user(1, Role::Member).may_administer(UserId(1)));
        assert!(!user(1, Role::Member).may_administer(UserId(2)));
    }
}
