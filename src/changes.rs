//! What has changed since when, counted: what is kept in memory asks here whether it still holds.
//!
//! Every write says what it changed, as [`Change`]; one that says nothing may have changed everything, so that
//! forgetting costs speed and never freshness. What another program writes into the same file counts as everything,
//! too: SQLite's own count of commits tells it apart from ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::model::{RoomId, UserId};
use crate::store::CommitCounter;

/// How many rooms, and people, are counted apart. Those whose ids share a place are taken for changed together: that
/// is rare, and costs one rendering.
const PLACES: usize = 1_024;

/// What a write changed, as far as it is shown or decides who may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing of that.
    Nothing,
    /// A session ended, or was seen again.
    Session,
    /// What one person sees of their rooms: how far they have read, which messages name them.
    Person(UserId),
    /// A message stands at the end of this room that was not there.
    Posted(RoomId),
    /// Messages of this room look different; none came or went.
    Redrawn(RoomId),
    /// Anything else.
    Everything,
}

/// What something depends on, beside what everything depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// It holds as long as nobody is signed out.
    pub sessions: bool,
    /// It shows what this person sees of their rooms.
    pub person: Option<UserId>,
    /// It shows the messages of this room.
    pub messages: Option<RoomId>,
    /// It shows that nothing was posted in these rooms.
    pub posts: Box<[RoomId]>,
}

/// A moment, to ask later what has changed since. Take it before reading what is to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    change_count: u64,
    /// Commits of other programs so far; unknown when SQLite's count cannot be read.
    foreign_count: Option<u32>,
}

/// The counters. Clones share them.
#[derive(Clone, Debug)]
pub struct Changes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    commits: CommitCounter,
    own_commit_count: AtomicU32,
    /// A transaction of ours is being committed.
    committing: AtomicBool,
    /// How many changes there were; each of the others holds the number of its last one.
    count: AtomicU64,
    everything: AtomicU64,
    sessions: AtomicU64,
    people: Box<[AtomicU64]>,
    messages: Box<[AtomicU64]>,
    posts: Box<[AtomicU64]>,
}

impl Changes {
    /// Nothing has changed yet. `commits` counts those of every program.
    #[must_use]
    pub fn new(commits: CommitCounter) -> Self {
        let places = || (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        let own_commit_count = AtomicU32::new(commits.read().unwrap_or_default());
        let (people, messages, posts) = (places(), places(), places());
        let inner = Inner {
            commits,
            own_commit_count,
            committing: AtomicBool::new(false),
            count: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            people,
            messages,
            posts,
        };
        Self { inner: Arc::new(inner) }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        // SQLite counts a commit of ours a little earlier than we do. In between nothing kept is believed, and no moment
        // is worth keeping anything for.
        let own_count = self.inner.own_commit_count.load(Ordering::SeqCst);
        let count = self.inner.commits.read();
        let is_settled = !self.inner.committing.load(Ordering::SeqCst)
            && self.inner.own_commit_count.load(Ordering::SeqCst) == own_count;
        let foreign_count = count.filter(|_| is_settled).map(|count| count.wrapping_sub(own_count));
        Moment { change_count: self.inner.count.load(Ordering::SeqCst), foreign_count }
    }

    /// Whether nothing that `dependencies` names has changed since then.
    #[must_use]
    pub fn none_since(&self, then: Moment, dependencies: &Dependencies) -> bool {
        let inner = &*self.inner;
        let Dependencies { sessions, person, messages, posts } = dependencies;
        let own_count = inner.own_commit_count.load(Ordering::SeqCst);
        let foreign_count = inner.commits.read().map(|count| count.wrapping_sub(own_count));
        let before = |counter: &AtomicU64| counter.load(Ordering::SeqCst) <= then.change_count;
        foreign_count.is_some()
            && foreign_count == then.foreign_count
            && before(&inner.everything)
            && (!sessions || before(&inner.sessions))
            && person.is_none_or(|user_id| before(place(&inner.people, user_id.0)))
            && messages.is_none_or(|room_id| before(place(&inner.messages, room_id.0)))
            && posts.iter().all(|room_id| before(place(&inner.posts, room_id.0)))
    }

    /// Counts what a commit changed; its caller is answered afterwards.
    pub(crate) fn note(&self, change: Change) {
        let inner = &*self.inner;
        let number = inner.count.fetch_add(1, Ordering::SeqCst) + 1;
        let mark = |counter: &AtomicU64| counter.fetch_max(number, Ordering::SeqCst);
        match change {
            Change::Nothing => {}
            Change::Session => drop(mark(&inner.sessions)),
            Change::Person(user_id) => drop(mark(place(&inner.people, user_id.0))),
            Change::Posted(room_id) => {
                mark(place(&inner.messages, room_id.0));
                mark(place(&inner.posts, room_id.0));
            }
            Change::Redrawn(room_id) => drop(mark(place(&inner.messages, room_id.0))),
            Change::Everything => drop(mark(&inner.everything)),
        }
    }

    /// A transaction of ours is about to be committed, or was, or could not be.
    pub(crate) fn note_committing(&self, committing: bool) {
        self.inner.committing.store(committing, Ordering::SeqCst);
    }

    /// Counts a commit of ours that SQLite has counted.
    pub(crate) fn note_own_commit(&self) {
        self.inner.own_commit_count.fetch_add(1, Ordering::SeqCst);
    }
}

fn place(counters: &[AtomicU64], id: i64) -> &AtomicU64 {
    let index = usize::try_from(id.unsigned_abs()).unwrap_or(usize::MAX);
    &counters[index % PLACES]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const ROOM: RoomId = RoomId(4);
    const OTHER: RoomId = RoomId(5);

    fn page() -> Dependencies {
        Dependencies { sessions: false, person: Some(UserId(1)), messages: Some(ROOM), posts: Box::new([ROOM]) }
    }

    #[tokio::test]
    async fn only_what_one_depends_on_counts() {
        let state = testing::state().await;
        let changes = state.db.changes();
        let then = changes.now();
        for change in
            [Change::Nothing, Change::Session, Change::Person(UserId(2)), Change::Posted(OTHER), Change::Redrawn(OTHER)]
        {
            changes.note(change);
            assert!(changes.none_since(then, &page()), "{change:?}");
        }
        for change in [Change::Person(UserId(1)), Change::Posted(ROOM), Change::Redrawn(ROOM), Change::Everything] {
            let then = changes.now();
            changes.note(change);
            assert!(!changes.none_since(then, &page()), "{change:?}");
            assert!(changes.none_since(changes.now(), &page()), "once known, {change:?} is past");
        }
        let sidebar = Dependencies { posts: Box::new([OTHER]), ..Dependencies::default() };
        let then = changes.now();
        changes.note(Change::Redrawn(OTHER));
        assert!(changes.none_since(then, &sidebar), "an edit marks no room unread");
        changes.note(Change::Posted(OTHER));
        assert!(!changes.none_since(then, &sidebar));
    }

    #[tokio::test]
    async fn a_write_that_does_not_say_what_it_changed_changed_everything() {
        let state = testing::state().await;
        let changes = state.db.changes();
        let then = changes.now();
        let nothing = async |tx: &mut crate::store::Tx| {
            tx.changed(Change::Nothing);
            Ok(())
        };
        state.db.write(nothing).await.unwrap();
        assert!(changes.none_since(then, &Dependencies::default()));
        state.db.write(async |_| Ok(())).await.unwrap();
        assert!(!changes.none_since(then, &Dependencies::default()));
    }

    #[tokio::test]
    async fn what_another_program_writes_is_noticed_and_what_is_ours_is_not_taken_for_it() {
        let world = testing::world().await;
        let changes = world.state.db.changes();
        let nothing = Dependencies::default();
        let then = changes.now();
        for number in 0..100 {
            world.post(&world.ada, world.all_talk.id, &format!("number {number}")).await;
        }
        assert!(changes.none_since(then, &nothing), "posts are ours, and say what they changed");

        let mut elsewhere = world.other_connection().await;
        sqlx::query("UPDATE rooms SET name = 'Renamed'").execute(&mut elsewhere).await.unwrap();
        assert!(!changes.none_since(then, &nothing));
        let then = changes.now();
        assert!(changes.none_since(then, &nothing));
        world.post(&world.ada, world.all_talk.id, "and on").await;
        assert!(changes.none_since(then, &nothing));
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut elsewhere).await.unwrap();
        world.post(&world.ada, world.all_talk.id, "after the log began anew").await;
        assert!(changes.none_since(then, &nothing), "copying the log back changes nothing");
    }
}
