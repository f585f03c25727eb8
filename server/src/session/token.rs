//! Tokens of sessions: 128 random bits. A browser keeps the token in a cookie, the database its SHA-256 hash: a leaked
//! database contains no usable tokens.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 16]);

impl Token {
    /// A new token.
    #[must_use]
    pub fn random() -> Self {
        // A random UUID has 122 random bits.
        let random = Sha256::new().chain_update(Uuid::new_v4()).chain_update(Uuid::new_v4()).finalize();
        Self(random[..16].try_into().expect("SHA-256 has 32 bytes"))
    }

    /// The hash under which its session is stored.
    #[must_use]
    pub fn hash(self) -> [u8; 32] {
        // Sessions were once stored by the hash of a number in this order of bytes.
        let mut bytes = self.0;
        bytes.reverse();
        Sha256::digest(bytes).into()
    }
}

/// Base64 as in a cookie.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Not the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ())?;
        bytes.try_into().map(Self).map_err(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_the_cookie_and_is_never_printed() {
        let token = Token::random();
        assert_eq!(token.to_string().parse(), Ok(token));
        assert_ne!(token, Token::random());
        assert_eq!(format!("{token:?}"), "Token(…)");
        for text in ["", "x", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA", "%00"] {
            assert!(text.parse::<Token>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_session_of_an_earlier_version_has_the_hash_that_it_was_stored_by() {
        let token: Token = "AQAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let expected: [u8; 32] = Sha256::digest(1_i128.to_be_bytes()).into();
        assert_eq!(token.hash(), expected);
    }
}
