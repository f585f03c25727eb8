//! A process that is measured: pinned to the first core, watched through `/proc`, ended with its handle.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A process of ours. Dropping it ends it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    work: Work,
}

impl Process {
    /// Runs a command on the first core, where `taskset` can arrange that. `taskset` becomes the command: the id is its.
    pub fn start(executable: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", executable]);
        if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
            command = Command::new(executable);
        }
        prepare(&mut command);
        let child = command.spawn().expect("the executable starts");
        let work = Work::of(&child.id().to_string());
        Self { child, work }
    }

    /// What it says, if that was asked for.
    pub fn take_output(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("its output was asked for and not taken yet")
    }

    /// The time it has worked, as user and in the kernel.
    pub fn cpu(&self) -> Duration {
        self.work.cpu()
    }

    /// The memory that is its own and in use, in bytes.
    pub fn rss_anon_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux tells");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line of its own memory");
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().expect("a number of KiB");
        kib * 1_024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The time a process has worked, to the nanosecond.
///
/// Only threads know it so exactly, so it is their sum. A thread that ended keeps what it was last seen with.
#[derive(Debug)]
pub struct Work {
    folder: String,
    seen_ns: Mutex<(HashMap<String, u64>, u64)>,
}

impl Work {
    /// Of the process with this id; `self` is our own.
    pub fn of(process_id: &str) -> Self {
        Self { folder: format!("/proc/{process_id}/task"), seen_ns: Mutex::default() }
    }

    pub fn cpu(&self) -> Duration {
        let mut seen = self.seen_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let (threads, ended_ns) = &mut *seen;
        for entry in std::fs::read_dir(&self.folder).expect("Linux tells").flatten() {
            // A thread may end while the folder is read.
            let Ok(text) = std::fs::read_to_string(entry.path().join("schedstat")) else { continue };
            let worked_ns = text.split_whitespace().next().and_then(|text| text.parse().ok()).expect("a time");
            let before = threads.insert(entry.file_name().to_string_lossy().into_owned(), worked_ns);
            // Another thread got the number of one that ended.
            *ended_ns += before.filter(|before| *before > worked_ns).unwrap_or(0);
        }
        Duration::from_nanos(*ended_ns + threads.values().sum::<u64>())
    }
}
