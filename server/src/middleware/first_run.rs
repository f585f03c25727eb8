//! Redirects to the first run until the installation is set up.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use campfire::AppError;
use campfire::state::AppState;

use crate::http::errors::PageError;

/// Redirects all pages to the first run until the installation is set up, and refuses other requests.
pub async fn redirect(State(state): State<AppState>, request: Request, next: Next) -> Response {
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
