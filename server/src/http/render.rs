//! Renders pages: those of the chat with their hydration data, and plain ones.

use std::collections::HashSet;
use std::pin::Pin;

use app::shell::{PageContext, live_document, own_controls, plain_document};
use app::{App, Framed, Layout, Notice};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use campfire::access::{CurrentUser, Member};
use campfire::cache::invalidation::Dependencies;
use campfire::model::{Anchor, MessageId, Place, RoomKind, Theme, UserId};
use campfire::ops::inbox::ShownEntries;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use futures::{Stream, StreamExt, stream};
use leptos::prelude::*;
use leptos_integration_utils::build_response;
use xxhash_rust::xxh3::xxh3_128;

use super::forwarded::Forwarded;
use super::prefetch::is_prefetch;
use super::{assets, csp, etag, page_context};
use crate::Site;

/// The sidebar offers people to ping until this many people are in it, including the viewer and those of direct rooms.
const MAX_SIDEBAR_PEOPLE: usize = 20;

/// Initial capacity for the HTML of a room's page, in bytes; most fit.
const PAGE_CAPACITY_BYTES: usize = 96 * 1024;

/// The header of a page of the chat with the id of the user whose page it is.
const PERSON: HeaderName = HeaderName::from_static("x-person");

/// The header of a page of the chat with the id of the build that it belongs to.
const BUILD: HeaderName = HeaderName::from_static("x-build");

/// A request for a page of the chat.
#[derive(Clone, Debug)]
pub struct LiveRequest {
    /// Path and query.
    pub url: String,
    /// The user who requests the page.
    pub current: CurrentUser,
    /// The page's part of the document's title.
    pub title: String,
    /// The user's membership in the room that the page shows, if it shows one.
    pub member: Option<Member>,
    /// Whether the page shows the room's newest messages, which marks the room as read, unless it is prefetched.
    pub reads: bool,
    /// The headers of the request.
    pub headers: HeaderMap,
    /// Where the request comes from.
    pub forwarded: Forwarded,
}

/// A rendered page of the chat.
#[derive(Debug)]
pub struct Rendered {
    /// The response.
    pub response: Response,
    /// The newest message of the room in view, if the room was unread and the page is displayed.
    pub unread: Option<MessageId>,
    /// The entries of the user's inbox that displaying the page reads.
    pub shown: Option<ShownEntries>,
}

/// Response extension: marks a page as cacheable and lists what invalidates it.
#[derive(Clone, Debug)]
pub struct Cacheable {
    /// The user whose page it is.
    pub user_id: UserId,
    /// The data that the page was computed from.
    pub dependencies: Dependencies,
}

/// Renders a page of the chat with its hydration data.
///
/// Rendering is deterministic: an unchanged page has the same bytes and so the same ETag.
///
/// # Errors
/// `NotFound` for a URL that is no [`Place`]; also when the database fails.
pub async fn live(site: &Site, request: LiveRequest) -> AppResult<Rendered> {
    let state = site.state.clone();
    let LiveRequest { url, current, title, member, reads, headers, forwarded } = request;
    let place = Place::parse(&url).ok_or(AppError::NotFound)?;
    let has_query = url.contains('?');
    let page_context = page_context::current();
    let (mut layout, theme) = layout(site, &current, page_context.notice, &forwarded).await?;
    let page_context = PageContext { theme, ..page_context };
    let mut unread = None;
    let room_in_view = member.as_ref().filter(|_| reads);
    if let Some(member) = room_in_view {
        let listed = layout.rooms.iter_mut().find(|room| room.id == member.room.id);
        if listed.as_ref().is_none_or(|room| room.unread) {
            // Read before the page is rendered: messages posted in between are not on the page and stay unread.
            unread = ops::rooms::newest_message(&state, member).await?;
        }
        if let Some(room) = listed {
            room.unread = false;
            room.mention_count = 0;
        }
    }
    // Most inboxes have nothing unread, and cost no query.
    let mut shown = None;
    if let Some(member) = member.as_ref().filter(|_| layout.inbox.unread > 0 && !is_prefetch(&headers)) {
        let at = match place {
            Place::Room { anchor: Anchor::Around(message_id), .. } => Some(Some(message_id)),
            _ => reads.then_some(None),
        };
        if let Some(at) = at {
            shown = ops::inbox::find_shown(&state, member, at).await?;
        }
    }
    if let Some(ShownEntries { count, .. }) = shown {
        layout.inbox.unread = layout.inbox.unread.saturating_sub(count.unread);
        layout.inbox.badge = layout.inbox.badge.saturating_sub(count.badge);
    }
    // Displaying the newest answers of a thread marks it as read, too.
    if let Place::Thread { room_id, root_id, anchor: Anchor::Newest } = place
        && let Some(room) = layout.rooms.iter_mut().find(|room| room.id == room_id)
    {
        room.threads.retain(|thread| thread.root_id != root_id);
    }
    // If not all direct rooms are in the sidebar, a message in a hidden one changes the page: it is not cached.
    let direct_count = layout.rooms.iter().filter(|room| room.kind == RoomKind::Direct).count();
    // A prefetched page shows the room as read without marking it: from the cache, it would be displayed without that.
    let is_prefetch = is_prefetch(&headers);
    if is_prefetch {
        unread = None;
    }
    let shows_all = i64::try_from(direct_count).is_ok_and(|count| count < ops::layouts::SHOWN_DIRECT_ROOMS);
    let cacheable = room_in_view.filter(|_| shows_all && !is_prefetch).map(|member| Cacheable {
        user_id: current.user.id,
        dependencies: Dependencies {
            sessions: false,
            memberships: Some(current.user.id),
            unread: Some(current.user.id),
            messages: Some(member.room.id),
            // A further message in an unread room changes nothing but the order of direct rooms.
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
    let user_id = current.user.id;
    let Document { html, policy } =
        document(state, current, layout, page_context, &title, (place, has_query), member, None).await?;
    // A fast hash suffices: the ETag distinguishes versions of one user's page, and with a forged collision that user would
    // only see an older version.
    let etag = format!("\"{:032x}\"", xxh3_128(html.as_bytes()));

    let mut page_headers = HeaderMap::new();
    // By these the service worker knows whose page it keeps, and with which files.
    page_headers.insert(PERSON, user_id.0.into());
    page_headers.extend(assets::build().map(|build| (BUILD, HeaderValue::from_static(build))));
    page_headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    page_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    page_headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
    page_headers.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(|_| AppError::Internal)?);
    let mut response = if etag::matches(&headers, &etag) {
        (StatusCode::NOT_MODIFIED, page_headers).into_response()
    } else {
        (page_headers, Html(html)).into_response()
    };
    if let Some(cacheable) = cacheable {
        response.extensions_mut().insert(cacheable);
    }
    Ok(Rendered { response, unread, shown })
}

/// The document of a hydrated page.
#[derive(Debug)]
pub struct Document {
    /// Its HTML.
    pub html: String,
    /// Its content security policy.
    pub policy: HeaderValue,
}

/// Renders the app with its hydration data: a place, or with `framed` a page of forms beside the sidebar.
#[expect(clippy::too_many_arguments, reason = "the contexts of the app, each of a type of its own")]
async fn document(
    state: AppState,
    current: CurrentUser,
    layout: Layout,
    page_context: PageContext,
    title: &str,
    (place, has_query): (Place, bool),
    member: Option<Member>,
    framed: Option<String>,
) -> AppResult<Document> {
    let title = app::page_title(title, layout.inbox.badge);
    let style = own_controls(&current.user);
    let style_hash = csp::base64_sha256(style.as_bytes());
    let context = move || {
        provide_context(place);
        provide_context(Framed(framed.clone()));
        provide_context(state.clone());
        provide_context(Some(current.clone()));
        provide_context(layout.clone());
        if let Some(member) = &member {
            provide_context(member.clone());
        }
    };
    let document =
        move || live_document(assets::paths(), page_context, (place, has_query), title, style, view! { <App/> });
    let (owner, rendering) = build_response(document, context, render_to_end, false);
    // Leptos leaves the owner set on this thread. A server function that starts on the thread while the page waits would
    // become its child, and read this person's context in place of its own.
    owner.clone().unset();
    let html = collect(rendering.await, 0).await;
    owner.unset_with_forced_cleanup();

    // The last script tag is the one that `render_to_end` added: user text cannot contain a tag, as it is escaped.
    let script = html
        .rsplit_once("<script>")
        .and_then(|(_, rest)| rest.split_once("</script>"))
        .map_or("", |(script, _)| script);
    let policy = csp::policy_for(&csp::base64_sha256(script.as_bytes()), &style_hash);
    let policy = HeaderValue::from_str(&policy).map_err(|_| AppError::Internal)?;
    Ok(Document { html, policy })
}

/// Response extension: a page of forms that belongs into the frame, beside the sidebar, if somebody is signed in.
///
/// The response's own body is the same page without the frame.
#[derive(Clone, Debug)]
pub struct Framable {
    title: String,
    html: String,
}

/// Renders a page of forms and links: for those who are signed in, in the frame (`middleware::frame`).
pub fn plain<V: IntoView>(status: StatusCode, title: &str, page: impl FnOnce() -> V) -> Response {
    let owner = Owner::new();
    let html = owner.with(|| page().to_html());
    owner.unset_with_forced_cleanup();
    let mut response = bare_document(status, title, html.clone(), true);
    response.extensions_mut().insert(Framable { title: title.to_owned(), html });
    response
}

/// Renders a page of a form and links without the frame, as before signing in.
pub fn bare<V: IntoView>(status: StatusCode, title: &str, page: impl FnOnce() -> V) -> Response {
    let owner = Owner::new();
    let html = owner.with(|| page().to_html());
    owner.unset_with_forced_cleanup();
    bare_document(status, title, html, false)
}

fn bare_document(status: StatusCode, title: &str, html: String, is_framable: bool) -> Response {
    let owner = Owner::new();
    let title = app::page_title(title, 0);
    let html =
        owner.with(|| plain_document(assets::paths(), page_context::current(), title, html, is_framable).to_html());
    owner.unset_with_forced_cleanup();
    (status, [(header::CACHE_CONTROL, "private, no-store")], Html(html)).into_response()
}

/// Renders a page of forms in the frame of a user.
///
/// # Errors
/// When the database does not answer.
pub async fn framed(
    site: &Site,
    current: CurrentUser,
    forwarded: &Forwarded,
    Framable { title, html }: Framable,
) -> AppResult<Document> {
    let page_context = page_context::current();
    let (layout, theme) = layout(site, &current, page_context.notice, forwarded).await?;
    let page_context = PageContext { theme, ..page_context };
    document(site.state.clone(), current, layout, page_context, &title, (Place::NoRoom, true), None, Some(html)).await
}

/// The layout of the user's pages, with people to ping up to [`MAX_SIDEBAR_PEOPLE`], and their theme.
async fn layout(
    site: &Site,
    current: &CurrentUser,
    notice: Option<Notice>,
    forwarded: &Forwarded,
) -> AppResult<(Layout, Theme)> {
    let limit = i64::try_from(MAX_SIDEBAR_PEOPLE).unwrap_or(0);
    let ops::layouts::Layout { account, rooms, inbox, hidden_count, mut unpinged, theme } =
        ops::layouts::find(&site.state, current, limit).await?;
    let mut pinged: HashSet<UserId> =
        rooms.iter().flat_map(|room| room.people.iter().map(|person| person.id)).collect();
    pinged.insert(current.user.id);
    unpinged.truncate(MAX_SIDEBAR_PEOPLE.saturating_sub(pinged.len()));
    let origin = forwarded.origin.to_string();
    let takes_files = !site.state.is_text_only();
    let viewer = current.user.clone();
    Ok((Layout { viewer, account, origin, rooms, inbox, hidden_count, unpinged, notice, takes_files }, theme))
}

type HtmlStream = Pin<Box<dyn Stream<Item = String> + Send>>;

/// Renders a view to the end, and puts the hydration data at the end of the body as one script.
///
/// The fragments of data are streamed in the order in which they became ready. They are sorted to make the page
/// deterministic.
fn render_to_end<V: IntoView + 'static>(
    view: V,
    data: Box<dyn FnOnce() -> HtmlStream + Send>,
    _: bool,
) -> Pin<Box<dyn Future<Output = HtmlStream> + Send>> {
    let fragments = view.to_html_stream_in_order();
    Box::pin(async move {
        let mut html = collect(fragments, PAGE_CAPACITY_BYTES).await;
        let mut data: Vec<String> = data().collect().await;
        let last = data.len().saturating_sub(1);
        if let Some(resolved) = data.get_mut(1..last) {
            resolved.sort();
        }
        let script: String =
            data.iter().map(|fragment| fragment.trim_start_matches("<script>").trim_end_matches("</script>")).collect();
        let end = html.rfind("</body>").unwrap_or(html.len());
        html.insert_str(end, &format!("<script>{script}</script>"));
        Box::pin(stream::once(async move { html })) as HtmlStream
    })
}

/// Collects a stream into one string with this initial capacity. With capacity 0 the first fragment is reused as the
/// string, so that a stream of one fragment is not copied.
async fn collect(mut fragments: impl Stream<Item = String> + Unpin, capacity: usize) -> String {
    let mut html = String::with_capacity(capacity);
    while let Some(fragment) = fragments.next().await {
        if html.capacity() == 0 {
            html = fragment;
        } else {
            html.push_str(&fragment);
        }
    }
    html
}
