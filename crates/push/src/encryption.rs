//! The encryption of a message for a subscription (RFC 8291).

use aes_gcm::aead::Aead;
use aes_gcm::{Aes128Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use p256::PublicKey;
use sha2::Sha256;

use crate::KeyPair;
use crate::vapid::point;

/// Size of a public key, in bytes: an uncompressed point on the curve P-256.
pub const PUBLIC_KEY_BYTES: usize = 65;

/// Size of the authentication secret of a subscription, in bytes (RFC 8291, section 3.2).
pub const AUTH_BYTES: usize = 16;

/// Size of the salt of a message, in bytes (RFC 8188, section 2.1).
pub const SALT_BYTES: usize = 16;

/// The largest text that can be encrypted, in bytes: push services must take bodies of 4,096 bytes (RFC 8030, section 7.2),
/// of which the header takes 86, the delimiter 1 and the tag 16.
pub const MAX_PLAINTEXT_BYTES: usize = 4_096 - HEADER_BYTES - 1 - TAG_BYTES;

/// Size of the header: salt, record size, length of the key, key (RFC 8188, section 2.1).
pub(crate) const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + PUBLIC_KEY_BYTES;

const TAG_BYTES: usize = 16;

/// The record size in the header. There is one record, which is no larger.
const RECORD_BYTES: u32 = 4_096;

/// The byte after the text of the last record (RFC 8188, section 2).
pub(crate) const LAST_RECORD: u8 = 2;

/// The keys of a subscription are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys of the subscription are not valid")]
pub struct InvalidKeys;

/// The text is longer than [`MAX_PLAINTEXT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a push")]
pub struct TooLong;

/// The browser behind a subscription, as far as the sender knows it.
#[derive(Clone)]
pub struct Receiver {
    key: PublicKey,
    auth: [u8; AUTH_BYTES],
}

impl Receiver {
    /// The receiver with these keys of a `PushSubscription`: `p256dh` and `auth`.
    ///
    /// # Errors
    /// `InvalidKeys` for a key that is not an uncompressed point on the curve, or a secret of another length.
    pub fn new(p256dh: &[u8], auth: &[u8]) -> Result<Self, InvalidKeys> {
        let key = public_key(p256dh).ok_or(InvalidKeys)?;
        Ok(Self { key, auth: auth.try_into().map_err(|_| InvalidKeys)? })
    }

    /// Encrypts a text, to be sent as the body of a request with `Content-Encoding: aes128gcm`.
    ///
    /// `salt` is random, and `one_time` a new key pair: neither is ever used again.
    ///
    /// # Errors
    /// `TooLong` for a text of more than [`MAX_PLAINTEXT_BYTES`].
    pub fn encrypt(&self, text: &[u8], salt: [u8; SALT_BYTES], one_time: &KeyPair) -> Result<Vec<u8>, TooLong> {
        if text.len() > MAX_PLAINTEXT_BYTES {
            return Err(TooLong);
        }
        let sender = one_time.public_key();
        let shared = one_time.agree(&self.key);
        let content = Content::new(&shared, &self.auth, &point(&self.key), &sender, &salt);
        let record = [text, &[LAST_RECORD]].concat();
        let sealed = content.cipher.encrypt(&content.nonce, record.as_slice()).map_err(|_| TooLong)?;
        let mut body = Vec::with_capacity(HEADER_BYTES + sealed.len());
        body.extend(salt);
        body.extend(RECORD_BYTES.to_be_bytes());
        body.push(PUBLIC_KEY_BYTES as u8);
        body.extend(sender);
        body.extend(sealed);
        Ok(body)
    }
}

/// The point of a public key, uncompressed; `None` for anything else.
pub(crate) fn public_key(bytes: &[u8]) -> Option<PublicKey> {
    if bytes.len() == PUBLIC_KEY_BYTES { PublicKey::from_sec1_bytes(bytes).ok() } else { None }
}

/// What encrypts the content of a message.
pub(crate) struct Content {
    pub(crate) cipher: Aes128Gcm,
    pub(crate) nonce: Nonce<aes_gcm::aead::consts::U12>,
}

impl Content {
    /// Derives key and nonce (RFC 8291, section 3.4) from the shared secret of the two key pairs, the authentication secret,
    /// both public keys and the salt.
    pub(crate) fn new(
        shared: &[u8],
        auth: &[u8; AUTH_BYTES],
        receiver: &[u8; PUBLIC_KEY_BYTES],
        sender: &[u8; PUBLIC_KEY_BYTES],
        salt: &[u8; SALT_BYTES],
    ) -> Self {
        let info = [b"WebPush: info\0".as_slice(), receiver, sender].concat();
        let key_material: [u8; 32] = derive(auth, shared, &info);
        let key: [u8; 16] = derive(salt, &key_material, b"Content-Encoding: aes128gcm\0");
        let nonce: [u8; 12] = derive(salt, &key_material, b"Content-Encoding: nonce\0");
        Self { cipher: Aes128Gcm::new(&key.into()), nonce: nonce.into() }
    }
}

/// HKDF with SHA-256 (RFC 5869).
fn derive<const BYTES: usize>(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; BYTES] {
    let mut derived = [0; BYTES];
    Hkdf::<Sha256>::new(Some(salt), secret)
        .expand(info, &mut derived)
        .expect("HKDF gives 8,160 bytes, and these are fewer");
    derived
}
