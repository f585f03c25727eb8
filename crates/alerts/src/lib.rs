//! Converts the messages of other programs (Slack payloads, GitHub events, HTML) to Markdown.
//!
//! - [`mrkdwn`]: the markup of Slack, which most programs that alert people speak.
//! - [`slack`]: messages in Slack's JSON: text, blocks, attachments.
//! - [`github`]: the events of GitHub's webhooks.
//! - [`html`]: what programs that post HTML mean by it.
//!
//! Nothing is refused for its form: what is not known is shown by the texts in it, and a value that is no text as JSON. All
//! input is bounded by its reader; the output has at most [`MAX_CHARS`] characters.

pub mod github;
pub mod html;
pub mod mrkdwn;
pub mod slack;

/// The longest Markdown that is made, in characters: below what a message may have.
pub const MAX_CHARS: usize = 30_000;

/// A text with every kind of line break as a line feed. A carriage return alone ends a line of a message, too, and with
/// it a quote that is made line by line.
pub(crate) fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A text cut to [`MAX_CHARS`].
#[must_use]
pub fn cut(markdown: String) -> String {
    match markdown.char_indices().nth(MAX_CHARS) {
        None => markdown,
        Some((end, _)) => format!("{}…", &markdown[..end]),
    }
}
