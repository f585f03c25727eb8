//! More messages as the reader nears either end of those that are loaded, and fewer where the reader is not.

use campfire::model::{MessageId, RoomId};
use campfire::protocol::Timeline;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::scroller::{Hidden, Scroller};
use crate::api;
use crate::live::{self, Live};

/// How near the end of what is loaded more is asked for, in pixels.
const MORE_WITHIN_PX: i32 = 800;

/// How far from the newest message one counts as having left it, in pixels.
const AWAY_PX: i32 = 200;

/// Which messages of a room are loaded.
#[derive(Clone, Copy)]
pub struct Paging {
    live: Live,
    room_id: RoomId,
    timeline: RwSignal<Timeline>,
    scroller: Scroller,
    is_loading: StoredValue<bool>,
}

/// One end of what is loaded, and the last message there.
#[derive(Clone, Copy)]
enum End {
    Oldest(MessageId),
    Newest(MessageId),
}

/// Loads and drops messages of this room. On the server it does nothing.
pub fn use_paging(timeline: RwSignal<Timeline>, scroller: Scroller) -> Paging {
    let live = expect_context::<Live>();
    let room_id = timeline.with_untracked(|timeline| timeline.room_id);
    let paging = Paging { live, room_id, timeline, scroller, is_loading: StoredValue::new(false) };
    // Whatever changed what is seen, it is read if somebody looks. What lies far behind may go.
    Effect::new(move |_| {
        let is_long = timeline.with(Timeline::is_long);
        live::mark_read_if_visible();
        if is_long && !paging.is_loading.get_value() {
            if live.page.with_untracked(|page| page.reading.away) {
                scroller.trim_newer(timeline);
            } else {
                timeline.update(Timeline::trim_older);
            }
        }
    });
    paging
}

impl Paging {
    /// Notes where the reader stands after scrolling, and loads more if an end is near.
    pub fn scrolled(self) {
        let Some(hidden) = self.scroller.hidden() else { return };
        let is_away = hidden.below > AWAY_PX || self.timeline.with_untracked(|timeline| timeline.has_newer);
        self.live.update_reading(|reading| {
            reading.away = is_away;
            if !is_away {
                reading.news_count = 0;
            }
        });
        if let Some(end) = self.near_end(&hidden)
            && !self.is_loading.get_value()
        {
            self.load(end);
        }
    }

    fn near_end(self, hidden: &Hidden) -> Option<End> {
        self.timeline.with_untracked(|timeline| {
            if timeline.has_older && hidden.above < MORE_WITHIN_PX {
                timeline.messages.first().map(|first| End::Oldest(first.id))
            } else if timeline.has_newer && hidden.below < MORE_WITHIN_PX {
                timeline.messages.last().map(|last| End::Newest(last.id))
            } else {
                None
            }
        })
    }

    /// Loads the page of messages beyond an end, then drops what is too much at the other.
    fn load(self, end: End) {
        let Self { room_id, timeline, .. } = self;
        self.is_loading.set_value(true);
        live::hold();
        spawn_local(async move {
            let page = match end {
                End::Oldest(message_id) => api::messages_before(room_id, message_id).await,
                End::Newest(message_id) => api::messages_after(room_id, message_id).await,
            };
            if let Ok(page) = page {
                let _ = timeline.try_update(|timeline| match end {
                    End::Oldest(_) => timeline.prepend(page),
                    End::Newest(_) => timeline.append(page),
                });
            }
            live::release();
            // Once the new rows have their place, the far end may go.
            request_animation_frame(move || request_animation_frame(move || self.trim_far_from(end)));
        });
    }

    fn trim_far_from(self, end: End) {
        match end {
            End::Oldest(_) => self.scroller.trim_newer(self.timeline),
            End::Newest(_) => {
                let _ = self.timeline.try_update(Timeline::trim_older);
            }
        }
        let _ = self.is_loading.try_set_value(false);
    }
}
