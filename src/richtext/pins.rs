//! What a room's page shows of its pins, as HTML.

use crate::html::HtmlWriter;
use crate::model::{Pins, RoomId, paths};

/// How much of the text of a pin is shown, in characters: the style sheet cuts it at the width of the page.
const MAX_CHARS: usize = 120;

/// The strip of a room's pins, a link to their list; empty without any. `data-pinned` has the ids of the messages, so that
/// their menus offer to take the pin away.
#[must_use]
pub fn pins_html(room_id: RoomId, pins: &Pins) -> String {
    let mut html = HtmlWriter::new();
    if pins.message_ids.is_empty() {
        return html.into_string();
    }
    html.markup(r#"<a class="pinned" href=""#).raw(&paths::pins(room_id)).markup(r#"" data-pinned=""#);
    for (index, message_id) in pins.message_ids.iter().enumerate() {
        html.markup(if index > 0 { " " } else { "" }).number(message_id.0);
    }
    html.markup(r#""><b>"#).number(i64::try_from(pins.message_ids.len()).unwrap_or(i64::MAX));
    html.markup(r#" pinned</b> <bdi class="pinned__text">"#);
    let line = pins.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    html.text(&line.chars().take(MAX_CHARS).collect::<String>()).markup("</bdi></a>");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;

    #[test]
    fn the_strip_has_the_ids_and_the_first_line_of_the_last_pin() {
        assert_eq!(pins_html(RoomId(4), &Pins::default()), "");
        let pins = Pins { message_ids: vec![MessageId(41), MessageId(7)], text: "\n<b>first</b>\nsecond".into() };
        assert_eq!(
            pins_html(RoomId(4), &pins),
            "<a class=\"pinned\" href=\"/rooms/4/pins\" data-pinned=\"41 7\"><b>2 pinned</b> \
             <bdi class=\"pinned__text\">&lt;b&gt;first&lt;/b&gt;</bdi></a>"
        );
    }
}
