//! Rooms: the page of one, and the forms that make, change and remove them.

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
use campfire::auth::{CurrentUser, Member};
use campfire::error::FieldErrors;
use campfire::model::{MessageId, RoomKind, RoomName, UserId};
use campfire::ops::rooms::Audience;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops, store};

use crate::Site;
use crate::auth::{InRoom, Inside, SignedIn};
use crate::form::{Form, Verb};
use crate::page::{self, LiveRequest, PageError, PageQuery, Rendered};

/// The pages and forms of rooms.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/opens", get(missing).post(create_open))
        .route("/rooms/closeds", get(missing).post(create_closed))
        .route("/rooms/opens/new", get(new_open))
        .route("/rooms/closeds/new", get(new_closed))
        .route("/rooms/opens/{room_id}", get(shown).post(update_open).put(update_open))
        .route("/rooms/closeds/{room_id}", get(shown).post(update_closed).put(update_closed))
        .route("/rooms/opens/{room_id}/edit", get(edit_open))
        .route("/rooms/closeds/{room_id}/edit", get(edit_closed))
        .route("/rooms/{room_id}", get(show).post(change).delete(remove))
        .route("/rooms/{room_id}/involvement", get(involvement).post(set_involvement).put(set_involvement))
        .route("/rooms/{room_id}/membership", get(involvement).post(leave).delete(leave))
        .route("/rooms/{room_id}/{at}", get(show_at))
}

async fn show(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    let shows = if uri.query().is_some_and(|query| query.contains("before=")) { Shows::Older } else { Shows::Newest };
    room_page(&site, current, member, shows, url, headers).await
}

/// Which messages a page of a room shows: looking at the newest ones reads the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    Newest,
    Older,
}

/// `/rooms/4/@41`: the room around a message.
async fn show_at(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    InRoom(member): InRoom,
    Path(path): Path<HashMap<String, String>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let at = path.get("at").and_then(|at| at.strip_prefix('@')).ok_or(AppError::NotFound)?;
    let message_id: MessageId = at.parse()?;
    let found = store::messages::find_room(site.state.db.reader(), message_id).await.map_err(AppError::from)?;
    found.filter(|room_id| *room_id == member.room.id).ok_or(AppError::NotFound)?;
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    room_page(&site, current, member, Shows::Older, url, headers).await
}

async fn room_page(
    site: &Site,
    current: CurrentUser,
    member: Member,
    shows: Shows,
    url: String,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let title = member.room.name.clone();
    let (state, user, room_id) = (site.state.clone(), current.user.clone(), member.room.id);
    let in_view = (shows == Shows::Newest).then_some(room_id);
    let asked = LiveRequest { url, current, title, member: Some(member), room_id: in_view, headers };
    let Rendered { mut response, unread } = page::live(site, asked).await?;
    if let Some(newest) = unread {
        // What the page shows is read, also where no script says so. The page itself still says what was new; nobody
        // waits for the note of it.
        tokio::spawn(async move {
            if let Err(error) = ops::messages::mark_read(&state, &user, room_id, newest).await {
                tracing::warn!(%error, "a room could not be marked read");
            }
        });
    }
    let cookie = app::server::last_room_cookie(room_id);
    response.headers_mut().append(header::SET_COOKIE, cookie.parse().map_err(|_| AppError::Internal)?);
    Ok(response)
}

async fn missing(_: SignedIn) -> Redirect {
    page::room_missing()
}

async fn shown(InRoom(member): InRoom) -> Redirect {
    Redirect::to(&format!("/rooms/{}", member.room.id))
}

async fn new_open(state: State<AppState>, signed_in: SignedIn, query: PageQuery) -> Result<Response, PageError> {
    new(state, signed_in, query, RoomKind::Open).await
}

async fn new_closed(state: State<AppState>, signed_in: SignedIn, query: PageQuery) -> Result<Response, PageError> {
    new(state, signed_in, query, RoomKind::Closed).await
}

async fn new(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
    kind: RoomKind,
) -> Result<Response, PageError> {
    let account = store::accounts::find(state.db.reader()).await.map_err(AppError::from)?;
    if !current.user.may_make_rooms(account.is_some_and(|account| account.room_creation_restricted)) {
        return Err(AppError::Forbidden.into());
    }
    let name = query.get("name").cloned().unwrap_or_default();
    let form = page::fresh(vec![("name", name)]);
    let viewer_id = current.user.id;
    let asked = Asked { subject: Subject::New, kind, stands_closed: false, viewer_id };
    Ok(form_page(&state, StatusCode::OK, asked, vec![viewer_id], form).await?)
}

async fn create_open(state: State<AppState>, signed_in: SignedIn, form: Form) -> Result<Response, PageError> {
    create(state, signed_in, form, RoomKind::Open).await
}

async fn create_closed(state: State<AppState>, signed_in: SignedIn, form: Form) -> Result<Response, PageError> {
    create(state, signed_in, form, RoomKind::Closed).await
}

async fn create(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    form: Form,
    kind: RoomKind,
) -> Result<Response, PageError> {
    let viewer_id = current.user.id;
    let made = async {
        let (name, audience) = entered(&form, kind)?;
        ops::rooms::open(&state, &current.user, name, audience).await
    };
    match made.await {
        Ok(room) => Ok(Redirect::to(&format!("/rooms/{}", room.id)).into_response()),
        Err(error) => {
            let asked = Asked { subject: Subject::New, kind, stands_closed: false, viewer_id };
            Ok(refused(&state, error, asked, &form).await?)
        }
    }
}

async fn edit_open(state: State<AppState>, member: InRoom, query: PageQuery) -> Result<Response, PageError> {
    edit(state, member, query, RoomKind::Open).await
}

async fn edit_closed(state: State<AppState>, member: InRoom, query: PageQuery) -> Result<Response, PageError> {
    edit(state, member, query, RoomKind::Closed).await
}

/// The settings of a room, as if it were of this kind: saving makes it so.
async fn edit(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    Query(query): PageQuery,
    kind: RoomKind,
) -> Result<Response, PageError> {
    if member.room.kind == RoomKind::Direct {
        return Ok(page::room_missing().into_response());
    }
    let room_id = member.room.id;
    let people = store::memberships::list_people(state.db.reader(), room_id).await.map_err(AppError::from)?;
    let chosen = people.into_iter().map(|person| person.id).collect();
    let (subject, kind) = if member.may_administer_room() {
        (Subject::Existing(room_id), kind)
    } else {
        (Subject::ReadOnly(room_id), member.room.kind)
    };
    let stands_closed = member.room.kind == RoomKind::Closed;
    let name = query.get("name").filter(|name| !name.is_empty()).cloned().unwrap_or(member.room.name);
    let form = page::fresh(vec![("name", name)]);
    let asked = Asked { subject, kind, stands_closed, viewer_id: member.user.id };
    Ok(form_page(&state, StatusCode::OK, asked, chosen, form).await?)
}

async fn update_open(state: State<AppState>, member: InRoom, form: Form) -> Result<Response, PageError> {
    update(state, member, form, RoomKind::Open).await
}

async fn update_closed(state: State<AppState>, member: InRoom, form: Form) -> Result<Response, PageError> {
    update(state, member, form, RoomKind::Closed).await
}

async fn update(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    form: Form,
    kind: RoomKind,
) -> Result<Response, PageError> {
    if member.room.kind == RoomKind::Direct {
        return Ok(page::room_missing().into_response());
    }
    if !member.may_administer_room() {
        return Err(AppError::Forbidden.into());
    }
    let changed = async {
        let (name, audience) = entered(&form, kind)?;
        ops::rooms::change(&state, &member, name, audience).await
    };
    match changed.await {
        Ok(room) => Ok(Redirect::to(&format!("/rooms/{}", room.id)).into_response()),
        Err(error) => {
            let stands_closed = member.room.kind == RoomKind::Closed;
            let subject = Subject::Existing(member.room.id);
            let asked = Asked { subject, kind, stands_closed, viewer_id: member.user.id };
            Ok(refused(&state, error, asked, &form).await?)
        }
    }
}

/// A form can only say POST: this one removes, if it says so.
async fn change(state: State<AppState>, member: InRoom, form: Form) -> Result<Response, PageError> {
    match form.verb() {
        Verb::Delete => remove(state, member).await,
        Verb::Post | Verb::Put => Err(AppError::NotFound.into()),
    }
}

async fn remove(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    ops::rooms::remove(&state, &member).await?;
    Ok(page::go_and_say("/", Notice::RoomRemoved).into_response())
}

/// A reload after a form asks for the form's own address.
async fn involvement(Inside(member): Inside) -> Redirect {
    Redirect::to(&format!("/rooms/{}", member.room.id))
}

async fn set_involvement(
    State(state): State<AppState>,
    Inside(member): Inside,
    form: Form,
) -> Result<Redirect, PageError> {
    ops::rooms::set_involvement(&state, &member, form.get("involvement").parse()?).await?;
    let room = format!("/rooms/{}", member.room.id);
    Ok(Redirect::to(if form.has("return_to") { page::own_path(form.get("return_to")) } else { &room }))
}

async fn leave(State(state): State<AppState>, Inside(member): Inside) -> Result<Redirect, PageError> {
    ops::rooms::leave(&state, &member).await?;
    Ok(page::go_and_say("/", Notice::RoomLeft))
}

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

/// Which form is asked for, and by whom.
#[derive(Clone, Copy, Debug)]
struct Asked {
    subject: Subject,
    kind: RoomKind,
    /// Whether the room is a closed one now.
    stands_closed: bool,
    viewer_id: UserId,
}

/// The form again, with what was entered and the reason.
async fn refused(state: &AppState, error: AppError, asked: Asked, form: &Form) -> AppResult<Response> {
    let AppError::Invalid(errors) = error else { return Err(error) };
    let values = vec![("name", form.get("name").to_owned())];
    let chosen = form.get_all("user_ids").filter_map(|id| id.parse().ok()).collect();
    let entered = FormState { values, errors };
    form_page(state, StatusCode::UNPROCESSABLE_ENTITY, asked, chosen, entered).await
}

async fn form_page(
    app: &AppState,
    status: StatusCode,
    asked: Asked,
    chosen: Vec<UserId>,
    state: FormState,
) -> AppResult<Response> {
    let Asked { subject, kind, stands_closed, viewer_id } = asked;
    let mut people = match kind {
        RoomKind::Closed => store::users::list(app.db.reader()).await?,
        RoomKind::Open | RoomKind::Direct => Vec::new(),
    };
    let chosen: HashSet<UserId> = chosen.into_iter().collect();
    if matches!(subject, Subject::ReadOnly(_)) {
        people.retain(|person| chosen.contains(&person.id));
    }
    let choices = people
        .into_iter()
        .map(|person| {
            // Whoever makes a room is in it.
            let maker = subject == Subject::New && person.id == viewer_id;
            let fixed = maker || matches!(subject, Subject::ReadOnly(_));
            Choice { checked: maker || chosen.contains(&person.id), fixed, person }
        })
        .collect();
    let message_count = match subject {
        Subject::Existing(room_id) => store::messages::count(app.db.reader(), room_id).await?,
        Subject::New | Subject::ReadOnly(_) => 0,
    };
    let title = if subject == Subject::New { "New room" } else { "Room settings" };
    let props = RoomFormProps { subject, kind, stands_closed, choices, message_count, state };
    Ok(page::plain(status, title, || RoomForm(props)))
}
