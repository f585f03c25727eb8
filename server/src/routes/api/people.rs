//! The rooms and the users that a bot may see.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use campfire::model::{UserId, paths};
use campfire::ops::api;
use campfire::state::AppState;
use campfire::{AppError, AppResult};

use super::bot::{InRoom, Program};
use super::error::{ApiError, Styled};
use super::objects::{RoomObject, UserObject};
use crate::http::forwarded::Forwarded;
use crate::http::path::PageQuery;

/// The rooms of the bot.
pub async fn rooms(
    State(state): State<AppState>,
    program: Program,
    forwarded: Forwarded,
) -> Result<Json<Vec<RoomObject>>, ApiError> {
    let rooms = api::rooms(&state, &program.bot).await.styled(program.style)?;
    Ok(Json(rooms.into_iter().map(|room| RoomObject::new(&forwarded.origin, room)).collect()))
}

/// The active users of the account, by id.
pub async fn users(
    State(state): State<AppState>,
    program: Program,
    Query(query): PageQuery,
    forwarded: Forwarded,
) -> Result<Response, ApiError> {
    let listed: AppResult<_> = async {
        let after = after(&query)?;
        api::users_after(&state, &program.bot, None, after).await
    }
    .await;
    let (users, has_more) = listed.styled(program.style)?;
    Ok(page(&forwarded.origin, paths::API_USERS, users, has_more))
}

/// The active users of a room, by id.
pub async fn users_of_room(
    State(state): State<AppState>,
    InRoom { program, member }: InRoom,
    Query(query): PageQuery,
    forwarded: Forwarded,
) -> Result<Response, ApiError> {
    let listed: AppResult<_> = async {
        let after = after(&query)?;
        api::users_after(&state, &program.bot, Some(&member), after).await
    }
    .await;
    let (users, has_more) = listed.styled(program.style)?;
    Ok(page(&forwarded.origin, &paths::api_room_users(member.room.id), users, has_more))
}

/// The user after whom the page begins.
fn after(query: &HashMap<String, String>) -> AppResult<UserId> {
    match query.get("after") {
        None => Ok(UserId(0)),
        Some(after) => after.parse().map_err(|_| AppError::NotFound),
    }
}

/// A page of users, with the URL of the next one.
fn page(origin: &str, path: &str, users: Vec<api::ApiUser>, has_more: bool) -> Response {
    let last = users.last().filter(|_| has_more).map(|user| user.id);
    let users: Vec<_> = users.into_iter().map(|user| UserObject::new(origin, user)).collect();
    let mut response = Json(users).into_response();
    if let Some(last) = last
        && let Ok(link) = format!("<{origin}{path}?after={last}>; rel=\"next\"").parse()
    {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
