//! `GET /cable`: the server side of the live protocol, one WebSocket per tab.

mod session;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use campfire::AppError;
use websocket::Handshake;

use crate::Site;
use crate::http::errors::PageError;
use crate::middleware::security;
use crate::session::SignedIn;

/// The route of the live protocol.
pub fn router() -> Router<Site> {
    Router::new().route("/cable", get(open))
}

async fn open(State(site): State<Site>, signed_in: Option<SignedIn>, mut request: Request) -> Response {
    // Cross-site WebSocket hijacking: the same-origin policy does not apply to WebSockets, so browsers send the cookies with
    // sockets that other sites open. Every browser sends `Origin` with a handshake.
    let headers = request.headers();
    let is_foreign = headers.get(header::ORIGIN).is_some_and(|origin| !security::is_own_origin(origin, headers));
    if is_foreign || security::is_cross_site(headers) {
        return PageError(AppError::Forbidden).into_response();
    }
    let Some(SignedIn(current)) = signed_in else { return PageError(AppError::SignedOut).into_response() };
    match Handshake::from_request(&mut request) {
        Ok(handshake) => handshake
            .accept(move |socket| session::serve(socket, site.state.clone(), current, site.closing.clone()))
            .into_response(),
        Err(refusal) => refusal.response().into_response(),
    }
}
