//! Bots: programs that post by a key.

use std::fmt;
use std::str::FromStr;

use super::UserId;
use crate::AppError;

/// The number of characters of a token: letters and digits, some 71 bits of entropy.
pub const TOKEN_CHARS: usize = 12;

/// The longest token of a key, in bytes: one of another installation may be longer than ours.
const MAX_TOKEN_BYTES: usize = 128;

/// The credential of a request: a session, a key, a hook, or none for the program itself. Each write checks it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A session of a person.
    Session(super::SessionId),
    /// The key of a bot with this number: a reset makes another.
    BotKey(i64),
    /// A hook, which posts as a bot: its id.
    Hook(i64),
    /// The program itself needs none.
    Program,
}

impl Credential {
    /// The session, if that is what the request has.
    #[must_use]
    pub const fn session_id(self) -> Option<super::SessionId> {
        match self {
            Self::Session(session_id) => Some(session_id),
            Self::BotKey(_) | Self::Hook(_) | Self::Program => None,
        }
    }

    /// The number of the bot's key, if that is what the request has.
    #[must_use]
    pub const fn key_number(self) -> Option<i64> {
        match self {
            Self::BotKey(number) => Some(number),
            Self::Session(_) | Self::Hook(_) | Self::Program => None,
        }
    }

    /// The id of the hook, if that is what the request has.
    #[must_use]
    pub const fn hook_id(self) -> Option<i64> {
        match self {
            Self::Hook(hook_id) => Some(hook_id),
            Self::Session(_) | Self::BotKey(_) | Self::Program => None,
        }
    }
}

/// The key of a bot, like `9-Ab3dEf6hIj9k`: its id and its token. `Debug` does not print the token.
#[derive(Clone, PartialEq, Eq)]
pub struct BotKey {
    /// The bot.
    pub bot_id: UserId,
    token: String,
}

impl BotKey {
    /// The key of a bot with this token.
    #[must_use]
    pub const fn new(bot_id: UserId, token: String) -> Self {
        Self { bot_id, token }
    }

    /// The secret part of the key.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Display for BotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.bot_id, self.token)
    }
}

impl fmt::Debug for BotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BotKey({}-…)", self.bot_id)
    }
}

/// White space around a key is ignored.
impl FromStr for BotKey {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let (id, token) = text.trim().split_once('-').ok_or(AppError::SignedOut)?;
        let is_token = !token.is_empty() && token.len() <= MAX_TOKEN_BYTES && token.bytes().all(is_of_token);
        if !is_token {
            return Err(AppError::SignedOut);
        }
        let bot_id = id.parse().map_err(|_| AppError::SignedOut)?;
        Ok(Self { bot_id, token: token.to_owned() })
    }
}

const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_id_and_the_token_and_never_printed() {
        let key: BotKey = " 9-Ab3dEf6hIj9k\n".parse().unwrap();
        assert_eq!((key.bot_id, key.token(), key.to_string().as_str()), (UserId(9), "Ab3dEf6hIj9k", "9-Ab3dEf6hIj9k"));
        assert_eq!(format!("{key:?}"), "BotKey(9-…)");
        let long = format!("9-{}", "x".repeat(129));
        for text in ["", "9", "9-", "-x", "x-y", "0-x", "9-a-b", "9-a/b", "9-é", "9- x", &long] {
            assert_eq!(text.parse::<BotKey>(), Err(AppError::SignedOut), "{text}");
        }
    }
}
