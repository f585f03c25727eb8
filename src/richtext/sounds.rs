//! Messages that play a sound.

use crate::html::HtmlWriter;
use crate::model::Sound;

/// The HTML of a message that plays `sound`: a link to the clip, which plays in the page's script and works without it.
pub(super) fn sound_html(sound: Sound) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<p class="sound"><a href=""#).text(&sound.path());
    html.markup(r#"" data-sound=""#).text(sound.name);
    html.markup(r#"" aria-label="Play "#).text(sound.name);
    html.markup(r#"">🔊</a> "#).text(sound.caption).markup("</p>");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use crate::richtext::html_of;

    #[test]
    fn a_sound_is_a_link_to_its_clip() {
        let html = html_of("/play tada");
        assert!(html.contains(r#"href="/sounds/tada.mp3""#) && html.contains(r#"data-sound="tada""#), "{html}");
        assert_eq!(html_of("/play nothing"), "<p>/play nothing</p>");
    }
}
