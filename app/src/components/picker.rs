//! The picker of boosts: the main part of its page, in a dialog over the room. One field narrows the emoji and boosts:
//! Enter chooses the first emoji, or, where none is called that, boosts with the words themselves. Without scripts, and
//! where this module cannot be fetched, the picker is that page.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use campfire::html::HtmlWriter;
use campfire::model::MAX_BOOST_CHARS;
use js_sys::futures::JsFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, Event, HtmlDialogElement, HtmlElement, HtmlInputElement, HtmlTemplateElement, KeyboardEvent, MouseEvent,
    Response, SubmitEvent,
};

use crate::browser;

/// How many of the last boosts are offered.
const MAX_RECENT: usize = 16;

/// Where the browser keeps the last boosts, as a JSON array, latest first.
const RECENT_KEY: &str = "campfire:recent-boosts";

/// How long nothing must be typed before the emoji are narrowed.
const PAUSE: Duration = Duration::from_millis(150);

/// A request to the picker.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Open it for a message.
    Open {
        /// The URL of its page.
        url: String,
        /// The id of the message's row.
        row_id: String,
    },
    /// Offer this boost, which was just given, among the last ones.
    Remember(String),
}

/// The open dialog.
struct Picker {
    dialog: HtmlDialogElement,
    /// The URL of its page.
    url: String,
    /// Counts what was asked of the server: an answer that another question has overtaken is dropped.
    turn: Cell<u32>,
    /// The emoji are not yet those for the text in the field.
    is_narrowing: Cell<bool>,
    /// Enter was pressed meanwhile.
    is_chosen: Cell<bool>,
}

/// Does what is asked.
pub fn ask(ask: Ask) {
    match ask {
        Ask::Remember(content) => remember(&content),
        Ask::Open { url, row_id } => spawn_local(async move {
            match fetch_part(&url, "#picker").await {
                Ok(Some(part)) => open(url, &part.outer_html(), &row_id),
                _ => drop(window().location().assign(&url)),
            }
        }),
    }
}

fn open(url: String, picker_html: &str, row_id: &str) {
    let Ok(Ok(dialog)) = document().create_element("dialog").map(JsCast::dyn_into::<HtmlDialogElement>) else { return };
    dialog.set_class_name("picker-dialog");
    let _ = dialog.set_attribute("aria-label", "Boost");
    let close = r#"<button class="button--icon picker-dialog__close" type="button" aria-label="Close" title="Close">×</button>"#;
    dialog.set_inner_html(&[close, picker_html].concat());
    if document().body().is_none_or(|body| body.append_child(&dialog).is_err()) {
        return;
    }
    let picker = Rc::new(Picker {
        dialog: dialog.clone(),
        url,
        turn: Cell::new(0),
        is_narrowing: Cell::new(false),
        is_chosen: Cell::new(false),
    });
    picker.show_recent();
    picker.show_text("");
    listen(&picker, row_id.to_owned());
    let _ = dialog.show_modal();
    // An on-screen keyboard would cover the emoji: there, the focus is not in the field.
    let field = picker.field().filter(|_| !browser::is_touch());
    let _ = match field {
        Some(field) => field.focus(),
        None => {
            dialog.set_tab_index(-1);
            dialog.focus()
        }
    };
}

fn listen(picker: &Rc<Picker>, row_id: String) {
    let dialog = picker.dialog.clone();
    let shown = Rc::clone(picker);
    browser::listen_forever(&dialog, "click", move |event: MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(target) = target else { return };
        // A click at the dialog itself, not at something in it, is one at its backdrop.
        if target == **shown.dialog || closest(&target, ".picker-dialog__close").is_some() {
            shown.dialog.close();
        } else if let Some(group) = closest(&target, "[data-group]") {
            event.prevent_default();
            shown.show_group(&group);
        }
    });
    let shown = Rc::clone(picker);
    browser::listen_forever(&dialog, "input", move |_: Event| shown.narrow());
    let shown = Rc::clone(picker);
    browser::listen_forever(&dialog, "keydown", move |event: KeyboardEvent| {
        if browser::is_composing(&event) {
            return;
        }
        let target = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        let is_in_field = target.is_some() && target == shown.field();
        match event.key().as_str() {
            // The browser's own Escape does not reach the dialog in WebKit while the focus is in a search field.
            "Escape" => shown.dialog.close(),
            "Enter" if is_in_field => shown.choose(),
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    });
    // boot.js sends the form.
    let shown = Rc::clone(picker);
    browser::listen_forever(&dialog, "submit", move |_: SubmitEvent| shown.dialog.close());
    let closed = dialog.clone();
    browser::listen_forever(&dialog, "close", move |_: Event| {
        closed.remove();
        let row = document().get_element_by_id(&row_id).and_then(|row| row.dyn_into::<HtmlElement>().ok());
        if let Some(row) = row {
            let _ = row.focus();
        }
    });
}

impl Picker {
    fn field(&self) -> Option<HtmlInputElement> {
        self.find("#boost-content")?.dyn_into().ok()
    }

    fn find(&self, selector: &str) -> Option<Element> {
        self.dialog.query_selector(selector).ok().flatten()
    }

    /// Puts the boosts that were given last into their form.
    fn show_recent(&self) {
        let Some(form) = self.find("#picker-recent") else { return };
        let mut html = HtmlWriter::new();
        for content in &recent() {
            html.markup(if is_words(content) { r#"<button class="picker__words" "# } else { "<button " });
            html.markup(r#"name="content" value=""#).text(content).markup(r#"">"#).text(content).markup("</button>");
        }
        form.set_inner_html(&html.into_string());
    }

    /// Shows what belongs to the text in the field: without one everything, with one the button that boosts with it.
    fn show_text(&self, text: &str) {
        if let Some(button) = self.find(".picker__own .button") {
            let is_boost = !text.is_empty() && text.chars().count() <= MAX_BOOST_CHARS;
            let _ = button.toggle_attribute_with_force("hidden", !is_boost);
            button.set_text_content(Some(&["Boost “", text, "”"].concat()));
        }
        let _ = self.dialog.class_list().toggle_with_force("picker-dialog--narrowed", !text.is_empty());
    }

    /// Shows the emoji that are called what is typed.
    fn narrow(self: &Rc<Self>) {
        let Some(field) = self.field() else { return };
        let text = field.value().trim().to_owned();
        self.show_text(&text);
        self.is_narrowing.set(true);
        self.is_chosen.set(false);
        let turn = self.next_turn();
        let picker = Rc::clone(self);
        spawn_local(async move {
            browser::sleep(PAUSE).await;
            if picker.turn.get() != turn {
                return;
            }
            let query = String::from(js_sys::encode_uri_component(&text));
            picker.fetch(turn, &[&picker.url, "?content=", &query].concat()).await;
            if picker.turn.get() == turn {
                picker.is_narrowing.set(false);
                if picker.is_chosen.get() {
                    picker.choose();
                }
            }
        });
    }

    /// Boosts with the first emoji that is called what is typed, or else with the text itself.
    fn choose(&self) {
        if self.is_narrowing.get() {
            return self.is_chosen.set(true);
        }
        if self.field().is_none_or(|field| field.value().trim().is_empty()) {
            return;
        }
        let emoji = self.find("#picker-found button");
        let button = emoji.or_else(|| self.find(".picker__own .button:not([hidden])"));
        if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
            button.click();
        }
    }

    fn show_group(self: &Rc<Self>, group: &Element) {
        if let Some(before) = self.find("[data-group][aria-current]") {
            let _ = before.remove_attribute("aria-current");
        }
        let _ = group.set_attribute("aria-current", "true");
        let Some(url) = group.get_attribute("href") else { return };
        let (turn, picker) = (self.next_turn(), Rc::clone(self));
        spawn_local(async move { picker.fetch(turn, &url).await });
    }

    fn next_turn(&self) -> u32 {
        self.turn.set(self.turn.get() + 1);
        self.turn.get()
    }

    /// Replaces the emoji by those of another page.
    async fn fetch(&self, turn: u32, url: &str) {
        let part = fetch_part(url, "#picker-found").await;
        if self.turn.get() != turn {
            return;
        }
        match (part, self.find("#picker-found")) {
            (Ok(Some(part)), Some(found)) => found.set_inner_html(&part.inner_html()),
            _ => browser::toast("The emoji could not be loaded. Try again."),
        }
    }
}

/// An element of the page at the URL. Scripts in the page do not run.
async fn fetch_part(url: &str, selector: &str) -> Result<Option<Element>, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(url)).await?.dyn_into()?;
    if !response.ok() {
        return Ok(None);
    }
    let html = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
    let template: HtmlTemplateElement = document().create_element("template")?.dyn_into()?;
    template.set_inner_html(&html);
    template.content().query_selector(selector)
}

fn closest(element: &Element, selector: &str) -> Option<Element> {
    element.closest(selector).ok().flatten()
}

fn remember(content: &str) {
    let recent = with_recent(recent(), content);
    if let (Some(storage), Ok(json)) = (browser::storage(), serde_json::to_string(&recent)) {
        let _ = storage.set_item(RECENT_KEY, &json);
    }
}

fn recent() -> Vec<String> {
    let stored = browser::storage().and_then(|storage| storage.get_item(RECENT_KEY).ok().flatten());
    stored.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default()
}

/// The list with this boost at its head, and each boost once.
fn with_recent(mut recent: Vec<String>, content: &str) -> Vec<String> {
    recent.retain(|other| other != content);
    recent.insert(0, content.to_owned());
    recent.truncate(MAX_RECENT);
    recent
}

/// Whether a boost is of words: its button is as wide as they are. Emoji are beyond the letters of Unicode's first plane.
fn is_words(content: &str) -> bool {
    content.chars().any(|character| {
        character.is_ascii_alphanumeric() || matches!(character, 'À'..='\u{1fff}' | '\u{3040}'..='\u{d7ff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_boosts_are_listed_once_each_and_latest_first() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        assert_eq!(with_recent(Vec::new(), "🔥"), ["🔥"]);
        assert_eq!(with_recent(list(&["🔥", "👍"]), "👍"), ["👍", "🔥"]);
        let many: Vec<_> = (0..20).map(|number| number.to_string()).collect();
        assert_eq!(with_recent(many, "x").len(), MAX_RECENT);
    }

    #[test]
    fn words_are_told_from_emoji() {
        for words in ["ok", "+1", "да", "ναι", "是"] {
            assert!(is_words(words), "{words}");
        }
        for emoji in ["🔥", "❤️", "👩‍🚀", "…"] {
            assert!(!is_words(emoji), "{emoji}");
        }
    }
}
