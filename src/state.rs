//! What the whole program shares: made once at start, cheap to clone.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::AppResult;
use crate::access::{Bans, Members, Passwords, Sessions};
use crate::cache::CACHE_BYTES;
use crate::clock::Clock;
use crate::live::{self, Hub};
use crate::store::{self, Db};

/// The fraction of the cache capacity that is for sessions, and for memberships; the rest is for pages.
const SESSIONS_SHARE: u64 = 16;
const MEMBERS_SHARE: u64 = 16;

/// The shared parts of a running Campfire, behind one reference count: every layer a request passes through clones it.
#[derive(Clone, Debug)]
pub struct AppState(Arc<SharedState>);

/// What [`AppState`] shares.
#[derive(Debug)]
pub struct SharedState {
    /// The database.
    pub db: Db,
    /// The live hub: open sockets and what they receive.
    pub live: Hub,
    /// Where the time comes from.
    pub clock: Clock,
    /// The pool for hashing and checking passwords.
    pub passwords: Passwords,
    /// The banned addresses.
    pub bans: Bans,
    /// Who is behind the hash of a session's token.
    pub sessions: Sessions,
    /// Who is in which room.
    pub members: Members,
    page_cache_bytes: u64,
    set_up: AtomicBool,
    custom_styles_digest: RwLock<Arc<str>>,
}

impl Deref for AppState {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.0
    }
}

impl AppState {
    /// Opens the data folder, migrates its database and starts the writer, the checkpoints and the live hub.
    ///
    /// # Errors
    /// When the folder cannot be used, with the reason.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, store::OpenError> {
        Self::open_with_cache(folder, clock, CACHE_BYTES).await
    }

    /// The same with caches of about `cache_bytes` in all.
    ///
    /// # Errors
    /// As [`AppState::open`].
    pub async fn open_with_cache(folder: &Path, clock: Clock, cache_bytes: u64) -> Result<Self, store::OpenError> {
        let live = Hub::default();
        let publisher = live::publisher(live.clone(), clock.clone());
        let db = Db::open(&folder.join("campfire.sqlite3"), clock.clone(), publisher).await?;
        let account = store::accounts::find(db.reader()).await?;
        let bans = Bans::load(&db).await?;
        let digest = account.as_ref().map(|account| account.custom_styles_digest.as_str()).unwrap_or_default();
        let (session_bytes, member_bytes) = (cache_bytes / SESSIONS_SHARE, cache_bytes / MEMBERS_SHARE);
        let shared = SharedState {
            sessions: Sessions::new(db.clone(), clock.clone(), session_bytes),
            members: Members::new(db.clone(), member_bytes),
            db,
            live,
            clock,
            passwords: Passwords::default(),
            bans,
            page_cache_bytes: cache_bytes - session_bytes - member_bytes,
            set_up: AtomicBool::new(account.is_some()),
            custom_styles_digest: RwLock::new(digest.into()),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Capacity for finished pages, in bytes.
    #[must_use]
    pub fn page_cache_bytes(&self) -> u64 {
        self.page_cache_bytes
    }

    /// The digest that names the account's custom styles; empty without any.
    #[must_use]
    pub fn custom_styles_digest(&self) -> Arc<str> {
        self.custom_styles_digest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the digest that pages link to.
    pub fn set_custom_styles_digest(&self, digest: &str) {
        *self.custom_styles_digest.write().unwrap_or_else(PoisonError::into_inner) = digest.into();
    }

    /// Whether the first run is over. Once it is, that is known without a query.
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
