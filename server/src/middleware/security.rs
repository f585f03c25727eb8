//! Security headers, and the refusal of cross-site requests.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use campfire::AppError;

use crate::http::csp::POLICY;
use crate::http::errors::PageError;
use crate::http::forwarded::Forwarded;
use crate::session::is_read;

/// The revision of the source that the executable was built from.
pub const REVISION: &str = match option_env!("GIT_REVISION") {
    Some(revision) if !revision.is_empty() => revision,
    _ => "unknown",
};

/// Adds security headers and the version, `Secure` to cookies on TLS, and `no-store` to what says nothing of caching.
pub fn add_headers(headers: &mut HeaderMap, over_tls: bool) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("x-version"), env!("CARGO_PKG_VERSION")),
        (header::HeaderName::from_static("x-rev"), REVISION),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    if over_tls {
        // Two years, the recommendation of the browsers' preload list (hstspreload.org).
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
        make_cookies_secure(headers);
    }
}

fn make_cookies_secure(headers: &mut HeaderMap) {
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        let secured = cookie.to_str().ok().map(|cookie| format!("{cookie}; Secure"));
        let secured = secured.and_then(|cookie| HeaderValue::from_str(&cookie).ok());
        headers.append(header::SET_COOKIE, secured.unwrap_or(cookie));
    }
}

/// Refuses requests other than reads that another site makes a browser send (CSRF).
pub async fn refuse_cross_site(request: Request, next: Next) -> Response {
    let is_refused = |forwarded: &Forwarded| is_cross_site(request.headers(), forwarded);
    if !is_read(request.method()) && request.extensions().get().is_none_or(is_refused) {
        return PageError(AppError::Forbidden).into_response();
    }
    next.run(request).await
}

/// Whether a page of another site caused a request.
///
/// Current browsers send `Sec-Fetch-Site`, and all send `Origin` with requests other than reads. Each that is sent must
/// be right. A request with neither is not sent by a browser, so it cannot abuse a user's session.
#[must_use]
pub fn is_cross_site(headers: &HeaderMap, forwarded: &Forwarded) -> bool {
    let is_foreign = |site: &HeaderValue| site != "same-origin" && site != "none";
    headers.get_all("sec-fetch-site").iter().any(is_foreign)
        || headers.get_all(header::ORIGIN).iter().any(|origin| !forwarded.is_own_origin(origin))
}

#[cfg(test)]
mod tests {
    use axum::http::Version;

    use super::*;
    use crate::http::forwarded::TrustedProxies;

    fn is_refused(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs.iter().chain(&[("host", "chat.example")]);
        let headers = pairs.map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
        let forwarded = Forwarded::read(Version::HTTP_11, &headers, None, false, &TrustedProxies::default()).unwrap();
        is_cross_site(&headers, &forwarded)
    }

    #[test]
    fn requests_of_other_sites_are_cross_site() {
        let own_origin = ("origin", "https://chat.example");
        for refused in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), own_origin],
            &[("origin", "https://evil.example")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "null")],
            &[("origin", "")],
        ] {
            assert!(is_refused(refused), "{refused:?}");
        }
        for accepted in [&[][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")], &[own_origin]] {
            assert!(!is_refused(accepted), "{accepted:?}");
        }
    }
}
