//! Range requests (RFC 9110, section 14): a part of a file, for players and for downloads that go on.

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What of a file is requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// All of it: there is no range, several, one in another unit, or one of another state of the file.
    Whole,
    /// This part, which is not empty.
    Part(Range<u64>),
    /// A part beyond the end.
    Unsatisfiable,
}

/// Reads the headers `Range` and `If-Range` of a request for a file of this size.
#[must_use]
pub fn requested(headers: &HeaderMap, etag: &str, bytes: u64) -> Requested {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else { return Requested::Whole };
    // A date, or a weak tag, never names the same bytes for sure.
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Requested::Whole;
    }
    parse(range, bytes)
}

fn parse(range: &str, bytes: u64) -> Requested {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Requested::Whole;
    };
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok());
    let (start, end) = match (first, last) {
        ("", "") => return Requested::Whole,
        // The last bytes.
        ("", count) => match number(count) {
            Some(Some(0)) => return Requested::Unsatisfiable,
            Some(count) => (bytes.saturating_sub(count.unwrap_or(u64::MAX)), bytes),
            None => return Requested::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => (first.unwrap_or(u64::MAX), bytes),
            None => return Requested::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) => {
                let (first, last) = (first.unwrap_or(u64::MAX), last.unwrap_or(u64::MAX));
                if last < first {
                    return Requested::Whole;
                }
                (first, last.saturating_add(1).min(bytes))
            }
            _ => return Requested::Whole,
        },
    };
    if start < end { Requested::Part(start..end) } else { Requested::Unsatisfiable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_a_part() {
        for (range, expected) in [
            ("bytes=0-1", Requested::Part(0..2)),
            ("bytes=4-", Requested::Part(4..10)),
            ("bytes=-3", Requested::Part(7..10)),
            ("bytes=-30", Requested::Part(0..10)),
            ("bytes=0-99999999999999999999999", Requested::Part(0..10)),
            ("bytes=9-9", Requested::Part(9..10)),
            ("bytes=10-", Requested::Unsatisfiable),
            ("bytes=10-12", Requested::Unsatisfiable),
            ("bytes=99999999999999999999999-", Requested::Unsatisfiable),
            ("bytes=-0", Requested::Unsatisfiable),
            ("bytes=9-1", Requested::Whole),
            ("bytes=a-b", Requested::Whole),
            ("bytes=", Requested::Whole),
            ("bytes=-", Requested::Whole),
            ("items=0-1", Requested::Whole),
            ("bytes=0-1,3-4", Requested::Whole),
            ("bytes=+1-2", Requested::Whole),
        ] {
            assert_eq!(parse(range, 10), expected, "{range}");
        }
        assert_eq!(parse("bytes=0-", 0), Requested::Unsatisfiable);
    }

    #[test]
    fn a_part_of_another_state_is_not_sent() {
        let headers = |if_range: &'static str| {
            let pairs = [(header::RANGE, "bytes=1-2"), (header::IF_RANGE, if_range)];
            pairs.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(requested(&headers("\"a\""), "\"a\"", 10), Requested::Part(1..3));
        for other in ["\"b\"", "W/\"a\"", "Thu, 26 Nov 2026 00:00:00 GMT"] {
            assert_eq!(requested(&headers(other), "\"a\"", 10), Requested::Whole, "{other}");
        }
        assert_eq!(requested(&HeaderMap::new(), "\"a\"", 10), Requested::Whole);
    }
}
