//! The time zone of the person who makes a request. boot.js stores it in a cookie: no header carries it.

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use campfire::search::Zone;

/// The cookie with the name of the zone in the IANA database.
const COOKIE: &str = "time_zone";

/// The zone of the request; UTC without scripts, or if the cookie names no zone.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> Zone {
    let cookies = CookieJar::from_headers(headers);
    cookies.get(COOKIE).and_then(|cookie| Zone::named(cookie.value())).unwrap_or(Zone::UTC)
}
