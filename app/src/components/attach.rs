//! Attaching files to the message that is written: choosing, dropping and pasting them, and the tray that shows them.

use std::cell::RefCell;

use campfire::model::RoomId;
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, Event, File, FileList, HtmlInputElement};

use super::icon::Icon;
use crate::browser;
use crate::uploads::{Uploads, Work};

/// The types that "Photos" offers. Not `image/*`: for a list, phones convert pictures of other formats to JPEG.
const PHOTOS: &str = "image/jpeg,image/png,image/gif,image/webp,video/mp4,video/quicktime,video/webm";

thread_local! {
    /// The pictures of a clipboard that also has text, which was pasted.
    static OFFERED: RefCell<Vec<File>> = const { RefCell::new(Vec::new()) };
}

/// The controls that choose files. Photos and other files are apart, because phones have a picker for each.
#[component]
pub fn Attach(
    /// All files on their way.
    uploads: Uploads,
    /// The room of the message.
    room_id: RoomId,
) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let chosen = move |event: Event| {
        let input: HtmlInputElement = event_target(&event);
        uploads.add(room_id, input.files().map(list).unwrap_or_default());
        // The same file can be chosen again, after it was removed.
        input.set_value("");
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
        focus_field();
    };
    view! {
        <details class="menu attach" node_ref=menu>
            <summary class="button--icon" aria-label="Attach files" title="Attach files">{Icon::Clip.view()}</summary>
            <div class="menu__list attach__list">
                <label class="attach__choice">
                    "Photos" <input type="file" name="files" multiple accept=PHOTOS on:change=chosen/>
                </label>
                <label class="attach__choice">"Files" <input type="file" name="files" multiple on:change=chosen/></label>
            </div>
        </details>
    }
}

/// The files of the message that is written. Files that are dropped anywhere on the page, or pasted, are added; on an
/// installation without files, a toast says so.
#[component]
pub fn Tray(
    /// All files on their way.
    uploads: Uploads,
    /// The room of the message.
    room_id: RoomId,
    /// Whether messages can have files.
    takes_files: bool,
) -> impl IntoView {
    let tray = NodeRef::<html::Ul>::new();
    let is_dragging = RwSignal::new(false);
    let is_offered = RwSignal::new(false);
    Effect::new(move |_| {
        let has_files = !uploads.of_tray(room_id).is_empty();
        let Some(tray) = tray.get() else { return };
        if has_files || tray.first_element_child().is_some() {
            uploads.work(Work::ShowTray(room_id, tray.unchecked_into()));
        }
    });
    let add = move |files: Vec<File>| {
        if takes_files {
            uploads.add(room_id, files);
        } else {
            browser::toast("This Campfire keeps text only, so files cannot be sent here.");
        }
    };
    if cfg!(feature = "hydrate") {
        let listeners = [
            window_event_listener(ev::dragover, move |event| {
                if event.data_transfer().is_some_and(|data| has_files(&data)) {
                    event.prevent_default();
                    is_dragging.set(takes_files);
                }
            }),
            window_event_listener(ev::dragleave, move |event| {
                // Onto nothing: out of the window.
                if event.related_target().is_none() {
                    is_dragging.set(false);
                }
            }),
            window_event_listener(ev::drop, move |event| {
                is_dragging.set(false);
                let Some(data) = event.data_transfer().filter(has_files) else { return };
                event.prevent_default();
                add(data.files().map(list).unwrap_or_default());
                focus_field();
            }),
            window_event_listener(ev::paste, move |event| {
                let Some(data) = event.clipboard_data().filter(has_files) else { return };
                let is_in_composer = event
                    .target()
                    .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                    .is_some_and(|target| target.matches(".composer textarea").unwrap_or(false));
                if !is_in_composer {
                    return;
                }
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
            }),
        ];
        on_cleanup(move || listeners.into_iter().for_each(|listener| listener.remove()));
    }
    let take_offer = move |_| {
        is_offered.set(false);
        add(OFFERED.take());
        focus_field();
    };
    view! {
        <div class="drop" hidden=move || !is_dragging.get()>
            <p>"Drop files to attach them to your message"</p>
        </div>
        <p class="composer__offer" hidden=move || !is_offered.get()>
            "The text was pasted. "
            <button type="button" class="button--quiet" on:click=take_offer>"Attach it as a picture"</button>
            <button type="button" class="button--quiet" on:click=move |_| is_offered.set(false)>"Dismiss"</button>
        </p>
        <ul class="tray" aria-label="Files of this message" node_ref=tray></ul>
    }
}

fn has_files(data: &DataTransfer) -> bool {
    data.types().iter().any(|kind| kind == "Files")
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
