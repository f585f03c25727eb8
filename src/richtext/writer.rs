//! The elements of a body as HTML.

use super::mentions::Mention;
use super::renderer::Content;
use super::scripts::Direction;
use super::{code, placeholders};
use crate::html::HtmlWriter;

/// A body whose HTML would be longer is shown as typed.
pub(super) const MAX_HTML_BYTES: usize = 64 * 1_024;

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// An element begins; a block with the direction of its words, if it has any.
    Open(Element, Option<Direction>),
    /// The innermost element ends.
    Close,
    Text(String),
    Break,
    Rule,
    /// Code within a line.
    Code(String),
    CodeBlock {
        /// Empty when not given.
        language: String,
        code: String,
    },
    Mention(Mention),
}

/// An element with content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Paragraph,
    /// A paragraph with line breaks and blanks as they were typed.
    Typed,
    Heading(u8),
    Quote,
    List {
        /// The number of the first item, in a list with numbers.
        first: Option<u64>,
        /// The numbers have a parenthesis after them.
        has_parens: bool,
    },
    /// An item of a list, with its number where that does not follow from the one before.
    Item(Option<u64>),
    Table,
    TableHead,
    TableRow,
    Cell,
    Emphasis,
    Strong,
    Strikethrough,
    Link(String),
}

/// HTML that has not been sanitised and contains placeholders.
pub(super) struct UnsafeHtml {
    pub html: String,
    /// The HTML of highlighted code blocks, by the index in their placeholders.
    pub highlighted: Vec<String>,
}

/// Writes a body. `has_colours` says whether code is highlighted.
pub(super) fn write_html(content: &Content, has_colours: bool) -> UnsafeHtml {
    let mut writer = Writer {
        content,
        has_colours,
        html: HtmlWriter::with_capacity(content.text.len() * 3 / 2 + 64),
        at_line_start: true,
        is_in_head: false,
        open: Vec::new(),
        highlighted: Vec::new(),
        highlighted_bytes: 0,
    };
    content.nodes.iter().for_each(|node| writer.push(node));
    UnsafeHtml { html: writer.html.into_string(), highlighted: writer.highlighted }
}

/// Appends text, escaped for an element's content, as the sanitiser does it: quotes stay as they are.
fn push_text<'h>(html: &'h mut HtmlWriter, text: &str) -> &'h mut HtmlWriter {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>']) {
        html.raw(&rest[..at]);
        html.markup(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            _ => "&gt;",
        });
        rest = &rest[at + 1..];
    }
    html.raw(rest)
}

struct Writer<'c> {
    content: &'c Content,
    has_colours: bool,
    html: HtmlWriter,
    at_line_start: bool,
    is_in_head: bool,
    /// The end tags of the open elements, each with its direction.
    open: Vec<(&'static str, Direction)>,
    highlighted: Vec<String>,
    /// How many bytes of code have been highlighted, to bound the length of the HTML.
    highlighted_bytes: usize,
}

impl Writer<'_> {
    fn push(&mut self, node: &Node) {
        match node {
            Node::Open(element, direction) => self.open(element, *direction),
            Node::Close => self.close(),
            Node::Text(text) => self.inline(|html| push_text(html, text)),
            Node::Code(code) => self.inline(|html| push_text(html.markup("<code>"), code).markup("</code>")),
            Node::Mention(Mention { user_id, name }) => {
                self.inline(|html| html.text(&placeholders::mention(*user_id, name)))
            }
            Node::Break => {
                self.html.markup("<br>\n");
                self.at_line_start = true;
            }
            Node::Rule => {
                self.start_line();
                self.html.markup("<hr>\n");
            }
            Node::CodeBlock { language, code } => self.push_code_block(language, code),
        }
    }

    fn inline(&mut self, write: impl FnOnce(&mut HtmlWriter) -> &mut HtmlWriter) {
        write(&mut self.html);
        self.at_line_start = false;
    }

    fn open(&mut self, element: &Element, direction: Option<Direction>) {
        let is_block = !matches!(
            element,
            Element::TableHead
                | Element::TableRow
                | Element::Cell
                | Element::Emphasis
                | Element::Strong
                | Element::Strikethrough
                | Element::Link(_)
        );
        if is_block {
            self.start_line();
        }
        let end_tag = self.write_tag(element);
        let inherited = self.open.last().map(|(_, direction)| *direction);
        let has_direction = is_block || *element == Element::Cell;
        let direction = direction
            .filter(|_| has_direction)
            .or(inherited)
            .or(self.content.direction)
            .unwrap_or(Direction::LeftToRight);
        if self.content.has_right_to_left && has_direction && Some(direction) != inherited {
            self.push_direction(direction);
        }
        match element {
            Element::TableHead => self.html.markup("><tr>"),
            Element::Quote | Element::List { .. } => self.html.markup(">\n"),
            _ => self.html.markup(">"),
        };
        self.at_line_start = matches!(element, Element::Quote | Element::List { .. });
        self.open.push((end_tag, direction));
    }

    fn push_direction(&mut self, direction: Direction) {
        self.html.markup(r#" dir=""#).markup(direction.word()).markup("\"");
    }

    /// Writes a start tag without its `>`. Returns the end tag, with the line break after it.
    fn write_tag(&mut self, element: &Element) -> &'static str {
        let html = &mut self.html;
        let (start_tag, end_tag) = match element {
            Element::Paragraph => ("<p", "</p>\n"),
            Element::Typed => (r#"<p class="typed""#, "</p>\n"),
            Element::Heading(3) => ("<h3", "</h3>\n"),
            Element::Heading(4) => ("<h4", "</h4>\n"),
            Element::Heading(_) => ("<h5", "</h5>\n"),
            Element::Quote => ("<blockquote", "</blockquote>\n"),
            Element::List { first: None, .. } => ("<ul", "</ul>\n"),
            Element::List { first: Some(_), .. } => ("<ol", "</ol>\n"),
            Element::Item(_) => ("<li", "</li>\n"),
            Element::Table => ("<table", "</tbody></table>\n"),
            Element::TableHead => ("<thead", "</tr></thead><tbody>\n"),
            Element::TableRow => ("<tr", "</tr>\n"),
            Element::Cell if self.is_in_head => ("<th", "</th>"),
            Element::Cell => ("<td", "</td>"),
            Element::Emphasis => ("<em", "</em>"),
            Element::Strong => ("<strong", "</strong>"),
            Element::Strikethrough => ("<del", "</del>"),
            Element::Link(_) => ("<a", "</a>"),
        };
        html.markup(start_tag);
        match element {
            Element::List { first: Some(first), has_parens } => {
                if *first != 1 {
                    html.markup(r#" start=""#).raw(&first.to_string()).markup("\"");
                }
                if *has_parens {
                    html.markup(r#" class="parens""#);
                }
            }
            Element::Item(Some(number)) => {
                html.markup(r#" value=""#).raw(&number.to_string()).markup("\"");
            }
            Element::Link(destination) => {
                html.markup(r#" href=""#).text(destination).markup("\"");
            }
            Element::TableHead => self.is_in_head = true,
            _ => {}
        }
        end_tag
    }

    fn close(&mut self) {
        let Some((end_tag, _)) = self.open.pop() else { return };
        if end_tag.starts_with("</tr></thead>") {
            self.is_in_head = false;
        }
        self.html.markup(end_tag);
        self.at_line_start = end_tag.ends_with('\n');
    }

    /// Writes a code block: highlighted if its language is offered, else as text.
    fn push_code_block(&mut self, language: &str, code: &str) {
        self.start_line();
        self.html.markup("<pre");
        if self.content.has_right_to_left {
            self.push_direction(Direction::LeftToRight);
        }
        self.html.markup("><code");
        if !language.is_empty() {
            self.html.markup(r#" class="language-"#).text(language).markup("\"");
        }
        self.html.markup(">");
        let may_highlight = self.has_colours && self.highlighted_bytes + code.len() <= code::MAX_HIGHLIGHTED_BYTES;
        match may_highlight.then(|| code::highlight(language, code)).flatten() {
            Some(html) => {
                self.highlighted_bytes += code.len();
                self.html.text(&placeholders::code(self.highlighted.len()));
                self.highlighted.push(html);
            }
            None => {
                push_text(&mut self.html, code);
            }
        }
        self.html.markup("</code></pre>\n");
        self.at_line_start = true;
    }

    fn start_line(&mut self) {
        if !self.at_line_start {
            self.html.markup("\n");
            self.at_line_start = true;
        }
    }
}
