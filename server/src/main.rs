//! The executable: parses the command line and runs the command.

#![recursion_limit = "256"]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use server::commands::{Cli, Command};
use server::logging;

/// How much freed memory an arena of the allocator keeps, in bytes: enough for the strings of a few pages.
const KEPT_FREED_BYTES: usize = 2 * 1024 * 1024;

fn main() -> ExitCode {
    keep_freed_memory();
    let command = Cli::parse().command();
    // Before anything else is started: the process is to do nothing but this.
    if let Command::Picture { arguments } = command {
        return pictures::child::run(arguments);
    }
    logging::start(command.log_format());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(command.run());
        // Do not wait for password hashes in progress: their requests have ended.
        runtime.shutdown_timeout(Duration::from_millis(500));
        result
    });
    let code = match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logging::write_line(&format!("campfire: {error}"));
            ExitCode::FAILURE
        }
    };
    logging::flush();
    code
}

/// Makes glibc's allocator keep [`KEPT_FREED_BYTES`] of freed memory instead of 128 KiB.
///
/// With the default, every page returned memory to the kernel and caused 13 page faults to get it back. The allocator
/// keeps twice the size of the largest freed block that had a mapping of its own, see `M_MMAP_THRESHOLD` in mallopt(3).
/// Other allocators are not affected.
fn keep_freed_memory() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT_FREED_BYTES / 2)));
}
