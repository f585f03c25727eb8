//! Links: which destinations are allowed.

use url::Url;

use super::addresses::SCHEMES;

/// The `rel` of links to other sites: the page they open can neither script this window nor see the referrer.
pub(super) const EXTERNAL_REL: &str = "noopener noreferrer nofollow";

/// The attributes that the allow-list adds to every link.
const EXTERNAL_ATTRIBUTES: &str = " target=\"_blank\" rel=\"noopener noreferrer nofollow\"";

/// The start of a link to a message of this installation: other paths of this site are not allowed as destinations.
const MESSAGE_LINK_START: &str = "<a href=\"/rooms/";

/// What was typed as the destination of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A URL that may be followed.
    Safe(String),
    /// Active content: of the link, only the words are shown.
    Active,
    /// Something else, as in `handlers[name](event)`: it is no link.
    Other,
}

impl Destination {
    pub(super) fn of(typed: &str) -> Self {
        let has_prefix =
            |prefix: &str| typed.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let url = if has_prefix("www.") { format!("https://{typed}") } else { typed.replace("&amp;", "&") };
        if is_safe_url(&url) && (is_message_path(&url) || Url::parse(&url).is_ok()) {
            Self::Safe(url)
        } else if ["javascript:", "vbscript:", "data:"].into_iter().any(has_prefix) {
            Self::Active
        } else {
            Self::Other
        }
    }
}

/// What the plain text has after the words of a link, so that its destination and title are found: no destination that
/// they name, and none that is a message of this installation.
pub(super) fn searchable(url: &str, title: &str, words: &str) -> String {
    let address = url.strip_prefix("mailto:").unwrap_or(url);
    let is_named = is_message_path(url) || words.contains(address) || address.ends_with(&format!("://{words}"));
    let parts: Vec<_> =
        [if is_named { "" } else { address }, title].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(" ")) }
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
    fn what_leads_nowhere_is_shown_as_typed() {
        for source in ["[x](http://256.1.1.1/)", "http://[fe80::1%eth0]/x", "https://a.example:99999", "[x](https://)"]
        {
            assert_eq!(html_of(source), format!("<p>{source}</p>"));
        }
    }

    #[test]
    fn of_this_site_only_messages_can_be_linked() {
        assert_eq!(html_of("[x](/rooms/4/@41)"), r#"<p><a href="/rooms/4/@41">x</a></p>"#);
        assert_eq!(html_of("handlers[name](event)"), "<p>handlers[name](event)</p>");
        for url in ["/rooms/4", "/rooms/4/@x", "/rooms//@1", "/account", "/rooms/4/@41/../../account", "//evil.example"]
        {
            assert!(!html_of(&format!("[x]({url})")).contains("<a"), "{url}");
        }
    }
}
