//! Forms with files (RFC 7578), as browsers without scripts send them. Files are stored while they arrive.

use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use campfire::access::CurrentUser;
use campfire::model::{ClientUploadId, FileKey, FileName, MAX_FILES, RoomId};
use campfire::ops::files;
use campfire::{AppError, AppResult};
use sha2::{Digest, Sha256};

use super::body::BodyTooSlow;
use super::errors::PageError;
use super::form::Form;
use crate::{MAX_FORM_BYTES, Site};

/// Maximum number of parts of a form: its files and fields.
const MAX_PARTS: usize = 64;

/// Whether the body of a request is a form with files.
#[must_use]
pub fn is_multipart(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
    content_type.len() >= 19 && content_type[..19].eq_ignore_ascii_case(b"multipart/form-data")
}

/// Reads forms that may have files.
pub struct FilesForm;

impl FilesForm {
    /// Reads a form, and stores its files as uploads of the user. The result of the files is apart: with the fields, the
    /// page can say what was wrong and still has the text.
    ///
    /// # Errors
    /// The response to a form that cannot be read.
    pub async fn read(
        site: &Site,
        current: &CurrentUser,
        room_id: RoomId,
        request: Request,
    ) -> Result<(Form, AppResult<Vec<FileKey>>), Response> {
        if !is_multipart(request.headers()) {
            // The router's limit is off, for files.
            let (parts, body) = request.into_parts();
            let body = axum::body::Body::new(http_body_util::Limited::new(body, MAX_FORM_BYTES));
            let form = Form::from_request(Request::from_parts(parts, body), site).await?;
            return Ok((form, Ok(Vec::new())));
        }
        let multipart = Multipart::from_request(request, site).await.map_err(IntoResponse::into_response)?;
        read_parts(site, current, room_id, multipart).await
    }
}

async fn read_parts(
    site: &Site,
    current: &CurrentUser,
    room_id: RoomId,
    mut multipart: Multipart,
) -> Result<(Form, AppResult<Vec<FileKey>>), Response> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut keys = Vec::new();
    let mut failed = None;
    let mut field_bytes = 0;
    for _ in 0..MAX_PARTS {
        let Some(mut part) = multipart.next_part().await? else {
            return Ok((Form::new(fields), failed.map_or(Ok(keys), Err)));
        };
        let name = part.name().unwrap_or_default().to_owned();
        let Some(file_name) = part.file_name().map(str::to_owned) else {
            let mut value = Vec::new();
            while let Some(chunk) = part.chunk().await.map_err(|error| broken_off(&error))? {
                field_bytes += chunk.len();
                if field_bytes > MAX_FORM_BYTES {
                    return Err(PageError::too_large());
                }
                value.extend_from_slice(&chunk);
            }
            fields.push((name, String::from_utf8_lossy(&value).into_owned()));
            continue;
        };
        // A field of files without a choice is sent with an empty name.
        if file_name.is_empty() || failed.is_some() {
            continue;
        }
        if site.state.is_text_only() {
            failed = Some(AppError::invalid("files", "No files are taken here. Send the text alone."));
            continue;
        }
        if keys.len() == MAX_FILES {
            failed = Some(AppError::invalid("files", "A message has at most 10 files. Send the rest in another."));
            continue;
        }
        let id = client_upload_id(room_id, &fields, keys.len(), &file_name);
        match files::receive(&site.state, current, id, FileName::clean(&file_name), part).await {
            Ok(upload) => keys.push(upload.key),
            Err(error) => failed = Some(error),
        }
    }
    Err(PageError::too_large())
}

/// The id of a file's upload, derived from the form: a form that is submitted twice has the same files.
fn client_upload_id(room_id: RoomId, fields: &[(String, String)], position: usize, name: &str) -> ClientUploadId {
    let mut hasher = Sha256::new();
    hasher.update(room_id.0.to_be_bytes());
    for (name, value) in fields {
        hasher.update(name);
        hasher.update("\0");
        hasher.update(value);
        hasher.update("\0");
    }
    hasher.update(position.to_be_bytes());
    hasher.update(name);
    let digest: [u8; 32] = hasher.finalize().into();
    ClientUploadId::v7(0, std::array::from_fn(|at| digest[at]))
}

fn broken_off(error: &(dyn std::error::Error + 'static)) -> Response {
    if BodyTooSlow::caused(error) {
        return PageError::too_slow();
    }
    PageError(AppError::invalid("form", "The form did not arrive whole. Go back and send it again.")).into_response()
}

/// The next part, or the response to a form that breaks off.
trait NextPart {
    async fn next_part(&mut self) -> Result<Option<axum::extract::multipart::Field<'_>>, Response>;
}

impl NextPart for Multipart {
    async fn next_part(&mut self) -> Result<Option<axum::extract::multipart::Field<'_>>, Response> {
        self.next_field().await.map_err(|error| broken_off(&error))
    }
}
