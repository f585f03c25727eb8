//! Passwords: argon2id, never on the threads that serve the chat.

use std::num::NonZero;
use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use tokio::sync::{Semaphore, oneshot};

use crate::model::Password;
use crate::{AppError, AppResult, low_priority};

/// How many passwords are worked on at once, where there are cores for it: one core is left to the chat. Each takes
/// 19 MiB while it lasts, the crate's default, which is OWASP's second recommendation for argon2id.
const AT_ONCE: usize = 2;

/// How many may wait their turn before newcomers are told to come back.
const WAITING: usize = 64;

/// What nobody's password is checked against, so that an unknown address takes as long as a known one: the crate's
/// default parameters, and a hash that belongs to no password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$bm9ib2R5IGhhcyB0aGlzIHBhc3N3b3JkLCBldmVyISE";

/// A bounded pool for hashing and checking passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    working: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let at_once = (cores - 1).clamp(1, AT_ONCE);
        Self { working: Arc::new(Semaphore::new(at_once)), admitted: Arc::new(Semaphore::new(at_once + WAITING)) }
    }
}

impl Passwords {
    /// The hash to store, in PHC form.
    ///
    /// # Errors
    /// `Unavailable` when too many are waiting.
    pub async fn hash(&self, password: &Password) -> AppResult<String> {
        let password = password.clone();
        self.run(move || hash_now(password.expose())).await?.ok_or(AppError::Internal)
    }

    /// Whether the password is the one behind `hash`. Without a hash it takes as long, and is not.
    ///
    /// # Errors
    /// `Unavailable` when too many are waiting.
    pub async fn verify(&self, password: &Password, hash: Option<String>) -> AppResult<bool> {
        let password = password.clone();
        self.run(move || {
            let stored = hash.as_deref().unwrap_or(NOBODY);
            let matches = PasswordHash::new(stored)
                .is_ok_and(|stored| Argon2::default().verify_password(password.expose().as_bytes(), &stored).is_ok());
            matches && hash.is_some()
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> AppResult<T> {
        let busy = || AppError::Unavailable("Many people are signing in now. Try again in a moment.".into());
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| busy())?;
        let working = Arc::clone(&self.working).acquire_owned().await.map_err(|_| busy())?;
        // The work holds its place until it is done, also when nobody waits for it any more.
        let work = move || {
            let result = work();
            drop((admitted, working));
            result
        };
        let (answer, answered) = oneshot::channel();
        let run = move || {
            // Whoever asked may have gone.
            let _ = answer.send(work());
        };
        // A thread for each is nothing beside what it does, and leaves with its memory.
        low_priority::spawn("password", run).map_err(|_| busy())?;
        answered.await.map_err(|_| AppError::Internal)
    }
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
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
    fn checking_nobodys_hash_is_as_much_work_as_checking_anybodys() {
        let cost = |hash: &str| {
            let hash = PasswordHash::new(hash).unwrap();
            let length = hash.hash.unwrap().len();
            (hash.algorithm.to_string(), hash.version, hash.params.to_string(), length)
        };
        assert_eq!(cost(NOBODY), cost(&hash_now("correct horse").unwrap()));
    }

    #[tokio::test]
    async fn a_storm_is_turned_away_instead_of_queued_without_end() {
        let passwords = Passwords::default();
        let places = u32::try_from(passwords.admitted.available_permits()).unwrap();
        let _all = passwords.admitted.try_acquire_many(places).unwrap();
        let refused = passwords.verify(&"correct horse".parse().unwrap(), None).await;
        assert!(matches!(refused, Err(AppError::Unavailable(_))));
    }
}
