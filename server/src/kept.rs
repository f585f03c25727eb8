//! Rooms' pages, kept as they leave: compressed, with their headers.
//!
//! One is given again to the same person, under the same name of the site, as long as nothing that it shows has changed.
//! Who asks is found out first, every time, and so is that they are in the room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use campfire::auth::{Member, SeenSession};
use campfire::cache::Cache;
use campfire::changes::{Changes, Dependencies};
use campfire::model::{RoomId, UserId};

use crate::{Site, auth, compression, page, session_store, surroundings};

/// The largest page that is kept, in bytes as they leave.
const MAX_KEPT_BYTES: usize = 256 * 1024;

/// What a page takes beside its body, in bytes, roundly: its headers and what it depends on.
const HEADERS_BYTES: usize = 2 * 1024;

/// The only cookie that a kept answer may set: the room seen last, which is the page's own.
const KEPT_COOKIE: &[u8] = b"last_room=";

/// The kept pages. Clones share them.
#[derive(Clone, Debug)]
pub struct KeptPages {
    pages: Arc<Cache<Key, Arc<Page>>>,
    answer_count: Arc<AtomicU64>,
}

/// Whose page of which room, under which name of the site.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    user_id: UserId,
    room_id: RoomId,
    origin: Box<str>,
    /// Which custom styles it wears: pages learn of others a moment after the database does.
    custom_styles: Arc<str>,
}

#[derive(Debug)]
struct Page {
    headers: HeaderMap,
    body: Bytes,
}

/// Says of an answer, as one of its extensions, that it may be kept, and until when.
#[derive(Clone, Debug)]
pub struct Keepable {
    pub user_id: UserId,
    pub dependencies: Dependencies,
}

impl KeptPages {
    /// None yet, and never more than this many bytes of them.
    #[must_use]
    pub fn new(changes: Changes, capacity_bytes: u64) -> Self {
        let pages = Arc::new(Cache::new(changes, capacity_bytes, HEADERS_BYTES));
        Self { pages, answer_count: Arc::default() }
    }

    /// How many answers they were.
    #[must_use]
    pub fn answer_count(&self) -> u64 {
        self.answer_count.load(Ordering::Relaxed)
    }
}

/// Answers with a kept page, or keeps the answer if it is one.
pub async fn answer(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let Some(room_id) = asked_for(&request) else { return next.run(request).await };
    let origin = page::own_origin(request.headers()).into_boxed_str();
    let custom_styles = site.state.custom_styles_digest();
    if let Some(user_id) = known_member(&site, request.headers(), room_id) {
        let key = Key { user_id, room_id, origin: origin.clone(), custom_styles: custom_styles.clone() };
        if let Some(page) = site.pages.pages.find(&key) {
            site.pages.answer_count.fetch_add(1, Ordering::Relaxed);
            return page.answer(request.headers());
        }
    }
    // Whatever the browser knows, the page is made whole, to be kept.
    let then = site.pages.pages.now();
    let known = request.headers_mut().remove(header::IF_NONE_MATCH);
    let mut response = next.run(request).await;
    let Some(Keepable { user_id, dependencies }) = response.extensions_mut().remove() else { return response };
    let (parts, body) = response.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let page = Arc::new(Page { headers: parts.headers, body });
    if page.may_be_kept(parts.status) {
        let key = Key { user_id, room_id, origin, custom_styles };
        let bytes = page.body.len() + HEADERS_BYTES + key.origin.len() + size_of_val(&*dependencies.posts);
        site.pages.pages.keep(key, page.clone(), bytes, then, dependencies);
    }
    let mut asked = HeaderMap::new();
    asked.extend(known.map(|known| (header::IF_NONE_MATCH, known)));
    page.answer(&asked)
}

/// The room whose plain page is asked for, by a browser that takes it compressed.
fn asked_for(request: &Request) -> Option<RoomId> {
    let headers = request.headers();
    let is_page = request.method() == Method::GET && request.uri().query().is_none();
    let room_id = request.uri().path().strip_prefix("/rooms/").filter(|_| is_page)?.parse().ok()?;
    (compression::takes_gzip(headers) && !surroundings::is_old(headers)).then_some(room_id)
}

/// Who asks, if that is known without the database and they are in the room. Everybody else takes the long way.
fn known_member(site: &Site, headers: &HeaderMap, room_id: RoomId) -> Option<UserId> {
    let seen = SeenSession::known(&site.state, &session_store::token_hash(session_store::token(headers)?))?;
    let user_id = seen.current.user.id;
    let is_noted = !auth::is_to_be_noted(&seen, site.state.clock.now_ms());
    (is_noted && Member::is_known(&site.state, user_id, room_id)).then_some(user_id)
}

impl Page {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        response.headers_mut().clone_from(&self.headers);
        let etag = self.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        if etag.is_some_and(|etag| page::is_known(asked, etag)) {
            for name in [header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(name);
            }
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            *response.body_mut() = Body::from(self.body.clone());
        }
        response
    }

    /// Whether somebody may get this once more: a whole page that says nothing to this one browser.
    fn may_be_kept(&self, status: StatusCode) -> bool {
        let cookies = self.headers.get_all(header::SET_COOKIE);
        status == StatusCode::OK
            && self.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding == "gzip")
            && cookies.iter().all(|cookie| cookie.as_bytes().starts_with(KEPT_COOKIE))
            && self.body.len() <= MAX_KEPT_BYTES
    }
}
