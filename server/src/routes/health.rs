//! The health check.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use campfire::ops;
use campfire::state::AppState;

use crate::Site;

/// `GET /up`, for monitoring: 200 if the database can be read, 503 otherwise.
pub fn router() -> Router<Site> {
    Router::new().route("/up", get(up))
}

async fn up(State(state): State<AppState>) -> (StatusCode, &'static str) {
    match ops::accounts::find(&state).await {
        Ok(_) => (StatusCode::OK, "up\n"),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer.\n")
        }
    }
}
