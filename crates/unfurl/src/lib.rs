//! What an HTML page says about itself, for a preview of a link to it.
//!
//! [`read`] finds title, description, picture and address in the bytes of a page; [`source`] says which URL to fetch for
//! a link, if any. Nothing here does I/O.
//!
//! - A page is hostile. At most [`MAX_SCANNED_BYTES`] of its text are tokenised, by html5ever's tokenizer (no tree is
//!   built), in time linear in the length whatever the page contains.
//! - What is found becomes plain text: no tags, also none that were hidden behind entities; no control, invisible or
//!   bidirectional formatting characters; bounded in length.

mod charset;
mod metadata;
mod source;
mod text;

pub use metadata::{MAX_SCANNED_BYTES, Page, read};
pub use source::{charset, is_html, is_picture, source};
pub use text::{MAX_DESCRIPTION_CHARS, MAX_TITLE_CHARS};
