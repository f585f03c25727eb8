//! What Linux tells of a process: its memory, its work and its open files.

use std::time::Duration;

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// What is its own and not of any file: `RssAnon`.
    pub anonymous_bytes: u64,
    /// With its share of what it has together with others: `Pss`.
    pub proportional_bytes: u64,
}

/// The memory of a process now.
pub fn memory(process_id: u32) -> Memory {
    Memory {
        anonymous_bytes: kibibytes(&format!("/proc/{process_id}/status"), "RssAnon:") * 1_024,
        proportional_bytes: kibibytes(&format!("/proc/{process_id}/smaps_rollup"), "Pss:") * 1_024,
    }
}

/// The time a process has worked, as user and in the kernel. It counts in steps of 10 ms.
pub fn cpu(process_id: u32) -> Duration {
    let stat = read(&format!("/proc/{process_id}/stat"));
    // The name in brackets may hold blanks; what follows counts from the third field.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].map(|index: usize| fields[index].parse::<u64>().expect("a number")).iter().sum();
    Duration::from_millis(ticks * 10)
}

/// How many files, sockets among them, a process has open.
pub fn open_file_count(process_id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{process_id}/fd")).expect("Linux tells").count()
}

/// What the kernel holds for all TCP connections of the machine, in bytes.
pub fn tcp_bytes() -> u64 {
    let sockets = read("/proc/net/sockstat");
    let line = sockets.lines().find(|line| line.starts_with("TCP:")).expect("Linux tells");
    let pages: u64 = line.rsplit(' ').next().and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4_096
}

fn kibibytes(path: &str, name: &str) -> u64 {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name)).expect("Linux tells");
    line.split_whitespace().nth(1).and_then(|count| count.parse().ok()).expect("a number")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("Linux tells")
}
