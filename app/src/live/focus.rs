//! The room in view, as the connection must know it.

use campfire::model::RoomId;
use campfire::protocol::{ClientCommand, Timeline};
use leptos::prelude::*;

use super::{connection, with_tab};

/// The room in view.
#[derive(Clone, Copy)]
pub struct Focus {
    pub room_id: RoomId,
    pub timeline: RwSignal<Timeline>,
    /// Loads the page's data again.
    pub reload: Callback<()>,
    /// The person was taken out of the room, or it was removed.
    pub lost: Callback<()>,
}

/// Has this room in view from now on. Returns what ends it.
pub fn focus(focus: Focus) -> impl FnOnce() + 'static {
    let live = with_tab(|tab| {
        (tab.focus, tab.held) = (Some(focus), None);
        tab.live
    });
    if let Some(live) = live {
        live.update_inbox(|inbox| inbox.enter());
    }
    report();
    move || {
        let has_left = with_tab(|tab| {
            // The next room may be in view already.
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

/// Reports which room is in view and how far its events are known.
pub(super) fn report() {
    let Some(focus) = current() else { return };
    if let Some(cursor) = focus.timeline.try_with_untracked(|timeline| timeline.cursor.clone()) {
        connection::send(&ClientCommand::Focus { room_id: focus.room_id, cursor });
    }
}
