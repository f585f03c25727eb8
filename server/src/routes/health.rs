//! The health check.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use campfire::model::{paths, utc_timestamp};
use campfire::ops;
use campfire::state::AppState;
use serde::Serialize;

use crate::Site;

/// `GET /up`, for monitoring: 200 if all parts of the program run and the database can be read, 503 with the reason
/// otherwise. As JSON if that is asked for.
pub fn router() -> Router<Site> {
    Router::new().route(paths::UP, get(up))
}

/// The answer in JSON.
#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// When this was found, in UTC.
    timestamp: String,
}

async fn up(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let failure = match state.health.failure() {
        None => ops::accounts::find(&state).await.err().map(|error| {
            tracing::error!(%error, "the database does not answer");
            "The database does not answer."
        }),
        failed => failed,
    };
    let code = if failure.is_some() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    if wants_json(&headers) {
        let status = if failure.is_some() { "down" } else { "up" };
        let timestamp = utc_timestamp(state.clock.now_ms());
        return (code, Json(Health { status, reason: failure, timestamp })).into_response();
    }
    (code, format!("{}\n", failure.unwrap_or("up"))).into_response()
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|kind| {
        let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind);
        kind.trim().eq_ignore_ascii_case("application/json")
    })
}
