//! Navigation: from place to place within one document, as plain links would go.
//!
//! The URL changes at the click. What the page shows follows once the data of the new place has come, so whatever asks
//! which room is in view asks the page (`data-room`, `data-place`, [`Scene`](crate::live::Scene)), never `location`.
//! Links to anything but a room are left to the browser, which loads the document that the server has for them.

use campfire::model::Place;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlAnchorElement, MouseEvent};

use crate::browser;

/// Links that may lead on within the document.
const FOLLOWED: &str = "a[href]:not([target],[download],[rel~=external])";

/// The place that the URL names, from the request or from the address bar.
pub fn use_place() -> RwSignal<Place> {
    expect_context()
}

/// Provides [`use_place`]: on the server with the place of the request, which its handler hands in by context.
pub fn provide_place() -> RwSignal<Place> {
    let place = use_context::<Place>().or_else(addressed).unwrap_or(Place::NoRoom);
    let place = RwSignal::new(place);
    provide_context(place);
    place
}

/// Follows clicks on links, and the browser's back and forward, for as long as the document lives. Called once, in the
/// browser.
pub fn listen(place: RwSignal<Place>) {
    // On the window, after every other listener: one that prevents the default has dealt with the click.
    browser::listen_forever(&window(), "click", move |event: MouseEvent| {
        let Some(destination) = followed(&event) else { return };
        event.prevent_default();
        if place.get_untracked() != destination {
            let history = window().history();
            let _ = history.and_then(|it| it.push_state_with_url(&JsValue::NULL, "", Some(&destination.path())));
            place.set(destination);
        }
    });
    // Also comes when only the fragment changes, which leads nowhere else.
    browser::listen_forever(&window(), "popstate", move |_: Event| {
        if let Some(destination) = addressed().filter(|destination| *destination != place.get_untracked()) {
            place.set(destination);
        }
    });
}

/// The place in the address bar.
fn addressed() -> Option<Place> {
    let location = window().location();
    Place::parse(&(location.pathname().ok()? + &location.search().ok()?))
}

/// The room that a click leads to within this document; `None` if the browser is to do what it does with the click.
fn followed(event: &MouseEvent) -> Option<Place> {
    let modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if modified || event.button() != 0 || event.default_prevented() {
        return None;
    }
    let link = event.target()?.dyn_into::<Element>().ok()?.closest(FOLLOWED).ok()??;
    let link: HtmlAnchorElement = link.dyn_into().ok()?;
    if window().location().origin().ok()? != link.origin() || !link.hash().is_empty() {
        return None;
    }
    // A URL that says more than a place does, like a notice, is for the server to read; so is `/`, which leads to the
    // room seen last.
    let path = link.pathname() + &link.search();
    Place::parse(&path).filter(|place| place.room_id().is_some() && place.path() == path)
}
