//! Session transfers, and QR codes of links.

use app::pages::transfer::{Transfer, TransferProps};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use campfire::model::paths;
use campfire::state::AppState;
use campfire::{AppError, ops};
use fast_qr::QRBuilder;
use fast_qr::convert::Builder;
use fast_qr::convert::svg::SvgBuilder;

use super::entrance;
use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::path::PageQuery;
use crate::http::{errors, render, urls};
use crate::session::{Admitted, Session, SignedIn};

/// Maximum length of a text in a QR code, in bytes: longer than any link of the site, and limits the size of the image.
const MAX_QR_BYTES: usize = 1_000;

/// Transfers and QR codes.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/session/transfers/{id}", get(offer).post(post).put(accept))
        .route("/qr_code/{id}", get(qr_code))
}

/// The form that redeems a transfer link. It is the same for every id: the page does not tell whether one is valid.
async fn offer(signed_in: Option<SignedIn>, Path(id): Path<String>) -> Response {
    let signed_in_as = signed_in.map(|SignedIn(current)| current.user.name);
    let path = paths::transfer(&urls::encode_segment(&id));
    render::bare(StatusCode::OK, "Sign in", || Transfer(TransferProps { path, signed_in_as }))
}

async fn post(
    state: State<AppState>,
    session: Session,
    visitor: Admitted,
    id: Path<String>,
    query: PageQuery,
    form: Form,
) -> Result<Response, PageError> {
    match form.verb() {
        Verb::Put => accept(state, session, visitor, id, query).await,
        Verb::Post | Verb::Delete => Err(AppError::NotFound.into()),
    }
}

async fn accept(
    State(state): State<AppState>,
    session: Session,
    Admitted(visitor): Admitted,
    Path(id): Path<String>,
    axum::extract::Query(query): PageQuery,
) -> Result<Response, PageError> {
    let wanted = urls::own_path(query.get("return_to").map_or("/", String::as_str)).to_owned();
    let Some(found) = ops::transfers::redeem(&state, &id, visitor.address).await? else {
        return Ok(errors::invalid_transfer_link());
    };
    // Who was locked out comes to the field for a new password first.
    let wanted = match &*wanted {
        "/" if found.allows_new_password() => format!("{}#password", paths::OWN_PROFILE),
        _ => wanted,
    };
    match entrance::sign_in(&state, &session, found, &visitor, &wanted).await {
        // Used or ended in this moment.
        Err(AppError::SignedOut) => Ok(errors::invalid_transfer_link()),
        begun => Ok(begun?),
    }
}

/// The QR code of the text that the id encodes in base64. Stateless, so no session is required and the response is
/// immutable.
async fn qr_code(Path(id): Path<String>) -> Result<Response, PageError> {
    let decoded = URL_SAFE_NO_PAD.decode(&id).or_else(|_| URL_SAFE.decode(&id)).map_err(|_| AppError::NotFound)?;
    let text = String::from_utf8(decoded).ok().filter(|text| !text.is_empty() && text.len() <= MAX_QR_BYTES);
    let code = QRBuilder::new(text.ok_or(AppError::NotFound)?).build().map_err(|_| AppError::NotFound)?;
    let svg = SvgBuilder::default().margin(2).to_str(&code);
    let headers =
        [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((headers, svg).into_response())
}
