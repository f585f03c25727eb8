//! The line above the body of a message that answers another one.

use crate::html::HtmlWriter;
use crate::model::{MessageId, RoomId, paths};

/// How many characters of the answered message the line shows.
const MAX_CHARS: usize = 140;

/// A message that others answer, as the line above them shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original<'a> {
    /// The current name of its author.
    pub author: &'a str,
    /// The beginning of its plain text.
    pub text: &'a str,
}

/// The line that answers to a message of a room show: a link to the message with its author and its first words, or that it
/// is not there any more.
#[must_use]
pub fn reply_html(room_id: RoomId, message_id: MessageId, original: Option<Original<'_>>) -> String {
    let mut html = HtmlWriter::new();
    let Some(Original { author, text }) = original else {
        html.markup(r#"<span class="reply__gone">Deleted message</span>"#);
        return html.into_string();
    };
    html.markup(r#"<a class="reply__link" href=""#).text(&paths::message(room_id, message_id));
    html.markup(r#""><span class="visually-hidden">In answer to </span><bdi class="reply__author">"#).text(author);
    html.markup(r#"</bdi> <bdi class="reply__words">"#).text(&first_words(text)).markup("</bdi></a>");
    html.into_string()
}

/// The beginning of a text on one line.
fn first_words(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(MAX_CHARS) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(author: &str, text: &str) -> String {
        reply_html(RoomId(4), MessageId(41), Some(Original { author, text }))
    }

    #[test]
    fn the_line_leads_to_the_message_and_is_text() {
        let html = line("<Ada>", "shall we\n\n meet & <b>talk</b>?");
        assert!(html.contains(r#"href="/rooms/4/@41""#) && html.contains("&lt;Ada&gt;"), "{html}");
        assert!(html.contains(">shall we meet &amp; &lt;b&gt;talk&lt;/b&gt;?</bdi>"), "{html}");
    }

    #[test]
    fn long_texts_are_cut_after_whole_characters() {
        let html = line("Ada", &"\u{4f60}\u{597d}".repeat(200));
        let words = html.rsplit_once("words\">").unwrap().1;
        assert_eq!(words.split('<').next().unwrap().chars().count(), MAX_CHARS + 1);
        assert!(words.contains('…') && !line("Ada", &"a".repeat(MAX_CHARS)).contains('…'));
    }

    #[test]
    fn a_message_that_is_gone_shows_nothing_of_itself() {
        let html = reply_html(RoomId(4), MessageId(41), None);
        assert!(html.contains("Deleted message") && !html.contains("href"), "{html}");
    }
}
