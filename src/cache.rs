//! What is kept in memory so that the database need not be asked again, for as long as nothing it depends on has
//! changed, and in a bounded number of bytes: what is asked for least goes first.

use std::fmt;
use std::hash::Hash;

use quick_cache::sync::Cache as Entries;
use quick_cache::{OptionsBuilder, Weighter};

use crate::changes::{Changes, Dependencies, Moment};

/// How many bytes are kept at most, in all, unless the command line says otherwise.
pub const CACHE_BYTES: u64 = 16 << 20;

/// What an entry costs beside its value, in bytes: its key, its dependencies and its place, roundly.
const ENTRY_BYTES: usize = 256;

/// Values by key, each with what it depends on.
pub struct Cache<K, V> {
    changes: Changes,
    /// Nothing is kept at all without it.
    entries: Option<Entries<K, Entry<V>, InBytes>>,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    then: Moment,
    dependencies: Dependencies,
    bytes: usize,
}

#[derive(Clone)]
struct InBytes;

impl<K, V> Weighter<K, Entry<V>> for InBytes {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        (entry.bytes + ENTRY_BYTES) as u64
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache of this capacity, for values of about this size; with no capacity it keeps nothing.
    #[must_use]
    pub fn new(changes: Changes, capacity_bytes: u64, value_bytes: usize) -> Self {
        // One shard: who asks holds its lock for less than a microsecond, and each shard would have its own share only.
        let options =
            OptionsBuilder::new().shards(1).estimated_items_capacity(64).weight_capacity(capacity_bytes).build();
        let keeps = capacity_bytes > (value_bytes + ENTRY_BYTES) as u64;
        let entries = options
            .ok()
            .filter(|_| keeps)
            .map(|options| Entries::with_options(options, InBytes, Default::default(), Default::default()));
        Self { changes, entries }
    }

    /// The moment to hand to [`Cache::keep`]. Take it before reading what is to be kept.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.changes.now()
    }

    /// What is kept under the key, if it still holds.
    pub fn find(&self, key: &K) -> Option<V> {
        let entries = self.entries.as_ref()?;
        let entry = entries.get(key)?;
        if self.changes.none_since(entry.then, &entry.dependencies) {
            return Some(entry.value);
        }
        entries.remove(key);
        None
    }

    /// Keeps a value of `bytes` bytes that was read after `then`, until something it depends on changes.
    pub fn keep(&self, key: K, value: V, bytes: usize, then: Moment, dependencies: Dependencies) {
        if let Some(entries) = &self.entries {
            entries.insert(key, Entry { value, then, dependencies, bytes });
        }
    }

    /// How many bytes are kept now.
    #[must_use]
    pub fn kept_bytes(&self) -> u64 {
        self.entries.as_ref().map_or(0, Entries::weight)
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Change;
    use crate::model::RoomId;
    use crate::testing;

    #[tokio::test]
    async fn what_is_kept_holds_until_what_it_depends_on_changes() {
        let state = testing::state().await;
        let cache = Cache::new(state.db.changes().clone(), 10_000, 100);
        let of_room = |id| Dependencies { messages: Some(RoomId(id)), ..Dependencies::default() };
        cache.keep(1, "one", 100, cache.now(), of_room(1));
        cache.keep(2, "two", 100, cache.now(), of_room(2));
        state.db.changes().note(Change::Posted(RoomId(1)));
        assert_eq!((cache.find(&1), cache.find(&2)), (None, Some("two")));
        let before = cache.now();
        state.db.changes().note(Change::Posted(RoomId(2)));
        cache.keep(2, "two, as read before", 100, before, of_room(2));
        assert_eq!(cache.find(&2), None, "it was changed while it was made");
    }

    #[tokio::test]
    async fn no_more_is_kept_than_was_allowed_and_nothing_where_nothing_is() {
        let state = testing::state().await;
        let changes = state.db.changes();
        let cache = Cache::new(changes.clone(), 10_000, 100);
        for number in 0..1_000 {
            cache.keep(number, number, 700, cache.now(), Dependencies::default());
            assert!(cache.kept_bytes() <= 10_000, "{}", cache.kept_bytes());
        }
        assert!(cache.kept_bytes() > 5_000);
        let none = Cache::new(changes.clone(), 0, 100);
        none.keep(1, 1, 1, none.now(), Dependencies::default());
        assert_eq!((none.find(&1), none.kept_bytes()), (None, 0));
    }
}
