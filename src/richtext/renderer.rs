//! The first filter: Markdown parser events in, allowed events and plain text out.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream, html};

use super::mentions::{Mention, Names};
use super::{code, links, placeholders};

/// How many elements deep markup may nest; text that is nested deeper loses its markup. Browsers limit nesting to 512
/// levels, and the time that an HTML parser takes grows with the square of the depth.
pub(super) const MAX_DEPTH: usize = 16;

/// A rendered Markdown source.
pub(super) struct Markdown {
    /// HTML that has not been sanitised and contains placeholders.
    pub unsafe_html: String,
    /// The text without markup.
    pub text: String,
    /// A mention for every placeholder, with repetitions.
    pub mentions: Vec<Mention>,
    /// The HTML of highlighted code blocks, by the index in their placeholders.
    pub highlighted: Vec<String>,
    /// The body contains a link.
    pub has_link: bool,
    /// The body contains a code block or inline code.
    pub has_code: bool,
}

/// Renders Markdown in which `names` can be mentioned.
pub(super) fn render_markdown(source: &str, names: &Names) -> Markdown {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut renderer = Renderer::new(names);
    for event in TextMergeStream::new(Parser::new_ext(source, options)) {
        renderer.handle_event(event);
    }
    let mut unsafe_html = String::with_capacity(source.len() * 3 / 2);
    html::push_html(&mut unsafe_html, renderer.events.into_iter());
    Markdown {
        unsafe_html,
        text: renderer.text,
        mentions: renderer.mentions,
        highlighted: renderer.highlighted,
        has_link: renderer.has_link,
        has_code: renderer.has_code,
    }
}

/// Collects allowed events, and the plain text beside them.
struct Renderer<'a> {
    names: &'a Names,
    events: Vec<Event<'a>>,
    text: String,
    mentions: Vec<Mention>,
    highlighted: Vec<String>,
    /// How many bytes of code have been highlighted, to bound the time one body takes.
    highlighted_bytes: usize,
    has_link: bool,
    has_code: bool,
    /// For each open element, whether it is in the output.
    open_tags: Vec<bool>,
    /// How many of the open elements are in the output.
    depth: usize,
    link_depth: usize,
    quote_depth: usize,
    code_block: Option<CodeBlock>,
}

/// A code block that has not ended.
struct CodeBlock {
    /// Empty when not given.
    language: String,
    code: String,
}

impl<'a> Renderer<'a> {
    fn new(names: &'a Names) -> Self {
        Self {
            names,
            events: Vec::new(),
            text: String::new(),
            mentions: Vec::new(),
            highlighted: Vec::new(),
            highlighted_bytes: 0,
            has_link: false,
            has_code: false,
            open_tags: Vec::new(),
            depth: 0,
            link_depth: 0,
            quote_depth: 0,
            code_block: None,
        }
    }

    fn handle_event(&mut self, event: Event<'a>) {
        match event {
            Event::Start(tag) => self.open_tag(tag),
            Event::End(end) => self.close_tag(end),
            Event::Text(text) => {
                let text = placeholders::strip(text);
                self.text.push_str(&text);
                match &mut self.code_block {
                    Some(block) => block.code.push_str(&text),
                    None if self.link_depth > 0 => self.events.push(Event::Text(text)),
                    None => self.push_text_with_mentions(&text),
                }
            }
            Event::Code(code) => {
                let code = placeholders::strip(code);
                self.has_code = true;
                self.text.push_str(&code);
                self.events.push(Event::Code(code));
            }
            // Raw HTML in the source is shown as text.
            Event::Html(markup) | Event::InlineHtml(markup) => {
                let markup = placeholders::strip(markup);
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

    fn open_tag(&mut self, tag: Tag<'a>) {
        let allowed = match tag {
            // An image from another host would send it the address of every reader, so images become links.
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                let is_allowed = self.link_depth == 0 && links::is_safe_url(&dest_url);
                self.link_depth += 1;
                self.has_link |= is_allowed;
                is_allowed.then(|| links::link_tag(dest_url))
            }
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => code::language(&info),
                    CodeBlockKind::Indented => String::new(),
                };
                self.has_code = true;
                self.code_block = Some(CodeBlock { language: language.clone(), code: String::new() });
                Some(Tag::CodeBlock(CodeBlockKind::Fenced(language.into())))
            }
            Tag::BlockQuote(kind) => {
                self.quote_depth += 1;
                Some(Tag::BlockQuote(kind))
            }
            Tag::Heading { level, .. } => {
                Some(Tag::Heading { level: demoted(level), id: None, classes: Vec::new(), attrs: Vec::new() })
            }
            Tag::HtmlBlock => Some(Tag::Paragraph),
            other => Some(other),
        };
        match allowed {
            Some(tag) if self.depth < MAX_DEPTH => {
                self.open_tags.push(true);
                self.depth += 1;
                self.events.push(Event::Start(tag));
            }
            _ => self.open_tags.push(false),
        }
    }

    fn close_tag(&mut self, end: TagEnd) {
        let end = match end {
            TagEnd::Link | TagEnd::Image => {
                self.link_depth -= 1;
                TagEnd::Link
            }
            TagEnd::CodeBlock => {
                self.push_code_block();
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
        if self.open_tags.pop() == Some(true) {
            self.depth -= 1;
            self.events.push(Event::End(end));
        }
    }

    /// Pushes the content of the code block that ends: highlighted if its language has a grammar, else as text.
    fn push_code_block(&mut self) {
        let Some(CodeBlock { language, code }) = self.code_block.take() else { return };
        let may_highlight =
            self.open_tags.last() == Some(&true) && self.highlighted_bytes + code.len() <= code::MAX_HIGHLIGHTED_BYTES;
        let highlighted = may_highlight.then(|| code::highlight(&language, &code)).flatten();
        match highlighted {
            Some(html) => {
                self.highlighted_bytes += code.len();
                self.events.push(Event::Text(placeholders::code(self.highlighted.len()).into()));
                self.highlighted.push(html);
            }
            None => self.events.push(Event::Text(code.into())),
        }
    }

    /// Pushes text, with its mentions replaced by placeholders. In a quote names stay text: the quoted message has
    /// already notified them.
    fn push_text_with_mentions(&mut self, text: &str) {
        let matches = if self.quote_depth == 0 { self.names.find_mentions(text) } else { Vec::new() };
        let mut start = 0;
        for found in matches {
            self.push_text_with_links(&text[start..found.range.start]);
            for (index, user_id) in found.user_ids.into_iter().enumerate() {
                if index > 0 {
                    self.events.push(Event::Text(" ".into()));
                }
                self.events.push(Event::Text(placeholders::mention(user_id, &found.name).into()));
                self.mentions.push(Mention { user_id, name: found.name.clone() });
            }
            start = found.range.end;
        }
        self.push_text_with_links(&text[start..]);
    }

    /// Pushes text, with links around URLs and email addresses.
    fn push_text_with_links(&mut self, text: &str) {
        for (text, dest_url) in links::split_at_links(text) {
            let text = Event::Text(text.to_owned().into());
            match dest_url {
                Some(dest_url) => {
                    self.has_link = true;
                    self.events.push(Event::Start(links::link_tag(dest_url.into())));
                    self.events.push(text);
                    self.events.push(Event::End(TagEnd::Link));
                }
                None => self.events.push(text),
            }
        }
    }
}

/// The level at which a heading is shown: levels 1 and 2 belong to the page.
const fn demoted(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        _ => HeadingLevel::H5,
    }
}

#[cfg(test)]
mod tests {
    use crate::richtext::{Names, html_of, render};

    #[test]
    fn markdown_becomes_html() {
        assert_eq!(
            html_of("**bold** _it_ ~~no~~ `code`"),
            "<p><strong>bold</strong> <em>it</em> <del>no</del> <code>code</code></p>"
        );
        assert_eq!(html_of("one\ntwo"), "<p>one<br>\ntwo</p>");
        assert_eq!(html_of("> said"), "<blockquote>\n<p>said</p>\n</blockquote>");
        assert_eq!(html_of("- a\n- b"), "<ul>\n<li>a</li>\n<li>b</li>\n</ul>");
        assert_eq!(html_of("# Big"), "<h3>Big</h3>");
        assert_eq!(
            html_of("```rust\nlet a = 1 < 2;\n```"),
            "<pre><code class=\"language-rust\"><span class=\"hl-keyword\">let</span> a = \
             <span class=\"hl-constant\">1 </span>&lt; <span class=\"hl-constant\">2</span>;\n</code></pre>"
        );
    }

    #[test]
    fn active_content_is_shown_as_text() {
        assert_eq!(html_of("<script>alert(1)</script>"), "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        assert_eq!(html_of("a <img src=x onerror=alert(1)> b"), "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>");
        assert_eq!(html_of("<svg onload=alert(1)>"), "<p>&lt;svg onload=alert(1)&gt;</p>");
        assert_eq!(html_of("[x](javascript:alert(1))"), "<p>x</p>");
        assert_eq!(html_of("[x](data:text/html;base64,PHN2Zz4=)"), "<p>x</p>");
        assert_eq!(html_of("<javascript:alert(1)>"), "<p>javascript:alert(1)</p>");
        assert!(!html_of("![x](https://a.example/pixel.gif)").contains("<img"));
        assert_eq!(html_of("```\" onclick=\"x\ncode\n```"), "<pre><code>code\n</code></pre>");
    }

    #[test]
    fn plain_text_has_no_markup() {
        let text = |source: &str| render(&source.parse().unwrap(), &Names::none()).body.text;
        assert_eq!(text("**bold** [words](https://a.example)\n\n- one\n- two"), "bold words\none\ntwo");
        assert_eq!(text("<b>"), "<b>");
    }
}
