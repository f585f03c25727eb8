//! Choosing where files are stored, and moving them from one store to another.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::Location;

/// Why files are not moved, or not stored where they should be.
#[derive(Debug, Error)]
pub enum MoveError {
    /// They are elsewhere.
    #[error(
        "the files are in {0}, not in {1}. To move them, stop the server and run `campfire move-files {1}`; to leave them, \
         start without --files"
    )]
    Elsewhere(Place, Place),
    /// They are there already.
    #[error("the files are in {0} already")]
    Same(Place),
    /// A store does not work.
    #[error("{0} cannot be used: {1}")]
    Store(Place, io::Error),
    /// The data folder cannot be read or written.
    #[error("it cannot be noted where the files are: {0}")]
    Note(io::Error),
    /// A file cannot be copied.
    #[error("{0} cannot be copied: {1}. Run the command again to go on; nothing has changed for the server yet")]
    Copy(String, io::Error),
}

/// A location in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(pub Location);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Location::Folder => f.write_str("the data folder"),
            Location::Bucket(location) => location.fmt(f),
        }
    }
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The number of files that were copied, previews included.
    pub file_count: u64,
    /// Their size, in bytes.
    pub bytes: u64,
    /// The number of files that were there already.
    pub skipped_count: u64,
}

/// Makes sure that the installation in `data` stores its files at `wanted`. A new installation, without files, does so from
/// now on.
///
/// # Errors
/// When it has files elsewhere, and when the store cannot be used.
pub async fn choose(data: &Path, wanted: &Location) -> Result<(), MoveError> {
    let present = Location::of(data).map_err(MoveError::Note)?;
    if present == *wanted {
        return Ok(());
    }
    let stored = list(data, &present).await?;
    if !stored.is_empty() {
        return Err(MoveError::Elsewhere(Place(present), Place(wanted.clone())));
    }
    let store = wanted.open(data).map_err(|error| MoveError::Store(Place(wanted.clone()), error))?;
    store.check().await.map_err(|error| MoveError::Store(Place(wanted.clone()), error))?;
    wanted.note(data).map_err(MoveError::Note)
}

/// Copies all files of the installation in `data` to `target`, and notes that they are there. Nothing may use the
/// installation meanwhile. The files stay where they were, too.
///
/// # Errors
/// When a store cannot be used or a file cannot be copied. Everything is as before then, but for what was copied.
pub async fn move_to(data: &Path, target: &Location, progress: &mut dyn FnMut(Moved)) -> Result<Moved, MoveError> {
    let present = Location::of(data).map_err(MoveError::Note)?;
    if present == *target {
        return Err(MoveError::Same(Place(present)));
    }
    let broken = |location: &Location| {
        let place = Place(location.clone());
        move |error| MoveError::Store(place, error)
    };
    let from = present.open(data).map_err(broken(&present))?;
    let to = target.open(data).map_err(broken(target))?;
    to.check().await.map_err(broken(target))?;
    let mut moved = Moved::default();
    let scratch = data.join("files-moving");
    for name in list(data, &present).await? {
        let failed = |error| MoveError::Copy(name.clone(), error);
        let bytes = from.open(&name).await.map_err(failed)?.bytes();
        // What a run that was cut off has copied.
        if to.open(&name).await.is_ok_and(|there| there.bytes() == bytes) {
            moved.skipped_count += 1;
            continue;
        }
        let path = from.local_path(&name, &scratch).await.map_err(failed)?;
        to.put(&name, &path).await.map_err(failed)?;
        moved.file_count += 1;
        moved.bytes += bytes;
        progress(moved);
    }
    let _ = tokio::fs::remove_file(&scratch).await;
    target.note(data).map_err(MoveError::Note)?;
    Ok(moved)
}

async fn list(data: &Path, location: &Location) -> Result<Vec<String>, MoveError> {
    let broken = |error| MoveError::Store(Place(location.clone()), error);
    location.open(data).map_err(broken)?.list_before(i64::MAX).await.map_err(broken)
}
