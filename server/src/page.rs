//! From a request to a page: rendering, status, validators, and what is shown when something cannot be.

use std::collections::HashSet;
use std::pin::Pin;

use app::components::form::FormState;
use app::pages::error::{Failure, FailureProps};
use app::shell::{live_document, own_controls, plain_document};
use app::{App, Frame, Notice};
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use campfire::auth::{CurrentUser, Member};
use campfire::changes::Dependencies;
use campfire::model::{MessageId, Place, RoomId, RoomKind, UserId};
use campfire::state::AppState;
use campfire::{AppError, AppResult, store};
use futures::{Stream, StreamExt, stream};
use leptos::prelude::*;
use leptos_integration_utils::build_response;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_128;

use crate::auth::SignedIn;
use crate::kept::Keepable;
use crate::{Site, assets, security, surroundings};

/// How many people a sidebar shows in its pings: those pinged, the viewer, and others to fill the row up.
const MOST_PINGS_OFFERED: usize = 20;

/// What most pages of a room have room in, in bytes.
const PAGE_BYTES: usize = 96 * 1024;

/// The longest error of a server function, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// What a page of the chat is asked with.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Path and query.
    pub url: String,
    pub current: CurrentUser,
    /// What the tab says first.
    pub title: String,
    /// The person in the room that the page is of, if it is a room's.
    pub member: Option<Member>,
    /// The room whose newest messages are in view; it is read by being looked at.
    pub room_id: Option<RoomId>,
    pub headers: HeaderMap,
}

/// A page of the chat, ready to leave.
#[derive(Debug)]
pub struct Rendered {
    pub response: Response,
    /// The newest message of the room in view, if the person had some of its messages to read.
    pub unread: Option<MessageId>,
}

/// Renders a page of the chat, whole, with the data the browser takes it over with.
///
/// Two renderings of an unchanged page are the same bytes, and its ETag says so.
///
/// # Errors
/// `NotFound` for a URL that is no [`Place`], and when the database does not answer.
pub async fn live(site: &Site, request: LiveRequest) -> AppResult<Rendered> {
    let state = site.state.clone();
    let LiveRequest { url, current, title, member, room_id, headers } = request;
    let place = Place::parse(&url).ok_or(AppError::NotFound)?;
    let surroundings = surroundings::current();
    let mut frame = frame(&state, &current, surroundings.notice, &headers).await?;
    let mut unread = None;
    if let Some(room_id) = room_id {
        let listed = frame.rooms.iter_mut().find(|room| room.id == room_id);
        if listed.as_ref().is_none_or(|room| room.unread) {
            // Asked before the page is made: what it does not show is not read.
            unread = store::rooms::newest_message(state.db.reader(), room_id).await?;
        }
        if let Some(room) = listed {
            (room.unread, room.mention_count) = (false, 0);
        }
    }
    // A direct room that is not shown comes to the front with its next message: such a page is not kept.
    let direct_count = frame.rooms.iter().filter(|room| room.kind == RoomKind::Direct).count();
    let shows_all = i64::try_from(direct_count).is_ok_and(|count| count < store::rooms::SHOWN_DIRECT_ROOMS);
    let keepable = room_id.filter(|_| shows_all).map(|room_id| Keepable {
        user_id: current.user.id,
        dependencies: Dependencies {
            sessions: false,
            person: Some(current.user.id),
            messages: Some(room_id),
            // One more message in a room that is unread already changes nothing, but for the order of direct rooms.
            posts: frame
                .rooms
                .iter()
                .filter(|room| !room.unread || room.kind == RoomKind::Direct)
                .map(|room| room.id)
                .collect(),
        },
    });
    let title = app::page_title(&title, app::waiting_count(&frame.rooms));
    let style = own_controls(&current.user);
    let style_hash = base64_sha256(style.as_bytes());

    let context = move || {
        provide_context(place);
        provide_context(state.clone());
        provide_context(Some(current.clone()));
        provide_context(frame.clone());
        if let Some(member) = &member {
            provide_context(member.clone());
        }
    };
    let document = move || live_document(assets::named(), surroundings, title, style, view! { <App/> });
    let (owner, rendering) = build_response(document, context, whole, false);
    // Leptos leaves the owner behind as the thread's own. A call that begins on this thread while the page waits would
    // be its child, and find this person's context where it has none of its own.
    owner.clone().unset();
    let html = joined(rendering.await, 0).await;
    owner.unset_with_forced_cleanup();

    // The one inline script: `whole` put it last, and no text of a person's can hold such a tag.
    let script =
        html.rsplit_once("<script>").and_then(|(_, rest)| rest.split_once("</script>")).map_or("", |(it, _)| it);
    let policy = security::policy_for(&base64_sha256(script.as_bytes()), &style_hash);
    // The tag tells a person's own versions of a page apart, and a forged collision would show them an older one at
    // most: a fast hash will do.
    let etag = format!("\"{:032x}\"", xxh3_128(html.as_bytes()));

    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(|_| AppError::Internal)?);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("Cookie"));
    answer.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(|_| AppError::Internal)?);
    let mut response = if is_known(&headers, &etag) {
        (StatusCode::NOT_MODIFIED, answer).into_response()
    } else {
        (answer, Html(html)).into_response()
    };
    if let Some(keepable) = keepable {
        response.extensions_mut().insert(keepable);
    }
    Ok(Rendered { response, unread })
}

/// A page of forms and links.
pub fn plain<V: IntoView>(status: StatusCode, title: &str, page: impl FnOnce() -> V) -> Response {
    let owner = Owner::new();
    let title = app::page_title(title, 0);
    let html = owner.with(|| plain_document(assets::named(), surroundings::current(), title, page()).to_html());
    owner.unset_with_forced_cleanup();
    (status, [(header::CACHE_CONTROL, "private, no-store")], Html(html)).into_response()
}

/// What is told instead of a page.
#[derive(Clone, Debug)]
pub struct PageError(pub AppError);

impl PageError {
    /// The request is larger than anything that is taken.
    #[must_use]
    pub fn too_large() -> Response {
        failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "That is too much",
            "That is more than is taken at once. Go back, shorten it, or send it in parts: a message has at most 32,000 \
             characters."
                .into(),
        )
    }
}

impl From<AppError> for PageError {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = match self.0 {
            AppError::SignedOut => "You are signed out",
            AppError::Forbidden => "Not allowed",
            AppError::NotFound => "Nothing here",
            AppError::Invalid(_) => "That cannot be taken",
            AppError::Conflict(_) => "That is taken",
            AppError::TooManyTries => "Too many tries",
            AppError::Unavailable(_) | AppError::Unreachable => "Not now",
            AppError::Internal => "Something went wrong",
        };
        failure(status, title, self.0.to_string())
    }
}

fn failure(status: StatusCode, title: &'static str, text: String) -> Response {
    plain(status, title, || Failure(FailureProps { title: title.to_owned(), text }))
}

/// What every path without a page gets.
pub async fn nothing_here() -> PageError {
    PageError(AppError::NotFound)
}

/// Where someone goes who asked for a room that is not theirs to see.
pub fn room_missing() -> Redirect {
    Redirect::to(&format!("/?notice={}", Notice::RoomMissing.word()))
}

/// A page to go to, and something to say there.
pub fn go_and_say(path: &str, notice: Notice) -> Redirect {
    let sign = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{sign}notice={}", notice.word()))
}

/// What whoever follows a link gets that signs nobody in.
pub fn refused_link() -> Response {
    let text = "This sign-in link is no longer good. Make a new one on a device where you are signed in, or ask an administrator.";
    failure(StatusCode::BAD_REQUEST, "The link does not work", text.into())
}

/// The sign-in page that leads back to `wanted`.
#[must_use]
pub fn sign_in_path(wanted: &str) -> String {
    if wanted == "/" {
        return "/session/new".to_owned();
    }
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", wanted).finish();
    format!("/session/new?{query}")
}

/// The path to go back to, if it is one of this site's own.
#[must_use]
pub fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if own { path } else { "/" }
}

/// Answers a server function, as whoever the session says.
pub async fn call(
    State(state): State<AppState>,
    signed_in: Result<Option<SignedIn>, PageError>,
    request: Request,
) -> Response {
    let current = match signed_in {
        Ok(signed_in) => signed_in.map(|SignedIn(current)| current),
        Err(PageError(error)) => return call_failed(&error),
    };
    let context = move || {
        provide_context(state.clone());
        provide_context(current.clone());
    };
    let response = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    with_own_status(response).await
}

/// Arguments that cannot be read fail before the function could say its status: the error in the body knows it.
async fn with_own_status(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_ERROR_BYTES).await.unwrap_or_default();
    let error = serde_json::from_slice(&body).unwrap_or(AppError::Internal);
    parts.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Response::from_parts(parts, body.into())
}

/// An error in the form that server functions answer with.
fn call_failed(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(error).unwrap_or_default();
    (status, [("serverfnerror", "error"), ("content-type", "application/json")], Body::from(body)).into_response()
}

/// What a form is shown with the first time.
#[must_use]
pub fn fresh(values: Vec<(&'static str, String)>) -> FormState {
    FormState { values, ..FormState::default() }
}

async fn frame(
    state: &AppState,
    current: &CurrentUser,
    notice: Option<Notice>,
    headers: &HeaderMap,
) -> AppResult<Frame> {
    let most_offered = i64::try_from(MOST_PINGS_OFFERED).unwrap_or(0);
    let found = store::frames::find(state.db.reader(), current.user.id, most_offered).await?;
    let store::frames::Frame { account, rooms, mut unpinged } = found.ok_or(AppError::NotFound)?;
    let mut pinged: HashSet<UserId> =
        rooms.iter().flat_map(|room| room.people.iter().map(|person| person.id)).collect();
    pinged.insert(current.user.id);
    unpinged.truncate(MOST_PINGS_OFFERED.saturating_sub(pinged.len()));
    Ok(Frame { viewer: current.user.clone(), account, origin: own_origin(headers), rooms, unpinged, notice })
}

/// What this site is called from outside.
#[must_use]
pub fn own_origin(headers: &HeaderMap) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = header("x-forwarded-proto").filter(|proto| *proto == "https").unwrap_or("http");
    let host = header("x-forwarded-host").or_else(|| header("host")).unwrap_or("localhost");
    format!("{scheme}://{host}")
}

/// Whether the browser has the page of this tag already.
#[must_use]
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

type Html5 = Pin<Box<dyn Stream<Item = String> + Send>>;

/// Renders everything, and puts the data of the takeover at the end of the body as one script.
///
/// The pieces of data come in the order in which they were ready; sorted they are the same for the same page.
fn whole<V: IntoView + 'static>(
    view: V,
    data: Box<dyn FnOnce() -> Html5 + Send>,
    _: bool,
) -> Pin<Box<dyn Future<Output = Html5> + Send>> {
    let pieces = view.to_html_stream_in_order();
    Box::pin(async move {
        let mut html = joined(pieces, PAGE_BYTES).await;
        let mut data: Vec<String> = data().collect().await;
        let last = data.len().saturating_sub(1);
        if let Some(resolved) = data.get_mut(1..last) {
            resolved.sort();
        }
        let script: String =
            data.iter().map(|piece| piece.trim_start_matches("<script>").trim_end_matches("</script>")).collect();
        let end = html.rfind("</body>").unwrap_or(html.len());
        html.insert_str(end, &format!("<script>{script}</script>"));
        Box::pin(stream::once(async move { html })) as Html5
    })
}

/// All of a stream in one string, which is its first piece when that is all and no `capacity` is asked for.
async fn joined(mut pieces: impl Stream<Item = String> + Unpin, capacity: usize) -> String {
    let mut joined = String::with_capacity(capacity);
    while let Some(piece) = pieces.next().await {
        if joined.capacity() == 0 {
            joined = piece;
        } else {
            joined.push_str(&piece);
        }
    }
    joined
}

fn base64_sha256(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes))
}

/// The query of a page.
pub type PageQuery = Query<std::collections::HashMap<String, String>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_ones_own_site_only() {
        assert_eq!(own_path("/rooms/4?before=2"), "/rooms/4?before=2");
        for path in ["", "//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"] {
            assert_eq!(own_path(path), "/", "{path:?}");
        }
        assert_eq!(sign_in_path("/rooms/4?before=2"), "/session/new?return_to=%2Frooms%2F4%3Fbefore%3D2");
    }
}
