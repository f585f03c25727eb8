//! HTML as a tree, as far as text needs it: from html5ever's tokenizer, in linear time and with a bounded depth.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, ScriptData};
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// How deep elements are nested; deeper ones are as if they were not there, their text is.
pub const MAX_DEPTH: usize = 32;

/// The tokenizer gets this much at a time, in bytes.
const PIECE_BYTES: usize = 4 * 1024;

/// How much may come without a token before reading ends, in bytes: the tokenizer compares every attribute of a tag with
/// all before it.
const MAX_SILENCE_BYTES: usize = 64 * 1024;

/// The attributes that say something.
const ATTRIBUTES: [&str; 10] =
    ["href", "sgid", "content-type", "filename", "caption", "url", "src", "start", "data-language", "alt"];

/// Elements that begin a line of their own.
const BLOCKS: [&str; 24] = [
    "address",
    "article",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// A piece of a text.
pub enum Node {
    /// Words, without entities.
    Text(String),
    /// An element.
    Element(Element),
}

/// An element with its content.
#[derive(Default)]
pub struct Element {
    name: String,
    attributes: Vec<(&'static str, String)>,
    /// Its child nodes.
    pub children: Vec<Node>,
}

impl Element {
    /// The name of its tag.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it begins a line of its own.
    pub fn is_block(&self) -> bool {
        BLOCKS.binary_search(&self.name.as_str()).is_ok()
    }

    /// One of its attributes, if it has it and it is not blank.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
    }

    /// All its text, with line breaks.
    pub fn text(&self) -> String {
        fn collect(element: &Element, text: &mut String) {
            for child in &element.children {
                match child {
                    Node::Text(words) => text.push_str(words),
                    Node::Element(element) if element.name == "br" => text.push('\n'),
                    Node::Element(element) => collect(element, text),
                }
            }
        }
        let mut text = String::new();
        collect(self, &mut text);
        text
    }
}

/// Parses a fragment of HTML. Returns an element around it.
pub fn parse(html: &str) -> Element {
    let tokenizer = Tokenizer::new(Builder::default(), TokenizerOpts::default());
    let mut silence = 0;
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        let tokens = tokenizer.sink.token_count.get();
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(piece));
        let _ = tokenizer.feed(&input);
        silence = if tokenizer.sink.token_count.get() == tokens { silence + piece.len() } else { 0 };
        if silence > MAX_SILENCE_BYTES {
            rest = "";
        }
    }
    if silence == 0 {
        tokenizer.end();
    }
    tokenizer.sink.finish()
}

#[derive(Default)]
struct Builder {
    /// The elements that are open, the outermost first.
    open: RefCell<Vec<Element>>,
    root: RefCell<Element>,
    token_count: Cell<u64>,
    is_hidden: Cell<bool>,
}

impl Builder {
    fn push(&self, node: Node) {
        let mut open = self.open.borrow_mut();
        let mut root = self.root.borrow_mut();
        let children = open.last_mut().map_or(&mut root.children, |parent| &mut parent.children);
        match (children.last_mut(), node) {
            (Some(Node::Text(before)), Node::Text(text)) => before.push_str(&text),
            (_, node) => children.push(node),
        }
    }

    fn close_last(&self) {
        let closed = self.open.borrow_mut().pop();
        if let Some(element) = closed {
            self.push(Node::Element(element));
        }
    }

    fn start(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        match name {
            "script" => {
                self.is_hidden.set(true);
                return TokenSinkResult::RawData(ScriptData);
            }
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                self.is_hidden.set(true);
                return TokenSinkResult::RawData(Rawtext);
            }
            _ => {}
        }
        let known = |attribute: &html5ever::Attribute| {
            let name = ATTRIBUTES.iter().find(|name| **name == &*attribute.name.local)?;
            Some((*name, attribute.value.to_string()))
        };
        let element = Element {
            name: name.to_owned(),
            attributes: tag.attrs.iter().filter_map(known).collect(),
            children: Vec::new(),
        };
        let is_empty = matches!(name, "br" | "hr" | "img" | "input" | "wbr" | "meta" | "link") || tag.self_closing;
        if is_empty {
            self.push(Node::Element(element));
            return TokenSinkResult::Continue;
        }
        if name == "li" && self.open.borrow().last().is_some_and(|open| open.name == "li") {
            self.close_last();
        }
        if self.open.borrow().len() < MAX_DEPTH {
            self.open.borrow_mut().push(element);
        }
        TokenSinkResult::Continue
    }

    fn end(&self, name: &str) {
        self.is_hidden.set(false);
        let Some(at) = self.open.borrow().iter().rposition(|open| open.name == name) else { return };
        while self.open.borrow().len() > at {
            self.close_last();
        }
    }

    fn finish(&self) -> Element {
        while !self.open.borrow().is_empty() {
            self.close_last();
        }
        self.root.take()
    }
}

impl TokenSink for Builder {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        self.token_count.set(self.token_count.get() + 1);
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return self.start(&tag),
            Token::TagToken(tag) => self.end(&tag.name),
            Token::CharacterTokens(text) if !self.is_hidden.get() => self.push(Node::Text(text.to_string())),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
