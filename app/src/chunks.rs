//! Split points: code that few visits use. It is compiled into WASM modules of their own, which the browser fetches at the
//! first call.
//!
//! Each function here is `async` to its callers, in spite of how it is declared. A module that cannot be fetched, because
//! the connection is down or the server has another build by now, is a [`ChunkError`]; a later call tries again. On the
//! server the functions are called directly.

#![allow(unsafe_code, reason = "the macro declares the imports and exports that link the modules")]

use campfire::model::{ClientUploadId, paths};
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use wasm_bindgen::JsCast;
use web_sys::{
    Element, Event, File, HtmlAnchorElement, HtmlElement, HtmlFormElement, HtmlInputElement, KeyboardEvent, MouseEvent,
    SubmitEvent,
};

use crate::components::picker::{self, Ask};
use crate::components::{finder, lightbox, shortcuts};
use crate::uploader::{engine, tray};
use crate::uploads::{Destination, Uploads, Work};
use crate::{browser, names, push_device};

/// A WASM module could not be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkError;

impl From<SplitLoaderError> for ChunkError {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// Opens the list of keyboard shortcuts.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(shortcuts, wasm_split_path = leptos::wasm_split, fallible)]
pub fn show_shortcuts() -> Result<(), ChunkError> {
    shortcuts::show();
    Ok(())
}

/// Opens the search panel.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(finder, wasm_split_path = leptos::wasm_split, fallible)]
pub fn show_finder() -> Result<(), ChunkError> {
    finder::show();
    Ok(())
}

/// Opens the search panel; the search page if it cannot be fetched.
pub fn search() {
    spawn_local(async {
        if show_finder().await.is_err() {
            let _ = window().location().assign(paths::SEARCHES);
        }
    });
}

/// Shows the picture that a link leads to over the page.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(lightbox, wasm_split_path = leptos::wasm_split, fallible)]
pub fn show_picture(link: Element) -> Result<(), ChunkError> {
    lightbox::show(&link);
    Ok(())
}

/// Takes chosen files, and uploads whatever is not uploaded yet.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(uploader, wasm_split_path = leptos::wasm_split, fallible)]
pub fn upload(uploads: Uploads, chosen: Vec<(ClientUploadId, File)>) -> Result<(), ChunkError> {
    engine::start(uploads, chosen);
    Ok(())
}

/// Forgets the bytes of files.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(uploader, wasm_split_path = leptos::wasm_split, fallible)]
pub fn forget_files(ids: Vec<ClientUploadId>) -> Result<(), ChunkError> {
    engine::forget(ids);
    Ok(())
}

/// Shows the files of the message that is written there.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(uploader, wasm_split_path = leptos::wasm_split, fallible)]
pub fn show_tray(uploads: Uploads, to: Destination, tray: HtmlElement) -> Result<(), ChunkError> {
    tray::show(uploads, to, &tray);
    Ok(())
}

/// Does the work of files that are on their way, until the page is unloaded. `send_messages` is called when a message in the
/// outbox may go on. Called once, in the browser.
pub fn work_on(uploads: Uploads, send_messages: impl Fn() + 'static) {
    uploads.start(move |work| match work {
        Work::Upload(chosen) => spawn_local(async move {
            if upload(uploads, chosen).await.is_err() {
                uploads.give_up();
            }
        }),
        // If the module cannot be fetched, the bytes stay in the browser's database.
        Work::Forget(ids) => spawn_local(async move {
            let _ = forget_files(ids).await;
        }),
        // Without it, they were dropped above.
        Work::ShowTray(to, element) => spawn_local(async move {
            let _ = show_tray(uploads, to, element).await;
        }),
        Work::SendMessages => send_messages(),
    });
}

/// Opens the picker of boosts, or tells it of a boost.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(picker, wasm_split_path = leptos::wasm_split, fallible)]
pub fn ask_picker(ask: Ask) -> Result<(), ChunkError> {
    picker::ask(ask);
    Ok(())
}

/// Finds out whether this device gets notifications, and shows it.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(push_device, wasm_split_path = leptos::wasm_split, fallible)]
pub fn check_device() -> Result<(), ChunkError> {
    push_device::check();
    Ok(())
}

/// Calls the chunks whenever their controls are used, until the page is unloaded. Called once, in the browser.
pub fn listen() {
    browser::listen_forever(&document(), names::page_event::DEVICE_WANTED, |_: Event| {
        spawn_local(async {
            let _ = check_device().await;
        });
    });
    browser::listen_forever(&document(), names::page_event::SEARCH_WANTED, |_: Event| search());
    // The composer takes these keys where text is selected, to make a link of it.
    browser::listen_forever(&window(), "keydown", |event: KeyboardEvent| {
        let has_other_keys = event.shift_key() || event.alt_key() || event.default_prevented();
        if (event.ctrl_key() || event.meta_key()) && !has_other_keys && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            search();
        }
    });
    browser::listen_forever(&document(), "click", |event: MouseEvent| clicked(&event));
    browser::listen_forever(&document(), "submit", |event: SubmitEvent| {
        if let Some(content) = boost_of(&event) {
            spawn_local(async move {
                let _ = ask_picker(Ask::Remember(content)).await;
            });
        }
    });
    browser::listen_forever(&document(), names::page_event::SHORTCUTS_WANTED, |_: Event| {
        spawn_local(async {
            if show_shortcuts().await.is_err() {
                browser::toast("The list of shortcuts could not be loaded. Try again, or reload the page.");
            }
        });
    });
}

/// Opens what a link in the page opens there: the search panel, the picker of boosts, a picture. If its module cannot be
/// fetched, the link is followed.
fn clicked(event: &MouseEvent) {
    let link = browser::closest(event, "a:is([data-finder],[data-picker],[data-picture])");
    let Some(link) = link.filter(|_| browser::is_plain_click(event)) else { return };
    let Ok(link) = link.dyn_into::<HtmlAnchorElement>() else { return };
    event.prevent_default();
    if link.has_attribute("data-finder") {
        return search();
    }
    let is_picture = link.has_attribute("data-picture");
    if let Some(menu) = link.closest("details").ok().flatten().filter(|_| !is_picture) {
        let _ = menu.remove_attribute("open");
    }
    spawn_local(async move {
        let url = link.href();
        let opened = if is_picture {
            show_picture(link.into()).await
        } else {
            let row_id = link.closest(".message").ok().flatten().map(|row| row.id()).unwrap_or_default();
            ask_picker(Ask::Open { url: url.clone(), row_id }).await
        };
        if opened.is_err() {
            let _ = window().location().assign(&url);
        }
    });
}

/// The boost that a form gives, by its button or by its field.
fn boost_of(event: &SubmitEvent) -> Option<String> {
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    if !form.has_attribute(names::attribute::BOOSTS) {
        return None;
    }
    let button = event.submitter().filter(|button| button.has_attribute("name"));
    let content = match button {
        Some(button) if button.get_attribute("name")? == "content" => button.get_attribute("value")?,
        Some(_) => return None,
        None => form.query_selector("[name=content]").ok()??.dyn_into::<HtmlInputElement>().ok()?.value(),
    };
    Some(content.trim().to_owned()).filter(|content| !content.is_empty())
}
