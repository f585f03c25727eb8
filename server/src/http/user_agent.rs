//! The `User-Agent` header.

use axum::http::{HeaderMap, header};

/// Maximum length of a stored user agent, in characters.
const MAX_CHARS: usize = 255;

/// The header; empty if it is missing or not ASCII.
#[must_use]
pub fn of(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The header as it is stored with a session, truncated to [`MAX_CHARS`].
#[must_use]
pub fn stored(headers: &HeaderMap) -> String {
    of(headers).chars().take(MAX_CHARS).collect()
}

/// Whether the live page cannot run in this browser.
///
/// `true` for Safari before 17.2, Chrome before 120, Firefox before 121, Opera before 104 and Internet Explorer; `false`
/// for unknown browsers and crawlers.
#[must_use]
pub fn is_too_old(user_agent: &str) -> bool {
    let has = |part| user_agent.contains(part);
    if has("MSIE ") || has("Trident/") {
        return true;
    }
    // Edge has other version numbers, and browsers on iOS use the system's engine regardless of their own version.
    if has("Edg") || has("bot") || has("Bot") || has("facebookexternalhit") || has("CriOS/") || has("FxiOS/") {
        return false;
    }
    let older_than = |name: &str, oldest| version_after(user_agent, name).map(|version| version < oldest);
    older_than("OPR/", (104, 0))
        .or_else(|| older_than("Firefox/", (121, 0)))
        .or_else(|| older_than("Chrome/", (120, 0)))
        .or_else(|| older_than("Version/", (17, 2)).filter(|_| has("Safari/")))
        .unwrap_or(false)
}

/// The version after `name`, like (17, 2).
fn version_after(user_agent: &str, name: &str) -> Option<(u32, u32)> {
    let (_, rest) = user_agent.split_once(name)?;
    let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    Some((major, numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_too_old_by_their_versions() {
        let safari = |version: &str| {
            format!(
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
            )
        };
        let chrome = |version: &str| {
            format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"
            )
        };
        for old in [
            safari("17.1"),
            safari("16.6"),
            chrome("119.0.0.0"),
            "Mozilla/5.0 (X11; Linux x86_64; rv:114.0) Gecko/20100101 Firefox/114.0".into(),
            format!("{} OPR/103.0.0.0", chrome("118.0.0.0")),
            "Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko".into(),
        ] {
            assert!(is_too_old(&old), "{old}");
        }
        for current in [
            safari("17.2"),
            safari("18.0"),
            chrome("120.0.0.0"),
            "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0".into(),
            format!("{} OPR/104.0.0.0", chrome("120.0.0.0")),
            format!("{} Edg/90.0", chrome("90.0.0.0")),
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/100.0".into(),
            String::new(),
            "curl/8.0".into(),
            "Firefox/".into(),
        ] {
            assert!(!is_too_old(&current), "{current}");
        }
    }
}
