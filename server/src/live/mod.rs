//! `/cable`: the server's end of the live protocol.

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

/// The socket.
pub fn router() -> Router<Site> {
    Router::new().route("/cable", get(open))
}

async fn open(State(site): State<Site>, signed_in: Option<SignedIn>, mut request: Request) -> Response {
    // Browsers send cookies with the sockets of any site: the origin decides, and a browser always sends one.
    let headers = request.headers();
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| !security::is_own_origin(origin, headers));
    if foreign || security::is_cross_site(headers) {
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
