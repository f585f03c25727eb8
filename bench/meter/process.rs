//! A measured process: pinned to the first core, read through `/proc`, killed when its handle is dropped.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The size of a memory page, the unit in which the kernel counts TCP memory.
const PAGE_BYTES: u64 = 4_096;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Anonymous resident memory: `RssAnon`.
    pub anonymous_bytes: u64,
    /// Resident memory with its share of pages used by several processes: `Pss`.
    pub proportional_bytes: u64,
}

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    work: Work,
}

impl Process {
    /// Runs a command on the first core, where `taskset` is installed. `taskset` replaces itself by the command, so the
    /// process id is the command's.
    pub fn start(executable: impl AsRef<OsStr>, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(&executable);
        if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
            command = Command::new(&executable);
        }
        prepare(&mut command);
        let child = command.spawn().expect("the executable starts");
        let work = Work::of(&child.id().to_string());
        Self { child, work }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the exit.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("its end is told")
    }

    /// Its standard output, which `prepare` must have piped.
    pub fn take_output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("its output was asked for and not taken yet")
    }

    /// Its standard input, which `prepare` must have piped.
    pub fn take_input(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input was asked for and not taken yet")
    }

    /// Its CPU time so far, user and kernel.
    pub fn cpu(&self) -> Duration {
        self.work.cpu()
    }

    /// Its anonymous resident memory, in bytes.
    pub fn rss_anon_bytes(&self) -> u64 {
        self.kibibytes("status", "RssAnon:") * 1_024
    }

    /// Its memory now.
    pub fn memory(&self) -> Memory {
        Memory {
            anonymous_bytes: self.rss_anon_bytes(),
            proportional_bytes: self.kibibytes("smaps_rollup", "Pss:") * 1_024,
        }
    }

    /// Number of open files, sockets included.
    pub fn open_file_count(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).expect("Linux tells").count()
    }

    /// The value of a name in a file of `/proc/PID`, in KiB.
    fn kibibytes(&self, list: &str, name: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{list}", self.id())).expect("Linux tells");
        let line = text.lines().find(|line| line.starts_with(name)).expect("a line with this name");
        line.split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a number of KiB")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU time of a process in nanoseconds, and the time that its runnable threads waited for the core.
///
/// Linux has this resolution for threads only, so it is their sum. A thread that ended counts with its last values.
#[derive(Debug)]
pub struct Work {
    folder: String,
    seen: Mutex<Seen>,
}

/// CPU time and waiting time, in nanoseconds: by thread, and the sum of ended threads.
#[derive(Debug, Default)]
struct Seen {
    threads: HashMap<String, (u64, u64)>,
    ended: (u64, u64),
}

impl Work {
    /// Of the process with this id; `self` is this process.
    pub fn of(process_id: &str) -> Self {
        Self { folder: format!("/proc/{process_id}/task"), seen: Mutex::default() }
    }

    pub fn cpu(&self) -> Duration {
        self.cpu_and_wait().0
    }

    /// CPU time, and the time its threads were runnable without a core.
    pub fn cpu_and_wait(&self) -> (Duration, Duration) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Seen { threads, ended } = &mut *seen;
        for entry in std::fs::read_dir(&self.folder).expect("Linux tells").flatten() {
            // A thread may end while the folder is read.
            let Ok(text) = std::fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let mut times = text.split_whitespace().map(|text| text.parse().expect("a time"));
            let (Some(worked), Some(waited)) = (times.next(), times.next()) else { continue };
            let before = threads.insert(entry.file_name().to_string_lossy().into_owned(), (worked, waited));
            // The id of an ended thread was reused.
            if let Some(before) = before.filter(|before| before.0 > worked) {
                *ended = (ended.0 + before.0, ended.1 + before.1);
            }
        }
        let sum = |of: fn(&(u64, u64)) -> u64| Duration::from_nanos(of(ended) + threads.values().map(of).sum::<u64>());
        (sum(|times| times.0), sum(|times| times.1))
    }
}

/// The kernel's memory for all TCP connections of the machine, in bytes.
pub fn tcp_bytes() -> u64 {
    let sockets = std::fs::read_to_string("/proc/net/sockstat").expect("Linux tells");
    let line = sockets.lines().find(|line| line.starts_with("TCP:")).expect("a line of TCP");
    let pages: u64 = line.rsplit(' ').next().and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * PAGE_BYTES
}
