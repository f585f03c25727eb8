//! The HTTP listener: accepts connections up to the limits, limits the time and size of request heads, and shuts down
//! gracefully.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tower::ServiceExt;

use super::admission::Connection;
use super::stream::Stream;
use crate::Site;

/// Maximum size of a request's head, in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long requests in flight may take once the program shuts down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);

/// The response on a connection that is one too many. Its request is not read.
const REFUSAL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
    content-length: 62\r\nretry-after: 5\r\nconnection: close\r\n\r\n\
    Too many connections are open. Close some, or try again soon.\n";

/// Serves `app`, the router of `site`, until the site is closing. Then finishes the requests in flight and returns.
///
/// # Errors
/// Never: errors of connections are logged, and accepting is retried after an error.
pub async fn serve(listener: TcpListener, site: Site, app: Router) -> io::Result<()> {
    // Nothing is sent: it ends when the last connection has dropped its sender.
    let (open, mut all_closed) = mpsc::channel(1);
    let mut closing = site.closing.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, peer)) => match site.admissions.connection(peer, site.proxies.contains(peer.ip())) {
                    Some(connection) => serve_connection(tcp, connection, &site, app.clone(), open.clone()),
                    None => refuse(&tcp, peer),
                },
                // Most likely the process is out of file descriptors until another connection ends.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = crate::closed(&mut closing) => break,
        }
    }
    drop((listener, open));
    if timeout(SHUTDOWN_TIMEOUT, all_closed.recv()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    Ok(())
}

/// Serves a connection in a task of its own, which keeps `open` until the connection has ended or become a WebSocket.
fn serve_connection(tcp: TcpStream, connection: Connection, site: &Site, app: Router, open: mpsc::Sender<()>) {
    let mut closing = site.closing.clone();
    let limits = site.limits;
    let head_timeout = if connection.is_reserved() { limits.reserved_head_timeout } else { limits.head_timeout };
    let stream = TokioIo::new(Stream::new(tcp, limits.write_timeout));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        app.clone().oneshot(request)
    });
    // Not the builder of hyper-util, which waits for the first byte without any limit, to tell HTTP/2 from HTTP/1.
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD_BYTES);
    let serving = builder.serve_connection(stream, service).with_upgrades();
    tokio::spawn(async move {
        let mut serving = pin!(serving);
        let served = tokio::select! {
            served = serving.as_mut() => served,
            () = crate::closed(&mut closing) => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(open);
    });
}

/// Sends [`REFUSAL`] if the connection takes it at once, which a new one does.
fn refuse(tcp: &TcpStream, peer: SocketAddr) {
    tracing::debug!(%peer, "a connection is one too many");
    // A connection that is closed with unread data is reset, and the response may be lost.
    let _ = tcp.try_read(&mut [0; 4 * 1024]);
    let _ = tcp.try_write(REFUSAL);
}
