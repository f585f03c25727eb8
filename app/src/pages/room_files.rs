//! The files of a room: by month, pictures as a grid and the others as a list.

use campfire::html::HtmlWriter;
use campfire::model::{Attachment, FileForm, MessageId, RoomId, paths, size_text, utc_timestamp};
use leptos::prelude::*;

use crate::components::sheet::{Section, Sheet};

/// A file, and where it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentFile {
    /// The message.
    pub message_id: MessageId,
    /// The name of its author.
    pub creator_name: String,
    /// When it was sent, in milliseconds since the epoch.
    pub created_at: i64,
    /// The file.
    pub file: Attachment,
}

/// The names of the months, in the order of the year.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A page of a room's files, newest first.
#[component]
pub fn RoomFiles(
    /// The room.
    room_id: RoomId,
    /// Its name.
    room_name: String,
    /// The files.
    files: Vec<SentFile>,
    /// The message before which the next page begins; `None` on the last one.
    next_before: Option<MessageId>,
) -> impl IntoView {
    let months = by_month(files);
    let is_empty = months.is_empty();
    let sections = months.into_iter().map(|(month, files)| {
        let html = month_html(room_id, &files);
        view! { <Section title=month><div class="files" inner_html=html></div></Section> }
    });
    let sections: Vec<_> = sections.collect();
    view! {
        <Sheet title=format!("Files in {room_name}") back=paths::room(room_id)>
            {is_empty.then(|| view! {
                <p class="empty">"No files yet. Drop one on the room, paste a picture, or choose one beside the text field."</p>
            })}
            {sections}
            {next_before.map(|before| view! {
                <p class="files__more"><a class="button" href=paths::room_files_before(room_id, before)>"Older files"</a></p>
            })}
        </Sheet>
    }
}

/// The files by the month in which they were sent (UTC, as in all pages that no script changes), newest first.
fn by_month(files: Vec<SentFile>) -> Vec<(String, Vec<SentFile>)> {
    let mut months: Vec<(String, Vec<SentFile>)> = Vec::new();
    for file in files {
        let month = month_name(file.created_at);
        match months.last_mut() {
            Some((last, files)) if *last == month => files.push(file),
            _ => months.push((month, vec![file])),
        }
    }
    months
}

/// A month like `November 2026`.
fn month_name(at_ms: i64) -> String {
    let timestamp = utc_timestamp(at_ms);
    let mut parts = timestamp.split('-');
    let (year, month) = (parts.next().unwrap_or_default(), parts.next().and_then(|month| month.parse::<usize>().ok()));
    let name = month.and_then(|month| MONTHS.get(month.checked_sub(1)?)).copied().unwrap_or_default();
    format!("{name} {year}")
}

fn month_html(room_id: RoomId, files: &[SentFile]) -> String {
    let mut html = HtmlWriter::with_capacity(files.len() * 512);
    let is_picture = |sent: &&SentFile| sent.file.form() == FileForm::Picture && sent.file.has_preview;
    let (pictures, others): (Vec<_>, Vec<_>) = files.iter().partition(is_picture);
    if !pictures.is_empty() {
        html.markup(r#"<ul class="files__pictures">"#);
        for sent in pictures {
            let SentFile { message_id, creator_name, file, .. } = sent;
            html.markup(r#"<li><a href=""#).raw(&paths::message(room_id, *message_id)).markup(r#"" title=""#);
            html.text(&format!("{} from {creator_name}", file.name)).markup(r#""><img src=""#);
            html.text(&paths::file_preview(&file.key, &file.name)).markup(r#"" alt=""#).text(file.name.as_str());
            html.markup(r#"" width="160" height="160" loading="lazy" decoding="async"></a></li>"#);
        }
        html.markup("</ul>");
    }
    if !others.is_empty() {
        html.markup(r#"<ul class="files__list">"#);
        for sent in others {
            let SentFile { message_id, creator_name, created_at, file } = sent;
            html.markup(r#"<li><a class="files__name" href=""#).text(&paths::file_download(&file.key, &file.name));
            html.markup(r#"" download=""><bdi>"#).text(file.name.as_str()).markup("</bdi></a>");
            html.markup(r#"<span class="files__about">"#).text(&size_text(file.bytes)).markup(" from <bdi>");
            html.text(creator_name).markup(r#"</bdi>, <a href=""#).raw(&paths::message(room_id, *message_id));
            html.markup(r#""><local-time data-date><time datetime=""#).raw(&utc_timestamp(*created_at)).markup(r#"">"#);
            html.raw(&utc_timestamp(*created_at)[..10]).markup("</time></local-time></a></span></li>");
        }
        html.markup("</ul>");
    }
    html.into_string()
}

#[cfg(test)]
mod tests {
    use campfire::model::{FileKey, FileName};

    use super::*;

    #[test]
    fn files_are_shown_by_month_pictures_first() {
        let sent = |name: &str, content_type: &str, created_at| SentFile {
            message_id: MessageId(41),
            creator_name: "<Ada>".into(),
            created_at,
            file: Attachment {
                key: FileKey::new([1; 16]),
                name: FileName::clean(name),
                bytes: 2_000,
                content_type: content_type.into(),
                size: Some((10, 10)),
                color: None,
                has_preview: content_type.starts_with("image/"),
            },
        };
        let november = 1_795_000_000_000;
        let files = vec![
            sent("a.pdf", "application/pdf", november),
            sent("b.png", "image/png", november - 1),
            sent("c.pdf", "application/pdf", november - 30 * 86_400_000),
        ];
        let months = by_month(files);
        let names: Vec<_> = months.iter().map(|(month, files)| (month.as_str(), files.len())).collect();
        assert_eq!(names, [("November 2026", 2), ("October 2026", 1)]);
        let html = month_html(RoomId(4), &months[0].1);
        assert!(html.find("b.png").unwrap() < html.find("a.pdf").unwrap(), "{html}");
        assert!(html.contains("/rooms/4/@41") && html.contains("&lt;Ada&gt;") && html.contains("2 KB"), "{html}");
    }
}
