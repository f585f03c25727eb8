//! Requests whose response is no document in a window. HEAD, and what a browser fetches in advance, may never be displayed:
//! they do not mark a room as read. Scripts fetch parts of pages.

use axum::http::{HeaderMap, HeaderValue};

/// The headers with which browsers announce a prefetch: the current one, and those of older ones.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Whether the response may never be displayed.
#[must_use]
pub fn is_prefetch(headers: &HeaderMap) -> bool {
    let purposes = PURPOSES.into_iter().flat_map(|name| headers.get_all(name)).filter_map(|value| value.to_str().ok());
    // `Sec-Purpose: prefetch;prerender` and similar.
    purposes.flat_map(|purpose| purpose.split([';', ','])).any(|purpose| {
        ["prefetch", "preview", "prerender"].iter().any(|kind| purpose.trim().eq_ignore_ascii_case(kind))
    })
}

/// Whether a script of ours asks, which sends this header with all of its requests for pages and forms.
#[must_use]
pub fn is_fetched(headers: &HeaderMap) -> bool {
    headers.get("x-requested-with").is_some_and(|value| value == "fetch")
}

/// Marks a request as one whose response is not displayed.
pub fn mark(headers: &mut HeaderMap) {
    headers.insert(PURPOSES[0], HeaderValue::from_static("prefetch"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefetches_are_recognised_by_any_of_their_headers() {
        for (name, value, expected) in [
            ("sec-purpose", "prefetch", true),
            ("sec-purpose", "prefetch;prerender", true),
            ("sec-purpose", "Prefetch; anonymous-client-ip", true),
            ("purpose", "prefetch", true),
            ("x-purpose", "preview", true),
            ("x-moz", "prefetch", true),
            ("purpose", "", false),
            ("accept", "prefetch", false),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]);
            assert_eq!(is_prefetch(&headers), expected, "{name}: {value}");
        }
    }
}
