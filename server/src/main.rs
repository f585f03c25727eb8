//! The executable: reads the configuration, opens the data folder, serves, and ends in order.

#![recursion_limit = "256"]

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use campfire::clock::Clock;
use campfire::ops;
use campfire::state::AppState;
use clap::Parser;
use server::config::{Cli, Serve};
use server::{Site, app, listen};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How long sockets may take to be told to come back.
const GOODBYES_WITHIN: Duration = Duration::from_secs(1);

/// How much freed memory an arena keeps at its top for what comes next, in bytes: the strings of a few pages.
const KEPT_FREED: usize = 2 * 1024 * 1024;

fn main() -> ExitCode {
    keep_freed_memory();
    let serve = Cli::parse().serve();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run(serve));
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

async fn run(serve: Serve) -> Result<(), Box<dyn Error>> {
    let folder = serve.data;
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let listener = TcpListener::bind(serve.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", serve.listen))?;
    let state = AppState::open_keeping(&folder, Clock::System, serve.cache_mb << 20)
        .await
        .map_err(|error| format!("the data in {} cannot be used: {error}", folder.display()))?;
    tokio::spawn(ops::upkeep::run(state.clone()));

    let (close, closing) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("ending");
        let _ = close.send(true);
    });

    let address = listener.local_addr()?;
    let mut output = std::io::stdout();
    writeln!(output, "Campfire is listening on http://{address}")?;
    output.flush()?;
    listen::serve(listener, app(Site::new(state.clone(), closing.clone()).text_only(serve.text_only)), closing).await?;
    // Sockets say goodbye by themselves; a browser that does not listen is not waited for.
    let goodbyes = async {
        while state.live.socket_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(GOODBYES_WITHIN, goodbyes).await;
    Ok(())
}
