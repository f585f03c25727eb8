//! How often one address may try to sign in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use campfire::access::network;
use campfire::clock::Clock;

/// Tries in one window, good ones included.
const TRIES: u32 = 10;

/// The length of a window, in milliseconds: 3 minutes.
const WINDOW_MS: i64 = 3 * 60 * 1_000;

/// Addresses remembered before those whose window is over are cleared out.
const CLEAR_BEYOND: usize = 10_000;

/// Counts tries by address in fixed windows.
#[derive(Clone, Debug)]
pub struct Throttle {
    clock: Clock,
    windows: Arc<Mutex<HashMap<IpAddr, Window>>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began_at: i64,
    try_count: u32,
}

impl Throttle {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, windows: Arc::default() }
    }

    /// Counts a try; answers whether it is one too many.
    #[must_use]
    pub fn is_exceeded(&self, address: IpAddr) -> bool {
        let address = network(address);
        let now_ms = self.clock.now_ms();
        let is_over = |window: &Window| now_ms - window.began_at >= WINDOW_MS;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > CLEAR_BEYOND {
            windows.retain(|_, window| !is_over(window));
            // So many at once are no people; memory stays bounded whatever they are.
            if windows.len() > CLEAR_BEYOND {
                windows.clear();
            }
        }
        let window = windows.entry(address).or_insert(Window { began_at: now_ms, try_count: 0 });
        if is_over(window) {
            *window = Window { began_at: now_ms, try_count: 0 };
        }
        window.try_count = window.try_count.saturating_add(1);
        window.try_count > TRIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_try_in_three_minutes_is_one_too_many() {
        let clock = Clock::manual(0);
        let throttle = Throttle::new(clock.clone());
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!((0..10).all(|_| !throttle.is_exceeded(one)));
        assert!(throttle.is_exceeded(one));
        assert!(!throttle.is_exceeded(other));
        clock.advance(WINDOW_MS - 1);
        assert!(throttle.is_exceeded(one));
        clock.advance(1);
        assert!(!throttle.is_exceeded(one));
        let of_one_customer = |host: u32| format!("2001:db8::{host:x}").parse().unwrap();
        assert!((0..10).all(|host| !throttle.is_exceeded(of_one_customer(host))));
        assert!(throttle.is_exceeded(of_one_customer(11)));
    }
}
