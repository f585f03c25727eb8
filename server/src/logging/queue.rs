//! The lines of the log on their way to standard error.
//!
//! Whoever logs puts a line into a bounded queue, and one thread writes them: a pipe that nobody reads stops that thread
//! alone. What does not fit is dropped, and counted. The thread takes all lines that wait and writes them with one call, and
//! is woken for the first of them only. The last part of the room is for warnings: other lines are dropped first.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Maximum size of the lines that wait, in bytes.
const MAX_BYTES: usize = 256 * 1_024;

/// How much of it is for warnings and errors alone, in bytes.
const RESERVED_BYTES: usize = MAX_BYTES / 4;

/// The queue. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when a line was added to none, and when all are written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The lines that wait.
    text: Vec<u8>,
    is_writing: bool,
    dropped_count: u64,
}

impl Queue {
    /// Starts the thread that writes the lines to `output`, and what `notice` makes of a number of lines that were dropped.
    /// Without it, they wait until the queue is full.
    pub(super) fn write_to(
        &self,
        mut output: impl Write + Send + 'static,
        notice: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<()> {
        let queue = self.clone();
        let work = move || {
            let mut text = Vec::new();
            loop {
                text.clear();
                let dropped_count = queue.take(&mut text);
                if dropped_count > 0 {
                    text.extend_from_slice(notice(dropped_count).as_bytes());
                }
                // If nobody can be told, for example on a full disk, that is all.
                let _ = output.write_all(&text);
            }
        };
        std::thread::Builder::new().name("log".into()).spawn(work).map(drop)
    }

    /// Adds a line, which ends with a line break, or drops it if too much waits. Does not wait for the output.
    pub(super) fn push(&self, line: &[u8], is_important: bool) {
        let max_bytes = if is_important { MAX_BYTES } else { MAX_BYTES - RESERVED_BYTES };
        let mut state = self.state();
        if state.text.len() + line.len() > max_bytes {
            state.dropped_count += 1;
            return;
        }
        let was_empty = state.text.is_empty();
        state.text.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.0.changed.notify_all();
        }
    }

    /// Waits until all lines are written, but not longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let is_waiting = |state: &mut State| state.is_writing || !state.text.is_empty();
        drop(self.0.changed.wait_timeout_while(self.state(), patience, is_waiting));
    }

    /// Waits for lines, and puts all that wait into the empty `text`. Returns how many were dropped.
    fn take(&self, text: &mut Vec<u8>) -> u64 {
        let mut state = self.state();
        state.is_writing = false;
        while state.text.is_empty() {
            self.0.changed.notify_all();
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_writing = true;
        std::mem::swap(&mut state.text, text);
        std::mem::take(&mut state.dropped_count)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one event, which is one call of `write`.
#[derive(Debug)]
pub(super) struct Place<'a> {
    queue: &'a Queue,
    is_important: bool,
}

impl Write for Place<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.push(line, self.is_important);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Place<'a>;

    fn make_writer(&'a self) -> Place<'a> {
        Place { queue: self, is_important: false }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Place<'a> {
        Place { queue: self, is_important: *event.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// An output that takes each piece when it may.
    struct Stalling {
        may_write: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Stalling {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.may_write.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
            self.written.send(String::from_utf8(piece.to_vec()).unwrap()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn notice(count: u64) -> String {
        format!("gap: {count}\n")
    }

    #[test]
    fn an_output_that_stalls_stops_nobody_and_warnings_are_dropped_last() {
        let queue = Queue::default();
        let (allow, may_write) = channel();
        let (sender, written) = channel();
        queue.write_to(Stalling { may_write, written: sender }, notice).unwrap();
        let line = format!("{}\n", "x".repeat(1_023));
        for _ in 0..1_000 {
            queue.push(line.as_bytes(), false);
        }
        queue.push(b"warning\n", true);
        assert!(queue.state().text.len() <= MAX_BYTES);
        queue.flush(Duration::from_millis(1));
        let mut text = String::new();
        let mut is_whole = false;
        while !is_whole {
            let _ = allow.send(());
            text += &written.recv_timeout(PATIENCE).unwrap();
            let gaps = text.lines().filter_map(|line| line.strip_prefix("gap: "));
            let dropped_count: usize = gaps.map(|count| count.parse::<usize>().unwrap()).sum();
            let count = text.lines().filter(|written| written.len() == 1_023).count();
            is_whole = dropped_count + count == 1_000 && text.contains("\nwarning\n");
            assert!(!is_whole || dropped_count > 100, "{dropped_count}");
        }
        queue.push(b"later\n", false);
        let _ = allow.send(());
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "later\n");
        queue.flush(PATIENCE);
    }

    #[test]
    fn lines_that_wait_are_written_with_one_call() {
        let queue = Queue::default();
        for line in ["a\n", "b\n", "c\n"] {
            queue.push(line.as_bytes(), false);
        }
        let (allow, may_write) = channel();
        let (sender, written) = channel();
        allow.send(()).unwrap();
        queue.write_to(Stalling { may_write, written: sender }, notice).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "a\nb\nc\n");
    }

    #[test]
    fn an_output_that_fails_is_tried_again_with_the_next_line() {
        struct Failing(Sender<()>);
        impl Write for Failing {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                let _ = self.0.send(());
                Err(io::ErrorKind::StorageFull.into())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let queue = Queue::default();
        let (sender, tries) = channel();
        queue.write_to(Failing(sender), notice).unwrap();
        for _ in 0..2 {
            queue.push(b"line\n", false);
            tries.recv_timeout(PATIENCE).unwrap();
        }
    }
}
