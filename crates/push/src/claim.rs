//! The push service's side of VAPID: what a request claims about its sender, if the signature holds.

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;

use crate::decode_key;

/// The header does not prove who sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header does not prove who sends the request")]
pub struct Unproven;

/// What a sender has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The origin of the push service.
    pub audience: String,
    /// Until when it holds, in seconds since the epoch.
    pub expires_at_s: i64,
    /// How to reach the sender.
    pub subject: Option<String>,
    /// The sender's public key.
    pub public_key: Vec<u8>,
}

#[derive(Deserialize)]
struct Claims {
    aud: String,
    exp: i64,
    sub: Option<String>,
}

impl Claim {
    /// Reads and verifies a header `Authorization`.
    ///
    /// # Errors
    /// `Unproven` for anything but a signature by ES256 that matches the key beside it.
    pub fn verify(authorization: &str) -> Result<Self, Unproven> {
        Self::read(authorization).ok_or(Unproven)
    }

    fn read(authorization: &str) -> Option<Self> {
        let parameters = authorization.strip_prefix("vapid ")?;
        let value = |name: &str| parameters.split(',').find_map(|part| part.trim().strip_prefix(name));
        let (token, public_key) = (value("t=")?, decode_key(value("k=")?)?);
        let (signed, signature) = token.rsplit_once('.')?;
        let key = VerifyingKey::from_sec1_bytes(&public_key).ok()?;
        key.verify(signed.as_bytes(), &Signature::from_slice(&decode_key(signature)?).ok()?).ok()?;
        let (_, claims) = signed.split_once('.')?;
        let Claims { aud, exp, sub } = serde_json::from_slice(&decode_key(claims)?).ok()?;
        Some(Self { audience: aud, expires_at_s: exp, subject: sub, public_key })
    }
}
