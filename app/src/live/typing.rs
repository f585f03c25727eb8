//! Reports that the user types in the room in view.

use campfire::protocol::{ClientCommand, TYPING_EVERY_MS};

use super::{connection, with_tab};
use crate::browser;

/// Reports that the user types, at most every [`TYPING_EVERY_MS`], or stopped, once.
pub fn report_typing(active: bool) {
    let is_due = with_tab(|tab| {
        let now_ms = browser::now_ms();
        let at_ms = &mut tab.reported.typing_at_ms;
        let is_due = at_ms.map_or(active, |at_ms| !active || now_ms.saturating_sub(at_ms) >= TYPING_EVERY_MS);
        if is_due {
            *at_ms = active.then_some(now_ms);
        }
        is_due
    });
    if is_due == Some(true) {
        connection::send(&ClientCommand::Typing { active });
    }
}
