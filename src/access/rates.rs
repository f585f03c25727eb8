//! Rate limits by key, held in memory: how often something may be done.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::clock::Clock;
use crate::{AppError, AppResult};

/// Maximum number of keys kept. Beyond it, those that are nearest to being forgotten go first.
const MAX_KEYS: usize = 10_000;

/// A token bucket for each key: `burst` at once, then one per interval.
///
/// Of each key it keeps the one number that the generic cell rate algorithm (ITU-T I.371) needs: when its bucket will be
/// full again. A key whose bucket is full is forgotten.
#[derive(Debug)]
pub struct Rate<K> {
    clock: Clock,
    burst: i64,
    /// In milliseconds; 0 for no limit.
    interval_ms: AtomicI64,
    full_at: Mutex<HashMap<K, i64>>,
}

impl<K: Copy + Eq + Hash> Rate<K> {
    /// `burst` at once, then one every `interval_ms`; no limit for 0.
    #[must_use]
    pub fn new(clock: Clock, burst: i64, interval_ms: i64) -> Self {
        Self { clock, burst, interval_ms: AtomicI64::new(interval_ms), full_at: Mutex::default() }
    }

    /// Replaces the interval, in milliseconds; 0 for no limit.
    pub fn set_interval_ms(&self, interval_ms: i64) {
        self.interval_ms.store(interval_ms, Ordering::Relaxed);
    }

    /// Takes a token of this key.
    ///
    /// # Errors
    /// `TooManyTries` with the time until there is one.
    pub fn take(&self, key: K) -> AppResult<()> {
        let interval_ms = self.interval_ms.load(Ordering::Relaxed);
        if interval_ms == 0 {
            return Ok(());
        }
        let now_ms = self.clock.steady_ms();
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= MAX_KEYS && !full_at.contains_key(&key) {
            make_room(&mut full_at, |at| *at, now_ms);
        }
        let at = full_at.entry(key).or_insert(now_ms);
        let next = (*at).max(now_ms) + interval_ms;
        let wait_ms = next - now_ms - self.burst * interval_ms;
        if wait_ms > 0 {
            return Err(AppError::too_many_tries(wait_ms));
        }
        *at = next;
        Ok(())
    }
}

/// Removes the entries that are over by `now_ms`, or else the tenth that is over first: never all, so that a flood of
/// new keys does not lift the limit of the others.
pub(super) fn make_room<K: Copy + Eq + Hash, V>(entries: &mut HashMap<K, V>, over_at: impl Fn(&V) -> i64, now_ms: i64) {
    let before = entries.len();
    entries.retain(|_, entry| over_at(entry) > now_ms);
    if entries.len() < before {
        return;
    }
    let mut ends: Vec<(i64, K)> = entries.iter().map(|(key, entry)| (over_at(entry), *key)).collect();
    let count = ends.len() / 10;
    if count > 0 {
        ends.select_nth_unstable_by_key(count - 1, |(at, _)| *at);
        for (_, key) in &ends[..count] {
            entries.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_at_once_and_then_one_per_interval() {
        let clock = Clock::manual(0);
        let rate = Rate::new(clock.clone(), 20, 200);
        assert!((0..20).all(|_| rate.take(1).is_ok()));
        assert_eq!(rate.take(1), Err(AppError::TooManyTries(1)));
        assert!(rate.take(2).is_ok(), "another key has its own bucket");
        clock.advance(199);
        assert!(rate.take(1).is_err());
        clock.advance(1);
        assert!(rate.take(1).is_ok());
        assert!(rate.take(1).is_err());
        clock.advance(20 * 200);
        assert!((0..20).all(|_| rate.take(1).is_ok()), "full again");
        assert!(rate.take(1).is_err());
        rate.set_interval_ms(0);
        assert!((0..1_000).all(|_| rate.take(1).is_ok()), "switched off");
    }

    #[test]
    fn a_flood_of_keys_evicts_the_oldest_and_not_all() {
        let clock = Clock::manual(0);
        let rate = Rate::new(clock.clone(), 2, 1_000_000);
        for key in 0..MAX_KEYS {
            clock.advance(1);
            rate.take(key).unwrap();
        }
        let latest = MAX_KEYS - 1;
        rate.take(latest).unwrap();
        assert!(rate.take(latest).is_err());
        for key in MAX_KEYS..MAX_KEYS + 500 {
            clock.advance(1);
            rate.take(key).unwrap();
        }
        assert!(rate.full_at.lock().unwrap().len() <= MAX_KEYS);
        assert!(rate.take(latest).is_err(), "still limited");
    }
}
