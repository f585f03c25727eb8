//! Key pairs, and what a sender proves itself by to a push service (VAPID, RFC 8292).

use std::fmt;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde::Serialize;

use crate::encryption::PUBLIC_KEY_BYTES;
use crate::{decode_key, encode_key};

/// The key pair is not valid: the private key is no number of the group, or the public key belongs to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key pair is not valid")]
pub struct InvalidKeyPair;

/// A key pair on the curve P-256: that of a sender, or one for a single message.
#[derive(Clone)]
pub struct KeyPair(SecretKey);

/// Not the private key.
impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(…)")
    }
}

/// The claims of a sender (RFC 8292, section 2). In this order, and without others: some push services are strict.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl KeyPair {
    /// A new key pair. `random` makes 32 random bytes, and is asked again if these are no number of the group, which happens
    /// once in 2³².
    pub fn generate(mut random: impl FnMut() -> [u8; 32]) -> Self {
        loop {
            if let Ok(pair) = Self::from_private_key(&random()) {
                return pair;
            }
        }
    }

    /// The key pair of a private key of 32 bytes.
    ///
    /// # Errors
    /// `InvalidKeyPair` if these are no key.
    pub fn from_private_key(bytes: &[u8]) -> Result<Self, InvalidKeyPair> {
        if bytes.len() != 32 {
            return Err(InvalidKeyPair);
        }
        SecretKey::from_slice(bytes).map(Self).map_err(|_| InvalidKeyPair)
    }

    /// The key pair that is written in URL-safe base64, as the usual tools for VAPID do.
    ///
    /// # Errors
    /// `InvalidKeyPair` if one is no key, or the public one is not that of the private one.
    pub fn parse(public_key: &str, private_key: &str) -> Result<Self, InvalidKeyPair> {
        let pair = Self::from_private_key(&decode_key(private_key).ok_or(InvalidKeyPair)?)?;
        let is_same = decode_key(public_key).is_some_and(|public_key| public_key == pair.public_key());
        if is_same { Ok(pair) } else { Err(InvalidKeyPair) }
    }

    /// The public key, an uncompressed point: the `applicationServerKey` of subscriptions for this sender.
    #[must_use]
    pub fn public_key(&self) -> [u8; PUBLIC_KEY_BYTES] {
        point(&self.0.public_key())
    }

    /// The private key: 32 bytes, to be kept.
    #[must_use]
    pub fn private_key(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// The value of the header `Authorization` for one push service.
    ///
    /// `audience` is the origin of the endpoint, like `https://push.example`. `expires_at_s` is in seconds since the epoch, 24
    /// hours ahead at most. `subject` is how the operator of the push service reaches that of the sender, a `https:` or
    /// `mailto:` URL; it is left out without one.
    #[must_use]
    pub fn authorization(&self, audience: &str, expires_at_s: i64, subject: Option<&str>) -> String {
        let claims = Claims { aud: audience, exp: expires_at_s, sub: subject };
        let claims = serde_json::to_vec(&claims).expect("texts and a number are JSON");
        let signed = [encode_key(br#"{"typ":"JWT","alg":"ES256"}"#), encode_key(&claims)].join(".");
        let signature: Signature = SigningKey::from(&self.0).sign(signed.as_bytes());
        let token = [signed, encode_key(&signature.to_bytes())].join(".");
        format!("vapid t={token}, k={}", encode_key(&self.public_key()))
    }

    /// The secret that this pair shares with the other one: the x-coordinate of the product (RFC 8291, section 3.1).
    pub(crate) fn agree(&self, other: &PublicKey) -> [u8; 32] {
        let shared = p256::ecdh::diffie_hellman(self.0.to_nonzero_scalar(), other.as_affine());
        (*shared.raw_secret_bytes()).into()
    }
}

/// A public key as an uncompressed point.
pub(crate) fn point(key: &PublicKey) -> [u8; PUBLIC_KEY_BYTES] {
    let point = key.to_sec1_point(false);
    point.as_bytes().try_into().expect("an uncompressed point has 65 bytes")
}
