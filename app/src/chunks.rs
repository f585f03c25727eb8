//! Split points: code that few visits use. It is compiled into WASM modules of their own, which the browser fetches at the
//! first call.
//!
//! Each function here is `async` to its callers, in spite of how it is declared. A module that cannot be fetched, because
//! the connection is down or the server has another build by now, is a [`ChunkError`]; a later call tries again. On the
//! server the functions are called directly.

#![allow(unsafe_code, reason = "the macro declares the imports and exports that link the modules")]

use campfire::model::paths;
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use web_sys::{Event, KeyboardEvent};

use crate::components::{finder, shortcuts};
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

/// Opens the list of keyboard shortcuts and the search panel whenever the page's scripts or keys ask for them, until the
/// page is unloaded. Called once, in the browser.
pub fn listen() {
    browser::listen_forever(&document(), names::page_event::SEARCH_WANTED, |_: Event| search());
    // The composer takes these keys where text is selected, to make a link of it.
    browser::listen_forever(&window(), "keydown", |event: KeyboardEvent| {
        let has_other_keys = event.shift_key() || event.alt_key() || event.default_prevented();
        if (event.ctrl_key() || event.meta_key()) && !has_other_keys && event.key().eq_ignore_ascii_case("k") {
            event.prevent_default();
            search();
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
