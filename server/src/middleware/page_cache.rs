//! The page cache: rendered pages of rooms, compressed, with their headers.
//!
//! A page is served again to the same user, for the same origin, until something that it shows changes. Every request
//! is authorised first: its session and membership must be valid.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use campfire::cache::invalidation::Invalidations;
use campfire::cache::{Cache, CacheUse};
use campfire::model::{Anchor, Place, RoomId, UserId};
use campfire::state::PictureVersions;

use crate::http::admission::Admission;
use crate::http::forwarded::Forwarded;
use crate::http::prefetch::is_prefetch;
use crate::http::render::Cacheable;
use crate::http::route::Route;
use crate::http::{encoding, etag, user_agent};
use crate::{Site, session};

/// Maximum size of a cached page, in bytes, compressed.
const MAX_PAGE_BYTES: usize = 256 * 1024;

/// Estimated memory of a page without its body, in bytes, rounded up: headers and dependencies.
const HEADERS_BYTES: usize = 2 * 1024;

/// The route of the pages of rooms.
const ROUTE: &str = "/rooms/{room_id}";

/// The only cookie that a cached response may set: the last room, which is that of the page.
const ALLOWED_COOKIE: &str = app::server::LAST_ROOM;

/// The cached pages. Clones share them.
#[derive(Clone, Debug)]
pub struct PageCache {
    pages: Arc<Cache<Key, Arc<Page>>>,
}

/// The key of a page: its user, its room, and what else its HTML depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    user_id: UserId,
    room_id: RoomId,
    origin: Arc<str>,
    /// The digest of the custom styles that it links to. Part of the key, as it changes in memory shortly after the
    /// commit that invalidates pages.
    custom_styles: Arc<str>,
    /// The pictures that it links to, for the same reason.
    pictures: PictureVersions,
}

#[derive(Debug)]
struct Page {
    headers: HeaderMap,
    body: Bytes,
}

impl PageCache {
    /// An empty cache of `capacity_bytes`.
    #[must_use]
    pub fn new(invalidations: Invalidations, capacity_bytes: u64) -> Self {
        Self { pages: Arc::new(Cache::new(invalidations, capacity_bytes, HEADERS_BYTES)) }
    }

    /// How often the cache was asked, and how full it is.
    #[must_use]
    pub fn usage(&self) -> CacheUse {
        self.pages.usage()
    }
}

/// Responds from the cache, or caches the response if it is cacheable.
pub async fn serve_cached(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let Some(room_id) = requested_room(&request) else { return next.run(request).await };
    let Some(origin) = request.extensions().get().map(|forwarded: &Forwarded| forwarded.origin.clone()) else {
        return next.run(request).await;
    };
    let custom_styles = site.state.custom_styles_digest();
    let pictures = site.state.picture_versions();
    if let Some(user_id) = cached_member(&site, &request, &origin, room_id) {
        let key = Key { user_id, room_id, origin: origin.clone(), custom_styles: custom_styles.clone(), pictures };
        if let Some(page) = site.pages.pages.get(&key) {
            let mut response = page.response(request.headers());
            response.extensions_mut().insert(Route::Named(ROUTE));
            return response;
        }
    }
    // Without `If-None-Match` the response is a full page, which can be cached.
    let version = site.pages.pages.version();
    let if_none_match = request.headers_mut().remove(header::IF_NONE_MATCH);
    let mut response = next.run(request).await;
    let Some(Cacheable { user_id, dependencies }) = response.extensions_mut().remove() else { return response };
    let (mut parts, body) = response.into_parts();
    let session_cookies = take_session_cookies(&mut parts.headers);
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = Arc::new(Page { headers: parts.headers, body });
    if page.is_cacheable(parts.status) {
        let key = Key { user_id, room_id, origin, custom_styles, pictures };
        let bytes = page.body.len() + HEADERS_BYTES + key.origin.len() + size_of_val(&*dependencies.posts);
        site.pages.pages.insert(key, page.clone(), bytes, version, dependencies);
    }
    let mut request_headers = HeaderMap::new();
    request_headers.extend(if_none_match.map(|etags| (header::IF_NONE_MATCH, etags)));
    let mut response = page.response(&request_headers);
    for cookie in session_cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Takes the cookies of the browser's session out of a response: they are not part of the page.
fn take_session_cookies(headers: &mut HeaderMap) -> Vec<HeaderValue> {
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    let (of_session, others): (Vec<_>, Vec<_>) =
        cookies.into_iter().partition(|cookie| is_named(cookie, session::store::COOKIE));
    headers.remove(header::SET_COOKIE);
    for cookie in others {
        headers.append(header::SET_COOKIE, cookie);
    }
    of_session
}

/// The room whose newest page is requested, to be displayed, by a current browser that accepts gzip; `None` for all other
/// requests.
fn requested_room(request: &Request) -> Option<RoomId> {
    let headers = request.headers();
    let is_page = request.method() == Method::GET && request.uri().query().is_none() && !is_prefetch(headers);
    let room_id = match Place::parse(request.uri().path()).filter(|_| is_page)? {
        Place::Room { room_id, anchor: Anchor::Newest } => room_id,
        _ => return None,
    };
    (encoding::accepts(headers, "gzip") && !user_agent::is_too_old(user_agent::of(headers))).then_some(room_id)
}

/// The user of the request, if the session and the membership are cached, and not too many of their requests are under
/// way. All other requests are authorised by the handler.
fn cached_member(site: &Site, request: &Request, origin: &str, room_id: RoomId) -> Option<UserId> {
    let token_hash = session::sent_token_hash(request.headers(), origin)?;
    let seen = site.state.sessions.cached(&token_hash)?;
    let user_id = seen.current.user.id;
    let is_fresh = !session::is_refresh_due(&seen, site.state.clock.now_ms());
    let is_admitted = || request.extensions().get().is_none_or(|it: &Arc<Admission>| it.claim(user_id).is_ok());
    (is_fresh && site.state.members.is_cached(user_id, room_id) && is_admitted()).then_some(user_id)
}

impl Page {
    /// The page as a response, or 304 if the browser has it cached.
    fn response(&self, request_headers: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        response.headers_mut().clone_from(&self.headers);
        let etag = self.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        if etag.is_some_and(|etag| etag::matches(request_headers, etag)) {
            for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(name);
            }
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = Body::from(self.body.clone());
        }
        response
    }

    /// Whether the page may be served again: a complete one that sets no cookie of this browser alone.
    fn is_cacheable(&self, status: StatusCode) -> bool {
        let cookies = self.headers.get_all(header::SET_COOKIE);
        status == StatusCode::OK
            && self.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip")
            && cookies.iter().all(|cookie| is_named(cookie, ALLOWED_COOKIE))
            && self.body.len() <= MAX_PAGE_BYTES
    }
}

/// Whether a cookie has this name, apart from what [`Cookies`](crate::http::cookies::Cookies) adds to it.
fn is_named(cookie: &HeaderValue, name: &str) -> bool {
    let full_name = cookie.to_str().ok().and_then(|cookie| Some(cookie.split_once('=')?.0));
    full_name.is_some_and(|full_name| full_name.contains(name))
}
