//! From an HTTP/1.1 request to a WebSocket (RFC 6455, section 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::upgrade::OnUpgrade;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Tcp, WebSocket};

/// Appended to the client's key before it is hashed (RFC 6455, section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The only version there is.
const VERSION: &str = "13";

/// How many bytes a client's key has, before base64.
const KEY_BYTES: usize = 16;

/// A request for a WebSocket that can be granted.
#[derive(Debug)]
pub struct Handshake {
    accept: HeaderValue,
    upgrade: OnUpgrade,
}

impl Handshake {
    /// Reads the request, which must come from hyper's HTTP/1.1 server with upgrades enabled. Whether its `Origin` may
    /// have a socket is for the caller to decide first.
    ///
    /// # Errors
    /// Why it is not granted.
    pub fn from_request<B>(request: &mut Request<B>) -> Result<Self, Refusal> {
        let headers = request.headers();
        let is_asked = request.method() == Method::GET
            && lists(headers, &header::CONNECTION, "upgrade")
            && lists(headers, &header::UPGRADE, "websocket")
            && lists(headers, &header::SEC_WEBSOCKET_VERSION, VERSION);
        if !is_asked {
            return Err(Refusal::NotAsked);
        }
        let accept = headers.get(header::SEC_WEBSOCKET_KEY).and_then(accept).ok_or(Refusal::InvalidKey)?;
        let upgrade = request.extensions_mut().remove::<OnUpgrade>().ok_or(Refusal::NotAsked)?;
        Ok(Self { accept, upgrade })
    }

    /// Grants it: returns the response to send, after which `serve` runs in a task of its own, until it has done with
    /// the socket. `S` is the stream that hyper serves, in a `TokioIo`.
    #[must_use]
    pub fn accept<S, F>(self, serve: impl FnOnce(WebSocket) -> F + Send + 'static) -> Response<String>
    where
        S: AsyncRead + AsyncWrite + Into<Tcp> + Send + Unpin + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { accept, upgrade } = self;
        tokio::spawn(async move {
            match upgrade.await.map(WebSocket::from_upgraded::<S>) {
                // Boxed: a task is as large as the largest of its states, and `serve` moved into it and running would be
                // two copies.
                Ok(Some(socket)) => Box::pin(serve(socket)).await,
                Ok(None) => tracing::error!("a WebSocket needs the connection that it was promised"),
                Err(error) => tracing::debug!(%error, "a connection ended before it became a WebSocket"),
            }
        });
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, accept),
        ];
        response(StatusCode::SWITCHING_PROTOCOLS, headers, "")
    }
}

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not ask for one, or for another version than 13, or on a connection that cannot be upgraded.
    NotAsked,
    /// Its key is missing, or not 16 bytes in base64.
    InvalidKey,
}

impl Refusal {
    /// The response to send: 426 with what is needed, or 400.
    #[must_use]
    pub fn response(self) -> Response<String> {
        match self {
            Self::NotAsked => {
                let headers = [
                    (header::UPGRADE, HeaderValue::from_static("websocket")),
                    (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION)),
                ];
                response(StatusCode::UPGRADE_REQUIRED, headers, "This is a WebSocket: open it as one.\n")
            }
            Self::InvalidKey => response(StatusCode::BAD_REQUEST, [], "The WebSocket's key is missing or invalid.\n"),
        }
    }
}

/// Whether a comma-separated header holds `token`, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// The proof that a client's key was read by somebody who knows WebSockets; `None` if it is no key.
fn accept(key: &HeaderValue) -> Option<HeaderValue> {
    if STANDARD.decode(key).ok()?.len() != KEY_BYTES {
        return None;
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    HeaderValue::from_str(&STANDARD.encode(digest)).ok()
}

fn response<const N: usize>(
    status: StatusCode,
    headers: [(HeaderName, HeaderValue); N],
    body: &'static str,
) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser's request.
    fn request() -> Request<()> {
        Request::get("/")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .body(())
            .unwrap()
    }

    #[test]
    fn the_accept_header_is_that_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_request_that_asks_for_something_else_learns_what_is_needed() {
        for (name, value) in [
            ("connection", "keep-alive"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-version", ""),
        ] {
            let mut request = request();
            request.headers_mut().insert(name, HeaderValue::from_static(value));
            assert_eq!(Handshake::from_request(&mut request).unwrap_err(), Refusal::NotAsked, "{name}: {value}");
        }
        let mut post = request();
        *post.method_mut() = Method::POST;
        assert_eq!(Handshake::from_request(&mut post).unwrap_err(), Refusal::NotAsked);
        // All is right but the connection, as with HTTP/2.
        assert_eq!(Handshake::from_request(&mut request()).unwrap_err(), Refusal::NotAsked);

        let response = Refusal::NotAsked.response();
        assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(response.headers()["sec-websocket-version"], "13");
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        let mut without = request();
        without.headers_mut().remove("sec-websocket-key");
        assert_eq!(Handshake::from_request(&mut without).unwrap_err(), Refusal::InvalidKey);
        for key in ["", "x", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j", "not base64 at all, is it"] {
            let mut request = request();
            request.headers_mut().insert("sec-websocket-key", HeaderValue::from_static(key));
            assert_eq!(Handshake::from_request(&mut request).unwrap_err(), Refusal::InvalidKey, "{key}");
        }
        assert_eq!(Refusal::InvalidKey.response().status(), StatusCode::BAD_REQUEST);
    }
}
