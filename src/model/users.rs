//! Users: their roles and status, and the fields that they can edit.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::UserId;
use super::text::{is_blank, is_printable_line, name_line};
use crate::AppError;

/// A signed-in user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id of the user.
    pub id: UserId,
    /// The name shown to others.
    pub name: String,
    /// The user's permissions in the account.
    pub role: Role,
}

impl User {
    /// The user by id and name.
    #[must_use]
    pub fn person(&self) -> Person {
        Person { id: self.id, name: self.name.clone() }
    }

    /// Whether the user may create open and closed rooms. `restricted` is the account's setting that only administrators
    /// may.
    #[must_use]
    pub fn may_make_rooms(&self, restricted: bool) -> bool {
        match self.role {
            Role::Administrator => true,
            Role::Member => !restricted,
            Role::Bot => false,
        }
    }

    /// Whether the user may change or remove what `creator_id` created: administrators and its creator may.
    ///
    /// The caller must have checked the membership in the room before.
    #[must_use]
    pub fn may_administer(&self, creator_id: UserId) -> bool {
        self.role == Role::Administrator || self.id == creator_id
    }
}

/// A user by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Person {
    /// The id of the user.
    pub id: UserId,
    /// The name shown to others.
    pub name: String,
}

/// A user as shown on their page, active or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::FromRow))]
pub struct Profile {
    /// The id of the user.
    pub id: UserId,
    /// The name shown to others.
    pub name: String,
    /// The address that the user signs in with; `None` for a bot.
    pub email_address: Option<String>,
    /// The user's description of themselves; may be empty.
    pub bio: String,
    /// The user's permissions in the account.
    pub role: Role,
    /// Whether the user can sign in.
    pub status: Status,
}

/// The role of a user in the account. The numbers are stored, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[serde(rename_all = "snake_case")]
#[repr(i64)]
pub enum Role {
    /// A person without further permissions.
    Member = 0,
    /// A person who may also change the account, its users, and every room and message that they have access to.
    Administrator = 1,
    /// A program.
    Bot = 2,
}

/// The status of a user. The numbers are stored, so they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[serde(rename_all = "snake_case")]
#[repr(i64)]
pub enum Status {
    /// Can sign in.
    Active = 0,
    /// Removed from the account; the messages stay.
    Deactivated = 1,
    /// Shut out by an administrator; the messages are removed.
    Banned = 2,
}

/// The colours that a user chose. The numbers are stored, so they never change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type))]
#[serde(rename_all = "snake_case")]
#[repr(i64)]
pub enum Theme {
    /// Those of the system: light or dark.
    #[default]
    System = 0,
    /// Dark on light.
    Light = 1,
    /// Light on dark.
    Dark = 2,
}

impl Theme {
    /// The themes, in the order of the form.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The theme in forms, cookies and style sheets.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The label of the choice.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

impl FromStr for Theme {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let theme = Self::ALL.into_iter().find(|theme| theme.word() == text);
        theme.ok_or_else(|| AppError::invalid("theme", "Choose one of the themes."))
    }
}

/// The name of a user: one line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 100;

    /// The name, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is stored already.
    #[must_use]
    pub fn stored(name: String) -> Self {
        Self(name)
    }

    /// The name with a number after it, like `Ada (2)`, shortened to [`Self::MAX_CHARS`].
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let mark = format!(" ({number})");
        let name: String = self.0.chars().take(Self::MAX_CHARS - mark.len()).collect();
        Self(name.trim_end().to_owned() + &mark)
    }
}

impl FromStr for UserName {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        name_line(text, "Enter your name.", "A name", Self::MAX_CHARS).map(Self)
    }
}

/// A user's description of themselves: at most 200 characters; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bio(String);

impl Bio {
    /// The longest bio, in characters.
    pub const MAX_CHARS: usize = 200;

    /// The text, with lines ending in `\n`.
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
        if is_blank(&bio) {
            return Ok(Self::default());
        }
        if !bio.lines().all(is_printable_line) {
            return Err(AppError::invalid("bio", "This takes plain characters."));
        }
        Ok(Self(bio))
    }
}

/// The email address that a user signs in with: one to which mail can be sent, at most 254 bytes. Letters of all scripts
/// are accepted (RFC 6531); quoted names and addresses of machines are not.
///
/// Addresses are compared without the case of ASCII letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress(String);

impl EmailAddress {
    /// The address as entered, without white space around it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let address = text.trim();
        match address_problem(address) {
            None => Ok(Self(address.to_owned())),
            Some(problem) => Err(AppError::invalid("email_address", problem)),
        }
    }
}

/// Why mail cannot be sent to an address; `None` if it can.
fn address_problem(address: &str) -> Option<&'static str> {
    let Some((local, domain)) = address.split_once('@').filter(|(_, domain)| !domain.contains('@')) else {
        return Some("Enter an e-mail address like ada@example.com, with one @.");
    };
    // RFC 5321, section 4.5.3.1: a path has at most 256 octets, including the angle brackets, and a name 64.
    if address.len() > 254 || local.len() > 64 {
        return Some("That e-mail address is longer than any that can be received.");
    }
    let is_letter = |c: char| c.is_alphanumeric() || is_mark(c);
    // RFC 5322, section 3.2.3: what a name without quotes consists of.
    let is_of_name = |c: char| is_letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    if local.is_empty() || !local.chars().all(is_of_name) {
        return Some("The part before the @ has letters, digits, and signs like . - _ +, and no spaces.");
    }
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Some("The part before the @ neither begins nor ends with a dot, nor has two in a row.");
    }
    let is_label = |label: &str| {
        // RFC 1035, section 2.3.4.
        (1..=63).contains(&label.len())
            && label.chars().all(|c| is_letter(c) || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if domain.is_empty() || !domain.split('.').all(is_label) {
        return Some(
            "The part after the @ is the name of a server like example.com: letters, digits, dots and hyphens.",
        );
    }
    let Some((_, last)) = domain.rsplit_once('.') else {
        return Some("The part after the @ needs a dot, as in example.com.");
    };
    // No top-level domain is a number or has a single letter of the Latin alphabet.
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.len() == 1 {
        return Some("The part after the @ has to end like .com or .org.");
    }
    None
}

/// Whether a character belongs to a letter of some script without being one: accents, and signs that suppress a vowel.
const fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{34e}'
            | '\u{350}'..='\u{36f}'
            | '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{1039}'..='\u{103a}'
            | '\u{17d2}'
    )
}

/// A password in plain text, of 8 characters to 1,000 bytes. `Debug` does not print it, and it is never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Any text, to be checked against a stored hash.
    #[must_use]
    pub fn to_check(text: String) -> Self {
        Self(text)
    }

    /// The plain text, for hashing and checking.
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
        for name in [
            "  ",
            "\u{200b}",
            "\u{3164}",
            "\u{2800}",
            "\u{e0041}",
            "Ada\u{200b}",
            "\u{3164}Ada",
            "A\u{202e}da",
            "\0",
            "\u{301}",
            "\u{488} \u{301}",
        ] {
            assert!(name.parse::<UserName>().is_err(), "{name:?}");
        }
        assert!("x".repeat(100).parse::<UserName>().is_ok());
        assert!("x".repeat(101).parse::<UserName>().is_err());
    }

    #[test]
    fn an_address_is_one_to_which_mail_can_be_sent() {
        for text in [
            "ada@example.com",
            " Ada.Lovelace+chat@mail.example.co.uk ",
            "o'brien@example.com",
            "x_y-z/1=2@a-b.example",
            "müller@example.de",
            "ada@müller.example",
            "अदा@उदाहरण.भारत",
            "用户@例子.公司",
            "a@xn--mller-kva.example",
            &format!("{}@example.com", "x".repeat(64)),
        ] {
            assert!(text.parse::<EmailAddress>().is_ok(), "{text:?}");
        }
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@example.com",
            "a da@example.com",
            "ada@exa\u{0}mple.com",
            "ada\u{200b}@example.com",
            "Ada <ada@example.com>",
            "<ada@example.com>",
            "mailto:ada@example.com",
            "ada@example.com,bob@example.com",
            "ada@example.com;",
            "\"ada\"@example.com",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "ada@example",
            "ada@localhost",
            "ada@.example.com",
            "ada@example.com.",
            "ada@example..com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@exa_mple.com",
            "ada@[192.0.2.1]",
            "ada@192.0.2.1",
            "ada@example.c",
            "ada@exam ple.com",
            &format!("{}@example.com", "x".repeat(65)),
            &format!("ada@{}.com", "x".repeat(64)),
            &format!("ada@{}com", "long-label.".repeat(23)),
        ] {
            let refused = text.parse::<EmailAddress>();
            assert!(
                matches!(&refused, Err(AppError::Invalid(errors)) if errors.get("email_address").is_some()),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_password_has_eight_characters_and_is_never_printed() {
        assert!("seven77".parse::<Password>().is_err());
        let password = "eight888".parse::<Password>().unwrap();
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn administrators_and_creators_may_administer() {
        let user = |id, role| User { id: UserId(id), name: "Ada".into(), role };
        assert!(user(1, Role::Administrator).may_administer(UserId(2)));
        assert!(user(1, Role::Member).may_administer(UserId(1)));
        assert!(!user(1, Role::Member).may_administer(UserId(2)));
    }
}
