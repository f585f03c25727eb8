//! The element that the timeline scrolls in.
//!
//! Its flex direction is reversed, which anchors it at its end: a page opens at the newest message before any script has
//! run, stays there when messages arrive, and does not jump when older ones are inserted. The scroll offset is 0 at the
//! newest message and negative above it.

use campfire::model::MessageId;
use campfire::protocol::Timeline;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::browser;

/// The distance to the newest message up to which the reader counts as being at it, in pixels.
const NEAR_DISTANCE_PX: i32 = 100;

/// The scrolling element and its last extent.
#[derive(Clone, Copy)]
pub struct Scroller {
    /// The element.
    pub element: NodeRef<html::Div>,
    extent: StoredValue<Extent>,
}

/// The content of the scroller when its height was last measured.
#[derive(Clone, Copy, Default, PartialEq)]
struct Extent {
    first: Option<MessageId>,
    last: Option<MessageId>,
    outgoing_count: usize,
    height: i32,
}

/// The heights of the loaded messages out of sight, in pixels.
pub struct Hidden {
    /// Above the visible part.
    pub above: i32,
    /// Below the visible part.
    pub below: i32,
}

/// A scroller of these messages and `outgoing_count` outgoing ones, opened at `target` or at the newest message. It
/// keeps the visible messages in place when others are added or removed. Does nothing on the server.
pub fn use_scroller(
    timeline: RwSignal<Timeline>,
    target: Option<MessageId>,
    outgoing_count: impl Fn() -> usize + Copy + Send + Sync + 'static,
) -> Scroller {
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let scroller = Scroller { element: NodeRef::new(), extent: StoredValue::new(Extent::default()) };
    Effect::new(move |_| {
        if let Some(element) = scroller.element.get()
            && browser::assign_room(&element, room_id)
        {
            element.set_scroll_top(0);
        }
        if target.is_some() {
            show_target();
        }
    });
    Effect::new(move |_| {
        let (first, last) = timeline.with(|timeline| {
            (timeline.messages.first().map(|first| first.id), timeline.messages.last().map(|last| last.id))
        });
        let now = Extent { first, last, outgoing_count: outgoing_count(), height: 0 };
        // By then the rows are in the page, but not painted yet.
        request_animation_frame(move || scroller.keep_place(now));
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

    /// The heights out of sight; `None` before the element is in the page and laid out.
    pub fn hidden(self) -> Option<Hidden> {
        let element = self.element.get_untracked().filter(|element| element.client_height() > 0)?;
        let below = -element.scroll_top();
        Some(Hidden { above: element.scroll_height() - element.client_height() - below, below })
    }

    /// Keeps the visible messages in place. Rows inserted before them do not move them; rows appended move them by their
    /// height, unless the reader is at the newest message, where the new one is scrolled into view.
    fn keep_place(self, mut now: Extent) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let Some(before) = self.extent.try_get_value() else { return };
        now.height = element.scroll_height();
        let appended = before.height > 0
            && before.first == now.first
            && (before.last, before.outgoing_count) != (now.last, now.outgoing_count);
        if appended && element.scroll_top() < 0 {
            let is_near = -element.scroll_top() < NEAR_DISTANCE_PX;
            let grown = now.height - before.height;
            element.set_scroll_top(if is_near { 0 } else { element.scroll_top() - grown });
        }
        let _ = self.extent.try_set_value(now);
    }

    /// Drops the newest messages if there are too many, and keeps the first row in place: the offset is measured from the
    /// end, so it must be corrected when rows there are removed.
    pub fn trim_newer(self, timeline: RwSignal<Timeline>) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let Some(row) = element.query_selector(".message").ok().flatten() else { return };
        if !timeline.with_untracked(Timeline::is_long) {
            return;
        }
        let top = row.get_bounding_client_rect().top();
        timeline.update(Timeline::trim_newer);
        let last = timeline.with_untracked(|timeline| timeline.messages.last().map(|last| last.id));
        // Runs after the effect that removes the rows, and before the next paint.
        spawn_local(async move {
            #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
            let moved = (row.get_bounding_client_rect().top() - top).round() as i32;
            element.set_scroll_top(element.scroll_top() + moved);
            let height = element.scroll_height();
            self.extent.try_update_value(|extent| {
                extent.last = last;
                extent.height = height;
            });
        });
    }
}

/// Scrolls to the message that the page was opened at.
fn show_target() {
    let Ok(Some(row)) = document().query_selector(".message[aria-current]") else { return };
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Center);
    row.scroll_into_view_with_scroll_into_view_options(&options);
}
