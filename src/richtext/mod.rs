//! From what was typed to what is shown and what is searched: Markdown → safe HTML and plain text.
//!
//! A body is rendered once, when it is written. Two walls stand between a person's text and everybody's pages: the
//! parser's events are filtered here, so that markup, odd links and bottomless nesting never become HTML, and the
//! result passes an allow-list that knows nothing of the first wall.

mod boosts;
mod code;
mod marks;
mod mentions;
mod quote;

pub use boosts::boosts_html;
pub use marks::with_marks;
pub use mentions::{Names, with_names};
pub use quote::quote;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html,
};

use unicode_segmentation::UnicodeSegmentation;

use crate::model::{Draft, Sound, UserId, escape_html};
use crate::search;
use crate::store::messages::Body;

/// Grows when the same source would be rendered differently; stored with each message.
pub const RENDER_VERSION: i64 = 2;

/// How deep markup may nest. What is nested deeper keeps its text and loses its markup: browsers take 512 levels,
/// and an HTML parser's time grows with the square of the depth.
const MAX_DEPTH: usize = 16;

/// Stand in the HTML that is cleaned, for what is made here and put in afterwards. Unicode will never give these five
/// a meaning. They are taken out of the parser's events, where what people write as `&#xfdd0;` has become one, too.
const MENTION: [char; 3] = ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}'];
const CODE: [char; 2] = ['\u{fdd3}', '\u{fdd4}'];

/// A body in all its forms, and whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub body: Body,
    pub mentions: Vec<Mention>,
}

/// Somebody a message names, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    pub user_id: UserId,
    pub name: String,
}

/// Renders a draft that may name these people.
///
/// Takes a few hundred microseconds; the longest and oddest stay under 50 ms, a long program in colours aside.
#[must_use]
pub fn render(draft: &Draft, names: &Names) -> Rendered {
    let source = draft.as_str();
    if let Some(sound) = Sound::asked_for(source) {
        let body = Body::new(source, sound_html(sound), source.to_owned(), String::new());
        return Rendered { body, mentions: Vec::new() };
    }
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut renderer = Renderer::new(names);
    for event in TextMergeStream::new(Parser::new_ext(source, options)) {
        renderer.take(event);
    }
    let mut unsafe_html = String::with_capacity(source.len() * 3 / 2);
    html::push_html(&mut unsafe_html, renderer.events.into_iter());
    let clean_html = within_the_site(&ALLOW_LIST.clean(&unsafe_html).to_string());
    let mut html = filled_in(clean_html.trim_end(), &renderer.coloured);
    let text = renderer.text.trim().to_owned();
    if is_emoji_only(&text) && !renderer.has_link && !renderer.has_code {
        html = format!("<p class=\"emoji-only\">{}</p>", escape_html(&text));
    }
    let mut marks = String::new();
    for (mark, shown) in [("link ", renderer.has_link), ("code ", renderer.has_code)] {
        if shown {
            marks.push_str(mark);
        }
    }
    let mut mentions = renderer.mentions;
    mentions.sort_by_key(|mention| mention.user_id);
    mentions.dedup_by_key(|mention| mention.user_id);
    Rendered { body: Body::new(source, html, text, marks), mentions }
}

impl Body {
    fn new(source: &str, html: String, text: String, search_marks: String) -> Self {
        let search_words = search::indexed_words(&text);
        Self { source: source.to_owned(), html, text, search_words, search_marks, render_version: RENDER_VERSION }
    }
}

/// What a message shows that plays a sound: without scripts, the link plays the clip by itself.
fn sound_html(sound: Sound) -> String {
    format!(
        r#"<p class="sound"><a href="{}" data-sound="{}" aria-label="Play {}">🔊</a> {}</p>"#,
        sound.path(),
        sound.name,
        sound.name,
        escape_html(sound.caption)
    )
}

/// Whether a text is made of emoji and nothing else.
fn is_emoji_only(text: &str) -> bool {
    !text.is_empty() && text.graphemes(true).all(|grapheme| emojis::get(grapheme).is_some())
}

/// `html` with the mentions and the coloured code in the places kept for them.
fn filled_in(html: &str, coloured: &[String]) -> String {
    let mut filled = String::with_capacity(html.len() + coloured.iter().map(String::len).sum::<usize>());
    let mut rest = html;
    while let Some((before, kind, after)) = split_at_any(rest, [MENTION[0], CODE[0]]) {
        filled.push_str(before);
        let end = if kind == CODE[0] { CODE[1] } else { MENTION[2] };
        let Some((kept, after)) = after.split_once(end) else {
            rest = after;
            continue;
        };
        if kind == CODE[0] {
            let index: Option<usize> = kept.parse().ok();
            filled.extend(index.and_then(|index| coloured.get(index)).map(String::as_str));
        } else if let Some((user_id, name)) = kept.split_once(MENTION[1])
            && let Ok(user_id) = user_id.parse()
        {
            // The name was escaped with everything around it.
            filled.push_str(&mentions::link_to_escaped(user_id, name));
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Links to messages of this site open in the same window.
fn within_the_site(html: &str) -> String {
    const OWN: &str = "<a href=\"/rooms/";
    let mut parts = html.split(OWN);
    let mut own = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        own.push_str(OWN);
        own.push_str(&part.replacen(FOREIGN, "", 1));
    }
    own
}

fn split_at_any(text: &str, marks: [char; 2]) -> Option<(&str, char, &str)> {
    let at = text.find(marks)?;
    let mark = text[at..].chars().next()?;
    Some((&text[..at], mark, &text[at + mark.len_utf8()..]))
}

/// What the allow-list gives every link; `within_the_site` takes it from those that stay here.
const FOREIGN: &str = " target=\"_blank\" rel=\"noopener noreferrer nofollow\"";

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

/// Collects the parser's events as they may be shown, and what is known of them beside.
struct Renderer<'a> {
    names: &'a Names,
    events: Vec<Event<'a>>,
    text: String,
    mentions: Vec<Mention>,
    /// Code in colours; the events hold its place.
    coloured: Vec<String>,
    coloured_bytes: usize,
    has_link: bool,
    has_code: bool,
    /// One entry for each open tag: whether it was let through.
    open: Vec<bool>,
    /// How many of them were.
    depth: usize,
    link_depth: usize,
    quote_depth: usize,
    /// The language and the text of the block of code that is open.
    code: Option<(String, String)>,
}

impl<'a> Renderer<'a> {
    fn new(names: &'a Names) -> Self {
        Self {
            names,
            events: Vec::new(),
            text: String::new(),
            mentions: Vec::new(),
            coloured: Vec::new(),
            coloured_bytes: 0,
            has_link: false,
            has_code: false,
            open: Vec::new(),
            depth: 0,
            link_depth: 0,
            quote_depth: 0,
            code: None,
        }
    }

    fn take(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => {
                let text = unmarked(text);
                self.text.push_str(&text);
                match &mut self.code {
                    Some((_, code)) => code.push_str(&text),
                    None if self.link_depth > 0 => self.events.push(Event::Text(text)),
                    None => self.words(&text),
                }
            }
            Event::Code(code) => {
                let code = unmarked(code);
                self.has_code = true;
                self.text.push_str(&code);
                self.events.push(Event::Code(code));
            }
            // Raw HTML in the source is text.
            Event::Html(markup) | Event::InlineHtml(markup) => {
                let markup = unmarked(markup);
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
                self.has_link |= harmless;
                harmless.then(|| link(dest_url))
            }
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => language(&info),
                    CodeBlockKind::Indented => "".into(),
                };
                self.has_code = true;
                self.code = Some((language.to_string(), String::new()));
                Some(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
            }
            Tag::BlockQuote(kind) => {
                self.quote_depth += 1;
                Some(Tag::BlockQuote(kind))
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
                self.close_code();
                TagEnd::CodeBlock
            }
            TagEnd::BlockQuote(kind) => {
                self.quote_depth -= 1;
                TagEnd::BlockQuote(kind)
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

    /// The block of code that ends, in colours where its language is known.
    fn close_code(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        let shown = self.open.last() == Some(&true) && self.coloured_bytes + code.len() <= code::MAX_CODE_BYTES;
        let coloured = shown.then(|| code::highlight(&language, &code)).flatten();
        match coloured {
            Some(coloured) => {
                self.coloured_bytes += code.len();
                self.events.push(Event::Text(format!("{}{}{}", CODE[0], self.coloured.len(), CODE[1]).into()));
                self.coloured.push(coloured);
            }
            None => self.events.push(Event::Text(code.into())),
        }
    }

    /// Text in which names after an @ become mentions. Whoever is quoted was called already.
    fn words(&mut self, text: &str) {
        let found = if self.quote_depth == 0 { self.names.find(text) } else { Vec::new() };
        let mut from = 0;
        for named in found {
            self.text_with_links(&text[from..named.range.start]);
            for (place, user_id) in named.user_ids.into_iter().enumerate() {
                let blank = if place == 0 { "" } else { " " };
                let [begin, middle, end] = MENTION;
                self.events.push(Event::Text(format!("{blank}{begin}{user_id}{middle}{}{end}", named.name).into()));
                self.mentions.push(Mention { user_id, name: named.name.clone() });
            }
            from = named.range.end;
        }
        self.text_with_links(&text[from..]);
    }

    /// Text in which addresses of pages and people become links.
    fn text_with_links(&mut self, text: &str) {
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
                Some(destination) => {
                    self.has_link = true;
                    self.events.extend([
                        Event::Start(link(destination.into())),
                        Event::Text(words),
                        Event::End(TagEnd::Link),
                    ]);
                }
                None => self.events.push(Event::Text(words)),
            }
        }
    }
}

/// Text without the marks of what is made here.
fn unmarked(text: CowStr<'_>) -> CowStr<'_> {
    let is_mark = |c| MENTION.contains(&c) || CODE.contains(&c);
    if text.contains(is_mark) { text.replace(is_mark, "").into() } else { text }
}

fn link(dest_url: CowStr<'_>) -> Tag<'_> {
    Tag::Link { link_type: LinkType::Inline, dest_url, title: "".into(), id: "".into() }
}

/// Whether following `url` does no more than open a page or a letter.
fn is_harmless(url: &str) -> bool {
    let has_prefix = |prefix: &str| url.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    has_prefix("https://") || has_prefix("http://") || has_prefix("mailto:") || is_message(url)
}

/// Whether `url` is the path of a message, like `/rooms/4/@41`: where an answer leads to.
fn is_message(url: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.len() < 20 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts = url.strip_prefix("/rooms/").and_then(|rest| rest.split_once("/@"));
    parts.is_some_and(|(room, message)| is_number(room) && is_number(message))
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
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::clock;
    use crate::model::{MAX_BODY_CHARS, Person};

    fn html(source: &str) -> String {
        render(&source.parse().unwrap(), &Names::none()).body.html
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
            "<pre><code class=\"language-rust\"><span class=\"hl-keyword\">let</span> a = \
             <span class=\"hl-constant\">1 </span>&lt; <span class=\"hl-constant\">2</span>;\n</code></pre>"
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

    fn people() -> Names {
        let people = [(7, "Ada"), (8, "R&D")].map(|(id, name)| Person { id: UserId(id), name: name.into() });
        Names::new(people.into())
    }

    #[test]
    fn a_mention_is_a_link_to_the_person() {
        let rendered = render(&"hi **@ada**, @R&D and @nobody".parse().unwrap(), &people());
        let link = |id, name| format!(r#"<a class="mention" href="/users/{id}">@{name}</a>"#);
        assert_eq!(
            rendered.body.html,
            format!("<p>hi <strong>{}</strong>, {} and @nobody</p>", link(7, "ada"), link(8, "R&amp;D"))
        );
        assert_eq!(rendered.body.text, "hi @ada, @R&D and @nobody");
        let ids: Vec<_> = rendered.mentions.iter().map(|mention| mention.user_id.0).collect();
        assert_eq!(ids, [7, 8]);
    }

    #[test]
    fn code_links_and_quotes_call_nobody() {
        for text in ["`@Ada`", "```\n@Ada\n```", "[@Ada](https://a.example)", "> @Ada said"] {
            let rendered = render(&text.parse().unwrap(), &people());
            assert!(rendered.mentions.is_empty() && !rendered.body.html.contains("mention"), "{text}");
        }
    }

    #[test]
    fn nobody_types_the_marks_of_what_is_made_here() {
        for text in
            ["\u{fdd0}7\u{fdd1}Ada\u{fdd2}", "a \u{fdd3}0\u{fdd4} b", "\u{fdd0}", "```rust\n\u{fdd3}0\u{fdd4}\n```"]
        {
            let html = html(text);
            assert!(!html.contains("mention") && !html.contains('\u{fdd0}') && !html.contains('\u{fdd3}'), "{html}");
            assert_eq!(html.matches("<strong>").count(), html.matches("</strong>").count(), "{html}");
        }
    }

    #[test]
    fn an_answer_quotes_and_links() {
        let quoted = quote("> older\n\n@Ada, hi\nthere", "Bob [x]", "/rooms/4/@41");
        assert_eq!(quoted, "> @Ada, hi\n> there\n> — [Bob x](/rooms/4/@41)\n\n");
        let rendered = render(&format!("{quoted}yes").parse().unwrap(), &people());
        assert!(rendered.mentions.is_empty());
        assert!(rendered.body.html.contains(r#"<a href="/rooms/4/@41">"#), "{}", rendered.body.html);
        assert!(rendered.body.html.ends_with("<p>yes</p>"));
        assert!(quote(&"line\n".repeat(40), "Bob", "/rooms/4/@41").contains("> …\n> — "));
        let code = format!("```rust\n{}```", "line\n".repeat(40));
        assert!(quote(&code, "Bob", "/rooms/4/@41").contains("> ```\n> …\n> — "));
        for url in ["/rooms/4", "/rooms/4/@x", "/rooms//@1", "/account", "/rooms/4/@41/../../account", "//evil.example"]
        {
            assert!(!html(&format!("[x]({url})")).contains("<a"), "{url}");
        }
    }

    #[test]
    fn emoji_alone_are_large() {
        assert_eq!(html("😄🤘"), "<p class=\"emoji-only\">😄🤘</p>");
        for text in ["👩‍🚀", "❤️", "1️⃣", "🇩🇪"] {
            assert!(html(text).contains("emoji-only"), "{text}");
        }
        for text in ["Haha! 😄🤘", "🔥\nmultiple lines\n💯", "🔥 💯", "1", "#", "[🔥](https://a.example)", "`🔥`"]
        {
            assert!(!html(text).contains("emoji-only"), "{text}");
        }
    }

    #[test]
    fn a_sound_is_a_link_to_its_clip() {
        let html = html("/play tada");
        assert!(html.contains(r#"href="/sounds/tada.mp3""#) && html.contains(r#"data-sound="tada""#), "{html}");
        assert_eq!(self::html("/play nothing"), "<p>/play nothing</p>");
    }

    #[test]
    fn what_is_in_a_message_is_known_to_the_search() {
        let marks = |source: &str| render(&source.parse().unwrap(), &Names::none()).body.search_marks;
        assert_eq!(marks("see https://a.example"), "link ");
        assert_eq!(marks("`a` and [b](https://a.example)"), "link code ");
        assert_eq!(marks("[b](javascript:x) words"), "");
    }

    #[test]
    fn plain_text_is_what_one_reads() {
        let text = |source: &str| render(&source.parse().unwrap(), &Names::none()).body.text;
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
            let start = clock::monotonic();
            let rendered = render(&draft, &Names::none()).body;
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
            prop_assert!(name == "span" || ALLOW_LIST.clone_tags().contains(name), "tag {name:?} in {html:?}");
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
                assert_inert(&render(&draft, &Names::none()).body.html)?;
            }
        }

        #[test]
        fn any_characters_at_all_are_inert(source in proptest::collection::vec(any::<char>(), 0..300)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                assert_inert(&render(&draft, &Names::none()).body.html)?;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]

        #[test]
        fn the_longest_random_bodies_end(source in proptest::collection::vec(any::<char>(), MAX_BODY_CHARS)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                let start = clock::monotonic();
                assert_inert(&render(&draft, &Names::none()).body.html)?;
                prop_assert!(start.elapsed() < Duration::from_secs(5));
            }
        }
    }
}
