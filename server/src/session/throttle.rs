//! Rate limit of attempts to sign in, by address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use campfire::access::network;
use campfire::clock::Clock;

/// Maximum number of attempts in a window, including successful ones.
const MAX_ATTEMPTS: u32 = 10;

/// The length of a window, in milliseconds: 3 minutes.
const WINDOW_MS: i64 = 3 * 60 * 1_000;

/// Maximum number of addresses kept: beyond it, expired ones are removed.
const MAX_ADDRESSES: usize = 10_000;

/// Counts attempts by address in fixed windows. Clones share the counts.
#[derive(Clone, Debug)]
pub struct Throttle {
    clock: Clock,
    windows: Arc<Mutex<HashMap<IpAddr, Window>>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    /// In milliseconds since the epoch.
    started_at: i64,
    attempt_count: u32,
}

impl Throttle {
    /// A throttle without attempts.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, windows: Arc::default() }
    }

    /// Counts an attempt. Returns whether it exceeds the limit.
    #[must_use]
    pub fn is_exceeded(&self, address: IpAddr) -> bool {
        let address = network(address);
        let now_ms = self.clock.now_ms();
        let is_expired = |window: &Window| now_ms - window.started_at >= WINDOW_MS;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > MAX_ADDRESSES {
            windows.retain(|_, window| !is_expired(window));
            // So many live windows are an attack. Dropping all counts bounds the memory.
            if windows.len() > MAX_ADDRESSES {
                windows.clear();
            }
        }
        let window = windows.entry(address).or_insert(Window { started_at: now_ms, attempt_count: 0 });
        if is_expired(window) {
            *window = Window { started_at: now_ms, attempt_count: 0 };
        }
        window.attempt_count = window.attempt_count.saturating_add(1);
        window.attempt_count > MAX_ATTEMPTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_in_three_minutes_is_refused() {
        let clock = Clock::manual(0);
        let throttle = Throttle::new(clock.clone());
        let one = "192.0.2.1".parse().unwrap();
        let other = "192.0.2.2".parse().unwrap();
        assert!((0..10).all(|_| !throttle.is_exceeded(one)));
        assert!(throttle.is_exceeded(one));
        assert!(!throttle.is_exceeded(other));
        clock.advance(WINDOW_MS - 1);
        assert!(throttle.is_exceeded(one));
        clock.advance(1);
        assert!(!throttle.is_exceeded(one));
        let of_one_network = |host: u32| format!("2001:db8::{host:x}").parse().unwrap();
        assert!((0..10).all(|host| !throttle.is_exceeded(of_one_network(host))));
        assert!(throttle.is_exceeded(of_one_network(11)));
    }
}
