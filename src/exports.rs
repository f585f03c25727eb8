//! An export: what was said, readable without this program. One page of HTML and one file of JSON lines a room, and the
//! files of the messages beside them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use crate::AppError;
use crate::html::HtmlWriter;
use crate::model::{MessageId, RoomId, RoomKind, UserId, size_text, utc_timestamp};
use crate::richtext::with_current_names;
use crate::state::AppState;
use crate::store::exports::{self, ExportedFile, ExportedMessage, ExportedRoom};

/// How many messages are in memory at a time.
const PAGE_SIZE: i64 = 200;

/// The extensions that files keep: what opens them shows, plays or unpacks them, and executes nothing that could read the
/// pages beside them. All other files end in `.bin`; their names are in the pages and in
/// the JSON.
const EXTENSIONS: [&str; 51] = [
    "7z", "aac", "avif", "bmp", "bz2", "csv", "doc", "docx", "eml", "epub", "flac", "gif", "gz", "heic", "ics", "jpeg",
    "jpg", "json", "jsonl", "log", "m4a", "m4v", "md", "mkv", "mov", "mp3", "mp4", "odp", "ods", "odt", "oga", "ogg",
    "ogv", "opus", "patch", "pdf", "png", "ppt", "pptx", "rar", "rtf", "tar", "tif", "tiff", "txt", "wav", "webm",
    "webp", "xls", "xlsx", "zip",
];

/// How the page looks: nothing is loaded from elsewhere.
const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}\
article{margin:1rem 0}header{color:#666;font-size:.85rem}header b{color:#111}blockquote{border-left:.2rem solid #ccc;\
margin-left:0;padding-left:1rem}pre{background:#f4f4f4;padding:.5rem;overflow:auto}img{max-width:100%}";

/// Why nothing can be exported, or not all.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The folder is not empty.
    #[error("{} is not empty: name a folder that does not exist", .0.display())]
    NotEmpty(PathBuf),
    /// There is no such room.
    #[error("there is no room {0}")]
    NoRoom(RoomId),
    /// The database does not answer.
    #[error("{0}")]
    Store(#[from] AppError),
    /// A file cannot be written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

impl From<sqlx::Error> for ExportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Totals of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Rooms.
    pub room_count: u64,
    /// Messages.
    pub message_count: u64,
    /// Files.
    pub file_count: u64,
    /// Files that are missing in the installation.
    pub missing_count: u64,
}

/// A line of the file of JSON lines.
#[derive(Serialize)]
struct Line<'m> {
    id: MessageId,
    created_at: String,
    creator: Creator<'m>,
    markdown: &'m str,
    html: &'m str,
    text: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<MessageId>,
    /// The message whose thread it is an answer in.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<MessageId>,
    is_edited: bool,
    files: Vec<Attached<'m>>,
    boosts: Vec<Boosted<'m>>,
}

#[derive(Serialize)]
struct Creator<'m> {
    id: UserId,
    name: &'m str,
}

#[derive(Serialize)]
struct Attached<'m> {
    name: &'m str,
    /// Where it is below the folder; none if it is missing.
    path: Option<String>,
    content_type: &'m str,
    bytes: i64,
}

#[derive(Serialize)]
struct Boosted<'m> {
    content: &'m str,
    booster: &'m str,
}

/// Exports all rooms, or one, into a folder that is empty or does not exist.
///
/// # Errors
/// As [`ExportError`]. What was written by then stays.
pub async fn export(
    state: &AppState,
    folder: &Path,
    only: Option<RoomId>,
    progress: &mut dyn FnMut(Exported),
) -> Result<Exported, ExportError> {
    let rooms = exports::list_rooms(state.db.reader(), only).await?;
    if let (Some(room_id), true) = (only, rooms.is_empty()) {
        return Err(ExportError::NoRoom(room_id));
    }
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        entries => {
            if entries.map_err(failed(folder))?.next().is_some() {
                return Err(ExportError::NotEmpty(folder.to_owned()));
            }
        }
    }
    fs::create_dir_all(folder.join("files")).map_err(failed(folder))?;
    let names: HashMap<UserId, String> = exports::list_names(state.db.reader()).await?.into_iter().collect();
    let mut export = Export { state, folder, names, exported: Exported::default() };
    for room in &rooms {
        export.room(room, progress).await?;
    }
    export.index(&rooms)?;
    Ok(export.exported)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    move |error| ExportError::Io(path, error)
}

struct Export<'e> {
    state: &'e AppState,
    folder: &'e Path,
    names: HashMap<UserId, String>,
    exported: Exported,
}

impl Export<'_> {
    async fn room(&mut self, room: &ExportedRoom, progress: &mut dyn FnMut(Exported)) -> Result<(), ExportError> {
        let create = |extension: &str| {
            let path = self.folder.join(format!("room-{}.{extension}", room.id));
            File::create_new(&path).map(BufWriter::new).map_err(failed(&path)).map(|file| (file, path))
        };
        let ((mut page, page_path), (mut lines, lines_path)) = (create("html")?, create("jsonl")?);
        page.write_all(head(&title(room)).as_bytes()).map_err(failed(&page_path))?;
        let mut after = MessageId(0);
        loop {
            let messages = exports::list_messages(self.state.db.reader(), room.id, after, PAGE_SIZE).await?;
            let (Some(first), Some(last)) = (messages.first(), messages.last()) else { break };
            let (first, last) = (first.id, last.id);
            after = last;
            let boosts = exports::list_boosts(self.state.db.reader(), room.id, first, last).await?;
            let files = exports::list_files(self.state.db.reader(), room.id, first, last).await?;
            for message in &messages {
                let mut attached = Vec::new();
                for file in files.iter().filter(|file| file.message_id == message.id) {
                    attached.push((file, self.copy(file).await?));
                }
                let own: Vec<_> = boosts.iter().filter(|(id, ..)| *id == message.id).collect();
                let html = with_current_names(&message.body_html, &self.names);
                let article = article(message, &html, &attached, &own);
                page.write_all(article.as_bytes()).map_err(failed(&page_path))?;
                let line = line(message, &html, attached, &own);
                serde_json::to_writer(&mut lines, &line)
                    .map_err(io::Error::from)
                    .and_then(|()| lines.write_all(b"\n"))
                    .map_err(failed(&lines_path))?;
                self.exported.message_count += 1;
            }
            progress(self.exported);
        }
        page.write_all(b"</main>\n").and_then(|()| page.flush()).map_err(failed(&page_path))?;
        lines.flush().map_err(failed(&lines_path))?;
        self.exported.room_count += 1;
        Ok(())
    }

    /// Copies a file, and returns where it is below the folder; `None` if it is missing.
    async fn copy(&mut self, file: &ExportedFile) -> Result<Option<String>, ExportError> {
        let scratch = self.folder.join("files/.scratch");
        let Ok(source) = self.state.files.blobs.local_path(&file.key, &scratch).await else {
            self.exported.missing_count += 1;
            return Ok(None);
        };
        let relative = format!("files/{}.{}", file.key, extension(&file.name));
        let target = self.folder.join(&relative);
        let copied = fs::copy(&source, &target);
        if source == scratch {
            let _ = fs::remove_file(&scratch);
        }
        match copied {
            Ok(_) => {
                self.exported.file_count += 1;
                Ok(Some(relative))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.exported.missing_count += 1;
                Ok(None)
            }
            Err(error) => Err(failed(&target)(error)),
        }
    }

    /// The page that links to the rooms.
    fn index(&self, rooms: &[ExportedRoom]) -> Result<(), ExportError> {
        let path = self.folder.join("index.html");
        let mut html = HtmlWriter::new();
        html.raw(&head("Rooms")).markup("<ul>");
        for room in rooms {
            html.markup("<li><a href=\"room-").number(room.id.0).markup(".html\">");
            html.text(&title(room)).markup("</a></li>\n");
        }
        html.markup("</ul></main>\n");
        fs::write(&path, html.into_string()).map_err(failed(&path))
    }
}

/// The extension that a file of this name gets.
fn extension(name: &str) -> &'static str {
    let own = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    EXTENSIONS.into_iter().find(|extension| *extension == own).unwrap_or("bin")
}

fn title(room: &ExportedRoom) -> String {
    match room.kind {
        RoomKind::Open => room.name.clone(),
        RoomKind::Closed => format!("{} (closed)", room.name),
        RoomKind::Direct => format!("Ping: {}", room.name),
    }
}

fn head(title: &str) -> String {
    let mut html = HtmlWriter::new();
    html.markup("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>").text(title);
    // Nothing of a message is executed, and nothing is loaded, whoever opens the page.
    html.markup("</title><meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; ");
    html.markup("style-src 'unsafe-inline'; img-src 'self' file:; media-src 'self' file:\"><style>");
    html.raw(STYLE).markup("</style><main><h1>").text(title).markup("</h1>\n");
    html.into_string()
}

fn article(
    message: &ExportedMessage,
    body: &str,
    files: &[(&ExportedFile, Option<String>)],
    boosts: &[&(MessageId, String, String)],
) -> String {
    let mut html = HtmlWriter::with_capacity(body.len() + 512);
    let time = utc_timestamp(message.created_at);
    html.markup("<article id=\"message-").number(message.id.0).markup("\"><header><b>").text(&message.creator_name);
    html.markup("</b> <time datetime=\"").text(&time).markup("\">").text(&time).markup("</time>");
    if let Some(root_id) = message.thread_root_id {
        html.markup(" <a href=\"#message-").number(root_id.0).markup("\">in a thread</a>");
    }
    html.markup("</header>");
    html.raw(body);
    for (file, path) in files {
        html.markup("<p>");
        match path {
            Some(path) => html.markup("<a href=\"").text(path).markup("\">").text(&file.name).markup("</a> "),
            None => html.text(&file.name).markup(" (missing) "),
        };
        html.text(&size_text(file.bytes)).markup("</p>");
    }
    if !boosts.is_empty() {
        html.markup("<p>");
        for (_, content, booster) in boosts {
            html.text(content).markup(" ").text(booster).markup(" ");
        }
        html.markup("</p>");
    }
    html.markup("</article>\n");
    html.into_string()
}

fn line<'m>(
    message: &'m ExportedMessage,
    html: &'m str,
    files: Vec<(&'m ExportedFile, Option<String>)>,
    boosts: &[&'m (MessageId, String, String)],
) -> Line<'m> {
    Line {
        id: message.id,
        created_at: utc_timestamp(message.created_at),
        creator: Creator { id: message.creator_id, name: &message.creator_name },
        markdown: &message.body_source,
        html,
        text: &message.body_text,
        reply_to: message.reply_to,
        answers: message.thread_root_id,
        is_edited: message.revision > 1,
        files: files
            .into_iter()
            .map(|(file, path)| Attached {
                name: &file.name,
                path,
                content_type: &file.content_type,
                bytes: file.bytes,
            })
            .collect(),
        boosts: boosts.iter().map(|(_, content, booster)| Boosted { content, booster }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn each_room_is_a_page_and_a_file_of_json_lines() {
        let world = testing::world().await;
        let state = &world.state;
        let talk = world.all_talk.id;
        let secret = world.open_closed_room("Secret <plans>", &[&world.bob]).await.id;
        let first = world.post(&world.ada, talk, "Hello **@Bob**, <script>").await;
        for number in 0..PAGE_SIZE {
            world.post(&world.bob, talk, &format!("number {number}")).await;
        }
        world.post(&world.bob, secret, "the plan").await;
        let member = world.member(&world.bob, talk).await;
        crate::ops::boosts::boost(state, &member, first.id, "🎉".parse().unwrap()).await.unwrap();

        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("export");
        let exported = export(state, &folder, None, &mut |_| {}).await.unwrap();
        assert_eq!((exported.room_count, exported.message_count), (2, PAGE_SIZE as u64 + 2));
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let page = read(&format!("room-{talk}.html"));
        assert!(
            page.contains(">@Bob</a>") && page.contains("&lt;script&gt;") && page.contains("🎉 Bob"),
            "{page:.900}"
        );
        assert_eq!(page.matches("<article ").count(), PAGE_SIZE as usize + 1);
        let lines = read(&format!("room-{talk}.jsonl"));
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(line["markdown"], "Hello **@Bob**, <script>");
        assert_eq!((&line["creator"]["name"], &line["boosts"][0]["content"]), (&"Ada".into(), &"🎉".into()));
        assert_eq!(lines.lines().count(), PAGE_SIZE as usize + 1);
        assert!(read("index.html").contains("Secret &lt;plans&gt; (closed)"));

        let again = export(state, &folder, None, &mut |_| {}).await;
        assert!(matches!(again, Err(ExportError::NotEmpty(_))), "{again:?}");
        let others = parent.path().join("others");
        fs::create_dir_all(others.join("files")).unwrap();
        let refused = export(state, &others, None, &mut |_| {}).await;
        assert!(matches!(refused, Err(ExportError::NotEmpty(_))), "{refused:?}");
        fs::remove_dir(others.join("files")).unwrap();
        fs::write(others.join("letter.txt"), "dear").unwrap();
        assert!(export(state, &others, None, &mut |_| {}).await.is_err());
        assert_eq!(fs::read_dir(&others).unwrap().count(), 1, "nothing is made in the folder of somebody else");
        let one = parent.path().join("one");
        assert_eq!(export(state, &one, Some(secret), &mut |_| {}).await.unwrap().message_count, 1);
        assert!(!one.join(format!("room-{talk}.html")).exists());
        let missing = export(state, &parent.path().join("none"), Some(RoomId(99)), &mut |_| {}).await;
        assert!(matches!(missing, Err(ExportError::NoRoom(_))), "{missing:?}");
    }
    #[test]
    fn files_that_could_execute_something_lose_their_extension() {
        for (name, expected) in [
            ("plan.PDF", "pdf"),
            ("a.b.png", "png"),
            ("evil.html", "bin"),
            ("evil.Svg", "bin"),
            ("evil.xhtml", "bin"),
            ("evil.js", "bin"),
            ("Makefile", "bin"),
            ("html", "bin"),
            ("a.", "bin"),
        ] {
            assert_eq!(extension(name), expected, "{name}");
        }
    }
}
