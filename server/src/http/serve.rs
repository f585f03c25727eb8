//! The HTTP listener: accepts connections up to the limits, with TLS or without, limits the time and size of request
//! heads, and shuts down gracefully.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::admission::Connection;
use super::http2::{self, End, Streams};
use super::stream::Stream;
use super::timed::Timed;
use super::tls::acme;
use crate::Site;

/// Maximum size of a request's head, in bytes.
const MAX_HEAD_BYTES: u32 = 32 * 1024;

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
    accept(listener, None, site, app).await
}

/// Like [`serve`], with TLS.
///
/// # Errors
/// Never.
pub async fn serve_tls(listener: TcpListener, tls: Arc<ServerConfig>, site: Site, app: Router) -> io::Result<()> {
    accept(listener, Some(tls), site, app).await
}

async fn accept(listener: TcpListener, tls: Option<Arc<ServerConfig>>, site: Site, app: Router) -> io::Result<()> {
    // Nothing is sent: it ends when the last connection has dropped its sender.
    let (open, mut all_closed) = mpsc::channel(1);
    let mut closing = site.closing.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((tcp, peer)) => {
                    // Of a listener for both versions of IP.
                    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                    let admitted = site.admissions.connection(peer, site.proxies.contains(peer.ip()));
                    match (admitted, &tls) {
                        (Some(connection), None) => serve_plain(tcp, connection, &site, app.clone(), open.clone()),
                        (Some(connection), Some(tls)) => {
                            serve_encrypted(tcp, tls.clone(), connection, &site, app.clone(), open.clone());
                        }
                        (None, tls) => refuse(&tcp, peer, tls.is_some()),
                    }
                }
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
fn serve_plain(tcp: TcpStream, connection: Connection, site: &Site, app: Router, open: mpsc::Sender<()>) {
    let stream = Stream::from(Timed::new(tcp, site.limits.write_timeout));
    let serving = serve_http1(stream, connection, site.clone(), app);
    tokio::spawn(async move {
        serving.await;
        drop(open);
    });
}

/// The same with TLS, whose handshake has the time of a request's head.
fn serve_encrypted(
    tcp: TcpStream,
    tls: Arc<ServerConfig>,
    connection: Connection,
    site: &Site,
    app: Router,
    open: mpsc::Sender<()>,
) {
    let site = site.clone();
    let mut closing = site.closing.clone();
    tokio::spawn(async move {
        let stream = Timed::new(tcp, site.limits.write_timeout);
        let handshake = timeout(head_timeout(&connection, &site), TlsAcceptor::from(tls).accept(stream));
        // Boxed: the task would be as large as both that follows and this for as long as it runs.
        let accepted = tokio::select! {
            accepted = Box::pin(handshake) => accepted,
            () = crate::closed(&mut closing) => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a handshake of TLS failed"),
            Err(_) => return tracing::debug!("a handshake of TLS took too long"),
        };
        let protocol = stream.get_ref().1.alpn_protocol();
        let (is_http2, is_challenge) = (protocol == Some(http2::ALPN), protocol == Some(acme::ALPN));
        let connection = connection.encrypted();
        if is_challenge {
            // The authority has seen the certificate that it asked for.
        } else if is_http2 {
            Box::pin(serve_http2(stream.into(), connection.with_many_requests(), site, app)).await;
        } else {
            Box::pin(serve_http1(stream.into(), connection, site, app)).await;
        }
        drop(open);
    });
}

/// How long the head of a request may take.
fn head_timeout(connection: &Connection, site: &Site) -> Duration {
    if connection.is_reserved() { site.limits.reserved_head_timeout } else { site.limits.head_timeout }
}

async fn serve_http1(stream: Stream, connection: Connection, site: Site, app: Router) {
    let mut closing = site.closing.clone();
    let head_timeout = head_timeout(&connection, &site);
    let service = service_fn(move |request| respond(app.clone(), &connection, request));
    // Not the builder of hyper-util, which waits for the first byte without any limit, to tell HTTP/2 from HTTP/1.
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD_BYTES as usize);
    let serving = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
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
}

async fn serve_http2(stream: Stream, connection: Connection, site: Site, app: Router) {
    let mut closing = site.closing.clone();
    let limits = site.limits;
    let head_timeout = head_timeout(&connection, &site);
    let streams = Streams::default();
    let of_requests = streams.clone();
    let service = service_fn(move |mut request| {
        http2::normalise(&mut request);
        let open = of_requests.begin();
        let refusing = connection.is_reserved().then(|| of_requests.clone());
        let responding = respond(app.clone(), &connection, request);
        async move {
            let response = responding.await?;
            // There is no such header in HTTP/2: the connection is told otherwise.
            if let Some(streams) = refusing.filter(|_| response.headers().contains_key(CONNECTION)) {
                streams.refuse();
            }
            Ok::<_, Infallible>(response.map(|body| open.hold(body)))
        }
    });
    let mut serving = pin!(http2::builder(MAX_HEAD_BYTES).serve_connection(TokioIo::new(stream), service));
    let is_over = async {
        tokio::select! {
            end = streams.ended(&limits, head_timeout) => end,
            () = crate::closed(&mut closing) => End::Idle,
        }
    };
    let served = tokio::select! {
        served = serving.as_mut() => Some(served),
        end = is_over => match end {
            End::Stalled => None,
            End::Idle | End::Hindered | End::Refused => {
                serving.as_mut().graceful_shutdown();
                streams.drain();
                // Requests may have begun meanwhile, or be under way when the site closes.
                let is_over = async {
                    tokio::time::sleep(head_timeout).await;
                    streams.ended(&limits, head_timeout).await
                };
                tokio::select! {
                    served = serving.as_mut() => Some(served),
                    _ = is_over => None,
                }
            }
        },
    };
    match served {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        None => tracing::debug!("a connection did not end in time"),
    }
}

fn respond(
    app: Router,
    connection: &Connection,
    request: hyper::Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(connection.clone());
    app.oneshot(request)
}

/// Sends [`REFUSAL`] if the connection takes it at once, which a new one does. One with TLS would not understand it.
fn refuse(tcp: &TcpStream, peer: SocketAddr, is_encrypted: bool) {
    tracing::debug!(%peer, "a connection is one too many");
    if is_encrypted {
        return;
    }
    // A connection that is closed with unread data is reset, and the response may be lost.
    let _ = tcp.try_read(&mut [0; 4 * 1024]);
    let _ = tcp.try_write(REFUSAL);
}
