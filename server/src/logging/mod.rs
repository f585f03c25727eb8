//! The log: lines on standard error, filtered by `RUST_LOG`. Logging never waits for whoever reads them, and never fails.

mod format;
mod queue;

pub use format::Format;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::env;
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::OnceLock;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use queue::Queue;

/// How long [`flush`] waits for whoever reads the log.
const PATIENCE: Duration = Duration::from_millis(500);

/// The target of the lines of requests, which are logged only when they are asked for: they cost as much as a page that is
/// answered from the cache.
pub const REQUESTS: &str = "requests";

/// The lines on their way to standard error.
static QUEUE: OnceLock<Queue> = OnceLock::new();

/// The form of the lines.
static FORMAT: OnceLock<Format> = OnceLock::new();

/// Starts the log. Levels and targets are those of `RUST_LOG`, like `warn` or `info,campfire=debug`; without it, `info`
/// without the lines of requests.
/// Colours are for terminals only (also not with `NO_COLOR`, no-color.org).
pub fn start(format: Format) {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let filter = filter(&wanted);
    let is_coloured = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let format = *FORMAT.get_or_init(|| format);
    let queue = QUEUE.get_or_init(|| {
        let queue = Queue::default();
        // Without the thread there is no log, which must not keep the chat from being served.
        let notice = move |count| {
            format.line(Level::WARN, &format!("The log has a gap here: {count} lines could not be written in time."))
        };
        let _ = queue.write_to(io::stderr(), notice);
        queue
    });
    std::panic::set_hook(Box::new(move |panic| {
        queue.push(format.line(Level::ERROR, &panic_text(panic)).as_bytes(), true);
    }));
    // Errors of it would be reported by a macro that writes to standard error itself.
    let lines = fmt::layer().with_writer(queue.clone()).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(filter.clone().unwrap_or(by_default()));
    // An error means that a log was started before, by a test.
    let _ = match format {
        Format::Text => {
            registry.with(lines.with_target(false).with_ansi(is_coloured).with_timer(format::Stamp)).try_init()
        }
        Format::Json => registry.with(lines.event_format(format::Json)).try_init(),
    };
    if filter.is_none() {
        tracing::warn!(RUST_LOG = wanted, "RUST_LOG is not understood and ignored: use a level or targets with levels");
    }
}

/// Writes why the program ends to standard error, after the lines of the log and in their form.
pub fn write_line(line: &str) {
    if let Some(queue) = QUEUE.get() {
        let format = FORMAT.get().copied().unwrap_or_default();
        queue.push(format.line(Level::ERROR, line).as_bytes(), true);
    }
}

/// Waits until the log is written, but not long: before the process ends.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(PATIENCE);
    }
}

/// What the standard library's hook writes, which would wait for whoever reads it.
fn panic_text(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let mut text = format!("thread '{}' {panic}", thread.name().unwrap_or("without a name"));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        text += &format!("\n{backtrace}");
    }
    text
}

/// The filter that is asked for; `None` if it is not understood.
fn filter(wanted: &str) -> Option<Targets> {
    if wanted.trim().is_empty() { Some(by_default()) } else { wanted.trim().parse().ok() }
}

/// tower-sessions warns of every cookie whose session has ended, and opens a span around every request. Lines of requests
/// are only for who asks for them.
fn by_default() -> Targets {
    Targets::new()
        .with_default(Level::INFO)
        .with_target("tower_sessions", Level::ERROR)
        .with_target(REQUESTS, Level::WARN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_that_of_the_variable() {
        let enables = |wanted: &str, target: &str, level| filter(wanted).unwrap().would_enable(target, &level);
        assert!(enables("", "server", Level::INFO) && !enables(" ", "server", Level::DEBUG));
        assert!(!enables("", REQUESTS, Level::INFO) && enables("info", REQUESTS, Level::INFO));
        assert!(enables("warn,requests=info", REQUESTS, Level::INFO));
        assert!(enables("warn", "server", Level::WARN) && !enables("warn", "server", Level::INFO));
        assert!(enables("info,campfire=debug", "campfire::store", Level::DEBUG));
        assert!(!enables("info,campfire=debug", "server", Level::DEBUG));
        assert!(!enables("off", "server", Level::ERROR));
        assert!(filter("server=loud").is_none());
    }
}
