//! Rendering: pages of the chat with the data that hydrates them, and plain pages.

use std::collections::HashSet;
use std::pin::Pin;

use app::shell::{live_document, own_controls, plain_document};
use app::{App, Layout, Notice};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use campfire::access::{CurrentUser, Member};
use campfire::cache::invalidation::Dependencies;
use campfire::model::{MessageId, Place, RoomKind, UserId};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use futures::{Stream, StreamExt, stream};
use leptos::prelude::*;
use leptos_integration_utils::build_response;
use xxhash_rust::xxh3::xxh3_128;

use super::{assets, csp, etag, page_context, urls};
use crate::Site;

/// Maximum number of people in a sidebar's row of pings: those pinged, the viewer, and others to fill it up.
const MAX_PINGS_OFFERED: usize = 20;

/// Initial capacity for the HTML of a room's page, in bytes; most fit.
const PAGE_CAPACITY_BYTES: usize = 96 * 1024;

/// A request for a page of the chat.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Path and query.
    pub url: String,
    pub current: CurrentUser,
    /// The page's own part of the document's title.
    pub title: String,
    /// The person as a member of the room that the page shows, if it is a room's.
    pub member: Option<Member>,
    /// Whether the page shows the room's newest messages: displaying them marks the room as read.
    pub reads: bool,
    pub headers: HeaderMap,
}

/// A rendered page of the chat.
#[derive(Debug)]
pub struct Rendered {
    pub response: Response,
    /// The newest message of the room in view, if the person had some of its messages to read.
    pub unread: Option<MessageId>,
}

/// Response extension: marks a page as cacheable and lists what invalidates it.
#[derive(Clone, Debug)]
pub struct Cacheable {
    /// Whose page it is.
    pub user_id: UserId,
    /// What the page was computed from.
    pub dependencies: Dependencies,
}

/// Renders a page of the chat, whole, with the data the browser takes it over with.
///
/// Two renderings of an unchanged page are the same bytes, and its ETag says so.
///
/// # Errors
/// `NotFound` for a URL that is no [`Place`], and when the database does not answer.
pub async fn live(site: &Site, request: LiveRequest) -> AppResult<Rendered> {
    let state = site.state.clone();
    let LiveRequest { url, current, title, member, reads, headers } = request;
    let place = Place::parse(&url).ok_or(AppError::NotFound)?;
    let page_context = page_context::current();
    let mut layout = layout(&state, &current, page_context.notice, &headers).await?;
    let mut unread = None;
    let room_in_view = member.as_ref().filter(|_| reads);
    if let Some(member) = room_in_view {
        let listed = layout.rooms.iter_mut().find(|room| room.id == member.room.id);
        if listed.as_ref().is_none_or(|room| room.unread) {
            // Looked up before the page is rendered: what it does not show is not read.
            unread = ops::rooms::newest_message(&state, member).await?;
        }
        if let Some(room) = listed {
            (room.unread, room.mention_count) = (false, 0);
        }
    }
    // A direct room beyond those shown comes to the front with its next message: such a page is not cached.
    let direct_count = layout.rooms.iter().filter(|room| room.kind == RoomKind::Direct).count();
    let shows_all = i64::try_from(direct_count).is_ok_and(|count| count < ops::layouts::SHOWN_DIRECT_ROOMS);
    let cacheable = room_in_view.filter(|_| shows_all).map(|member| Cacheable {
        user_id: current.user.id,
        dependencies: Dependencies {
            sessions: false,
            memberships: Some(current.user.id),
            unread: Some(current.user.id),
            messages: Some(member.room.id),
            // One more message in a room that is unread already changes nothing but the order of direct rooms.
            posts: layout
                .rooms
                .iter()
                .filter(|room| !room.unread || room.kind == RoomKind::Direct)
                .map(|room| room.id)
                .collect(),
            removals: true,
            rooms: true,
            people: true,
            account: true,
        },
    });
    let title = app::page_title(&title, app::waiting_count(&layout.rooms));
    let style = own_controls(&current.user);
    let style_hash = csp::base64_sha256(style.as_bytes());

    let context = move || {
        provide_context(place);
        provide_context(state.clone());
        provide_context(Some(current.clone()));
        provide_context(layout.clone());
        if let Some(member) = &member {
            provide_context(member.clone());
        }
    };
    let document = move || live_document(assets::named(), page_context, title, style, view! { <App/> });
    let (owner, rendering) = build_response(document, context, whole, false);
    // Leptos leaves the owner set on this thread. A server function that starts on the thread while the page waits would
    // become its child, and read this person's context in place of its own.
    owner.clone().unset();
    let html = joined(rendering.await, 0).await;
    owner.unset_with_forced_cleanup();

    // The one inline script: `whole` put it last, and no text of a person's can contain such a tag.
    let script =
        html.rsplit_once("<script>").and_then(|(_, rest)| rest.split_once("</script>")).map_or("", |(it, _)| it);
    let policy = csp::policy_for(&csp::base64_sha256(script.as_bytes()), &style_hash);
    // The tag tells one person's versions of a page apart, and a forged collision could only show them an older one: a
    // fast hash will do.
    let etag = format!("\"{:032x}\"", xxh3_128(html.as_bytes()));

    let mut answer = HeaderMap::new();
    answer.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(|_| AppError::Internal)?);
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    answer.insert(header::VARY, HeaderValue::from_static("Cookie"));
    answer.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(|_| AppError::Internal)?);
    let mut response = if etag::matches(&headers, &etag) {
        (StatusCode::NOT_MODIFIED, answer).into_response()
    } else {
        (answer, Html(html)).into_response()
    };
    if let Some(cacheable) = cacheable {
        response.extensions_mut().insert(cacheable);
    }
    Ok(Rendered { response, unread })
}

/// A page of forms and links.
pub fn plain<V: IntoView>(status: StatusCode, title: &str, page: impl FnOnce() -> V) -> Response {
    let owner = Owner::new();
    let title = app::page_title(title, 0);
    let html = owner.with(|| plain_document(assets::named(), page_context::current(), title, page()).to_html());
    owner.unset_with_forced_cleanup();
    (status, [(header::CACHE_CONTROL, "private, no-store")], Html(html)).into_response()
}

/// The layout of a person's pages, with people to ping up to [`MAX_PINGS_OFFERED`].
async fn layout(
    state: &AppState,
    current: &CurrentUser,
    notice: Option<Notice>,
    headers: &HeaderMap,
) -> AppResult<Layout> {
    let limit = i64::try_from(MAX_PINGS_OFFERED).unwrap_or(0);
    let ops::layouts::Layout { account, rooms, mut unpinged } = ops::layouts::find(state, current, limit).await?;
    let mut pinged: HashSet<UserId> =
        rooms.iter().flat_map(|room| room.people.iter().map(|person| person.id)).collect();
    pinged.insert(current.user.id);
    unpinged.truncate(MAX_PINGS_OFFERED.saturating_sub(pinged.len()));
    Ok(Layout { viewer: current.user.clone(), account, origin: urls::own_origin(headers), rooms, unpinged, notice })
}

type HtmlStream = Pin<Box<dyn Stream<Item = String> + Send>>;

/// Renders everything, and puts the hydration data at the end of the body as one script.
///
/// The pieces of data come in the order in which they were ready; sorted they are the same for the same page.
fn whole<V: IntoView + 'static>(
    view: V,
    data: Box<dyn FnOnce() -> HtmlStream + Send>,
    _: bool,
) -> Pin<Box<dyn Future<Output = HtmlStream> + Send>> {
    let pieces = view.to_html_stream_in_order();
    Box::pin(async move {
        let mut html = joined(pieces, PAGE_CAPACITY_BYTES).await;
        let mut data: Vec<String> = data().collect().await;
        let last = data.len().saturating_sub(1);
        if let Some(resolved) = data.get_mut(1..last) {
            resolved.sort();
        }
        let script: String =
            data.iter().map(|piece| piece.trim_start_matches("<script>").trim_end_matches("</script>")).collect();
        let end = html.rfind("</body>").unwrap_or(html.len());
        html.insert_str(end, &format!("<script>{script}</script>"));
        Box::pin(stream::once(async move { html })) as HtmlStream
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
