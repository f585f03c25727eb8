//! Low-priority OS threads for CPU-bound work of many milliseconds.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{AppError, AppResult};

/// Niceness of these threads: on a saturated core one gets a tenth of its time. With 19 it would get a hundredth, and
/// nobody could sign in to a busy server.
const NICENESS: i32 = 10;

/// Starts a low-priority thread; threads that it starts inherit the niceness.
///
/// On one core, work of many milliseconds would otherwise delay every answer by a whole time slice.
///
/// # Errors
/// When the operating system cannot start a thread.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let work = move || {
        // On Linux niceness is per thread, and inherited.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "a low-priority thread runs with normal priority");
        }
        work();
    };
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

/// Low-priority threads of which a limited number run at a time. Clones share the limit.
#[derive(Clone, Debug)]
pub struct Pool {
    name: &'static str,
    turns: Arc<Semaphore>,
}

/// A turn to use a thread of a [`Pool`].
#[derive(Debug)]
pub struct Turn {
    name: &'static str,
    permit: OwnedSemaphorePermit,
}

impl Pool {
    /// A pool whose threads have this name, `max_concurrent` of them at a time.
    #[must_use]
    pub fn new(name: &'static str, max_concurrent: usize) -> Self {
        Self { name, turns: Arc::new(Semaphore::new(max_concurrent)) }
    }

    /// Waits for a turn, first come, first served. Whoever stops waiting costs nothing: get what the work needs after this.
    ///
    /// # Errors
    /// Never; the pool is not closed.
    pub async fn turn(&self) -> AppResult<Turn> {
        let permit = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| AppError::Internal)?;
        Ok(Turn { name: self.name, permit })
    }
}

impl Turn {
    /// Runs `work` on a thread. The turn ends with the work, even if the caller has left.
    ///
    /// # Errors
    /// `Unavailable` when no thread can be started; `Internal` when the work panicked.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> AppResult<T> {
        let Self { name, permit } = self;
        let (reply, result) = oneshot::channel();
        let run = move || {
            let value = work();
            drop(permit);
            // The caller may have left.
            let _ = reply.send(value);
        };
        spawn(name, run).map_err(|_| AppError::Unavailable("The server is busy. Try again in a moment.".into()))?;
        result.await.map_err(|_| AppError::Internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_limited_number_runs_at_a_time_and_whoever_left_runs_nothing() {
        let pool = Pool::new("test", 2);
        let running = Arc::new(AtomicUsize::new(0));
        let started = Arc::new(AtomicUsize::new(0));
        let held = [pool.turn().await.unwrap(), pool.turn().await.unwrap()];
        let mut left: Vec<_> = (0..20).map(|_| Box::pin(pool.turn())).collect();
        for waiting in &mut left {
            assert!(futures::poll!(waiting).is_pending());
        }
        drop(left);
        let work = |pool: Pool, running: Arc<AtomicUsize>, started: Arc<AtomicUsize>| async move {
            let turn = pool.turn().await.unwrap();
            turn.run(move || {
                started.fetch_add(1, Ordering::SeqCst);
                let count = running.fetch_add(1, Ordering::SeqCst) + 1;
                running.fetch_sub(1, Ordering::SeqCst);
                count
            })
            .await
            .unwrap()
        };
        let mut all: Vec<_> = (0..20).map(|_| Box::pin(work(pool.clone(), running.clone(), started.clone()))).collect();
        assert!(futures::poll!(&mut all[0]).is_pending());
        assert_eq!(started.load(Ordering::SeqCst), 0, "both turns are taken");
        drop(held);
        let counts = futures::future::join_all(all).await;
        assert!(counts.len() == 20 && counts.iter().all(|count| *count <= 2), "{counts:?}");
    }

    #[tokio::test]
    async fn work_that_panics_ends_its_turn() {
        let pool = Pool::new("test", 1);
        let failed = pool.turn().await.unwrap().run(|| assert!(std::hint::black_box(false), "on purpose")).await;
        assert_eq!(failed, Err(AppError::Internal));
        assert_eq!(pool.turn().await.unwrap().run(|| 7).await, Ok(7));
    }
}
