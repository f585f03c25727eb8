//! A small HTTP/1.1 client on one kept-alive connection, written to use little CPU time of the measuring program.

use std::io::Read;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Initial capacity of the buffer: enough for most responses.
const BUFFER_BYTES: usize = 64 * 1_024;

/// A kept-alive connection that accepts gzip.
pub struct HttpConnection {
    stream: TcpStream,
    /// The last response: its head, then its body without the chunk framing.
    buffer: Vec<u8>,
}

/// A response as transferred, in the buffer of its connection.
#[derive(Clone, Copy)]
pub struct Packed<'a> {
    pub status: u16,
    pub head: &'a str,
    pub body: &'a [u8],
}

/// An owned response, decompressed.
pub struct Answer {
    pub status: u16,
    pub head: String,
    /// Decompressed.
    pub body: Vec<u8>,
    /// Size of the body as transferred.
    pub wire_bytes: usize,
}

impl HttpConnection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket's option");
        Self { stream, buffer: Vec::with_capacity(BUFFER_BYTES) }
    }

    /// Sends a request and decompresses the response. `head` is the request line and the headers, each with its line end.
    pub async fn ask(&mut self, address: &str, head: &str, body: &str) -> Answer {
        let packed = self.exchange(&request(address, head, body)).await;
        let is_packed = field(packed.head, "content-encoding") == Some("gzip");
        let body = if is_packed { unpack(packed.body) } else { packed.body.to_vec() };
        Answer { status: packed.status, head: packed.head.to_owned(), body, wire_bytes: packed.body.len() }
    }

    /// Sends an encoded request and waits for the whole response.
    pub async fn exchange(&mut self, request: &[u8]) -> Packed<'_> {
        self.buffer.clear();
        self.stream.write_all(request).await.expect("the server takes a request");
        let head_end = self.read_until(0, b"\r\n\r\n").await;
        let head = std::str::from_utf8(&self.buffer[..head_end]).expect("a head is text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body_end = match field(head, "content-length").map(|length| length.parse::<usize>().expect("a length")) {
            Some(length) => {
                self.read_to(head_end + length).await;
                assert_eq!(self.buffer.len(), head_end + length, "nothing comes that was not asked for");
                head_end + length
            }
            None if field(head, "transfer-encoding") == Some("chunked") => self.read_chunks(head_end).await,
            None => {
                assert_eq!(self.buffer.len(), head_end, "a body says how long it is");
                head_end
            }
        };
        let head = std::str::from_utf8(&self.buffer[..head_end]).expect("it was text before");
        Packed { status, head, body: &self.buffer[head_end..body_end] }
    }

    /// Reads a chunked body and joins its chunks. Returns its end in the buffer.
    async fn read_chunks(&mut self, start: usize) -> usize {
        let mut read = start;
        let mut end = start;
        loop {
            let line_end = self.read_until(read, b"\r\n").await;
            let line = std::str::from_utf8(&self.buffer[read..line_end]).ok();
            let length = line.and_then(|line| usize::from_str_radix(line.trim(), 16).ok()).expect("a length");
            let next = line_end + length + 2;
            self.read_to(next).await;
            self.buffer.copy_within(line_end..line_end + length, end);
            (read, end) = (next, end + length);
            if length == 0 {
                assert_eq!(self.buffer.len(), read, "nothing comes that was not asked for");
                return end;
            }
        }
    }

    /// Reads until `mark` appears at or after `start`. Returns the position behind it.
    async fn read_until(&mut self, start: usize, mark: &[u8]) -> usize {
        let mut looked_at = start;
        loop {
            if let Some(at) = self.buffer[looked_at..].windows(mark.len()).position(|window| window == mark) {
                return looked_at + at + mark.len();
            }
            // The mark may be split between two reads.
            looked_at = start.max((self.buffer.len() + 1).saturating_sub(mark.len()));
            self.read_more().await;
        }
    }

    async fn read_to(&mut self, end: usize) {
        while self.buffer.len() < end {
            self.read_more().await;
        }
    }

    async fn read_more(&mut self) {
        self.buffer.reserve(BUFFER_BYTES / 4);
        let count = self.stream.read_buf(&mut self.buffer).await.expect("the server answers");
        assert!(count > 0, "the server hung up in the middle");
    }
}

/// An encoded request. `head` is the request line and the headers, each with its line end.
pub fn request(address: &str, head: &str, body: &str) -> Vec<u8> {
    format!("{head}host: {address}\r\naccept-encoding: gzip\r\n\r\n{body}").into_bytes()
}

/// The head and body of a call to a server function, as the client sends them. `cookie` is like `session_token=…`.
pub fn call(cookie: &str, function: &str, body: String) -> (String, String) {
    let head = format!(
        "POST /api/{function} HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/json\r\n\
         accept: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    (head, body)
}

/// Decompresses a gzip body.
///
/// # Panics
/// If it is incomplete, or bytes follow it.
pub fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::with_capacity(packed.len() * 8);
    let mut decoder = flate2::bufread::GzDecoder::new(packed);
    decoder.read_to_end(&mut unpacked).expect("a whole answer");
    assert!(decoder.into_inner().is_empty(), "nothing follows a whole answer");
    unpacked
}

/// The value of a header; its name is compared without case.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
