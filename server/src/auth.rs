//! Who is asking, from a request: extractors whose value is the permission.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts, OptionalFromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use campfire::auth::{CurrentUser, Member, SeenSession};
use campfire::model::{MessageId, Role, UserId};
use campfire::state::AppState;
use campfire::{AppError, AppResult, store};
use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;
use tower_sessions::Session;

use crate::page::{self, PageError};
use crate::session_store;

/// How old the note of the last visit may grow before it is renewed, in milliseconds: an hour.
const NOTED_EVERY_MS: i64 = 60 * 60 * 1_000;

/// The longest browser name that is kept, in characters.
const MAX_USER_AGENT_CHARS: usize = 255;

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
                Err(Redirect::to(&page::sign_in_path(wanted)).into_response())
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
        let Some(seen) = SeenSession::find(&state, session_store::token_hash(id)).await? else { return Ok(None) };
        if is_to_be_noted(&seen, state.clock.now_ms()) {
            session_store::refresh(&session, &client_address(parts).to_string(), &user_agent(&parts.headers)).await?;
        }
        let signed_in = Self(seen.current.clone());
        parts.extensions.insert(signed_in.clone());
        Ok(Some(signed_in))
    }
}

/// Whether it is time to note that the browser of a session is still there.
#[must_use]
pub fn is_to_be_noted(seen: &SeenSession, now_ms: i64) -> bool {
    now_ms - seen.last_active_at > NOTED_EVERY_MS
}

/// An administrator with a live session. Anybody else signed in is refused.
#[derive(Clone, Debug)]
pub struct Administrator(pub CurrentUser);

impl<S: Send + Sync> FromRequestParts<S> for Administrator
where
    AppState: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if current.user.role == Role::Administrator {
            Ok(Self(current))
        } else {
            Err(PageError(AppError::Forbidden).into_response())
        }
    }
}

/// A signed-in person in the room that the path names, for what is not a page: outsiders are told that nothing is here.
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
            let message_id = path_part(parts, "message_id").await?;
            let room_id = store::messages::find_room(state.db.reader(), message_id).await?.ok_or(AppError::NotFound)?;
            Ok(Self { member: Member::of(&state, &current.user, room_id).await?, message_id })
        };
        found.await.map_err(|error| PageError(error).into_response())
    }
}

/// The `user_id` of the path.
#[derive(Clone, Copy, Debug)]
pub struct OfUser(pub UserId);

impl<S: Send + Sync> FromRequestParts<S> for OfUser {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        Ok(Self(path_part(parts, "user_id").await?))
    }
}

/// A signed-in person in the room that the path names. Outsiders go home and are told that there is no such room.
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
            Err(AppError::NotFound) => Err(page::room_missing().into_response()),
            Err(error) => Err(PageError(error).into_response()),
        }
    }
}

/// The person in the room that the path names, or why not. Nobody without a session gets so far.
async fn member_of_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<AppResult<Member>, Response>
where
    AppState: FromRef<S>,
{
    let SignedIn(current) = <SignedIn as FromRequestParts<S>>::from_request_parts(parts, state).await?;
    let room_id = path_part(parts, "room_id").await.map_err(|error| PageError(error).into_response())?;
    Ok(Member::of(&AppState::from_ref(state), &current.user, room_id).await)
}

/// One part of the path, like the `room_id` of `/rooms/{room_id}`.
///
/// # Errors
/// `NotFound` when it is not what such a part looks like.
pub async fn path_part<T: FromStr<Err = AppError>>(parts: &mut Parts, name: &str) -> Result<T, AppError> {
    let path = <Path<HashMap<String, String>> as FromRequestParts<()>>::from_request_parts(parts, &()).await;
    let Path(path) = path.map_err(|_| AppError::NotFound)?;
    path.get(name).ok_or(AppError::NotFound)?.parse()
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
        Ok(Self { address: client_address(parts), user_agent: user_agent(&parts.headers) })
    }
}

/// The address of the browser: the nearest one in the chain of proxies that is not ours.
///
/// What a header says is believed only when the connection comes from this machine, where a proxy of ours may stand:
/// in an office everybody's address is a private one.
pub fn client_address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip().to_canonical());
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let chain: Vec<IpAddr> =
        forwarded.flat_map(|value| value.split(',')).filter_map(|address| address.trim().parse().ok()).collect();
    let mut nearest = peer;
    for address in chain.into_iter().rev() {
        if !nearest.is_loopback() {
            break;
        }
        nearest = address;
    }
    nearest
}

fn user_agent(headers: &HeaderMap) -> String {
    let name = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    name.chars().take(MAX_USER_AGENT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&'static str]) -> String {
        let mut request = axum::http::Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        client_address(&parts).to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_another_address() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.2", &["198.51.100.1"]), "10.0.0.2");
        assert_eq!(address("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn behind_a_proxy_of_ours_the_nearest_foreign_address_counts() {
        assert_eq!(address("127.0.0.1", &["192.0.2.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["198.51.100.1, 127.0.0.1"]), "198.51.100.1");
        assert_eq!(address("::1", &["192.0.2.7", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("127.0.0.1", &["nonsense"]), "127.0.0.1");
    }
}
