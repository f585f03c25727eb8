//! How far the person has read the room in view.

use campfire::model::MessageId;
use campfire::protocol::{ClientCommand, Timeline};
use leptos::prelude::*;

use super::{connection, with_tab};
use crate::browser;

/// Where in the room in view the reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The newest messages are out of sight.
    pub away: bool,
    /// How many came meanwhile.
    pub news_count: u32,
    /// Where the new ones begin.
    pub new_from: Option<MessageId>,
}

/// Reports that the room in view is read, if somebody sees it and has not marked it unread meanwhile.
pub fn read_what_is_seen() {
    let Some((live, Some(focus))) = with_tab(|tab| (tab.live, tab.focus)) else { return };
    let room_id = focus.room_id;
    if !browser::is_visible() || live.inbox.with_value(|inbox| inbox.is_kept_unread(room_id)) {
        return;
    }
    let Some(Some(message_id)) = focus.timeline.try_with_untracked(Timeline::newest) else { return };
    live.update_inbox(|inbox| inbox.read(room_id));
    let is_news = with_tab(|tab| tab.reported.read.replace((room_id, message_id)) != Some((room_id, message_id)));
    if is_news == Some(true) {
        connection::send(&ClientCommand::Read { room_id, message_id });
    }
}
