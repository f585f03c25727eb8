//! Reports the visibility of the page, from which the server computes presence.

use campfire::protocol::{ClientCommand, PRESENCE_REFRESH_MS};

use super::{connection, with_tab};
use crate::browser;

/// Reports whether the page is visible, if that changed since the last report.
pub(super) fn report() {
    let is_visible = browser::is_visible();
    let has_changed = with_tab(|tab| {
        let has_changed = tab.reported.present_at_ms.is_some() != is_visible;
        tab.reported.present_at_ms = is_visible.then(browser::now_ms);
        has_changed
    });
    if has_changed == Some(true) {
        connection::send(if is_visible { &ClientCommand::Present } else { &ClientCommand::Absent });
    }
}

/// Reports again that the page is visible, if the last report is [`PRESENCE_REFRESH_MS`] old: presence expires.
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
