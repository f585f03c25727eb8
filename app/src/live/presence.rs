//! Whether somebody sees the page: what others see as being in the room.

use campfire::protocol::{ClientCommand, PRESENCE_REFRESH_MS};

use super::{connection, with_tab};
use crate::browser;

/// Reports whether somebody sees the page, if that is news to the server.
pub(super) fn report() {
    let is_visible = browser::is_visible();
    let is_news = with_tab(|tab| {
        let is_news = tab.reported.present_at_ms.is_some() != is_visible;
        tab.reported.present_at_ms = is_visible.then(browser::now_ms);
        is_news
    });
    if is_news == Some(true) {
        connection::send(if is_visible { &ClientCommand::Present } else { &ClientCommand::Absent });
    }
}

/// Reports again that somebody sees the page, when the last time was [`PRESENCE_REFRESH_MS`] ago.
pub(super) fn refresh() {
    let is_due = with_tab(|tab| {
        let now_ms = browser::now_ms();
        let present_at_ms = &mut tab.reported.present_at_ms;
        let is_due = present_at_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) >= PRESENCE_REFRESH_MS);
        if is_due {
            *present_at_ms = Some(now_ms);
        }
        is_due
    });
    if is_due == Some(true) {
        connection::send(&ClientCommand::Present);
    }
}
