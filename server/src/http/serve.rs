//! The HTTP listener: accepts connections, limits the time and size of request heads, and shuts down gracefully.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt;

/// How long the head of a request may take to arrive, from its first byte or the previous response on the connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// Maximum size of a request's head, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long requests in flight may take once the program shuts down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);

/// Serves `app` until `closing` turns true, then finishes the requests in flight and returns.
///
/// # Errors
/// Never: errors of connections are logged, and accepting is retried after an error.
pub async fn serve(listener: TcpListener, app: Router, mut closing: watch::Receiver<bool>) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => connection(stream, address, app.clone(), &graceful),
                // Most likely the process is out of file descriptors until another connection ends.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = crate::closed(&mut closing) => break,
        }
    }
    drop(listener);
    if timeout(SHUTDOWN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

fn connection(stream: TcpStream, address: SocketAddr, app: Router, graceful: &GracefulShutdown) {
    // With Nagle's algorithm, the second part of a page would wait up to 40 ms for the acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        app.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
