//! Extractors whose values are permissions: a signed-in user, an administrator, a member of a room.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use campfire::access::{Administrator, CurrentUser, LiveSession, Member, masked};
use campfire::model::{MessageId, RoomId};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use super::store::Session;
use crate::http::errors::{self, PageError};
use crate::http::path::{self, InPath};
use crate::http::{forwarded, urls, user_agent};

/// Maximum age of a session's stored last activity before it is refreshed, in milliseconds: 1 hour.
const REFRESH_INTERVAL_MS: i64 = 60 * 60 * 1_000;

/// A user with a live session. Without one, GET redirects to the sign-in page, and other methods are refused.
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
        // Several extractors of one request need the user.
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(Some(found.clone()));
        }
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Ok(None) };
        let Some(token_hash) = session.token_hash() else { return Ok(None) };
        let state = AppState::from_ref(state);
        let Some(seen) = state.sessions.find(token_hash).await? else { return Ok(None) };
        let visitor = Visitor::of(parts);
        if is_refresh_due(&seen, state.clock.now_ms()) {
            session.refresh(&state, seen.current.user.id, &visitor).await?;
        } else {
            session.rename();
        }
        if !is_read(&parts.method)
            && let Err(error) = ops::sessions::note_network(&state, &seen.current, visitor.address).await
        {
            tracing::warn!(%error, "the network that a user writes from could not be noted");
        }
        let signed_in = Self(seen.current.clone());
        parts.extensions.insert(signed_in.clone());
        Ok(Some(signed_in))
    }
}

/// Whether a method is safe: it changes nothing (RFC 9110, section 9.2.1).
#[must_use]
pub fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the last activity of a session must be refreshed.
#[must_use]
pub fn is_refresh_due(seen: &LiveSession, now_ms: i64) -> bool {
    now_ms - seen.last_active_at > REFRESH_INTERVAL_MS
}

/// An administrator with a live session. Other users are refused.
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

/// A member of the room in the path, for requests other than pages: outsiders get 404.
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

/// A member of the room of the message in the path, for paths without the room: outsiders get 404.
#[derive(Clone, Debug)]
pub struct OfMessage {
    /// The user as a member of the message's room.
    pub member: Member,
    /// The message.
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

/// A member of the room in the path, for pages: outsiders are redirected home with the notice that the room does not
/// exist.
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

/// The membership in the room in the path, or the error why there is none. `Err` is the response without a session.
async fn member_of_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<AppResult<Member>, Response>
where
    AppState: FromRef<S>,
{
    let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
    let room_id = path::segment(parts, RoomId::NAME).await.map_err(|error| PageError(error).into_response())?;
    Ok(AppState::from_ref(state).members.find(&current.user, room_id).await)
}

/// The client of a request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Its address.
    pub address: IpAddr,
    /// Its user agent, truncated.
    pub user_agent: String,
}

impl Visitor {
    fn of(parts: &Parts) -> Self {
        Self { address: forwarded::client_address(parts), user_agent: user_agent::stored(&parts.headers) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// The client of a request to sign in or to join, whose address is not banned. Who is signed in has come in already.
#[derive(Clone, Debug)]
pub struct Admitted(pub Visitor);

impl<S: Send + Sync> FromRequestParts<S> for Admitted
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let visitor = Visitor::of(parts);
        if AppState::from_ref(state).bans.contains(visitor.address) {
            let found = <SignedIn as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await;
            if found.map_err(|error| error.into_response())?.is_none() {
                tracing::warn!(from = masked(visitor.address), "refused a sign-in: the address is banned");
                return Err(errors::banned());
            }
        }
        Ok(Self(visitor))
    }
}
