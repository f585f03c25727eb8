//! Compresses responses with gzip.
//!
//! Responses are complete before they are sent, so each is compressed with one call. Each thread reuses a compressor and
//! an output buffer; a streaming compressor would be allocated for every response.

use std::cell::RefCell;

use axum::body::{Body, HttpBody as _};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use libdeflater::{CompressionLvl, Compressor};

use crate::http::encoding;
use crate::http::route::Route;

/// The compression level. Higher ones make a page of 40 messages 2 to 8 % smaller, for up to twice the 55 µs.
const LEVEL: i32 = 1;

/// Minimum size of compressed responses, in bytes: a smaller one fits in a single packet either way.
const MIN_COMPRESSED_BYTES: u64 = 1_024;

/// Prefixes of the content types to compress. Sounds and images are compressed by their formats, assets at build time.
const COMPRESSED_TYPES: [&str; 4] = ["text/", "application/json", "application/manifest+json", "image/svg+xml"];

/// Maximum size of the buffer that a thread keeps between responses, in bytes.
const MAX_KEPT_BUFFER_BYTES: usize = 256 * 1_024;

/// The reusable state of a thread.
struct Gzip {
    compressor: Compressor,
    buffer: Vec<u8>,
}

thread_local! {
    static GZIP: RefCell<Gzip> = RefCell::new(Gzip {
        compressor: Compressor::new(CompressionLvl::new(LEVEL).expect("the level is valid")),
        buffer: Vec::new(),
    });
}

/// Compresses compressible responses to browsers that accept gzip. Also notes the route: this is the layer around each route
/// that is already there, and another one would be a copy of the router's state for every request.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let is_accepted = encoding::accepts(request.headers(), "gzip");
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    Route::note(route, response.extensions_mut());
    let is_compressible = is_compressible(&response);
    // A 304 has the `Vary` that the 200 had (RFC 9110, section 15.4.5).
    if is_compressible || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !is_compressible || !is_accepted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(compressed) = gzip(&plain) else { return Response::from_parts(parts, Body::from(plain)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(compressed))
}

/// Whether a response is large enough, complete, uncompressed and text. A body of unknown size is a stream, none of which
/// is text.
fn is_compressible(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    response.body().size_hint().exact().is_some_and(|bytes| bytes >= MIN_COMPRESSED_BYTES)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && COMPRESSED_TYPES.iter().any(|prefix| kind.starts_with(prefix.as_bytes()))
}

/// The gzip of `plain`; `None` if the compressor fails.
fn gzip(plain: &[u8]) -> Option<Bytes> {
    GZIP.with_borrow_mut(|Gzip { compressor, buffer }| {
        let max_length = compressor.gzip_compress_bound(plain.len());
        if buffer.len() < max_length {
            buffer.resize(max_length, 0);
        }
        let length = compressor.gzip_compress(plain, buffer).ok()?;
        let compressed = Bytes::copy_from_slice(&buffer[..length]);
        buffer.truncate(MAX_KEPT_BUFFER_BYTES);
        buffer.shrink_to(MAX_KEPT_BUFFER_BYTES);
        Some(compressed)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn compressed_responses_decompress_to_the_original() {
        let plain: Vec<u8> = (0..60_000_u32).flat_map(|number| (number % 977).to_string().into_bytes()).collect();
        let compressed = gzip(&plain).unwrap();
        assert!(compressed.len() < plain.len() / 2);
        let mut decompressed = Vec::new();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut decompressed).unwrap();
        assert_eq!(decompressed, plain);
    }
}
