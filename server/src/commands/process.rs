//! What the process asks of the operating system before it serves.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit, umask};
use tokio::signal::unix::{SignalKind, signal};

/// Makes new files private, lets the process open as many files as it may, and makes a write beyond the limit of a file's
/// size fail instead of ending the process. Returns how many files it may open.
///
/// Call it inside the runtime.
pub fn prepare() -> usize {
    umask(Mode::RWXG | Mode::RWXO);
    // SQLite answers the failed write with an error, and the log ignores it. The handler stays for good.
    if let Err(error) = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())) {
        tracing::warn!(%error, "a limit of the size of files would end the process");
    }
    open_file_limit()
}

/// Raises the number of files that the process may open to the maximum, and returns it.
fn open_file_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// How much this process lets others go first: on a busy core it gets a tenth of the time.
const NICENESS: i32 = 10;

/// Lets the server and whatever else runs go first: for work that can wait.
pub fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "this runs with normal priority");
    }
}
