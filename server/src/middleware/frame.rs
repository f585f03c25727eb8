//! Puts the pages of forms into the frame: beside the sidebar, hydrated, with the live connection.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use campfire::AppResult;
use campfire::model::paths;

use crate::Site;
use crate::http::forwarded::Forwarded;
use crate::http::prefetch::is_fetched;
use crate::http::render::{self, Document, Framable};
use crate::session::Session;

/// Frames the page of the response if it is one of forms and somebody is signed in. The browser's navigation asks for the
/// page alone, and puts it into the frame that it has.
pub async fn provide(State(site): State<Site>, request: Request, next: Next) -> Response {
    let is_fetched = is_fetched(request.headers());
    let is_quiet = prefers_minimal(request.headers());
    let session = request.extensions().get::<Session>().cloned();
    let forwarded = request.extensions().get::<Forwarded>().cloned();
    let mut response = next.run(request).await;
    if is_quiet && is_success(&response) {
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::LOCATION);
    }
    let Some(page) = response.extensions_mut().remove::<Framable>() else { return response };
    let (Some(session), Some(forwarded), false) = (session, forwarded, is_fetched) else { return response };
    match document(&site, &session, &forwarded, page).await {
        Ok(Some(Document { html, policy })) => {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
            *response.body_mut() = html.into();
        }
        Ok(None) => {}
        // The page without the frame works as well.
        Err(error) => tracing::warn!(%error, "a page could not be framed"),
    }
    response
}

/// Whether the response to a form is to say no more than that it was accepted (RFC 7240, section 4.2).
fn prefers_minimal(headers: &HeaderMap) -> bool {
    headers.get("prefer").is_some_and(|value| value == "return=minimal")
}

/// Whether a form was accepted. Outsiders of a room get a redirect, too.
fn is_success(response: &Response) -> bool {
    let location = response.headers().get(header::LOCATION).map_or(&[][..], |location| location.as_bytes());
    let is_refusal = location.starts_with(b"/?") || location.starts_with(paths::SESSION.as_bytes());
    response.status() == StatusCode::SEE_OTHER && !is_refusal
}

/// The page in the frame of the session's user, as they are after the request was handled; `None` without a user.
async fn document(
    site: &Site,
    session: &Session,
    forwarded: &Forwarded,
    page: Framable,
) -> AppResult<Option<Document>> {
    let Some(token_hash) = session.token_hash() else { return Ok(None) };
    let Some(live) = site.state.sessions.find(token_hash).await? else { return Ok(None) };
    render::framed(site, live.current.clone(), forwarded, page).await.map(Some)
}
