//! What becomes of an event: it changes the inbox and the timeline of the room in view, and some have effects beside.

use campfire::model::{Account, Message, RoomId};
use campfire::protocol::ServerEvent;
use leptos::prelude::*;

use super::{Live, connection, focus, read_what_is_seen, with_tab};
use crate::{browser, names};

/// Keeps the events from now on, for [`release`].
pub fn hold() {
    with_tab(|tab| tab.held = Some(Vec::new()));
}

/// Applies to the timeline again what arrived since [`hold`]; the inbox knows it already.
pub fn release() {
    let held = with_tab(|tab| tab.held.take()).flatten();
    for event in held.unwrap_or_default() {
        apply_to_timeline(&event);
    }
}

/// Takes in an event from the socket.
pub(super) fn receive(event: &ServerEvent) {
    with_tab(|tab| {
        if let Some(held) = &mut tab.held {
            held.push(event.clone());
        }
    });
    deliver(event);
}

/// Applies an event, wherever it comes from.
pub fn deliver(event: &ServerEvent) {
    let Some((live, focus)) = with_tab(|tab| (tab.live, tab.focus)) else { return };
    let is_shown = apply_to_timeline(event);
    if let ServerEvent::Rooms { account, .. } | ServerEvent::Account { account } = event {
        wear_custom_styles(live, account);
    }
    let seen = focus.filter(|_| browser::is_visible()).map(|focus| focus.room_id);
    live.update_inbox(|inbox| inbox.apply(event, seen, browser::now_ms()));

    let in_focus = |room_id: RoomId| focus.filter(|focus| focus.room_id == room_id);
    match event {
        ServerEvent::Rooms { .. } => read_what_is_seen(),
        ServerEvent::MessagePosted { message, .. } if in_focus(message.room_id).is_some() => {
            announce(live, message, is_shown);
        }
        ServerEvent::MarkedUnread { room_id, message_id, .. } => {
            // Reading up to the same message is news again.
            with_tab(|tab| tab.reported.read = None);
            if in_focus(*room_id).is_some() {
                live.update_reading(|reading| reading.new_from = Some(*message_id));
            }
        }
        ServerEvent::RoomRemoved { room_id } => {
            if let Some(focus) = in_focus(*room_id) {
                focus.lost.run(());
            }
        }
        ServerEvent::Resync => focus::reload(),
        ServerEvent::Bye { reconnect: false } => connection::sign_out(),
        _ => {}
    }
}

/// Brings the room in view up to date. Returns whether that changed anything.
fn apply_to_timeline(event: &ServerEvent) -> bool {
    let Some(focus) = focus::current() else { return false };
    // Positions move with every event; only what is seen is worth a rendering.
    let changed = focus.timeline.try_update_untracked(|timeline| timeline.apply(event)).unwrap_or_default();
    if changed {
        focus.timeline.try_update(|_| ());
    }
    changed
}

/// The page wears other custom styles at once.
fn wear_custom_styles(live: Live, account: &Account) {
    if live.inbox.with_value(|inbox| inbox.account.custom_styles_digest != account.custom_styles_digest) {
        browser::wear(&account.custom_styles_path());
    }
}

/// A message was posted in the room in view; it is shown unless newer ones than those shown lie between.
fn announce(live: Live, message: &Message, is_shown: bool) {
    let is_own = live.inbox.with_value(|inbox| inbox.viewer.id == message.creator_id);
    if is_shown {
        // The page's script reads it out to screen readers, and plays sounds.
        browser::tell(
            names::page_event::MESSAGE_SHOWN,
            &[if is_own { "" } else { &message.creator_name }, &message.body_html],
        );
    }
    if is_own {
        return;
    }
    let draws_line =
        !browser::is_visible() && with_tab(|tab| std::mem::replace(&mut tab.is_line_drawn, true)) == Some(false);
    live.update_reading(|reading| {
        if reading.away {
            reading.news_count += 1;
        }
        if draws_line {
            reading.new_from = Some(message.id);
        }
    });
}
