//! Extractors whose value is the permission: who is asking, and inside which room.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use campfire::access::{Administrator, CurrentUser, LiveSession, Member};
use campfire::model::{MessageId, RoomId};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use tower_sessions::Session;

use super::store;
use crate::http::errors::PageError;
use crate::http::path::{self, InPath};
use crate::http::{forwarded, urls, user_agent};

/// How old a session's stored last activity may grow, in milliseconds: 1 hour.
const REFRESH_INTERVAL_MS: i64 = 60 * 60 * 1_000;

/// A person with a live session. Without one, a page leads to signing in, and anything else is refused.
#[derive(Clone, Debug)]
pub struct SignedIn(pub CurrentUser);

impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let found = <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await;
        match found.map_err(|error| error.into_response())? {
            Some(signed_in) => Ok(signed_in),
            None if parts.method == Method::GET => {
                let wanted = parts.uri.path_and_query().map_or("/", |uri| uri.as_str());
                Err(Redirect::to(&urls::sign_in_path(wanted)).into_response())
            }
            None => Err(PageError(AppError::SignedOut).into_response()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for SignedIn
where
    AppState: FromRef<S>,
{
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, PageError> {
        // Several extractors of one request ask the same.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(Some(known.clone()));
        }
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Ok(None) };
        let Some(id) = session.id() else { return Ok(None) };
        let state = AppState::from_ref(state);
        let Some(seen) = state.sessions.find(store::token_hash(id)).await? else { return Ok(None) };
        if is_refresh_due(&seen, state.clock.now_ms()) {
            store::refresh(
                &session,
                &forwarded::client_address(parts).to_string(),
                &user_agent::stored(&parts.headers),
            )
            .await?;
        }
        let signed_in = Self(seen.current.clone());
        parts.extensions.insert(signed_in.clone());
        Ok(Some(signed_in))
    }
}

/// Whether a session's last activity must be stored again.
#[must_use]
pub fn is_refresh_due(seen: &LiveSession, now_ms: i64) -> bool {
    now_ms - seen.last_active_at > REFRESH_INTERVAL_MS
}

/// An administrator with a live session. Anybody else signed in is refused.
#[derive(Clone, Debug)]
pub struct Administers(pub Administrator);

impl<S: Send + Sync> FromRequestParts<S> for Administers
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Administrator::of(current).map(Self).map_err(|error| PageError(error).into_response())
    }
}

/// A signed-in person in the room that the path names, for what is not a page: outsiders get 404.
#[derive(Clone, Debug)]
pub struct Inside(pub Member);

impl<S: Send + Sync> FromRequestParts<S> for Inside
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        Ok(Self(member_of_path(parts, state).await?.map_err(|error| PageError(error).into_response())?))
    }
}

/// A signed-in person and a message of one of their rooms, where the path names the message alone: for outsiders there
/// is no such message.
#[derive(Clone, Debug)]
pub struct OfMessage {
    pub member: Member,
    pub message_id: MessageId,
}

impl<S: Send + Sync> FromRequestParts<S> for OfMessage
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        let state = AppState::from_ref(state);
        let found = async {
            let message_id = path::segment(parts, MessageId::NAME).await?;
            let member = ops::messages::member_of_room_of(&state, &current, message_id).await?;
            Ok(Self { member, message_id })
        };
        found.await.map_err(|error| PageError(error).into_response())
    }
}

/// A signed-in person in the room that the path names. Outsiders are redirected home, where a notice says that there is no such room.
#[derive(Clone, Debug)]
pub struct InRoom(pub Member);

impl<S: Send + Sync> FromRequestParts<S> for InRoom
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match member_of_path(parts, state).await? {
            Ok(member) => Ok(Self(member)),
            Err(AppError::NotFound) => Err(urls::room_missing().into_response()),
            Err(error) => Err(PageError(error).into_response()),
        }
    }
}

/// The membership in the room that the path names, or why there is none. `Err` without a session.
async fn member_of_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<AppResult<Member>, Response>
where
    AppState: FromRef<S>,
{
    let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
    let room_id = path::segment(parts, RoomId::NAME).await.map_err(|error| PageError(error).into_response())?;
    Ok(AppState::from_ref(state).members.find(&current.user, room_id).await)
}

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub address: IpAddr,
    pub user_agent: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { address: forwarded::client_address(parts), user_agent: user_agent::stored(&parts.headers) })
    }
}
