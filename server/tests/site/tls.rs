//! The site over TLS: both versions of HTTP, the live socket, and the limits of connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use server::http::limits::Limits;
use server::http::redirect::{self, Target};
use server::http::tls::config;
use server::http::tls::files::Files;
use server::{Site, app, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::support::{Someone, TestSite};

/// Longer than anything that a test waits for takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// A site over TLS, and what a client needs to trust it.
struct Encrypted {
    address: SocketAddr,
    root: CertificateDer<'static>,
}

/// Serves the site with TLS until the test ends.
async fn serve(site: Site) -> Encrypted {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["chat.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("a.crt"), folder.path().join("a.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (files, _) = Files::open(certificate, key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = config(Arc::new(files), false).unwrap();
    tokio::spawn(http::serve::serve_tls(listener, tls, site.clone(), app(site)));
    Encrypted { address, root: made.cert.der().clone() }
}

impl Encrypted {
    async fn connect(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("chat.example").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn http1(&self) -> http1::SendRequest<Body> {
        let (sender, connection) = http1::handshake(TokioIo::new(self.connect(&["http/1.1"]).await)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    /// A connection whose client accepts at most so many bytes of a response.
    async fn http2(&self, window: u32) -> (http2::SendRequest<Body>, tokio::task::JoinHandle<()>) {
        let stream = self.connect(&["h2", "http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).initial_stream_window_size(window);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(async move { drop(connection.await) }))
    }
}

fn cookie(someone: &Someone) -> String {
    format!("__Host-{}", someone.browser.cookie)
}

fn get(uri: &str, cookie: &str) -> Request<Body> {
    Request::get(uri).header("cookie", cookie).body(Body::empty()).unwrap()
}

async fn read(response: Response<hyper::body::Incoming>) -> (StatusCode, HeaderMap, Bytes) {
    let (parts, body) = response.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn both_versions_of_http_give_the_same_page() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for number in 0..30 {
        site.post(&ada, room_id, &format!("{number} {}", "words ".repeat(500))).await;
    }
    let encrypted = serve(site.site.clone()).await;
    let path = format!("/rooms/{room_id}");
    let mut first = encrypted.http1().await;
    let mut request = get(&path, &cookie(&ada));
    request.headers_mut().insert("host", "chat.example".parse().unwrap());
    let (status, headers, of_first) = read(first.send_request(request).await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["strict-transport-security"], "max-age=63072000");

    let (mut second, _connection) = encrypted.http2(65_535).await;
    let uri = format!("https://chat.example{path}");
    let (status, headers, of_second) = read(second.send_request(get(&uri, &cookie(&ada))).await.unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers["strict-transport-security"], "max-age=63072000");
    assert_eq!(headers["content-length"], of_second.len().to_string().as_str());
    assert!(of_first == of_second && of_first.len() > 65_536, "{} {}", of_first.len(), of_second.len());

    // A form, and cookies that are for TLS alone.
    let form = "email_address=ada%40example.com&password=correct+horse";
    let request = Request::post("https://chat.example/session")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://chat.example")
        .body(Body::from(form))
        .unwrap();
    let (status, headers, _) = read(second.send_request(request).await.unwrap()).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let cookies: Vec<_> = headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert!(cookies.iter().any(|cookie| cookie.starts_with("__Host-session_token=")), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.ends_with("; Secure")), "{cookies:?}");
}

#[tokio::test]
async fn many_requests_are_answered_on_one_connection() {
    let (site, _ada) = TestSite::with_ada().await;
    let encrypted = serve(site.site.clone()).await;
    let (mut sender, _connection) = encrypted.http2(65_535).await;
    // The client learns with the first answer how many requests it may have under way.
    assert_eq!(sender.send_request(get("https://chat.example/up", "")).await.unwrap().status(), StatusCode::OK);
    let requests = (0..200).map(|_| {
        let mut sender = sender.clone();
        async move { sender.send_request(get("https://chat.example/session/new", "")).await.unwrap().status() }
    });
    let statuses = futures::future::join_all(requests).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK), "{statuses:?}");
}

#[tokio::test]
async fn two_names_of_the_host_are_refused() {
    let (site, _ada) = TestSite::with_ada().await;
    let encrypted = serve(site.site.clone()).await;
    let (mut sender, _connection) = encrypted.http2(65_535).await;
    let mut request = get("https://chat.example/up", "");
    request.headers_mut().insert("host", "other.example".parse().unwrap());
    assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_live_socket_works_on_the_older_version() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let encrypted = serve(site.site.clone()).await;
    let mut request = "wss://chat.example/cable".into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie(&ada).parse().unwrap());
    request.headers_mut().insert("origin", "https://chat.example".parse().unwrap());
    let stream = encrypted.connect(&["http/1.1"]).await;
    let (mut socket, answer) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let next = async |socket: &mut tokio_tungstenite::WebSocketStream<TlsStream<TcpStream>>, wanted: &str| {
        loop {
            match timeout(TEST_TIMEOUT, socket.next()).await.expect("an event").unwrap().unwrap() {
                Message::Text(text) if text.contains(wanted) => return text.to_string(),
                Message::Close(frame) => panic!("closed before {wanted}: {frame:?}"),
                _ => {}
            }
        }
    };
    next(&mut socket, "\"rooms\"").await;
    let bob = site.join("Bob").await;
    site.post(&bob, room_id, "hello").await;
    let unread = next(&mut socket, "unread").await;
    assert!(unread.contains(&format!("{}", room_id.0)), "{unread}");
    site.close.send(true).unwrap();
    next(&mut socket, "\"bye\"").await;
}

#[tokio::test]
async fn a_handshake_has_the_time_of_a_head() {
    let (site, _ada) = TestSite::with_ada().await;
    let limits = Limits { head_timeout: Duration::from_millis(100), ..Limits::default() };
    let encrypted = serve(site.site.clone().limits(limits)).await;
    let is_closed = async |mut stream: TcpStream| {
        let mut rest = Vec::new();
        let _ = timeout(TEST_TIMEOUT, stream.read_to_end(&mut rest)).await.expect("the server closes it");
    };
    // Nothing, the beginning of a handshake, and something else.
    is_closed(TcpStream::connect(encrypted.address).await.unwrap()).await;
    for bytes in [&[0x16, 0x03, 0x01, 0x02, 0x00][..], b"GET /up HTTP/1.1\r\nhost: chat.example\r\n\r\n"] {
        let mut stream = TcpStream::connect(encrypted.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        is_closed(stream).await;
    }
    // Nothing after the handshake.
    for protocols in [&["h2"][..], &["http/1.1"], &[]] {
        let mut stream = encrypted.connect(protocols).await;
        let mut rest = Vec::new();
        let _ = timeout(TEST_TIMEOUT, stream.read_to_end(&mut rest)).await.expect("the server closes it");
    }
    // Nothing after an answer.
    let (mut sender, connection) = encrypted.http2(65_535).await;
    assert_eq!(sender.send_request(get("https://chat.example/up", "")).await.unwrap().status(), StatusCode::OK);
    timeout(TEST_TIMEOUT, connection).await.expect("an idle connection is closed").unwrap();
}

#[tokio::test]
async fn a_client_that_accepts_nothing_of_a_response_loses_its_connection() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for _ in 0..20 {
        site.post(&ada, room_id, &"words ".repeat(2_000)).await;
    }
    let limits = Limits { write_timeout: Duration::from_secs(3), max_per_person: 1, ..Limits::default() };
    let encrypted = serve(site.site.clone().limits(limits)).await;
    let uri = format!("https://chat.example/rooms/{room_id}");
    let (mut stalled, connection) = encrypted.http2(1).await;
    let held = stalled.send_request(get(&uri, &cookie(&ada))).await.unwrap();
    assert_eq!(held.status(), StatusCode::OK);
    let (mut other, _connection) = encrypted.http2(65_535).await;
    let refused = other.send_request(get(&uri, &cookie(&ada))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "it is counted until it is sent");
    timeout(TEST_TIMEOUT, connection).await.expect("the server closes it").unwrap();
    let again =
        async { while other.send_request(get(&uri, &cookie(&ada))).await.unwrap().status() != StatusCode::OK {} };
    timeout(TEST_TIMEOUT, again).await.expect("its place is given back");
    drop(held);
}

#[tokio::test]
async fn an_upload_is_finished_beside_a_response_that_stalls_and_then_the_connection_ends() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for _ in 0..20 {
        site.post(&ada, room_id, &"words ".repeat(2_000)).await;
    }
    let write_timeout = Duration::from_secs(1);
    let encrypted = serve(site.site.clone().limits(Limits { write_timeout, ..Limits::default() })).await;
    let (mut sender, connection) = encrypted.http2(1).await;
    let uri = format!("https://chat.example/rooms/{room_id}");
    let held = sender.send_request(get(&uri, &cookie(&ada))).await.unwrap();
    let form = "email_address=ada%40example.com&password=correct+horse";
    let parts = futures::stream::iter(form.as_bytes().chunks(5)).then(move |part| async move {
        tokio::time::sleep(write_timeout / 3).await;
        Ok::<_, std::io::Error>(part)
    });
    let request = Request::post("https://chat.example/session")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "https://chat.example")
        .body(Body::from_stream(parts))
        .unwrap();
    let answer = timeout(TEST_TIMEOUT, sender.send_request(request)).await.expect("an answer").unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    timeout(TEST_TIMEOUT, connection).await.expect("the server closes it").unwrap();
    drop(held);
}

#[tokio::test]
async fn a_refusal_of_a_reserved_place_ends_the_connection() {
    let (site, _ada) = TestSite::with_ada().await;
    let limits = Limits { max_connections: 1, reserved_connections: 1, ..Limits::default() };
    let limits = Limits { reserved_head_timeout: Duration::from_secs(60), ..limits };
    let encrypted = serve(site.site.clone().limits(Limits { write_timeout: Duration::from_secs(2), ..limits })).await;
    let (mut sender, connection) = encrypted.http2(65_535).await;
    let refused = sender.send_request(get("https://chat.example/session/new", "")).await.unwrap();
    assert_eq!(read(refused).await.0, StatusCode::SERVICE_UNAVAILABLE);
    timeout(TEST_TIMEOUT, connection).await.expect("the server closes it").unwrap();
}

#[tokio::test]
async fn requests_on_one_connection_count_as_many_of_an_address() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for _ in 0..20 {
        site.post(&ada, room_id, &"words ".repeat(2_000)).await;
    }
    let limits = Limits { max_per_address: 2, ..Limits::default() };
    let untrusted = server::http::forwarded::TrustedProxies::new(Vec::new());
    let encrypted = serve(site.site.clone().limits(limits).proxies(untrusted)).await;
    let uri = format!("https://chat.example/rooms/{room_id}");
    let (mut sender, _connection) = encrypted.http2(1).await;
    let _held = sender.send_request(get(&uri, &cookie(&ada))).await.unwrap();
    let refused = sender.send_request(get(&uri, &cookie(&ada))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "the connection is one, and the request another");
}

#[tokio::test]
async fn plain_http_leads_to_tls() {
    let (site, _ada) = TestSite::with_ada().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let target = Target { port: 8443, domains: vec!["chat.example".into()] };
    tokio::spawn(http::serve::serve(listener, site.site.clone(), redirect::app(target, site.router.clone())));
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/session?a=b").header("host", "chat.example").body(Body::empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(answer.headers()["location"], "https://chat.example:8443/session?a=b");
    assert_eq!(answer.headers()["connection"], "close");
    drop(answer.into_body().collect().await.unwrap());
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/up").header("host", "192.0.2.1").body(Body::empty()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::OK, "a health check needs no TLS");
}
