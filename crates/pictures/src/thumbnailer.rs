//! Starting the process that decodes, and waiting for it.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::child::{AS_PNG, Answer, WHOLE};
use crate::error::Refusal;
use crate::thumbnail::{Bounds, Crop, Encoding, Thumbnail};

/// How long the process may take, by the clock on the wall.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The longest answer. A line has some 200 bytes.
const MAX_ANSWER_BYTES: usize = 4096;

/// What became of a thumbnail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file has been written.
    Done(Thumbnail),
    /// There is no file, and will not be: the picture is the reason.
    Refused(Refusal),
    /// There is no file. The process could not be started, panicked, was aborted, or exceeded a limit; the text is for
    /// the log. The picture is most likely the reason, so trying again often is no use.
    Failed(String),
}

/// Makes thumbnails in a process each: a panic, an abort or an overrun costs that thumbnail and nothing else.
///
/// The process has no environment and no input, 512 MiB of address space, 10 s of the processor, 16 open files, a low
/// priority, and is killed after 10 s. It runs with the same user and can read the same files as the program that
/// starts it: the limits are against decoders that fail, not a sandbox against one that is taken over.
#[derive(Clone, Debug)]
pub struct Thumbnailer {
    program: PathBuf,
    arguments: Vec<OsString>,
    max_wait: Duration,
}

impl Thumbnailer {
    /// Starts `program` with these arguments before its own; it must call [`crate::child::run`] with the rest.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().collect(), max_wait: MAX_WAIT }
    }

    /// Starts the executable that is running, with these arguments before its own.
    ///
    /// On Linux it is named by `/proc`, so that it is the same even after an update has replaced the file.
    ///
    /// # Errors
    /// When its path cannot be found out.
    pub fn this_program(arguments: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
        Ok(Self::new(program, arguments))
    }

    /// Waits for another time than 10 s.
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Makes one thumbnail, as [`crate::thumbnail()`] does with [`Encoding::Small`], and waits for it.
    ///
    /// `output` must not exist. Unless [`Outcome::Done`] is returned, it does not exist afterwards either. Blocks the
    /// thread, and the process ends with the thread: to be called on one that waits for it.
    #[must_use]
    pub fn thumbnail(&self, input: &Path, output: &Path, bounds: Bounds, crop: Option<Crop>) -> Outcome {
        self.thumbnail_as(input, output, bounds, crop, Encoding::Small)
    }

    /// The same with another encoding.
    #[must_use]
    pub fn thumbnail_as(
        &self,
        input: &Path,
        output: &Path,
        bounds: Bounds,
        crop: Option<Crop>,
        encoding: Encoding,
    ) -> Outcome {
        let outcome = match self.run(input, output, bounds, crop, encoding) {
            Ok(Answer::Done(thumbnail)) => Outcome::Done(thumbnail),
            Ok(Answer::Refused(refusal)) => Outcome::Refused(refusal),
            Ok(Answer::Failed(why)) => Outcome::Failed(why),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        if !matches!(outcome, Outcome::Done(_)) {
            // Most often there is none.
            let _ = std::fs::remove_file(output);
        }
        outcome
    }

    fn run(
        &self,
        input: &Path,
        output: &Path,
        bounds: Bounds,
        crop: Option<Crop>,
        encoding: Encoding,
    ) -> io::Result<Answer> {
        let suffix = if encoding == Encoding::Png { AS_PNG } else { "" };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(format!("{}x{}{suffix}", bounds.width, bounds.height))
            .arg(crop.map_or_else(|| WHOLE.to_owned(), |crop| crop.to_string()))
            .arg(input)
            .arg(output)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = Killed(command.spawn()?);
        let Some(stdout) = child.0.stdout.take() else { return Err(io::Error::other("no output")) };
        let line = read_line(stdout, self.max_wait)?;
        if line.ends_with(b"\n") {
            return serde_json::from_slice(&line).map_err(io::Error::other);
        }
        // It has ended, or closed its output for no reason.
        let _ = child.0.kill();
        let status = child.0.wait()?;
        Err(io::Error::other(format!("the process ended without an answer: {status}")))
    }
}

/// A process that is killed and waited for, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads until the end, a line break or [`MAX_ANSWER_BYTES`].
fn read_line(mut output: ChildStdout, max_wait: Duration) -> io::Result<Vec<u8>> {
    let deadline = now() + max_wait;
    let mut line = Vec::new();
    let mut buffer = [0; 512];
    while !line.ends_with(b"\n") && line.len() < MAX_ANSWER_BYTES {
        let rest = deadline.saturating_duration_since(now());
        let timeout = Timespec { tv_sec: rest.as_secs() as i64, tv_nsec: rest.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&output, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the process took too long")),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match output.read(&mut buffer)? {
            0 => break,
            length => line.extend_from_slice(&buffer[..length]),
        }
    }
    Ok(line)
}

#[expect(clippy::disallowed_methods, reason = "a duration inside this process, in a crate that does not know ours")]
fn now() -> Instant {
    Instant::now()
}
