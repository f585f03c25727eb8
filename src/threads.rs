//! Threads for work that can wait.

/// How much everything else goes before: one such thread gets a tenth of a core that has no time to spare. With 19 it
/// would get a hundredth, and nobody could sign in to a busy server.
const NICENESS: i32 = 10;

/// Starts a thread that gives way to everything else, and so do the threads that it starts: on one core, work of many
/// milliseconds would otherwise hold every answer up for as long as its turn lasts.
///
/// # Errors
/// When the system has no thread to give.
pub fn spawn_patient(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    let work = move || {
        // On Linux a thread's niceness is its own, and what it starts has it too.
        if let Err(error) = rustix::process::nice(NICENESS) {
            tracing::debug!(%error, "patient work is as urgent as everything else");
        }
        work();
    };
    std::thread::Builder::new().name(name.into()).spawn(work).map(drop)
}
