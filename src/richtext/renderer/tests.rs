//! What is rendered for which source.

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
        assert!(found.len() == expected.len() && found.iter().zip(&expected).all(is_same), "{source}: {}", body.html);
        assert!(mentions.is_empty(), "{source}");
        assert!(!body.html.contains("<em>x</em> *") && body.search_marks.contains("link"), "{source}");
    }
    assert_eq!(text_of("https://a.example/_/x https://b.example/_/y"), "https://a.example/_/x https://b.example/_/y");
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
        "C:\\Program Files\\_old\\*.* x",
        "src\\*.rs",
        "dir\\*.*",
        ".\\_build\\*",
        "..\\_x\\[a]",
        "%TEMP%\\_x\\*.log",
        "~\\_vimrc",
        "~~~x~~~",
        "~~~x~~~\nafter",
        "~~~~a b~~~~",
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
        (r"\*not bold\*.", "*not bold*."),
        (r"C:\x and \*not bold\*", r"C:\x and *not bold*"),
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
        ("```C:\\new\na\n```", "C:\\new\na\n"),
        ("```rust:main.rs\na\n```", "rust:main.rs\na\n"),
        ("```awk{print $1}\n```", "awk{print $1}\n"),
        ("```c,d\na\n```", "c,d\na\n"),
        ("```rust,ignore\na\n```", "a\n"),
        ("```js{1,3-5}\na\n```", "a\n"),
        ("```\na\nb```", "a\nb\n"),
        ("```rust\na\n```", "a\n"),
        ("````\n```\na\n```\n````", "```\na\n```\n"),
        ("> ```x y\n> a\n> ```", "x y\na\n"),
    ] {
        let body = rendered(source).body;
        assert!(seen(source).trim() == code.trim() && body.html.contains("<pre"), "{source:?}: {}", body.html);
        assert_eq!(body.text, code.trim(), "{source:?}");
    }
    let between_tildes = rendered("~~~x~~~\n@Bob");
    assert!(
        between_tildes.mentions.len() == 1 && !between_tildes.body.html.contains("<pre"),
        "{}",
        between_tildes.body.html
    );
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
        "> a\n    @Bob",
        "> a\n\t@Bob",
        "> a\n      @Bob\nx",
        "> a\n-\n@Bob",
        "> a\n+\n\n@Bob",
        "> a\n1.\n@Bob",
        "> a\n=\n@Bob",
        ">> a\n@Bob",
    ] {
        let Rendered { body, mentions, .. } = rendered(source);
        assert_eq!(mentions.len(), 1, "{source:?}: {}", body.html);
        let (quote, rest) = body.html.rsplit_once("</blockquote>").unwrap();
        assert!(!quote.contains("Bob") && rest.contains("Bob"), "{source:?}: {}", body.html);
    }
    assert_eq!(html_of("> > a\n> b"), "<blockquote>\n<blockquote>\n<p>a</p>\n</blockquote>\n<p>b</p>\n</blockquote>");
    assert_eq!(html_of("```\n> a\nb\n```"), "<pre><code>&gt; a\nb\n</code></pre>");
    assert_eq!(html_of("- > a\n- b"), "<ul>\n<li>\n<blockquote>\n<p>a</p>\n</blockquote>\n</li>\n<li>b</li>\n</ul>");
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
        let text: String = inside.split('<').map(|part| part.rsplit_once('>').map_or(part, |(_, text)| text)).collect();
        assert_eq!(text.replace("&quot;", "\""), strong, "{source}: {html}");
    }
    assert!(html_of("は~~「x」~~です").contains("<del>「x」</del>"));
}

#[test]
fn each_block_has_the_direction_of_its_own_words() {
    assert_eq!(html_of("abc **x**\n\n- a"), "<p>abc <strong>x</strong></p>\n<ul>\n<li>a</li>\n</ul>", "nothing to say");
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
    assert_eq!(html_of("> שלום\n\n12"), "<blockquote dir=\"rtl\">\n<p>שלום</p>\n</blockquote>\n<p dir=\"rtl\">12</p>");
    assert!(html_of("[שלום](https://a.example)").starts_with("<p dir=\"rtl\">"));
}
