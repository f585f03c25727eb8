//! Client-side navigation between rooms and the pages of forms, with the behaviour of plain links and forms.
//!
//! To a room, the URL changes at the click and the page once the data of the new place has arrived. Code that needs the
//! room in view therefore reads it from the page (`data-room`, `data-place`, [`Page`](crate::live::Page)), never from
//! `location`. A page of forms is fetched first: if that fails, nothing has changed. The browser follows all other links
//! itself and loads a new document.

use campfire::model::{Anchor, MessageId, Place, RoomId, paths};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, FormData, HtmlAnchorElement, HtmlFormElement, MouseEvent, SubmitEvent, UrlSearchParams};

use crate::browser;
use crate::frame::{self, Answer, Frame};

/// Links that may be followed without loading a document.
const LINKS: &str = "a[href]:not([target],[download],[rel~=external])";

/// Forms that may be submitted without loading a document: those around the room. Password managers expect a document
/// after a password.
const FORMS: &str = ":is(.framed, .sidebar, .finder) form:not([target],[enctype],:has([type=password],[type=file]))";

/// The link back to where one came from.
const BACK: &str = "a[data-back]";

/// The place that the URL names, from the request or from the address bar. With a page in the frame: no room.
pub fn use_place() -> RwSignal<Place> {
    expect_context()
}

/// Provides the context of [`use_place`]: on the server the place of the request, which the handler provides.
pub fn provide_place(frame: Frame) -> RwSignal<Place> {
    let place_in_browser = || place_of_location().filter(|_| !frame.is_shown_now());
    let place = use_context::<Place>().or_else(place_in_browser).unwrap_or(Place::NoRoom);
    let place = RwSignal::new(place);
    provide_context(place);
    place
}

/// Gives the place that the page is at the thread that it has turned out to show: the link named an answer, and not the
/// root of its thread.
pub fn correct(place: RwSignal<Place>, room_id: RoomId, thread: Option<MessageId>) {
    let named = place.get_untracked();
    let Some(anchor) = named.anchor().filter(|_| named.room_id() == Some(room_id) && named.thread() != thread) else {
        return;
    };
    let anchor = match (anchor, named.thread()) {
        (Anchor::Newest, Some(answer_id)) => Anchor::Around(answer_id),
        _ => anchor,
    };
    let shown = Place::of(room_id, thread, anchor);
    replace(&shown.path());
    place.set(shown);
}

/// The navigation of a tab.
#[derive(Clone, Copy)]
struct Navigation {
    place: RwSignal<Place>,
    frame: Frame,
    /// Called for a click on a link to the place that the page is at.
    again: fn(Place),
    /// Counts the navigations: a page that arrives after another one was begun is dropped.
    turn: StoredValue<u32>,
    /// Path and query of the page in the frame.
    framed: StoredValue<String>,
}

/// How a navigation changes the history.
#[derive(Clone, Copy, PartialEq, Eq)]
enum History {
    Push,
    Keep,
}

/// Handles clicks on links, forms, and the browser's back and forward until the document is unloaded. Called once, in the
/// browser. `again` is called for a click on a link to the place that the page is at.
pub fn listen(place: RwSignal<Place>, frame: Frame, again: fn(Place)) {
    let framed = if frame.is_shown_now() { path_of_location() } else { String::new() };
    let (turn, framed) = (StoredValue::new(0), StoredValue::new(framed));
    let navigation = Navigation { place, frame, again, turn, framed };
    // On the window this runs after every other listener: one that prevented the default has handled the click.
    browser::listen_forever(&window(), "click", move |event: MouseEvent| navigation.clicked(&event));
    browser::listen_forever(&window(), "submit", move |event: SubmitEvent| navigation.submitted(&event));
    // Also fired when only the fragment changes, which is the same page.
    browser::listen_forever(&window(), "popstate", move |_: Event| navigation.gone());
}

impl Navigation {
    fn clicked(self, event: &MouseEvent) {
        let Some(link) = followed(event) else { return };
        let path = link.pathname() + &link.search();
        if link.matches(BACK).unwrap_or_default() && depth() > 0.0 {
            event.prevent_default();
            let _ = window().history().and_then(|history| history.back());
            return;
        }
        // The server handles URLs with other parameters, like a notice, and `/`, which redirects to the last room.
        let room = Place::parse(&path).filter(|place| place.room_id().is_some() && place.path() == path);
        if let Some(room) = room.filter(|_| link.hash().is_empty()) {
            event.prevent_default();
            self.go(room);
        } else if paths::is_framed(&link.pathname()) && !(link.hash().len() > 1 && path == path_of_location()) {
            event.prevent_default();
            self.load(path + &link.hash(), None, History::Push);
        }
    }

    /// Shows a room.
    fn go(self, room: Place) {
        self.next_turn();
        self.framed.set_value(String::new());
        if self.place.get_untracked() == room {
            (self.again)(room);
        } else {
            push(&room.path());
            self.place.set(room);
        }
    }

    fn submitted(self, event: &SubmitEvent) {
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form.filter(|form| !event.default_prevented() && form.matches(FORMS).unwrap_or_default())
        else {
            return;
        };
        // Not the property: a field may be named `action`.
        let action = form.get_attribute("action").unwrap_or_else(path_of_location);
        let submitter = event.submitter();
        let of_button = |name: &str| submitter.as_ref().and_then(|button| button.get_attribute(name));
        let action = of_button("formaction").unwrap_or(action);
        let Some(fields) = fields(&form, of_button("name"), of_button("value")) else { return };
        if action == paths::SESSION {
            return;
        }
        event.prevent_default();
        if form.get_attribute("method").as_deref() == Some("post") {
            self.load(action, Some((form, fields)), History::Push);
        } else {
            let (path, hash) = action.split_once('#').map_or((&*action, ""), |(path, hash)| (path, hash));
            let query = String::from(fields.to_string());
            self.load([path, "?", &query, "#", hash].concat(), None, History::Push);
        }
    }

    /// The browser has gone back or forward.
    fn gone(self) {
        let path = path_of_location();
        match Place::parse(&path) {
            Some(place) if place.room_id().is_some() || self.place.get_untracked() != place => {
                self.next_turn();
                self.framed.set_value(String::new());
                if self.place.get_untracked() != place {
                    self.place.set(place);
                }
            }
            Some(_) => {
                self.framed.set_value(String::new());
                self.frame.leave();
            }
            None if self.framed.with_value(|framed| *framed == path) => {}
            None if paths::is_framed(&path_only(&path)) => self.load(path, None, History::Keep),
            None => {
                let _ = window().location().reload();
            }
        }
    }

    /// Requests a page, or submits a form, and shows the answer.
    fn load(self, url: String, form: Option<(HtmlFormElement, UrlSearchParams)>, history: History) {
        if form.as_ref().is_some_and(|(form, _)| form.has_attribute("aria-busy")) {
            return;
        }
        let turn = self.next_turn();
        if let Some((form, _)) = &form {
            let _ = form.set_attribute("aria-busy", "true");
        }
        spawn_local(async move {
            let answer = frame::request(&url, form.as_ref().map(|(_, fields)| fields)).await;
            if let Some((form, _)) = &form {
                let _ = form.remove_attribute("aria-busy");
            }
            if self.turn.get_value() != turn {
                return;
            }
            match answer {
                Ok(answer) => self.show(answer, form.is_some(), history),
                Err(_) if history == History::Keep => {
                    let _ = window().location().reload();
                }
                Err(_) if form.is_some() => {
                    browser::toast("The server could not be reached, so nothing was saved. Try again.")
                }
                Err(_) => browser::toast("The page could not be loaded. Try again."),
            }
        });
    }

    fn show(self, answer: Answer, is_of_form: bool, history: History) {
        let Answer { url, is_redirected, html } = answer;
        let room = Place::parse(&url).filter(|place| place.room_id().is_some() && place.path() == url);
        match (html, room) {
            (Some(html), _) => {
                // A form that is shown again, with what was refused, has no address of its own. After one that was saved,
                // the way back leads to the page before it.
                let is_saved = is_of_form && is_redirected && path_only(&url) == path_only(&path_of_location());
                if is_saved {
                    replace(&url);
                } else if history == History::Push && (is_redirected || !is_of_form) && url != path_of_location() {
                    push(&url);
                }
                self.framed.set_value(path_of_location());
                self.frame.show(html);
                self.place.set(Place::NoRoom);
            }
            (None, Some(room)) => self.go(room),
            (None, None) => {
                let _ = window().location().assign(&url);
            }
        }
    }

    fn next_turn(self) -> u32 {
        self.turn.update_value(|turn| *turn = turn.wrapping_add(1));
        self.turn.get_value()
    }
}

/// The place in the address bar.
fn place_of_location() -> Option<Place> {
    Place::parse(&path_of_location())
}

/// Path and query in the address bar.
fn path_of_location() -> String {
    let location = window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}

fn path_only(path: &str) -> String {
    path.split_once('?').map_or(path, |(path, _)| path).to_owned()
}

/// Adds an entry to the history. Its state is the number of entries before it that belong to this site and tab.
fn push(url: &str) {
    let state = JsValue::from_f64(depth() + 1.0);
    let _ = window().history().and_then(|history| history.push_state_with_url(&state, "", Some(url)));
}

/// Gives the present entry of the history another URL.
fn replace(url: &str) {
    let state = JsValue::from_f64(depth());
    let _ = window().history().and_then(|history| history.replace_state_with_url(&state, "", Some(url)));
}

/// How many entries of the history before the present one were added by [`push`].
fn depth() -> f64 {
    window().history().and_then(|history| history.state()).ok().and_then(|state| state.as_f64()).unwrap_or_default()
}

/// The link of this site that a click follows in the same window; `None` if there is none.
fn followed(event: &MouseEvent) -> Option<HtmlAnchorElement> {
    if !browser::is_plain_click(event) {
        return None;
    }
    let link: HtmlAnchorElement = browser::closest(event, LINKS)?.dyn_into().ok()?;
    (window().location().origin().ok()? == link.origin()).then_some(link)
}

/// The fields of a form as the browser would send them, with the button that submits it.
fn fields(form: &HtmlFormElement, name: Option<String>, value: Option<String>) -> Option<UrlSearchParams> {
    let data = FormData::new_with_form(form).ok()?;
    let fields = UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
    if let Some(name) = name {
        fields.append(&name, &value.unwrap_or_default());
    }
    Some(fields)
}
