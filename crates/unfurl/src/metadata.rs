//! Title, description, picture and address of a page.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::{Rawtext, Rcdata, ScriptData};
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use url::Url;

use crate::charset::decode;
use crate::text::{MAX_DESCRIPTION_CHARS, MAX_TITLE_CHARS, plain};

/// How much of a page is read, in bytes. Metadata is in the head.
pub const MAX_SCANNED_BYTES: usize = 512 * 1024;

/// The tokenizer gets this much at a time, in bytes.
const PIECE_BYTES: usize = 4 * 1024;

/// How much may come without a token before reading ends, in bytes: a single tag, or a comment. The tokenizer compares
/// every attribute of a tag with all before it, so that a tag of a hundred thousand attributes would cost minutes.
const MAX_SILENCE_BYTES: usize = 32 * 1024;

/// How much may come without a token in total, in bytes.
const MAX_TOTAL_SILENCE_BYTES: usize = 4 * MAX_SILENCE_BYTES;

/// Maximum length of a value that is kept, in bytes.
const MAX_VALUE_BYTES: usize = 8 * 1024;

/// What a page says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The title: plain text, not blank.
    pub title: String,
    /// The description: plain text, not blank.
    pub description: String,
    /// The canonical address, if it is an absolute http(s) URL. Whether its host is public is not known yet.
    pub url: Option<Url>,
    /// The address of a picture, if it is an absolute http(s) URL.
    pub image: Option<Url>,
}

/// Reads the metadata of `page`; `charset` is that of its content type.
///
/// Open Graph's properties come first, of several with the same name the last one. Where a page has none, its `<title>`,
/// its `<meta name="description">` and Twitter's properties take their place. A page without a title or without a
/// description has no metadata.
#[must_use]
pub fn read(page: &[u8], charset: Option<&str>) -> Option<Page> {
    let text = decode(&page[..page.len().min(MAX_SCANNED_BYTES)], charset);
    let found = scan(&text[..text.floor_char_boundary(MAX_SCANNED_BYTES)]);
    let text =
        |values: &[Property], max_chars| values.iter().find_map(|property| plain(found.get(*property), max_chars));
    let address = |values: &[Property]| {
        // The first property that is there decides: a relative one means that there is none.
        let value = values.iter().map(|property| found.get(*property)).find(|value| !value.is_empty())?;
        Url::parse(value.trim()).ok().filter(is_web)
    };
    Some(Page {
        title: text(&[Property::OgTitle, Property::TwitterTitle, Property::Title], MAX_TITLE_CHARS)?,
        description: text(
            &[Property::OgDescription, Property::Description, Property::TwitterDescription],
            MAX_DESCRIPTION_CHARS,
        )?,
        url: address(&[Property::OgUrl]),
        image: address(&[Property::OgImage, Property::OgImageUrl, Property::TwitterImage]),
    })
}

/// Whether a URL is an absolute http(s) one without a password.
fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty() && url.password().is_none()
}

/// Tokenises a page and collects its properties.
fn scan(text: &str) -> Found {
    let tokenizer = Tokenizer::new(Collector::default(), TokenizerOpts::default());
    let (mut silence, mut total_silence) = (0, 0);
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        let tokens = tokenizer.sink.tokens.get();
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(piece));
        let _ = tokenizer.feed(&input);
        if tokenizer.sink.tokens.get() == tokens {
            silence += piece.len();
            total_silence += piece.len();
            if silence > MAX_SILENCE_BYTES || total_silence > MAX_TOTAL_SILENCE_BYTES {
                break;
            }
        } else {
            silence = 0;
        }
    }
    // Not ended: what is unfinished is not there.
    tokenizer.sink.found.take()
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    OgTitle,
    OgDescription,
    OgUrl,
    OgImage,
    OgImageUrl,
    TwitterTitle,
    TwitterDescription,
    TwitterImage,
    Description,
    Title,
}

/// The names of properties in `<meta>`, in lower case.
const NAMES: [(&str, Property); 12] = [
    ("og:title", Property::OgTitle),
    ("og:description", Property::OgDescription),
    ("og:url", Property::OgUrl),
    ("og:image", Property::OgImage),
    ("og:image:url", Property::OgImageUrl),
    ("og:image:secure_url", Property::OgImageUrl),
    ("twitter:title", Property::TwitterTitle),
    ("twitter:description", Property::TwitterDescription),
    ("twitter:image", Property::TwitterImage),
    ("twitter:image:src", Property::TwitterImage),
    ("description", Property::Description),
    ("dc.description", Property::Description),
];

/// The values found so far, by property; empty if there is none.
#[derive(Debug, Default)]
struct Found([String; 10]);

impl Found {
    fn get(&self, property: Property) -> &str {
        &self.0[property as usize]
    }

    fn set(&mut self, property: Property, value: &str) {
        let value = value[..value.floor_char_boundary(MAX_VALUE_BYTES)].trim();
        if !value.is_empty() {
            value.clone_into(&mut self.0[property as usize]);
        }
    }
}

/// Where the tokenizer is, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Page,
    /// The first title.
    Title,
    /// A drawing, whose elements may have titles of their own.
    Drawing,
}

/// Collects properties.
#[derive(Default)]
struct Collector {
    found: RefCell<Found>,
    title: RefCell<String>,
    within: Cell<Within>,
    tokens: Cell<u64>,
}

impl Collector {
    fn start(&self, tag: &Tag) -> TokenSinkResult<()> {
        if self.within.get() == Within::Drawing {
            return TokenSinkResult::Continue;
        }
        match &*tag.name {
            "meta" => self.meta(tag),
            "title" => {
                if self.found.borrow().get(Property::Title).is_empty() {
                    self.within.set(Within::Title);
                    self.title.borrow_mut().clear();
                }
                return TokenSinkResult::RawData(Rcdata);
            }
            "svg" if !tag.self_closing => self.within.set(Within::Drawing),
            "textarea" => return TokenSinkResult::RawData(Rcdata),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => return TokenSinkResult::RawData(Rawtext),
            "script" => return TokenSinkResult::RawData(ScriptData),
            "plaintext" => return TokenSinkResult::Plaintext,
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn end(&self, tag: &Tag) {
        match (&*tag.name, self.within.get()) {
            ("title", Within::Title) => {
                self.found.borrow_mut().set(Property::Title, &self.title.borrow());
                self.within.set(Within::Page);
            }
            ("svg", Within::Drawing) => self.within.set(Within::Page),
            _ => {}
        }
    }

    fn meta(&self, tag: &Tag) {
        let attribute = |name: &str| tag.attrs.iter().find(|attribute| &*attribute.name.local == name);
        let Some(content) = attribute("content") else { return };
        let property = ["property", "name"].iter().find_map(|name| {
            let value = attribute(name)?.value.trim().to_ascii_lowercase();
            NAMES.iter().find(|(name, _)| *name == value).map(|(_, property)| *property)
        });
        if let Some(property) = property {
            self.found.borrow_mut().set(property, &content.value);
        }
    }
}

impl TokenSink for Collector {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => self.start(&tag),
            Token::TagToken(tag) => {
                self.end(&tag);
                TokenSinkResult::Continue
            }
            Token::CharacterTokens(text) => {
                if self.within.get() == Within::Title && self.title.borrow().len() < MAX_VALUE_BYTES {
                    self.title.borrow_mut().push_str(&text);
                }
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}
