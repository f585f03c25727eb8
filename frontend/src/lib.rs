//! Campfire in the browser: takes over the page that the server sent.

#![recursion_limit = "256"]
#![warn(missing_docs)]

use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page. Called once, by the page's own small script.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(app::App);
}
