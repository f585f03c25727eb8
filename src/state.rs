//! What the whole program shares: made once at start, cheap to clone.

use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::AppResult;
use crate::auth::SeenSession;
use crate::cache::{CACHE_BYTES, Cache};
use crate::clock::Clock;
use crate::live::{self, Hub};
use crate::model::{Involvement, Room, RoomId, UserId};
use crate::ops::bans::Bans;
use crate::passwords::Passwords;
use crate::store::{self, Db};

/// Which part of what may be kept in memory is for sessions, and for memberships; what is left is for pages.
const SESSIONS_SHARE: u64 = 16;
const MEMBERS_SHARE: u64 = 16;

/// What a membership takes in memory, in bytes, roundly.
pub(crate) const MEMBER_BYTES: usize = 128;

/// The rooms people are in, as far as they are known.
pub(crate) type Members = Cache<(UserId, RoomId), Arc<(Room, Involvement)>>;

/// The shared parts of a running Campfire, under one count: every layer a request passes through takes a clone.
#[derive(Clone, Debug)]
pub struct AppState(Arc<SharedState>);

/// What [`AppState`] shares.
#[derive(Debug)]
pub struct SharedState {
    pub db: Db,
    pub live: Hub,
    pub clock: Clock,
    pub passwords: Passwords,
    pub bans: Bans,
    /// Who is behind the hash of a session's token.
    pub(crate) sessions: Cache<[u8; 32], Arc<SeenSession>>,
    /// Who is in which room.
    pub(crate) members: Members,
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
    /// When the folder cannot be used as one, with the reason.
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, store::OpenError> {
        Self::open_keeping(folder, clock, CACHE_BYTES).await
    }

    /// The same, keeping about this many bytes of what was read in memory.
    ///
    /// # Errors
    /// As [`AppState::open`].
    pub async fn open_keeping(folder: &Path, clock: Clock, cache_bytes: u64) -> Result<Self, store::OpenError> {
        let live = Hub::default();
        let db = Db::open(&folder.join("campfire.sqlite3"), live::publisher(live.clone(), clock.clone())).await?;
        let account = store::accounts::find(db.reader()).await?;
        let bans = Bans::default();
        bans.reload(&db).await?;
        let digest = account.as_ref().map(|account| account.custom_styles_digest.as_str()).unwrap_or_default();
        let page_bytes = cache_bytes - cache_bytes / SESSIONS_SHARE - cache_bytes / MEMBERS_SHARE;
        let (session_bytes, member_bytes) = (cache_bytes / SESSIONS_SHARE, cache_bytes / MEMBERS_SHARE);
        let parts = SharedState {
            sessions: Cache::new(db.changes().clone(), session_bytes, SeenSession::BYTES),
            members: Cache::new(db.changes().clone(), member_bytes, MEMBER_BYTES),
            db,
            live,
            clock,
            passwords: Passwords::default(),
            bans,
            page_cache_bytes: page_bytes,
            set_up: AtomicBool::new(account.is_some()),
            custom_styles_digest: RwLock::new(digest.into()),
        };
        Ok(Self(Arc::new(parts)))
    }

    /// How many bytes of finished pages may be kept.
    #[must_use]
    pub fn page_cache_bytes(&self) -> u64 {
        self.page_cache_bytes
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
