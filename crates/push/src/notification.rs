//! The content of a push: a declarative notification (W3C Push API, "declarative push message").

use serde_json::json;
use unicode_segmentation::UnicodeSegmentation;

use crate::MAX_PLAINTEXT_BYTES;

/// The largest length of a title, in characters.
pub const MAX_TITLE_CHARS: usize = 100;

/// The largest length of a text, in characters.
pub const MAX_BODY_CHARS: usize = 300;

/// The number that says that a push is declarative: the one of the RFC of Web Push.
const DECLARATIVE: u32 = 8030;

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// The title.
    pub title: String,
    /// The text below it.
    pub body: String,
    /// The absolute URL that a click on it opens.
    pub navigate: String,
    /// Replaces an earlier notification with the same tag.
    pub tag: String,
    /// The path of the picture beside it.
    pub icon: String,
    /// The number on the icon of the installed app; `None` leaves it as it is.
    pub badge: Option<u32>,
    /// How the notification is sorted: when what it tells of happened, in milliseconds since the epoch.
    pub at_ms: i64,
}

impl Notification {
    /// The JSON of the notification, [`MAX_PLAINTEXT_BYTES`] long at most: title and text are shortened, the latter also
    /// further if `max_body_chars` says so.
    #[must_use]
    pub fn to_json(&self, max_body_chars: usize) -> Vec<u8> {
        let mut max_chars = max_body_chars.min(MAX_BODY_CHARS);
        loop {
            let json = self.json(max_chars);
            // Without a text, what is left is short: the title, and paths of the site.
            if json.len() <= MAX_PLAINTEXT_BYTES || max_chars == 0 {
                return json;
            }
            max_chars /= 2;
        }
    }

    fn json(&self, max_body_chars: usize) -> Vec<u8> {
        let mut message = json!({
            "web_push": DECLARATIVE,
            "notification": {
                "title": beginning(&self.title, MAX_TITLE_CHARS),
                "body": beginning(&self.body, max_body_chars),
                "navigate": self.navigate,
                "tag": self.tag,
                "renotify": true,
                "icon": self.icon,
                "timestamp": self.at_ms,
            },
        });
        // Browsers read the number beside the notification; the first ones that knew declarative pushes, inside.
        if let Some(badge) = self.badge {
            message["app_badge"] = badge.into();
            message["notification"]["app_badge"] = badge.into();
        }
        message.to_string().into_bytes()
    }
}

/// The beginning of a text as one paragraph: at most `max_chars` characters, an ellipsis included, and no part of what
/// readers see as one character.
#[must_use]
pub fn beginning(text: &str, max_chars: usize) -> String {
    let mut beginning = String::new();
    let mut char_count = 0;
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let separator = usize::from(!beginning.is_empty());
        // Room for the ellipsis, unless this is all.
        let word_chars = word.chars().take(max_chars + 1).count();
        let fits = char_count + separator + word_chars <= max_chars;
        let is_last = words.peek().is_none();
        let with_ellipsis = char_count + separator + word_chars < max_chars;
        if fits && (is_last || with_ellipsis) {
            beginning.push_str(&" "[..separator]);
            beginning.push_str(word);
            char_count += separator + word_chars;
            continue;
        }
        let room = max_chars.saturating_sub(char_count + separator + 1);
        let part = graphemes(word, room);
        if !part.is_empty() {
            beginning.push_str(&" "[..separator]);
            beginning.push_str(part);
        }
        if max_chars > 0 {
            beginning.push('…');
        }
        break;
    }
    beginning
}

/// The whole graphemes at the beginning of a text that have at most `max_chars` characters together.
fn graphemes(text: &str, max_chars: usize) -> &str {
    let mut end = 0;
    let mut char_count = 0;
    for grapheme in text.graphemes(true) {
        char_count += grapheme.chars().take(max_chars + 1).count();
        if char_count > max_chars {
            break;
        }
        end += grapheme.len();
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn notification(title: &str, body: &str) -> Notification {
        Notification {
            title: title.into(),
            body: body.into(),
            navigate: "https://chat.example/rooms/4/@12".into(),
            tag: "room-4".into(),
            icon: "/account/logo?size=small&v=0".into(),
            badge: Some(3),
            at_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn a_notification_is_declarative() {
        let json: Value = serde_json::from_slice(&notification("Design", "Ada: hello").to_json(300)).unwrap();
        assert_eq!(
            json,
            json!({
                "web_push": 8030,
                "notification": {
                    "title": "Design",
                    "body": "Ada: hello",
                    "navigate": "https://chat.example/rooms/4/@12",
                    "tag": "room-4",
                    "renotify": true,
                    "icon": "/account/logo?size=small&v=0",
                    "timestamp": 1_700_000_000_000_i64,
                    "app_badge": 3,
                },
                "app_badge": 3,
            })
        );
    }

    #[test]
    fn the_longest_message_fits() {
        for body in ["x", "é", "👩‍👩‍👧‍👦", "\u{1}", "\"", "\\", "x\u{301}\u{302}\u{303}"] {
            let json = notification(&"\u{1}".repeat(1_000), &body.repeat(32_000)).to_json(300);
            assert!(json.len() <= MAX_PLAINTEXT_BYTES, "{body}: {}", json.len());
            assert!(serde_json::from_slice::<Value>(&json).is_ok());
        }
    }

    #[test]
    fn texts_are_cut_between_what_readers_see_as_characters() {
        assert_eq!(beginning("  two\n\nwords ", 300), "two words");
        assert_eq!(beginning("exactly", 7), "exactly");
        assert_eq!(beginning("exactly and", 7), "exactl…");
        assert_eq!(beginning("one two three", 9), "one two…");
        let family = "👩‍👩‍👧‍👦";
        assert_eq!(family.chars().count(), 7);
        assert_eq!(beginning(&family.repeat(100), 300), format!("{}…", family.repeat(42)));
        assert_eq!(beginning("🇩🇪🇫🇷🇮🇹", 4), "🇩🇪…");
        assert_eq!(beginning("e\u{301}e\u{301}", 3), "e\u{301}…");
        // A single one that is too long: nothing of it is a character.
        assert_eq!(beginning(&format!("z{}", "\u{301}".repeat(500)), 300), "…");
        assert_eq!(beginning("", 300), "");
        assert_eq!(beginning("word", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_shortened_to_its_length(text in ".{0,400}", max_chars in 0_usize..40) {
            let short = beginning(&text, max_chars);
            proptest::prop_assert!(short.chars().count() <= max_chars, "{short:?}");
            if text.split_whitespace().collect::<Vec<_>>().join(" ").chars().count() <= max_chars {
                proptest::prop_assert_eq!(short, text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
}
