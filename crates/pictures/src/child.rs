//! What happens in the process that decodes: limits first, then [`thumbnail`], then one line of JSON.
//!
//! The process is the same executable, started by [`crate::Thumbnailer`] with a hidden subcommand. It must call [`run`]
//! before it starts a thread or opens a file.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Refusal};
use crate::thumbnail::{Bounds, Crop, Encoding, Thumbnail, thumbnail};

/// Address space: a picture of the largest size (200 MiB), the scaler's copy of it where it is transparent, or the
/// coefficients of a progressive JPEG; the executable and its stack.
const MAX_MEMORY_BYTES: u64 = 512 * 1024 * 1024;

/// Time on the processor, in seconds.
const MAX_CPU_S: u64 = 10;

/// Open files: the three of every process, input and output, and some that the C library opens for a moment.
const MAX_OPEN_FILES: u64 = 16;

/// The longest file that may be written. A PNG of 1200 × 800 pixels that cannot be compressed has 4 MB.
const MAX_OUTPUT_BYTES: u64 = 16 * 1024 * 1024;

/// As much of a busy core as the program's own low-priority threads get.
const NICENESS: i32 = 10;

/// In place of a [`Crop`]: the whole picture.
pub(crate) const WHOLE: &str = "-";

/// Behind the bounds: [`Encoding::Png`].
pub(crate) const AS_PNG: &str = ".png";

/// The line that is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Done(Thumbnail),
    Refused(Refusal),
    Failed(String),
}

/// Makes one thumbnail, with the arguments that [`crate::Thumbnailer`] gave: bounds, crop, input, output.
///
/// Failure means that the arguments were wrong or the limits could not be set; other failures are in the line.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(Request { bounds, encoding, crop, input, output }) = parse(arguments) else { return ExitCode::FAILURE };
    if set_limits().is_err() {
        return ExitCode::FAILURE;
    }
    let answer = match thumbnail(&input, &output, bounds, crop, encoding) {
        Ok(thumbnail) => Answer::Done(thumbnail),
        Err(Error::Refused(refusal)) => Answer::Refused(refusal),
        Err(Error::Io(error)) => Answer::Failed(error.to_string()),
    };
    let Ok(mut line) = serde_json::to_vec(&answer) else { return ExitCode::FAILURE };
    line.push(b'\n');
    match std::io::stdout().write_all(&line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The arguments.
struct Request {
    bounds: Bounds,
    encoding: Encoding,
    crop: Option<Crop>,
    input: PathBuf,
    output: PathBuf,
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Option<Request> {
    let mut arguments = arguments.into_iter();
    let bounds = arguments.next()?;
    let bounds = bounds.to_str()?;
    let (bounds, encoding) = match bounds.strip_suffix(AS_PNG) {
        Some(bounds) => (bounds, Encoding::Png),
        None => (bounds, Encoding::Small),
    };
    let (width, height) = bounds.split_once('x')?;
    let bounds = Bounds { width: width.parse().ok()?, height: height.parse().ok()? };
    let crop = arguments.next()?;
    let crop = match crop.to_str()? {
        WHOLE => None,
        crop => Some(crop.parse().ok()?),
    };
    let (input, output) = (arguments.next()?.into(), arguments.next()?.into());
    arguments.next().is_none().then_some(Request { bounds, encoding, crop, input, output })
}

fn set_limits() -> rustix::io::Result<()> {
    let limits = [
        (Resource::As, MAX_MEMORY_BYTES),
        (Resource::Cpu, MAX_CPU_S),
        (Resource::Nofile, MAX_OPEN_FILES),
        (Resource::Fsize, MAX_OUTPUT_BYTES),
        // A core would be a file of the picture's decoded pixels.
        (Resource::Core, 0),
    ];
    for (resource, limit) in limits {
        // A limit that is lower already can only be kept.
        let limit = getrlimit(resource).maximum.map_or(limit, |maximum| maximum.min(limit));
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    // The parent kills the process when it has waited for too long; this is for a parent that is killed itself.
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // A parent with a higher niceness has started this process with it, and it may not be lowered.
    let _ = rustix::process::setpriority_process(None, NICENESS);
    Ok(())
}
