//! Rich text as HTML, in Markdown: what an editor made of formatting, mentions and cards of links.
//!
//! What the text says stays, whatever elements are around it; scripts and style sheets go. Characters that would be markup
//! in Markdown are escaped, by the rules of this project's renderer: there, HTML and entities are text, and a backslash is
//! shown where it protects nothing.

mod sgid;
mod tree;

use tree::{Element, MAX_DEPTH, Node};

pub use sgid::user_id;

/// The longest HTML of one message that is read, in bytes; the rest is left out.
pub const MAX_BYTES: usize = 1 << 20;

/// A text in Markdown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// The text; empty if there is nothing to read.
    pub markdown: String,
    /// The users that it mentions, each once, in the order of the text.
    pub mentions: Vec<i64>,
    /// How many parts were left out, because what they show is not in the text: files of a kind that is not known, and
    /// people who do not exist.
    pub lost_count: u64,
}

/// Converts rich text. `mention` is how the user with this number is mentioned, like `@Ada`; `None` for nobody.
#[must_use]
pub fn to_markdown(html: &str, mention: &dyn Fn(i64) -> Option<String>) -> Converted {
    let html = &html[..html.floor_char_boundary(MAX_BYTES)];
    let root = tree::parse(html);
    let mut writer = Writer { mention, converted: Converted::default(), open: Vec::new() };
    let blocks = writer.blocks(&root.children, 0);
    let mut markdown = join(&blocks);
    markdown.truncate(markdown.trim_end().len());
    Converted { markdown: markdown.trim_start_matches('\n').to_owned(), ..writer.converted }
}

/// A block of Markdown.
struct Block {
    text: String,
    /// It is a line: with the line before it there is no empty one between them.
    is_line: bool,
}

/// The blocks one after the other.
fn join(blocks: &[Block]) -> String {
    let mut text = String::new();
    let mut follows_line = false;
    for block in blocks {
        if !text.is_empty() {
            text.push_str(if follows_line && block.is_line { "\n" } else { "\n\n" });
        }
        text.push_str(&block.text);
        follows_line = block.is_line;
    }
    text
}

struct Writer<'m> {
    mention: &'m dyn Fn(i64) -> Option<String>,
    converted: Converted,
    /// The marks of emphasis, and `[` for a link, around what is written.
    open: Vec<&'static str>,
}

impl Writer<'_> {
    fn blocks(&mut self, nodes: &[Node], depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut line = String::new();
        for node in nodes {
            match node {
                Node::Element(element) if element.is_block() && depth < MAX_DEPTH => {
                    finish_line(&mut line, &mut blocks);
                    self.block(element, depth + 1, &mut blocks);
                }
                node => self.inline(node, depth + 1, &mut line),
            }
        }
        finish_line(&mut line, &mut blocks);
        blocks
    }

    fn block(&mut self, element: &Element, depth: usize, blocks: &mut Vec<Block>) {
        let text = match element.name() {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let line = self.inlines(&element.children, depth).replace('\n', " ");
                if line.trim().is_empty() { String::new() } else { format!("# {}", line.trim()) }
            }
            "blockquote" => quoted(&join(&self.blocks(&element.children, depth))),
            "ul" | "ol" => self.list(element, depth),
            "pre" => fenced(&element.text(), element.attribute("data-language")),
            "hr" => "---".into(),
            "action-text-attachment" => self.card(element),
            "p" => {
                let mut inner = self.blocks(&element.children, depth);
                if let Some(first) = inner.first_mut() {
                    first.is_line = false;
                }
                if let Some(last) = inner.last_mut() {
                    last.is_line = false;
                }
                blocks.append(&mut inner);
                return;
            }
            _ => {
                blocks.append(&mut self.blocks(&element.children, depth));
                return;
            }
        };
        if !text.is_empty() {
            blocks.push(Block { text, is_line: false });
        }
    }

    fn list(&mut self, list: &Element, depth: usize) -> String {
        let is_numbered = list.name() == "ol";
        let mut number: u32 = list.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1);
        let mut text = String::new();
        for node in &list.children {
            let Node::Element(item) = node else { continue };
            let content = if item.name() == "li" {
                join(&self.blocks(&item.children, depth))
            } else {
                // A list right inside of a list.
                join(&self.blocks(std::slice::from_ref(node), depth))
            };
            if content.is_empty() {
                continue;
            }
            let marker = if is_numbered { format!("{number}. ") } else { "- ".into() };
            number = number.saturating_add(1);
            let indent = " ".repeat(marker.len());
            for (index, line) in content.lines().enumerate() {
                if !text.is_empty() {
                    text.push('\n');
                }
                if !line.is_empty() {
                    text.push_str(if index == 0 { &marker } else { &indent });
                    text.push_str(line);
                }
            }
        }
        text
    }

    /// A preview of a link, or a picture of another site: its address.
    fn card(&mut self, element: &Element) -> String {
        let address = element.attribute("href").or(element.attribute("url")).and_then(safe_address);
        if let Some(address) = address {
            return address;
        }
        self.converted.lost_count += 1;
        let caption = element.attribute("caption").or(element.attribute("filename")).unwrap_or("☒");
        let mut text = String::new();
        push_text(&mut text, caption, false);
        text.trim().to_owned()
    }

    fn inlines(&mut self, nodes: &[Node], depth: usize) -> String {
        let mut text = String::new();
        for node in nodes {
            self.inline(node, depth, &mut text);
        }
        text
    }

    fn inline(&mut self, node: &Node, depth: usize, text: &mut String) {
        let element = match node {
            Node::Text(words) => return push_text(text, words, self.open.contains(&"[")),
            Node::Element(element) => element,
        };
        let depth = depth + 1;
        match element.name() {
            "br" => text.push('\n'),
            "strong" | "b" => self.emphasis("**", element, depth, text),
            "em" | "i" | "cite" | "dfn" | "var" => self.emphasis("*", element, depth, text),
            "del" | "s" | "strike" => self.emphasis("~~", element, depth, text),
            "code" | "tt" | "kbd" | "samp" => text.push_str(&code(&element.text())),
            "a" => self.link(element, depth, text),
            "img" => {
                let address = element.attribute("src").and_then(safe_address);
                text.push_str(&address.unwrap_or_default());
            }
            "action-text-attachment" => self.attached(element, text),
            _ if element.is_block() => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                let inner = self.inlines(&element.children, depth);
                text.push_str(inner.trim_matches('\n'));
                text.push('\n');
            }
            _ => {
                for child in &element.children {
                    self.inline(child, depth, text);
                }
            }
        }
    }

    fn emphasis(&mut self, mark: &'static str, element: &Element, depth: usize, text: &mut String) {
        if self.open.contains(&mark) {
            let inner = self.inlines(&element.children, depth);
            return text.push_str(&inner);
        }
        self.open.push(mark);
        let inner = self.inlines(&element.children, depth);
        self.open.pop();
        // Emphasis ends with its paragraph, and its marks stand beside words.
        for (index, line) in inner.split('\n').enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let words = line.trim();
            if words.is_empty() {
                text.push_str(line);
                continue;
            }
            let start = line.len() - line.trim_start().len();
            let end = line.trim_end().len();
            let before = if text.ends_with([' ', '\n']) { "" } else { &line[..start] };
            text.extend([before, mark, words, mark, &line[end..]]);
        }
    }

    fn link(&mut self, element: &Element, depth: usize, text: &mut String) {
        let address = element.attribute("href").and_then(safe_address);
        let Some(address) = address.filter(|_| !self.open.contains(&"[")) else {
            let inner = self.inlines(&element.children, depth);
            return text.push_str(&inner);
        };
        let shown = element.text();
        let shown = shown.trim();
        let is_bare = |scheme: &str| {
            address.strip_prefix(scheme).is_some_and(|rest| rest.trim_end_matches('/') == shown.trim_end_matches('/'))
        };
        if shown.is_empty() {
            return;
        }
        if ["", "http://", "https://", "mailto:"].iter().any(|scheme| is_bare(scheme)) && address.contains(':') {
            let is_mail = address.starts_with("mailto:");
            return text.push_str(if is_mail { shown } else { &address });
        }
        self.open.push("[");
        let inner = self.inlines(&element.children, depth).replace('\n', " ");
        self.open.pop();
        let destination = address.replace(' ', "%20").replace('(', "%28").replace(')', "%29");
        text.extend(["[", inner.trim(), "](", &destination, ")"]);
    }

    /// A mention, or a card in the middle of a line.
    fn attached(&mut self, element: &Element, text: &mut String) {
        let Some(user_id) = element.attribute("sgid").and_then(sgid::user_id) else {
            let card = self.card(element);
            if text.contains(&card) {
                // The card of a link that is in the text.
                return;
            }
            if !text.is_empty() && !text.ends_with([' ', '\n']) {
                text.push(' ');
            }
            return text.push_str(&card);
        };
        match (self.mention)(user_id) {
            Some(mention) => {
                if !self.converted.mentions.contains(&user_id) {
                    self.converted.mentions.push(user_id);
                }
                text.push_str(&mention);
            }
            None => {
                self.converted.lost_count += 1;
                text.push('☒');
            }
        }
    }
}

/// Ends the line that is being written: it becomes a block, if there is anything to read.
fn finish_line(line: &mut String, blocks: &mut Vec<Block>) {
    let text = std::mem::take(line);
    if text.trim().is_empty() {
        return;
    }
    let lines: Vec<_> = text.trim_matches('\n').split('\n').map(protected_line).collect();
    blocks.push(Block { text: lines.join("\n"), is_line: true });
}

/// A line whose start is not the marker of a block.
fn protected_line(line: &str) -> String {
    let line = line.trim();
    let ends = |after: &str| after.is_empty() || after.starts_with([' ', '\t']);
    let marks = |mark: char| line.len() - line.trim_start_matches(mark).len();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let is_rule = |mark: char| {
        let rest: String = line.chars().filter(|c| *c != mark && *c != ' ').collect();
        rest.is_empty() && marks(mark) > 0
    };
    let is_marker = (1..=6).contains(&marks('#')) && ends(line.trim_start_matches('#'))
        || line.starts_with('>')
        || line.starts_with(['-', '+']) && (ends(&line[1..]) || is_rule('-'))
        || line.starts_with("~~~")
        || line.starts_with('=') && is_rule('=');
    if is_marker {
        return format!("\\{line}");
    }
    if (1..=9).contains(&digits) && line[digits..].starts_with(['.', ')']) && ends(&line[digits + 1..]) {
        return format!("{}\\{}", &line[..digits], &line[digits..]);
    }
    line.to_owned()
}

/// Appends words of HTML: white space is a blank, and nothing in them is markup.
fn push_text(text: &mut String, words: &str, is_in_link: bool) {
    let has_links = is_in_link || words.contains("](");
    let mut rest = words;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            let after = rest.trim_start();
            // One at the start matters within an element: `a<b> b</b>`.
            if !text.ends_with([' ', '\n']) {
                text.push(' ');
            }
            rest = after;
            continue;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        let is_address = word.contains("://") || word.starts_with("www.") || (word.contains('@') && word.contains('.'));
        if is_address || word.contains('\\') {
            text.push_str(word);
            continue;
        }
        let mut before = text.chars().next_back();
        let mut characters = word.chars().peekable();
        while let Some(c) = characters.next() {
            let next = characters.peek().copied();
            let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let is_markup = match c {
                '*' | '`' => true,
                '~' => next == Some('~') || before == Some('~'),
                '_' => !is_word(before) || !is_word(next),
                '[' | ']' => has_links,
                _ => false,
            };
            if is_markup {
                text.push('\\');
            }
            text.push(c);
            before = Some(c);
        }
    }
}

fn quoted(text: &str) -> String {
    let lines = text.lines().map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") });
    lines.collect::<Vec<_>>().join("\n")
}

fn longest_run(text: &str, mark: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == mark { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn code(text: &str) -> String {
    let text = text.replace('\n', " ");
    if text.trim().is_empty() {
        return text;
    }
    let mark = "`".repeat(longest_run(&text, '`') + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{mark}{blank}{text}{blank}{mark}")
}

fn fenced(text: &str, language: Option<&str>) -> String {
    let text = text.trim_matches('\n');
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat((longest_run(text, '`') + 1).max(3));
    let is_word = |word: &&str| word.len() <= 20 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    format!("{fence}{}\n{text}\n{fence}", language.filter(is_word).unwrap_or_default())
}

/// An address that a link may lead to: of the web, of mail, or of this site.
fn safe_address(address: &str) -> Option<String> {
    let address: String = address.trim().chars().filter(|c| !c.is_control()).collect();
    let lower = address.to_ascii_lowercase();
    let is_safe = ["http://", "https://", "mailto:", "ftp://"].iter().any(|scheme| lower.starts_with(scheme))
        || (lower.starts_with('/') && !lower.starts_with("//"));
    (is_safe && !address.contains(['<', '>', '"', '\\', '`'])).then_some(address)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn name(user_id: i64) -> Option<String> {
        match user_id {
            1 => Some("@Ada Lovelace".into()),
            2 => Some("@Bob#2".into()),
            _ => None,
        }
    }

    fn markdown(html: &str) -> String {
        to_markdown(html, &name).markdown
    }

    fn mention(user_id: i64) -> String {
        let payload =
            format!(r#"{{"_rails":{{"data":"gid://campfire/User/{user_id}?expires_in","pur":"attachable"}}}}"#);
        let sgid = format!("{}--0123abcd", STANDARD.encode(payload));
        format!(
            r#"<action-text-attachment sgid="{sgid}" content-type="application/vnd.campfire.mention" content="&lt;img&gt;"></action-text-attachment>"#
        )
    }

    #[test]
    fn formatting_becomes_markdown() {
        for (html, expected) in [
            ("<div>Hello</div>", "Hello"),
            ("<div>one<br>two<br><br>three</div>", "one\ntwo\n\nthree"),
            ("<div>one</div><div>two</div>", "one\ntwo"),
            ("<p>one</p><p>two</p>after", "one\n\ntwo\n\nafter"),
            ("<div><strong>a</strong> <em>b</em> <del>c</del> <b><i>d</i></b></div>", "**a** *b* ~~c~~ ***d***"),
            ("<div>x<strong> a </strong>y</div>", "x **a** y"),
            ("<div><strong>a<br>b</strong></div>", "**a**\n**b**"),
            ("<div><strong>a<strong>b</strong></strong></div>", "**ab**"),
            ("<h1>Title</h1><div>text</div>", "# Title\n\ntext"),
            ("<blockquote>a<br>b</blockquote><div>c</div>", "> a\n> b\n\nc"),
            ("<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
            ("<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n\n  - c"),
            ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
            ("<pre>fn main() {\n  x();\n}</pre>", "```\nfn main() {\n  x();\n}\n```"),
            ("<pre data-language=\"rust\">a```b</pre>", "````rust\na```b\n````"),
            ("<div>a <code>b*c</code> <code>`</code></div>", "a `b*c` `` ` ``"),
            ("<div>a<hr>b</div>", "a\n\n---\n\nb"),
            ("<div>Tom &amp; Jerry &lt;3</div>", "Tom & Jerry <3"),
            ("<div>  a \n  b&nbsp; c </div>", "a b c"),
            ("<unknown>kept</unknown><script>not()</script><style>p{}</style>", "kept"),
            ("/play tada", "/play tada"),
            ("<div>/play tada</div>", "/play tada"),
            ("", ""),
            ("<div><br></div>", ""),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn words_that_look_like_markup_are_escaped() {
        for (html, expected) in [
            ("2 * 3 *4*", r"2 \* 3 \*4\*"),
            ("snake_case _x_", r"snake_case \_x\_"),
            ("# no title", r"\# no title"),
            ("#tag", "#tag"),
            ("- no item", r"\- no item"),
            ("-5 degrees", "-5 degrees"),
            ("---", r"\---"),
            ("1. no list", r"1\. no list"),
            ("1.5 litres", "1.5 litres"),
            ("&gt; no quote", r"\> no quote"),
            ("a `b`", r"a \`b\`"),
            ("~~x~~ ~5", r"\~\~x\~\~ ~5"),
            ("[x](y) and [z]", r"\[x\](y) and \[z\]"),
            ("[z]", "[z]"),
            ("https://a.example/_x_*y*", "https://a.example/_x_*y*"),
            ("C:\\*.*", "C:\\*.*"),
            ("one<br># two", "one\n\\# two"),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn links_lead_to_safe_addresses_only() {
        for (html, expected) in [
            (r#"<a href="https://a.example">words</a>"#, "[words](https://a.example)"),
            (r#"<a href="https://a.example/x">https://a.example/x</a>"#, "https://a.example/x"),
            (r#"<a href="https://a.example/">a.example</a>"#, "https://a.example/"),
            (r#"<a href="mailto:a@b.example">a@b.example</a>"#, "a@b.example"),
            (r#"<a href="https://a.example/a (b)">x [y]</a>"#, r"[x \[y\]](https://a.example/a%20%28b%29)"),
            (r#"<a href="/rooms/1/@42">there</a>"#, "[there](/rooms/1/@42)"),
            (r#"<a href="javascript:alert(1)">x</a>"#, "x"),
            (r#"<a href="java&#10;script:alert(1)">x</a>"#, "x"),
            (r#"<a href="data:text/html,x">x</a> <a href="//evil.example">y</a>"#, "x y"),
            (r#"<a href="https://a.example"></a>"#, ""),
            (r#"<a href="https://a.example"><strong>x</strong></a>"#, "[**x**](https://a.example)"),
        ] {
            assert_eq!(markdown(html), expected, "{html}");
        }
    }

    #[test]
    fn mentions_are_named_and_listed_once() {
        let html = format!("<div>{} and {}, {}</div>", mention(1), mention(2), mention(1));
        let converted = to_markdown(&html, &name);
        assert_eq!(converted.markdown, "@Ada Lovelace and @Bob#2, @Ada Lovelace");
        assert_eq!((converted.mentions, converted.lost_count), (vec![1, 2], 0));
        let unknown = to_markdown(&format!("hi {}", mention(9)), &name);
        assert_eq!((unknown.markdown.as_str(), unknown.mentions.len(), unknown.lost_count), ("hi ☒", 0, 1));
    }

    #[test]
    fn cards_become_links_and_unknown_parts_are_counted() {
        let card = r#"<action-text-attachment content-type="application/vnd.actiontext.opengraph-embed" href="https://a.example/x" url="https://a.example/p.png" filename="Title" caption="About"></action-text-attachment>"#;
        assert_eq!(markdown(&format!("<div>See</div>{card}")), "See\nhttps://a.example/x");
        assert_eq!(markdown(&format!("<div>https://a.example/x {card}</div>")), "https://a.example/x");
        let lost =
            to_markdown(r#"<action-text-attachment sgid="x" filename="plan.pdf"></action-text-attachment>"#, &name);
        assert_eq!((lost.markdown.as_str(), lost.lost_count), ("plan.pdf", 1));
    }

    #[test]
    fn hostile_html_takes_bounded_time() {
        let deep = "<div><blockquote><ul><li>".repeat(20_000) + "x";
        let attributes = format!("<a {}>x</a>", (0..100_000).map(|number| format!("a{number}=1 ")).collect::<String>());
        let long = format!("<strong>{}", "<em>a</em>".repeat(50_000));
        for html in [deep, attributes, long, "<".repeat(900_000), "<li>".repeat(200_000), "*".repeat(2 << 20)] {
            assert!(to_markdown(&html, &name).markdown.len() <= 4 * MAX_BYTES);
        }
    }

    proptest! {
        #[test]
        fn any_html_is_converted(html in r#"(</?(div|p|b|em|ul|ol|li|blockquote|pre|a href="https://a\.b"|h1|code|br|script|action-text-attachment sgid="eA==--")>|[a-z*_`~#>\[\]()\\ \n-]|&(lt|amp|nbsp);|\PC){0,60}"#) {
            let _ = to_markdown(&html, &name);
        }
    }
}
