//! Web Push: what is sent to a push service so that it reaches one browser, and nobody else can read it.
//!
//! - [`Receiver::encrypt`]: the body, encrypted for a subscription (RFC 8291, with the `aes128gcm` coding of RFC 8188).
//! - [`KeyPair::authorization`]: the header that tells the push service who sends it (VAPID, RFC 8292).
//! - [`Notification`]: the content, in the shape of a declarative notification (W3C Push API): a browser that knows it
//!   shows it without a script, and in the others the site's service worker does.
//!
//! Nothing here does I/O, reads a clock or makes random numbers: time and randomness are arguments. Both keys of a
//! subscription come from a browser and are checked when they are read: a point that is not on the curve is refused.
//!
//! [`Inbox`] and [`Claim`] are the other side, for programs that test the sending one: what a browser decrypts, and what a
//! push service checks.

mod claim;
mod encryption;
mod inbox;
mod notification;
mod vapid;

pub use claim::{Claim, Unproven};
pub use encryption::{AUTH_BYTES, InvalidKeys, MAX_PLAINTEXT_BYTES, PUBLIC_KEY_BYTES, Receiver, SALT_BYTES, TooLong};
pub use inbox::{Inbox, Unreadable};
pub use notification::{MAX_BODY_CHARS, MAX_TITLE_CHARS, Notification, beginning};
pub use vapid::{InvalidKeyPair, KeyPair};

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// URL-safe base64 as browsers and other programs write keys, with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a key in URL-safe base64; `None` if it is none.
#[must_use]
pub fn decode_key(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.trim()).ok()
}

/// Bytes as URL-safe base64 without padding.
#[must_use]
pub fn encode_key(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}
