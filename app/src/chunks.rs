//! Split points: code that few visits use. It is compiled into WASM modules of their own, which the browser fetches at the
//! first call.
//!
//! Each function here is `async` to its callers, in spite of how it is declared. A module that cannot be fetched, because
//! the connection is down or the server has another build by now, is a [`ChunkError`]; a later call tries again. On the
//! server the functions are called directly.

#![allow(unsafe_code, reason = "the macro declares the imports and exports that link the modules")]

use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlAnchorElement, HtmlFormElement, HtmlInputElement, MouseEvent, SubmitEvent};

use crate::components::picker::{self, Ask};
use crate::components::shortcuts;
use crate::{browser, names};

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

/// Opens the picker of boosts, or tells it of a boost.
///
/// # Errors
/// [`ChunkError`] if the module that contains it cannot be fetched.
#[wasm_split(picker, wasm_split_path = leptos::wasm_split, fallible)]
pub fn ask_picker(ask: Ask) -> Result<(), ChunkError> {
    picker::ask(ask);
    Ok(())
}

/// Calls the chunks whenever their controls are used, until the page is unloaded. Called once, in the browser.
pub fn listen() {
    browser::listen_forever(&document(), "click", |event: MouseEvent| open_picker(&event));
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

/// Opens the picker for a click at its link. If it cannot be fetched, the link is followed.
fn open_picker(event: &MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let link = target.and_then(|target| target.closest("a[data-picker]").ok().flatten());
    let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else { return };
    if event.ctrl_key() || event.meta_key() {
        return;
    }
    event.prevent_default();
    if let Ok(Some(menu)) = link.closest("details") {
        let _ = menu.remove_attribute("open");
    }
    let row_id = link.closest(".message").ok().flatten().map(|row| row.id()).unwrap_or_default();
    let url = link.href();
    spawn_local(async move {
        if ask_picker(Ask::Open { url: url.clone(), row_id }).await.is_err() {
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
