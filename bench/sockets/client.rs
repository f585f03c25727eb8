//! A minimal WebSocket client: one core receives for ten thousand of them.
//!
//! It supports what the server sends: unfragmented text frames without a mask, and the close frame.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};

use crate::meter::http::field;

/// The example key of RFC 6455, section 1.3, and the response to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPTED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 1;
const CLOSE: u8 = 8;

/// The mask of sent frames. A browser's is random to protect proxies; there is no proxy here.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

thread_local! {
    /// The read buffer of all sockets; a socket itself keeps only the bytes of an incomplete frame.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 64 * 1_024].into_boxed_slice());
}

/// An open connection.
pub struct Socket {
    stream: TcpStream,
    /// The bytes of an incomplete frame.
    pending: Vec<u8>,
}

impl Socket {
    /// Connects with this cookie. `receive_buffer_bytes` sets the kernel's receive buffer; `None` leaves its default.
    pub async fn open(address: &str, cookie: &str, receive_buffer_bytes: Option<u32>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut stream = socket.connect(address.parse().expect("an address")).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /cable HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: {cookie}\r\n\
             connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, pending: Vec::new() };
        socket.shake_hands().await?;
        Ok(socket)
    }

    async fn shake_hands(&mut self) -> io::Result<()> {
        let end = loop {
            if let Some(at) = self.pending.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            let pending = &mut self.pending;
            if !read(&mut self.stream, |bytes| pending.extend_from_slice(bytes)).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8(self.pending.drain(..end).collect()).map_err(io::Error::other)?;
        if !head.starts_with("HTTP/1.1 101 ") || field(&head, "sec-websocket-accept") != Some(ACCEPTED) {
            return Err(io::Error::other(head));
        }
        Ok(())
    }

    /// Sends a text of less than 64 KiB.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        let mut frame = vec![0x80 | TEXT];
        match u16::try_from(text.len()).expect("it is short") {
            length @ 0..=125 => frame.push(0x80 | length.to_be_bytes()[1]),
            length => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(text.bytes().zip(MASK.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.stream.write_all(&frame).await
    }

    /// Waits for more bytes and passes every complete frame to `each`. Returns whether the connection is still open.
    pub async fn receive(&mut self, mut each: impl FnMut(&str)) -> io::Result<bool> {
        let stream = &mut self.stream;
        let pending = &mut self.pending;
        let mut open = true;
        if !pending.is_empty() {
            // Bytes that arrived together with the handshake's response, or after the frame that was waited for.
            let used = take_frames(pending, &mut open, &mut each);
            pending.drain(..used);
            if used > 0 {
                return Ok(open);
            }
        }
        let came = read(stream, |bytes| {
            if pending.is_empty() {
                let used = take_frames(bytes, &mut open, &mut each);
                pending.extend_from_slice(&bytes[used..]);
            } else {
                pending.extend_from_slice(bytes);
                let used = take_frames(pending, &mut open, &mut each);
                pending.drain(..used);
            }
        });
        Ok(came.await? && open)
    }
}

/// Waits until bytes are available and reads them. Returns `false` at the end of the connection.
async fn read(stream: &mut TcpStream, mut take: impl FnMut(&[u8])) -> io::Result<bool> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            let bytes = buffer.filled();
            take(bytes);
            Poll::Ready(Ok(!bytes.is_empty()))
        })
    })
    .await
}

/// Passes the complete frames at the beginning to `each`. Returns how many bytes they took.
fn take_frames(bytes: &[u8], open: &mut bool, each: &mut impl FnMut(&str)) -> usize {
    let mut used = 0;
    while let Some((kind, payload, length)) = first_frame(&bytes[used..]) {
        match kind {
            TEXT => each(std::str::from_utf8(payload).expect("a text frame is text")),
            CLOSE => *open = false,
            other => panic!("The server has no use for frames of kind {other}."),
        }
        used += length;
    }
    used
}

/// The first frame, if it is complete: its opcode, its payload, and its length with the header.
fn first_frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    assert!(first & 0x80 != 0 && second & 0x80 == 0, "the server's frames are in one piece and not masked");
    let (payload, head_bytes) = match second {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (rest.get(..usize::from(u16::from_be_bytes(*length)))?, 4)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (rest.get(..usize::try_from(u64::from_be_bytes(*length)).expect("it fits in memory"))?, 10)
        }
        length => (rest.get(..usize::from(length))?, 2),
    };
    Some((first & 0x0f, payload, head_bytes + payload.len()))
}
