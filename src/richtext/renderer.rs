//! The first filter: Markdown parser events in, the elements of a body and its plain text out.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use super::code;
use super::links::{self, Destination};
use super::mentions::Mention;
use super::prepare::{Piece, Prepared, SpanKind};
use super::scripts::{Direction, is_right_to_left};
use super::writer::{Element, MAX_HTML_BYTES, Node};
use crate::model::{MAX_LINK_PREVIEWS, is_blank};

/// How many elements deep markup may nest; text that is nested deeper loses its markup. Browsers limit nesting to 512
/// levels, and the time that an HTML parser takes grows with the square of the depth.
pub(super) const MAX_DEPTH: usize = 16;

/// How many nodes a body may have. Its HTML has a byte for each at least, so that more would be too long anyway.
const MAX_NODES: usize = MAX_HTML_BYTES;

/// The longest link that a preview is made of, in bytes.
const MAX_LINK_BYTES: usize = 2_048;

/// The content of a body.
#[derive(Default)]
pub(super) struct Content {
    pub nodes: Vec<Node>,
    /// The text without markup.
    pub text: String,
    /// A mention for every link to a user, with repetitions.
    pub mentions: Vec<Mention>,
    /// The first links to web pages outside of quotes, each once.
    pub links: Vec<String>,
    /// The body contains a link.
    pub has_link: bool,
    /// The body contains a code block or inline code.
    pub has_code: bool,
    /// The body contains a letter of a script that is written from right to left.
    pub has_right_to_left: bool,
    /// The direction of the body as a whole.
    pub direction: Option<Direction>,
    /// The body has too many parts to be shown with its markup. `nodes` is not complete.
    pub is_too_long: bool,
}

/// Renders prepared Markdown.
pub(super) fn render_markdown(prepared: &Prepared) -> Content {
    let options = Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES;
    let mut renderer = Renderer::new(prepared);
    for (event, range) in TextMergeWithOffset::new(Parser::new_ext(&prepared.markdown, options).into_offset_iter()) {
        renderer.handle_event(event, range.start, range.end);
        if renderer.content.nodes.len() > MAX_NODES {
            renderer.content.is_too_long = true;
            break;
        }
    }
    renderer.finish()
}

/// Renders a prepared source as it was typed, with links and mentions.
pub(super) fn render_typed(prepared: &Prepared) -> Content {
    let mut renderer = Renderer::new(prepared);
    renderer.open(Some(Element::Typed), 0, Role::Block);
    renderer.push_pieces(&prepared.markdown);
    renderer.finish()
}

/// Collects the nodes, and the plain text beside them.
struct Renderer<'p> {
    prepared: &'p Prepared,
    content: Content,
    /// The elements that are open; the first one stands for the body.
    frames: Vec<Frame>,
    /// How many of the open elements are in the output.
    depth: usize,
    link_depth: usize,
    quote_depth: usize,
    /// The number that the next item of each open list has by itself; `None` for a list without numbers.
    next_numbers: Vec<Option<u64>>,
    table: Table,
    code_block: Option<CodeBlock>,
}

/// An open element.
struct Frame {
    /// Its place among the nodes, whether or not it is in the output.
    node: usize,
    is_output: bool,
    role: Role,
    /// Where it begins in the prepared Markdown.
    start: usize,
    /// Where its text begins.
    text_start: usize,
    has_visible: bool,
    /// The direction of its words, without those of links and names.
    own_direction: Option<Direction>,
    /// The direction of the words of links, and of names.
    linked_direction: Option<Direction>,
}

/// What is special about an element.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    Body,
    Inline,
    Link {
        destination: Destination,
        title: String,
    },
    Block,
    /// A block that is shown as typed if there is nothing in it.
    Fillable,
    Quote,
    List,
    Cell,
}

/// The table that is open.
#[derive(Default)]
struct Table {
    column_count: usize,
    cell_count: usize,
    row_end: usize,
}

/// A code block that is open.
struct CodeBlock {
    /// Empty when not given.
    language: String,
    code: String,
}

impl<'p> Renderer<'p> {
    fn new(prepared: &'p Prepared) -> Self {
        let mut renderer = Self {
            prepared,
            content: Content::default(),
            frames: Vec::new(),
            depth: 0,
            link_depth: 0,
            quote_depth: 0,
            next_numbers: Vec::new(),
            table: Table::default(),
            code_block: None,
        };
        renderer.open(None, 0, Role::Body);
        renderer
    }

    fn finish(mut self) -> Content {
        let end = self.prepared.markdown.len();
        while self.frames.len() > 1 {
            self.close(end);
        }
        let body = &self.frames[0];
        self.content.direction = body.own_direction.or(body.linked_direction);
        self.content
    }

    fn handle_event(&mut self, event: Event<'_>, start: usize, end: usize) {
        match event {
            Event::Start(tag) => self.open_tag(tag, start, end),
            Event::End(end_tag) => self.close_tag(end_tag, end),
            Event::Text(text) => match &mut self.code_block {
                Some(block) => block.code.push_str(&self.prepared.restore(&text)),
                None => self.push_pieces(&text),
            },
            // Raw HTML in the source is text; the preparation leaves hardly any.
            Event::Html(text) | Event::InlineHtml(text) => self.push_pieces(&text),
            Event::Code(code) => {
                let code = self.prepared.restore(&code).into_owned();
                self.content.has_code = true;
                self.content.text.push_str(&code);
                self.mark_visible(&code);
                self.push(Node::Code(code));
            }
            Event::SoftBreak | Event::HardBreak => {
                self.content.text.push('\n');
                self.push(Node::Break);
            }
            Event::Rule => {
                self.top().has_visible = true;
                self.push(Node::Rule);
            }
            Event::InlineMath(_) | Event::DisplayMath(_) | Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn open_tag(&mut self, tag: Tag<'_>, start: usize, end: usize) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.open(Some(Element::Paragraph), start, Role::Block),
            Tag::Heading { level, .. } => self.open(Some(Element::Heading(level_shown(level))), start, Role::Fillable),
            Tag::BlockQuote(_) => {
                self.quote_depth += 1;
                self.open(Some(Element::Quote), start, Role::Quote);
            }
            Tag::CodeBlock(kind) => {
                let info = match &kind {
                    CodeBlockKind::Fenced(info) => self.prepared.restore(info).trim().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                // Words on the line of the fence that are no name of a language are the first line of the code.
                let language = code::language(&info);
                let code = if language.is_none() && !info.is_empty() { info + "\n" } else { String::new() };
                self.open(None, start, Role::Fillable);
                self.code_block = Some(CodeBlock { language: language.unwrap_or_default(), code });
            }
            Tag::List(first) => {
                let typed = self.typed_number(start);
                let has_parens = first.is_some() && typed.is_some_and(|(_, sign)| sign == ')');
                self.next_numbers.push(first);
                self.open(Some(Element::List { first, has_parens }), start, Role::List);
            }
            Tag::Item => {
                let number = self.typed_number(start).map(|(number, _)| number);
                let mut changed = None;
                if let Some(Some(next)) = self.next_numbers.last_mut() {
                    changed = number.filter(|number| number != next);
                    *next = number.unwrap_or(*next) + 1;
                }
                self.open(Some(Element::Item(changed)), start, Role::Block);
            }
            Tag::Table(alignments) => {
                self.table = Table { column_count: alignments.len(), ..Table::default() };
                self.open(Some(Element::Table), start, Role::Block);
            }
            Tag::TableHead => {
                (self.table.cell_count, self.table.row_end) = (0, start);
                self.open(Some(Element::TableHead), start, Role::Block);
            }
            Tag::TableRow => {
                (self.table.cell_count, self.table.row_end) = (0, end);
                self.open(Some(Element::TableRow), start, Role::Block);
            }
            Tag::TableCell => {
                self.table.cell_count += 1;
                self.open(Some(Element::Cell), start, Role::Cell);
            }
            Tag::Emphasis => self.open(Some(Element::Emphasis), start, Role::Inline),
            Tag::Strong => self.open(Some(Element::Strong), start, Role::Inline),
            Tag::Strikethrough => self.open(Some(Element::Strikethrough), start, Role::Inline),
            // An image from another host would send it the address of every reader, so images become links.
            Tag::Link { dest_url, title, .. } | Tag::Image { dest_url, title, .. } => {
                let destination = Destination::of(&self.prepared.restore(&dest_url));
                let element = match &destination {
                    Destination::Safe(url) if self.link_depth == 0 => Some(Element::Link(url.clone())),
                    _ => None,
                };
                self.link_depth += 1;
                if let Some(Element::Link(url)) = &element {
                    self.note_link(url);
                }
                let title = self.prepared.restore(&title).into_owned();
                self.open(element, start, Role::Link { destination, title });
            }
            _ => self.open(None, start, Role::Inline),
        }
    }

    fn close_tag(&mut self, tag: TagEnd, end: usize) {
        match tag {
            TagEnd::CodeBlock => self.push_code_block(),
            TagEnd::TableCell if self.table.cell_count == self.table.column_count => {
                // Cells beyond those of the first row would be dropped.
                let rest = self.prepared.markdown.get(end..self.table.row_end).unwrap_or_default();
                let rest = rest.trim_matches(|c: char| c.is_whitespace() || c == '|');
                if !rest.is_empty() {
                    self.push_pieces(&format!(" | {rest}"));
                }
            }
            _ => {}
        }
        self.close(end);
    }

    /// Opens an element; one without `element` is not in the output, and neither is one that is too deep.
    fn open(&mut self, element: Option<Element>, start: usize, role: Role) {
        if !matches!(role, Role::Body | Role::Inline | Role::Link { .. } | Role::Cell) {
            self.start_line();
        }
        let node = self.content.nodes.len();
        let is_output = element.is_some() && self.depth < MAX_DEPTH;
        if let Some(element) = element.filter(|_| is_output) {
            self.depth += 1;
            self.push(Node::Open(element, None));
        }
        let text_start = self.content.text.len();
        let frame = Frame {
            node,
            is_output,
            role,
            start,
            text_start,
            has_visible: false,
            own_direction: None,
            linked_direction: None,
        };
        self.frames.push(frame);
    }

    /// Closes the innermost element, which ends here in the prepared Markdown.
    fn close(&mut self, end: usize) {
        let Some(mut frame) = self.frames.pop() else { return };
        if frame.is_output {
            self.depth -= 1;
        }
        match frame.role {
            Role::Link { .. } => self.link_depth -= 1,
            Role::Quote => self.quote_depth -= 1,
            Role::List => drop(self.next_numbers.pop()),
            _ => {}
        }
        // `handlers[name](event)` is no link either.
        let is_typed = match &frame.role {
            Role::Link { destination: Destination::Other, .. } => true,
            Role::Link { .. } | Role::Fillable | Role::Quote => !frame.has_visible,
            _ => false,
        };
        if is_typed {
            self.content.nodes.truncate(frame.node);
            self.content.text.truncate(frame.text_start);
            self.push_typed(&mut frame, end);
        } else {
            if let Role::Link { destination: Destination::Safe(url), title } = &frame.role {
                let words = self.content.text.get(frame.text_start..).unwrap_or_default();
                let searchable = links::searchable(url, title, words);
                self.content.text.push_str(&searchable);
            }
            if frame.is_output {
                if let Some(Node::Open(_, direction)) = self.content.nodes.get_mut(frame.node) {
                    *direction = frame.own_direction.or(frame.linked_direction);
                }
                self.push(Node::Close);
            }
        }
        match frame.role {
            Role::Cell => self.content.text.push('\t'),
            Role::Body | Role::Inline | Role::Link { .. } => {}
            _ => self.start_line(),
        }
        let is_link = matches!(frame.role, Role::Link { .. });
        let top = self.top();
        top.has_visible |= frame.has_visible;
        let (own, linked) = if is_link {
            (None, frame.own_direction.or(frame.linked_direction))
        } else {
            (frame.own_direction, frame.linked_direction)
        };
        top.own_direction = top.own_direction.or(own);
        top.linked_direction = top.linked_direction.or(linked);
    }

    /// Pushes what was typed for an element in which there is nothing to see.
    fn push_typed(&mut self, frame: &mut Frame, end: usize) {
        let prepared = self.prepared;
        let typed = prepared.markdown.get(frame.start..end).unwrap_or_default().trim();
        let is_block = !matches!(frame.role, Role::Link { .. });
        if is_block {
            self.open(Some(Element::Paragraph), frame.start, Role::Block);
        }
        for (index, line) in typed.lines().enumerate() {
            if index > 0 {
                self.content.text.push('\n');
                self.push(Node::Break);
            }
            self.push_pieces(line);
        }
        if is_block {
            self.close(end);
        }
        frame.has_visible = true;
    }

    /// Pushes the code block that ends. It is empty or has a line break at its end.
    fn push_code_block(&mut self) {
        let Some(CodeBlock { language, code }) = self.code_block.take() else { return };
        if is_blank(&code) {
            return;
        }
        self.content.has_code = true;
        self.content.text.push_str(&code);
        self.mark_visible(&code);
        let is_output = self.depth < MAX_DEPTH;
        self.push(if is_output { Node::CodeBlock { language, code } } else { Node::Text(code) });
    }

    /// Pushes prepared text, with links for addresses and mentions. In a quote names stay text: the quoted message has
    /// already notified them.
    fn push_pieces(&mut self, text: &str) {
        let prepared = self.prepared;
        for piece in prepared.pieces(text) {
            match piece {
                Piece::Text(text) => {
                    self.content.text.push_str(&text);
                    self.mark_visible(&text);
                    if let Some(direction) = Direction::of(&text) {
                        self.top().own_direction.get_or_insert(direction);
                    }
                    self.push(Node::Text(text));
                }
                Piece::Span(span) => {
                    self.content.text.push_str(&span.typed);
                    self.mark_visible(&span.typed);
                    if let Some(direction) = Direction::of(&span.typed) {
                        self.top().linked_direction.get_or_insert(direction);
                    }
                    match &span.kind {
                        SpanKind::Address(destination) if self.link_depth == 0 => {
                            self.note_link(destination);
                            self.push(Node::Open(Element::Link(destination.clone()), None));
                            self.push(Node::Text(span.typed.clone()));
                            self.push(Node::Close);
                        }
                        SpanKind::Mention(found) if self.link_depth == 0 && self.quote_depth == 0 => {
                            for (index, user_id) in found.user_ids.iter().enumerate() {
                                if index > 0 {
                                    self.push(Node::Text(" ".to_owned()));
                                }
                                let mention = Mention { user_id: *user_id, name: found.name.clone() };
                                self.push(Node::Mention(mention.clone()));
                                self.content.mentions.push(mention);
                            }
                        }
                        SpanKind::Address(_) | SpanKind::Mention(_) => self.push(Node::Text(span.typed.clone())),
                    }
                }
            }
        }
    }

    /// Remembers that there is a link, and where it leads, if a preview may be made of it. A quoted message has its own.
    fn note_link(&mut self, url: &str) {
        self.content.has_link = true;
        let is_page = url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
        let links = &mut self.content.links;
        if is_page
            && self.quote_depth == 0
            && links.len() < MAX_LINK_PREVIEWS
            && url.len() <= MAX_LINK_BYTES
            && !links.iter().any(|known| known == url)
        {
            links.push(url.to_owned());
        }
    }

    fn push(&mut self, node: Node) {
        // What is beyond will not be shown.
        if self.content.nodes.len() <= MAX_NODES {
            self.content.nodes.push(node);
        }
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the frame of the body stays open")
    }

    fn mark_visible(&mut self, text: &str) {
        self.top().has_visible |= !is_blank(text);
        self.content.has_right_to_left |= !text.is_ascii() && text.chars().any(is_right_to_left);
    }

    /// Begins a line of the plain text, unless one has begun.
    fn start_line(&mut self) {
        if !self.content.text.is_empty() && !self.content.text.ends_with('\n') {
            self.content.text.push('\n');
        }
    }

    /// The number that was typed for the item of a list that begins here, and the sign after it.
    fn typed_number(&self, start: usize) -> Option<(u64, char)> {
        let marker = self.prepared.markdown.get(start..)?.trim_start_matches([' ', '\t']);
        let digits = marker.bytes().take_while(u8::is_ascii_digit).count();
        Some((marker[..digits].parse().ok()?, marker[digits..].chars().next()?))
    }
}

/// The level at which a heading is shown: levels 1 and 2 belong to the page.
const fn level_shown(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 3,
        HeadingLevel::H2 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Person, UserId};
    use crate::richtext::{Names, Rendered, html_of, render};

    fn rendered(source: &str) -> Rendered {
        let names = Names::new(vec![Person { id: UserId(1), name: "Bob".to_owned() }]);
        render(&source.parse().unwrap(), &names)
    }

    fn text_of(source: &str) -> String {
        rendered(source).body.text
    }

    /// What a reader sees: the text of the HTML, with line breaks.
    fn seen(source: &str) -> String {
        let html = rendered(source).body.html;
        let text: String = html.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect();
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&nbsp;", "\u{a0}")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

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
        assert_eq!(html_of("- a\n  - b"), "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>");
        assert_eq!(
            html_of("|a|b|\n|-|-|\n|1|2|"),
            "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr><td>1</td><td>2</td></tr>\n</tbody></table>"
        );
        assert_eq!(
            html_of("```rust\nlet a = 1 < 2;\n```"),
            "<pre><code class=\"language-rust\"><span class=\"hl-keyword\">let </span>a = \
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
        assert_eq!(html_of("<javascript:alert(1)>"), "<p>&lt;javascript:alert(1)&gt;</p>");
        assert!(!html_of("![x](https://a.example/pixel.gif)").contains("<img"));
        assert_eq!(html_of("```\" onclick=\"x\ncode\n```"), "<pre><code>\" onclick=\"x\ncode\n</code></pre>");
    }

    #[test]
    fn plain_text_has_no_markup_and_the_addresses_of_links() {
        assert_eq!(
            text_of("**bold** [words](https://a.example)\n\n- one\n- two"),
            "bold words (https://a.example)\none\ntwo"
        );
        assert_eq!(text_of("<b>"), "<b>");
        assert_eq!(
            text_of("[https://a.example](https://a.example) [a.example](https://a.example)"),
            "https://a.example a.example"
        );
        assert_eq!(
            text_of("![x](https://a.example/x.png) [m](mailto:ada@a.example)"),
            "x (https://a.example/x.png) m (ada@a.example)"
        );
        assert_eq!(text_of("[x](/rooms/4/@41) [y](javascript:z)"), "x y");
        assert_eq!(text_of("[x](https://a.example \"the title\")"), "x (https://a.example the title)");
        let badge = "[![badge](https://a.example/b.svg)](https://b.example)";
        assert_eq!(text_of(badge), "badge (https://a.example/b.svg) (https://b.example)");
    }

    #[test]
    fn blocks_within_blocks_are_apart_in_the_plain_text() {
        assert_eq!(text_of("- buy milk\n  - go up\n- x\n  > y\n\n  ```\n  z\n  ```"), "buy milk\ngo up\nx\ny\nz");
        assert_eq!(text_of("> a\n> - b\n>   1. c\n> # d"), "a\nb\nc\nd");
        assert_eq!(text_of("- a\n  # b\n- ---\n  c"), "a\nb\nc");
        assert_eq!(text_of("|a|b|\n|-|-|\n|1|2|\nx"), "a\tb\t\n1\t2\t\nx");
    }

    #[test]
    fn addresses_are_whole_and_mention_no_one() {
        for (source, links) in [
            ("https://a.example/_/x https://b.example/_/y", &["https://a.example/_/x", "https://b.example/_/y"][..]),
            ("https://x.example/@Bob", &["https://x.example/@Bob"]),
            ("https://a.example/*x* *https://b.example/*", &["https://a.example/*x", "https://b.example/"]),
            ("**https://a.example/~~x~~/y**", &["https://a.example/~~x~~/y"]),
            ("https://a.example/?a=1&copy=2&lt;=3", &["https://a.example/?a=1&copy=2&lt;=3"]),
            (
                "Www.a.example [::1]:3000 ftp://a.example",
                &["https://Www.a.example", "http://[::1]:3000", "ftp://a.example"],
            ),
            (
                "|https://a.example/x|b|\n|-|-|\n|`https://c.example`|https://d.example/_x_|",
                &["https://a.example/x", "https://d.example/_x_".trim_end_matches('_')],
            ),
            (
                "[words _x_](https://a.example/_x_) [y](<https://b.example/x>) [z](www.c.example)",
                &["https://a.example/_x", "https://b.example/x", "https://www.c.example"],
            ),
            ("[x](https://a.example/?b=1&amp;c=2 \"title\")", &["https://a.example/?b=1&c=2"]),
            ("- https://a.example/-\n> https://b.example/>", &["https://a.example/-", "https://b.example/"]),
            ("\"https://a.example\" <https://b.example>", &["https://a.example", "https://b.example"]),
        ] {
            let Rendered { body, mentions, .. } = rendered(source);
            let found: Vec<_> = body
                .html
                .split("href=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
                .collect();
            let expected: Vec<_> = links.iter().map(|link| (*link).to_owned()).collect();
            let is_same =
                |(found, expected): (&String, &String)| found.trim_end_matches('_') == expected.trim_end_matches('_');
            assert!(
                found.len() == expected.len() && found.iter().zip(&expected).all(is_same),
                "{source}: {}",
                body.html
            );
            assert!(mentions.is_empty(), "{source}");
            assert!(!body.html.contains("<em>x</em> *") && body.search_marks.contains("link"), "{source}");
        }
        assert_eq!(
            text_of("https://a.example/_/x https://b.example/_/y"),
            "https://a.example/_/x https://b.example/_/y"
        );
        assert_eq!(
            seen("`https://a.example/_x_` and\n\n    https://a.example/_x_"),
            "https://a.example/_x_ and\nhttps://a.example/_x_"
        );
    }

    #[test]
    fn nothing_that_was_typed_vanishes() {
        for source in [
            "[10:42]: deployed",
            "[a]: https://a.example",
            "a\n[10:42]: deployed\nb",
            "![](https://a.example/x.png)",
            "[](https://a.example)",
            "a\n\n[]()",
            "[](javascript:x)",
            "#",
            "###",
            "a\n#\nb",
            "-",
            "*",
            "+",
            "1.",
            "8)",
            ">",
            "a\n>\nb",
            "---",
            "***",
            "- -",
            "```",
            "~~~",
            "a\n```\n```\nb",
            "a\n\n>",
            "&nbsp;",
            "&#8203;",
            "&zwj;",
            "&amp;",
            "&copy;",
            "<!-- x -->",
            "<div>\nx\n</div>",
            "<?x?>",
            "<std::string>",
            "std::vector<std::string>",
            "<a@b.example>",
            "Ada <ada@a.example>",
            "<https://a.example>",
            "Hi\n--\nname",
            "Hi\n---\nname",
            "Hi\n-\nname",
            "Total\n====\n5",
            "C:\\new\\*.txt",
            "C:\\*.*",
            "\\\\server\\share\\",
            "\\d+\\.\\d+",
            "a\\\nb",
            "a \\\\ b",
            "¯\\_(ツ)_/¯",
            "\\(^o^)/",
            "\\[x\\y",
            "/\\",
            "\\",
            "o/ \\o",
            "$\\alpha_1 \\times \\beta_2$",
            "PROGRA~1 FOO~1",
            "~5 or ~6",
            "2*3*4",
            "007. James",
            "a\n10. b",
            ">_<",
            ">:(",
            ">.<",
            "* \n* ",
            "[x]: y\n[x]",
            "[^1]: z",
            "```\n",
            "1. \n2. ",
            "\u{301}",
            "[x]",
            "[x][y]",
            "handlers[name](event)",
            "[notes](notes.txt)",
            "![x](y.png)",
            "[x](/account)",
            "![x]",
            "** **",
            "__",
            "``",
            "~~~~",
            "_ _",
            "`` ``",
            "|",
            "||\n|-|",
            "| |\n|-|",
        ] {
            assert_eq!(without_space(&seen(source)), without_space(source), "{source:?}");
            assert!(!text_of(source).is_empty(), "{source:?}");
        }
        // What the browser shows otherwise: quotes, headings, cells of a table.
        for (source, shown) in [
            ("> Hi\n> --\n> name", "Hi--name"),
            ("> >", ">"),
            ("# C#", "C#"),
            ("# x #", "x#"),
            ("|a|b|\n|-|-|\n|1|2|3|4|", "ab12|3|4"),
        ] {
            assert_eq!(without_space(&seen(source)), shown, "{source:?}");
        }
    }

    fn without_space(text: &str) -> String {
        text.replace(|c: char| c.is_whitespace(), "")
    }

    #[test]
    fn escapes_show_what_they_protect() {
        for (source, shown) in [
            (r"\*not bold\*", "*not bold*"),
            (r"snake\_case", "snake_case"),
            (r"1\. x", "1. x"),
            (r"\# x", "# x"),
            (r"\- x", "- x"),
            (r"\> x", "> x"),
            (r"\`x\`", "`x`"),
            (r"\[x](https://a.example)", "[x](https://a.example)"),
            (r"\<b>", "<b>"),
            (r"\@Bob", "@Bob"),
            (r"\~~x~~", "~~x~~"),
        ] {
            assert_eq!(seen(source), shown);
        }
        assert!(rendered(r"\@Bob").mentions.is_empty());
    }

    #[test]
    fn numbers_are_those_that_were_typed() {
        assert_eq!(
            html_of("10. x\n8. y\n8. z"),
            "<ol start=\"10\">\n<li>x</li>\n<li value=\"8\">y</li>\n<li value=\"8\">z</li>\n</ol>"
        );
        assert_eq!(
            html_of("1. x\n2. y\n\nz\n\n3. w"),
            "<ol>\n<li>x</li>\n<li>y</li>\n</ol>\n<p>z</p>\n<ol start=\"3\">\n<li>w</li>\n</ol>"
        );
        assert_eq!(html_of("1) x\n1) y"), "<ol class=\"parens\">\n<li>x</li>\n<li value=\"1\">y</li>\n</ol>");
        assert_eq!(
            html_of("> 1. a\n> 5. b"),
            "<blockquote>\n<ol>\n<li>a</li>\n<li value=\"5\">b</li>\n</ol>\n</blockquote>"
        );
        assert_eq!(html_of("0. x"), "<ol start=\"0\">\n<li>x</li>\n</ol>");
        assert_eq!(html_of("007. James"), "<p>007. James</p>");
    }

    #[test]
    fn words_on_the_line_of_a_fence_are_code() {
        for (source, code) in [
            ("```for(;;)\n{\n}```", "for(;;)\n{\n}\n"),
            ("```SELECT 1\nFROM x\n```", "SELECT 1\nFROM x\n"),
            ("```hello\nworld\n```", "hello\nworld\n"),
            ("```js title=\"x\"\na\n```", "js title=\"x\"\na\n"),
            ("~~~ one two\na\n~~~", "one two\na\n"),
            ("```\na\nb```", "a\nb\n"),
            ("```rust\na\n```", "a\n"),
            ("````\n```\na\n```\n````", "```\na\n```\n"),
            ("> ```x y\n> a\n> ```", "x y\na\n"),
        ] {
            let body = rendered(source).body;
            assert!(seen(source).trim() == code.trim() && body.html.contains("<pre"), "{source:?}: {}", body.html);
            assert_eq!(body.text, code.trim(), "{source:?}");
        }
        let followed = rendered("```\na\nb```\n@Bob **look**");
        assert!(
            followed.body.html.ends_with("<strong>look</strong></p>") && followed.mentions.len() == 1,
            "{}",
            followed.body.html
        );
        let apart = rendered("```for(;;)\n{\n}```\n@Bob\n\n```rust\nx\n```");
        assert_eq!((apart.mentions.len(), apart.body.html.matches("<pre").count()), (1, 2), "{}", apart.body.html);
    }

    #[test]
    fn what_follows_a_quote_is_not_quoted() {
        for source in [
            "> quoted\n@Bob please look",
            "> a\n> b\n@Bob",
            "- > quoted\n@Bob",
            "1. > quoted\n   @Bob",
            ">quoted\n@Bob",
            "> - a\n@Bob",
            "> ```\n> x\n> ```\n@Bob",
            "> a\n2. @Bob",
            "> a\n\n@Bob",
        ] {
            let Rendered { body, mentions, .. } = rendered(source);
            assert_eq!(mentions.len(), 1, "{source:?}: {}", body.html);
            let (quote, rest) = body.html.rsplit_once("</blockquote>").unwrap();
            assert!(!quote.contains("Bob") && rest.contains("Bob"), "{source:?}: {}", body.html);
        }
        assert_eq!(
            html_of("> > a\n> b"),
            "<blockquote>\n<blockquote>\n<p>a</p>\n</blockquote>\n<p>b</p>\n</blockquote>"
        );
        assert_eq!(html_of("```\n> a\nb\n```"), "<pre><code>&gt; a\nb\n</code></pre>");
        assert_eq!(
            html_of("- > a\n- b"),
            "<ul>\n<li>\n<blockquote>\n<p>a</p>\n</blockquote>\n</li>\n<li>b</li>\n</ul>"
        );
    }

    #[test]
    fn emphasis_works_beside_punctuation_of_every_script() {
        for (source, strong) in [
            ("これは**「重要」**です", "「重要」"),
            ("**重要。**次は", "重要。"),
            ("は**\"重要\"**です", "\"重要\""),
            ("は**(重要)**です", "(重要)"),
            ("は**`x`**です", "x"),
            ("は**[x](https://a.example)**です", "x"),
            ("「**「x」**」", "「x」"),
            ("foo**「x」**bar", "「x」"),
            ("这是**“重点”**吗", "“重点”"),
            ("이것은**'중요'**입니다", "'중요'"),
            ("は**@Bob**さん", "@Bob"),
            ("は**https://a.example**を", "https://a.example"),
        ] {
            let html = rendered(source).body.html;
            let inside = html
                .split("<strong>")
                .nth(1)
                .and_then(|rest| rest.split("</strong>").next())
                .unwrap_or_else(|| panic!("{source}: {html}"));
            let text: String =
                inside.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect();
            assert_eq!(text.replace("&quot;", "\""), strong, "{source}: {html}");
        }
        assert!(html_of("は~~「x」~~です").contains("<del>「x」</del>"));
    }

    #[test]
    fn each_block_has_the_direction_of_its_own_words() {
        assert_eq!(
            html_of("abc **x**\n\n- a"),
            "<p>abc <strong>x</strong></p>\n<ul>\n<li>a</li>\n</ul>",
            "nothing to say"
        );
        assert_eq!(
            html_of("שלום\n\n```\nx\n```\n\nabc"),
            "<p dir=\"rtl\">שלום</p>\n<pre dir=\"ltr\"><code>x\n</code></pre>\n<p dir=\"ltr\">abc</p>"
        );
        for source in [
            "`npm i` שלום",
            "@Bob שלום",
            "https://a.example שלום",
            "[docs](https://a.example) שלום",
            "12: שלום abc",
            "**`x`** שלום",
            "www.a.example: مرحبا",
        ] {
            let html = rendered(source).body.html;
            assert!(html.starts_with("<p dir=\"rtl\">"), "{source}: {html}");
        }
        for source in ["[שלום](https://a.example) abc", "`שלום` abc", "abc שלום"] {
            let html = rendered(source).body.html;
            assert!(html.starts_with("<p dir=\"ltr\">"), "{source}: {html}");
        }
        assert_eq!(html_of("- שלום\n- abc"), "<ul dir=\"rtl\">\n<li>שלום</li>\n<li dir=\"ltr\">abc</li>\n</ul>");
        assert_eq!(
            html_of("> שלום\n\n12"),
            "<blockquote dir=\"rtl\">\n<p>שלום</p>\n</blockquote>\n<p dir=\"rtl\">12</p>"
        );
        assert!(html_of("[שלום](https://a.example)").starts_with("<p dir=\"rtl\">"));
    }
}
