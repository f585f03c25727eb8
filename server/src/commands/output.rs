//! Output of the commands: results on standard output, progress on standard error; a closed pipe is no error.

use std::io::Write;
use std::time::{Duration, Instant};

use campfire::backup::Progress;
use campfire::clock;

use crate::logging;

/// How often progress is printed.
const INTERVAL: Duration = Duration::from_secs(2);

/// Prints a line of the result.
pub fn print(line: &str) {
    let mut output = std::io::stdout();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// Prints how far a command is, now and then.
pub struct Printer {
    last: Instant,
}

impl Default for Printer {
    fn default() -> Self {
        Self { last: clock::monotonic() }
    }
}

impl Printer {
    /// Prints a line, unless one was printed just before.
    pub fn say(&mut self, line: impl FnOnce() -> String) {
        let now = clock::monotonic();
        if now.duration_since(self.last) >= INTERVAL {
            self.last = now;
            logging::write_line(&line());
        }
    }

    /// Prints how far a backup, its check or its way back is.
    pub fn backup(&mut self, progress: Progress) {
        self.say(|| match progress {
            Progress::Database(done, total) => {
                format!("database: {} %", (done * 100).checked_div(total).unwrap_or(100))
            }
            Progress::Checking => "checking the database".into(),
            Progress::Files(count, bytes) => format!("{count} files, {}", size(bytes)),
        });
    }
}

/// A number of bytes in words.
pub fn size(bytes: u64) -> String {
    campfire::model::size_text(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
