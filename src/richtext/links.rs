//! Links: URLs and email addresses found in text, and which destinations are allowed.

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{CowStr, LinkType, Tag};

/// The `rel` of links to other sites: the page they open can neither script this window nor see the referrer.
pub(super) const EXTERNAL_REL: &str = "noopener noreferrer nofollow";

/// The attributes that the allow-list adds to every link.
const EXTERNAL_ATTRIBUTES: &str = " target=\"_blank\" rel=\"noopener noreferrer nofollow\"";

/// The start of a link to a message of this installation: other paths of this site are not allowed as destinations.
const MESSAGE_LINK_START: &str = "<a href=\"/rooms/";

/// The tag of a link to `dest_url`.
pub(super) fn link_tag(dest_url: CowStr<'_>) -> Tag<'_> {
    Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() }
}

/// Splits text at its URLs and email addresses, each with the destination of its link; other text has none.
pub(super) fn split_at_links(text: &str) -> Vec<(&str, Option<String>)> {
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false);
    let destination = |text: &str, kind: Option<&LinkKind>| match kind {
        Some(LinkKind::Email) => Some(format!("mailto:{text}")),
        Some(LinkKind::Url) if is_safe_url(text) && text.contains("://") => Some(text.to_owned()),
        // Without a scheme, only `www.` makes a URL: `main.rs` is a file name.
        Some(LinkKind::Url) if text.starts_with("www.") => Some(format!("https://{text}")),
        _ => None,
    };
    finder.spans(text).map(|span| (span.as_str(), destination(span.as_str(), span.kind()))).collect()
}

/// Whether `url` is an `http`, `https` or `mailto` URL or the path of a message, so that following it runs no script.
pub(super) fn is_safe_url(url: &str) -> bool {
    let has_prefix = |prefix: &str| url.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    has_prefix("https://") || has_prefix("http://") || has_prefix("mailto:") || is_message_path(url)
}

/// Whether `url` is the path of a message like `/rooms/4/@41`, which replies link to.
fn is_message_path(url: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.len() < 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = url.strip_prefix("/rooms/").and_then(|rest| rest.split_once("/@"));
    parts.is_some_and(|(room, message)| is_number(room) && is_number(message))
}

/// `html` with links to messages that open in the same window.
pub(super) fn remove_external_attributes(html: &str) -> String {
    let mut parts = html.split(MESSAGE_LINK_START);
    let mut cleaned = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        cleaned.push_str(MESSAGE_LINK_START);
        cleaned.push_str(&part.replacen(EXTERNAL_ATTRIBUTES, "", 1));
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::richtext::html_of;

    #[test]
    fn urls_and_email_addresses_become_links() {
        assert_eq!(
            html_of("see https://a.example/x_y_z."),
            format!(
                r#"<p>see <a href="https://a.example/x_y_z"{EXTERNAL_ATTRIBUTES}>https://a.example/x_y_z</a>.</p>"#
            )
        );
        assert_eq!(
            html_of("www.a.example"),
            format!(r#"<p><a href="https://www.a.example"{EXTERNAL_ATTRIBUTES}>www.a.example</a></p>"#)
        );
        assert_eq!(
            html_of("ada@a.example"),
            format!(r#"<p><a href="mailto:ada@a.example"{EXTERNAL_ATTRIBUTES}>ada@a.example</a></p>"#)
        );
        assert_eq!(html_of("main.rs"), "<p>main.rs</p>");
        assert_eq!(html_of("`https://a.example`"), "<p><code>https://a.example</code></p>");
    }

    #[test]
    fn of_this_site_only_messages_can_be_linked() {
        assert_eq!(html_of("[x](/rooms/4/@41)"), r#"<p><a href="/rooms/4/@41">x</a></p>"#);
        for url in ["/rooms/4", "/rooms/4/@x", "/rooms//@1", "/account", "/rooms/4/@41/../../account", "//evil.example"]
        {
            assert!(!html_of(&format!("[x]({url})")).contains("<a"), "{url}");
        }
    }
}
