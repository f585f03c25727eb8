//! Previews of links: the form under a message that takes one away.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::model::paths;
use campfire::ops;
use campfire::state::AppState;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::Form;
use crate::session::OfMessage;

/// The form of the previews.
pub fn router() -> Router<Site> {
    Router::new().route("/messages/{message_id}/previews", get(shown).post(remove))
}

/// A reload after a refused form requests the form's URL with GET.
async fn shown(of_message: OfMessage) -> Redirect {
    Redirect::to(&message_path(&of_message))
}

/// Takes the preview of `link` away.
async fn remove(
    State(state): State<AppState>,
    of_message: OfMessage,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, PageError> {
    let OfMessage { member, message_id } = &of_message;
    ops::previews::remove(&state, member, *message_id, form.get("link").to_owned()).await?;
    if headers.contains_key("x-requested-with") {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Redirect::to(&message_path(&of_message)).into_response())
}

fn message_path(of_message: &OfMessage) -> String {
    paths::message(of_message.member.room.id, of_message.message_id)
}
