//! Live sessions and their users.

use std::sync::Arc;

use crate::cache::invalidation::Dependencies;
use crate::cache::{Cache, CacheUse};
use crate::clock::Clock;
use crate::model::{Credential, Role, RoomId, SessionId, User};
use crate::store::{self, Db};
use crate::{AppError, AppResult};

/// A user with a live session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentUser {
    /// The user.
    pub user: User,
    /// The session of the request.
    pub session_id: SessionId,
}

/// The caller of a request: a user and the credential.
pub trait Caller {
    /// The user.
    fn user(&self) -> &User;

    /// The credential. Each write of the request checks it again.
    fn credential(&self) -> Credential;
}

impl Caller for CurrentUser {
    fn user(&self) -> &User {
        &self.user
    }

    fn credential(&self) -> Credential {
        Credential::Session(self.session_id)
    }
}

impl Caller for User {
    fn user(&self) -> &User {
        self
    }

    fn credential(&self) -> Credential {
        Credential::Program
    }
}

/// A bot whose key a request has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentBot {
    /// The bot.
    pub user: User,
    /// The number of the key.
    pub key_number: i64,
}

impl Caller for CurrentBot {
    fn user(&self) -> &User {
        &self.user
    }

    fn credential(&self) -> Credential {
        Credential::BotKey(self.key_number)
    }
}

/// A bot as which a request posts by a hook.
#[derive(Clone, PartialEq, Eq)]
pub struct CurrentHook {
    /// The bot.
    pub user: User,
    /// The hook.
    pub hook_id: i64,
    /// The room in which it posts.
    pub room_id: RoomId,
    /// The secret of GitHub's signatures; empty if they are not checked.
    pub github_secret: String,
}

/// Without the secret.
impl std::fmt::Debug for CurrentHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurrentHook").field("hook_id", &self.hook_id).finish_non_exhaustive()
    }
}

impl Caller for CurrentHook {
    fn user(&self) -> &User {
        &self.user
    }

    fn credential(&self) -> Credential {
        Credential::Hook(self.hook_id)
    }
}

/// An administrator with a live session. Operations check the role again inside their write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator(CurrentUser);

impl Administrator {
    /// The same user as an administrator.
    ///
    /// # Errors
    /// `Forbidden` for other roles.
    pub fn of(current: CurrentUser) -> AppResult<Self> {
        if current.user.role == Role::Administrator { Ok(Self(current)) } else { Err(AppError::Forbidden) }
    }

    /// The user and the session.
    #[must_use]
    pub const fn current(&self) -> &CurrentUser {
        &self.0
    }

    /// The user.
    #[must_use]
    pub const fn user(&self) -> &User {
        &self.0.user
    }
}

/// A session as cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// The session and its user.
    pub current: CurrentUser,
    /// Time of its last stored activity, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// When it expires, in milliseconds since the epoch.
    pub expires_at: i64,
}

impl LiveSession {
    /// Size of a cached session, in bytes, rounded up.
    const BYTES: usize = 160;
}

/// A cache of live sessions, by the SHA-256 of their token.
#[derive(Debug)]
pub struct Sessions {
    cache: Cache<[u8; 32], Arc<LiveSession>>,
    db: Db,
    clock: Clock,
}

impl Sessions {
    /// Sessions of `db`, at most `capacity_bytes` of them cached.
    #[must_use]
    pub fn new(db: Db, clock: Clock, capacity_bytes: u64) -> Self {
        let cache = Cache::new(db.invalidations().clone(), capacity_bytes, LiveSession::BYTES);
        Self { cache, db, clock }
    }

    /// The live session of an active user with this token hash.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, token_hash: [u8; 32]) -> AppResult<Option<Arc<LiveSession>>> {
        if let Some(cached) = self.cached(&token_hash) {
            return Ok(Some(cached));
        }
        let version = self.cache.version();
        let Some(found) = store::sessions::find_user(self.db.reader(), &token_hash, self.clock.now_ms()).await? else {
            return Ok(None);
        };
        let store::sessions::UserSession { user, session_id, last_active_at, expires_at } = found;
        let session = Arc::new(LiveSession { current: CurrentUser { user, session_id }, last_active_at, expires_at });
        let dependencies = Dependencies { sessions: true, people: true, ..Dependencies::default() };
        self.cache.insert(token_hash, session.clone(), LiveSession::BYTES, version, dependencies);
        Ok(Some(session))
    }

    /// How often the cache was asked, and how full it is.
    #[must_use]
    pub fn usage(&self) -> CacheUse {
        self.cache.usage()
    }

    /// The live session with this token hash, if it is cached.
    #[must_use]
    pub fn cached(&self, token_hash: &[u8; 32]) -> Option<Arc<LiveSession>> {
        self.cache.get(token_hash).filter(|session| session.expires_at > self.clock.now_ms())
    }
}
