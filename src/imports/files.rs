//! Copies files and pictures of a source into the store.

use std::fs::File;
use std::path::Path;

use ::import::{Copied, FilePlace, FileProblem, SourceFile};
use pictures::{Bounds, Encoding, Outcome};

use super::downloads::Downloads;
use super::prepare::Prepared;
use super::{ImportError, Report};
use crate::files::{FileDetails, read_details, without_metadata};
use crate::model::{FileForm, FileKey, FileName, MessageId, RoomId, UserId};
use crate::ops::avatars::MAX_KEPT_BYTES;
use crate::state::AppState;
use crate::store::avatars::Picture;
use crate::store::files::NewBlob;

/// Makes a picture small; `None` if that cannot be done, which is noted.
pub(super) async fn picture(
    state: &AppState,
    file: &SourceFile,
    bounds: Bounds,
    encoding: Encoding,
    report: &mut Report,
) -> Result<Option<Picture>, ImportError> {
    let Some(thumbnailer) = state.files.thumbnailer().cloned() else {
        report.drop("pictures of people and the logo: no pictures are taken here", 1);
        return Ok(None);
    };
    let key = FileKey::new(*uuid::Uuid::new_v4().as_bytes());
    let input = state.files.incoming.scratch(&key, "import").await?;
    let output = state.files.incoming.scratch(&key, "shrunk").await?;
    let copied = file.copy(&mut File::create_new(&input)?);
    let made = match copied {
        Ok(_) => {
            let (input, target) = (input.clone(), output.clone());
            let make = move || {
                let outcome = thumbnailer.thumbnail_as(&input, &target, bounds, None, encoding);
                (outcome, std::fs::read(&target))
            };
            let (outcome, bytes) = state.files.threads.turn().await?.run(make).await?;
            match outcome {
                Outcome::Done(made) => bytes
                    .ok()
                    .filter(|bytes| bytes.len() <= MAX_KEPT_BYTES)
                    .map(|bytes| Picture { content_type: made.format.content_type().into(), bytes }),
                Outcome::Refused(_) | Outcome::Failed(_) => None,
            }
        }
        Err(problem @ (FileProblem::Read(_) | FileProblem::Write(_))) => {
            let _ = std::fs::remove_file(input);
            return Err(unfinished(file, &problem));
        }
        Err(_) => None,
    };
    let _ = std::fs::remove_file(input);
    let _ = std::fs::remove_file(output);
    if made.is_none() {
        report.drop("pictures of people and logos that are missing, damaged, or of a kind that is not shown", 1);
        report.note(|| format!("the picture {:?} was left out", file.name));
    }
    Ok(made)
}

/// The end of an import: the file is there, and would be missing for ever if the import went on.
fn unfinished(file: &SourceFile, problem: &FileProblem) -> ImportError {
    ImportError::File(format!("{:?} ({}): {problem}", file.name, file.key))
}

/// Counts a file that is missing or changed, and names it in the report.
pub(super) fn note_problem(file: &SourceFile, problem: &FileProblem, report: &mut Report) {
    report.drop("files that are missing or changed: their messages say so", 1);
    report.note(|| format!("file {:?} ({}): {problem}", file.name, file.key));
}

/// Copies a file from where it is.
async fn copy(
    state: &AppState,
    file: &SourceFile,
    path: &Path,
    downloads: Option<&Downloads>,
) -> Result<Copied, FileProblem> {
    match (&file.place, downloads) {
        (FilePlace::Url(url), Some(downloads)) => {
            downloads.copy(state.outgoing.client(), url, || File::create(path)).await
        }
        _ => file.copy(&mut File::create(path).map_err(FileProblem::Write)?),
    }
}

/// A file that is in the store.
pub(super) struct StoredFile {
    /// Its row.
    pub blob: NewBlob,
    /// Its name.
    pub name: FileName,
    /// The room of its message.
    pub room_id: RoomId,
    /// Its message.
    pub message_id: MessageId,
}

/// Copies the files of a message into the store. Those that cannot be taken are named in its text.
pub(super) async fn store_files(
    state: &AppState,
    prepared: &mut Prepared,
    downloads: Option<&Downloads>,
    report: &mut Report,
) -> Result<Vec<StoredFile>, ImportError> {
    let mut stored = Vec::new();
    let mut missing = Vec::new();
    for (file, key, name) in std::mem::take(&mut prepared.files) {
        let path = state.files.incoming.scratch(&key, "import").await?;
        match copy(state, &file, &path, downloads).await {
            Ok(copied) => {
                let clean = state.files.incoming.scratch(&key, "clean").await?;
                let (input, given, keeps) = (path.clone(), name.clone(), state.files.keeps_metadata());
                let read = move || {
                    let details = read_details(&input, &given)?;
                    let cleaned = if keeps { None } else { without_metadata(&input, &details, clean)? };
                    Ok::<_, std::io::Error>((details, cleaned))
                };
                let (FileDetails { content_type, size }, cleaned) =
                    state.files.threads.turn().await?.run(read).await??;
                let (bytes, sha256) = cleaned.as_ref().map_or((copied.bytes, copied.sha256), |c| (c.bytes, c.sha256));
                let kept = cleaned.as_ref().map_or(&path, |cleaned| &cleaned.path);
                state.files.blobs.put(key.as_str(), kept).await?;
                if let Some(cleaned) = cleaned {
                    let _ = std::fs::remove_file(cleaned.path);
                }
                report.keep("files", 1);
                stored.push(StoredFile {
                    blob: NewBlob {
                        key,
                        creator_id: UserId(prepared.row.creator_id),
                        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                        sha256,
                        content_type,
                        size,
                    },
                    name,
                    room_id: RoomId(prepared.row.room_id),
                    message_id: prepared.id(),
                });
            }
            Err(problem @ (FileProblem::Read(_) | FileProblem::Write(_) | FileProblem::Unreachable(_))) => {
                let _ = std::fs::remove_file(path);
                return Err(unfinished(&file, &problem));
            }
            Err(problem) => {
                note_problem(&file, &problem, report);
                missing.push(name.to_string());
            }
        }
        let _ = std::fs::remove_file(path);
    }
    if !missing.is_empty() {
        prepared.add_missing(&missing);
    }
    if !stored.is_empty() {
        prepared.set_files(stored.iter().map(|file| (file.name.as_str(), FileForm::of(&file.blob.content_type))));
    }
    Ok(stored)
}
