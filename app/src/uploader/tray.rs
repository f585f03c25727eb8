//! The tray: the files that are chosen for the message being written, above its text. Each shows a small picture, its name
//! and how far it is, and can be removed, moved and tried again.
//!
//! Elements are kept and changed in place, so that pictures do not flicker and a control keeps the focus while progress
//! moves.

use campfire::html::HtmlWriter;
use campfire::model::ClientUploadId;
use js_sys::{Promise, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, ImageBitmap, MouseEvent};

use super::engine;
use crate::browser;
use crate::uploads::{Destination, Upload, Uploads};

/// Width and height of a small picture, in pixels of the canvas: twice those on the page.
const PICTURE_PIXELS: u32 = 112;

/// The attribute with the id of a file.
const FILE: &str = "data-file";

/// Shows in `tray` the files of the message that is written there.
pub fn show(uploads: Uploads, to: Destination, tray: &HtmlElement) {
    if tray.get_attribute("data-shown").is_none() {
        let _ = tray.set_attribute("data-shown", "");
        browser::listen_forever(tray, "click", move |event: MouseEvent| clicked(uploads, &event));
    }
    let files = uploads
        .items
        .with_untracked(|items| items.iter().filter(|item| item.is_in_tray_of(to)).cloned().collect::<Vec<_>>());
    let shown = tray.children();
    for element in (0..shown.length()).rev().filter_map(|index| shown.item(index)) {
        let id = element.get_attribute(FILE).unwrap_or_default();
        if files.iter().all(|file| file.id.as_str() != id) {
            element.remove();
        }
    }
    for (position, file) in files.iter().enumerate() {
        let element = find(tray, &file.id).or_else(|| add(tray, file));
        let Some(element) = element else { continue };
        // Elements are moved only where the order has changed: a moved one loses the focus.
        let at = u32::try_from(position).unwrap_or(u32::MAX);
        let there = tray.children().item(at);
        if there.as_ref() != Some(&element) {
            let _ = tray.insert_before(&element, there.as_deref());
        }
        update(&element, file);
    }
}

fn find(tray: &HtmlElement, id: &ClientUploadId) -> Option<Element> {
    tray.query_selector(&["[", FILE, "=\"", id.as_str(), "\"]"].concat()).ok().flatten()
}

/// Adds the element of a file.
fn add(tray: &HtmlElement, file: &Upload) -> Option<Element> {
    let element = document().create_element("li").ok()?;
    let _ = element.set_attribute(FILE, file.id.as_str());
    element.set_class_name("tray__file");
    element.set_inner_html(&file_html(file));
    tray.append_child(&element).ok()?;
    let (id, canvas) = (file.id.clone(), element.query_selector("canvas").ok().flatten()?);
    spawn_local(async move {
        if let Some(file) = engine::file(&id).await
            && file.type_().starts_with("image/")
            && draw(&file, canvas.unchecked_ref()).await.is_some()
        {
            let _ = canvas.remove_attribute("hidden");
        }
    });
    Some(element)
}

fn file_html(file: &Upload) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<canvas class="tray__picture" width="112" height="112" hidden aria-hidden="true"></canvas>"#);
    html.markup(r#"<span class="tray__text"><bdi class="tray__name">"#).text(&file.name);
    html.markup(r#"</bdi><span class="tray__state" role="status"></span>"#);
    html.markup(r#"<progress max="100" aria-label="How much of the file has arrived"></progress></span>"#);
    html.markup(r#"<span class="tray__controls"><button type="button" data-tray="retry" hidden>Try again</button>"#);
    for (action, label, sign) in [("earlier", "Move to the front: ", "‹"), ("later", "Move to the back: ", "›")] {
        html.markup(r#"<button type="button" class="tray__move" data-tray=""#).markup(action);
        html.markup(r#"" aria-label=""#)
            .markup(label)
            .text(&file.name)
            .markup(r#"">"#)
            .markup(sign)
            .markup("</button>");
    }
    html.markup(r#"<button type="button" data-tray="remove" aria-label="Remove "#).text(&file.name);
    html.markup(r#"">×</button></span>"#);
    html.into_string()
}

fn update(element: &Element, file: &Upload) {
    let part = |selector: &str| element.query_selector(selector).ok().flatten();
    if let Some(state) = part(".tray__state") {
        let text = file.state_text();
        if state.text_content().as_deref() != Some(&text) {
            state.set_text_content(Some(&text));
        }
    }
    if let Some(progress) = part("progress") {
        let _ = progress.set_attribute("value", &file.percent().to_string());
        show_if(&progress, file.key.is_none() && file.failed.is_none());
    }
    if let Some(retry) = part("[data-tray=retry]") {
        show_if(&retry, file.failed.is_some());
    }
    let _ = element.class_list().toggle_with_force("tray__file--failed", file.failed.is_some());
}

fn show_if(element: &Element, is_shown: bool) {
    let _ = if is_shown { element.remove_attribute("hidden") } else { element.set_attribute("hidden", "") };
}

/// Draws a picture into a canvas, covering it. `None` for a format that the browser cannot show.
async fn draw(file: &web_sys::File, canvas: &HtmlCanvasElement) -> Option<()> {
    // `createImageBitmap` needs no URL, which the page's policy would have to allow.
    let create: js_sys::Function = Reflect::get(&window(), &"createImageBitmap".into()).ok()?.dyn_into().ok()?;
    let promise: Promise = create.call1(&window(), file).ok()?.dyn_into().ok()?;
    let bitmap: ImageBitmap = JsFuture::from(promise).await.ok()?.unchecked_into();
    let (width, height) = (f64::from(bitmap.width()), f64::from(bitmap.height()));
    let side = width.min(height);
    let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
    let pixels = f64::from(PICTURE_PIXELS);
    let (left, top) = ((width - side) / 2.0, (height - side) / 2.0);
    let drawn = context.draw_image_with_image_bitmap_and_sw_and_sh_and_dx_and_dy_and_dw_and_dh(
        &bitmap, left, top, side, side, 0.0, 0.0, pixels, pixels,
    );
    bitmap.close();
    drawn.ok()
}

fn clicked(uploads: Uploads, event: &MouseEvent) {
    let Some(control) = browser::closest(event, "[data-tray]") else { return };
    let Some(element) = control.closest(&["[", FILE, "]"].concat()).ok().flatten() else { return };
    let id = element.get_attribute(FILE).and_then(|id| id.parse::<ClientUploadId>().ok());
    let Some(id) = id else { return };
    match control.get_attribute("data-tray").as_deref() {
        Some("retry") => uploads.retry(&id),
        Some("remove") => {
            // The focus would be lost with the button.
            let next = element.next_element_sibling().or_else(|| element.previous_element_sibling());
            let next = next.and_then(|next| next.query_selector("[data-tray=remove]").ok().flatten());
            let field = || document().query_selector(".composer textarea").ok().flatten();
            if let Some(next) = next.or_else(field).and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
                let _ = next.focus();
            }
            uploads.forget(&[id]);
        }
        Some(direction) => {
            uploads.move_file(&id, direction == "later");
            if let Ok(control) = control.dyn_into::<HtmlElement>() {
                let _ = control.focus();
            }
        }
        None => {}
    }
}
