//! The previews of a message's links as HTML, identical for every viewer.
//!
//! A preview is one link, to the page that it is of. The button that takes it away is shown to the message's creator and
//! to administrators by style rules. Pictures come from this installation.

use crate::html::HtmlWriter;
use crate::model::{FileName, LinkPreview, MessageId, PreviewPicture, paths};
use crate::richtext::links::EXTERNAL_REL;

/// The HTML of a message's previews; empty without any.
#[must_use]
pub fn previews_html(message_id: MessageId, previews: &[LinkPreview]) -> String {
    if previews.is_empty() {
        return String::new();
    }
    let mut html = HtmlWriter::with_capacity(previews.len() * 1_024);
    html.markup(r#"<form class="previews" method="post" action=""#).raw(&paths::previews(message_id));
    html.markup(r#"" data-quiet="">"#);
    for preview in previews {
        push_preview(&mut html, preview);
    }
    html.markup("</form>");
    html.into_string()
}

fn push_preview(html: &mut HtmlWriter, preview: &LinkPreview) {
    let has_wide_picture = preview.picture.as_ref().is_some_and(is_wide);
    html.markup(if has_wide_picture { r#"<div class="preview preview--wide">"# } else { r#"<div class="preview">"# });
    html.markup(r#"<a class="preview__link" href=""#).text(&preview.url);
    html.markup(r#"" target="_blank" rel=""#).markup(EXTERNAL_REL).markup(r#"">"#);
    if let Some(PreviewPicture { key, size: (width, height) }) = &preview.picture {
        html.markup(r#"<img class="preview__picture" src=""#).text(&paths::file(key, &FileName::clean("preview")));
        html.markup(r#"" alt="" width=""#).number((*width).into()).markup(r#"" height=""#).number((*height).into());
        html.markup(r#"" loading="lazy" decoding="async">"#);
    }
    html.markup(r#"<bdi class="preview__site">"#).text(site(&preview.url));
    html.markup(r#"</bdi> <span class="preview__title" dir="auto">"#).text(&preview.title);
    html.markup(r#"</span> <span class="preview__text" dir="auto">"#).text(&preview.description);
    html.markup(r#"</span></a><button class="preview__remove" name="link" value=""#).text(&preview.link);
    html.markup(r#"" aria-label="Remove this preview" title="Remove this preview">×</button></div>"#);
}

/// Whether a picture is shown above the text instead of beside it.
fn is_wide(picture: &PreviewPicture) -> bool {
    let (width, height) = picture.size;
    width >= 300 && u64::from(width) * 10 >= u64::from(height) * 13
}

/// The host of a URL, without `www.`: says where the link leads.
fn site(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FileKey;

    fn preview() -> LinkPreview {
        LinkPreview {
            link: "https://a.example/?b&c".into(),
            url: "https://www.a.example/post".into(),
            title: "A <post>".into(),
            description: "About \"it\"".into(),
            picture: None,
        }
    }

    #[test]
    fn a_preview_links_to_its_page_and_is_escaped() {
        let html = previews_html(MessageId(41), &[preview()]);
        for part in [
            r#"action="/messages/41/previews""#,
            r#"href="https://www.a.example/post" target="_blank" rel="noopener noreferrer nofollow""#,
            r#"<bdi class="preview__site">a.example</bdi>"#,
            "A &lt;post&gt;",
            "About &quot;it&quot;",
            r#"name="link" value="https://a.example/?b&amp;c""#,
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("<img") && previews_html(MessageId(41), &[]).is_empty());
    }

    #[test]
    fn a_picture_comes_from_this_installation_with_its_size() {
        let key = FileKey::new([0xab; 16]);
        let mut with_picture = preview();
        with_picture.picture = Some(PreviewPicture { key: key.clone(), size: (600, 315) });
        let html = previews_html(MessageId(41), &[with_picture.clone()]);
        assert!(html.contains(&format!(r#"src="/files/{key}/preview" alt="" width="600" height="315""#)), "{html}");
        assert!(html.contains("preview--wide"));
        for size in [(600, 600), (200, 100), (400, 600)] {
            with_picture.picture = Some(PreviewPicture { key: key.clone(), size });
            assert!(!previews_html(MessageId(41), &[with_picture.clone()]).contains("preview--wide"), "{size:?}");
        }
    }

    #[test]
    fn the_site_is_where_the_link_leads() {
        for (url, host) in [
            ("https://www.a.example/", "a.example"),
            ("http://a.example:8080/b?c", "a.example:8080"),
            ("https://good.example@evil.example/", "evil.example"),
            ("https://a.example?b", "a.example"),
            ("http://[2001:db8::1]/", "[2001:db8::1]"),
        ] {
            assert_eq!(site(url), host);
        }
    }
}
