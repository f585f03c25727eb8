//! Client-side navigation between rooms, with the behaviour of plain links.
//!
//! The URL changes at the click, the page once the data of the new place has arrived. Code that needs the room in view
//! therefore reads it from the page (`data-room`, `data-place`, [`Page`](crate::live::Page)), never from `location`.
//! The browser follows all other links itself and loads a new document.

use campfire::model::Place;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlAnchorElement, MouseEvent};

use crate::browser;

/// Links that may be followed without loading a document.
const LINKS: &str = "a[href]:not([target],[download],[rel~=external])";

/// The place that the URL names, from the request or from the address bar.
pub fn use_place() -> RwSignal<Place> {
    expect_context()
}

/// Provides the context of [`use_place`]: on the server the place of the request, which the handler provides.
pub fn provide_place() -> RwSignal<Place> {
    let place = use_context::<Place>().or_else(place_of_location).unwrap_or(Place::NoRoom);
    let place = RwSignal::new(place);
    provide_context(place);
    place
}

/// Handles clicks on links and the browser's back and forward until the document is unloaded. Called once, in the
/// browser. `again` is called for a click on a link to the place that the page is at.
pub fn listen(place: RwSignal<Place>, again: fn(Place)) {
    // On the window this runs after every other listener: one that prevented the default has handled the click.
    browser::listen_forever(&window(), "click", move |event: MouseEvent| {
        let Some(destination) = destination(&event) else { return };
        event.prevent_default();
        if place.get_untracked() != destination {
            let history = window().history();
            let _ = history.and_then(|it| it.push_state_with_url(&JsValue::NULL, "", Some(&destination.path())));
            place.set(destination);
        } else {
            again(destination);
        }
    });
    // Also fired when only the fragment changes, which is the same place.
    browser::listen_forever(&window(), "popstate", move |_: Event| {
        if let Some(destination) = place_of_location().filter(|destination| *destination != place.get_untracked()) {
            place.set(destination);
        }
    });
}

/// The place in the address bar.
fn place_of_location() -> Option<Place> {
    let location = window().location();
    Place::parse(&(location.pathname().ok()? + &location.search().ok()?))
}

/// The room that a click on a link navigates to; `None` if the browser handles the click.
fn destination(event: &MouseEvent) -> Option<Place> {
    let modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if modified || event.button() != 0 || event.default_prevented() {
        return None;
    }
    let link = event.target()?.dyn_into::<Element>().ok()?.closest(LINKS).ok()??;
    let link: HtmlAnchorElement = link.dyn_into().ok()?;
    if window().location().origin().ok()? != link.origin() || !link.hash().is_empty() {
        return None;
    }
    // The server handles URLs with other parameters, like a notice, and `/`, which redirects to the last room.
    let path = link.pathname() + &link.search();
    Place::parse(&path).filter(|place| place.room_id().is_some() && place.path() == path)
}
