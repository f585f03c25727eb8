//! The box that the timeline scrolls in.
//!
//! It is reversed: anchored at its end, so that a page opens at the newest message before any script has run, stays
//! there while messages come, and does not jump when older ones are put before. Its offset is zero at the newest message
//! and negative above.

use campfire::model::MessageId;
use campfire::protocol::Timeline;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::browser;

/// How near the newest message one counts as being at it, in pixels.
const NEAR_PX: i32 = 100;

/// The scroller's element, and what it held.
#[derive(Clone, Copy)]
pub struct Scroller {
    pub element: NodeRef<html::Div>,
    extent: StoredValue<Extent>,
}

/// What was in the scroller when its height was measured last.
#[derive(Clone, Copy, Default, PartialEq)]
struct Extent {
    first: Option<MessageId>,
    last: Option<MessageId>,
    outgoing_count: usize,
    height: i32,
}

/// How many pixels of what is loaded lie above and below what is seen.
pub struct Hidden {
    pub above: i32,
    pub below: i32,
}

/// A scroller of these messages and of so many outgoing ones, opened at `target` or at the newest message. It keeps
/// what is read in its place whatever comes and goes. On the server it does nothing.
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
        // The rows are there by then, and not painted yet.
        request_animation_frame(move || scroller.keep_place(now));
    });
    // Whoever writes wants to see it.
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

    /// How much is out of sight; nothing before the page is there.
    pub fn hidden(self) -> Option<Hidden> {
        let element = self.element.get_untracked()?;
        let below = -element.scroll_top();
        Some(Hidden { above: element.scroll_height() - element.client_height() - below, below })
    }

    /// Keeps what is read in its place: what comes before moves nothing, what comes after moves everything by its
    /// height, unless the reader is at the newest message and wants to see it.
    fn keep_place(self, mut now: Extent) {
        let (Some(element), Some(before)) = (self.element.try_get_untracked().flatten(), self.extent.try_get_value())
        else {
            return;
        };
        now.height = element.scroll_height();
        let appended = before.height > 0
            && before.first == now.first
            && (before.last, before.outgoing_count) != (now.last, now.outgoing_count);
        if appended && element.scroll_top() < 0 {
            let is_near = -element.scroll_top() < NEAR_PX;
            let grown = now.height - before.height;
            element.set_scroll_top(if is_near { 0 } else { element.scroll_top() - grown });
        }
        let _ = self.extent.try_set_value(now);
    }

    /// Drops the newest messages when there are too many, and keeps the first row in its place: the offset counts from
    /// the end, so that its old value means nothing once rows there are gone.
    pub fn trim_newer(self, timeline: RwSignal<Timeline>) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let Some(row) = element.query_selector(".message").ok().flatten() else { return };
        if !timeline.with_untracked(Timeline::is_long) {
            return;
        }
        let top = row.get_bounding_client_rect().top();
        timeline.update(Timeline::trim_newer);
        let last = timeline.with_untracked(|timeline| timeline.messages.last().map(|last| last.id));
        // Runs right after the effect that removes the rows, and before anything is painted.
        spawn_local(async move {
            #[expect(clippy::cast_possible_truncation, reason = "pixels of a page")]
            let moved = (row.get_bounding_client_rect().top() - top).round() as i32;
            element.set_scroll_top(element.scroll_top() + moved);
            let height = element.scroll_height();
            self.extent.try_update_value(|extent| (extent.last, extent.height) = (last, height));
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
