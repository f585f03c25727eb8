//! The bytes of chosen files, kept in the browser's database (IndexedDB) until they have arrived: a reload, or a closed
//! tab, does not end an upload.
//!
//! Where the browser keeps nothing (a private window, a full disk), uploads work until the page is left.

use campfire::model::ClientUploadId;
use futures::channel::oneshot;
use leptos::prelude::*;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, IdbDatabase, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransactionMode};

const DATABASE: &str = "campfire";
const FILES: &str = "files";

/// Keeps a file.
pub async fn keep(id: &ClientUploadId, file: &File) -> Option<()> {
    let store = store(IdbTransactionMode::Readwrite).await?;
    let request = store.put_with_key(file, &id.as_str().into()).ok()?;
    result(&request).await.map(drop)
}

/// A kept file.
pub async fn find(id: &ClientUploadId) -> Option<File> {
    let store = store(IdbTransactionMode::Readonly).await?;
    let request = store.get(&id.as_str().into()).ok()?;
    result(&request).await?.dyn_into().ok()
}

/// Forgets a file.
pub async fn forget(id: &ClientUploadId) -> Option<()> {
    let store = store(IdbTransactionMode::Readwrite).await?;
    let request = store.delete(&id.as_str().into()).ok()?;
    result(&request).await.map(drop)
}

/// The object store, in a transaction of its own.
async fn store(mode: IdbTransactionMode) -> Option<IdbObjectStore> {
    let database: IdbDatabase = open().await?.dyn_into().ok()?;
    database.transaction_with_str_and_mode(FILES, mode).ok()?.object_store(FILES).ok()
}

async fn open() -> Option<JsValue> {
    let request: IdbOpenDbRequest = window().indexed_db().ok()??.open_with_u32(DATABASE, 1).ok()?;
    let opening = request.clone();
    let create = Closure::once(move || {
        if let Ok(database) = opening.result() {
            let _ = database.unchecked_into::<IdbDatabase>().create_object_store(FILES);
        }
    });
    request.set_onupgradeneeded(Some(create.as_ref().unchecked_ref()));
    result(&request).await
}

/// The result of a request; `None` if it fails.
async fn result(request: &IdbRequest) -> Option<JsValue> {
    let (sender, receiver) = oneshot::channel();
    let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
    let answer = |is_success: bool| {
        let (sender, request) = (sender.clone(), request.clone());
        Closure::<dyn FnMut()>::new(move || {
            if let Some(sender) = sender.take() {
                let _ = sender.send(if is_success { request.result().ok() } else { None });
            }
        })
    };
    let (succeeded, failed) = (answer(true), answer(false));
    request.set_onsuccess(Some(succeeded.as_ref().unchecked_ref()));
    request.set_onerror(Some(failed.as_ref().unchecked_ref()));
    receiver.await.ok().flatten()
}
