//! Errors as pages.

use app::pages::error::{Banned, BannedProps, Failure, FailureProps};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use campfire::AppError;

use super::render::{bare, plain};
use super::request_id::RequestId;

/// An error whose response is a page that describes it.
#[derive(Clone, Debug)]
pub struct PageError(pub AppError);

impl PageError {
    /// The response to a request without a valid `Host`.
    #[must_use]
    pub fn invalid_host() -> Response {
        let text = "The request does not name the host that it is meant for, or not exactly one (the Host header).";
        failure(StatusCode::BAD_REQUEST, "That cannot be taken", text.into())
    }

    /// The response to a request whose body arrives too slowly. Ends the connection.
    #[must_use]
    pub fn too_slow() -> Response {
        let text = "The form took too long to arrive. Go back and send it again.";
        let mut response = failure(StatusCode::REQUEST_TIMEOUT, "That took too long", text.into());
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }

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
            AppError::Invalid(_) | AppError::Malformed(_) => "That cannot be taken",
            AppError::TooLarge(_) => "That is too much",
            AppError::NoSpace(_) => "No room",
            AppError::Conflict(_) => "That is taken",
            AppError::TooManyTries(_) => "Too much at once",
            AppError::Unavailable(_) | AppError::Unreachable => "Not now",
            AppError::Internal => "Something went wrong",
        };
        let mut text = self.0.to_string();
        if self.0 == AppError::Internal
            && let Some(id) = RequestId::current()
        {
            text += &format!(" If it happens again, tell whoever runs this site: request {id}.");
        }
        let mut response = failure(status, title, text);
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

/// The response to a method that a path does not have. The router adds those that it has (`Allow`).
pub async fn method_not_allowed() -> Response {
    let text = "This address cannot be used in that way. Open it as a page, or go back and try again.";
    failure(StatusCode::METHOD_NOT_ALLOWED, "Not here", text.into())
}

/// The response to who wants to sign in or join from a banned address, with whom to write to, by name and address, if
/// somebody is shown.
pub fn banned(help: Option<(String, String)>) -> Response {
    bare(StatusCode::TOO_MANY_REQUESTS, "Not from here", || Banned(BannedProps { help }))
}

/// The response to an invalid or expired transfer link, the same for every reason: it must not tell which links exist.
pub fn invalid_transfer_link() -> Response {
    let text = "This sign-in link is no longer good: it works once, for four hours. Make a new one on a device where you are signed in, or ask an administrator.";
    failure(StatusCode::BAD_REQUEST, "The link does not work", text.into())
}
