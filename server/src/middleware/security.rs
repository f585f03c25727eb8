//! Security headers, and the refusal of cross-site requests.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use campfire::AppError;

use crate::http::csp::POLICY;
use crate::http::errors::PageError;
use crate::http::forwarded;
use crate::session::is_read;

/// Adds security headers, and `Secure` to cookies on TLS.
pub async fn headers(request: Request, next: Next) -> Response {
    let over_tls = forwarded::is_https(request.headers());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=()"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("x-version"), env!("CARGO_PKG_VERSION")),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    if over_tls {
        // Two years, the recommendation of the browsers' preload list (hstspreload.org).
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000"));
        make_cookies_secure(headers);
    }
    response
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
    if !is_read(request.method()) && is_cross_site(request.headers()) {
        return PageError(AppError::Forbidden).into_response();
    }
    next.run(request).await
}

/// Whether a page of another site caused a request.
///
/// Current browsers send `Sec-Fetch-Site`, older ones `Origin` with requests other than reads. A request with neither is
/// not sent by a browser, so it cannot abuse a user's session.
#[must_use]
pub fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    !is_own_origin(origin, headers)
}

/// Whether `origin` names the host that the request was sent to.
#[must_use]
pub fn is_own_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
    let Some(authority) = origin.as_ref().and_then(|origin| origin.authority()) else { return false };
    [header::HOST.as_str(), "x-forwarded-host"]
        .into_iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .any(|host| host.eq_ignore_ascii_case(authority.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn requests_of_other_sites_are_cross_site() {
        assert!(is_cross_site(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_cross_site(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(!is_cross_site(&headers(&[("sec-fetch-site", "same-origin")])));
        assert!(!is_cross_site(&headers(&[("sec-fetch-site", "none")])));
        assert!(is_cross_site(&headers(&[("origin", "https://evil.example"), ("host", "chat.example")])));
        assert!(is_cross_site(&headers(&[("origin", "null"), ("host", "chat.example")])));
        assert!(!is_cross_site(&headers(&[("origin", "https://chat.example"), ("host", "chat.example")])));
        assert!(!is_cross_site(&headers(&[("host", "chat.example")])));
    }
}
