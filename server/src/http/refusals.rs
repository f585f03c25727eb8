//! What clients get for a request whose head cannot be read.
//!
//! hyper answers such a request itself, before any handler, and without a body: browsers show an empty page. There is no
//! setting for it, so the connection replaces the answer.

/// Longer than hyper's own answers, and shorter than those of the site, whose headers for security alone are longer.
const MAX_OWN_BYTES: usize = 256;

/// The answers with words, by the start of those without.
const REFUSALS: [(&str, &str); 3] = [
    (
        "HTTP/1.1 431 ",
        concat!(
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n",
            "content-length: 166\r\nconnection: close\r\n\r\n",
            "That is more than is taken at once: the address and the cookies have at most 32 KiB.\n",
            "Go back and shorten what you entered. If that does not help, delete the cookies.\n",
        ),
    ),
    (
        "HTTP/1.1 414 ",
        concat!(
            "HTTP/1.1 414 URI Too Long\r\ncontent-type: text/plain; charset=utf-8\r\n",
            "content-length: 76\r\nconnection: close\r\n\r\n",
            "That address is longer than is taken. Go back and shorten what you entered.\n",
        ),
    ),
    (
        "HTTP/1.1 400 ",
        concat!(
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n",
            "content-length: 45\r\nconnection: close\r\n\r\n",
            "That is not a request that can be read here.\n",
        ),
    ),
];

/// The answer with words in place of one of hyper's own; `None` for every other answer.
pub(super) fn in_words(answer: &[u8]) -> Option<&'static [u8]> {
    let is_own = answer.len() < MAX_OWN_BYTES && answer.ends_with(b"\r\n\r\n");
    let text = std::str::from_utf8(answer).ok().filter(|_| is_own)?;
    if !text.contains("content-length: 0\r\n") {
        return None;
    }
    let found = REFUSALS.iter().find(|(start, _)| text.starts_with(start));
    found.map(|(_, refusal)| refusal.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_have_the_length_that_they_name() {
        for (start, refusal) in REFUSALS {
            let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(start));
            assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{} bytes: {body}", body.len());
        }
    }

    #[test]
    fn only_answers_without_a_body_are_replaced() {
        let own = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert!(in_words(own.as_bytes()).unwrap().starts_with(b"HTTP/1.1 431 "));
        let others = [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 12\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n",
            "\u{ff}",
            "",
        ];
        for other in others {
            assert_eq!(in_words(other.as_bytes()), None, "{other}");
        }
        let long = format!("HTTP/1.1 400 Bad Request\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(MAX_OWN_BYTES));
        assert_eq!(in_words(long.as_bytes()), None);
    }
}
