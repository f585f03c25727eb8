//! The state that the whole program shares: created once at start, cheap to clone.

use std::net::IpAddr;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::AppResult;
use crate::access::{Bans, Guesses, Members, Passwords, Rate, Sessions, WrittenFrom};
use crate::cache::CACHE_BYTES;
use crate::clock::Clock;
use crate::files::Files;
use crate::health::Health;
use crate::live::{self, Hub};
use crate::low_priority::Pool;
use crate::mail::Mail;
use crate::model::{Account, UserId};
use crate::outgoing::Outgoing;
use crate::store::{self, Db};

/// One sixteenth of the cache capacity is for sessions, and one for memberships; the rest is for pages.
const SESSIONS_DIVISOR: u64 = 16;
const MEMBERS_DIVISOR: u64 = 16;

/// How many long messages are rendered at a time.
const MAX_RENDERINGS: usize = 2;

/// How many batches of pushes are encrypted at a time.
const MAX_ENCRYPTIONS: usize = 1;

/// How many writes of a user are accepted at once, whatever the rate.
const WRITE_BURST: i64 = 20;

/// Default rate of a user's writes after those, per second.
pub const WRITES_PER_SECOND: u32 = 5;

/// How many accounts can be made by one join link from one network at once; and the interval after which one more can,
/// in milliseconds: 30 in an hour.
const JOIN_BURST: i64 = 30;
const JOIN_INTERVAL_MS: i64 = 60 * 60 * 1_000 / JOIN_BURST;

/// How many mails can be requested from one network at once; and the interval after which one more can, in milliseconds.
const MAIL_REQUEST_BURST: i64 = 10;
const MAIL_REQUEST_INTERVAL_MS: i64 = 6 * 60 * 1_000;

/// How many mails are sent to one address at once; and the interval after which one more is, in milliseconds.
const MAIL_BURST: i64 = 3;
const MAIL_INTERVAL_MS: i64 = 20 * 60 * 1_000;

/// How many people a user can invite by mail at once; and the interval after which one more, in milliseconds.
const INVITATION_BURST: i64 = 20;
const INVITATION_INTERVAL_MS: i64 = 60 * 60 * 1_000;

/// How many posts of a bot are accepted at once; and the interval after which one more is, in milliseconds: 60 a minute.
const BOT_POST_BURST: i64 = 60;
const BOT_POST_INTERVAL_MS: i64 = 60 * 1_000 / BOT_POST_BURST;

/// How many reads of a bot are accepted at once; and the interval after which one more is, in milliseconds.
const BOT_READ_BURST: i64 = 120;
const BOT_READ_INTERVAL_MS: i64 = 100;

/// The shared state behind a single reference count: every layer that a request passes clones it.
#[derive(Clone, Debug)]
pub struct AppState(Arc<SharedState>);

/// The fields of [`AppState`].
#[derive(Debug)]
pub struct SharedState {
    /// The database.
    pub db: Db,
    /// The live hub: open sockets and their subscriptions.
    pub live: Hub,
    /// Whether the writer, the publisher, the checkpoints and the dispatcher of jobs are alive.
    pub health: Health,
    /// The clock for times that are stored, compared or shown.
    pub clock: Clock,
    /// The pool that hashes and verifies passwords.
    pub passwords: Passwords,
    /// The failed guesses of passwords, join codes and links.
    pub guesses: Guesses,
    /// How fast each user may write; unlimited until [`AppState::limit_writes`].
    pub writes: Rate<UserId>,
    /// How fast each bot may change something.
    pub bot_posts: Rate<UserId>,
    /// How fast each bot may read.
    pub bot_reads: Rate<UserId>,
    /// How fast accounts may be made, by the digest of the join code and the network.
    pub joins: Rate<([u8; 16], IpAddr)>,
    /// How fast mails may be requested by who is not signed in, by network.
    pub mail_requests: Rate<IpAddr>,
    /// How fast mails are sent to one address, by its digest.
    pub mails: Rate<[u8; 16]>,
    /// How fast each user may invite by mail.
    pub invitations: Rate<UserId>,
    /// The networks that users wrote from last.
    pub written_from: WrittenFrom,
    /// The banned addresses.
    pub bans: Bans,
    /// The threads that render long messages.
    pub renderings: Pool,
    /// The files that people send.
    pub files: Files,
    /// The client for requests to others.
    pub outgoing: Outgoing,
    /// The mail that is sent to people.
    pub mail: Mail,
    /// The key pair that pushes are signed with, once it is known: the operator's, or the one in the database.
    pub push_key: OnceLock<push::KeyPair>,
    /// The threads that encrypt pushes.
    pub encryptions: Pool,
    /// The cache of live sessions.
    pub sessions: Sessions,
    /// The cache of memberships.
    pub members: Members,
    page_cache_bytes: u64,
    is_text_only: AtomicBool,
    /// Whether the account exists. Never reset.
    is_set_up: AtomicBool,
    custom_styles_digest: RwLock<Arc<str>>,
    pictures: RwLock<PictureVersions>,
}

/// Which pictures the account has: what the URLs in every page depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PictureVersions {
    /// The number of the latest change to anybody's picture or to the logo; 0 before the first.
    pub avatars: i64,
    /// The number of the latest change to the logo; 0 without a logo.
    pub logo: i64,
}

impl PictureVersions {
    fn of(account: &Account) -> Self {
        Self { avatars: account.avatars_version, logo: account.logo_version }
    }
}

impl Deref for AppState {
    type Target = SharedState;

    fn deref(&self) -> &SharedState {
        &self.0
    }
}

impl AppState {
    /// Opens the database in the data folder, migrates it, and starts the writer, the checkpoints and the live hub.
    ///
    /// # Errors
    /// When the database cannot be opened, see [`OpenError`](store::OpenError).
    pub async fn open(folder: &Path, clock: Clock) -> Result<Self, store::OpenError> {
        Self::open_with_cache(folder, clock, CACHE_BYTES).await
    }

    /// The same with a total cache capacity of `cache_bytes`.
    ///
    /// # Errors
    /// As [`AppState::open`].
    pub async fn open_with_cache(folder: &Path, clock: Clock, cache_bytes: u64) -> Result<Self, store::OpenError> {
        let live = Hub::default();
        let health = Health::default();
        let publisher = live::publisher(live.clone(), clock.clone(), &health);
        let db = Db::open(&folder.join("campfire.sqlite3"), clock.clone(), publisher, &health).await?;
        let account = store::accounts::find(db.reader()).await?;
        let bans = Bans::load(&db).await?;
        let digest = account.as_ref().map(|account| account.custom_styles_digest.as_str()).unwrap_or_default();
        let session_bytes = cache_bytes / SESSIONS_DIVISOR;
        let member_bytes = cache_bytes / MEMBERS_DIVISOR;
        let shared = SharedState {
            sessions: Sessions::new(db.clone(), clock.clone(), session_bytes),
            members: Members::new(db.clone(), member_bytes),
            db,
            live,
            health,
            passwords: Passwords::default(),
            renderings: Pool::new("rendering", MAX_RENDERINGS),
            guesses: Guesses::new(clock.clone()),
            writes: Rate::new(clock.clone(), WRITE_BURST, 0),
            bot_posts: Rate::new(clock.clone(), BOT_POST_BURST, BOT_POST_INTERVAL_MS),
            bot_reads: Rate::new(clock.clone(), BOT_READ_BURST, BOT_READ_INTERVAL_MS),
            joins: Rate::new(clock.clone(), JOIN_BURST, JOIN_INTERVAL_MS),
            mail_requests: Rate::new(clock.clone(), MAIL_REQUEST_BURST, MAIL_REQUEST_INTERVAL_MS),
            mails: Rate::new(clock.clone(), MAIL_BURST, MAIL_INTERVAL_MS),
            invitations: Rate::new(clock.clone(), INVITATION_BURST, INVITATION_INTERVAL_MS),
            written_from: WrittenFrom::new(clock.clone()),
            bans,
            files: Files::open(folder).map_err(store::OpenError::Files)?,
            outgoing: Outgoing::default(),
            mail: Mail::default(),
            push_key: OnceLock::new(),
            encryptions: Pool::new("encryption", MAX_ENCRYPTIONS),
            clock,
            page_cache_bytes: cache_bytes - session_bytes - member_bytes,
            is_text_only: AtomicBool::new(false),
            is_set_up: AtomicBool::new(account.is_some()),
            custom_styles_digest: RwLock::new(digest.into()),
            pictures: RwLock::new(account.as_ref().map(PictureVersions::of).unwrap_or_default()),
        };
        Ok(Self(Arc::new(shared)))
    }

    /// Limits the writes of each user to [`WRITE_BURST`] at once and then so many per second; 0 for no limit, which is
    /// also what tools and tests start with.
    pub fn limit_writes(&self, per_second: u32) {
        self.writes.set_interval_ms(1_000_i64.checked_div(i64::from(per_second)).unwrap_or(0));
    }

    /// Stores no files from now on: no uploads, no pictures, no files of webhook replies.
    pub fn keep_text_only(&self) {
        self.is_text_only.store(true, Ordering::Relaxed);
    }

    /// Whether no files are stored, see [`AppState::keep_text_only`].
    #[must_use]
    pub fn is_text_only(&self) -> bool {
        self.is_text_only.load(Ordering::Relaxed)
    }

    /// Capacity of the cache of rendered pages, in bytes.
    #[must_use]
    pub fn page_cache_bytes(&self) -> u64 {
        self.page_cache_bytes
    }

    /// The digest of the account's custom styles, which names them in URLs; empty without any.
    #[must_use]
    pub fn custom_styles_digest(&self) -> Arc<str> {
        self.custom_styles_digest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the digest of the custom styles.
    pub fn set_custom_styles_digest(&self, digest: &str) {
        *self.custom_styles_digest.write().unwrap_or_else(PoisonError::into_inner) = digest.into();
    }

    /// Which pictures the account has.
    #[must_use]
    pub fn picture_versions(&self) -> PictureVersions {
        *self.pictures.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what every page depends on, after a change of the account.
    pub fn note_account(&self, account: &Account) {
        self.set_custom_styles_digest(&account.custom_styles_digest);
        let mut pictures = self.pictures.write().unwrap_or_else(PoisonError::into_inner);
        // Of two changes at the same time, the later one may be noted first.
        if pictures.avatars <= account.avatars_version {
            *pictures = PictureVersions::of(account);
        }
    }

    /// Whether the account is set up. Once it is, no query is needed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_set_up(&self) -> AppResult<bool> {
        if self.is_set_up.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let is_set_up = store::accounts::find(self.db.reader()).await?.is_some();
        self.is_set_up.store(is_set_up, Ordering::Relaxed);
        Ok(is_set_up)
    }
}
