//! The first layer of every request, before routing: computes where it comes from, admits it, and prepares it for the
//! layers and handlers that follow.
//!
//! - HEAD is handled like GET that is never displayed, and its response's body is dropped.
//! - PATCH is PUT: existing clients use both.
//! - A GET for a link that was pasted with punctuation or slashes at its end is redirected to the link.

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use campfire::model::paths;
use campfire::{AppError, clock};

use super::security;
use crate::Site;
use crate::http::admission::Connection;
use crate::http::errors::PageError;
use crate::http::forwarded::Forwarded;
use crate::http::request_id::RequestId;
use crate::http::route::Route;
use crate::http::{body, multipart, prefetch, urls};
use crate::logging::REQUESTS;
use crate::session::sent_token_hash;

/// How soon a refused client may try again, in seconds.
const RETRY_AFTER_S: &str = "5";

/// The response header with the number of a request that failed.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Receives a request, gives it its number, and logs and counts how it was answered.
pub async fn receive(State(site): State<Site>, request: Request, next: Next) -> Response {
    let id = RequestId::next();
    id.scope(async move {
        let began_at = clock::monotonic();
        let method = request.method().clone();
        let is_health_check = request.uri().path() == paths::UP;
        let mut response = answer(&site, request, next).await;
        let status = response.status();
        if status.is_server_error() {
            response.headers_mut().extend(HeaderValue::try_from(id.to_string()).map(|id| (REQUEST_ID, id)));
        }
        let route = response.extensions_mut().remove::<Route>();
        let route = Route::pattern(route.as_ref());
        let duration = clock::monotonic().saturating_duration_since(began_at);
        // Neither path nor address: the one may hold a key, the other is nobody's business. A health check every few
        // seconds would hide the rest.
        if !is_health_check {
            tracing::info!(target: REQUESTS, %method, %route, status = status.as_u16(), us = duration.as_micros(), "request");
        }
        if let Some(requests) = &site.requests {
            requests.note(&method, route, status, duration);
        }
        response
    })
    .await
}

/// Answers a request, and adds the headers of every response.
async fn answer(site: &Site, mut request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Connection>().cloned();
    let peer = connection.as_ref().map(|connection| connection.peer);
    let is_encrypted = connection.as_ref().is_some_and(|connection| connection.is_encrypted);
    let forwarded = Forwarded::read(request.version(), request.headers(), peer, is_encrypted, &site.proxies);
    let Ok(forwarded) = forwarded else {
        let mut response = PageError::invalid_host();
        security::add_headers(response.headers_mut(), is_encrypted);
        return response;
    };
    let is_head = request.method() == Method::HEAD;
    if is_head {
        *request.method_mut() = Method::GET;
        prefetch::mark(request.headers_mut());
        // A WebSocket is not a response that can be previewed.
        request.headers_mut().remove(header::UPGRADE);
    } else if request.method() == Method::PATCH {
        *request.method_mut() = Method::PUT;
    }
    let mut response = admit(site, &forwarded, connection, request, next).await;
    security::add_headers(response.headers_mut(), forwarded.is_https);
    if is_head { without_body(response) } else { response }
}

/// Passes the request on if it is admitted.
async fn admit(
    site: &Site,
    forwarded: &Forwarded,
    connection: Option<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let is_reserved = connection.as_ref().is_some_and(Connection::is_reserved);
    if is_reserved
        && request.uri().path() != paths::UP
        && !is_signed_in(site, sent_token_hash(request.headers(), &forwarded.origin)).await
    {
        return refused(AppError::Unavailable("The server has too many visitors now. Try again in a moment.".into()));
    }
    let admission = match site.admissions.request(forwarded, connection) {
        Ok(admission) => admission,
        Err(error) => return refused(error),
    };
    if let Some(path) = repaired(&request) {
        return Redirect::temporary(&path).into_response();
    }
    let limits = if multipart::is_multipart(request.headers()) { site.limits.of_files() } else { site.limits };
    let mut request = request.map(|body| body::in_time(body, &limits));
    request.extensions_mut().insert(forwarded.clone());
    request.extensions_mut().insert(admission.clone());
    next.run(request).await.map(|body| admission.hold(body))
}

/// Whether the token in a session cookie is that of a session.
async fn is_signed_in(site: &Site, token_hash: Option<[u8; 32]>) -> bool {
    let Some(token_hash) = token_hash else { return false };
    let found = site.state.sessions.find(token_hash).await;
    found.is_ok_and(|session| session.is_some())
}

/// The response to a request that is one too many. Ends the connection.
fn refused(error: AppError) -> Response {
    let mut response = PageError(error).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The response with the headers of its body, but without the body.
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if parts.status != StatusCode::NOT_MODIFIED
        && let Some(length) = body.size_hint().exact()
    {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Body::empty())
}

/// What follows a link in a text, and no path of the site ends with: punctuation of many scripts, blanks, and what cannot
/// be seen.
const AFTER_LINKS: &str = "/.,;:!?'\"`*)]}>|\\»«›‹”“„’‘…。、，．！？：；）】」』》〉］｝＞،؛؟۔।॥։።។၊။ \t\u{a0}\u{3000}\u{200b}\u{200e}\u{200f}\u{feff}";

/// The URL that a GET request with punctuation or slashes at the end of its path was meant for.
fn repaired(request: &Request) -> Option<String> {
    let path = request.uri().path();
    let is_encoded = path.len() > 2 && path.as_bytes()[path.len() - 3] == b'%';
    if request.method() != Method::GET || !(is_encoded || path.ends_with(|last: char| !last.is_ascii_alphanumeric())) {
        return None;
    }
    let mut meant = path;
    while let Some(shorter) = AFTER_LINKS.chars().find_map(|character| strip_character(meant, character)) {
        meant = shorter;
    }
    if meant.len() == path.len() || meant.is_empty() || urls::own_path(meant) != meant {
        return None;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{meant}{query}"))
}

/// The path without `character` at its end, percent-encoded or not.
fn strip_character(path: &str, character: char) -> Option<&str> {
    if let Some(shorter) = path.strip_suffix(character) {
        return Some(shorter);
    }
    let encoded = urls::encode_segment(character.encode_utf8(&mut [0; 4]));
    let at = path.len().checked_sub(encoded.len())?;
    let (shorter, end) = path.split_at_checked(at)?;
    end.eq_ignore_ascii_case(&encoded).then_some(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(uri: &str) -> Option<String> {
        repaired(&Request::get(uri).body(Body::empty()).unwrap())
    }

    #[test]
    fn pasted_links_lead_where_they_mean_to() {
        for (pasted, meant) in [
            ("/rooms/1/", "/rooms/1"),
            ("/rooms/1//", "/rooms/1"),
            ("/join/CODE/", "/join/CODE"),
            ("/join/CODE.", "/join/CODE"),
            ("/join/CODE).", "/join/CODE"),
            ("/join/CODE%E3%80%82", "/join/CODE"),
            ("/join/CODE%e2%80%9d%2C", "/join/CODE"),
            ("/join/CODE%3E", "/join/CODE"),
            ("/join/CODE%20", "/join/CODE"),
            ("/join/CODE%C2%A0", "/join/CODE"),
            ("/join/CODE%E2%80%8B.", "/join/CODE"),
            ("/join/CODE%D8%9F", "/join/CODE"),
            ("/join/CODE%E2%80%9C", "/join/CODE"),
            ("/join/CODE%7C", "/join/CODE"),
            ("/rooms/1/@41,?notice=x", "/rooms/1/@41?notice=x"),
        ] {
            assert_eq!(redirect(pasted).as_deref(), Some(meant), "{pasted}");
        }
    }

    #[test]
    fn other_paths_are_left_alone() {
        for path in [
            "/",
            "//",
            "/rooms/1",
            "/rooms/%F0%9F%94%A5",
            "/rooms/x_",
            "/rooms/%00",
            "/qr_code/aGk=",
            "//evil.example/",
            "/a%2",
            "/%",
        ] {
            assert_eq!(redirect(path), None, "{path}");
        }
        let post = Request::post("/join/CODE/").body(Body::empty()).unwrap();
        assert_eq!(repaired(&post), None);
    }
}
