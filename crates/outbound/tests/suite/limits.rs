//! How much of an answer is read, and for how long.

use std::time::Duration;

use outbound::{Error, MAX_HEAD_BYTES, Policy, Request};
use tokio::io::AsyncWriteExt;

use crate::server::{Server, client, policy, response};

/// Sends a GET request under a policy that reads 1,000 bytes.
async fn fetch(server: &Server) -> Result<Vec<u8>, Error> {
    let policy = policy().with_max_body_bytes(1_000);
    client().send(&policy, Request::get(server.url("/"))).await.map(|response| response.body.to_vec())
}

/// Sends a GET request under a policy with a short deadline.
async fn fetch_soon(server: &Server) -> Error {
    let policy = policy().with_deadline(Duration::from_millis(200));
    client().send(&policy, Request::get(server.url("/"))).await.unwrap_err()
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_read() {
    for length in [0, 1, 999, 1_000] {
        let server = Server::answering(move |_| response("200 OK", &[], &vec![b'x'; length])).await;
        assert_eq!(fetch(&server).await, Ok(vec![b'x'; length]));
    }
}

#[tokio::test]
async fn a_longer_body_is_refused_announced_or_not() {
    // Announced: nothing of it has to arrive.
    let server = Server::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n".to_vec()).await;
    assert_eq!(fetch(&server).await, Err(Error::TooLarge));
    // Up to the end of the connection.
    let server = Server::answering(|_| [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 1_001]].concat()).await;
    assert_eq!(fetch(&server).await, Err(Error::TooLarge));
    // In chunks, without end.
    let server = Server::serving(async |_, mut stream| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = stream.write_all(head).await;
        while stream.write_all(b"a\r\n0123456789\r\n").await.is_ok() {}
    })
    .await;
    assert_eq!(fetch(&server).await, Err(Error::TooLarge));
}

#[tokio::test]
async fn a_body_with_a_lying_length_is_cut_or_refused() {
    let server =
        Server::answering(|_| [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec(), vec![b'x'; 5_000]].concat())
            .await;
    assert_eq!(fetch(&server).await, Ok(b"xxxxx".to_vec()));
    let server = Server::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nxxx".to_vec()).await;
    assert_eq!(fetch(&server).await, Err(Error::Protocol));
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    for coding in ["gzip", "br", "deflate", "x-unknown", "identity, gzip"] {
        let server = Server::answering(move |_| response("200 OK", &[("content-encoding", coding)], b"x")).await;
        assert_eq!(fetch(&server).await, Err(Error::Encoded), "{coding}");
    }
    let server = Server::answering(|_| response("200 OK", &[("content-encoding", "Identity")], b"x")).await;
    assert_eq!(fetch(&server).await, Ok(b"x".to_vec()));
}

#[tokio::test]
async fn endless_headers_are_refused() {
    let server = Server::serving(async |_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more\r\n").await.is_ok() {}
    })
    .await;
    assert_eq!(fetch(&server).await, Err(Error::Protocol));
    let long = "x".repeat(4 * MAX_HEAD_BYTES);
    let server = Server::answering(move |_| response("200 OK", &[("x-long", &long)], b"")).await;
    assert_eq!(fetch(&server).await, Err(Error::Protocol));
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    for answer in
        [&b""[..], b"hello\r\n\r\n", b"HTTP/1.1\r\n\r\n", b"\0\0\0\0", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"]
    {
        let server = Server::answering(move |_| answer.to_vec()).await;
        assert_eq!(fetch(&server).await, Err(Error::Protocol));
    }
}

#[tokio::test]
async fn one_deadline_covers_everything() {
    // Silent after the request.
    let server = Server::serving(async |_, stream| {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!(fetch_soon(&server).await, Error::Timeout);
    // One byte of the body at a time.
    let server = Server::serving(async |_, mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(fetch_soon(&server).await, Error::Timeout);
    // Redirects that take their time.
    let server = Server::serving(async |head, mut stream| {
        tokio::time::sleep(Duration::from_millis(80)).await;
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let location = format!("http://{host}/");
        let _ = stream.write_all(&response("302 Found", &[("location", &location)], b"")).await;
    })
    .await;
    assert_eq!(fetch_soon(&server).await, Error::Timeout);
}

#[tokio::test]
async fn no_cookie_is_kept() {
    let server = Server::answering(|head| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        if head.starts_with("GET /set ") {
            response("302 Found", &[("set-cookie", "a=b"), ("location", &format!("http://{host}/"))], b"")
        } else {
            response("200 OK", &[("set-cookie", "a=b")], b"")
        }
    })
    .await;
    let client = client();
    for path in ["/set", "/"] {
        client.send(&policy(), Request::get(server.url(path))).await.unwrap();
    }
    assert_eq!(server.requests().len(), 3);
    assert!(server.requests().iter().all(|head| !head.to_lowercase().contains("cookie")));
}

#[tokio::test]
async fn the_head_can_be_judged_before_the_body_is_read() {
    let server = Server::answering(|_| {
        b"HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 99999999\r\n\r\n".to_vec()
    })
    .await;
    let incoming = client().open(&Policy::chosen(), Request::get(server.url("/"))).await.unwrap();
    assert_eq!((incoming.status().as_u16(), &incoming.headers()["content-type"]), (404, &"text/html".parse().unwrap()));
    assert_eq!(incoming.url(), &server.url("/"));
    assert_eq!(incoming.read().await.unwrap_err(), Error::TooLarge);
}

#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let port = crate::server::Untouched::listen(crate::server::PERMITTED).await.port();
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    assert_eq!(client().send(&policy(), Request::get(url)).await.unwrap_err(), Error::Connect);
}
