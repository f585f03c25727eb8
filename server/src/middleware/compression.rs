//! Answers compressed as they leave: every one is whole before it does, so each takes one call.
//!
//! Each thread keeps a compressor, and a buffer to compress into: one for streams is made anew for every answer.

use std::cell::RefCell;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use libdeflater::{CompressionLvl, Compressor};

use crate::http::encoding;

/// How hard answers are compressed. A harder level would make a page of 40 messages 2 to 8 % smaller, for up to
/// twice the 55 µs.
const LEVEL: i32 = 1;

/// The size from which answers are compressed, in bytes: a smaller one travels in a single packet either way.
const COMPRESSED_FROM_BYTES: u64 = 1_024;

/// What is worth it. Sounds and pictures are compressed already, and so are the assets.
const COMPRESSED_TYPES: [&str; 4] = ["text/", "application/json", "application/manifest+json", "image/svg+xml"];

/// How much of its buffer a thread keeps, in bytes.
const KEPT_BUFFER_BYTES: usize = 256 * 1_024;

/// What a thread compresses with, and into.
struct Packer {
    compressor: Compressor,
    buffer: Vec<u8>,
}

thread_local! {
    static PACKER: RefCell<Packer> = RefCell::new(Packer {
        compressor: Compressor::new(CompressionLvl::new(LEVEL).expect("a level there is")),
        buffer: Vec::new(),
    });
}

/// Compresses the answers that are worth it for whoever takes them so.
pub(crate) async fn compress(request: Request, next: Next) -> Response {
    let is_accepted = encoding::accepts(request.headers(), "gzip");
    let mut response = next.run(request).await;
    let is_worth_it = is_worth_it(&response);
    // What has not changed says what it depends on, as it did when it was sent.
    if is_worth_it || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !is_worth_it || !is_accepted {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(packed) = gzip(&plain) else { return Response::from_parts(parts, Body::from(plain)) };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Response::from_parts(parts, Body::from(packed))
}

/// Whether an answer is large enough, whole, and text. One without a known size is a stream, and none of those are text.
fn is_worth_it(response: &Response) -> bool {
    let headers = response.headers();
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    response.body().size_hint().exact().is_some_and(|bytes| bytes >= COMPRESSED_FROM_BYTES)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && COMPRESSED_TYPES.iter().any(|worth_it| kind.starts_with(worth_it.as_bytes()))
}

fn gzip(plain: &[u8]) -> Option<Bytes> {
    PACKER.with_borrow_mut(|Packer { compressor, buffer }| {
        let most = compressor.gzip_compress_bound(plain.len());
        if buffer.len() < most {
            buffer.resize(most, 0);
        }
        let length = compressor.gzip_compress(plain, buffer).ok()?;
        let packed = Bytes::copy_from_slice(&buffer[..length]);
        buffer.truncate(KEPT_BUFFER_BYTES);
        buffer.shrink_to(KEPT_BUFFER_BYTES);
        Some(packed)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_packed_is_what_it_was() {
        let plain: Vec<u8> = (0..60_000_u32).flat_map(|number| (number % 977).to_string().into_bytes()).collect();
        let packed = gzip(&plain).unwrap();
        assert!(packed.len() < plain.len() / 2);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);
    }
}
