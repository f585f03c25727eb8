//! The time zone of the person who makes a request. boot.js stores it in a cookie: no header carries it.

use axum::http::HeaderMap;
use campfire::search::Zone;

use super::cookies;
use super::form::Form;

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

/// The zone in which a form has its times: the one that its page was written for, or else that of the request.
#[must_use]
pub fn of_form(form: &Form, headers: &HeaderMap) -> Zone {
    Zone::named(form.get("zone")).unwrap_or_else(|| of_request(headers))
}
