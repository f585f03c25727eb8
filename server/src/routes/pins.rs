//! The pins of a room: the list, and the forms that pin a message and take its pin away.

use app::pages::pins::{RoomPins, RoomPinsProps};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::Member;
use campfire::model::{MessageId, paths};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::path::PathId;
use crate::http::render;
use crate::session::InRoom;

/// The list and the forms.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/rooms/{room_id}/pins", get(show))
        .route("/rooms/{room_id}/messages/{message_id}/pin", get(reload).post(change).delete(unpin))
}

async fn show(State(state): State<AppState>, InRoom(member): InRoom) -> Result<Response, PageError> {
    Ok(page(&state, &member, StatusCode::OK, None).await?)
}

async fn page(state: &AppState, member: &Member, status: StatusCode, problem: Option<String>) -> AppResult<Response> {
    let pins = ops::pins::list(state, member).await?;
    let room_name = member.room.name.clone();
    let props = RoomPinsProps { room_id: member.room.id, room_name, pins, problem };
    Ok(render::plain(status, "Pins", || RoomPins(props)))
}

/// A reload after a refused form requests the form's URL with GET.
async fn reload(InRoom(member): InRoom) -> Redirect {
    Redirect::to(&paths::pins(member.room.id))
}

async fn change(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let changed = match form.verb() {
        Verb::Delete => ops::pins::unpin(&state, &member, message_id).await,
        Verb::Put | Verb::Post => ops::pins::pin(&state, &member, message_id).await,
    };
    match changed {
        Ok(()) if form.get("back") == "pins" => Ok(Redirect::to(&paths::pins(member.room.id)).into_response()),
        Ok(()) => Ok(Redirect::to(&paths::message(member.room.id, message_id)).into_response()),
        // Shown by the script that sent the form.
        Err(AppError::Conflict(reason)) if headers.contains_key("x-requested-with") => {
            Ok((StatusCode::CONFLICT, reason).into_response())
        }
        Err(AppError::Conflict(reason)) => Ok(page(&state, &member, StatusCode::CONFLICT, Some(reason)).await?),
        Err(error) => Err(error.into()),
    }
}

async fn unpin(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    PathId(message_id): PathId<MessageId>,
) -> Result<StatusCode, PageError> {
    ops::pins::unpin(&state, &member, message_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
