//! Where users write from: noted when it changes, so that a ban reaches the latest network of the banned user and spares
//! those that others use.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::rates::make_room;
use super::{is_public, network};
use crate::clock::Clock;
use crate::model::UserId;

/// Maximum number of users kept.
const MAX_USERS: usize = 10_000;

/// The same network is noted again after so long, in milliseconds: 1 day.
const NOTED_AGAIN_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// The network that each user wrote from last, as far as it was noted by this process.
#[derive(Debug)]
pub struct WrittenFrom {
    clock: Clock,
    noted: Mutex<HashMap<UserId, Noted>>,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    network: IpAddr,
    /// In milliseconds since the epoch.
    at: i64,
}

impl WrittenFrom {
    /// Nothing is noted yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, noted: Mutex::default() }
    }

    /// The network to note for a user who writes from `address`: `None` if it is noted already, or not public.
    #[must_use]
    pub fn to_note(&self, user_id: UserId, address: IpAddr) -> Option<IpAddr> {
        if !is_public(address) {
            return None;
        }
        let network = network(address);
        let now_ms = self.clock.now_ms();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known =
            |noted: &Noted| noted.network == network && (noted.at..noted.at + NOTED_AGAIN_AFTER_MS).contains(&now_ms);
        if noted.get(&user_id).is_some_and(is_known) {
            return None;
        }
        if noted.len() >= MAX_USERS {
            make_room(&mut noted, |noted| noted.at + NOTED_AGAIN_AFTER_MS, now_ms);
        }
        noted.insert(user_id, Noted { network, at: now_ms });
        Some(network)
    }
}

/// An address without what tells one visitor from another, for the log: the last byte of an IPv4 address is left out,
/// and all but the first 48 bits of an IPv6 address.
#[must_use]
pub fn masked(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            format!("{first}.{second}.{third}.x")
        }
        IpAddr::V6(address) => {
            let [first, second, third, ..] = address.segments();
            format!("{first:x}:{second:x}:{third:x}:x")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_noted_when_it_changes_and_once_a_day() {
        let clock = Clock::manual(1_000);
        let written_from = WrittenFrom::new(clock.clone());
        let note = |address: &str| written_from.to_note(UserId(1), address.parse().unwrap()).is_some();
        assert!(note("203.0.113.9"));
        assert!(!note("203.0.113.9"));
        assert!(note("2001:db8::1"));
        assert!(!note("2001:db8::2"), "the same /64");
        assert!(note("203.0.113.9"));
        assert!(!note("192.168.0.1") && !note("203.0.113.9"), "a private address is not noted");
        clock.advance(NOTED_AGAIN_AFTER_MS);
        assert!(note("203.0.113.9"));
    }

    #[test]
    fn an_address_in_the_log_is_that_of_many() {
        assert_eq!(masked("203.0.113.9".parse().unwrap()), "203.0.113.x");
        assert_eq!(masked("::ffff:203.0.113.9".parse().unwrap()), "203.0.113.x");
        assert_eq!(masked("2001:db8:1:2:3:4:5:6".parse().unwrap()), "2001:db8:1:x");
    }
}
