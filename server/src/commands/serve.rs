//! `campfire serve`: opens the data folder, serves, and shuts down gracefully.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use campfire::clock::Clock;
use campfire::jobs;
use campfire::state::AppState;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Serve;
use crate::{Site, app, http};

/// How long sockets may take to close on shutdown.
const SOCKET_CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// If the folder or the address cannot be used, with the reason.
pub async fn run(options: Serve) -> Result<(), Box<dyn Error>> {
    let folder = options.data;
    std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
    let state = AppState::open_with_cache(&folder, Clock::System, options.cache_mb << 20)
        .await
        .map_err(|error| format!("the data in {} cannot be used: {error}", folder.display()))?;
    state.limit_writes(options.writes_per_second);
    tokio::spawn(jobs::run(state.clone()));

    let (close, closing) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("shutting down");
        let _ = close.send(true);
    });

    let address = listener.local_addr()?;
    let mut output = std::io::stdout();
    writeln!(output, "Campfire is listening on http://{address}")?;
    output.flush()?;
    http::serve::serve(listener, app(Site::new(state.clone(), closing.clone()).text_only(options.text_only)), closing)
        .await?;
    // The tasks of the sockets see `closing` too and close their sockets; unresponsive browsers are not waited for.
    let sockets_closed = async {
        while state.live.socket_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(SOCKET_CLOSE_TIMEOUT, sockets_closed).await;
    Ok(())
}
