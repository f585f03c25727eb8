//! The element that the timeline scrolls in.
//!
//! Its flex direction is reversed, which anchors it at its end: a page opens at the newest message before any script has
//! run, stays there when messages arrive, and does not jump when older ones are inserted. The scroll offset is 0 at the
//! newest message and negative above it.
//!
//! Away from the end, the reader's place is a row and its distance from the bottom. Whatever changes the height of the
//! messages (a boost, an edit, a deletion, a new message, the label of a day), the row is put back there. It is not
//! measured again after that, since what a browser rounds off would add up.

use campfire::model::{Anchor, MessageId, Place};
use campfire::protocol::Timeline;
use leptos::html;
use leptos::prelude::*;
use web_sys::{Element, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::opened_at::OpenedAt;
use super::rows;
use crate::{browser, live, names};

/// The distance to the newest message up to which the reader counts as being at it, in pixels.
const NEAR_DISTANCE_PX: f64 = 100.0;

/// What counts as no distance, in pixels: browsers round offsets in their own ways.
const ROUNDING_PX: f64 = 1.0;

/// Shorter moves are errors of the arithmetic, in pixels.
const MIN_MOVE_PX: f64 = 0.05;

/// On the element: the path of the page that it was opened with. Navigation between pages reuses the element.
const OPENED: &str = "data-opened";

/// The scrolling element and the place of the reader in it.
#[derive(Clone, Copy)]
pub struct Scroller {
    /// The element.
    pub element: NodeRef<html::Div>,
    timeline: RwSignal<Timeline>,
    reader: StoredValue<Reader>,
}

/// Where the reader is.
#[derive(Clone, Copy, Default)]
struct Reader {
    /// The scroll offset; with another one, the reader has scrolled since.
    scroll_top: f64,
    /// The topmost row in view, and its [`distance`]; `None` at the newest message.
    row: Option<(MessageId, f64)>,
    /// The newest message, if it is loaded.
    newest: Option<MessageId>,
}

/// The heights of the loaded messages out of sight, in pixels.
pub struct Hidden {
    /// Above the visible part.
    pub above: i32,
    /// Below the visible part.
    pub below: i32,
}

/// A scroller of these messages and `outgoing_count` outgoing ones. It keeps the reader's place when messages change.
/// Does nothing on the server.
pub fn use_scroller(
    timeline: RwSignal<Timeline>,
    place: Place,
    opened_at: OpenedAt,
    outgoing_count: impl Fn() -> usize + Copy + Send + Sync + 'static,
) -> Scroller {
    let newest = timeline.with_untracked(Timeline::newest);
    // boot.js has brought the target into view, and the reader may have scrolled since.
    let is_hydrated = timeline.with_untracked(rows::are_in_page);
    let reader = StoredValue::new(Reader { newest, ..Reader::default() });
    // The same page, whose data was loaded again: the rows that are in the page now are the ones before.
    let read_before = if is_hydrated || cfg!(feature = "ssr") {
        None
    } else {
        opened(place).and_then(|element| topmost_row(&element))
    };
    let scroller = Scroller { element: NodeRef::new(), timeline, reader };
    let again = Trigger::new();
    Effect::new(move |_| {
        let Some(element) = scroller.element.get().filter(|element| browser::is_in_document(element, again)) else {
            return;
        };
        // The same page again, after its data was reloaded, stays where it is.
        let path = place.path();
        if element.get_attribute(OPENED).as_ref() != Some(&path) {
            let _ = element.set_attribute(OPENED, &path);
            if !is_hydrated {
                element.set_scroll_top(0);
                browser::mark_target(opened_at.target());
                if let Some(message_id) = opened_at.in_view() {
                    show(message_id);
                }
            }
            scroller.note_place(&element);
        } else {
            scroller.note_place(&element);
            if read_before.is_some_and(|(message_id, _)| browser::row(message_id).is_some())
                && !scroller.is_at_end(&element)
            {
                let _ = reader.try_update_value(|reader| reader.row = read_before);
                scroller.keep_place();
            }
        }
        if let Some(messages) = element.first_element_child() {
            let end = browser::observe_size(&messages, move || scroller.keep_place());
            on_cleanup(browser::on_this_thread(end));
        }
    });
    // A message that the user sends is scrolled into view.
    Effect::new(move |previous: Option<usize>| {
        let count = outgoing_count();
        if previous.is_some_and(|previous| count > previous) {
            scroller.to_newest();
        }
        count
    });
    scroller
}

impl Scroller {
    /// Scrolls to the newest message.
    pub fn to_newest(self) {
        if let Some(element) = self.element.get_untracked() {
            element.set_scroll_top(0);
        }
    }

    /// Makes the next load of the page's data open it anew, at its end: rows that are loaded meanwhile may have moved it.
    pub fn open_again(self) {
        if let Some(element) = self.element.get_untracked() {
            let _ = element.remove_attribute(OPENED);
        }
    }

    /// The heights out of sight; `None` before the element is in the page and laid out.
    pub fn hidden(self) -> Option<Hidden> {
        let element = self.element.get_untracked().filter(|element| element.client_height() > 0)?;
        let below = -element.scroll_top();
        Some(Hidden { above: element.scroll_height() - element.client_height() - below, below })
    }

    /// Notes the place of the reader, who may have scrolled.
    pub fn scrolled(self) {
        if let Some(element) = self.element.try_get_untracked().flatten() {
            let scroll_top = browser::scroll_top(&element);
            let is_known = self.reader.try_with_value(|reader| reader.scroll_top.to_bits() == scroll_top.to_bits());
            if is_known == Some(false) {
                self.note_place(&element);
            }
        }
    }

    /// Keeps the reader's place after rows were inserted, changed or removed. A reader who is near the newest message
    /// sees the next one.
    pub fn rows_changed(self) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let Some(newest) = self.timeline.try_with_untracked(Timeline::newest) else { return };
        let before = self.reader.try_update_value(|reader| std::mem::replace(&mut reader.newest, newest)).flatten();
        let is_posted = before.is_some() && newest > before;
        if is_posted && browser::scroll_top(&element) > -NEAR_DISTANCE_PX {
            element.set_scroll_top(0);
            self.note_place(&element);
        } else {
            self.keep_place();
        }
    }

    /// Puts the reader's row back to its place.
    fn keep_place(self) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let Some(Reader { scroll_top, row, .. }) = self.reader.try_get_value() else { return };
        let Some((message_id, place)) = row else {
            return self.note_place(&element);
        };
        let row = browser::row(message_id).filter(|row| !row.has_attribute("hidden"));
        let now = browser::scroll_top(&element);
        // Where rows below were removed, the offset may be beyond the end, and the browser has changed it.
        let is_cut = scroll_top < f64::from(element.client_height() - element.scroll_height());
        match row {
            Some(row) if is_cut || now.to_bits() == scroll_top.to_bits() => {
                let moved = distance(&row, &element) - place;
                if moved.abs() > MIN_MOVE_PX {
                    browser::set_scroll_top(&element, now + moved);
                    let scroll_top = browser::scroll_top(&element);
                    let _ = self.reader.try_update_value(|reader| reader.scroll_top = scroll_top);
                }
            }
            // The reader has scrolled, or the row is gone. What was below it has not moved: the element is anchored at
            // its end.
            _ => self.note_place(&element),
        }
    }

    /// Whether the newest message is in view.
    fn is_at_end(self, element: &Element) -> bool {
        let has_newer = self.timeline.try_with_untracked(|timeline| timeline.has_newer).unwrap_or_default();
        browser::scroll_top(element) > -ROUNDING_PX && !has_newer
    }

    fn note_place(self, element: &Element) {
        let scroll_top = browser::scroll_top(element);
        let row = if self.is_at_end(element) { None } else { topmost_row(element) };
        let _ = self.reader.try_update_value(|reader| {
            reader.scroll_top = scroll_top;
            reader.row = row;
        });
    }
}

/// The scrolling element, if it shows the page of this place.
fn opened(place: Place) -> Option<Element> {
    let element = document().query_selector(".timeline").ok()??;
    (element.get_attribute(OPENED)? == place.path()).then_some(element)
}

/// The anchor of what is being read, if the page of this place is shown: the topmost row in view, or the newest messages
/// unless those are out of sight.
pub fn being_read(place: Place, is_away: bool) -> Option<Anchor> {
    let element = opened(place)?;
    if is_away { topmost_row(&element).map(|(message_id, _)| Anchor::Around(message_id)) } else { Some(Anchor::Newest) }
}

/// The topmost row in view, and its [`distance`].
fn topmost_row(scroller: &Element) -> Option<(MessageId, f64)> {
    let rows = scroller.query_selector(".messages").ok()??.children();
    // Hidden rows have no place; the search goes on at the next visible one.
    let visible_from = |index: u32| {
        (index..rows.length()).find(|index| rows.item(*index).is_some_and(|row| !row.has_attribute("hidden")))
    };
    let is_above = |index: u32| {
        let row = visible_from(index).and_then(|index| rows.item(index));
        row.is_some_and(|row| row.get_bounding_client_rect().bottom() <= scroller.get_bounding_client_rect().top())
    };
    let (mut from, mut to) = (0, rows.length());
    while from < to {
        let middle = u32::midpoint(from, to);
        if is_above(middle) { from = middle + 1 } else { to = middle }
    }
    let row = rows.item(visible_from(from)?)?;
    let message_id = row.id().strip_prefix(names::id::MESSAGE_PREFIX)?.parse().ok()?;
    Some((message_id, distance(&row, scroller)))
}

/// How far the bottom of a row is below the bottom of the scroller, in pixels. The bottom of the row, because its head and
/// the label of its day go when older messages are inserted before it. Not below the top of the scroller: where that gets
/// smaller, because the composer grows, its content moves with its bottom.
fn distance(row: &Element, scroller: &Element) -> f64 {
    row.get_bounding_client_rect().bottom() - scroller.get_bounding_client_rect().bottom()
}

/// Shows the message of a link to the page that is open already: it may have been scrolled out of sight, or dropped.
pub fn show_again(place: Place) {
    let Some(Anchor::Around(message_id)) = place.anchor() else { return };
    if browser::row(message_id).is_some() {
        browser::mark_target(Some(message_id));
        show(message_id);
    } else if let Ok(Some(element)) = document().query_selector(".timeline") {
        let _ = element.remove_attribute(OPENED);
        live::reload();
    }
}

/// Scrolls a message into the middle of the view.
fn show(message_id: MessageId) {
    let Some(row) = browser::row(message_id) else { return };
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Center);
    row.scroll_into_view_with_scroll_into_view_options(&options);
}
