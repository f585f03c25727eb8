//! Rooms: their page, and the forms that make, change and remove them.

use std::collections::{HashMap, HashSet};

use app::Notice;
use app::components::form::FormState;
use app::components::people::Choice;
use app::pages::room_form::{RoomForm, RoomFormProps, Subject};
use axum::Router;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{CurrentUser, Member};
use campfire::error::FieldErrors;
use campfire::model::{MessageId, Role, RoomKind, RoomName, UserId, paths};
use campfire::ops::inbox::ShownEntries;
use campfire::ops::rooms::Audience;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::cookies;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PageQuery;
use crate::http::prefetch::{is_fetched, is_prefetch};
use crate::http::render::{LiveRequest, Rendered};
use crate::http::{form, render, urls};
use crate::session::{InRoom, Inside, SignedIn};

/// The pages and forms of rooms.
pub fn router() -> Router<Site> {
    Router::new()
        .merge(of_kind(RoomKind::Open))
        .merge(of_kind(RoomKind::Closed))
        .route("/rooms/{room_id}", get(show).post(change).delete(remove))
        .route("/rooms/{room_id}/involvement", get(involvement).post(set_involvement).put(set_involvement))
        .route("/rooms/{room_id}/membership", get(involvement).post(leave).delete(leave))
        .route("/rooms/{room_id}/{at}", get(show_at))
}

/// The forms of open or of closed rooms: submitting one makes a room of this kind, or turns a room into one.
fn of_kind(kind: RoomKind) -> Router<Site> {
    let rooms = paths::rooms(kind);
    let create = move |state, signed_in, form| create(state, signed_in, form, kind);
    let new = move |state, signed_in, query| new(state, signed_in, query, kind);
    let update = move |state, signed_in, member, form| update(state, signed_in, member, form, kind);
    let edit = move |state, signed_in, member, query| edit(state, signed_in, member, query, kind);
    Router::new()
        .route(rooms, get(missing).post(create))
        .route(paths::new_room(kind), get(new))
        .route(&format!("{rooms}/{{room_id}}"), get(shown).post(update).put(update))
        .route(&format!("{rooms}/{{room_id}}/edit"), get(edit))
}

async fn show(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    OriginalUri(uri): OriginalUri,
    request: (HeaderMap, Forwarded),
) -> Result<Response, PageError> {
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    let is_older = uri.query().is_some_and(|query| query.contains("before="));
    let range = if is_older { MessageRange::Older } else { MessageRange::Newest };
    room_page(&site, current, member, range, url, request).await
}

/// The messages that a page of a room shows. Displaying the newest ones marks the room as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MessageRange {
    Newest,
    Older,
}

/// `/rooms/4/@41`: the page of a room around a message, or around its place if it was deleted. An answer that the room does
/// not show is shown in its thread.
async fn show_at(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
    request: (HeaderMap, Forwarded),
) -> Result<Response, PageError> {
    let at = path.get("at").and_then(|at| at.strip_prefix('@')).ok_or(AppError::NotFound)?;
    let message_id = at.parse::<MessageId>()?;
    if let Some(root_id) = ops::threads::find_only_thread(&site.state, &member, message_id).await? {
        // The room does not show it.
        return Ok(Redirect::to(&paths::thread_at(member.room.id, root_id, message_id)).into_response());
    }
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    room_page(&site, current, member, MessageRange::Older, url, request).await
}

async fn room_page(
    site: &Site,
    current: CurrentUser,
    member: Member,
    range: MessageRange,
    url: String,
    (headers, forwarded): (HeaderMap, Forwarded),
) -> Result<Response, PageError> {
    // A form that was sent by a script has led here. The page comes by a call.
    if is_fetched(&headers) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let title = member.room.name.clone();
    let state = site.state.clone();
    let room_id = member.room.id;
    let last_room = cookies::last_room(&forwarded.origin);
    let reads = range == MessageRange::Newest;
    let is_prefetch = is_prefetch(&headers);
    let member = Some(member);
    let request = LiveRequest { url, current: current.clone(), title, member, reads, headers, forwarded };
    let Rendered { mut response, unread, shown } = render::live(site, request).await?;
    if unread.is_some() || shown.is_some() {
        // Displaying the page marks the room as read, also without scripts. This page still shows the line before the new
        // messages, and its response does not wait for the write.
        tokio::spawn(async move {
            if let Some(newest) = unread
                && let Err(error) = ops::memberships::mark_read(&state, &current, room_id, newest).await
            {
                tracing::warn!(%error, "a room could not be marked read");
            }
            if let Some(ShownEntries { first, last, .. }) = shown
                && let Err(error) = ops::inbox::mark_shown(&state, &current, room_id, (first, last)).await
            {
                tracing::warn!(%error, "entries of an inbox could not be marked read");
            }
        });
    }
    if !is_prefetch {
        let cookie = app::server::last_room_cookie(&last_room, room_id);
        response.headers_mut().append(header::SET_COOKIE, cookie.parse().map_err(|_| AppError::Internal)?);
    }
    Ok(response)
}

async fn missing(_: SignedIn) -> Redirect {
    urls::room_missing()
}

async fn shown(InRoom(member): InRoom) -> Redirect {
    Redirect::to(&paths::room(member.room.id))
}

async fn new(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
    kind: RoomKind,
) -> Result<Response, PageError> {
    let account = ops::accounts::find(&state).await?;
    if !current.user.may_make_rooms(account.is_some_and(|account| account.room_creation_restricted)) {
        return Err(AppError::Forbidden.into());
    }
    let name = query.get("name").cloned().unwrap_or_default();
    let form = form::fresh(vec![("name", name)]);
    let chosen = vec![current.user.id];
    let form_request = FormRequest { subject: Subject::New, kind, member: None, current };
    Ok(form_page(&state, StatusCode::OK, form_request, chosen, form).await?)
}

async fn create(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    form: Form,
    kind: RoomKind,
) -> Result<Response, PageError> {
    let made = async {
        let (name, audience) = entered(&form, kind)?;
        ops::rooms::open(&state, &current, name, audience).await
    };
    match made.await {
        Ok(room) => Ok(Redirect::to(&paths::room(room.id)).into_response()),
        Err(error) => {
            let form_request = FormRequest { subject: Subject::New, kind, member: None, current };
            Ok(form_again(&state, error, form_request, &form).await?)
        }
    }
}

/// The form of a room's settings; saving it gives the room this kind.
async fn edit(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    Query(query): PageQuery,
    kind: RoomKind,
) -> Result<Response, PageError> {
    if member.room.kind == RoomKind::Direct {
        return Ok(urls::room_missing().into_response());
    }
    let room_id = member.room.id;
    let people = ops::memberships::list_people(&state, &member).await?;
    let chosen = people.into_iter().map(|person| person.id).collect();
    let (subject, kind) = if member.may_administer_room() {
        (Subject::Existing(room_id), kind)
    } else {
        (Subject::ReadOnly(room_id), member.room.kind)
    };
    let name = query.get("name").filter(|name| !name.is_empty()).unwrap_or(&member.room.name).clone();
    let form = form::fresh(vec![("name", name)]);
    let form_request = FormRequest { subject, kind, member: Some(member), current };
    Ok(form_page(&state, StatusCode::OK, form_request, chosen, form).await?)
}

async fn update(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    form: Form,
    kind: RoomKind,
) -> Result<Response, PageError> {
    if member.room.kind == RoomKind::Direct {
        return Ok(urls::room_missing().into_response());
    }
    if !member.may_administer_room() {
        return Err(AppError::Forbidden.into());
    }
    let changed = async {
        let (name, audience) = entered(&form, kind)?;
        ops::rooms::change(&state, &member, name, audience).await
    };
    match changed.await {
        Ok(room) => Ok(Redirect::to(&paths::room(room.id)).into_response()),
        Err(error) => {
            let subject = Subject::Existing(member.room.id);
            let form_request = FormRequest { subject, kind, member: Some(member), current };
            Ok(form_again(&state, error, form_request, &form).await?)
        }
    }
}

/// A form submitted with POST, which carries the method.
async fn change(state: State<AppState>, member: InRoom, form: Form) -> Result<Response, PageError> {
    match form.verb() {
        Verb::Delete => remove(state, member).await,
        Verb::Post | Verb::Put => Err(AppError::NotFound.into()),
    }
}

async fn remove(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    ops::rooms::remove(&state, &member).await?;
    Ok(urls::with_notice("/", Notice::RoomRemoved).into_response())
}

/// A reload after a refused form requests the form's URL with GET.
async fn involvement(Inside(member): Inside) -> Redirect {
    Redirect::to(&paths::room(member.room.id))
}

async fn set_involvement(
    State(state): State<AppState>,
    Inside(member): Inside,
    form: Form,
) -> Result<Redirect, PageError> {
    ops::memberships::set_involvement(&state, &member, form.get("involvement").parse()?).await?;
    let room = paths::room(member.room.id);
    Ok(Redirect::to(if form.has("return_to") { urls::own_path(form.get("return_to")) } else { &room }))
}

async fn leave(State(state): State<AppState>, Inside(member): Inside) -> Result<Redirect, PageError> {
    ops::memberships::leave(&state, &member).await?;
    Ok(urls::with_notice("/", Notice::RoomLeft))
}

/// The name and the audience in the form of a room of this kind.
fn entered(form: &Form, kind: RoomKind) -> AppResult<(RoomName, Audience)> {
    let mut errors = FieldErrors::default();
    let name = errors.take(form.get("name").parse());
    let user_ids: AppResult<Vec<UserId>> = form.get_all("user_ids").map(str::parse).collect();
    let user_ids = errors.take(user_ids.map_err(|_| AppError::invalid("user_ids", "Choose people from the list.")));
    match (name, user_ids) {
        (Some(name), Some(_)) if kind == RoomKind::Open => Ok((name, Audience::Everyone)),
        (Some(name), Some(user_ids)) => Ok((name, Audience::Chosen(user_ids))),
        _ => Err(AppError::Invalid(errors)),
    }
}

/// A request for the form of a room.
#[derive(Clone, Debug)]
struct FormRequest {
    /// The room that the form edits.
    subject: Subject,
    /// The kind that saving the form gives the room.
    kind: RoomKind,
    /// The membership in the existing room; `None` for a new room.
    member: Option<Member>,
    /// The user who requests the form.
    current: CurrentUser,
}

/// The form again, with the submitted values and their errors.
async fn form_again(state: &AppState, error: AppError, request: FormRequest, form: &Form) -> AppResult<Response> {
    let refused = Refused::of(error)?;
    let values = vec![("name", form.get("name").to_owned())];
    let chosen = form.get_all("user_ids").filter_map(|id| id.parse().ok()).collect();
    let entered = FormState { values, errors: refused.errors() };
    Ok(refused.answer(form_page(state, refused.status(), request, chosen, entered).await?))
}

async fn form_page(
    app: &AppState,
    status: StatusCode,
    request: FormRequest,
    chosen: Vec<UserId>,
    state: FormState,
) -> AppResult<Response> {
    let FormRequest { subject, kind, member, current } = request;
    let mut people = match kind {
        RoomKind::Closed => ops::users::list(app, &current).await?,
        RoomKind::Open | RoomKind::Direct => Vec::new(),
    };
    let chosen: HashSet<UserId> = chosen.into_iter().collect();
    if matches!(subject, Subject::ReadOnly(_)) {
        people.retain(|person| chosen.contains(&person.id));
    }
    let choices = people
        .into_iter()
        .map(|person| {
            // The creator of a room is always a member.
            let is_creator = subject == Subject::New && person.id == current.user.id;
            let fixed = is_creator || matches!(subject, Subject::ReadOnly(_));
            Choice { checked: is_creator || chosen.contains(&person.id), fixed, person }
        })
        .collect();
    let message_count = match (subject, &member) {
        (Subject::Existing(_), Some(member)) => ops::rooms::count_messages(app, member).await?,
        _ => 0,
    };
    let is_closed_now = member.is_some_and(|member| member.room.kind == RoomKind::Closed);
    let may_see_hooks = current.user.role == Role::Administrator;
    let title = if subject == Subject::New { "New room" } else { "Room settings" };
    let props = RoomFormProps { subject, kind, is_closed_now, choices, message_count, may_see_hooks, state };
    Ok(render::plain(status, title, || RoomForm(props)))
}
