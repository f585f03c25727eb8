//! The browser's side of a subscription: what decrypts a message.

use aes_gcm::aead::Aead;

use crate::KeyPair;
use crate::encryption::{AUTH_BYTES, Content, HEADER_BYTES, LAST_RECORD, PUBLIC_KEY_BYTES, SALT_BYTES, public_key};
use crate::vapid::point;

/// The body is not a message for this subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a message for this subscription")]
pub struct Unreadable;

/// The secrets of a subscription.
#[derive(Clone, Debug)]
pub struct Inbox {
    keys: KeyPair,
    auth: [u8; AUTH_BYTES],
}

impl Inbox {
    /// The inbox with these secrets.
    #[must_use]
    pub const fn new(keys: KeyPair, auth: [u8; AUTH_BYTES]) -> Self {
        Self { keys, auth }
    }

    /// The public key: `p256dh` of the subscription.
    #[must_use]
    pub fn p256dh(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.keys.public_key()
    }

    /// The authentication secret: `auth` of the subscription.
    #[must_use]
    pub const fn auth(&self) -> [u8; AUTH_BYTES] {
        self.auth
    }

    /// The text of a message with one record, as push services require it.
    ///
    /// # Errors
    /// `Unreadable` for anything that is not a whole message for this subscription.
    pub fn decrypt(&self, body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let (header, sealed) = body.split_at_checked(HEADER_BYTES).ok_or(Unreadable)?;
        let (salt, rest) = header.split_at(SALT_BYTES);
        let (record_bytes, sender) = rest.split_at(4);
        let record_bytes = u32::from_be_bytes(record_bytes.try_into().map_err(|_| Unreadable)?);
        if usize::from(sender[0]) != PUBLIC_KEY_BYTES
            || usize::try_from(record_bytes).is_ok_and(|max| sealed.len() > max)
        {
            return Err(Unreadable);
        }
        let sender = public_key(&sender[1..]).ok_or(Unreadable)?;
        let salt = salt.try_into().map_err(|_| Unreadable)?;
        let content =
            Content::new(&self.keys.agree(&sender), &self.auth, &self.keys.public_key(), &point(&sender), salt);
        let mut text = content.cipher.decrypt(&content.nonce, sealed).map_err(|_| Unreadable)?;
        // Padding: zeros after the delimiter.
        while text.last() == Some(&0) {
            text.pop();
        }
        if text.pop() == Some(LAST_RECORD) { Ok(text) } else { Err(Unreadable) }
    }
}
