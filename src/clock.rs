//! Time. A time that is stored, compared or shown comes from the state's [`Clock`], which tests control; [`monotonic`]
//! only measures durations inside this process. `clippy.toml` forbids other sources.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of the wall-clock time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The system clock.
    System,
    /// A clock for tests that only [`Clock::advance`] moves, in milliseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A manual clock that starts at `now_ms`, in milliseconds since the epoch.
    #[must_use]
    pub fn manual(now_ms: i64) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now_ms)))
    }

    /// The current time in milliseconds since the epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Self::Manual(now) => now.load(Ordering::Relaxed),
        }
    }

    /// A time that never goes back, in milliseconds since an arbitrary moment: for limits that setting the system's clock
    /// must not lift. A manual clock's is its time.
    #[must_use]
    pub fn steady_ms(&self) -> i64 {
        static START: OnceLock<Instant> = OnceLock::new();
        match self {
            Self::System => {
                let start = *START.get_or_init(monotonic);
                i64::try_from(monotonic().duration_since(start).as_millis()).unwrap_or(i64::MAX)
            }
            Self::Manual(_) => self.now_ms(),
        }
    }

    /// Moves a manual clock forward. Does nothing for the system clock.
    pub fn advance(&self, by_ms: i64) {
        if let Self::Manual(now) = self {
            now.fetch_add(by_ms, Ordering::Relaxed);
        }
    }
}

/// The current time of the monotonic clock: for deadlines and pauses inside this process, never for a time that is
/// stored or shown.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the monotonic clock")]
pub fn monotonic() -> Instant {
    Instant::now()
}
