//! Password hashing with argon2id, on low-priority threads instead of those that serve requests.

use std::num::NonZero;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::{Semaphore, oneshot};

use crate::model::Password;
use crate::{AppError, AppResult, low_priority};

/// Maximum number of concurrent hashes; fewer on a machine with less than three cores, so that one core stays free for
/// requests. Each takes 19 MiB of memory, the crate's default, which is OWASP's second recommendation for argon2id.
const MAX_CONCURRENT: usize = 2;

/// Maximum number of hashes that wait for a thread; above it, `Unavailable` is returned.
const MAX_WAITING: usize = 64;

/// Verified when there is no stored hash, so that an unknown address takes as long as a known one: the crate's default
/// parameters, and a hash that no password has.
const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkLCBldmVyISE";

/// A bounded pool for hashing and checking passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// One permit per concurrent hash.
    running: Arc<Semaphore>,
    /// One permit per running or waiting hash.
    admitted: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let concurrent = (cores - 1).clamp(1, MAX_CONCURRENT);
        Self {
            running: Arc::new(Semaphore::new(concurrent)),
            admitted: Arc::new(Semaphore::new(concurrent + MAX_WAITING)),
        }
    }
}

impl Passwords {
    /// The hash of a password to store, as a PHC string.
    ///
    /// # Errors
    /// `Unavailable` when 64 others are waiting.
    pub async fn hash(&self, password: &Password) -> AppResult<String> {
        let password = password.clone();
        self.run(move || hash_now(password.expose())).await?.ok_or(AppError::Internal)
    }

    /// Whether the password matches `hash`. Without a hash the answer is `false`, after the same time.
    ///
    /// # Errors
    /// `Unavailable` when 64 others are waiting.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> AppResult<bool> {
        let password = password.clone();
        self.run(move || {
            let stored = hash.as_deref().unwrap_or(DUMMY_HASH);
            let matches = PasswordHash::new(stored)
                .is_ok_and(|stored| Argon2::default().verify_password(password.expose().as_bytes(), &stored).is_ok());
            matches && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> AppResult<T> {
        let busy = || AppError::Unavailable("Many people are signing in now. Try again in a moment.".into());
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| busy())?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| busy())?;
        // The permits are held until the work is done, even if the caller's future was dropped.
        let work = move || {
            let result = work();
            drop((admitted, running));
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
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_only_its_own_hash() {
        let passwords = Passwords::default();
        let password = "correct horse".parse().unwrap();
        let hash = passwords.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(passwords.verify(&password, Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(&"correct house".parse().unwrap(), Some(hash)).await.unwrap());
        assert!(!passwords.verify(&password, None).await.unwrap());
        assert!(!passwords.verify(&password, Some("not a hash".into())).await.unwrap());
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
    async fn requests_beyond_the_queue_are_rejected() {
        let passwords = Passwords::default();
        let permits = u32::try_from(passwords.admitted.available_permits()).unwrap();
        let _all = passwords.admitted.try_acquire_many(permits).unwrap();
        let rejected = passwords.verify(&"correct horse".parse().unwrap(), None).await;
        assert!(matches!(rejected, Err(AppError::Unavailable(_))));
    }
}
