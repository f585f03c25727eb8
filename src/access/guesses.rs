//! Failed guesses of secrets: passwords, join codes, sign-in links. After some, the next ones have to wait longer and
//! longer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::network;
use super::rates::make_room;
use crate::clock::Clock;
use crate::model::UserId;
use crate::{AppError, AppResult};

/// Maximum number of subjects kept. Beyond it, those without a failure for the longest time go first.
const MAX_SUBJECTS: usize = 10_000;

/// The first delay, in milliseconds. It doubles with each further failure.
const MIN_DELAY_MS: i64 = 10_000;

/// The longest delay, in milliseconds: 15 minutes.
const MAX_DELAY_MS: i64 = 15 * 60 * 1_000;

/// The longest delay for an account, in milliseconds: 2 minutes. Anybody can cause it, so it must not keep the owner out
/// for long; an address of the owner's other devices does not wait at all, see `ops::sessions::authenticate`.
const MAX_ACCOUNT_DELAY_MS: i64 = 2 * 60 * 1_000;

/// A subject without a failure for so long is forgotten, in milliseconds: 1 hour.
const FORGOTTEN_AFTER_MS: i64 = 60 * 60 * 1_000;

/// What failures are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Guess {
    /// Signing in, from a network.
    SignInFrom(IpAddr),
    /// Signing in, to the account with this e-mail address, as its digest, whether there is one or not.
    SignInTo([u8; 16]),
    /// The present password of a signed-in user. Not by address: neighbours would be locked out with them.
    PresentPassword(UserId),
    /// Joining, from a network: a wrong code, or the e-mail address of somebody who has joined.
    JoinFrom(IpAddr),
    /// A sign-in link, from a network.
    LinkFrom(IpAddr),
    /// The key of this bot, from a network.
    BotKey(IpAddr, UserId),
    /// A key that is of no bot, from a network.
    KeyFrom(IpAddr),
}

impl Guess {
    /// How many failures cost no delay.
    const fn free_count(self) -> u32 {
        match self {
            // Many people may share a network.
            Self::SignInFrom(_) | Self::JoinFrom(_) | Self::LinkFrom(_) | Self::BotKey(..) | Self::KeyFrom(_) => 10,
            Self::SignInTo(_) | Self::PresentPassword(_) => 5,
        }
    }

    /// The subject with the network of its address.
    fn by_network(self) -> Self {
        match self {
            Self::SignInFrom(address) => Self::SignInFrom(network(address)),
            Self::JoinFrom(address) => Self::JoinFrom(network(address)),
            Self::LinkFrom(address) => Self::LinkFrom(network(address)),
            Self::BotKey(address, bot_id) => Self::BotKey(network(address), bot_id),
            Self::KeyFrom(address) => Self::KeyFrom(network(address)),
            other => other,
        }
    }

    /// The delay after this many failures, in milliseconds.
    fn delay_ms(self, failure_count: u32) -> i64 {
        let Some(doublings) = failure_count.checked_sub(self.free_count()) else { return 0 };
        let max_ms = if matches!(self, Self::SignInTo(_)) { MAX_ACCOUNT_DELAY_MS } else { MAX_DELAY_MS };
        (MIN_DELAY_MS << doublings.min(16)).min(max_ms)
    }
}

/// Counts failures by subject. Successes are not counted, and neither are the tries that were made to wait.
#[derive(Debug)]
pub struct Guesses {
    clock: Clock,
    failures: Mutex<HashMap<Guess, Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last_at: i64,
}

impl Guesses {
    /// No failures.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, failures: Mutex::default() }
    }

    /// Checks that the subject need not wait before its next guess.
    ///
    /// # Errors
    /// `TooManyTries` with the time to wait.
    pub fn check(&self, guess: Guess) -> AppResult<()> {
        let guess = guess.by_network();
        let now_ms = self.clock.steady_ms();
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner).get(&guess).copied();
        let wait_ms = failures.map_or(0, |Failures { count, last_at }| last_at + guess.delay_ms(count) - now_ms);
        if wait_ms > 0 { Err(AppError::too_many_tries(wait_ms)) } else { Ok(()) }
    }

    /// Counts a failure.
    pub fn failed(&self, guess: Guess) {
        let guess = guess.by_network();
        let now_ms = self.clock.steady_ms();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_SUBJECTS && !failures.contains_key(&guess) {
            make_room(&mut failures, |failures| failures.last_at + FORGOTTEN_AFTER_MS, now_ms);
        }
        let counted = failures.entry(guess).or_insert(Failures { count: 0, last_at: now_ms });
        if now_ms - counted.last_at >= FORGOTTEN_AFTER_MS {
            counted.count = 0;
        }
        counted.count = counted.count.saturating_add(1);
        counted.last_at = now_ms;
    }

    /// Forgets the failures of an account or a user whose password was entered. Those of a network stay: its next guess
    /// may be of another account.
    pub fn succeeded(&self, guess: Guess) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&guess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_delay_grows_with_each_failure_and_is_forgotten_after_an_hour() {
        let clock = Clock::manual(0);
        let guesses = Guesses::new(clock.clone());
        let one = Guess::SignInFrom(address("192.0.2.1"));
        let waits_s = |guess| match guesses.check(guess) {
            Ok(()) => 0,
            Err(AppError::TooManyTries(seconds)) => seconds,
            Err(other) => panic!("{other:?}"),
        };
        for _ in 0..10 {
            assert_eq!(waits_s(one), 0);
            guesses.failed(one);
        }
        for seconds in [10_u32, 20, 40, 80, 160, 320, 640, 900, 900] {
            assert_eq!(waits_s(one), seconds);
            clock.advance(i64::from(seconds) * 1_000 - 1);
            assert_eq!(waits_s(one), 1);
            clock.advance(1);
            assert_eq!(waits_s(one), 0);
            guesses.failed(one);
        }
        assert_eq!(waits_s(Guess::SignInFrom(address("192.0.2.2"))), 0, "a neighbour");
        assert_eq!(waits_s(Guess::LinkFrom(address("192.0.2.1"))), 0, "another kind of guess");
        clock.advance(FORGOTTEN_AFTER_MS);
        guesses.failed(one);
        assert_eq!(waits_s(one), 0);
    }

    #[test]
    fn a_network_is_one_subject() {
        let guesses = Guesses::new(Clock::manual(0));
        for host in 0..10_u16 {
            guesses.failed(Guess::JoinFrom(address(&format!("2001:db8::{host:x}"))));
        }
        assert!(guesses.check(Guess::JoinFrom(address("2001:db8::ffff"))).is_err());
        assert!(guesses.check(Guess::JoinFrom(address("2001:db8:0:1::1"))).is_ok());
    }

    #[test]
    fn nobody_can_keep_the_owner_of_an_account_out_for_more_than_two_minutes() {
        let clock = Clock::manual(0);
        let guesses = Guesses::new(clock.clone());
        let account = Guess::SignInTo([1; 16]);
        (0..100).for_each(|_| guesses.failed(account));
        assert_eq!(guesses.check(account), Err(AppError::TooManyTries(120)));
        clock.advance(MAX_ACCOUNT_DELAY_MS);
        assert_eq!(guesses.check(account), Ok(()));
        guesses.succeeded(account);
        (0..4).for_each(|_| guesses.failed(account));
        assert_eq!(guesses.check(account), Ok(()), "counted anew");
    }

    #[test]
    fn a_flood_of_subjects_evicts_the_oldest_and_not_all() {
        let clock = Clock::manual(0);
        let guesses = Guesses::new(clock.clone());
        let subject = |number: u32| Guess::SignInFrom(IpAddr::V4(number.into()));
        for number in 0..u32::try_from(MAX_SUBJECTS).unwrap() {
            clock.advance(1);
            guesses.failed(subject(number));
        }
        let attacker = Guess::PresentPassword(UserId(1));
        (0..5).for_each(|_| guesses.failed(attacker));
        for number in 20_000..20_500 {
            clock.advance(1);
            guesses.failed(subject(number));
        }
        assert!(guesses.check(attacker).is_err(), "still waiting");
        assert!(guesses.failures.lock().unwrap().len() <= MAX_SUBJECTS);
    }
}
