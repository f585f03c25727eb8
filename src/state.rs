//! What the whole program shares: made once at start, cheap to clone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::AppResult;
use crate::clock::Clock;
use crate::live::{self, Hub};
use crate::passwords::Passwords;
use crate::store::{self, Db};

/// The shared parts of a running Campfire.
#[derive(Clone, Debug)]
pub struct AppState {
    pub db: Db,
    pub live: Hub,
    pub clock: Clock,
    pub passwords: Passwords,
    set_up: Arc<AtomicBool>,
}

impl AppState {
    /// Opens the data folder, migrates its database and starts the writer, the checkpoints and the live hub.
    ///
    /// # Errors
    /// When the folder cannot be used as one, with the reason.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, store::OpenError> {
        let live = Hub::default();
        let db = Db::open(&folder.join("campfire.sqlite3"), live::publisher(live.clone())).await?;
        let set_up = store::accounts::find(db.reader()).await?.is_some();
        Ok(Self { db, live, clock, passwords: Passwords::default(), set_up: Arc::new(AtomicBool::new(set_up)) })
    }

    /// Whether the first run is over. Once it is, no query is needed to know.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_set_up(&self) -> AppResult<bool> {
        if self.set_up.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let set_up = store::accounts::find(self.db.reader()).await?.is_some();
        self.set_up.store(set_up, Ordering::Relaxed);
        Ok(set_up)
    }
}
