//! Uploads that go on where they broke off: the shape of the IETF's draft on resumable uploads.
//!
//! An upload has a row from its beginning, and its bytes are in a file. Once all have arrived, the file becomes a blob,
//! which a message can then have.

use bytes::Bytes;
use futures::Stream;
use thiserror::Error;

use super::{EXPIRY_MS, GRACE_MS};
use crate::access::Caller;
use crate::facts::Fact;
use crate::files::{AppendError, read_details, without_metadata};
use crate::model::{ClientUploadId, FileKey, FileName, Upload, User, size_text};
use crate::ops::permissions::{CallerRight, write_as, write_completion_as};
use crate::state::AppState;
use crate::store::Tx;
use crate::store::files::{self, NewBlob, StoredUpload};
use crate::{AppError, AppResult};

/// How many uploads of a user may be incomplete.
const MAX_INCOMPLETE: i64 = 20;

/// How many files of the largest size a user may have that are in no message.
const MAX_UNUSED: u64 = 20;

/// Why an upload does not go on.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The piece begins elsewhere than where the upload stands: at this offset.
    #[error("The upload is at another offset.")]
    WrongOffset(u64),
    /// Another reason, in words.
    #[error("{0}")]
    Other(#[from] AppError),
}

/// Begins an upload. The same `client_upload_id` again returns the upload that it began, and whether it is a new one.
///
/// # Errors
/// `TooLarge` for a file over the limit, `NoSpace` when the disk is too full, `Conflict` when too many others are incomplete
/// or in no message, or when the id was used for another file.
pub async fn begin<C: Caller>(
    state: &AppState,
    caller: &C,
    client_upload_id: ClientUploadId,
    name: FileName,
    bytes: u64,
) -> AppResult<(Upload, bool)> {
    let found = files::find_by_client_id(state.db.reader(), caller.user().id, &client_upload_id).await?;
    if let Some(stored) = found {
        return Ok((again(state, caller, stored, &name, bytes).await?, false));
    }
    let max_bytes = state.files.max_file_bytes();
    let size = i64::try_from(bytes).ok().filter(|_| bytes <= max_bytes).ok_or_else(|| too_large(max_bytes))?;
    if !state.files.has_room_for(bytes) {
        return Err(no_space());
    }
    let new = StoredUpload {
        key: FileKey::new(*uuid::Uuid::new_v4().as_bytes()),
        creator_id: caller.user().id,
        name: name.clone(),
        bytes: size,
        complete: false,
    };
    let begin = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        // Two tabs may begin at once.
        if let Some(stored) = files::find_by_client_id(tx.db(), user.id, &client_upload_id).await? {
            return Ok((stored, false));
        }
        if files::count_incomplete(tx.db(), user.id).await? >= MAX_INCOMPLETE {
            let words = "You have 20 files under way. Let some arrive or remove them, then go on.";
            return Err(AppError::Conflict(words.into()));
        }
        require_quota(tx, &new, max_bytes).await?;
        let expires_at = tx.now_ms() + EXPIRY_MS;
        files::insert(tx.db(), &new, &client_upload_id, expires_at).await?;
        Ok((new, true))
    };
    let (stored, is_new) = write_as(state, &CallerRight::of(caller), begin).await?;
    Ok((again(state, caller, stored, &name, bytes).await?, is_new))
}

/// Refuses an upload with which the user's files that are in no message would take too much.
async fn require_quota(tx: &mut Tx, new: &StoredUpload, max_file_bytes: u64) -> AppResult<()> {
    let most = i64::try_from(max_file_bytes.saturating_mul(MAX_UNUSED)).unwrap_or(i64::MAX);
    let unused = files::sum_unused_bytes(tx.db(), new.creator_id).await?;
    if unused.saturating_add(new.bytes) <= most {
        return Ok(());
    }
    let most = size_text(most);
    Err(AppError::Conflict(format!("Your files that are in no message take {most}, the most. Send or remove some.")))
}

/// An upload that was begun before, if it is of the same file.
async fn again<C: Caller>(
    state: &AppState,
    caller: &C,
    stored: StoredUpload,
    name: &FileName,
    bytes: u64,
) -> AppResult<Upload> {
    if stored.name != *name || i64::try_from(bytes) != Ok(stored.bytes) {
        return Err(AppError::Conflict("That upload's id was used for another file.".into()));
    }
    standing(state, caller, stored).await
}

/// Where an upload of the user stands.
///
/// # Errors
/// `NotFound` for uploads of others and those that have expired.
pub async fn resume<C: Caller>(state: &AppState, caller: &C, key: &FileKey) -> AppResult<Upload> {
    let stored = files::find(state.db.reader(), caller.user().id, key).await?.ok_or(AppError::NotFound)?;
    standing(state, caller, stored).await
}

/// Where an upload stands. One whose bytes are all there is completed, if a crash has kept that from happening.
async fn standing<C: Caller>(state: &AppState, caller: &C, stored: StoredUpload) -> AppResult<Upload> {
    let bytes = stored.bytes.unsigned_abs();
    let mut upload = Upload { key: stored.key, name: stored.name, bytes, offset: bytes, is_complete: stored.complete };
    if !upload.is_complete {
        upload.offset = state.files.incoming.offset(&upload.key).await.map_err(broken)?;
        if upload.offset == bytes {
            complete(state, caller, &mut upload).await?;
        }
    }
    Ok(upload)
}

/// Appends a piece that begins at `offset`, and returns where the upload stands then. The last piece makes it complete.
///
/// # Errors
/// As [`UploadError`]; what had arrived before an error stays, unless the piece made the file longer than announced.
pub async fn append<C: Caller, E>(
    state: &AppState,
    caller: &C,
    key: &FileKey,
    offset: u64,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Upload, UploadError> {
    let mut upload = resume(state, caller, key).await?;
    if upload.is_complete {
        return if offset == upload.bytes { Ok(upload) } else { Err(UploadError::WrongOffset(upload.bytes)) };
    }
    upload.offset = match state.files.incoming.append(key, upload.bytes, offset, pieces).await {
        Ok(offset) => offset,
        Err(AppendError::WrongOffset(at)) => return Err(UploadError::WrongOffset(at)),
        Err(AppendError::TooLong) => {
            let words = "More has arrived than the file is long. Choose the file again.";
            return Err(AppError::Malformed(words.into()).into());
        }
        Err(AppendError::Interrupted) => {
            let words = "The upload broke off. It goes on from where it stands.";
            return Err(AppError::Unavailable(words.into()).into());
        }
        Err(AppendError::NoSpace) => return Err(no_space().into()),
        Err(AppendError::Io(error)) => return Err(broken(error).into()),
    };
    if upload.offset == upload.bytes {
        complete(state, caller, &mut upload).await?;
    }
    Ok(upload)
}

/// Makes a blob of an upload whose bytes have all arrived. May be done again after a crash in its middle.
async fn complete<C: Caller>(state: &AppState, caller: &C, upload: &mut Upload) -> AppResult<()> {
    let files_of = &state.files;
    let key = upload.key.clone();
    let path = files_of.incoming.path(&key);
    if upload.bytes == 0 {
        // No piece has made the file of an empty one.
        tokio::fs::create_dir_all(path.parent().unwrap_or(&path)).await.map_err(broken)?;
        tokio::fs::write(&path, b"").await.map_err(broken)?;
    }
    let mut sha256 = files_of.incoming.digest(&key).await.map_err(broken)?;
    let mut bytes = upload.bytes;
    let clean_path = files_of.incoming.scratch(&key, "clean").await.map_err(broken)?;
    let (source, name, keeps_metadata) = (path.clone(), upload.name.clone(), files_of.keeps_metadata());
    let read = move || {
        let details = read_details(&source, &name)?;
        let cleaned = if keeps_metadata { None } else { without_metadata(&source, &details, clean_path)? };
        Ok::<_, std::io::Error>((details, cleaned))
    };
    let (details, cleaned) = files_of.threads.turn().await?.run(read).await?.map_err(broken)?;
    let stored_path = cleaned.as_ref().map_or(path.as_path(), |cleaned| cleaned.path.as_path());
    if let Some(cleaned) = &cleaned {
        sha256 = cleaned.sha256;
        bytes = cleaned.bytes;
    }
    files_of.blobs.put(key.as_str(), stored_path).await.map_err(not_stored)?;
    let blob = NewBlob {
        key: key.clone(),
        creator_id: caller.user().id,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        sha256,
        content_type: details.content_type,
        size: details.size,
    };
    let store = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        let now_ms = tx.now_ms();
        files::find(tx.db(), user.id, &blob.key).await?.ok_or(AppError::NotFound)?;
        files::insert_blob(tx.db(), &blob, now_ms, now_ms + EXPIRY_MS).await?;
        Ok(files::complete(tx.db(), &blob.key, now_ms + EXPIRY_MS).await?)
    };
    write_completion_as(state, &CallerRight::of(caller), store).await?;
    upload.is_complete = true;
    // The bytes are in the store now. What is left behind after an error is swept at the next start.
    if let Some(cleaned) = cleaned {
        let _ = tokio::fs::remove_file(cleaned.path).await;
    }
    let _ = files_of.incoming.delete(&key).await;
    Ok(())
}

/// Receives a file whose size is not known before it has arrived, from a form without scripts. The same
/// `client_upload_id` again returns the upload that is there; the pieces are not read then.
///
/// # Errors
/// As [`begin`] and [`append`]. Nothing of the file stays then.
pub async fn receive<C: Caller, E>(
    state: &AppState,
    caller: &C,
    client_upload_id: ClientUploadId,
    name: FileName,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> AppResult<Upload> {
    let found = files::find_by_client_id(state.db.reader(), caller.user().id, &client_upload_id).await?;
    if let Some(stored) = found.filter(|stored| stored.complete) {
        return standing(state, caller, stored).await;
    }
    if !state.files.has_room_for(0) {
        return Err(no_space());
    }
    let key = FileKey::new(*uuid::Uuid::new_v4().as_bytes());
    let max_bytes = state.files.max_file_bytes();
    let received = match state.files.incoming.append(&key, max_bytes, 0, pieces).await {
        Ok(bytes) => keep_received(state, caller, client_upload_id, &key, name, bytes).await,
        Err(AppendError::TooLong) => Err(too_large(max_bytes)),
        Err(AppendError::NoSpace) => Err(no_space()),
        Err(AppendError::Io(error)) => Err(broken(error)),
        Err(AppendError::Interrupted | AppendError::WrongOffset(_)) => {
            Err(AppError::Unavailable("The file did not arrive whole. Send it again.".into()))
        }
    };
    if received.is_err() {
        let _ = state.files.incoming.delete(&key).await;
    }
    received
}

/// Gives received bytes their rows.
async fn keep_received<C: Caller>(
    state: &AppState,
    caller: &C,
    client_upload_id: ClientUploadId,
    key: &FileKey,
    name: FileName,
    bytes: u64,
) -> AppResult<Upload> {
    let new = StoredUpload {
        key: key.clone(),
        creator_id: caller.user().id,
        name: name.clone(),
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        complete: false,
    };
    let max_file_bytes = state.files.max_file_bytes();
    let begin = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        // One that broke off, of the same form.
        if let Some(earlier) = files::find_by_client_id(tx.db(), user.id, &client_upload_id).await? {
            let expired_at = tx.now_ms() - GRACE_MS;
            files::remove(tx.db(), user.id, &earlier.key, expired_at).await?;
        }
        require_quota(tx, &new, max_file_bytes).await?;
        let expires_at = tx.now_ms() + EXPIRY_MS;
        Ok(files::insert(tx.db(), &new, &client_upload_id, expires_at).await?)
    };
    write_as(state, &CallerRight::of(caller), begin).await?;
    let mut upload = Upload { key: key.clone(), name, bytes, offset: bytes, is_complete: false };
    complete(state, caller, &mut upload).await?;
    Ok(upload)
}

/// Removes an upload of the user that no message has. Removing it again is no error.
///
/// # Errors
/// `Conflict` when a message has it already.
pub async fn remove<C: Caller>(state: &AppState, caller: &C, key: &FileKey) -> AppResult<()> {
    let removed_key = key.clone();
    let remove = async move |tx: &mut Tx, user: User| {
        tx.changes_nothing_visible();
        // Without its upload, no message can have the blob: it is deleted at once.
        let expired_at = tx.now_ms() - GRACE_MS;
        let removed = files::remove(tx.db(), user.id, &removed_key, expired_at).await?;
        if removed == Some(true) {
            tx.record(Fact::FilesReleased).await?;
        }
        Ok(removed.is_some())
    };
    if write_as(state, &CallerRight::of(caller), remove).await? {
        let _ = state.files.incoming.delete(key).await;
    }
    Ok(())
}

fn too_large(max_bytes: u64) -> AppError {
    let limit = size_text(i64::try_from(max_bytes).unwrap_or(i64::MAX));
    AppError::TooLarge(format!("A file has at most {limit} here. Share a link to it instead."))
}

fn no_space() -> AppError {
    AppError::NoSpace("The server's disk is full, so the file was not taken. Tell whoever runs it.".into())
}

/// A failure of the file system, for the log; the user learns only that there was one.
/// The store does not take a file that has arrived. A store on another machine may do so later.
fn not_stored(error: std::io::Error) -> AppError {
    match AppendError::from(error) {
        AppendError::NoSpace => no_space(),
        error => {
            tracing::error!(%error, "the store did not take a file");
            AppError::Unavailable("The file has arrived, but the store of files does not take it. Try again.".into())
        }
    }
}

fn broken(error: std::io::Error) -> AppError {
    match AppendError::from(error) {
        AppendError::NoSpace => no_space(),
        error => {
            tracing::error!(%error, "a file could not be stored");
            AppError::Internal
        }
    }
}
