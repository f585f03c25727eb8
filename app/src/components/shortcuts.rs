//! The dialog that lists the keyboard shortcuts, with switches for single keys and for sounds.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlDialogElement, HtmlInputElement};

use crate::browser;

/// Keys, and what they do.
const SHORTCUTS: [(&str, &str); 15] = [
    ("Enter", "send"),
    ("Shift+Enter", "new line"),
    ("↑ in an empty field", "edit your last message"),
    ("Ctrl+B, I, E", "bold, italic, code"),
    ("Ctrl+K", "search, or link the selected text"),
    ("@", "mention somebody"),
    ("/play", "play a sound"),
    ("↑ ↓ Home End", "move among messages"),
    ("Enter on a message", "open its menu"),
    ("R, T, E, B, S on a message", "reply, answer in a thread, edit, boost, save for later"),
    ("G, then I", "go to your inbox; Esc marks all there as read"),
    ("G, then T", "your threads"),
    ("/", "search; > goes to a room or person"),
    ("Esc", "close, or go back to writing"),
    ("?", "this list"),
];

/// Settings of this browser that are on unless they are switched off: their names in the storage, and their labels.
const SWITCHES: [(&str, &str); 2] = [("keys", "Shortcuts of single keys"), ("sounds", "Play sounds as they come")];

/// Opens the dialog. It removes itself when it is closed.
pub fn show() {
    let Some(dialog) = dialog() else { return };
    dialog.set_class_name("keys");
    let _ = dialog.set_attribute("aria-label", "Keyboard shortcuts");
    dialog.set_inner_html(&content());
    let inputs = dialog.get_elements_by_tag_name("input");
    for input in (0..inputs.length()).filter_map(|index| inputs.item(index)?.dyn_into::<HtmlInputElement>().ok()) {
        let key = format!("campfire:{}", input.name());
        let stored = browser::storage().and_then(|storage| storage.get_item(&key).ok().flatten());
        input.set_checked(stored.as_deref() != Some("off"));
        let changed = input.clone();
        browser::listen_forever(&input, "change", move |_: Event| {
            if let Some(storage) = browser::storage() {
                let _ = storage.set_item(&key, if changed.checked() { "on" } else { "off" });
            }
        });
    }
    let closed = dialog.clone();
    browser::listen_forever(&dialog, "close", move |_: Event| closed.remove());
    if document().body().is_some_and(|body| body.append_child(&dialog).is_ok()) {
        let _ = dialog.show_modal();
    }
}

fn dialog() -> Option<HtmlDialogElement> {
    document().create_element("dialog").ok()?.dyn_into().ok()
}

/// The HTML of the dialog.
fn content() -> String {
    let mut html = "<h2>Keyboard shortcuts</h2><dl>".to_owned();
    for (keys, action) in SHORTCUTS {
        html += &["<div><dt><kbd>", keys, "</kbd></dt><dd>", action, "</dd></div>"].concat();
    }
    html += "</dl>";
    for (name, label) in SWITCHES {
        html += &["<label class=\"switch\"><input type=\"checkbox\" name=\"", name, "\"> ", label, "</label>"].concat();
    }
    html += "<form method=\"dialog\"><button class=\"button\">Close</button></form>";
    html
}
