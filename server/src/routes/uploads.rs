//! Uploads that go on where they broke off, in the shape of the IETF's draft on resumable uploads.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use campfire::model::{ClientUploadId, FileKey, FileName, MAX_PIECE_BYTES, Upload, paths};
use campfire::ops::files::{self, UploadError};
use campfire::state::AppState;
use campfire::{AppError, AppResult};
use serde::Deserialize;

use crate::Site;
use crate::http::errors::retry_after;
use crate::http::path::PathId;
use crate::session::SignedIn;

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_COMPLETE: HeaderName = HeaderName::from_static("upload-complete");

/// The largest description of an upload, in bytes: a name may be escaped to six times its size.
const MAX_DESCRIPTION_BYTES: usize = 8 * 1024;

/// Beginning, continuing and removing uploads.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/uploads", post(create).layer(DefaultBodyLimit::max(MAX_DESCRIPTION_BYTES)))
        // HEAD comes as GET, and PATCH as PUT.
        .route("/uploads/{key}", get(show).put(append).delete(remove).layer(DefaultBodyLimit::disable()))
}

/// What an upload begins with.
#[derive(Debug, Deserialize)]
struct Description {
    client_upload_id: ClientUploadId,
    name: FileName,
    size_bytes: u64,
}

async fn create(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    description: Result<Json<Description>, axum::extract::rejection::JsonRejection>,
) -> Response {
    let Ok(Json(Description { client_upload_id, name, size_bytes })) = description else {
        let words = "An upload begins with JSON: client_upload_id, name and size_bytes.";
        return refused(&AppError::Malformed(words.into()));
    };
    match files::begin(&state, &current, client_upload_id, name, size_bytes).await {
        Ok((upload, is_new)) => {
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            let mut response = (status, standing(&upload)).into_response();
            if let Ok(location) = HeaderValue::try_from(paths::upload(&upload.key)) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Err(error) => refused(&error),
    }
}

async fn show(State(state): State<AppState>, SignedIn(current): SignedIn, PathId(key): PathId<FileKey>) -> Response {
    match files::resume(&state, &current, &key).await {
        Ok(upload) => (StatusCode::NO_CONTENT, standing(&upload)).into_response(),
        Err(error) => refused(&error),
    }
}

async fn append(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    PathId(key): PathId<FileKey>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let offset = match piece_offset(&headers) {
        Ok(offset) => offset,
        Err(error) => return refused(&error),
    };
    match files::append(&state, &current, &key, offset, limited(body)).await {
        Ok(upload) => (StatusCode::NO_CONTENT, standing(&upload)).into_response(),
        Err(UploadError::WrongOffset(at)) => {
            let mut response = refused(&AppError::Conflict("The upload is at another offset.".into()));
            response.headers_mut().insert(UPLOAD_OFFSET, at.into());
            response
        }
        Err(UploadError::Other(error)) => refused(&error),
    }
}

async fn remove(State(state): State<AppState>, SignedIn(current): SignedIn, PathId(key): PathId<FileKey>) -> Response {
    match files::remove(&state, &current, &key).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error),
    }
}

/// Where a piece begins. A piece that says that it is too large is refused before it is read.
fn piece_offset(headers: &HeaderMap) -> AppResult<u64> {
    let number = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if number(&header::CONTENT_LENGTH).is_some_and(|bytes| bytes > MAX_PIECE_BYTES) {
        return Err(AppError::TooLarge("A piece of an upload has at most 8 MiB.".into()));
    }
    let missing = || AppError::Malformed("The header Upload-Offset says where the piece begins.".into());
    number(&UPLOAD_OFFSET).ok_or_else(missing)
}

/// The pieces of a body, which breaks off after [`MAX_PIECE_BYTES`].
fn limited(body: Body) -> impl futures::Stream<Item = Result<bytes::Bytes, axum::Error>> {
    let mut rest = MAX_PIECE_BYTES;
    futures::StreamExt::map(body.into_data_stream(), move |piece| {
        let piece = piece?;
        rest = rest.checked_sub(piece.len() as u64).ok_or_else(|| axum::Error::new("more than 8 MiB"))?;
        Ok(piece)
    })
}

/// The headers that tell where an upload stands.
fn standing(upload: &Upload) -> [(HeaderName, HeaderValue); 3] {
    let complete = HeaderValue::from_static(if upload.is_complete { "?1" } else { "?0" });
    [(UPLOAD_OFFSET, upload.offset.into()), (UPLOAD_LENGTH, upload.bytes.into()), (UPLOAD_COMPLETE, complete)]
}

/// An error for the script that uploads, as JSON like that of a server function.
fn refused(error: &AppError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(error)).into_response();
    retry_after(&mut response, error);
    response
}
