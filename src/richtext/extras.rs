//! What a message shows below its body as HTML, identical for every viewer: its files.
//!
//! Stored with the message, so that pages are assembled from ready strings. Elements have the size that they will have
//! once the picture has loaded, and a rectangle of the picture's main colour until then.

use crate::html::HtmlWriter;
use crate::model::{Attachment, FileForm, paths, size_text};

/// The HTML of a message's files; empty without any.
#[must_use]
pub fn extras_html(files: &[Attachment]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let mut html = HtmlWriter::with_capacity(files.len() * 640);
    let (shown, rows): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_picture(file));
    if !shown.is_empty() {
        html.markup(if shown.len() == 1 {
            r#"<div class="pictures">"#
        } else {
            r#"<div class="pictures pictures--many">"#
        });
        for file in shown {
            push_picture(&mut html, file);
        }
        html.markup("</div>");
    }
    for file in rows {
        match file.form() {
            FileForm::Video => {
                push_player(&mut html, file, r#"<video class="player" controls preload="none" playsinline"#, "</video>")
            }
            FileForm::Audio => {
                push_player(&mut html, file, r#"<audio class="player" controls preload="none""#, "</audio>")
            }
            FileForm::Picture | FileForm::Other => {}
        }
        push_row(&mut html, file);
    }
    html.into_string()
}

/// Whether a file is shown as a picture, or will be in a moment.
fn is_picture(file: &Attachment) -> bool {
    file.form() == FileForm::Picture && file.shown_size().is_some()
}

/// Appends a picture, which links to the original. Scripts open it over the page.
fn push_picture(html: &mut HtmlWriter, file: &Attachment) {
    let Some((width, height)) = file.shown_size() else { return };
    let path = paths::file(&file.key, &file.name);
    html.markup(r#"<a class="picture" href=""#).text(&path).markup(r#"" data-picture="" rel="external">"#);
    html.markup(r#"<svg aria-hidden="true" width=""#)
        .number(width.into())
        .markup(r#"" height=""#)
        .number(height.into());
    html.markup(r#"" preserveAspectRatio="none" viewBox="0 0 1 1"><rect width="1" height="1" fill=""#);
    html.text(file.color.as_deref().unwrap_or("none")).markup(r#""/></svg>"#);
    if file.has_preview {
        html.markup(r#"<img src=""#).text(&paths::file_preview(&file.key, &file.name));
        html.markup(r#"" alt=""#).text(file.name.as_str()).markup(r#"" width=""#).number(width.into());
        html.markup(r#"" height=""#).number(height.into()).markup(r#"" loading="lazy" decoding="async">"#);
    } else {
        html.markup(r#"<span class="picture__name">"#).text(file.name.as_str()).markup("</span>");
    }
    html.markup("</a>");
}

/// Appends a player of the element that `begin` begins.
fn push_player(html: &mut HtmlWriter, file: &Attachment, begin: &'static str, end: &'static str) {
    html.markup(begin);
    if let Some((width, height)) = file.shown_size() {
        html.markup(r#" width=""#).number(width.into()).markup(r#"" height=""#).number(height.into()).markup(r#"""#);
    }
    if file.has_preview {
        html.markup(r#" poster=""#).text(&paths::file_preview(&file.key, &file.name)).markup(r#"""#);
    }
    html.markup(r#" src=""#).text(&paths::file(&file.key, &file.name)).markup(r#"" aria-label=""#);
    html.text(file.name.as_str()).markup(r#"">"#).markup(end);
}

/// Appends a row with name and size, which downloads the file.
fn push_row(html: &mut HtmlWriter, file: &Attachment) {
    html.markup(r#"<a class="file" href=""#).text(&paths::file_download(&file.key, &file.name));
    html.markup(r#"" download="" rel="external"><svg class="file__icon" viewBox="0 0 24 24" aria-hidden="true">"#);
    html.markup(r#"<path d="M6 3h8l4 4v14H6zM14 3v4h4"/></svg><bdi class="file__name">"#).text(file.name.as_str());
    html.markup(r#"</bdi> <span class="file__size">"#).text(&size_text(file.bytes)).markup("</span></a>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FileKey, FileName};

    fn file(name: &str, content_type: &str) -> Attachment {
        Attachment {
            key: FileKey::new([0xab; 16]),
            name: FileName::clean(name),
            bytes: 1_234,
            content_type: content_type.into(),
            size: None,
            color: None,
            has_preview: false,
        }
    }

    #[test]
    fn a_picture_has_its_space_before_it_has_a_preview() {
        let mut picture = Attachment { size: Some((2_400, 1_600)), ..file("a b.png", "image/png") };
        let waiting = extras_html(&[picture.clone()]);
        assert!(waiting.contains(r#"width="600" height="400""#) && !waiting.contains("<img"), "{waiting}");
        picture.has_preview = true;
        picture.color = Some("#a1b2c3".into());
        let html = extras_html(&[picture.clone()]);
        assert!(html.contains(r#"src="/files/abababababababababababababababab/a%20b.png/thumb""#), "{html}");
        assert!(html.contains(r#"alt="a b.png" width="600" height="400" loading="lazy""#), "{html}");
        assert!(html.contains(r##"fill="#a1b2c3""##) && !html.contains("pictures--many"), "{html}");
        assert!(extras_html(&[picture.clone(), picture]).contains("pictures--many"));
    }

    #[test]
    fn other_files_are_rows_that_download() {
        let html = extras_html(&[file("<b>\"x\".svg", "image/svg+xml")]);
        assert!(html.contains(r#"href="/files/abababababababababababababababab/-b--x-.svg?download=1""#), "{html}");
        assert!(html.contains("1.2 KB") && !html.contains("<b>"), "{html}");
        let refused = extras_html(&[file("huge.png", "image/png")]);
        assert!(refused.contains(r#"class="file""#) && !refused.contains("picture"), "no size, no preview: {refused}");
        assert_eq!(extras_html(&[]), "");
    }

    #[test]
    fn films_and_recordings_are_played_in_place() {
        let html = extras_html(&[file("film.mp4", "video/mp4"), file("song.mp3", "audio/mpeg")]);
        assert!(html.contains("<video class=\"player\" controls preload=\"none\" playsinline src="), "{html}");
        assert!(html.contains("<audio class=\"player\" controls preload=\"none\" src="), "{html}");
        assert_eq!(html.matches("?download=1").count(), 2);
    }
}
