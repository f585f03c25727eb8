//! The first filter: Markdown parser events in, the elements of a body and its plain text out.

mod frame;
#[cfg(test)]
mod tests;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeWithOffset};

use self::frame::{CodeBlock, Frame, Role, Table};
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
                let language = code::language(&info);
                // Words on the line of the fence are the first line of the code.
                let code = if code::has_words(&info) { info + "\n" } else { String::new() };
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
