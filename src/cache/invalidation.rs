//! Cache invalidation by version counters.
//!
//! Every commit marks the data that it changed as [`Stale`]. A write that records no fact marks everything: a forgotten
//! mark costs speed, never freshness. A cached value is stored with the [`Version`] from before it was read and its
//! [`Dependencies`]; it is current as long as no counter of its dependencies is above that version.
//!
//! Commits of other programs into the same file count as changes of everything: the database's own commit counter is
//! compared with ours on each lookup.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::model::{RoomId, UserId};

/// Number of counters per kind of id. Ids that share a counter are invalidated together, which is rare and costs one
/// rendering.
const COUNTERS: usize = 1_024;

/// Data that a commit changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Sessions: one ended, or its activity was stored.
    Sessions,
    /// The memberships of a user, and the involvement in each.
    Memberships(UserId),
    /// The read positions of a user, and the messages that mention them.
    Unread(UserId),
    /// A message was posted in this room.
    Posted(RoomId),
    /// Messages of this room are displayed differently; none was posted or removed.
    Messages(RoomId),
    /// A message of this room was removed: rooms may have become read, and mentions fewer.
    Removed(RoomId),
    /// Names and kinds of rooms, or the set of rooms.
    Rooms,
    /// Names, roles or statuses of users, or the set of users.
    People,
    /// The account's name, settings, join code or custom styles.
    Account,
    /// Everything.
    Everything,
}

/// The data that a cached value was computed from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Any session.
    pub sessions: bool,
    /// The memberships of this user.
    pub memberships: Option<UserId>,
    /// The read positions and mentions of this user.
    pub unread: Option<UserId>,
    /// The messages of this room.
    pub messages: Option<RoomId>,
    /// The newest message of each of these rooms.
    pub posts: Box<[RoomId]>,
    /// The removal of any message in any room.
    pub removals: bool,
    /// Names and kinds of rooms.
    pub rooms: bool,
    /// Names, roles and statuses of users.
    pub people: bool,
    /// The account.
    pub account: bool,
}

/// A point in the sequence of changes. Take it before reading the data to cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    change_count: u64,
    /// Commits of other programs so far; `None` when the database's counter cannot be read.
    foreign_count: Option<u32>,
}

/// Reads the number of commits by all programs to the database, modulo 2³²; `None` if it cannot be read.
pub type CommitCount = Box<dyn Fn() -> Option<u32> + Send + Sync>;

/// The counters of changes. Clones share them.
#[derive(Clone, Debug)]
pub struct Invalidations {
    inner: Arc<Inner>,
}

struct Inner {
    commit_count: CommitCount,
    own_commit_count: AtomicU32,
    /// Whether a transaction of this process is being committed.
    committing: AtomicBool,
    /// Number of changes so far; each of the other counters holds the number of its latest one.
    count: AtomicU64,
    everything: AtomicU64,
    sessions: AtomicU64,
    rooms: AtomicU64,
    people: AtomicU64,
    account: AtomicU64,
    removals: AtomicU64,
    memberships: Box<[AtomicU64]>,
    unread: Box<[AtomicU64]>,
    messages: Box<[AtomicU64]>,
    posts: Box<[AtomicU64]>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Invalidations {
    /// Counters without a change. `commit_count` reads the number of commits by all programs.
    #[must_use]
    pub fn new(commit_count: CommitCount) -> Self {
        let counters = || (0..COUNTERS).map(|_| AtomicU64::new(0)).collect();
        let own_commit_count = AtomicU32::new(commit_count().unwrap_or_default());
        let inner = Inner {
            commit_count,
            own_commit_count,
            committing: AtomicBool::new(false),
            count: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            rooms: AtomicU64::new(0),
            people: AtomicU64::new(0),
            account: AtomicU64::new(0),
            removals: AtomicU64::new(0),
            memberships: counters(),
            unread: counters(),
            messages: counters(),
            posts: counters(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The current version.
    #[must_use]
    pub fn version(&self) -> Version {
        // SQLite counts a commit of this process shortly before `note_own_commit` does. In between no cached value is
        // current, and a value cached with this version never will be.
        let own_count = self.inner.own_commit_count.load(Ordering::SeqCst);
        let count = (self.inner.commit_count)();
        let is_settled = !self.inner.committing.load(Ordering::SeqCst)
            && self.inner.own_commit_count.load(Ordering::SeqCst) == own_count;
        let foreign_count = count.filter(|_| is_settled).map(|count| count.wrapping_sub(own_count));
        Version { change_count: self.inner.count.load(Ordering::SeqCst), foreign_count }
    }

    /// Whether nothing in `dependencies` has become stale since `version`.
    #[must_use]
    pub fn is_current(&self, version: Version, dependencies: &Dependencies) -> bool {
        let inner = &*self.inner;
        let own_count = inner.own_commit_count.load(Ordering::SeqCst);
        let foreign_count = (inner.commit_count)().map(|count| count.wrapping_sub(own_count));
        let is_unchanged = |counter: &AtomicU64| counter.load(Ordering::SeqCst) <= version.change_count;
        let Dependencies { sessions, memberships, unread, messages, posts, removals, rooms, people, account } =
            dependencies;
        foreign_count.is_some()
            && foreign_count == version.foreign_count
            && is_unchanged(&inner.everything)
            && (!sessions || is_unchanged(&inner.sessions))
            && memberships.is_none_or(|user_id| is_unchanged(counter(&inner.memberships, user_id.0)))
            && unread.is_none_or(|user_id| is_unchanged(counter(&inner.unread, user_id.0)))
            && messages.is_none_or(|room_id| is_unchanged(counter(&inner.messages, room_id.0)))
            && posts.iter().all(|room_id| is_unchanged(counter(&inner.posts, room_id.0)))
            && (!removals || is_unchanged(&inner.removals))
            && (!rooms || is_unchanged(&inner.rooms))
            && (!people || is_unchanged(&inner.people))
            && (!account || is_unchanged(&inner.account))
    }

    /// Marks data as changed by a commit. Called before the write returns to its caller.
    pub(crate) fn mark(&self, stale: Stale) {
        let inner = &*self.inner;
        let number = inner.count.fetch_add(1, Ordering::SeqCst) + 1;
        let mark = |counter: &AtomicU64| {
            counter.fetch_max(number, Ordering::SeqCst);
        };
        match stale {
            Stale::Sessions => mark(&inner.sessions),
            Stale::Memberships(user_id) => mark(counter(&inner.memberships, user_id.0)),
            Stale::Unread(user_id) => mark(counter(&inner.unread, user_id.0)),
            Stale::Posted(room_id) => {
                mark(counter(&inner.messages, room_id.0));
                mark(counter(&inner.posts, room_id.0));
            }
            Stale::Messages(room_id) => mark(counter(&inner.messages, room_id.0)),
            Stale::Removed(room_id) => {
                mark(counter(&inner.messages, room_id.0));
                mark(counter(&inner.posts, room_id.0));
                mark(&inner.removals);
            }
            Stale::Rooms => mark(&inner.rooms),
            Stale::People => mark(&inner.people),
            Stale::Account => mark(&inner.account),
            Stale::Everything => mark(&inner.everything),
        }
    }

    /// Called with `true` before a transaction of this process is committed, and with `false` after it, successful or
    /// not.
    pub(crate) fn note_committing(&self, committing: bool) {
        self.inner.committing.store(committing, Ordering::SeqCst);
    }

    /// Counts a commit of this process that SQLite's own counter has counted.
    pub(crate) fn note_own_commit(&self) {
        self.inner.own_commit_count.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter(counters: &[AtomicU64], id: i64) -> &AtomicU64 {
    let index = usize::try_from(id.unsigned_abs()).unwrap_or(usize::MAX);
    &counters[index % COUNTERS]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const ROOM: RoomId = RoomId(4);
    const OTHER: RoomId = RoomId(5);
    const ADA: UserId = UserId(1);

    fn page() -> Dependencies {
        Dependencies {
            sessions: false,
            memberships: Some(ADA),
            unread: Some(ADA),
            messages: Some(ROOM),
            posts: Box::new([ROOM]),
            removals: true,
            rooms: true,
            people: true,
            account: true,
        }
    }

    #[tokio::test]
    async fn a_value_is_stale_only_if_a_dependency_changed() {
        let state = testing::state().await;
        let invalidations = state.db.invalidations();
        let version = invalidations.version();
        for stale in [
            Stale::Sessions,
            Stale::Memberships(UserId(2)),
            Stale::Unread(UserId(2)),
            Stale::Posted(OTHER),
            Stale::Messages(OTHER),
        ] {
            invalidations.mark(stale);
            assert!(invalidations.is_current(version, &page()), "{stale:?}");
        }
        for stale in [
            Stale::Memberships(ADA),
            Stale::Unread(ADA),
            Stale::Posted(ROOM),
            Stale::Messages(ROOM),
            Stale::Removed(OTHER),
            Stale::Rooms,
            Stale::People,
            Stale::Account,
            Stale::Everything,
        ] {
            let version = invalidations.version();
            invalidations.mark(stale);
            assert!(!invalidations.is_current(version, &page()), "{stale:?}");
            assert!(invalidations.is_current(invalidations.version(), &page()), "a later version includes {stale:?}");
        }
        let sidebar = Dependencies { posts: Box::new([OTHER]), ..Dependencies::default() };
        let version = invalidations.version();
        invalidations.mark(Stale::Messages(OTHER));
        assert!(invalidations.is_current(version, &sidebar), "an edit marks no room unread");
        invalidations.mark(Stale::Posted(OTHER));
        assert!(!invalidations.is_current(version, &sidebar));
    }

    #[tokio::test]
    async fn a_write_that_records_no_fact_invalidates_everything() {
        let state = testing::state().await;
        let invalidations = state.db.invalidations();
        let version = invalidations.version();
        let nothing = async |tx: &mut crate::store::Tx| {
            tx.changes_nothing_visible();
            Ok(())
        };
        state.db.write(nothing).await.unwrap();
        assert!(invalidations.is_current(version, &Dependencies::default()));
        state.db.write(async |_| Ok(())).await.unwrap();
        assert!(!invalidations.is_current(version, &Dependencies::default()));
    }

    #[tokio::test]
    async fn commits_of_other_programs_invalidate_everything_and_own_commits_do_not() {
        let world = testing::world().await;
        let invalidations = world.state.db.invalidations();
        let nothing = Dependencies::default();
        let version = invalidations.version();
        for number in 0..100 {
            world.post(&world.ada, world.all_talk.id, &format!("number {number}")).await;
        }
        assert!(invalidations.is_current(version, &nothing), "posts are ours, and record what they changed");

        let mut elsewhere = world.other_connection().await;
        sqlx::query("UPDATE rooms SET name = 'Renamed'").execute(&mut elsewhere).await.unwrap();
        assert!(!invalidations.is_current(version, &nothing));
        let version = invalidations.version();
        assert!(invalidations.is_current(version, &nothing));
        world.post(&world.ada, world.all_talk.id, "and on").await;
        assert!(invalidations.is_current(version, &nothing));
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut elsewhere).await.unwrap();
        world.post(&world.ada, world.all_talk.id, "after the log began anew").await;
        assert!(invalidations.is_current(version, &nothing), "copying the log back changes nothing");
    }
}
