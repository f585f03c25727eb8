//! Limits of connections and requests: silent, dripping and unread ones end, and no address or person takes them all.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use server::http::forwarded::TrustedProxies;
use server::http::limits::Limits;
use server::{Site, app, http};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower::ServiceExt;

use crate::support::{Someone, TestSite};

/// Longer than anything that a test waits for takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

/// Longer than a test takes.
const NEVER: Duration = Duration::from_secs(3_600);

fn limited(site: &TestSite, limits: Limits) -> Site {
    site.site.clone().limits(limits)
}

/// Serves the site on a TCP port until the test ends.
async fn serve(site: Site) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve::serve(listener, site.clone(), app(site)));
    address
}

fn get(path: &str, cookie: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: chat.example\r\ncookie: {cookie}\r\n\r\n")
}

/// Sends bytes, and reads the response until the server closes the connection. A reset is the end as well.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(bytes.as_bytes()).await;
    rest_of(stream).await
}

async fn rest_of(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(TEST_TIMEOUT, stream.read_to_end(&mut answer)).await.expect("the server closes the connection");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a request that the server closes the connection after.
async fn get_once(address: SocketAddr, path: &str, cookie: &str) -> String {
    let request = get(path, cookie).replacen("\r\n", "\r\nconnection: close\r\n", 1);
    exchange(address, &request).await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

/// Repeats a request until its status is the wanted one.
async fn get_until(address: SocketAddr, path: &str, cookie: &str, wanted: &str) -> String {
    let repeated = async {
        loop {
            let answer = get_once(address, path, cookie).await;
            if status(&answer) == wanted {
                return answer;
            }
        }
    };
    timeout(TEST_TIMEOUT, repeated).await.expect("the status becomes the wanted one")
}

/// The response to a request with these headers, whose body is not read.
async fn unread(site: &Site, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::get(path).header(header::HOST, "chat.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app(site.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed() {
    let (site, _ada) = TestSite::with_ada().await;
    let address = serve(limited(&site, Limits { head_timeout: Duration::from_millis(50), ..Limits::default() })).await;
    assert_eq!(exchange(address, "").await, "");
    let kept_alive = exchange(address, &get("/up", "")).await;
    assert_eq!(status(&kept_alive), "200", "also after a response");
}

#[tokio::test]
async fn a_head_that_cannot_be_read_gets_an_error_in_words() {
    let (site, _ada) = TestSite::with_ada().await;
    let address = serve(site.site.clone()).await;
    let long = "x".repeat(128 * 1_024);
    let requests = [
        ("431", format!("GET /up HTTP/1.1\r\nhost: x\r\ncookie: {long}\r\n\r\n"), "at most 32 KiB"),
        ("431", format!("GET /searches?q={long} HTTP/1.1\r\nhost: x\r\n\r\n"), "shorten what you entered"),
        ("400", "GET /up\u{1} HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "not a request"),
    ];
    for (expected, request, words) in requests {
        let answer = exchange(address, &request).await;
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.contains(words), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_drips_gets_an_error_in_words() {
    let (site, _ada) = TestSite::with_ada().await;
    let address = serve(limited(&site, Limits { body_grace: Duration::from_millis(50), ..Limits::default() })).await;
    let half = "POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 100\r\n\r\nemail";
    let answer = exchange(address, half).await;
    assert_eq!(status(&answer), "408", "{answer}");
    assert!(answer.contains("took too long to arrive"));
}

/// A connection whose client reads nothing.
async fn unread_connection(address: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // The smallest there is: otherwise the kernels of both ends take the whole page.
    socket.set_recv_buffer_size(1).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_page_that_nobody_reads_is_dropped_with_its_connection() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    for _ in 0..40 {
        site.post(&ada, room_id, &"words ".repeat(2_000)).await;
    }
    let limits = Limits { write_timeout: Duration::from_secs(3), max_per_person: 1, ..Limits::default() };
    let address = serve(limited(&site, limits)).await;
    let path = format!("/rooms/{room_id}");
    let cookie = &ada.browser.cookie;
    let held = unread_connection(address, &get(&path, cookie)).await;
    held.readable().await.unwrap();
    let refused = get_until(address, &path, cookie, "503").await;
    assert!(refused.contains("Too many requests of yours are under way"), "it is counted until it is sent");
    get_until(address, &path, cookie, "200").await;
    drop(held);
}

#[tokio::test]
async fn an_address_has_a_limited_number_of_connections() {
    let (site, _ada) = TestSite::with_ada().await;
    let limits = Limits { max_per_address: 2, head_timeout: NEVER, ..Limits::default() };
    let direct = limited(&site, limits).proxies(TrustedProxies::new(Vec::new()));
    let address = serve(direct).await;
    let first = TcpStream::connect(address).await.unwrap();
    let _second = TcpStream::connect(address).await.unwrap();
    let refused = get_until(address, "/up", "", "503").await;
    assert!(refused.contains("Too many connections are open") && refused.contains("retry-after: 5"), "{refused}");
    drop(first);
    get_until(address, "/up", "", "200").await;
}

#[tokio::test]
async fn an_address_behind_a_proxy_has_a_limited_number_of_requests() {
    let (site, _ada) = TestSite::with_ada().await;
    let site = limited(&site, Limits { max_per_address: 2, ..Limits::default() });
    let from = |address| [("x-forwarded-for", address)];
    let first = unread(&site, "/session/new", &from("2001:db8::1")).await;
    let _second = unread(&site, "/session/new", &from("2001:db8::2")).await;
    let refused = unread(&site, "/session/new", &from("[2001:db8::3]:4711")).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "one IPv6 network is one address");
    assert_eq!(
        (&refused.headers()["retry-after"], &refused.headers()["connection"]),
        (&"5".parse().unwrap(), &"close".parse().unwrap())
    );
    assert!(text(refused).await.contains("Too many requests from your network"));
    assert_eq!(unread(&site, "/session/new", &from("2001:db8:0:1::1")).await.status(), StatusCode::OK);
    assert_eq!(unread(&site, "/session/new", &[]).await.status(), StatusCode::OK, "the proxy itself is not counted");
    drop(first);
    assert_eq!(unread(&site, "/session/new", &from("2001:db8::3")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_socket_counts_as_one_of_its_address_until_it_is_closed() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(limited(&site, Limits { max_per_address: 1, max_per_person: 1, ..Limits::default() })).await;
    let connect = async |from: &str| {
        let mut request = format!("ws://{address}/cable").into_client_request().unwrap();
        request.headers_mut().insert("cookie", ada.browser.cookie.parse().unwrap());
        request.headers_mut().insert("x-forwarded-for", from.parse().unwrap());
        tokio_tungstenite::connect_async(request).await
    };
    let first = connect("198.51.100.1").await.unwrap();
    let refused = connect("198.51.100.1").await.err();
    assert!(matches!(refused, Some(Error::Http(answer)) if answer.status() == 503), "the address has one");
    let _other = connect("198.51.100.2").await.expect("sockets are not requests of a person under way");
    drop(first);
    let again = async { while connect("198.51.100.1").await.is_err() {} };
    timeout(TEST_TIMEOUT, again).await.expect("its place is given back");
}

fn cookie(someone: &Someone) -> [(&str, &str); 1] {
    [("cookie", &someone.browser.cookie)]
}

#[tokio::test]
async fn a_person_has_a_limited_number_of_requests_under_way() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let path = format!("/rooms/{}", site.all_talk(&ada).await);
    let limited = limited(&site, Limits { max_per_person: 1, ..Limits::default() });
    let held = unread(&limited, &path, &cookie(&ada)).await;
    assert_eq!(held.status(), StatusCode::OK);
    let refused = unread(&limited, &path, &cookie(&ada)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let mut calling = ada.browser.clone().at(app(limited.clone()));
    let call = calling.call("messages/source", &serde_json::json!({"room_id": 1, "message_id": 1})).await;
    assert_eq!(call.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(call.text().contains("unavailable"), "the client's error, which it retries: {}", call.text());
    assert_eq!(unread(&limited, &path, &cookie(&bob)).await.status(), StatusCode::OK);
    drop(held);
    assert_eq!(unread(&limited, &path, &cookie(&ada)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_cached_page_is_counted_like_a_rendered_one() {
    let (site, ada) = TestSite::with_ada().await;
    let path = format!("/rooms/{}", site.all_talk(&ada).await);
    let limited = limited(&site, Limits { max_per_person: 1, ..Limits::default() });
    let [cookie] = cookie(&ada);
    let headers = [cookie, ("accept-encoding", "gzip")];
    while limited.page_cache_hit_count() == 0 {
        assert_eq!(unread(&limited, &path, &headers).await.status(), StatusCode::OK);
    }
    let held = unread(&limited, &path, &headers).await;
    assert_eq!(held.status(), StatusCode::OK);
    assert_eq!(unread(&limited, &path, &headers).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(held);
    assert_eq!(unread(&limited, &path, &headers).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_last_connections_are_for_the_health_check_and_signed_in_people() {
    let (site, ada) = TestSite::with_ada().await;
    let path = format!("/rooms/{}", site.all_talk(&ada).await);
    let limits = Limits {
        max_connections: 4,
        reserved_connections: 2,
        head_timeout: NEVER,
        reserved_head_timeout: Duration::from_secs(2),
        ..Limits::default()
    };
    let address = serve(limited(&site, limits)).await;
    let silent = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let refused = get_until(address, "/session/new", "", "503").await;
    assert!(refused.contains("too many visitors"), "{refused}");
    let forged = get_once(address, &path, "session_token=AAAAAAAAAAAAAAAAAAAAAA").await;
    assert_eq!(status(&forged), "503");
    get_until(address, "/up", "", "200").await;
    get_until(address, &path, &ada.browser.cookie, "200").await;

    // Silent ones do not keep the reserve.
    let in_reserve = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    for silent in in_reserve {
        assert_eq!(rest_of(silent).await, "");
    }
    get_until(address, "/up", "", "200").await;
    drop(silent);
    get_until(address, "/session/new", "", "200").await;
}
