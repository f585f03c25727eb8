//! From what was typed to what is shown and what is searched: Markdown → safe HTML and plain text.
//!
//! A body is rendered once, when it is written. Two walls stand between a person's text and everybody's pages: the
//! parser's events are filtered here, so that markup, odd links and bottomless nesting never become HTML, and the
//! result passes an allow-list that knows nothing of the first wall.

mod mentions;

pub use mentions::mentioned;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html,
};

use crate::model::Draft;
use crate::store::messages::Body;

/// Grows when the same source would be rendered differently; stored with each message.
pub const RENDER_VERSION: i64 = 1;

/// How deep markup may nest. What is nested deeper keeps its text and loses its markup: browsers take 512 levels,
/// and an HTML parser's time grows with the square of the depth.
const MAX_DEPTH: usize = 16;

/// Renders a draft. Takes a few hundred microseconds; the longest and oddest stay under 50 ms.
#[must_use]
pub fn render(draft: &Draft) -> Body {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut renderer = Renderer::default();
    for event in TextMergeStream::new(Parser::new_ext(draft.as_str(), options)) {
        renderer.take(event);
    }
    let mut unsafe_html = String::with_capacity(draft.as_str().len() * 3 / 2);
    html::push_html(&mut unsafe_html, renderer.events.into_iter());
    Body {
        source: draft.as_str().to_owned(),
        html: ALLOW_LIST.clean(&unsafe_html).to_string().trim_end().to_owned(),
        text: renderer.text.trim().to_owned(),
        render_version: RENDER_VERSION,
    }
}

/// What may stand in a message's HTML; all else goes, attributes and schemes included.
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
            ("ol", HashSet::from(["start"])),
        ]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("noopener noreferrer nofollow"))
        .set_tag_attribute_value("a", "target", "_blank")
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("code", "class") => {
                value.strip_prefix("language-").filter(|name| is_language(name)).map(|_| Cow::Borrowed(value))
            }
            ("ol", "start") => value.parse::<u32>().is_ok().then_some(Cow::Borrowed(value)),
            _ => Some(Cow::Borrowed(value)),
        });
    builder
});

/// Collects the parser's events as they may be shown, and the plain text beside them.
#[derive(Default)]
struct Renderer<'a> {
    events: Vec<Event<'a>>,
    text: String,
    /// One entry for each open tag: whether it was let through.
    open: Vec<bool>,
    /// How many of them were.
    depth: usize,
    link_depth: usize,
    code_depth: usize,
}

impl<'a> Renderer<'a> {
    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) if self.link_depth == 0 && self.code_depth == 0 => self.text_with_links(&text),
            Event::Text(text) => {
                self.text.push_str(&text);
                self.events.push(Event::Text(text));
            }
            Event::Code(code) => {
                self.text.push_str(&code);
                self.events.push(Event::Code(code));
            }
            // Raw HTML in the source is text.
            Event::Html(markup) | Event::InlineHtml(markup) => {
                self.text.push_str(&markup);
                self.events.push(Event::Text(markup));
            }
            Event::SoftBreak | Event::HardBreak => {
                self.text.push('\n');
                self.events.push(Event::HardBreak);
            }
            Event::Rule => self.events.push(Event::Rule),
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'a>) {
        let shown = match tag {
            // Pictures from elsewhere would tell their host who reads: they are links.
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let harmless = self.link_depth == 0 && is_harmless(&dest_url);
                self.link_depth += 1;
                harmless.then(|| link(dest_url))
            }
            Tag::CodeBlock(kind) => {
                self.code_depth += 1;
                Some(Tag::CodeBlock(match kind {
                    CodeBlockKind::Fenced(info) => CodeBlockKind::Fenced(language(&info)),
                    CodeBlockKind::Indented => CodeBlockKind::Indented,
                }))
            }
            // The page's own headings come first.
            Tag::Heading { level, .. } => {
                Some(Tag::Heading { level: demoted(level), id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            Tag::HtmlBlock => Some(Tag::Paragraph),
            other => Some(other),
        };
        match shown {
            Some(tag) if self.depth < MAX_DEPTH => {
                self.open.push(true);
                self.depth += 1;
                self.events.push(Event::Start(tag));
            }
            _ => self.open.push(false),
        }
    }

    fn end(&mut self, end: TagEnd) {
        let end = match end {
            TagEnd::Link | TagEnd::Image => {
                self.link_depth -= 1;
                TagEnd::Link
            }
            TagEnd::CodeBlock => {
                self.code_depth -= 1;
                TagEnd::CodeBlock
            }
            TagEnd::Heading(level) => TagEnd::Heading(demoted(level)),
            TagEnd::HtmlBlock => TagEnd::Paragraph,
            other => other,
        };
        if matches!(end, TagEnd::TableCell) {
            self.text.push('\t');
        } else if !matches!(end, TagEnd::Link | TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough)
            && !self.text.ends_with('\n')
        {
            self.text.push('\n');
        }
        if self.open.pop() == Some(true) {
            self.depth -= 1;
            self.events.push(Event::End(end));
        }
    }

    /// Text in which addresses of pages and people become links.
    fn text_with_links(&mut self, text: &str) {
        self.text.push_str(text);
        let mut finder = LinkFinder::new();
        finder.url_must_have_scheme(false);
        for span in finder.spans(text) {
            let words: CowStr<'a> = span.as_str().to_owned().into();
            let destination = match span.kind() {
                Some(LinkKind::Email) => Some(format!("mailto:{words}")),
                Some(LinkKind::Url) if is_harmless(&words) && words.contains("://") => Some(words.to_string()),
                // Without a scheme only what begins like a host is meant as one: `main.rs` is a file.
                Some(LinkKind::Url) if words.starts_with("www.") => Some(format!("https://{words}")),
                _ => None,
            };
            match destination {
                Some(destination) => self.events.extend([
                    Event::Start(link(destination.into())),
                    Event::Text(words),
                    Event::End(TagEnd::Link),
                ]),
                None => self.events.push(Event::Text(words)),
            }
        }
    }
}

fn link(dest_url: CowStr<'_>) -> Tag<'_> {
    Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() }
}

/// Whether following `url` does no more than open a page or a letter.
fn is_harmless(url: &str) -> bool {
    let has_prefix = |prefix: &str| url.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    has_prefix("https://") || has_prefix("http://") || has_prefix("mailto:")
}

/// The language of a fenced block, or nothing when it does not look like one.
fn language<'a>(info: &str) -> CowStr<'a> {
    let word = info.split(|c: char| c.is_whitespace() || c == ',').next().unwrap_or_default().to_ascii_lowercase();
    if is_language(&word) { word.into() } else { "".into() }
}

fn is_language(word: &str) -> bool {
    (1..=20).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'#'))
}

const fn demoted(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        _ => HeadingLevel::H5,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::model::MAX_BODY_CHARS;

    fn html(source: &str) -> String {
        render(&source.parse().unwrap()).html
    }

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(
            html("**bold** _it_ ~~no~~ `code`"),
            "<p><strong>bold</strong> <em>it</em> <del>no</del> <code>code</code></p>"
        );
        assert_eq!(html("one\ntwo"), "<p>one<br>\ntwo</p>");
        assert_eq!(html("> said"), "<blockquote>\n<p>said</p>\n</blockquote>");
        assert_eq!(html("- a\n- b"), "<ul>\n<li>a</li>\n<li>b</li>\n</ul>");
        assert_eq!(html("# Big"), "<h3>Big</h3>");
        assert_eq!(
            html("```rust\nlet a = 1 < 2;\n```"),
            "<pre><code class=\"language-rust\">let a = 1 &lt; 2;\n</code></pre>"
        );
    }

    #[test]
    fn addresses_become_links() {
        let rel = r#" target="_blank" rel="noopener noreferrer nofollow""#;
        assert_eq!(
            html("see https://a.example/x_y_z."),
            format!(r#"<p>see <a href="https://a.example/x_y_z"{rel}>https://a.example/x_y_z</a>.</p>"#)
        );
        assert_eq!(html("www.a.example"), format!(r#"<p><a href="https://www.a.example"{rel}>www.a.example</a></p>"#));
        assert_eq!(html("ada@a.example"), format!(r#"<p><a href="mailto:ada@a.example"{rel}>ada@a.example</a></p>"#));
        assert_eq!(html("main.rs"), "<p>main.rs</p>");
        assert_eq!(html("`https://a.example`"), "<p><code>https://a.example</code></p>");
    }

    #[test]
    fn what_could_act_is_shown_as_text() {
        assert_eq!(html("<script>alert(1)</script>"), "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        assert_eq!(html("a <img src=x onerror=alert(1)> b"), "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>");
        assert_eq!(html("<svg onload=alert(1)>"), "<p>&lt;svg onload=alert(1)&gt;</p>");
        assert_eq!(html("[x](javascript:alert(1))"), "<p>x</p>");
        assert_eq!(html("[x](data:text/html;base64,PHN2Zz4=)"), "<p>x</p>");
        assert_eq!(html("<javascript:alert(1)>"), "<p>javascript:alert(1)</p>");
        assert!(!html("![x](https://a.example/pixel.gif)").contains("<img"));
        assert_eq!(html("```\" onclick=\"x\ncode\n```"), "<pre><code>code\n</code></pre>");
    }

    #[test]
    fn plain_text_is_what_one_reads() {
        let text = |source: &str| render(&source.parse().unwrap()).text;
        assert_eq!(text("**bold** [words](https://a.example)\n\n- one\n- two"), "bold words\none\ntwo");
        assert_eq!(text("<b>"), "<b>");
    }

    #[test]
    fn the_oddest_bodies_are_rendered_in_bounded_time() {
        let long = |unit: &str| unit.repeat(MAX_BODY_CHARS / unit.chars().count());
        let bodies = [
            long(">"),
            long("> "),
            long("*"),
            long("**a"),
            long("*a_"),
            long("["),
            long("![a]("),
            long("- "),
            long("`"),
            long("<"),
            long("a"),
            long("\u{202e}"),
            long("<b>"),
            long("[a](b)"),
            long("|a"),
            long("1. "),
            long("~~x"),
            long("&#0;"),
            long("http://"),
            long("a@"),
            long("www."),
            long("(((("),
            format!("{}{}", "[".repeat(15_000), "]".repeat(15_000)),
            long("|a|b|\n|-|-|\n"),
            long("``` a\n"),
            long("<!--"),
            long("<?"),
            long("\\"),
            long("_ "),
            long("x*y*"),
        ];
        for body in bodies {
            let Ok(draft) = body.parse::<Draft>() else { continue };
            let start = Instant::now();
            let rendered = render(&draft);
            let took = start.elapsed();
            // 50 ms in a release build; a test build renders some twenty times slower.
            let limit = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(50) };
            let sample: String = body.chars().take(12).collect();
            assert!(took < limit, "{sample:?} took {took:?}");
            assert!(depth(&rendered.html) <= MAX_DEPTH + 1, "{sample:?}");
        }
    }

    /// How deep the elements of `html` nest.
    fn depth(html: &str) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        for tag in html.split('<').skip(1) {
            if tag.starts_with('/') {
                depth = depth.saturating_sub(1);
            } else if !tag.starts_with("br>") && !tag.starts_with("hr>") {
                depth += 1;
                deepest = deepest.max(depth);
            }
        }
        deepest
    }

    /// Every tag of `html` with its attributes, as a browser would see them: text holds no `<`.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
    }

    fn assert_inert(html: &str) -> Result<(), TestCaseError> {
        for tag in tags(html) {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            prop_assert!(ALLOW_LIST.clone_tags().contains(name), "tag {name:?} in {html:?}");
            for attribute in
                tag.split('"').step_by(2).flat_map(|part| part.split(' ').skip(1)).filter(|part| !part.is_empty())
            {
                let attribute = attribute.trim_end_matches('=');
                prop_assert!(
                    matches!(attribute, "href" | "class" | "start" | "rel" | "target"),
                    "attribute {attribute:?} in {html:?}"
                );
            }
            if let Some(url) = tag.split("href=\"").nth(1) {
                prop_assert!(is_harmless(url), "link to {url:?}");
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn whatever_is_typed_is_inert(source in r#"([a-z <>"'=/:&#;!\[\]()*_`~|\-\n]|<script|<img src=x onerror=|javascript:|data:text/html,|\[x\]\(|https://a\.b|style=|on[a-z]+=|&#x6a;|\u{0}|\u{202e}){0,80}"#) {
            if let Ok(draft) = source.parse::<Draft>() {
                assert_inert(&render(&draft).html)?;
            }
        }

        #[test]
        fn any_characters_at_all_are_inert(source in proptest::collection::vec(any::<char>(), 0..300)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                assert_inert(&render(&draft).html)?;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]

        #[test]
        fn the_longest_random_bodies_end(source in proptest::collection::vec(any::<char>(), MAX_BODY_CHARS)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                let start = Instant::now();
                assert_inert(&render(&draft).html)?;
                prop_assert!(start.elapsed() < Duration::from_secs(5));
            }
        }
    }
}
