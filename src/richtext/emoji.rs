//! Messages that consist of emoji and are shown large.

use unicode_segmentation::UnicodeSegmentation;

use crate::html::HtmlWriter;

/// Whether every grapheme of `text` is an emoji and there is at least one.
pub(super) fn is_emoji_only(text: &str) -> bool {
    !text.is_empty() && text.graphemes(true).all(|grapheme| emojis::get(grapheme).is_some())
}

/// The HTML of a body that consists of emoji.
pub(super) fn emoji_only_html(text: &str) -> String {
    let mut html = HtmlWriter::new();
    html.markup(r#"<p class="emoji-only">"#).text(text).markup("</p>");
    html.into_string()
}

#[cfg(test)]
mod tests {
    use crate::richtext::html_of;

    #[test]
    fn only_bodies_of_emoji_alone_are_large() {
        assert_eq!(html_of("😄🤘"), "<p class=\"emoji-only\">😄🤘</p>");
        for text in ["👩‍🚀", "❤️", "1️⃣", "🇩🇪"] {
            assert!(html_of(text).contains("emoji-only"), "{text}");
        }
        for text in ["Haha! 😄🤘", "🔥\nmultiple lines\n💯", "🔥 💯", "1", "#", "[🔥](https://a.example)", "`🔥`"]
        {
            assert!(!html_of(text).contains("emoji-only"), "{text}");
        }
    }
}
