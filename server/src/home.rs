//! The way in: where `/` leads, and the first run before everything else.

use axum::Router;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::CookieJar;
use campfire::AppError;
use campfire::auth::Member;
use campfire::model::RoomId;
use campfire::state::AppState;
use campfire::store;

use crate::Site;
use crate::auth::SignedIn;
use crate::page::{self, LiveRequest, PageError};

/// `GET /` and `GET /rooms`.
pub fn router() -> Router<Site> {
    Router::new().route("/", get(home)).route("/rooms", get(newest_room))
}

/// Leads everybody to the first run until it is over.
pub async fn first_run_first(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/first_run" {
        return next.run(request).await;
    }
    match state.is_set_up().await {
        Ok(true) => next.run(request).await,
        Ok(false) if request.method() == Method::GET => Redirect::to("/first_run").into_response(),
        Ok(false) => PageError(AppError::SignedOut).into_response(),
        Err(error) => PageError(error).into_response(),
    }
}

async fn home(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    OriginalUri(uri): OriginalUri,
    cookies: CookieJar,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let last: Option<RoomId> = cookies.get(app::server::LAST_ROOM).and_then(|cookie| cookie.value().parse().ok());
    let mut room_id = None;
    if let Some(last) = last {
        match Member::of(&site.state, &current.user, last).await {
            Ok(member) => room_id = Some(member.room.id),
            Err(AppError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if room_id.is_none() {
        let oldest = store::rooms::oldest_of(site.state.db.reader(), current.user.id).await;
        room_id = oldest.map_err(AppError::from)?;
    }
    if let Some(room_id) = room_id {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        return Ok(Redirect::to(&format!("/rooms/{room_id}{query}")).into_response());
    }
    let url = uri.path_and_query().map_or("/", |url| url.as_str()).to_owned();
    Ok(page::live(&site, LiveRequest { url, current, title: "Campfire".into(), member: None, room_id: None, headers })
        .await?
        .response)
}

async fn newest_room(State(state): State<AppState>, SignedIn(current): SignedIn) -> Result<Redirect, PageError> {
    let rooms = store::memberships::list_rooms(state.db.reader(), current.user.id).await.map_err(AppError::from)?;
    Ok(rooms.last().map_or_else(|| Redirect::to("/"), |(room_id, _)| Redirect::to(&format!("/rooms/{room_id}"))))
}
