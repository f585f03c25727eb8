//! Rendering of message bodies: from Markdown to sanitised HTML, plain text and search words.
//!
//! A body is rendered once, when it is written, and stored in all its forms. Two independent filters keep a person's
//! input from becoming active content: `renderer` drops raw HTML, unsafe links and excessive nesting from the parser's
//! events, and `allow_list` sanitises the HTML made from them, whatever the first filter let through. Mentions and
//! highlighted code are generated here and inserted after sanitising; `placeholders` stand for them until then.

mod allow_list;
mod boosts;
mod code;
mod emoji;
mod links;
mod marks;
mod mentions;
mod placeholders;
mod quote;
mod renderer;
mod sounds;

pub use boosts::boosts_html;
pub use marks::mark_terms;
pub use mentions::{Mention, Names, with_current_names};
pub use quote::quote;

use crate::model::{Draft, Sound};
use crate::search::IndexedText;

/// The version of this renderer, stored with each message. Incremented when the same source would render differently.
pub const RENDER_VERSION: i64 = 2;

/// A message body in all its stored forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Markdown, as typed.
    pub source: String,
    /// Sanitised HTML, inserted into pages without further escaping.
    pub html: String,
    /// Plain text, for search.
    pub text: String,
    /// The text prepared for the full-text index; `None` where that is `text` itself.
    pub search_words: Option<String>,
    /// The same for parts of words; `None` where that is what the index of words has.
    pub search_parts: Option<String>,
    /// Index terms for the kinds of content in the body, each followed by a blank: `link `, `code `.
    pub search_marks: String,
    /// The [`RENDER_VERSION`] that produced `html` and `text`.
    pub render_version: i64,
}

/// The result of rendering a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The body in all its forms.
    pub body: Body,
    /// The users it mentions, ordered by id, each once.
    pub mentions: Vec<Mention>,
}

/// Renders a draft in which `names` can be mentioned.
///
/// Takes a few hundred microseconds in a release build. The worst known bodies of the maximum length stay under 50 ms,
/// except for highlighted code, which can take longer.
#[must_use]
pub fn render(draft: &Draft, names: &Names) -> Rendered {
    let source = draft.as_str();
    if let Some(sound) = Sound::asked_for(source) {
        let body = Body::new(source, sounds::sound_html(sound), source.to_owned(), String::new());
        return Rendered { body, mentions: Vec::new() };
    }
    let markdown = renderer::render_markdown(source, names);
    let text = markdown.text.trim().to_owned();
    let html = if emoji::is_emoji_only(&text) && !markdown.has_link && !markdown.has_code {
        emoji::emoji_only_html(&text)
    } else {
        let clean_html = links::remove_external_attributes(&allow_list::sanitize(&markdown.unsafe_html));
        placeholders::fill(clean_html.trim_end(), &markdown.highlighted)
    };
    let mut search_marks = String::new();
    if markdown.has_link {
        search_marks.push_str("link ");
    }
    if markdown.has_code {
        search_marks.push_str("code ");
    }
    let mut mentions = markdown.mentions;
    mentions.sort_by_key(|mention| mention.user_id);
    mentions.dedup_by_key(|mention| mention.user_id);
    Rendered { body: Body::new(source, html, text, search_marks), mentions }
}

impl Body {
    fn new(source: &str, html: String, text: String, search_marks: String) -> Self {
        let IndexedText { words: search_words, parts: search_parts } = IndexedText::new(&text);
        let source = source.to_owned();
        Self { source, html, text, search_words, search_parts, search_marks, render_version: RENDER_VERSION }
    }
}

/// The HTML of a body that mentions no one.
#[cfg(test)]
fn html_of(source: &str) -> String {
    render(&source.parse().unwrap(), &Names::none()).body.html
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::renderer::MAX_DEPTH;
    use super::*;
    use crate::clock;
    use crate::model::MAX_BODY_CHARS;

    #[test]
    fn search_marks_list_the_kinds_of_content() {
        let marks = |source: &str| render(&source.parse().unwrap(), &Names::none()).body.search_marks;
        assert_eq!(marks("see https://a.example"), "link ");
        assert_eq!(marks("`a` and [b](https://a.example)"), "link code ");
        assert_eq!(marks("[b](javascript:x) words"), "");
    }

    #[test]
    fn worst_case_bodies_render_in_bounded_time_and_depth() {
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

    /// The greatest nesting depth of the elements in `html`.
    fn depth(html: &str) -> usize {
        let mut depth = 0_usize;
        let mut deepest = 0;
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

    /// Every tag of `html` with its attributes, as a browser would parse them: in escaped text there is no `<`.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).collect()
    }

    /// Fails unless every element, attribute and link in `html` is one that a body may contain.
    fn assert_inert(html: &str) -> Result<(), TestCaseError> {
        for tag in tags(html) {
            let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
            prop_assert!(name == "span" || allow_list::allows_element(name), "tag {name:?} in {html:?}");
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
                prop_assert!(links::is_safe_url(url), "link to {url:?}");
            }
        }
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn input_that_resembles_markup_renders_inert(source in r#"([a-z <>"'=/:&#;!\[\]()*_`~|\-\n]|<script|<img src=x onerror=|javascript:|data:text/html,|\[x\]\(|https://a\.b|style=|on[a-z]+=|&#x6a;|\u{0}|\u{202e}){0,80}"#) {
            if let Ok(draft) = source.parse::<Draft>() {
                assert_inert(&render(&draft, &Names::none()).body.html)?;
            }
        }

        #[test]
        fn arbitrary_characters_render_inert(source in proptest::collection::vec(any::<char>(), 0..300)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                assert_inert(&render(&draft, &Names::none()).body.html)?;
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]

        #[test]
        fn random_bodies_of_the_maximum_length_render_in_bounded_time(source in proptest::collection::vec(any::<char>(), MAX_BODY_CHARS)) {
            if let Ok(draft) = source.into_iter().collect::<String>().parse::<Draft>() {
                let start = clock::monotonic();
                assert_inert(&render(&draft, &Names::none()).body.html)?;
                prop_assert!(start.elapsed() < Duration::from_secs(5));
            }
        }
    }
}
