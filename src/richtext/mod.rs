//! Rendering of message bodies: from Markdown to sanitised HTML, plain text and search words.
//!
//! A body is rendered once, when it is written, and stored in all its forms. `prepare` finds addresses and names, which
//! are no Markdown, and protects what CommonMark would swallow. Two independent filters keep a person's input from
//! becoming active content: `renderer` takes only known elements and safe links from the parser's events, up to a depth,
//! and `allow_list` sanitises the HTML that `writer` makes from them, whatever the first filter let through. Mentions and
//! highlighted code are generated here and inserted after sanitising; `placeholders` stand for them until then.
//!
//! Whatever was typed is shown: what the rendering would make invisible, or too long, is shown as typed.

mod addresses;
mod allow_list;
mod boosts;
mod code;
mod emoji;
mod excerpt;
mod extras;
mod links;
mod marks;
mod mentions;
mod pins;
mod placeholders;
mod prepare;
mod previews;
mod quote;
mod renderer;
mod reply;
mod scripts;
mod sounds;
mod threads;
mod writer;

pub use boosts::boosts_html;
pub use excerpt::excerpt;
pub use extras::extras_html;
pub use marks::mark_terms;
pub use mentions::{Mention, Names, fold_name, mention_texts, with_current_names};
pub use pins::pins_html;
pub use previews::previews_html;
pub use quote::quote;
pub use reply::{Original, reply_html};
pub use threads::{ThreadSummary, answer_link_html, thread_line_html};

use url::Url;

use self::renderer::Content;
use self::scripts::Direction;
use self::writer::{Element, MAX_HTML_BYTES, Node, UnsafeHtml};
use crate::model::{Draft, FileForm, MAX_LINK_PREVIEWS, Sound, is_blank};
use crate::search::IndexedText;

/// The version of this renderer, stored with each message. Incremented when the same source would render differently.
pub const RENDER_VERSION: i64 = 4;

/// A message body in all its stored forms.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Body {
    /// Markdown, as typed.
    #[sqlx(rename = "body_source")]
    pub source: String,
    /// Sanitised HTML, inserted into pages without further escaping.
    #[sqlx(rename = "body_html")]
    pub html: String,
    /// Plain text, for search.
    #[sqlx(rename = "body_text")]
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
    /// The first links to pages of other sites that previews can be made of, outside of quotes and code, each once.
    pub links: Vec<String>,
}

/// What is said under a body that is shown as typed because its HTML would be too long.
const SHOWN_AS_TYPED: &str = "Shown as typed: with its formatting, this message is too long.";

/// Renders a draft in which `names` can be mentioned.
///
/// Takes a few hundred microseconds in a release build. The worst known bodies of the maximum length stay under 50 ms.
#[must_use]
pub fn render(draft: &Draft, names: &Names) -> Rendered {
    let source = draft.as_str();
    if source.is_empty() {
        return Rendered {
            body: Body::new("", String::new(), String::new(), String::new()),
            mentions: Vec::new(),
            links: Vec::new(),
        };
    }
    if let Some(sound) = Sound::asked_for(source) {
        let body = Body::new(source, sounds::sound_html(sound), source.to_owned(), String::new());
        return Rendered { body, mentions: Vec::new(), links: Vec::new() };
    }
    let mut content = renderer::render_markdown(&prepare::prepare(source, names));
    if is_blank(&content.text) && !content.is_too_long {
        content = renderer::render_typed(&prepare::prepare_typed(source, names));
    }
    let html = if content.is_too_long {
        None
    } else if emoji::is_emoji_only(content.text.trim()) && !content.has_link && !content.has_code {
        Some(emoji::emoji_only_html(content.text.trim()))
    } else {
        html_of_content(&content, true).or_else(|| content.has_code.then(|| html_of_content(&content, false))?)
    };
    let html = html.unwrap_or_else(|| {
        if content.is_too_long {
            source.clone_into(&mut content.text);
        }
        sanitized(&writer::write_html(&typed_content(source), false))
    });
    let mut search_marks = String::new();
    if content.has_link {
        search_marks.push_str("link ");
    }
    if content.has_code {
        search_marks.push_str("code ");
    }
    let mut mentions = content.mentions;
    mentions.sort_by_key(|mention| mention.user_id);
    mentions.dedup_by_key(|mention| mention.user_id);
    let links = if content.is_too_long { Vec::new() } else { previewable(content.links) };
    Rendered { body: Body::new(source, html, content.text.trim().to_owned(), search_marks), mentions, links }
}

/// Those of the first links that previews can be made of.
fn previewable(links: Vec<String>) -> Vec<String> {
    let can_be_previewed = |link: &String| Url::parse(link).is_ok_and(|url| unfurl::source(&url).is_some());
    links.into_iter().take(MAX_LINK_PREVIEWS).filter(can_be_previewed).collect()
}

/// The HTML of a content; `None` if it is longer than [`MAX_HTML_BYTES`].
fn html_of_content(content: &Content, has_colours: bool) -> Option<String> {
    let written = writer::write_html(content, has_colours);
    // Sanitising takes longer than everything else, and nothing gets shorter by it.
    let highlighted_bytes: usize = written.highlighted.iter().map(String::len).sum();
    if written.html.len() + highlighted_bytes > MAX_HTML_BYTES {
        return None;
    }
    Some(sanitized(&written)).filter(|html| html.len() <= MAX_HTML_BYTES)
}

fn sanitized(written: &UnsafeHtml) -> String {
    let clean_html = links::remove_external_attributes(&allow_list::sanitize(&written.html));
    placeholders::fill(clean_html.trim_end(), &written.highlighted)
}

/// A source as it was typed, without links, and why it is shown like that.
fn typed_content(source: &str) -> Content {
    let mut content = renderer::render_typed(&prepare::prepare_typed(source, &Names::none()));
    content.nodes = vec![
        Node::Open(Element::Typed, content.direction),
        Node::Text(source.to_owned()),
        Node::Close,
        Node::Open(Element::Paragraph, Some(Direction::LeftToRight)),
        Node::Open(Element::Emphasis, None),
        Node::Text(SHOWN_AS_TYPED.to_owned()),
        Node::Close,
        Node::Close,
    ];
    content
}

impl Body {
    fn new(source: &str, html: String, text: String, search_marks: String) -> Self {
        let IndexedText { words: search_words, parts: search_parts } = IndexedText::new(&text);
        let source = source.to_owned();
        Self { source, html, text, search_words, search_parts, search_marks, render_version: RENDER_VERSION }
    }

    /// The body of a message with these files, which is also found by their names and kinds.
    #[must_use]
    pub fn beside_files<'f>(mut self, files: impl IntoIterator<Item = (&'f str, FileForm)>) -> Self {
        let mut text = self.text.clone();
        let mut has_image = false;
        let mut has_file = false;
        for (name, form) in files {
            has_file = true;
            has_image |= form == FileForm::Picture;
            // The name, and its parts: a tokenizer may take `report_2026.pdf` for one word.
            text.push('\n');
            text.push_str(name);
            text.push(' ');
            text.push_str(&name.replace(['.', '_', '-'], " "));
        }
        if has_file {
            let IndexedText { words, parts } = IndexedText::new(&text);
            // Without letters beyond ASCII, the index would take the body's text.
            self.search_words = words.or(Some(text));
            self.search_parts = parts;
            self.search_marks.push_str(if has_image { "file image " } else { "file " });
        }
        self
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
    use crate::model::{MAX_BODY_CHARS, Person, UserId};

    #[test]
    fn search_marks_list_the_kinds_of_content() {
        let marks = |source: &str| render(&source.parse().unwrap(), &Names::none()).body.search_marks;
        assert_eq!(marks("see https://a.example"), "link ");
        assert_eq!(marks("`a` and [b](https://a.example)"), "link code ");
        assert_eq!(marks("![](https://a.example)"), "link ");
        assert_eq!(marks("[b](javascript:x) words"), "");
    }

    #[test]
    fn the_first_links_outside_of_quotes_and_code_have_previews() {
        let links = |source: &str| render(&source.parse().unwrap(), &Names::none()).links;
        assert_eq!(
            links("see https://a.example/x, www.b.example and [c](http://c.example?d&e)."),
            ["https://a.example/x", "https://www.b.example", "http://c.example?d&e"]
        );
        for source in [
            "`https://a.example`",
            "```\nhttps://a.example\n```",
            "> https://a.example",
            "> > [a](https://a.example)\n>\n> — [Ada](/rooms/4/@41)",
            "mailto:ada@a.example, ada@a.example and ftp://a.example/",
            "https://a.example/picture.png",
            "[x](/rooms/4/@41)",
            "[x](javascript:alert(1))",
        ] {
            assert!(links(source).is_empty(), "{source}");
        }
        assert_eq!(links("> https://a.example\n\nand https://b.example"), ["https://b.example"]);
        assert_eq!(links("https://a.example https://a.example https://a.example"), ["https://a.example"]);
        let many: String = (1..=9).map(|number| format!("https://{number}.example/ ")).collect();
        assert_eq!(links(&many), ["https://1.example/", "https://2.example/", "https://3.example/"]);
        assert_eq!(links("https://1.example/a.zip https://2.example/ https://3.example/ https://4.example/").len(), 2);
        assert!(links(&format!("https://a.example/{}", "x".repeat(3_000))).is_empty(), "too long");
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
            long("```\na```\n"),
            long("~~~x y\n"),
            long("> a\nb\n"),
            long("http://."),
            long("http://a@["),
            long("mailto:"),
            long("www.www"),
            long("[::1]:"),
            long("a@a."),
            long("a\\"),
            long("\\"),
            long("は**「"),
            long("1. a\n"),
            long("|a") + &"\n|-".repeat(10),
            long("]:"),
            long("@Bob "),
            long("<"),
            long("&"),
        ];
        let people = (1..=1_000).map(|id| Person { id: UserId(id), name: format!("Bob {id}") });
        let names = Names::new(people.collect());
        for body in bodies {
            let Ok(draft) = body.parse::<Draft>() else { continue };
            let start = clock::monotonic();
            let rendered = render(&draft, &names).body;
            let took = start.elapsed();
            // 50 ms in a release build; a test build renders some twenty times slower.
            let limit = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(50) };
            let sample: String = body.chars().take(12).collect();
            assert!(took < limit, "{sample:?} took {took:?}");
            assert!(depth(&rendered.html) <= MAX_DEPTH + 1, "{sample:?}");
            let typed_bytes = 5 * draft.as_str().len() + 200;
            assert!(
                rendered.html.len() <= MAX_HTML_BYTES.max(typed_bytes),
                "{sample:?}: {} bytes",
                rendered.html.len()
            );
        }
    }

    #[test]
    fn what_would_be_too_long_is_shown_as_typed_with_a_word() {
        let bob = || Names::new(vec![Person { id: UserId(1), name: "Bob".to_owned() }]);
        for unit in ["- > a\n", "a@b.example ", "*a* ", "|a|b|c|\n|-|-|-|\n", "https://a.example\n"] {
            let source = format!("@Bob \n\n{}", unit.repeat(31_000 / unit.len()));
            let Rendered { body, mentions, .. } = render(&source.parse().unwrap(), &bob());
            assert!(body.html.contains(SHOWN_AS_TYPED) && body.html.starts_with("<p class=\"typed\">@Bob"), "{unit:?}");
            assert!(!body.html.contains("<a ") && body.html.len() < 5 * source.len(), "{unit:?}: {}", body.html.len());
            assert_eq!(mentions.len(), 1, "{unit:?}");
            assert!(body.text.contains("@Bob") && body.text.len() > 5_000, "{unit:?}");
        }
        let columns = format!("{}\n{}\n{}", "|a".repeat(2_000), "|-".repeat(2_000), "|x\n".repeat(6_000));
        assert!(html_of(&columns).contains(SHOWN_AS_TYPED), "missing cells are filled in");
        let twins = Names::new((1..=5_000).map(|id| Person { id: UserId(id), name: "Bob".to_owned() }).collect());
        let all = render(&"@Bob ".repeat(500).parse().unwrap(), &twins);
        assert!(all.body.html.contains(SHOWN_AS_TYPED) && !all.mentions.is_empty());
        let line = format!("{}\n", "1+".repeat(90));
        let code = html_of(&format!("```rust\n{}```", line.repeat(5)));
        assert!(code.contains("hl-constant"), "{code}");
        let code = html_of(&format!("```rust\n{}```", line.repeat(60)));
        assert!(!code.contains("hl-") && !code.contains(SHOWN_AS_TYPED), "colours are given up first");
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
                    matches!(attribute, "href" | "class" | "start" | "value" | "dir" | "rel" | "target"),
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
