//! The endpoint of the server functions, which are typed calls from the browser.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use campfire::AppError;
use campfire::model::MAX_BODY_CHARS;
use campfire::state::AppState;
use leptos::prelude::provide_context;

use crate::Site;
use crate::http::cookies;
use crate::http::errors::{PageError, retry_after};
use crate::http::forwarded::Forwarded;
use crate::session::SignedIn;

/// Maximum size of a call, in bytes: that of the longest message, even if all its characters are beyond U+FFFF, escaped
/// in JSON (`\ud83d\ude00`) and percent-encoded in a form (`%5Cud83d%5Cude00`), with 16 KiB for the other arguments.
const MAX_CALL_BYTES: usize = MAX_BODY_CHARS * 16 + 16 * 1024;

/// Maximum size of an error in a response, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// The route of all server functions.
pub fn router() -> Router<Site> {
    Router::new().route("/api/{*function}", post(call)).layer(DefaultBodyLimit::max(MAX_CALL_BYTES))
}

/// Runs a server function as the user of the session.
async fn call(
    State(state): State<AppState>,
    signed_in: Result<Option<SignedIn>, PageError>,
    forwarded: Forwarded,
    request: Request,
) -> Response {
    let current = match signed_in {
        Ok(signed_in) => signed_in.map(|SignedIn(current)| current),
        Err(PageError(error)) => return call_failed(&error),
    };
    let last_room = cookies::last_room(&forwarded.origin);
    let context = move || {
        provide_context(last_room.clone());
        provide_context(state.clone());
        provide_context(current.clone());
    };
    let response = leptos_axum::handle_server_fns_with_context(context, request).await.into_response();
    with_status_of_error(response).await
}

/// Sets the status of the error in the body of a response with status 500. Invalid arguments fail before the function
/// runs and could set the status.
async fn with_status_of_error(response: Response) -> Response {
    if response.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, MAX_ERROR_BYTES).await.unwrap_or_default();
    let error = serde_json::from_slice(&body).unwrap_or(AppError::Internal);
    parts.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = Response::from_parts(parts, body.into());
    retry_after(&mut response, &error);
    response
}

/// The response of a server function to an error.
fn call_failed(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_string(error).unwrap_or_default();
    (status, [("serverfnerror", "error"), ("content-type", "application/json")], Body::from(body)).into_response()
}
