//! Ids: positive integers assigned by the database, and the id that a browser assigns to a message it sends.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::AppError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
        #[serde(transparent)]
        pub struct $name(
            /// The row's id in the database.
            pub i64,
        );

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Parses the id in a URL: the digits of a positive number. Anything else is `NotFound`, as no row can have it.
        impl FromStr for $name {
            type Err = AppError;

            fn from_str(text: &str) -> Result<Self, AppError> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                match text.parse() {
                    Ok(number) if digits && number > 0 => Ok(Self(number)),
                    _ => Err(AppError::NotFound),
                }
            }
        }
    };
}

id!(
    /// The id of a user: a person or a bot.
    UserId
);
id!(
    /// The id of a room of any kind.
    RoomId
);
id!(
    /// The id of a message. Ids increase in the order in which messages are stored and are never reused.
    MessageId
);
id!(
    /// The id of a session: one browser in which a user is signed in.
    SessionId
);
id!(
    /// The id of a push subscription: one browser that takes pushes.
    PushSubscriptionId
);

/// The id that a browser assigns to a message before it sends it: a UUID in lower case, unique per author for ever. It
/// makes sending idempotent.
///
/// Browsers generate version 7, whose first 48 bits are the time, so that ids sort in the order of writing. Every stored
/// id has the shape of a UUID: a message with another could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "ssr", derive(sqlx::Type), sqlx(transparent))]
#[serde(try_from = "String")]
pub struct ClientMessageId(String);

impl Serialize for ClientMessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl ClientMessageId {
    /// A version 7 UUID (RFC 9562, section 5.7) made of `now_ms`, in milliseconds since the epoch, and 10 random bytes.
    #[must_use]
    pub fn v7(now_ms: u64, randomness: [u8; 10]) -> Self {
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&randomness);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);

        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            for nibble in [byte >> 4, byte & 0x0f] {
                text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hexadecimal digit"));
            }
        }
        Self(text)
    }

    /// The UUID in its text form, 36 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientMessageId {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let shape = text.len() == 36
            && text.bytes().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        if !shape {
            return Err(AppError::invalid("client_message_id", "The message's id must be a UUID."));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for ClientMessageId {
    type Error = AppError;

    fn try_from(text: String) -> Result<Self, AppError> {
        text.parse()
    }
}

impl fmt::Display for ClientMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positive_numbers_are_ids() {
        assert_eq!("7".parse(), Ok(RoomId(7)));
        for text in ["", "0", "-1", "+1", "9223372036854775808", "seven", "7 ", "７"] {
            assert_eq!(text.parse::<RoomId>(), Err(AppError::NotFound), "{text:?}");
        }
    }

    #[test]
    fn version_7_ids_sort_by_time() {
        let earlier = ClientMessageId::v7(0x0192_0000_0001, [0xff; 10]);
        let later = ClientMessageId::v7(0x0192_0000_0002, [0x00; 10]);
        assert_eq!(earlier.as_str(), "01920000-0001-7fff-bfff-ffffffffffff");
        assert_eq!(later.as_str(), "01920000-0002-7000-8000-000000000000");
        assert!(earlier < later);
        assert_eq!(earlier.as_str().to_uppercase().parse(), Ok(earlier));
    }

    #[test]
    fn a_client_message_id_must_be_a_uuid() {
        for text in ["", "1", "01920000-0001-7fff-bfff-fffffffffff", "01920000x0001-7fff-bfff-ffffffffffff", "<script>"]
        {
            assert!(matches!(text.parse::<ClientMessageId>(), Err(AppError::Invalid(_))), "{text:?}");
        }
    }
}
