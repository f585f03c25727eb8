//! Whole pages.

use proptest::prelude::*;
use unfurl::{MAX_DESCRIPTION_CHARS, MAX_TITLE_CHARS, Page, read};

/// The metadata of a page whose head is `head`.
fn page(head: &str) -> Option<Page> {
    read(format!("<!doctype html><html><head>{head}</head><body><p>Text</p></body></html>").as_bytes(), None)
}

const BOTH: &str = r#"<meta property="og:title" content="A post"><meta property="og:description" content="About it">"#;

#[test]
fn properties_by_property_or_by_name() {
    for attribute in ["property", "name", "PROPERTY", "Name"] {
        let found = page(&format!(
            r#"<meta {attribute}="og:title" content="A post">
               <meta content='About it' {attribute}=og:description />
               <meta {attribute}="og:url" content="https://example.org/post">
               <meta {attribute}="og:image" content="https://example.org/pic.png">"#
        ))
        .unwrap();
        assert_eq!((&*found.title, &*found.description), ("A post", "About it"));
        assert_eq!(found.url.unwrap().as_str(), "https://example.org/post");
        assert_eq!(found.image.unwrap().as_str(), "https://example.org/pic.png");
    }
}

#[test]
fn without_title_or_description_there_is_nothing() {
    for head in [
        "",
        r#"<meta property="og:title" content="A post">"#,
        r#"<meta property="og:description" content="About it">"#,
        "<title>A post</title>",
        r#"<meta property="og:title" content="  "><meta property="og:description" content="About it">"#,
        r#"<meta property="og:title" content="<b></b>"><meta property="og:description" content="About it">"#,
        r#"<meta property="og:title"><meta property="og:description" content="About it">"#,
        r#"<!-- <meta property="og:title" content="A post"> --><meta property="og:description" content="About it">"#,
    ] {
        assert_eq!(page(head), None, "{head}");
    }
}

#[test]
fn later_properties_win_and_empty_ones_are_ignored() {
    let found = page(&format!(
        r#"{BOTH}<meta property="og:title" content="Another"><meta property="og:title" content="">
           <meta property="og:description" content=" ">"#
    ))
    .unwrap();
    assert_eq!((&*found.title, &*found.description), ("Another", "About it"));
}

#[test]
fn other_sources_take_the_place_of_missing_properties() {
    let found = page(r#"<title>A &amp; B</title><meta name="description" content="About it">"#).unwrap();
    assert_eq!((&*found.title, &*found.description), ("A & B", "About it"));
    let found = page(
        r#"<title>Page</title><meta name="twitter:title" content="Card"><meta name="twitter:description" content="Of it">
           <meta name="twitter:image" content="https://example.org/card.png">"#,
    )
    .unwrap();
    assert_eq!((&*found.title, &*found.description), ("Card", "Of it"));
    assert_eq!(found.image.unwrap().as_str(), "https://example.org/card.png");
    let found = page(&format!(r#"<title>Page</title>{BOTH}<meta name="description" content="Other">"#)).unwrap();
    assert_eq!((&*found.title, &*found.description), ("A post", "About it"), "Open Graph comes first");
    // A drawing's title is not the page's, and neither is a second one.
    let found = page(
        r#"<svg><title>Icon</title></svg><title>Page</title><title>Second</title><meta name=description content=About>"#,
    )
    .unwrap();
    assert_eq!(found.title, "Page");
}

#[test]
fn addresses_must_be_absolute() {
    for address in [
        "/pic.png",
        "pic.png",
        "//example.org/pic.png",
        "",
        "ftp://example.org/pic.png",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "http://",
        "http:// bad",
        "https://user:password@example.org/",
    ] {
        let found = page(&format!(
            r#"{BOTH}<meta property="og:url" content="{address}"><meta property="og:image" content="{address}">"#
        ))
        .unwrap();
        assert_eq!((found.url, found.image), (None, None), "{address}");
    }
}

#[test]
fn tags_in_values_are_no_tags() {
    let found = page(
        r#"<meta property="og:title" content="<script>alert(1)</script>">
           <meta property="og:description" content="&lt;b&gt;bold&lt;/b&gt; &amp;lt;i&amp;gt;text">"#,
    )
    .unwrap();
    assert_eq!((&*found.title, &*found.description), ("alert(1)", "bold text"));
}

#[test]
fn what_is_inside_scripts_and_comments_is_not_metadata() {
    let found = page(&format!(
        r#"<script>var a = '<meta property="og:title" content="Script">';</script>
           <style>/* <meta property="og:title" content="Style"> */</style>
           <textarea><meta property="og:title" content="Text"></textarea>
           <!-- <meta property="og:title" content="Comment"> -->
           {BOTH}
           <script><!-- <script> </script> <meta property="og:title" content="Escaped"> --></script>"#
    ))
    .unwrap();
    assert_eq!(found.title, "A post");
}

#[test]
fn a_long_page_is_read_at_its_beginning() {
    let filler = "<p>text</p>".repeat(100_000);
    assert!(read(format!("<head>{BOTH}</head>{filler}").as_bytes(), None).is_some());
    assert_eq!(read(format!("{filler}{BOTH}").as_bytes(), None), None);
}

#[test]
fn a_page_that_is_one_tag_is_given_up() {
    // Half a million bytes of different attributes: comparing each with all others would take minutes.
    let attributes: String = (0..90_000).map(|number| format!(" {number:x}")).collect();
    assert_eq!(read(format!("<p{attributes}>{BOTH}").as_bytes(), None), None);
    let tags: String =
        attributes.as_bytes().chunks(20_000).map(|part| format!("<p {}>", String::from_utf8_lossy(part))).collect();
    let _ = read(tags.as_bytes(), None);
    // A picture inside an attribute is no reason to.
    let icon = format!("<link rel=icon href='data:image/png;base64,{}'>", "A".repeat(20_000));
    assert!(page(&format!("{icon}{icon}{icon}{BOTH}")).is_some());
}

#[test]
fn encodings() {
    let latin = b"<meta charset=iso-8859-1><title>Caf\xe9</title><meta name=description content=\"Th\xe9\">";
    assert_eq!(read(latin, None).unwrap().title, "Café");
    assert_eq!(read(latin, Some("utf-8")).unwrap().title, "Caf", "the header is stronger");
    let undeclared = b"<title>Caf\xe9</title><meta name=description content=\"Th\xe9\">";
    assert_eq!(read(undeclared, None).unwrap().title, "Caf");
}

/// Pieces that pages are made of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let known: [&[u8]; 19] = [
        b"<meta property=\"og:title\" content=\"",
        b"<meta name=og:description content='",
        b"<title>",
        b"</title>",
        b"<script>",
        b"</script>",
        b"<!--",
        b"-->",
        b"<svg>",
        b"<plaintext>",
        b"<meta charset=utf-16>",
        b"&lt;b&gt;",
        b"&amp;lt;",
        b"&#x202e;",
        b"\"",
        b"'>",
        b"\xff\xfe",
        b"\xe2\x80\xae",
        b"text ",
    ];
    let piece = proptest::sample::select(known.to_vec()).prop_map(<[u8]>::to_vec);
    let piece = prop_oneof![4 => piece, 1 => proptest::collection::vec(any::<u8>(), 0..8)];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_page_is_read_as_plain_text(page in pieces(), charset in proptest::option::of("(utf-8|utf-16|shift_jis|x|)")) {
        if let Some(found) = read(&page, charset.as_deref()) {
            for (text, max_chars) in [(found.title, MAX_TITLE_CHARS), (found.description, MAX_DESCRIPTION_CHARS)] {
                prop_assert!(!text.trim().is_empty() && text.chars().count() <= max_chars);
                let is_hidden = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
                prop_assert!(!text.contains(is_hidden));
                let mut tags = text.split('<').skip(1);
                let is_tag = |tag: &str| tag.trim_start_matches(['/', '!', '?']).starts_with(|c: char| c.is_ascii_alphabetic());
                prop_assert!(!tags.any(is_tag));
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(page in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&page, None);
    }
}
