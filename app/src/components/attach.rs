//! Attaching files to the message that is written: choosing, dropping and pasting them, and the tray that shows them.

use std::cell::RefCell;

use campfire::html::HtmlWriter;
use campfire::model::{RoomId, paths};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, DataTransfer, DragEvent, Event, File, FileList, HtmlInputElement, MouseEvent};

use super::icon::Icon;
use crate::browser;
use crate::uploads::{Destination, Uploads, Work};

/// The types that "Photos" offers. Not `image/*`: for a list, phones convert pictures of other formats to JPEG.
const PHOTOS: &str = "image/jpeg,image/png,image/gif,image/webp,video/mp4,video/quicktime,video/webm";

thread_local! {
    /// The pictures of a clipboard that also has text, which was pasted.
    static OFFERED: RefCell<Vec<File>> = const { RefCell::new(Vec::new()) };
}

/// Appends the controls that choose files, and the link to those of the room. Photos and other files are apart, because
/// phones have a picker for each. [`chosen`] handles their changes.
pub fn push_attach(html: &mut HtmlWriter, room_id: RoomId) {
    html.markup(
        r#"<details class="menu attach"><summary class="button--icon" aria-label="Attach files" title="Attach files">"#,
    );
    Icon::Clip.push(html);
    html.markup(r#"</summary><div class="menu__list attach__list"><label class="attach__choice">Photos "#);
    html.markup(r#"<input type="file" name="files" multiple accept=""#).markup(PHOTOS);
    html.markup(r#""></label><label class="attach__choice">Files <input type="file" name="files" multiple></label>"#);
    html.markup(r#"<a class="attach__choice" href=""#).text(&paths::room_files(room_id));
    html.markup(r#"">Files sent here</a></div></details>"#);
}

/// Takes the files that were chosen in a control of [`push_attach`].
pub fn chosen(event: &Event, uploads: Uploads, to: Destination) {
    let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
    uploads.add(to, input.files().map(list).unwrap_or_default());
    // The same file can be chosen again, after it was removed.
    input.set_value("");
    if let Some(menu) = browser::closest(event, "details") {
        let _ = menu.remove_attribute("open");
    }
    focus_field();
}

/// The overlay that marks the page as a drop target.
const DROP: &str = "<p>Drop files to attach them to your message</p>";

/// The prompt after a paste whose clipboard data has both a text and a picture of it.
const OFFER: &str = "The text was pasted. \
                     <button type=\"button\" class=\"button--quiet\" data-offer=\"\">Attach it as a picture</button> \
                     <button type=\"button\" class=\"button--quiet\">Dismiss</button>";

/// The files of the message that is written. Files that are dropped anywhere on the page, or pasted, are added; on an
/// installation without files, a toast says so.
#[component]
pub fn Tray(
    /// All files on their way.
    uploads: Uploads,
    /// Where the message is written.
    to: Destination,
    /// Whether messages can have files.
    takes_files: bool,
) -> impl IntoView {
    let tray = NodeRef::<html::Ul>::new();
    let is_dragging = RwSignal::new(false);
    let is_offered = RwSignal::new(false);
    Effect::new(move |_| {
        let has_files = !uploads.of_tray(to).is_empty();
        let Some(tray) = tray.get() else { return };
        if has_files || tray.first_element_child().is_some() {
            uploads.work(Work::ShowTray(to, tray.unchecked_into()));
        }
    });
    let add = move |files: Vec<File>| {
        if takes_files {
            uploads.add(to, files);
        } else {
            browser::toast("This Campfire keeps text only, so files cannot be sent here.");
        }
    };
    // One function for all of these events: a listener of each type would be more code for every browser.
    let transferred = move |event: Event| {
        let Some(data) = transfer(&event) else { return };
        match event.type_().as_str() {
            "dragover" => {
                event.prevent_default();
                is_dragging.set(takes_files);
            }
            "drop" => {
                is_dragging.set(false);
                event.prevent_default();
                add(data.files().map(list).unwrap_or_default());
                focus_field();
            }
            "paste" if browser::closest(&event, ".composer textarea").is_some() => {
                let files = data.files().map(list).unwrap_or_default();
                // Word processors and spreadsheets put a picture of the text beside it.
                let has_text = data.get_data("text/plain").is_ok_and(|text| !text.is_empty());
                if has_text && takes_files {
                    OFFERED.set(files);
                    is_offered.set(true);
                } else if !has_text {
                    event.prevent_default();
                    add(files);
                }
            }
            // Onto nothing: out of the window.
            "dragleave" if event.dyn_ref::<DragEvent>().is_some_and(|event| event.related_target().is_none()) => {
                is_dragging.set(false);
            }
            _ => {}
        }
    };
    if cfg!(feature = "hydrate") {
        let listeners =
            ["dragover", "dragleave", "drop", "paste"].map(|name| window_event_listener_untyped(name, transferred));
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    }
    let answer_offer = move |event: MouseEvent| {
        let Some(button) = browser::closest(&event, "button") else { return };
        is_offered.set(false);
        if button.has_attribute("data-offer") {
            add(OFFERED.take());
            focus_field();
        }
    };
    view! {
        <div class="drop" hidden=move || is_dragging.try_get() != Some(true) inner_html=DROP></div>
        <p class="composer__offer" hidden=move || is_offered.try_get() != Some(true) on:click=answer_offer inner_html=OFFER></p>
        <ul class="tray" aria-label="Files of this message" node_ref=tray></ul>
    }
}

/// The files that an event drags, drops or pastes; `None` if there are none among its data.
fn transfer(event: &Event) -> Option<DataTransfer> {
    let data = match event.dyn_ref::<ClipboardEvent>() {
        Some(event) => event.clipboard_data(),
        None => event.dyn_ref::<DragEvent>()?.data_transfer(),
    };
    data.filter(|data| data.types().iter().any(|kind| kind == "Files"))
}

fn list(files: FileList) -> Vec<File> {
    (0..files.length()).filter_map(|index| files.get(index)).collect()
}

fn focus_field() {
    let field = document().query_selector(".composer textarea").ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}
