//! Applies events to the viewer state and to the timeline of the room in view, with their further effects.

use campfire::model::{Account, Message, RoomId, paths};
use campfire::protocol::{ClientCommand, ServerEvent, ViewerState};
use leptos::prelude::*;

use super::reading::report_shown;
use super::{Focus, Live, connection, focus, mark_read_if_visible, with_tab};
use crate::{browser, names};

/// Begins to collect the received events, for [`release`].
pub fn hold() {
    with_tab(|tab| tab.held = Some(Vec::new()));
}

/// Applies the events received since [`hold`] to the timeline again. The viewer state contains them already.
pub fn release() {
    let held = with_tab(|tab| tab.held.take()).flatten();
    for event in held.unwrap_or_default() {
        apply_to_timeline(&event);
    }
}

/// Handles an event received from the socket.
pub(super) fn receive(event: &ServerEvent) {
    with_tab(|tab| {
        if let Some(held) = &mut tab.held {
            held.push(event.clone());
        }
    });
    deliver(event);
}

/// Applies an event, from the socket or from the response to a call.
pub fn deliver(event: &ServerEvent) {
    let Some((live, focus)) = with_tab(|tab| (tab.live, tab.focus)) else { return };
    let is_shown = apply_to_timeline(event);
    if let ServerEvent::Rooms { account, .. } | ServerEvent::Account { account } = event {
        update_sheets(live, account);
    }
    let thread = focus.and_then(Focus::thread);
    let visible = focus.filter(|_| browser::is_visible());
    let visible_room = visible.filter(|_| thread.is_none()).map(|focus| focus.room_id);
    if let ServerEvent::ThreadNews { root_id, is_total: false, .. } = event
        && visible.is_some()
        && thread == Some(*root_id)
        && focus.is_some_and(|focus| focus.timeline.with_untracked(|timeline| timeline.newest().is_some()))
    {
        // It is being read, as the newest answers are loaded.
        return;
    }
    // Who is away from the newest messages sees who types there, and nothing else of what happens.
    let is_typing = matches!(event, ServerEvent::Typing { .. });
    let seen_room = visible_room.filter(|_| is_typing || !live.is_away());
    live.update_viewer_state(|state| state.apply(event, seen_room, browser::now_ms()));
    while let Some(room_id) = live.viewer_state.try_update_value(ViewerState::take_unlisted).flatten() {
        connection::send(&ClientCommand::Describe { room_id });
    }

    let in_focus = |room_id: RoomId| focus.filter(|focus| focus.room_id == room_id);
    let in_room = |room_id: RoomId| thread.is_none() && in_focus(room_id).is_some();
    match event {
        ServerEvent::Rooms { .. } => mark_read_if_visible(),
        ServerEvent::MessagePosted { message, .. } if in_room(message.room_id) => announce(live, message, is_shown),
        ServerEvent::ThreadAnswer { root_id, is_new: true, message, .. } if thread == Some(*root_id) => {
            announce(live, message, is_shown);
        }
        ServerEvent::ReplyChanged { room_id, message_id, reply_html } if in_focus(*room_id).is_some() => {
            browser::show_reply(*message_id, reply_html);
        }
        ServerEvent::Note { room_id, html } if in_focus(*room_id).is_some() => browser::show_note(html),
        ServerEvent::Inbox { room_id: Some(room_id), .. } if seen_room == Some(*room_id) => report_shown(),
        ServerEvent::MarkedUnread { room_id, message_id, .. } => {
            // Reading up to the same message must be reported again.
            with_tab(|tab| tab.reported.read = None);
            if in_room(*room_id) {
                live.update_reading(|reading| reading.new_from = Some(*message_id));
            }
        }
        ServerEvent::RoomRemoved { room_id, end } => {
            if let Some(ended) = with_tab(|tab| tab.ended) {
                ended.run((*room_id, end.clone()));
            }
            if let Some(focus) = in_focus(*room_id) {
                focus.lost.run(end.clone());
            }
        }
        ServerEvent::Resync => focus::reload(),
        ServerEvent::Bye { reconnect: false } => connection::sign_out(),
        _ => {}
    }
}

/// Applies an event to the room in view. Returns whether its messages changed.
fn apply_to_timeline(event: &ServerEvent) -> bool {
    let Some(focus) = focus::current() else { return false };
    // Every event moves the cursor; subscribers are notified only if the messages changed.
    let changed = focus.timeline.try_update_untracked(|timeline| timeline.apply(event)).unwrap_or_default();
    if changed {
        focus.timeline.try_update(|_| ());
    }
    changed
}

/// Replaces the page's custom styles and the sheet of people's pictures if those of the account changed.
fn update_sheets(live: Live, account: &Account) {
    let (styles, avatars) = live.viewer_state.with_value(|ViewerState { account: shown, .. }| {
        (shown.custom_styles_digest != account.custom_styles_digest, shown.avatars_version != account.avatars_version)
    });
    if styles {
        browser::set_custom_styles(&account.custom_styles_path());
    }
    if avatars {
        browser::set_avatars(&paths::avatar_sheet(account.avatars_version));
    }
}

/// Announces a message posted in the room in view. `is_shown` is `false` if the newest messages are not loaded.
fn announce(live: Live, message: &Message, is_shown: bool) {
    let is_own = live.viewer_state.with_value(|state| state.viewer.id == message.creator_id);
    if is_shown {
        // chat.js announces it to screen readers and plays sounds.
        browser::dispatch(
            names::page_event::MESSAGE_SHOWN,
            &[if is_own { "" } else { &message.creator_name }, &(message.body_html.clone() + &message.extras_html)],
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
