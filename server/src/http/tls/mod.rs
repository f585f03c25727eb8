//! TLS: what encrypted connections are accepted with. Certificates come from files ([`files`]) or from an authority
//! ([`acme`]); which one is current is asked at each handshake, so that a new one ends no connection.

pub mod acme;
pub mod files;
pub mod validity;

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::ResolvesServerCert;

use super::http2;

/// How ALPN calls HTTP/1.1, which WebSockets begin with.
const HTTP1_ALPN: &[u8] = b"http/1.1";

/// Accepts TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, with the certificates of `resolver`. With `challenges`, also connections
/// by which an authority checks who has the domain (RFC 8737).
///
/// # Errors
/// If the system has no random numbers.
pub fn config(resolver: Arc<dyn ResolvesServerCert>, challenges: bool) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![http2::ALPN.to_vec(), HTTP1_ALPN.to_vec()];
    if challenges {
        config.alpn_protocols.push(acme::ALPN.to_vec());
    }
    // Sessions are resumed by tickets alone: nothing is kept for whoever might come back.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}
