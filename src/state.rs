//! What the whole program shares: made once at start, cheap to clone.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::AppResult;
use crate::clock::Clock;
use crate::live::{self, Hub};
use crate::ops::bans::Bans;
use crate::passwords::Passwords;
use crate::store::{self, Db};

/// The shared parts of a running Campfire.
#[derive(Clone, Debug)]
pub struct AppState {
    pub db: Db,
    pub live: Hub,
    pub clock: Clock,
    pub passwords: Passwords,
    pub bans: Bans,
    set_up: Arc<AtomicBool>,
    custom_styles_digest: Arc<RwLock<Arc<str>>>,
}

impl AppState {
    /// Opens the data folder, migrates its database and starts the writer, the checkpoints and the live hub.
    ///
    /// # Errors
    /// When the folder cannot be used as one, with the reason.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, store::OpenError> {
        let live = Hub::default();
        let db = Db::open(&folder.join("campfire.sqlite3"), live::publisher(live.clone())).await?;
        let account = store::accounts::find(db.reader()).await?;
        let bans = Bans::default();
        bans.reload(&db).await?;
        let digest = account.as_ref().map(|account| account.custom_styles_digest.as_str()).unwrap_or_default();
        Ok(Self {
            db,
            live,
            clock,
            passwords: Passwords::default(),
            bans,
            set_up: Arc::new(AtomicBool::new(account.is_some())),
            custom_styles_digest: Arc::new(RwLock::new(digest.into())),
        })
    }

    /// Names the custom styles that pages carry; empty without any.
    #[must_use]
    pub fn custom_styles_digest(&self) -> Arc<str> {
        self.custom_styles_digest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Pages carry other custom styles from now on.
    pub fn set_custom_styles_digest(&self, digest: &str) {
        *self.custom_styles_digest.write().unwrap_or_else(PoisonError::into_inner) = digest.into();
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
