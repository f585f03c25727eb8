//! Handshake, socket and transport over real TCP, behind hyper.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::client::{CLOSE, PING, PONG, Received, TEXT, close_payload, frame, read_frames};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use websocket::{Handshake, Message, Transport, WebSocket, encode};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A server that hands its sockets to `serve`, until the test ends.
async fn listen<F>(serve: fn(WebSocket) -> F) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service_fn(move |mut request: Request<Incoming>| async move {
        let response: Response<String> = match Handshake::from_request(&mut request) {
            Ok(handshake) => handshake.accept::<TcpStream, _>(serve),
            Err(refusal) => refusal.response(),
        };
        Ok::<_, std::convert::Infallible>(response)
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
            tokio::spawn(async move { connection.await.unwrap() });
        }
    });
    address
}

/// Sends bytes, and reads what comes back until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> (String, Vec<Received>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may close before it has read all of it.
    let _ = stream.write_all(bytes).await;
    let mut received = Vec::new();
    timeout(SOON, stream.read_to_end(&mut received)).await.expect("the server closes").unwrap();
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    (String::from_utf8(received[..end].to_vec()).unwrap(), read_frames(&received[end..]))
}

/// Echoes texts, answers pings and the close.
async fn echo(mut socket: WebSocket) {
    let transport = socket.transport();
    loop {
        let (answer, is_last) = match socket.next(64 * 1024) {
            Ok(None) => {
                if !socket.receive().await {
                    return;
                }
                continue;
            }
            Ok(Some(Message::Text(text))) => (encode::text_message(&text), false),
            Ok(Some(Message::Ping(payload))) => (encode::pong(&payload), false),
            Ok(Some(Message::Binary(_) | Message::Pong(_))) => continue,
            Ok(Some(Message::Close(code))) => (encode::close_reply(code), true),
            Err(code) => (encode::close(code, ""), true),
        };
        assert_eq!(transport.try_write(&[IoSlice::new(&answer)]).unwrap(), answer.len());
        if is_last {
            return timeout(SOON, socket.linger()).await.expect("the client closes as well");
        }
    }
}

#[tokio::test]
async fn a_request_becomes_a_socket_and_what_came_with_it_is_not_lost() {
    let address = listen(echo).await;
    let long = "x".repeat(20_000);
    let frames = [
        frame(TEXT, b"early"),
        frame(PING, b"there?"),
        frame(TEXT, long.as_bytes()),
        frame(CLOSE, &close_payload(4001, b"enough")),
    ];
    let (head, received) = exchange(address, &[REQUEST.as_bytes(), &frames.concat()].concat()).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    let expected = [
        Received(TEXT, b"early".to_vec()),
        Received(PONG, b"there?".to_vec()),
        Received(TEXT, long.into_bytes()),
        Received(CLOSE, 4001_u16.to_be_bytes().to_vec()),
    ];
    assert_eq!(received, expected);
}

#[tokio::test]
async fn what_breaks_the_protocol_closes_the_socket_with_its_code() {
    let address = listen(echo).await;
    let unmasked = [REQUEST.as_bytes(), b"\x81\x05Hello"].concat();
    assert_eq!(exchange(address, &unmasked).await.1, [Received(CLOSE, 1002_u16.to_be_bytes().to_vec())]);
}

#[tokio::test]
async fn the_last_frame_arrives_whatever_the_client_sends_after_it() {
    let address = listen(echo).await;
    let after = frame(TEXT, &[b'x'; 60_000]).repeat(10);
    let close = frame(CLOSE, &close_payload(1000, b""));
    for (last, code) in [(&close[..], 1000_u16), (b"\x81\x05Hello", 1002), (b"\x88\x81\0\0\0\0a", 1002)] {
        let (_, received) = exchange(address, &[REQUEST.as_bytes(), last, &after].concat()).await;
        assert_eq!(received, [Received(CLOSE, code.to_be_bytes().to_vec())], "not a reset connection");
    }
}

/// A client that sends for ever after the close.
#[tokio::test]
async fn lingering_ends_after_a_megabyte() {
    let address = listen(echo).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let close = frame(CLOSE, &close_payload(1000, b""));
    stream.write_all(&[REQUEST.as_bytes(), &close].concat()).await.unwrap();
    let sent = async { while stream.write_all(&[0; 60_000]).await.is_ok() {} };
    timeout(SOON, sent).await.expect("the server closes");
}

/// How many bytes the kernel took of [`fill`].
static FILLED_BYTES: AtomicUsize = AtomicUsize::new(0);

/// Writes until the kernel takes no more.
async fn fill(socket: WebSocket) {
    let transport = socket.transport();
    let bytes = [0; 4 * 1024];
    while let Ok(count) = transport.try_write(&[IoSlice::new(&bytes)]) {
        FILLED_BYTES.fetch_add(count, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn the_kernel_buffers_little_for_a_peer_that_does_not_read() {
    let address = listen(fill).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    // One thread runs both ends: nothing is read here until the other is done.
    let mut received = Vec::new();
    timeout(SOON, stream.read_to_end(&mut received)).await.expect("all of it arrives").unwrap();
    let filled_bytes = FILLED_BYTES.load(Ordering::Relaxed);
    // Linux doubles both sizes. Left to itself it takes megabytes.
    assert!((64 * 1024..512 * 1024).contains(&filled_bytes), "{filled_bytes}");
}

#[tokio::test]
async fn other_requests_are_told_what_is_needed() {
    let address = listen(echo).await;
    let (head, _) = exchange_http(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 426 ") && head.contains("sec-websocket-version: 13\r\n"), "{head}");
    let without_key = REQUEST.replace("sec-websocket-key", "x").replace("Upgrade", "upgrade, close");
    let (head, body) = exchange_http(address, &without_key).await;
    assert!(head.starts_with("HTTP/1.1 400 ") && body.contains("key"), "{head}{body}");
}

/// Sends a request that is not granted.
async fn exchange_http(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.expect("the server closes").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (format!("{head}\r\n"), body.to_owned())
}

/// Writes until the kernel takes no more, then ends the frame it is in, as fast as the peer reads.
async fn flood(socket: WebSocket) {
    let transport = socket.transport();
    let message = encode::text_message(&"x".repeat(64 * 1024));
    let (mut rest, mut written) = (&message[..], 0);
    loop {
        let (start, end) = rest.split_at(1);
        match transport.try_write(&[IoSlice::new(start), IoSlice::new(end)]) {
            Ok(count) if count == rest.len() => (rest, written) = (&message[..], written + count),
            Ok(count) => (rest, written) = (&rest[count..], written + count),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
        }
        // The kernel holds a few megabytes for both ends.
        assert!(written < 64 * 1024 * 1024, "nobody reads");
    }
    while rest.len() < message.len() && !rest.is_empty() {
        assert!(transport.writable().await);
        match transport.try_write(&[IoSlice::new(rest)]) {
            Ok(count) => rest = &rest[count..],
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_makes_nobody_wait() {
    let address = listen(flood).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    // One thread runs both ends: nothing is read here until the other waits.
    let mut head = vec![0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(SOON, stream.read_u8()).await.expect("the head arrives").unwrap());
    }
    let mut received = Vec::new();
    timeout(SOON, stream.read_to_end(&mut received)).await.expect("the rest arrives").unwrap();
    let frames = read_frames(&received);
    assert!(!frames.is_empty() && frames.iter().all(|frame| frame.1.len() == 64 * 1024), "all of them whole");
}
