//! Pings, which are direct rooms.

use app::Notice;
use app::components::form::FormState;
use app::components::people::Choice;
use app::pages::ping::{NewPing, NewPingProps, PingSettings, PingSettingsProps};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::CurrentUser;
use campfire::error::FieldErrors;
use campfire::model::{RoomKind, UserId, paths};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::{render, urls};
use crate::session::{InRoom, SignedIn};

/// The pages and forms of direct rooms.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/directs", get(Redirect::to("/rooms/directs/new")).post(create))
        .route("/rooms/directs/new", get(new))
        .route("/rooms/directs/{room_id}", get(shown).post(change).delete(remove))
        .route("/rooms/directs/{room_id}/edit", get(settings))
}

async fn new(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    Ok(new_page(&state, StatusCode::OK, &current, &forwarded, &[], FieldErrors::default()).await?)
}

async fn create(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let chosen: AppResult<Vec<UserId>> = form.get_all("user_ids").map(str::parse).collect();
    let pinged = match chosen {
        Ok(user_ids) if user_ids.is_empty() => Err(AppError::invalid("user_ids", "Choose at least one person.")),
        Ok(user_ids) => ops::rooms::ping(&state, &current, user_ids).await,
        Err(_) => Err(AppError::invalid("user_ids", "Choose people from the list.")),
    };
    match pinged {
        Ok(room) => Ok(Redirect::to(&paths::room(room.id)).into_response()),
        Err(error) => {
            let refused = Refused::of(error)?;
            let chosen: Vec<UserId> = form.get_all("user_ids").filter_map(|id| id.parse().ok()).collect();
            Ok(refused
                .answer(new_page(&state, refused.status(), &current, &forwarded, &chosen, refused.errors()).await?))
        }
    }
}

async fn shown(InRoom(member): InRoom) -> Redirect {
    Redirect::to(&paths::room(member.room.id))
}

async fn settings(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    if member.room.kind != RoomKind::Direct {
        return Ok(urls::room_missing().into_response());
    }
    let people = ops::memberships::list_pinged(&state, &member).await?;
    let props = PingSettingsProps { room_id: member.room.id, name: member.room.name, people };
    Ok(render::plain(StatusCode::OK, "Ping", || PingSettings(props)))
}

/// A form submitted with POST, which carries the method.
async fn change(state: State<AppState>, member: InRoom, form: Form) -> Result<Response, PageError> {
    match form.verb() {
        Verb::Delete => remove(state, member).await,
        Verb::Post | Verb::Put => Err(AppError::NotFound.into()),
    }
}

async fn remove(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    match ops::rooms::remove_direct(&state, &member).await {
        Ok(()) => Ok(urls::with_notice("/", Notice::PingRemoved).into_response()),
        Err(AppError::NotFound) => Ok(urls::room_missing().into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn new_page(
    state: &AppState,
    status: StatusCode,
    current: &CurrentUser,
    forwarded: &Forwarded,
    chosen: &[UserId],
    errors: FieldErrors,
) -> AppResult<Response> {
    let people = ops::users::list(state, current).await?;
    let people = people
        .into_iter()
        .filter(|person| person.id != current.user.id)
        .map(|person| Choice { checked: chosen.contains(&person.id), fixed: false, person })
        .collect();
    let account = ops::accounts::find(state).await?.ok_or(AppError::NotFound)?;
    let join_url = [&*forwarded.origin, &paths::join(&account.join_code)].concat();
    let state = FormState { values: Vec::new(), errors };
    Ok(render::plain(status, "New ping", || NewPing(NewPingProps { people, join_url, state })))
}
