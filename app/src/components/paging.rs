//! Loading more messages as the reader scrolls near an end of the loaded ones, and dropping distant ones.

use campfire::model::MessageId;
use campfire::protocol::Timeline;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::scroller::{Hidden, Scroller};
use crate::api;
use crate::live::{self, Live};

/// The distance to an end of the loaded messages below which more are loaded, in pixels.
const LOAD_DISTANCE_PX: i32 = 800;

/// The distance to the newest message above which the reader counts as away from it, in pixels.
const AWAY_DISTANCE_PX: i32 = 200;

/// Loads and drops messages of a room.
#[derive(Clone, Copy)]
pub struct Paging {
    live: Live,
    timeline: RwSignal<Timeline>,
    scroller: Scroller,
    is_loading: StoredValue<bool>,
}

/// One end of the loaded messages, with the message there.
#[derive(Clone, Copy)]
enum End {
    Oldest(MessageId),
    Newest(MessageId),
}

/// Loads and drops messages of this room. Does nothing on the server.
pub fn use_paging(timeline: RwSignal<Timeline>, scroller: Scroller) -> Paging {
    let live = expect_context::<Live>();
    let paging = Paging { live, timeline, scroller, is_loading: StoredValue::new(false) };
    // Each change of the timeline may show unread messages, and may make it too long.
    Effect::new(move |_| {
        let is_long = timeline.with(Timeline::is_long);
        live::mark_read_if_visible();
        if is_long && !paging.is_loading.get_value() {
            if live.page.with_untracked(|page| page.reading.away) {
                timeline.update(Timeline::trim_newer);
            } else {
                timeline.update(Timeline::trim_older);
            }
        }
        // By then the rows are in the page.
        request_animation_frame(move || {
            paging.settle();
            paging.fill();
        });
    });
    paging
}

impl Paging {
    /// Updates the reading position after scrolling, and loads more messages if an end is near.
    pub fn scrolled(self) {
        self.scroller.scrolled();
        let Some(hidden) = self.scroller.hidden() else { return };
        self.note_distance(&hidden);
        if let Some(end) = self.near_end(&hidden)
            && !self.is_loading.get_value()
        {
            self.load(end);
        }
    }

    /// Updates the reading position after a change of the messages.
    fn settle(self) {
        if self.is_loading.try_get_value() == Some(false)
            && let Some(hidden) = self.scroller.hidden()
        {
            self.note_distance(&hidden);
        }
    }

    /// Updates whether the reader is away from the newest message: who comes back to it has read the room.
    fn note_distance(self, hidden: &Hidden) {
        let was_away = self.live.page.with_untracked(|page| page.reading.away);
        let is_far = hidden.below > AWAY_DISTANCE_PX || self.timeline.with_untracked(|timeline| timeline.has_newer);
        // While messages are loading, the reader's place may not be kept yet.
        let is_away = is_far || (was_away && self.is_loading.get_value());
        self.live.update_reading(|reading| {
            reading.away = is_away;
            if !is_away {
                reading.news_count = 0;
            }
        });
        if was_away && !is_away {
            live::came_back();
        }
    }

    /// Loads more messages if those that are loaded leave nothing to scroll: a page of long messages may have few, and
    /// folded they are short.
    fn fill(self) {
        if self.is_loading.try_get_value() != Some(false) {
            return;
        }
        let Some(hidden) = self.scroller.hidden().filter(|hidden| hidden.above <= 0 && hidden.below <= 0) else {
            return;
        };
        if let Some(end) = self.near_end(&hidden) {
            self.load(end);
        }
    }

    /// The reader may have come near an end while messages were loading, when scrolling loads no more.
    fn scrolled_meanwhile(self) {
        if self.is_loading.try_get_value() == Some(false) {
            self.scrolled();
        }
    }

    fn near_end(self, hidden: &Hidden) -> Option<End> {
        self.timeline.with_untracked(|timeline| {
            if timeline.has_older && hidden.above < LOAD_DISTANCE_PX {
                timeline.messages.first().map(|first| End::Oldest(first.id))
            } else if timeline.has_newer && hidden.below < LOAD_DISTANCE_PX {
                timeline.messages.last().map(|last| End::Newest(last.id))
            } else {
                None
            }
        })
    }

    /// Loads the page of messages beyond an end, then drops messages at the other end if there are too many.
    fn load(self, end: End) {
        let Self { timeline, .. } = self;
        let (room_id, thread) = timeline.with_untracked(|timeline| (timeline.room_id, timeline.thread));
        self.is_loading.set_value(true);
        live::hold();
        spawn_local(async move {
            let page = match end {
                End::Oldest(message_id) => api::messages_before(room_id, message_id, thread).await,
                End::Newest(message_id) => api::messages_after(room_id, message_id, thread).await,
            };
            let has_grown = page.as_ref().is_ok_and(|page| !page.messages.is_empty());
            if let Ok(page) = page {
                let _ = timeline.try_update(|timeline| match end {
                    End::Oldest(_) => timeline.prepend(page),
                    End::Newest(_) => timeline.append(page),
                });
            }
            live::release();
            // Two frames later the new rows are laid out and the reader's place is kept.
            request_animation_frame(move || {
                request_animation_frame(move || {
                    self.trim_far_from(end);
                    if has_grown {
                        // By then what was trimmed is out of the page.
                        request_animation_frame(move || self.scrolled_meanwhile());
                    } else {
                        self.settle();
                    }
                });
            });
        });
    }

    fn trim_far_from(self, end: End) {
        let is_long = self.timeline.try_with_untracked(Timeline::is_long).unwrap_or_default();
        if is_long {
            let _ = self.timeline.try_update(match end {
                End::Oldest(_) => Timeline::trim_newer,
                End::Newest(_) => Timeline::trim_older,
            });
        }
        let _ = self.is_loading.try_set_value(false);
    }
}
