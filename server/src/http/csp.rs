//! Content security policies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The policy of a page without inline scripts and styles.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      media-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The policy of a page whose inline script and style have these SHA-256 hashes, in base64.
///
/// `'self'` in `connect-src` includes the page's WebSocket. Of all evaluation only that of WASM is allowed.
#[must_use]
pub fn policy_for(script_hash: &str, style_hash: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-{script_hash}'; \
         style-src 'self' 'sha256-{style_hash}'; img-src 'self'; connect-src 'self'; media-src 'self'; \
         font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The SHA-256 hash of an inline script or style, in base64.
#[must_use]
pub fn base64_sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}
