//! The viewer of pictures: the original over the page, with the room's other pictures one key away.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, Event, HtmlDialogElement, HtmlElement, KeyboardEvent, MouseEvent, Response};

use crate::browser;

/// The links that are pictures.
const PICTURES: &str = "a[data-picture]";

/// Shows the picture that a link leads to. The dialog removes itself when it is closed, and the focus returns to the link
/// of the picture that was shown last.
pub fn show(link: &Element) {
    let Ok(dialog) = document().create_element("dialog").map(JsCast::unchecked_into::<HtmlDialogElement>) else {
        return;
    };
    dialog.set_class_name("lightbox");
    dialog.set_inner_html(CONTENT);
    let shown = Rc::new(RefCell::new(link.clone()));
    fill(&dialog, link);
    let part = |selector: &str| dialog.query_selector(selector).ok().flatten();
    if let Some(share) = part("[data-view=share]")
        && !can_share()
    {
        let _ = share.set_attribute("hidden", "");
    }
    let (in_dialog, of_click) = (dialog.clone(), shown.clone());
    browser::listen_forever(&dialog, "click", move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let control = target.as_ref().and_then(|target| target.closest("[data-view]").ok().flatten());
        let action = control.and_then(|control| control.get_attribute("data-view"));
        match action.as_deref() {
            Some("close") => in_dialog.close(),
            Some("zoom") => zoom(&in_dialog),
            Some("previous") => go(&in_dialog, &of_click, false),
            Some("next") => go(&in_dialog, &of_click, true),
            Some("share") => share(&of_click.borrow()),
            Some(_) => {}
            // Beside the picture.
            None if target.is_some_and(|target| target.class_list().contains("lightbox__stage")) => in_dialog.close(),
            None => {}
        }
    });
    let (in_dialog, of_key) = (dialog.clone(), shown.clone());
    browser::listen_forever(&dialog, "keydown", move |event: KeyboardEvent| {
        let is_rtl =
            document().document_element().is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"));
        match event.key().as_str() {
            "ArrowLeft" => go(&in_dialog, &of_key, is_rtl),
            "ArrowRight" => go(&in_dialog, &of_key, !is_rtl),
            "+" | "-" | "z" => zoom(&in_dialog),
            _ => return,
        }
        event.prevent_default();
    });
    let closed = dialog.clone();
    browser::listen_forever(&dialog, "close", move |_: Event| {
        closed.remove();
        if let Some(link) = shown.borrow().dyn_ref::<HtmlElement>() {
            let _ = link.focus();
        }
    });
    if document().body().is_some_and(|body| body.append_child(&dialog).is_ok()) {
        let _ = dialog.show_modal();
    }
}

const CONTENT: &str = r#"<div class="lightbox__bar"><p class="lightbox__name"><bdi></bdi></p>
<button type="button" class="button--icon" data-view="zoom" aria-label="Zoom" title="Zoom" aria-pressed="false">⤢</button>
<button type="button" class="button--icon" data-view="share" aria-label="Share" title="Share">↗</button>
<a class="button--icon" data-view="download" download aria-label="Download" title="Download">↓</a>
<button type="button" class="button--icon" data-view="close" aria-label="Close" title="Close" autofocus>×</button></div>
<div class="lightbox__stage"><img alt="" data-view="zoom"></div>
<button type="button" class="lightbox__turn lightbox__turn--previous" data-view="previous" aria-label="Previous picture">‹</button>
<button type="button" class="lightbox__turn lightbox__turn--next" data-view="next" aria-label="Next picture">›</button>"#;

/// Shows a picture in the dialog.
fn fill(dialog: &HtmlDialogElement, link: &Element) {
    let part = |selector: &str| dialog.query_selector(selector).ok().flatten();
    let path = link.get_attribute("href").unwrap_or_default();
    let name = name_of(link);
    let _ = dialog.set_attribute("aria-label", &name);
    if let Some(text) = part("bdi") {
        text.set_text_content(Some(&name));
    }
    if let Some(picture) = part("img") {
        let _ = picture.set_attribute("src", &path);
        let _ = picture.set_attribute("alt", &name);
    }
    if let Some(download) = part("[data-view=download]") {
        let _ = download.set_attribute("href", &(path + "?download=1"));
    }
    set_zoomed(dialog, false);
    for (selector, is_next) in [("[data-view=previous]", false), ("[data-view=next]", true)] {
        if let Some(button) = part(selector) {
            let _ = button.toggle_attribute_with_force("hidden", neighbour(link, is_next).is_none());
        }
    }
}

/// The name of the picture that a link leads to.
fn name_of(link: &Element) -> String {
    let picture = link.query_selector("img").ok().flatten();
    picture.and_then(|picture| picture.get_attribute("alt")).or_else(|| link.text_content()).unwrap_or_default()
}

/// The picture before or after one, among those of the room that are loaded.
fn neighbour(link: &Element, is_next: bool) -> Option<Element> {
    let links = document().query_selector_all(PICTURES).ok()?;
    let at = (0..links.length()).find(|index| links.get(*index).is_some_and(|other| other.is_same_node(Some(link))))?;
    let other = if is_next { at + 1 } else { at.checked_sub(1)? };
    links.get(other)?.dyn_into().ok()
}

fn go(dialog: &HtmlDialogElement, shown: &RefCell<Element>, is_next: bool) {
    let Some(link) = neighbour(&shown.borrow(), is_next) else { return };
    fill(dialog, &link);
    link.scroll_into_view();
    *shown.borrow_mut() = link;
}

fn zoom(dialog: &HtmlDialogElement) {
    set_zoomed(dialog, !dialog.class_list().contains("lightbox--zoomed"));
}

fn set_zoomed(dialog: &HtmlDialogElement, is_zoomed: bool) {
    let _ = dialog.class_list().toggle_with_force("lightbox--zoomed", is_zoomed);
    if let Ok(Some(button)) = dialog.query_selector("button[data-view=zoom]") {
        let _ = button.set_attribute("aria-pressed", if is_zoomed { "true" } else { "false" });
    }
}

/// Whether the browser can hand files over to other programs.
fn can_share() -> bool {
    Reflect::get(&window().navigator(), &"canShare".into()).is_ok_and(|can_share| can_share.is_function())
}

/// Hands the picture over to another program of the reader's choice.
fn share(link: &Element) {
    let (path, name) = (link.get_attribute("href").unwrap_or_default(), name_of(link));
    spawn_local(async move {
        // Closed without a choice is an error, too.
        if share_file(&path, &name).await.is_err_and(|error| error.dyn_ref::<js_sys::Error>().is_none()) {
            browser::toast("The picture could not be shared.");
        }
    });
}

async fn share_file(path: &str, name: &str) -> Result<(), JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(path)).await?.unchecked_into();
    let blob = JsFuture::from(response.blob()?).await?;
    let options = Object::new();
    Reflect::set(&options, &"type".into(), &Reflect::get(&blob, &"type".into())?)?;
    let constructor: Function = Reflect::get(&window(), &"File".into())?.dyn_into()?;
    let file = Reflect::construct(&constructor, &Array::of3(&Array::of1(&blob), &name.into(), &options))?;
    let data = Object::new();
    Reflect::set(&data, &"files".into(), &Array::of1(&file))?;
    let navigator = window().navigator();
    let share: Function = Reflect::get(&navigator, &"share".into())?.dyn_into()?;
    let sharing: Promise = share.call1(&navigator, &data)?.dyn_into()?;
    JsFuture::from(sharing).await.map(drop)
}
