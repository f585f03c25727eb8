//! Split points: code that few visits use. It is compiled into WASM modules of their own, which the browser fetches at the
//! first call.
//!
//! Each function here is `async` to its callers, in spite of how it is declared. A module that cannot be fetched, because
//! the connection is down or the server has another build by now, is a [`ChunkError`]; a later call tries again. On the
//! server the functions are called directly.

#![allow(unsafe_code, reason = "the macro declares the imports and exports that link the modules")]

use leptos::prelude::document;
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};
use web_sys::Event;

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

/// Opens the list of keyboard shortcuts whenever the page's scripts ask for it, until the page is unloaded. Called once,
/// in the browser.
pub fn listen() {
    browser::listen_forever(&document(), names::page_event::SHORTCUTS_WANTED, |_: Event| {
        spawn_local(async {
            if show_shortcuts().await.is_err() {
                browser::toast("The list of shortcuts could not be loaded. Try again, or reload the page.");
            }
        });
    });
}
