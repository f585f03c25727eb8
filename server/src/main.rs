//! The executable: parses the command line and runs the command.

#![recursion_limit = "256"]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use server::commands::{Cli, serve};

/// How much freed memory an arena keeps at its top for what comes next, in bytes: the strings of a few pages.
const KEPT_FREED: usize = 2 * 1024 * 1024;

fn main() -> ExitCode {
    keep_freed_memory();
    let options = Cli::parse().serve();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(serve::run(options));
        // Passwords still being hashed have nobody waiting for them.
        runtime.shutdown_timeout(Duration::from_millis(500));
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("campfire: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Has glibc's allocator keep [`KEPT_FREED`] instead of 128 KiB, of which every page gave some back to the kernel and
/// faulted it in again: 13 faults a page. It keeps twice the largest block that was mapped on its own and is free again,
/// see `M_MMAP_THRESHOLD` in mallopt(3). No other allocator minds.
fn keep_freed_memory() {
    drop(black_box(Vec::<u8>::with_capacity(KEPT_FREED / 2)));
}
