//! Whether the program can serve.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use campfire::ops;
use campfire::state::AppState;

use crate::Site;

/// `GET /up`, for whoever watches over the program.
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
