//! The lines of the log on their way to standard error.
//!
//! Whoever logs puts a line into a bounded queue, and one thread writes them: a pipe that nobody reads stops that thread
//! alone. What does not fit is dropped, and counted.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Maximum size of the lines that wait, in bytes.
const MAX_BYTES: usize = 256 * 1_024;

/// What a waiting line occupies beside its text, in bytes, rounded up.
const LINE_BYTES: usize = 64;

/// The queue. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when a line was added, and when all are written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    is_writing: bool,
    dropped_count: u64,
}

impl Queue {
    /// Starts the thread that writes the lines to `output`. Without it, they wait until the queue is full.
    pub(super) fn write_to(&self, mut output: impl Write + Send + 'static) -> io::Result<()> {
        let queue = self.clone();
        let work = move || {
            loop {
                let (line, dropped_count) = queue.next();
                // If nobody can be told, for example on a full disk, that is all.
                let written = output.write_all(&line);
                if dropped_count > 0 {
                    let notice =
                        format!("The log has a gap here: {dropped_count} lines could not be written in time.\n");
                    let _ = written.and_then(|()| output.write_all(notice.as_bytes()));
                }
            }
        };
        std::thread::Builder::new().name("log".into()).spawn(work).map(drop)
    }

    /// Adds a line, which ends with a line break, or drops it if too much waits. Does not wait for the output.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state();
        let bytes = line.len() + LINE_BYTES;
        if state.bytes + bytes > MAX_BYTES {
            state.dropped_count += 1;
            return;
        }
        state.bytes += bytes;
        state.lines.push_back(line.to_vec());
        self.0.changed.notify_all();
    }

    /// Waits until all lines are written, but not longer than `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let is_waiting = |state: &mut State| state.is_writing || !state.lines.is_empty();
        drop(self.0.changed.wait_timeout_while(self.state(), patience, is_waiting));
    }

    /// Waits for the next line. Returns it, and how many were dropped after it; only with the last one that waits.
    fn next(&self) -> (Vec<u8>, u64) {
        let mut state = self.state();
        state.is_writing = false;
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.is_writing = true;
                state.bytes -= line.len() + LINE_BYTES;
                let is_last = state.lines.is_empty();
                let dropped_count = if is_last { std::mem::take(&mut state.dropped_count) } else { 0 };
                return (line, dropped_count);
            }
            self.0.changed.notify_all();
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each event is one call of `write`.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
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

    #[test]
    fn an_output_that_stalls_stops_nobody_and_what_was_dropped_is_counted() {
        let queue = Queue::default();
        let (allow, may_write) = channel();
        let (sender, written) = channel();
        queue.write_to(Stalling { may_write, written: sender }).unwrap();
        let line = format!("{}\n", "x".repeat(1_023));
        for _ in 0..1_000 {
            queue.push(line.as_bytes());
        }
        assert!(queue.state().bytes <= MAX_BYTES);
        queue.flush(Duration::from_millis(1));
        let mut lines = Vec::new();
        for _ in 0..1_001 {
            let _ = allow.send(());
        }
        while !lines.last().is_some_and(|last: &String| last.starts_with("The log has a gap")) {
            lines.push(written.recv_timeout(PATIENCE).unwrap());
        }
        let notice = lines.pop().unwrap();
        let dropped_count = 1_000 - lines.len();
        assert!(dropped_count > 700 && lines.iter().all(|written| *written == line), "{dropped_count}");
        assert!(notice.contains(&format!(": {dropped_count} lines could not")), "{notice}");
        queue.push(b"later\n");
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), "later\n");
        queue.flush(PATIENCE);
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
        queue.write_to(Failing(sender)).unwrap();
        for _ in 0..2 {
            queue.push(b"line\n");
            tries.recv_timeout(PATIENCE).unwrap();
        }
    }
}
