//! Bounded in-memory caches whose values are dropped when a dependency changes.
//!
//! [`Cache`] holds values, [`invalidation`] decides which of them are still current.

pub mod invalidation;

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache as Entries;
use quick_cache::{OptionsBuilder, Weighter};

use invalidation::{Dependencies, Invalidations, Version};

/// Default capacity of all caches together, in bytes (`--cache-mb`).
pub const CACHE_BYTES: u64 = 16 << 20;

/// Size of an entry without its value, in bytes, rounded up: key, dependencies and slot in the table.
const ENTRY_BYTES: usize = 256;

/// A bounded cache of values, each with its dependencies. Evicts the values that are used least.
pub struct Cache<K, V> {
    invalidations: Invalidations,
    /// `None` when the capacity is too small for a single value.
    entries: Option<Entries<K, Entry<V>, WeightInBytes>>,
    hit_count: AtomicU64,
    miss_count: AtomicU64,
}

/// How often a cache was asked, and for how much it has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheUse {
    /// Number of values that were found.
    pub hit_count: u64,
    /// Number of values that were not there, or not current.
    pub miss_count: u64,
    /// Size of all cached values, in bytes.
    pub used_bytes: u64,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    version: Version,
    dependencies: Dependencies,
    bytes: usize,
}

#[derive(Clone)]
struct WeightInBytes;

impl<K, V> Weighter<K, Entry<V>> for WeightInBytes {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        (entry.bytes + ENTRY_BYTES) as u64
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache of `capacity_bytes` for values of about `value_bytes`; with no capacity it caches nothing.
    #[must_use]
    pub fn new(invalidations: Invalidations, capacity_bytes: u64, value_bytes: usize) -> Self {
        // One shard: its lock is held for less than a microsecond, and shards would divide the capacity between them.
        let options =
            OptionsBuilder::new().shards(1).estimated_items_capacity(64).weight_capacity(capacity_bytes).build();
        let has_room = capacity_bytes > (value_bytes + ENTRY_BYTES) as u64;
        let entries = options
            .ok()
            .filter(|_| has_room)
            .map(|options| Entries::with_options(options, WeightInBytes, Default::default(), Default::default()));
        Self { invalidations, entries, hit_count: AtomicU64::new(0), miss_count: AtomicU64::new(0) }
    }

    /// The version to pass to [`Cache::insert`]. Take it before reading the data to cache.
    #[must_use]
    pub fn version(&self) -> Version {
        self.invalidations.version()
    }

    /// The value under `key`, if it is current.
    pub fn get(&self, key: &K) -> Option<V> {
        let found = self.find(key);
        let count = if found.is_some() { &self.hit_count } else { &self.miss_count };
        count.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn find(&self, key: &K) -> Option<V> {
        let entries = self.entries.as_ref()?;
        let entry = entries.get(key)?;
        if self.invalidations.is_current(entry.version, &entry.dependencies) {
            return Some(entry.value);
        }
        entries.remove(key);
        None
    }

    /// Caches a value of `bytes` bytes until one of its dependencies changes. It must have been read after `version`.
    pub fn insert(&self, key: K, value: V, bytes: usize, version: Version, dependencies: Dependencies) {
        if let Some(entries) = &self.entries {
            entries.insert(key, Entry { value, version, dependencies, bytes });
        }
    }

    /// How often the cache was asked since the start, and how full it is.
    #[must_use]
    pub fn usage(&self) -> CacheUse {
        CacheUse {
            hit_count: self.hit_count.load(Ordering::Relaxed),
            miss_count: self.miss_count.load(Ordering::Relaxed),
            used_bytes: self.used_bytes(),
        }
    }

    /// Size of all cached values, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
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
    use super::invalidation::Stale;
    use super::*;
    use crate::model::RoomId;
    use crate::testing;

    #[tokio::test]
    async fn a_value_is_cached_until_a_dependency_changes() {
        let state = testing::state().await;
        let cache = Cache::new(state.db.invalidations().clone(), 10_000, 100);
        let of_room = |id| Dependencies { messages: Some(RoomId(id)), ..Dependencies::default() };
        cache.insert(1, "one", 100, cache.version(), of_room(1));
        cache.insert(2, "two", 100, cache.version(), of_room(2));
        state.db.invalidations().mark(Stale::Posted(RoomId(1)));
        assert_eq!((cache.get(&1), cache.get(&2)), (None, Some("two")));
        let usage = cache.usage();
        assert_eq!((usage.hit_count, usage.miss_count), (1, 1));
        let before = cache.version();
        state.db.invalidations().mark(Stale::Posted(RoomId(2)));
        cache.insert(2, "two, as read before", 100, before, of_room(2));
        assert_eq!(cache.get(&2), None, "its dependency changed while it was read");
    }

    #[tokio::test]
    async fn the_capacity_is_never_exceeded_and_a_capacity_of_zero_caches_nothing() {
        let state = testing::state().await;
        let invalidations = state.db.invalidations();
        let cache = Cache::new(invalidations.clone(), 10_000, 100);
        for number in 0..1_000 {
            cache.insert(number, number, 700, cache.version(), Dependencies::default());
            assert!(cache.used_bytes() <= 10_000, "{}", cache.used_bytes());
        }
        assert!(cache.used_bytes() > 5_000);
        let none = Cache::new(invalidations.clone(), 0, 100);
        none.insert(1, 1, 1, none.version(), Dependencies::default());
        assert_eq!((none.get(&1), none.used_bytes()), (None, 0));
    }
}
