//! The search panel: results while a search is typed, and after `>` rooms and people to go to.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use campfire::html::HtmlWriter;
use campfire::model::{UserId, fold_for_filter, paths};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    AbortController, Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent, RequestInit,
    RequestRedirect, UrlSearchParams,
};

use crate::{browser, frame, live};

/// How long nothing must be typed before a search is sent.
const PAUSE: Duration = Duration::from_millis(200);

/// How many rooms and people are offered at most.
const MAX_OFFERED: usize = 12;

/// The part of the search page that the panel shows.
const RESULTS: &str = "#search-results";

/// A person, as the list for completions has them.
#[derive(Deserialize)]
struct Offered {
    name: String,
    value: UserId,
}

/// The parts of an open panel.
struct Panel {
    dialog: HtmlDialogElement,
    field: HtmlInputElement,
    found: Element,
    /// Counts the changes of the field: what belongs to an earlier one is dropped.
    turn: Cell<u32>,
    /// Ends the request under way.
    request: Cell<Option<AbortController>>,
}

/// Opens the panel, or does nothing if a dialog is open. It removes itself when it is closed.
pub fn show() {
    if matches!(document().query_selector("dialog[open]"), Ok(Some(_))) {
        return;
    }
    let Some(panel) = panel() else { return };
    let panel = Rc::new(panel);
    let (typed, pressed, clicked, closed) = (panel.clone(), panel.clone(), panel.clone(), panel.clone());
    browser::listen_forever(&panel.field, "input", move |_: Event| typed.clone().changed());
    browser::listen_forever(&panel.dialog, "keydown", move |event: KeyboardEvent| pressed.key_pressed(&event));
    browser::listen_forever(&panel.dialog, "click", move |event: Event| clicked.clicked(&event));
    let submitted = panel.dialog.clone();
    browser::listen_forever(&panel.dialog, "submit", move |_: Event| submitted.close());
    browser::listen_forever(&panel.dialog, "close", move |_: Event| {
        closed.next_turn();
        closed.dialog.remove();
    });
    if document().body().is_some_and(|body| body.append_child(&panel.dialog).is_ok()) {
        let _ = panel.dialog.show_modal();
        panel.changed();
    }
}

/// A panel that is not in the page yet.
fn panel() -> Option<Panel> {
    let dialog: HtmlDialogElement = document().create_element("dialog").ok()?.dyn_into().ok()?;
    dialog.set_class_name("finder");
    let _ = dialog.set_attribute("aria-label", "Search");
    let form = [
        "<form class=\"filter search\" method=\"post\" role=\"search\" action=\"",
        paths::SEARCHES,
        "\"><input name=\"q\" type=\"search\" required autofocus autocomplete=\"off\" aria-label=\"Search all your rooms\" \
         placeholder=\"Search, or > and a room or person\" data-completes=\"search\">\
         <button class=\"button button--plain\" type=\"button\" value=\"close\">Close</button></form>\
         <div class=\"finder__found\"></div>",
    ];
    dialog.set_inner_html(&form.concat());
    let field = dialog.query_selector("input").ok()??.dyn_into().ok()?;
    let found = dialog.query_selector(".finder__found").ok()??;
    Some(Panel { dialog, field, found, turn: Cell::new(0), request: Cell::new(None) })
}

impl Panel {
    fn next_turn(&self) -> u32 {
        self.turn.set(self.turn.get().wrapping_add(1));
        if let Some(request) = self.request.take() {
            request.abort();
        }
        self.turn.get()
    }

    /// Shows what belongs to the text in the field.
    fn changed(self: Rc<Self>) {
        let turn = self.next_turn();
        let asked = self.field.value().trim().to_owned();
        spawn_local(async move {
            if !asked.is_empty() {
                browser::sleep(PAUSE).await;
            }
            if self.turn.get() != turn {
                return;
            }
            let html = match asked.strip_prefix('>') {
                Some(name) => self.destinations(name.trim()).await,
                None => self.results(&asked).await,
            };
            if self.turn.get() == turn {
                let failed = "<p class=\"empty\" role=\"alert\">The search could not be loaded. Try again.</p>";
                self.found.set_inner_html(html.as_deref().unwrap_or(failed));
            }
        });
    }

    /// The results of a search; without one the help and the recent searches.
    async fn results(&self, asked: &str) -> Result<String, JsValue> {
        let url = if asked.is_empty() {
            paths::SEARCHES.to_owned()
        } else {
            let query = UrlSearchParams::new()?;
            query.append("q", asked);
            [paths::SEARCHES, "?", &String::from(query.to_string())].concat()
        };
        let (_, document_html) = frame::fetch(&url, None, Some(&self.signal()?)).await?;
        Ok(frame::part(&document_html, RESULTS).unwrap_or_default())
    }

    /// Rooms and people whose names contain this text, as links.
    async fn destinations(&self, name: &str) -> Result<String, JsValue> {
        let wanted = fold_for_filter(name);
        let mut found = live::rooms();
        found.retain(|(name, _)| fold_for_filter(name).contains(&wanted));
        if found.len() < MAX_OFFERED && !name.is_empty() {
            let query = UrlSearchParams::new()?;
            query.append("query", name);
            let url = [paths::PEOPLE, "?", &String::from(query.to_string())].concat();
            let (_, json) = frame::fetch(&url, None, Some(&self.signal()?)).await?;
            let people: Vec<Offered> = serde_json::from_str(&json).map_err(|_| JsValue::NULL)?;
            for Offered { name, value } in people {
                if found.iter().all(|(known, _)| *known != name) {
                    found.push((name, paths::user(value)));
                }
            }
        }
        let mut html = HtmlWriter::new();
        if found.is_empty() {
            html.markup("<p class=\"empty\" role=\"status\">No room and nobody is called that.</p>");
        }
        html.markup("<ul class=\"finder__list\">");
        for (name, path) in found.into_iter().take(MAX_OFFERED) {
            html.markup("<li><a href=\"").text(&path).markup("\"><bdi>").text(&name).markup("</bdi></a></li>");
        }
        html.markup("</ul>");
        Ok(html.into_string())
    }

    /// The signal that ends the next request when another one is sent.
    fn signal(&self) -> Result<web_sys::AbortSignal, JsValue> {
        let controller = AbortController::new()?;
        let signal = controller.signal();
        self.request.set(Some(controller));
        Ok(signal)
    }

    /// The arrows move between the field and the links; Enter in the field follows the first room or person.
    fn key_pressed(&self, event: &KeyboardEvent) {
        if event.default_prevented() || browser::is_composing(event) {
            return;
        }
        let links = self.links();
        let at = links.iter().position(|link| document().active_element().is_some_and(|active| active == **link));
        let next = match (event.key().as_str(), at) {
            ("ArrowDown", None) => links.first(),
            ("ArrowDown", Some(at)) => links.get(at + 1).or(links.last()),
            ("ArrowUp", Some(at)) if at > 0 => links.get(at - 1),
            ("ArrowUp", Some(_)) => Some(self.field.as_ref()),
            ("Enter", None) if self.field.value().trim_start().starts_with('>') => {
                event.prevent_default();
                if let Some(link) = links.first() {
                    link.click();
                }
                None
            }
            _ => None,
        };
        if let Some(next) = next {
            event.prevent_default();
            let _ = next.focus();
        }
    }

    fn links(&self) -> Vec<HtmlElement> {
        let Ok(links) = self.found.query_selector_all("a[href]") else { return Vec::new() };
        (0..links.length()).filter_map(|index| links.get(index)?.dyn_into().ok()).collect()
    }

    /// A link is followed by the navigation. A search that led to a message is remembered.
    fn clicked(&self, event: &Event) {
        let is_in = |selector: &str| browser::closest(event, selector).is_some();
        if is_in(".found__link") {
            self.remember();
        }
        // A click outside of the dialog is one on its backdrop.
        if is_in("a[href], button[value=close]") || !is_in("dialog > *") {
            self.dialog.close();
        }
    }

    fn remember(&self) {
        let Ok(fields) = UrlSearchParams::new() else { return };
        fields.append("q", self.field.value().trim());
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_redirect(RequestRedirect::Manual);
        init.set_body_opt_url_search_params(Some(&fields));
        let _ = window().fetch_with_str_and_init(paths::SEARCHES, &init);
    }
}
