//! Uploading: one file after the other, in pieces, each from where the server says that the file stands.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use campfire::AppError;
use campfire::model::{ClientUploadId, FileKey, paths};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, Headers, RequestInit, Response};

use super::kept_files;
use crate::browser;
use crate::uploads::{Upload, Uploads, Work};

/// How many bytes are sent at once: 1 MiB.
const PIECE_BYTES: u64 = 1024 * 1024;

/// How long a piece may take before it is sent again: as long as it takes at 8 KiB a second.
const PIECE_TIMEOUT: Duration = Duration::from_secs(128);

/// The pause before the first retry, in milliseconds. It doubles with each further one.
const MIN_PAUSE_MS: u64 = 1_000;

/// Maximum pause between two retries, in milliseconds.
const MAX_PAUSE_MS: u64 = 15_000;

thread_local! {
    /// The files of this visit; those of an earlier one are read from the browser's database.
    static FILES: RefCell<HashMap<String, File>> = RefCell::default();
    /// Whether the task that uploads is running.
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Takes chosen files, and uploads whatever is not uploaded yet.
pub fn start(uploads: Uploads, chosen: Vec<(ClientUploadId, File)>) {
    for (id, file) in chosen {
        FILES.with_borrow_mut(|files| files.insert(id.as_str().to_owned(), file.clone()));
        spawn_local(async move {
            let _ = kept_files::keep(&id, &file).await;
        });
    }
    if IS_RUNNING.replace(true) {
        return;
    }
    spawn_local(async move {
        upload_all(uploads).await;
        IS_RUNNING.set(false);
    });
}

/// Forgets the bytes of files.
pub fn forget(ids: Vec<ClientUploadId>) {
    for id in ids {
        FILES.with_borrow_mut(|files| files.remove(id.as_str()));
        spawn_local(async move {
            let _ = kept_files::forget(&id).await;
        });
    }
}

/// A chosen file.
pub async fn file(id: &ClientUploadId) -> Option<File> {
    let known = FILES.with_borrow(|files| files.get(id.as_str()).cloned());
    match known {
        Some(file) => Some(file),
        None => {
            let file = kept_files::find(id).await?;
            FILES.with_borrow_mut(|files| files.insert(id.as_str().to_owned(), file.clone()));
            Some(file)
        }
    }
}

async fn upload_all(uploads: Uploads) {
    let mut pause_ms = MIN_PAUSE_MS;
    loop {
        let next = uploads
            .items
            .with_untracked(|items| items.iter().find(|item| item.key.is_none() && item.failed.is_none()).cloned());
        let Some(upload) = next else { return };
        match upload_one(uploads, &upload).await {
            Ok(key) => {
                pause_ms = MIN_PAUSE_MS;
                uploads.change(&upload.id, |item| item.key = Some(key));
                uploads.keep();
                uploads.work(Work::SendMessages);
            }
            Err(error) if error.is_transient() => {
                browser::sleep(Duration::from_millis(pause_ms)).await;
                pause_ms = (pause_ms * 2).min(MAX_PAUSE_MS);
            }
            Err(error) => {
                uploads.change(&upload.id, |item| item.failed = Some(error.to_string()));
                uploads.keep();
                uploads.work(Work::SendMessages);
            }
        }
    }
}

/// Uploads a file from where it stands.
async fn upload_one(uploads: Uploads, upload: &Upload) -> Result<FileKey, AppError> {
    let Some(file) = file(&upload.id).await else {
        return Err(AppError::Conflict("The browser has lost this file. Remove it and choose it again.".to_owned()));
    };
    let name = serde_json::to_string(&upload.name).map_err(|_| AppError::Internal)?;
    let (id, bytes) = (upload.id.as_str(), upload.bytes.to_string());
    let description = ["{\"client_upload_id\":\"", id, "\",\"name\":", &name, ",\"size_bytes\":", &bytes, "}"].concat();
    let mut answer = request("POST", paths::UPLOADS, &description.into(), None).await?;
    let path = answer.location.clone().ok_or(AppError::Internal)?;
    let key = path.rsplit('/').next().unwrap_or_default().parse::<FileKey>()?;
    while !answer.is_complete {
        uploads.change(&upload.id, |item| item.sent_bytes = answer.offset);
        let is_wanted = uploads.items.with_untracked(|items| items.iter().any(|item| item.id == upload.id));
        if !is_wanted {
            let _ = request("DELETE", &path, &JsValue::UNDEFINED, None).await;
            return Err(AppError::NotFound);
        }
        let piece = slice(&file, answer.offset).ok_or(AppError::Internal)?;
        answer = request("PATCH", &path, &piece, Some(answer.offset)).await?;
    }
    Ok(key)
}

fn slice(file: &Blob, offset: u64) -> Option<JsValue> {
    let (begin, end) = (offset as f64, (offset + PIECE_BYTES) as f64);
    file.slice_with_f64_and_f64(begin, end.min(file.size())).ok().map(Into::into)
}

/// Where an upload stands, as a response says.
struct Standing {
    offset: u64,
    is_complete: bool,
    location: Option<String>,
}

async fn request(method: &str, path: &str, body: &JsValue, offset: Option<u64>) -> Result<Standing, AppError> {
    let unreachable = |_| AppError::Unreachable;
    let headers = Headers::new().map_err(unreachable)?;
    if let Some(offset) = offset {
        headers.set("upload-offset", &offset.to_string()).map_err(unreachable)?;
    } else if body.is_string() {
        headers.set("content-type", "application/json").map_err(unreachable)?;
    }
    let init = RequestInit::new();
    init.set_method(method);
    init.set_headers(&headers);
    if !body.is_undefined() {
        init.set_body(body);
    }
    let fetching = JsFuture::from(window().fetch_with_str_and_init(path, &init));
    let response = browser::timeout(PIECE_TIMEOUT, fetching).await.ok_or(AppError::Unreachable)?;
    let response: Response = response.map_err(unreachable)?.unchecked_into();
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let standing = Standing {
        offset: header("upload-offset").and_then(|offset| offset.parse().ok()).unwrap_or_default(),
        is_complete: header("upload-complete").as_deref() == Some("?1"),
        location: header("location"),
    };
    // Another tab has sent more, or a piece arrived whose response was lost: the response says where to go on.
    if response.ok() || (response.status() == 409 && header("upload-offset").is_some()) {
        return Ok(standing);
    }
    let text = match response.text() {
        Ok(text) => JsFuture::from(text).await.ok().and_then(|text| text.as_string()).unwrap_or_default(),
        Err(_) => String::new(),
    };
    let unknown = || if response.status() >= 500 { AppError::Unreachable } else { AppError::Internal };
    Err(serde_json::from_str(&text).unwrap_or_else(|_| unknown()))
}
