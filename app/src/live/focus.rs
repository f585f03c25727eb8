//! The room in view, whose events the server sends in full.

use campfire::model::{MessageId, RoomId};
use campfire::protocol::{ClientCommand, RoomEnd, Timeline};
use leptos::prelude::*;

use super::{connection, with_tab};

/// The room in view.
#[derive(Clone, Copy)]
pub struct Focus {
    /// Its id.
    pub room_id: RoomId,
    /// Its messages, to which events are applied.
    pub timeline: RwSignal<Timeline>,
    /// Loads the page's data again.
    pub reload: Callback<()>,
    /// Called when the membership ended or the room was removed; perhaps more than once.
    pub lost: Callback<Option<RoomEnd>>,
}

impl Focus {
    /// The root of the thread in view, if it is not the room itself that is.
    pub fn thread(self) -> Option<MessageId> {
        self.timeline.try_with_untracked(|timeline| timeline.thread).flatten()
    }
}

/// Makes this the room in view and returns the function that ends it.
pub fn focus(focus: Focus) -> impl FnOnce() + 'static {
    let live = with_tab(|tab| {
        tab.focus = Some(focus);
        tab.held = None;
        tab.live
    });
    if let Some(live) = live {
        live.update_viewer_state(|state| state.enter());
    }
    report();
    move || {
        let has_left = with_tab(|tab| {
            // The next room may have taken its place.
            tab.focus.take_if(|current| current.timeline == focus.timeline).is_some()
        });
        if has_left == Some(true) {
            connection::send(&ClientCommand::Blur);
        }
    }
}

/// Loads the data of the room in view again.
pub fn reload() {
    if let Some(focus) = current() {
        focus.reload.run(());
    }
}

/// The room in view, if any.
pub(super) fn current() -> Option<Focus> {
    with_tab(|tab| tab.focus).flatten()
}

/// Subscribes to the room in view, from the position that its timeline contains.
pub(super) fn report() {
    let Some(focus) = current() else { return };
    if let Some(cursor) = focus.timeline.try_with_untracked(|timeline| timeline.cursor.clone()) {
        connection::send(&ClientCommand::Focus { room_id: focus.room_id, cursor });
    }
}
