//! The executable: parses the command line and runs the command.

#![recursion_limit = "256"]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use server::commands::{Cli, Command};
use server::logging;

/// How much freed memory an arena of the allocator keeps, in bytes: enough for the strings of a few pages.
#[cfg(target_env = "gnu")]
const KEPT_FREED_BYTES: i32 = 2 * 1024 * 1024;

/// Size from which a block is mapped on its own, and returned when it is freed, in bytes: above every page.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES: i32 = 1024 * 1024;

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

/// Makes glibc's allocator keep [`KEPT_FREED_BYTES`] of freed memory in each arena, and map larger blocks on their own.
///
/// By default it keeps 128 KiB: every page returned memory to the kernel and caused 13 page faults to get it back. But by
/// default it also adapts: after the first password, whose hash takes a block of 19 MiB, each of the 16 arenas of a machine
/// with two cores would keep 38 MiB. Setting the values ends that, see `M_MMAP_THRESHOLD` in mallopt(3). Other allocators
/// are not affected.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "the standard library has no way to set these")]
fn keep_freed_memory() {
    // SAFETY: called once, before another thread is started and anything is allocated that matters; the arguments are
    // within the documented ranges, and a refused value leaves the default.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_FREED_BYTES);
    }
}

#[cfg(not(target_env = "gnu"))]
fn keep_freed_memory() {}
