//! `GET /cable`: the server side of the live protocol, one WebSocket per tab.

mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use campfire::AppError;
use websocket::Handshake;

use crate::Site;
use crate::http::admission::Admission;
use crate::http::errors::PageError;
use crate::http::forwarded::Forwarded;
use crate::http::stream::Stream;
use crate::middleware::security;
use crate::session::SignedIn;

/// The route of the live protocol.
pub fn router() -> Router<Site> {
    Router::new().route("/cable", get(open))
}

async fn open(
    State(site): State<Site>,
    signed_in: Option<SignedIn>,
    forwarded: Forwarded,
    mut request: Request,
) -> Response {
    // Cross-site WebSocket hijacking: the same-origin policy does not apply to WebSockets, so browsers send the cookies with
    // sockets that other sites open. Every browser sends `Origin` with a handshake.
    if security::is_cross_site(request.headers(), &forwarded) {
        return PageError(AppError::Forbidden).into_response();
    }
    let Some(SignedIn(current)) = signed_in else { return PageError(AppError::SignedOut).into_response() };
    // The socket is one of its address until it is closed; how many a user may have is not counted in requests.
    let admission = request.extensions().get::<Arc<Admission>>().cloned();
    if let Some(admission) = &admission {
        admission.release_person();
    }
    match Handshake::from_request(&mut request) {
        Ok(handshake) => {
            let serve = move |socket| {
                let serving = session::serve(socket, site.state.clone(), current, site.closing.clone());
                async move {
                    serving.await;
                    drop(admission);
                }
            };
            handshake.accept::<Stream, _>(serve).into_response()
        }
        Err(refusal) => refusal.response().into_response(),
    }
}
