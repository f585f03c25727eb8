//! Errors as pages.

use app::pages::error::{Failure, FailureProps};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use campfire::AppError;

use super::render::plain;

/// An error whose response is a page that describes it.
#[derive(Clone, Debug)]
pub struct PageError(pub AppError);

impl PageError {
    /// The response to a request that is larger than the limit.
    #[must_use]
    pub fn too_large() -> Response {
        failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            "That is too much",
            "That is more than is taken at once. Go back, shorten it, or send it in parts: a message has at most 32,000 \
             characters."
                .into(),
        )
    }
}

impl From<AppError> for PageError {
    fn from(error: AppError) -> Self {
        Self(error)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = match self.0 {
            AppError::SignedOut => "You are signed out",
            AppError::Forbidden => "Not allowed",
            AppError::NotFound => "Nothing here",
            AppError::Invalid(_) => "That cannot be taken",
            AppError::Conflict(_) => "That is taken",
            AppError::TooManyTries(_) => "Too much at once",
            AppError::Unavailable(_) | AppError::Unreachable => "Not now",
            AppError::Internal => "Something went wrong",
        };
        let mut response = failure(status, title, self.0.to_string());
        retry_after(&mut response, &self.0);
        response
    }
}

/// Adds the header `Retry-After`, if the error has a time to wait.
pub fn retry_after(response: &mut Response, error: &AppError) {
    if let Some(seconds) = error.retry_after_s() {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
}

fn failure(status: StatusCode, title: &'static str, text: String) -> Response {
    plain(status, title, || Failure(FailureProps { title: title.to_owned(), text }))
}

/// The response for every path without a route.
pub async fn not_found() -> PageError {
    PageError(AppError::NotFound)
}

/// The response to who wants to sign in or join from a banned address.
pub fn banned() -> Response {
    let text =
        "Nobody can sign in or join from this internet address now. Use another network, or ask an administrator.";
    failure(StatusCode::TOO_MANY_REQUESTS, "Not from here", text.into())
}

/// The response to an invalid or expired transfer link, the same for every reason: it must not tell which links exist.
pub fn invalid_transfer_link() -> Response {
    let text = "This sign-in link is no longer good: it works once, for four hours. Make a new one on a device where you are signed in, or ask an administrator.";
    failure(StatusCode::BAD_REQUEST, "The link does not work", text.into())
}
