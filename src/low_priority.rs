//! Low-priority OS threads for CPU-bound work of many milliseconds.

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
