//! Threads: their pages, following them, and the list of those that somebody follows.

use std::collections::HashMap;

use app::pages::threads::{Threads, ThreadsProps};
use axum::Router;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{CurrentUser, Member};
use campfire::model::{Anchor, MessageId, Place, paths};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::cookies;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PageQuery;
use crate::http::prefetch::{is_fetched, is_prefetch};
use crate::http::render;
use crate::http::render::{LiveRequest, Rendered};
use crate::session::{InRoom, SignedIn};

/// The pages and forms of threads.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::THREADS, get(list))
        .route("/rooms/{room_id}/threads/{root_id}", get(show))
        .route("/rooms/{room_id}/threads/{root_id}/follow", get(back).post(set_followed).put(follow).delete(unfollow))
        .route("/rooms/{room_id}/threads/{root_id}/{at}", get(show))
}

/// The page of a thread, with its newest answers, or those around a message or before one.
async fn show(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    OriginalUri(uri): OriginalUri,
    (headers, forwarded): (HeaderMap, Forwarded),
) -> Result<Response, PageError> {
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    let Some(Place::Thread { room_id, root_id: named, anchor }) = Place::parse(&url) else {
        return Err(AppError::NotFound.into());
    };
    let root_id = ops::threads::find_root(&site.state, &member, named).await?;
    if root_id != named {
        // The link names an answer.
        let at = if anchor == Anchor::Newest { Anchor::Around(named) } else { anchor };
        return Ok(Redirect::to(&Place::Thread { room_id, root_id, anchor: at }.path()).into_response());
    }
    // A form that was sent by a script has led here. The page comes by a call.
    if is_fetched(&headers) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let is_displayed = !is_prefetch(&headers);
    let newest = if is_displayed && anchor == Anchor::Newest {
        // Read before the page is rendered: what is posted in between is not on the page and stays unread.
        Some(ops::threads::newest_answer(&site.state, root_id).await?)
    } else {
        None
    };
    let last_room = cookies::last_room(&forwarded.origin);
    let state = site.state.clone();
    let title = format!("Thread in {}", member.room.name);
    let member = Some(member);
    let request = LiveRequest { url, current: current.clone(), title, member, reads: false, headers, forwarded };
    let Rendered { mut response, .. } = render::live(&site, request).await?;
    if let Some(newest) = newest {
        // Displaying the page marks the thread as read, also without scripts.
        tokio::spawn(async move {
            if let Err(error) = ops::threads::mark_read(&state, &current, room_id, root_id, newest).await {
                tracing::warn!(%error, "a thread could not be marked read");
            }
        });
    }
    if is_displayed {
        let cookie = app::server::last_room_cookie(&last_room, room_id);
        response.headers_mut().append(header::SET_COOKIE, cookie.parse().map_err(|_| AppError::Internal)?);
    }
    Ok(response)
}

/// A reload after a refused form requests the form's URL with GET.
async fn back(InRoom(member): InRoom, path: Path<HashMap<String, String>>) -> Result<Redirect, PageError> {
    Ok(Redirect::to(&paths::thread(member.room.id, root_in(&path)?)))
}

/// A form submitted with POST, which carries the method.
async fn set_followed(
    state: State<AppState>,
    member: InRoom,
    path: Path<HashMap<String, String>>,
    form: Form,
) -> Result<Redirect, PageError> {
    change(&state, &member.0, &path, form.verb() != Verb::Delete).await
}

async fn follow(
    state: State<AppState>,
    member: InRoom,
    path: Path<HashMap<String, String>>,
) -> Result<Redirect, PageError> {
    change(&state, &member.0, &path, true).await
}

async fn unfollow(
    state: State<AppState>,
    member: InRoom,
    path: Path<HashMap<String, String>>,
) -> Result<Redirect, PageError> {
    change(&state, &member.0, &path, false).await
}

async fn change(
    state: &AppState,
    member: &Member,
    path: &HashMap<String, String>,
    is_followed: bool,
) -> Result<Redirect, PageError> {
    let root_id = root_in(path)?;
    ops::threads::set_followed(state, member, root_id, is_followed).await?;
    Ok(Redirect::to(&paths::thread(member.room.id, root_id)))
}

fn root_in(path: &HashMap<String, String>) -> AppResult<MessageId> {
    path.get("root_id").ok_or(AppError::NotFound)?.parse()
}

/// The threads that the user follows, those with news first.
async fn list(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let (threads, next) = listed(&state, &current, &query).await?;
    let next = next.map(|(has_news, last)| {
        let kind = if has_news { "new" } else { "read" };
        format!("{}?after={kind}-{last}", paths::THREADS)
    });
    let is_first = !query.contains_key("after");
    Ok(render::plain(StatusCode::OK, "Threads", || Threads(ThreadsProps { threads, next, is_first })))
}

async fn listed(
    state: &AppState,
    current: &CurrentUser,
    query: &HashMap<String, String>,
) -> AppResult<(Vec<ops::threads::FollowedThread>, Option<ops::threads::FollowedCursor>)> {
    let after = query.get("after").and_then(|after| {
        let (kind, last) = after.split_once('-')?;
        Some((kind == "new", last.parse().ok()?))
    });
    ops::threads::list_followed(state, current, after).await
}
