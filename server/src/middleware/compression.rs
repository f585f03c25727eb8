//! Answers compressed as they leave: every one is whole before it does, so each takes one call.
//!
//! Each thread keeps a compressor, and a buffer to compress into: one for streams is made anew for every answer.

use std::cell::RefCell;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use libdeflater::{CompressionLvl, Compressor};

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
    let is_taken = takes_gzip(request.headers());
    let mut response = next.run(request).await;
    let is_worth_it = is_worth_it(&response);
    // What has not changed says what it depends on, as it did when it was sent.
    if is_worth_it || response.status() == StatusCode::NOT_MODIFIED {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if !is_worth_it || !is_taken {
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

/// Whether somebody takes gzip. `gzip;q=0` says that they do not.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix(['q', 'Q']).and_then(|weight| weight.strip_prefix('='));
        let weight: f32 = weight.and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0 && weight <= 1.0
    })
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

    fn takes(accepted: &'static str) -> bool {
        takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]))
    }

    #[test]
    fn gzip_is_taken_by_whoever_says_so() {
        for accepted in ["gzip", "br, GZIP", "deflate,gzip;q=0.5, br", "gzip; q=1.0", "gzip;Q=1"] {
            assert!(takes(accepted), "{accepted}");
        }
        for accepted in ["", "br", "gzip;q=0", "gzip;Q=0.0", "gzip;q=x", "gzip;q=inf", "gzip;what", "gzipped"] {
            assert!(!takes(accepted), "{accepted}");
        }
    }

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
