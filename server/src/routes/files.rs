//! The files of messages: the bytes, in ranges, to the members of the message's room alone.

use std::ops::Range;

use app::pages::room_files::{self, RoomFilesProps, SentFile};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use campfire::model::{FileKey, FileName};
use campfire::ops::files::{self, FilePart, RoomFile, RoomFiles, ServedFile};
use campfire::state::AppState;
use pictures::content_type::{ContentType, Disposition};
use serde::Deserialize;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::path::PageQuery;
use crate::http::range::{self, Requested};
use crate::http::{etag, render};
use crate::session::{InRoom, SignedIn};

/// The policy of a file that is shown as a page of its own: nothing in it runs or loads anything.
const POLICY: HeaderValue = HeaderValue::from_static("sandbox; default-src 'none'");

/// A key always means the same bytes.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// Files and their previews.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/files/{key}/{name}", get(original))
        .route("/files/{key}/{name}/thumb", get(preview))
        .route("/rooms/{room_id}/files", get(of_room))
}

/// The files of a room, as a page.
async fn of_room(
    State(state): State<AppState>,
    InRoom(member): InRoom,
    query: PageQuery,
) -> Result<Response, PageError> {
    let before = query.get("before").and_then(|before| before.parse().ok());
    let RoomFiles { files, next_before } = files::list_of_room(&state, &member, before).await?;
    let files = files.into_iter().map(|RoomFile { message_id, creator_name, created_at, file }| SentFile {
        message_id,
        creator_name,
        created_at,
        file,
    });
    let room_name = member.room.name.clone();
    let props = RoomFilesProps { room_id: member.room.id, room_name, files: files.collect(), next_before };
    Ok(render::plain(StatusCode::OK, "Files", || room_files::RoomFiles(props)))
}

#[derive(Debug, Default, Deserialize)]
struct Wish {
    download: Option<String>,
}

async fn original(
    state: State<AppState>,
    signed_in: SignedIn,
    Path((key, _)): Path<(String, String)>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    serve(state, signed_in, &key, FilePart::Original, wish.download.is_some(), &headers).await
}

async fn preview(
    state: State<AppState>,
    signed_in: SignedIn,
    Path((key, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    serve(state, signed_in, &key, FilePart::Preview, false, &headers).await
}

async fn serve(
    State(state): State<AppState>,
    SignedIn(current): SignedIn,
    key: &str,
    part: FilePart,
    is_download: bool,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let key: FileKey = key.parse()?;
    let file = files::find(&state, &current, &key, part).await?;
    let bytes = file.bytes();
    let mut response_headers = HeaderMap::new();
    response_headers.insert(header::ETAG, value(&file.etag));
    response_headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    if etag::matches(headers, &file.etag) {
        return Ok((StatusCode::NOT_MODIFIED, response_headers).into_response());
    }
    let content_type = ContentType::parse(&file.content_type);
    let disposition = if is_download { Disposition::Attachment } else { content_type.disposition() };
    response_headers.insert(header::CONTENT_TYPE, with_charset(content_type));
    response_headers.insert(header::CONTENT_DISPOSITION, content_disposition(disposition, &file.name));
    response_headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    response_headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let (status, range) = match range::requested(headers, &file.etag, bytes) {
        Requested::Whole => (StatusCode::OK, 0..bytes),
        Requested::Part(range) => {
            let part = format!("bytes {}-{}/{bytes}", range.start, range.end - 1);
            response_headers.insert(header::CONTENT_RANGE, value(&part));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Requested::Unsatisfiable => {
            response_headers.insert(header::CONTENT_RANGE, value(&format!("bytes */{bytes}")));
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, response_headers).into_response());
        }
    };
    response_headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    Ok((status, response_headers, Body::from_stream(chunks(file, range))).into_response())
}

/// The bytes of a range, read as they are sent.
fn chunks(file: ServedFile, range: Range<u64>) -> impl futures::Stream<Item = std::io::Result<Bytes>> {
    futures::stream::try_unfold((file, range), |(file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let chunk = file.read(range.clone()).await?;
        let rest = range.start + chunk.len() as u64..range.end;
        Ok(Some((chunk, (file, rest))))
    })
}

/// The type; text is taken for UTF-8, as nearly all of it is.
fn with_charset(content_type: ContentType) -> HeaderValue {
    let name = content_type.as_str();
    if name.starts_with("text/") { value(&format!("{name}; charset=utf-8")) } else { value(name) }
}

/// `inline` or `attachment` with the name, in ASCII for old programs and whole for the others (RFC 6266).
fn content_disposition(disposition: Disposition, name: &FileName) -> HeaderValue {
    let is_plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ';
    let ascii: String = name.as_str().chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let mut whole = String::new();
    for byte in name.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => whole.push(char::from(byte)),
            other => whole.push_str(&format!("%{other:02X}")),
        }
    }
    value(&format!("{}; filename=\"{ascii}\"; filename*=UTF-8''{whole}", disposition.as_str()))
}

/// A header value that was made of ASCII here.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sent_in_two_forms() {
        let of = |name: &str| content_disposition(Disposition::Attachment, &FileName::clean(name));
        assert_eq!(of("a b.pdf"), "attachment; filename=\"a b.pdf\"; filename*=UTF-8''a%20b.pdf");
        assert_eq!(
            of("naïve 名.txt"),
            "attachment; filename=\"na_ve _.txt\"; filename*=UTF-8''na%C3%AFve%20%E5%90%8D.txt"
        );
        let inline = content_disposition(Disposition::Inline, &FileName::clean("x"));
        assert!(inline.to_str().unwrap().starts_with("inline; "));
    }
}
