//! Reading the files of messages.

use std::ops::Range;

use bytes::Bytes;

use crate::access::{CurrentUser, Member};
use crate::files::{BlobReader, PREVIEW_SUFFIX};
use crate::model::{FileKey, FileName, MessageId, hex};
use crate::state::AppState;
use crate::store::{self, files::RoomFile};
use crate::{AppError, AppResult};

/// What of a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilePart {
    /// The file as it was stored.
    Original,
    /// Its preview.
    Preview,
}

/// A file that the user may read, open.
pub struct ServedFile {
    /// Its name.
    pub name: FileName,
    /// Its media type.
    pub content_type: String,
    /// Its entity tag: the same bytes have the same.
    pub etag: String,
    reader: Box<dyn BlobReader>,
}

impl ServedFile {
    /// Its size, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.reader.bytes()
    }

    /// Reads from the start of `range` on, as much as is read at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(&self, range: Range<u64>) -> std::io::Result<Bytes> {
        self.reader.read(range).await
    }
}

/// Opens a file of a message in one of the user's rooms.
///
/// # Errors
/// `NotFound` for any other file, and for a preview that does not exist.
pub async fn find(state: &AppState, current: &CurrentUser, key: &FileKey, part: FilePart) -> AppResult<ServedFile> {
    let file = store::files::find_attached(state.db.reader(), key).await?.ok_or(AppError::NotFound)?;
    state.members.find(current, file.room_id).await?;
    let digest = hex(&file.sha256);
    let (name, content_type, etag) = match part {
        FilePart::Original => (key.to_string(), file.content_type, format!("\"{digest}\"")),
        FilePart::Preview => {
            let content_type = file.preview_type.ok_or(AppError::NotFound)?;
            (format!("{key}{PREVIEW_SUFFIX}"), content_type, format!("\"{digest}{PREVIEW_SUFFIX}\""))
        }
    };
    let reader = state.files.blobs.open(&name).await.map_err(|error| {
        tracing::error!(%error, name, "a stored file cannot be opened");
        if error.kind() == std::io::ErrorKind::NotFound {
            return AppError::NotFound;
        }
        AppError::Unavailable("The store of files does not answer. Try again.".into())
    })?;
    Ok(ServedFile { name: file.name, content_type, etag, reader })
}

/// How many files a page of a room's files has, about.
const FILES_PAGE: i64 = 60;

/// A page of the files of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFiles {
    /// The files, those of the newest message first.
    pub files: Vec<RoomFile>,
    /// Where the next page goes on: before this message. `None` on the last page.
    pub next_before: Option<MessageId>,
}

/// The files of the member's room, of messages before one.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of_room(state: &AppState, member: &Member, before: Option<MessageId>) -> AppResult<RoomFiles> {
    let before = before.unwrap_or(MessageId(i64::MAX));
    let files = store::files::list_of_room(state.db.reader(), member.room.id, before, FILES_PAGE).await?;
    let is_full = i64::try_from(files.len()).is_ok_and(|count| count >= FILES_PAGE);
    let next_before = files.last().filter(|_| is_full).map(|last| last.message_id);
    Ok(RoomFiles { files, next_before })
}
