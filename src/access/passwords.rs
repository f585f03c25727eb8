//! Password hashing with argon2id, on low-priority threads instead of those that serve requests.
//!
//! Every hash is worked out for somebody ([`HashFor`]), and each user and each address may have a few running or waiting
//! at a time: nobody can fill the queue that the others sign in by.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use flate2::read::ZlibDecoder;
use tokio::sync::{Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;

use super::network;
use crate::model::{Password, UserId};
use crate::{AppError, AppResult, low_priority};

/// Maximum number of concurrent hashes; fewer on a machine with less than three cores, so that one core stays free for
/// requests. Each takes 19 MiB of memory, the crate's default, which is OWASP's second recommendation for argon2id.
const MAX_CONCURRENT: usize = 2;

/// Maximum number of hashes that wait for a thread; above it, `Unavailable` is returned.
const MAX_WAITING: usize = 64;

/// Maximum number of hashes of one use that run or wait for one network.
const MAX_PER_NETWORK: usize = 8;

/// Maximum number of hashes that run or wait for one user or one e-mail address.
const MAX_PER_PERSON: usize = 2;

/// Verified when there is no stored hash, so that an unknown address takes as long as a known one: the crate's default
/// parameters, and a hash that no password has.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkLCBldmVyISE";

/// The 10,000 most common passwords of at least 8 characters, made by `bin/common-passwords.mjs`. Kept compressed:
/// it is read only when somebody chooses a password.
const COMMON_PASSWORDS: &[u8] = include_bytes!("common-passwords.zlib");

/// Whom a hash is worked out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFor {
    /// Somebody who signs in: their address, and the digest of the e-mail address.
    SignIn(IpAddr, [u8; 16]),
    /// Somebody who registers: their address, and the digest of the e-mail address.
    Registration(IpAddr, [u8; 16]),
    /// A signed-in user who enters the present password or changes it: their address and id.
    User(IpAddr, UserId),
    /// The operator of the machine.
    Operator,
}

/// What is limited: a network and a use, or a person and a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Share {
    SignInFrom(IpAddr),
    SignInTo([u8; 16]),
    RegistrationFrom(IpAddr),
    RegistrationOf([u8; 16]),
    UserFrom(IpAddr),
    User(UserId),
}

impl HashFor {
    /// The limits that apply.
    fn shares(self) -> Vec<(Share, usize)> {
        let (by_network, by_person) = match self {
            Self::SignIn(from, to) => (Share::SignInFrom(network(from)), Share::SignInTo(to)),
            Self::Registration(from, of) => (Share::RegistrationFrom(network(from)), Share::RegistrationOf(of)),
            Self::User(from, user_id) => (Share::UserFrom(network(from)), Share::User(user_id)),
            Self::Operator => return Vec::new(),
        };
        vec![(by_network, MAX_PER_NETWORK), (by_person, MAX_PER_PERSON)]
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password does not have the hash.
    Wrong,
    /// The password has the hash.
    Right,
    /// The password has the hash in the form in which it was typed: the hash is from before passwords were normalised, or
    /// from another chat. This is the one to replace it with.
    RightAsTyped(String),
}

/// A bounded pool for hashing and checking passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// One permit per concurrent hash.
    running: Arc<Semaphore>,
    /// One permit per running or waiting hash.
    admitted: Arc<Semaphore>,
    /// How many hashes run or wait, by what is limited; none that has no hash.
    shares: Arc<Mutex<HashMap<Share, usize>>>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let concurrent = (cores - 1).clamp(1, MAX_CONCURRENT);
        Self {
            running: Arc::new(Semaphore::new(concurrent)),
            admitted: Arc::new(Semaphore::new(concurrent + MAX_WAITING)),
            shares: Arc::default(),
        }
    }
}

impl Passwords {
    /// The hash of a new password to store, as a PHC string.
    ///
    /// # Errors
    /// `Invalid` for a very common password, `TooManyTries` when too many hashes are waiting for the same user or
    /// network, `Unavailable` when 64 are waiting.
    pub async fn hash(&self, password: &Password, hash_for: HashFor) -> AppResult<String> {
        if is_common(password) {
            let reason = "That is one of the passwords that are tried first. Choose another one.";
            return Err(AppError::invalid("password", reason));
        }
        let normalized = normalized(password);
        self.run(hash_for, move || hash_now(&normalized)).await?.ok_or(AppError::Internal)
    }

    /// Whether the password has `hash`. Without a hash it is `Wrong`, after the same time.
    ///
    /// # Errors
    /// `TooManyTries` when too many hashes are waiting for the same user or network, `Unavailable` when 64 are waiting.
    pub async fn verify(&self, password: &Password, hash: Option<String>, hash_for: HashFor) -> AppResult<Verdict> {
        let password = password.clone();
        self.run(hash_for, move || verify_now(&password, hash.as_deref())).await
    }

    /// The same for somebody who signs in. `bcrypt_cost` is the greatest cost of a hash of bcrypt that anybody has: while
    /// there is one, a wrong password takes as long as both kinds of hash together, whichever the person has, so that the
    /// time does not tell who is known here.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub async fn verify_sign_in(
        &self,
        password: &Password,
        hash: Option<String>,
        bcrypt_cost: Option<u32>,
        hash_for: HashFor,
    ) -> AppResult<Verdict> {
        let password = password.clone();
        let verify = move || {
            let verdict = verify_now(&password, hash.as_deref());
            if verdict == Verdict::Wrong {
                pad(&password, Padding::of(hash.as_deref(), bcrypt_cost));
            }
            verdict
        };
        self.run(hash_for, verify).await
    }

    async fn run<T: Send + 'static>(
        &self,
        hash_for: HashFor,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> AppResult<T> {
        let busy = || AppError::Unavailable("Many people are signing in now. Try again in a moment.".into());
        let shares = self.take_shares(hash_for)?;
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| busy())?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| busy())?;
        // The permits are held until the work is done, even if the caller's future was dropped.
        let work = move || {
            let result = work();
            drop((admitted, running, shares));
            result
        };
        let (reply, result) = oneshot::channel();
        let run = move || {
            // The caller's future may have been dropped.
            let _ = reply.send(work());
        };
        // Starting a thread is cheap compared with a hash, and its memory is freed when it ends.
        low_priority::spawn("password", run).map_err(|_| busy())?;
        result.await.map_err(|_| AppError::Internal)
    }

    /// Counts a hash in all of its shares, until the result is dropped.
    fn take_shares(&self, hash_for: HashFor) -> AppResult<Shares> {
        let wanted = hash_for.shares();
        let mut counts = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.iter().any(|(share, max)| counts.get(share).is_some_and(|count| count >= max)) {
            return Err(AppError::TooManyTries(1));
        }
        let taken: Vec<_> = wanted.into_iter().map(|(share, _)| share).collect();
        for share in &taken {
            *counts.entry(*share).or_default() += 1;
        }
        Ok(Shares { taken, counts: Arc::clone(&self.shares) })
    }
}

/// The shares of a running or waiting hash, given back when dropped.
struct Shares {
    taken: Vec<Share>,
    counts: Arc<Mutex<HashMap<Share, usize>>>,
}

impl Drop for Shares {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for share in &self.taken {
            if let Some(count) = counts.get_mut(share) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(share);
                }
            }
        }
    }
}

/// The password in Unicode's composed form (NFC): keyboards and systems differ in how they send an `é`.
fn normalized(password: &Password) -> String {
    password.expose().nfc().collect()
}

/// Whether the password is one of [`COMMON_PASSWORDS`], without regard to case.
fn is_common(password: &Password) -> bool {
    let wanted = normalized(password).to_lowercase();
    let mut list = String::new();
    let is_read = ZlibDecoder::new(COMMON_PASSWORDS).read_to_string(&mut list).is_ok();
    is_read && list.lines().any(|common| common == wanted)
}

/// The most that a hash of bcrypt may cost, as the logarithm of its rounds: half a second. Each more doubles the time. Rails
/// has 12.
const MAX_BCRYPT_COST: u32 = 13;

/// Whether this is a hash of bcrypt, as people have it who came from another chat, at a cost that can be borne.
#[must_use]
pub fn is_bcrypt(hash: &str) -> bool {
    let cost = ["$2a$", "$2b$", "$2y$"].iter().find_map(|prefix| hash.strip_prefix(prefix)?.split('$').next());
    hash.len() == 60
        && cost.and_then(|cost| cost.parse().ok()).is_some_and(|cost: u32| (4..=MAX_BCRYPT_COST).contains(&cost))
}

fn verify_now(password: &Password, hash: Option<&str>) -> Verdict {
    if let Some(hash) = hash.filter(|hash| is_bcrypt(hash)) {
        return if bcrypt::verify(password.expose(), hash).unwrap_or(false) {
            hash_now(&normalized(password)).map_or(Verdict::Right, Verdict::RightAsTyped)
        } else {
            Verdict::Wrong
        };
    }
    let stored = PasswordHash::new(hash.unwrap_or(DUMMY_HASH));
    let matches = |text: &str| {
        let is_right =
            stored.as_ref().is_ok_and(|stored| Argon2::default().verify_password(text.as_bytes(), stored).is_ok());
        is_right && hash.is_some()
    };
    let normalized = normalized(password);
    if matches(&normalized) {
        return Verdict::Right;
    }
    if normalized != password.expose() && matches(password.expose()) {
        return hash_now(&normalized).map_or(Verdict::Right, Verdict::RightAsTyped);
    }
    Verdict::Wrong
}

/// The second hash that a wrong password costs, so that it takes as long for a user with either kind of hash, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    Nothing,
    Argon2,
    Bcrypt(u32),
}

impl Padding {
    /// The other kind of hash than that which has been worked out.
    fn of(hash: Option<&str>, bcrypt_cost: Option<u32>) -> Self {
        match bcrypt_cost {
            _ if hash.is_some_and(is_bcrypt) => Self::Argon2,
            Some(cost) => Self::Bcrypt(cost.min(MAX_BCRYPT_COST)),
            None => Self::Nothing,
        }
    }
}

fn pad(password: &Password, padding: Padding) {
    match padding {
        Padding::Nothing => {}
        Padding::Argon2 => drop(verify_now(password, None)),
        Padding::Bcrypt(cost) => drop(bcrypt::hash_with_salt(password.expose(), cost, *b"nobody is here, ")),
    }
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "pâsswörds" as a keyboard may send it: letters and combining marks.
    const DECOMPOSED: &str = "pa\u{302}sswo\u{308}rds";

    fn sign_in(address: &str, account: u8) -> HashFor {
        HashFor::SignIn(address.parse().unwrap(), [account; 16])
    }

    fn to_check(text: &str) -> Password {
        Password::to_check(text.into())
    }

    #[tokio::test]
    async fn a_password_matches_only_its_own_hash() {
        let passwords = Passwords::default();
        let hash = passwords.hash(&to_check("correct horse"), HashFor::Operator).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        let verdict =
            async |text: &str, hash| passwords.verify(&to_check(text), hash, HashFor::Operator).await.unwrap();
        assert_eq!(verdict("correct horse", Some(hash.clone())).await, Verdict::Right);
        assert_eq!(verdict("correct house", Some(hash)).await, Verdict::Wrong);
        assert_eq!(verdict("correct horse", None).await, Verdict::Wrong);
        assert_eq!(verdict("correct horse", Some("not a hash".into())).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_bcrypt_is_verified_and_replaced_unless_it_costs_too_much() {
        let passwords = Passwords::default();
        let hash = bcrypt::hash_with_salt("secret123456", 4, *b"0123456789abcdef").unwrap().to_string();
        let verdict = async |text: &str, hash: &str| {
            passwords.verify(&to_check(text), Some(hash.to_owned()), HashFor::Operator).await.unwrap()
        };
        let Verdict::RightAsTyped(new) = verdict("secret123456", &hash).await else {
            panic!("{hash} was not verified")
        };
        assert_eq!(verdict("secret123456", &new).await, Verdict::Right);
        assert_eq!(verdict("secret1234567", &hash).await, Verdict::Wrong);
        let costly = hash.replacen("$04$", "$31$", 1);
        assert!(is_bcrypt(&hash) && !is_bcrypt(&costly) && !is_bcrypt("$2a$12$short") && !is_bcrypt(&new));
        assert_eq!(verdict("secret123456", &costly).await, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_wrong_password_costs_both_kinds_of_hash_while_there_are_both() {
        let bcrypt = bcrypt::hash_with_salt("secret123456", 4, *b"0123456789abcdef").unwrap().to_string();
        let own = hash_now("secret123456").unwrap();
        for (hash, cost, expected) in [
            (None, None, Padding::Nothing),
            (Some(own.as_str()), None, Padding::Nothing),
            (None, Some(12), Padding::Bcrypt(12)),
            (Some(&own), Some(12), Padding::Bcrypt(12)),
            (Some(&bcrypt), Some(12), Padding::Argon2),
            (None, Some(31), Padding::Bcrypt(MAX_BCRYPT_COST)),
        ] {
            assert_eq!(Padding::of(hash, cost), expected, "{hash:?} {cost:?}");
        }
        let passwords = Passwords::default();
        for (text, hash, is_right) in
            [("secret123456", Some(own), true), ("wrong", Some(bcrypt), false), ("x", None, false)]
        {
            let verdict = passwords.verify_sign_in(&to_check(text), hash, Some(4), HashFor::Operator).await.unwrap();
            assert_eq!(verdict != Verdict::Wrong, is_right, "{text}");
        }
    }

    #[tokio::test]
    async fn a_password_matches_in_every_unicode_form() {
        let passwords = Passwords::default();
        let composed: String = DECOMPOSED.nfc().collect();
        assert_ne!(composed, DECOMPOSED);
        for (chosen, entered) in [(DECOMPOSED, composed.as_str()), (&composed, DECOMPOSED)] {
            let hash = passwords.hash(&to_check(chosen), HashFor::Operator).await.unwrap();
            let verdict = passwords.verify(&to_check(entered), Some(hash), HashFor::Operator).await;
            assert_eq!(verdict, Ok(Verdict::Right));
        }
    }

    #[tokio::test]
    async fn a_hash_of_a_password_as_typed_matches_and_is_replaced() {
        let passwords = Passwords::default();
        let old = hash_now(DECOMPOSED).unwrap();
        let verdict = passwords.verify(&to_check(DECOMPOSED), Some(old), HashFor::Operator).await.unwrap();
        let Verdict::RightAsTyped(new) = verdict else { panic!("{verdict:?}") };
        let again = passwords.verify(&to_check(DECOMPOSED), Some(new), HashFor::Operator).await;
        assert_eq!(again, Ok(Verdict::Right));
    }

    #[test]
    fn the_dummy_hash_costs_as_much_as_a_real_one() {
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            let length = hash.hash.unwrap().len();
            (hash.algorithm.to_string(), hash.version, hash.params.to_string(), length)
        };
        assert_eq!(cost(DUMMY_HASH), cost(&hash_now("correct horse").unwrap()));
    }

    #[tokio::test]
    async fn very_common_passwords_are_refused() {
        let passwords = Passwords::default();
        for common in ["password", "12345678", "Password1", "ILOVEYOU", "qwertyuiop", "baseball"] {
            let refused = passwords.hash(&to_check(common), HashFor::Operator).await;
            assert!(matches!(refused, Err(AppError::Invalid(errors)) if errors.get("password").is_some()), "{common}");
        }
        let mut list = String::new();
        ZlibDecoder::new(COMMON_PASSWORDS).read_to_string(&mut list).unwrap();
        assert_eq!(list.lines().count(), 10_000);
        assert!(list.lines().all(|password| password.chars().count() >= 8));
    }

    #[tokio::test]
    async fn requests_beyond_the_queue_are_rejected() {
        let passwords = Passwords::default();
        let permits = u32::try_from(passwords.admitted.available_permits()).unwrap();
        let _all = passwords.admitted.try_acquire_many(permits).unwrap();
        let rejected = passwords.verify(&to_check("correct horse"), None, HashFor::Operator).await;
        assert!(matches!(rejected, Err(AppError::Unavailable(_))));
    }

    #[test]
    fn a_network_and_a_person_have_a_few_hashes_each() {
        let passwords = Passwords::default();
        let first: Vec<_> = (0..2).map(|_| passwords.take_shares(sign_in("192.0.2.1", 1)).unwrap()).collect();
        assert!(passwords.take_shares(sign_in("192.0.2.2", 1)).is_err(), "the same account from elsewhere");
        let others: Vec<_> =
            (2..8).map(|account| passwords.take_shares(sign_in("192.0.2.1", account)).unwrap()).collect();
        assert!(passwords.take_shares(sign_in("192.0.2.1", 99)).is_err(), "the same network for another account");
        assert!(passwords.take_shares(sign_in("192.0.2.2", 99)).is_ok(), "another network");
        let member = HashFor::User("192.0.2.1".parse().unwrap(), UserId(1));
        assert!(passwords.take_shares(member).is_ok(), "signed-in users of that network");
        drop((first, others));
        assert!(passwords.shares.lock().unwrap().is_empty(), "nothing is kept");
    }
}
