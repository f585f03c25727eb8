//! The time zone of the person who makes a request. boot.js stores it in a cookie: no header carries it.

use axum::http::HeaderMap;
use campfire::search::Zone;

use super::cookies;

/// The cookie with the name of the zone in the IANA database.
const COOKIE: &str = "time_zone";

/// The zone of the request; UTC without scripts, or if the cookie names no zone.
#[must_use]
pub fn of_request(headers: &HeaderMap) -> Zone {
    cookies::values(headers, COOKIE).find_map(Zone::named).unwrap_or(Zone::UTC)
}

/// The name of the zone of the request; `None` without scripts, or if the cookie names no zone.
#[must_use]
pub fn name_of_request(headers: &HeaderMap) -> Option<String> {
    cookies::values(headers, COOKIE).find(|name| Zone::named(name).is_some()).map(str::to_owned)
}
