//! The reading position in the room in view, and the report of how far it is read.

use campfire::model::{MessageId, RoomId};
use campfire::protocol::{ClientCommand, Timeline};
use leptos::prelude::*;

use super::{connection, with_tab};
use crate::browser;

/// The reading position in the room in view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether the newest messages are out of sight.
    pub away: bool,
    /// The number of messages posted since then.
    pub news_count: u32,
    /// The first new message: the line is drawn before it.
    pub new_from: Option<MessageId>,
}

/// Reports that the room in view is read, if the page is visible, its end is in view, and the user did not mark the room
/// unread.
pub fn mark_read_if_visible() {
    let Some((live, Some(focus))) = with_tab(|tab| (tab.live, tab.focus)) else { return };
    let room_id = focus.room_id;
    if let Some(root_id) = focus.thread() {
        if let Some(Some(message_id)) = focus.timeline.try_with_untracked(Timeline::newest)
            && browser::is_visible()
            && has_changed(room_id, Some(root_id), message_id)
        {
            connection::send(&ClientCommand::ReadThread { room_id, root_id, message_id });
        }
        return;
    }
    if !browser::is_visible() || live.is_away() || live.viewer_state.with_value(|state| state.is_kept_unread(room_id)) {
        return;
    }
    let Some(Some(message_id)) = focus.timeline.try_with_untracked(Timeline::newest) else { return };
    live.update_viewer_state(|state| state.read(room_id));
    if has_changed(room_id, None, message_id) {
        connection::send(&ClientCommand::Read { room_id, message_id });
        if live.viewer_state.with_value(|state| state.inbox.unread > 0) {
            report_shown();
        }
    }
}

/// The end of the room came into view again, or the page did: what came into the inbox meanwhile is seen now, also where the
/// room has nothing new.
pub fn came_back() {
    with_tab(|tab| {
        if tab.live.viewer_state.with_value(|state| state.inbox.unread > 0) {
            tab.reported.read = None;
        }
    });
    mark_read_if_visible();
}

/// Reports which messages of the room in view the page shows: entries of the inbox about them are read.
pub(super) fn report_shown() {
    let Some(focus) = with_tab(|tab| tab.focus).flatten() else { return };
    let ends = |timeline: &Timeline| Some((timeline.messages.first()?.id, timeline.messages.last()?.id));
    if let Some(Some((first, last))) = focus.timeline.try_with_untracked(ends) {
        connection::send(&ClientCommand::Shown { room_id: focus.room_id, first, last });
    }
}

/// Notes a report of what was read of a room, or of a thread in it. Returns whether it is another one than the last: an
/// answer that the room shows may be the newest of both.
fn has_changed(room_id: RoomId, thread: Option<MessageId>, message_id: MessageId) -> bool {
    let report = (room_id, thread, message_id);
    with_tab(|tab| tab.reported.read.replace(report) != Some(report)) == Some(true)
}
