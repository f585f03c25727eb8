//! Content codings that a browser accepts.

use axum::http::{HeaderMap, header};

/// Whether `Accept-Encoding` lists this coding with a weight above zero (RFC 9110, section 12.5.3).
#[must_use]
pub fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix(['q', 'Q']).and_then(|weight| weight.strip_prefix('='));
        let weight: f32 = weight.and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
        name.trim().eq_ignore_ascii_case(wanted) && weight > 0.0 && weight <= 1.0
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepts_gzip(accepted: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted))]);
        accepts(&headers, "gzip")
    }

    #[test]
    fn a_coding_is_accepted_by_name_and_weight() {
        for accepted in ["gzip", "br, GZIP", "deflate,gzip;q=0.5, br", "gzip; q=1.0", "gzip;Q=1"] {
            assert!(accepts_gzip(accepted), "{accepted}");
        }
        for accepted in ["", "br", "gzip;q=0", "gzip;Q=0.0", "gzip;q=x", "gzip;q=inf", "gzip;what", "gzipped"] {
            assert!(!accepts_gzip(accepted), "{accepted}");
        }
    }
}
