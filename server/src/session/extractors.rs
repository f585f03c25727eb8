//! Extractors whose values are permissions: a signed-in user, an administrator, a member of a room.

use std::net::IpAddr;
use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use campfire::access::{Administrator, CurrentUser, LiveSession, Member, masked};
use campfire::model::{MessageId, RoomId};
use campfire::{AppError, AppResult, ops};

use super::store::Session;
use crate::Site;
use crate::http::admission::Admission;
use crate::http::errors::{self, PageError};
use crate::http::forwarded::Forwarded;
use crate::http::path::{self, InPath};
use crate::http::{urls, user_agent};

/// Maximum age of a session's stored last activity before it is refreshed, in milliseconds: 1 hour.
const REFRESH_INTERVAL_MS: i64 = 60 * 60 * 1_000;

/// A user with a live session. Without one, GET redirects to the sign-in page, and other methods are refused.
#[derive(Clone, Debug)]
pub struct SignedIn(pub CurrentUser);

impl FromRequestParts<Site> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        match <Self as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await? {
            Some(signed_in) => Ok(signed_in),
            None if parts.method == Method::GET => {
                let wanted = parts.uri.path_and_query().map_or("/", |uri| uri.as_str());
                Err(Redirect::to(&urls::sign_in_path(wanted)).into())
            }
            None => Err(AppError::SignedOut.into()),
        }
    }
}

impl OptionalFromRequestParts<Site> for SignedIn {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Option<Self>, PageError> {
        // Several extractors of one request need the user.
        if let Some(found) = parts.extensions.get::<Self>() {
            return Ok(Some(found.clone()));
        }
        let Some(session) = parts.extensions.get::<Session>().cloned() else { return Ok(None) };
        let Some(token_hash) = session.token_hash() else { return Ok(None) };
        let state = &site.state;
        let Some(seen) = state.sessions.find(token_hash).await? else { return Ok(None) };
        if let Some(admission) = parts.extensions.get::<Arc<Admission>>() {
            admission.claim(seen.current.user.id)?;
        }
        let visitor: Visitor = parts.extract().await?;
        let kept = if is_refresh_due(&seen, state.clock.now_ms()) {
            session.refresh(seen.current.user.id, &visitor).await
        } else {
            session.rename().await
        };
        // The session stays valid, so the request is served, even if nothing can be written now.
        if let Err(error) = kept {
            tracing::warn!(%error, "the activity of a session could not be stored");
        }
        if !is_read(&parts.method)
            && let Err(error) = ops::sessions::note_network(state, &seen.current, visitor.address).await
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

impl FromRequestParts<Site> for Administers {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        Ok(Self(Administrator::of(current_user(parts, site).await?)?))
    }
}

/// A member of the room in the path, for requests other than pages: outsiders get 404.
#[derive(Clone, Debug)]
pub struct Inside(pub Member);

impl FromRequestParts<Site> for Inside {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        Ok(Self(member_of_path(parts, site).await??))
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

impl FromRequestParts<Site> for OfMessage {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        let current = current_user(parts, site).await?;
        let message_id = path::segment(parts, MessageId::NAME).await?;
        let member = ops::messages::member_of_room_of(&site.state, &current, message_id).await?;
        Ok(Self { member, message_id })
    }
}

/// A member of the room in the path, for pages: outsiders are redirected home with the notice that the room does not
/// exist.
#[derive(Clone, Debug)]
pub struct InRoom(pub Member);

impl FromRequestParts<Site> for InRoom {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        match member_of_path(parts, site).await? {
            Ok(member) => Ok(Self(member)),
            Err(AppError::NotFound) => Err(urls::room_missing().into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// The user of the request, or the response without a session.
async fn current_user(parts: &mut Parts, site: &Site) -> Result<CurrentUser, Refusal> {
    let SignedIn(current) = <SignedIn as FromRequestParts<Site>>::from_request_parts(parts, site).await?;
    Ok(current)
}

/// The membership in the room in the path, or the error why there is none. `Refusal` is the response without a session.
async fn member_of_path(parts: &mut Parts, site: &Site) -> Result<AppResult<Member>, Refusal> {
    let current = current_user(parts, site).await?;
    let room_id = path::segment(parts, RoomId::NAME).await?;
    Ok(site.state.members.find(&current, room_id).await)
}

/// The response to a request that an extractor refuses: a page with the error, or a redirect.
#[derive(Debug)]
pub struct Refusal(Response);

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self(error.into_response())
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        PageError(error).into()
    }
}

impl From<Redirect> for Refusal {
    fn from(redirect: Redirect) -> Self {
        Self(redirect.into_response())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0
    }
}

/// The client of a request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Its address.
    pub address: IpAddr,
    /// Its user agent, truncated.
    pub user_agent: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let Forwarded { address, .. } = parts.extract().await?;
        Ok(Self { address, user_agent: user_agent::stored(&parts.headers) })
    }
}

/// The client of a request to sign in or to join, whose address is not banned. Who is signed in has come in already.
#[derive(Clone, Debug)]
pub struct Admitted(pub Visitor);

impl FromRequestParts<Site> for Admitted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Refusal> {
        let visitor: Visitor = parts.extract().await?;
        if site.state.bans.contains(visitor.address) {
            let found = <SignedIn as OptionalFromRequestParts<Site>>::from_request_parts(parts, site).await?;
            if found.is_none() {
                tracing::warn!(from = masked(visitor.address), "refused a sign-in: the address is banned");
                let help = ops::accounts::help_contact(&site.state).await?;
                return Err(Refusal(errors::banned(help)));
            }
        }
        Ok(Self(visitor))
    }
}
