//! Links: which destinations are allowed.

use super::addresses::SCHEMES;

/// The `rel` of links to other sites: the page they open can neither script this window nor see the referrer.
pub(super) const EXTERNAL_REL: &str = "noopener noreferrer nofollow";

/// The attributes that the allow-list adds to every link.
const EXTERNAL_ATTRIBUTES: &str = " target=\"_blank\" rel=\"noopener noreferrer nofollow\"";

/// The start of a link to a message of this installation: other paths of this site are not allowed as destinations.
const MESSAGE_LINK_START: &str = "<a href=\"/rooms/";

/// Where a link leads whose destination was typed like this; `None` if it is not allowed.
pub(super) fn destination(typed: &str) -> Option<String> {
    let is_www = typed.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let url = if is_www { format!("https://{typed}") } else { typed.replace("&amp;", "&") };
    is_safe_url(&url).then_some(url)
}

/// What the plain text has after the words of a link, so that its destination is found: nothing if they name it, and
/// nothing for a message of this installation.
pub(super) fn searchable(destination: &str, words: &str) -> Option<String> {
    let address = destination.strip_prefix("mailto:").unwrap_or(destination);
    (!is_message_path(destination) && !words.contains(address) && !address.ends_with(&format!("://{words}")))
        .then(|| format!(" ({address})"))
}

/// Whether `url` has one of the [`SCHEMES`] or is the path of a message, so that following it runs no script.
pub(super) fn is_safe_url(url: &str) -> bool {
    let has_safe_scheme = url.split_once(':').is_some_and(|(scheme, rest)| {
        SCHEMES.iter().any(|safe| scheme.eq_ignore_ascii_case(safe))
            && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("mailto"))
    });
    has_safe_scheme || is_message_path(url)
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
        assert_eq!(
            html_of("Ada <ada@a.example>"),
            format!(r#"<p>Ada &lt;<a href="mailto:ada@a.example"{EXTERNAL_ATTRIBUTES}>ada@a.example</a>&gt;</p>"#)
        );
        assert_eq!(html_of("main.rs"), "<p>main.rs</p>");
        assert_eq!(html_of("`https://a.example`"), "<p><code>https://a.example</code></p>");
    }

    #[test]
    fn every_scheme_that_is_linked_passes_both_filters() {
        for scheme in SCHEMES {
            let url =
                if scheme == "mailto" { "mailto:ada@a.example".to_owned() } else { format!("{scheme}://a.example/x") };
            for source in [url.clone(), url.to_uppercase(), format!("[x]({url})")] {
                assert!(html_of(&source).contains(" href=\""), "{source}: {}", html_of(&source));
            }
        }
        assert!(html_of("http://[::1]:3000/x").contains(r#"href="http://[::1]:3000/x""#));
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
