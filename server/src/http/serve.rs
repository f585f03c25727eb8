//! From connections to requests: accepted without delay, read within limits, ended in order.

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

/// How long a request's head may take to arrive, from the first byte or from the answer before it.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// How large a request's head may be, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long requests in flight may take once the program is asked to end.
const FINISH_WITHIN: Duration = Duration::from_secs(8);

/// Serves `app` until `closing` turns true, then answers what is in flight and returns.
///
/// # Errors
/// None of a single connection; what cannot be accepted is tried again.
pub async fn serve(listener: TcpListener, app: Router, mut closing: watch::Receiver<bool>) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => connection(stream, address, app.clone(), &graceful),
                // Out of file descriptors, most likely: some connection will end.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = crate::closed(&mut closing) => break,
        }
    }
    drop(listener);
    if timeout(FINISH_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

fn connection(stream: TcpStream, address: SocketAddr, app: Router, graceful: &GracefulShutdown) {
    // Without this a page that comes in two parts waits 40 ms for the acknowledgement of the first.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(address));
        app.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection ended early");
        }
    });
}
