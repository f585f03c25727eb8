//! How failures are answered to programs.

use axum::Json;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campfire::AppError;
use campfire::model::paths;
use serde::Serialize;

use crate::http::errors::retry_after;

/// The start of the paths that are for new programs alone.
const NEW_PATHS: &str = "/api/";

/// The style of the responses to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// An empty body, and a redirect to the sign-in page for a key that is not valid: what scripts of old expect.
    Bare,
    /// JSON, for requests that send or ask for it.
    Json,
}

impl Style {
    /// The style of the answers to a request.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        let is_new = parts.uri.path().starts_with(NEW_PATHS);
        let wants_json = accepts_json(&parts.headers) || is_json(&parts.headers);
        if is_new || wants_json { Self::Json } else { Self::Bare }
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains("json"))
}

/// Whether the body of a request is JSON by its content type.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type == "application/json" || media_type.ends_with("+json")
}

/// A failure, and how it is answered.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// The failure.
    pub error: AppError,
    /// The style of the response.
    pub style: Style,
}

/// A failure as JSON.
#[derive(Debug, Serialize)]
struct ErrorObject {
    /// A word for programs.
    error: &'static str,
    /// A sentence for people.
    message: String,
}

/// The word for programs.
const fn word(error: &AppError) -> &'static str {
    match error {
        AppError::SignedOut => "unauthorized",
        AppError::Forbidden => "forbidden",
        AppError::NotFound => "not_found",
        AppError::Invalid(_) => "invalid",
        AppError::Conflict(_) => "conflict",
        AppError::Malformed(_) => "malformed",
        AppError::TooLarge(_) => "too_large",
        AppError::NoSpace(_) => "no_space",
        AppError::TooManyTries(_) => "too_many_requests",
        AppError::Unavailable(_) | AppError::Unreachable => "unavailable",
        AppError::Internal => "internal",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { error, style } = self;
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match (style, &error) {
            (Style::Bare, AppError::SignedOut) => {
                (StatusCode::FOUND, [(header::LOCATION, paths::SIGN_IN)]).into_response()
            }
            (Style::Bare, _) => status.into_response(),
            (Style::Json, _) => {
                let message = match &error {
                    AppError::SignedOut => "The key of the bot is not valid.".to_owned(),
                    other => other.to_string(),
                };
                (status, Json(ErrorObject { error: word(&error), message })).into_response()
            }
        };
        if style == Style::Json && error == AppError::SignedOut {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, axum::http::HeaderValue::from_static("Bearer realm=\"Campfire\""));
        }
        retry_after(&mut response, &error);
        response
    }
}

/// Failures of operations, answered in a style.
pub trait Styled<T> {
    /// The same result with the style of its answer.
    fn styled(self, style: Style) -> Result<T, ApiError>;
}

impl<T> Styled<T> for Result<T, AppError> {
    fn styled(self, style: Style) -> Result<T, ApiError> {
        self.map_err(|error| ApiError { error, style })
    }
}
