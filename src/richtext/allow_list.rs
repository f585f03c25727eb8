//! The second filter: an allow-list of elements, attributes and URL schemes, applied to the whole HTML of a body.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;

use super::addresses::SCHEMES;
use super::{code, links};

/// `html` without the elements, attributes and URL schemes that are not on the list. Every link opens in a new window
/// and has [`links::EXTERNAL_REL`].
pub(super) fn sanitize(html: &str) -> String {
    ALLOW_LIST.clean(html).to_string()
}

/// Whether a body may contain this element.
#[cfg(test)]
pub(super) fn allows_element(name: &str) -> bool {
    ALLOW_LIST.clone_tags().contains(name)
}

static ALLOW_LIST: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h3",
            "h4",
            "h5",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("code", HashSet::from(["class"])),
            ("li", HashSet::from(["value"])),
            ("ol", HashSet::from(["class", "start"])),
            ("p", HashSet::from(["class"])),
        ]))
        .generic_attributes(HashSet::from(["dir"]))
        .url_schemes(HashSet::from(SCHEMES))
        .link_rel(Some(links::EXTERNAL_REL))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("code", "class") => {
                value.strip_prefix("language-").filter(|name| code::is_language(name)).map(|_| Cow::Borrowed(value))
            }
            ("ol", "class") => (value == "parens").then_some(Cow::Borrowed(value)),
            ("p", "class") => (value == "typed").then_some(Cow::Borrowed(value)),
            ("ol", "start") | ("li", "value") => value.parse::<u32>().is_ok().then_some(Cow::Borrowed(value)),
            (_, "dir") => matches!(value, "ltr" | "rtl").then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    builder
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_elements_attributes_and_schemes_pass() {
        assert_eq!(sanitize("<p onclick=\"x()\"><img src=\"x\">a<b>c</b></p>"), "<p>ac</p>");
        assert_eq!(
            sanitize("<a href=\"javascript:x()\">x</a>"),
            "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"
        );
        assert_eq!(sanitize("<code class=\"language-rust\">x</code>"), "<code class=\"language-rust\">x</code>");
        assert_eq!(sanitize("<code class=\"menu\">x</code>"), "<code>x</code>");
        assert_eq!(sanitize("<ol start=\"x\" class=\"x\"><li value=\"x\">a</li></ol>"), "<ol><li>a</li></ol>");
        assert_eq!(sanitize("<p class=\"x\" dir=\"auto\">a</p><p dir=\"rtl\">b</p>"), "<p>a</p><p dir=\"rtl\">b</p>");
    }
}
