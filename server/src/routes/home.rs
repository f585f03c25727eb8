//! `/` and `/rooms`, which redirect to a room.

use app::server::LastRoomName;
use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::model::{RoomId, paths};
use campfire::state::AppState;
use campfire::{AppError, ops};

use crate::Site;
use crate::http::cookies;
use crate::http::errors::PageError;
use crate::http::forwarded::Forwarded;
use crate::http::render::{self, LiveRequest};
use crate::session::SignedIn;

/// `GET /` and `GET /rooms`.
pub fn router() -> Router<Site> {
    Router::new().route("/", get(home)).route("/rooms", get(newest_room))
}

/// Redirects to the last room, or to the oldest one; shows the page without rooms if there is none.
async fn home(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let LastRoomName(name) = cookies::last_room(&forwarded.origin);
    let last: Option<RoomId> = cookies::values(&headers, &name).find_map(|value| value.parse().ok());
    let mut room_id = None;
    if let Some(last) = last {
        match site.state.members.find(&current, last).await {
            Ok(member) => room_id = Some(member.room.id),
            Err(AppError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if room_id.is_none() {
        room_id = ops::rooms::oldest(&site.state, &current).await?;
    }
    if let Some(room_id) = room_id {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(Redirect::to(&(paths::room(room_id) + &query)).into_response());
    }
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    let title = "Campfire".into();
    let request = LiveRequest { url, current, title, member: None, reads: false, headers, forwarded };
    Ok(render::live(&site, request).await?.response)
}

async fn newest_room(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Redirect, PageError> {
    let rooms = ops::rooms::list(&state, &current).await?;
    Ok(rooms.last().map_or_else(|| Redirect::to("/"), |(room_id, _)| Redirect::to(&paths::room(*room_id))))
}
