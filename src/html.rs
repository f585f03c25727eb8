//! Building HTML as a string, for both targets.
//!
//! Markup is a `&'static str`, so it can only come from the source code; text from anywhere else is escaped. The one way
//! around this is [`HtmlWriter::raw`], for HTML that is known to be safe.
//!
//! ```
//! use campfire::html::HtmlWriter;
//!
//! let mut html = HtmlWriter::new();
//! html.markup(r#"<a href="/users/"#).number(7).markup(r#"">"#).text("R&D").markup("</a>");
//! assert_eq!(html.into_string(), r#"<a href="/users/7">R&amp;D</a>"#);
//! ```

use crate::model::escape_html;

/// A fragment of HTML, written from front to back.
#[derive(Debug, Default)]
pub struct HtmlWriter {
    html: String,
}

impl HtmlWriter {
    /// An empty fragment.
    #[must_use]
    pub const fn new() -> Self {
        Self { html: String::new() }
    }

    /// An empty fragment with room for `bytes` bytes before it allocates again.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { html: String::with_capacity(bytes) }
    }

    /// Appends markup as written in the source code.
    #[inline]
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.raw(markup)
    }

    /// Appends text, escaped for an element's content and for an attribute value in quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.raw(&escape_html(text))
    }

    /// Appends a whole number in decimal digits: an id or a count.
    #[inline]
    pub fn number(&mut self, number: i64) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number))
    }

    /// Appends HTML without escaping it: a sanitised body, or the result of another writer.
    #[inline]
    pub fn raw(&mut self, html: &str) -> &mut Self {
        self.html.push_str(html);
        self
    }

    /// The HTML written so far.
    #[must_use]
    pub fn into_string(self) -> String {
        self.html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_markup_is_not() {
        let mut html = HtmlWriter::with_capacity(64);
        html.markup("<b title=\"").text("\"><i>").markup("\">").text("O'Brien & <co>").raw("<br>").markup("</b>");
        assert_eq!(html.into_string(), "<b title=\"&quot;&gt;&lt;i&gt;\">O&#39;Brien &amp; &lt;co&gt;<br></b>");
    }

    #[test]
    fn numbers_are_written_in_decimal() {
        for number in [0, 7, 10, 1_234_567_890, -1, i64::MAX, i64::MIN] {
            let mut html = HtmlWriter::new();
            html.number(number);
            assert_eq!(html.into_string(), number.to_string());
        }
    }
}
