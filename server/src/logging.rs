//! The log: lines on standard error, filtered by `RUST_LOG`.

use std::env;
use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log. Levels and targets are those of `RUST_LOG`, like `warn` or `info,campfire=debug`; `info` without it.
/// Colours are for terminals only (also not with `NO_COLOR`, no-color.org).
pub fn start() {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let filter = filter(&wanted);
    let is_coloured = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(is_coloured);
    // Otherwise a line that cannot be written, for example on a full disk, is reported on standard error itself, where
    // that fails as well and panics the thread that logs: the writer of the database, for one.
    let lines = lines.log_internal_errors(false);
    // An error means that a log was started before, by a test.
    let _ = tracing_subscriber::registry().with(filter.clone().unwrap_or(by_default())).with(lines).try_init();
    if filter.is_none() {
        tracing::warn!(RUST_LOG = wanted, "RUST_LOG is not understood and ignored: use a level or targets with levels");
    }
}

/// The filter that is asked for; `None` if it is not understood.
fn filter(wanted: &str) -> Option<Targets> {
    if wanted.trim().is_empty() { Some(by_default()) } else { wanted.trim().parse().ok() }
}

/// tower-sessions warns of every cookie whose session has ended, and opens a span around every request.
fn by_default() -> Targets {
    Targets::new().with_default(Level::INFO).with_target("tower_sessions", Level::ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_that_of_the_variable() {
        let enables = |wanted: &str, target: &str, level| filter(wanted).unwrap().would_enable(target, &level);
        assert!(enables("", "server", Level::INFO) && !enables(" ", "server", Level::DEBUG));
        assert!(enables("warn", "server", Level::WARN) && !enables("warn", "server", Level::INFO));
        assert!(enables("info,campfire=debug", "campfire::store", Level::DEBUG));
        assert!(!enables("info,campfire=debug", "server", Level::DEBUG));
        assert!(!enables("off", "server", Level::ERROR));
        assert!(filter("server=loud").is_none());
    }
}
