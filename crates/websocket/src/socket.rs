//! An open WebSocket.

use std::io;
use std::sync::Arc;

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{CloseCode, Message, Parser, Tcp};

/// How much the kernel may buffer of what the peer has not read, in bytes. What it does not take stays with the caller,
/// who can bound it and share it between sockets; left to itself, the kernel buffers megabytes for each.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// How much is read at once, in bytes: more than an interactive client sends in one go.
const READ_BYTES: usize = 4 * 1024;

/// How much [`WebSocket::linger`] discards, in bytes. A client that has not stopped by then is not going to.
const MAX_LINGER_BYTES: usize = 1024 * 1024;

/// An open WebSocket over TCP: receives messages, and gives out the [`Tcp`] to write to. Dropping both closes it.
#[derive(Debug)]
pub struct WebSocket {
    transport: Arc<Tcp>,
    parser: Parser,
}

impl WebSocket {
    /// Takes over a connection from hyper, with what the client has sent after its request; `None` unless hyper served
    /// it from an `S`.
    pub(crate) fn from_upgraded<S>(upgraded: Upgraded) -> Option<Self>
    where
        S: AsyncRead + AsyncWrite + Into<Tcp> + Send + Unpin + 'static,
    {
        let parts = upgraded.downcast::<TokioIo<S>>().ok()?;
        let transport: Tcp = parts.io.into_inner().into();
        if let Err(error) = transport.socket().set_send_buffer_size(SEND_BUFFER_BYTES) {
            tracing::debug!(%error, "the send buffer of a WebSocket keeps its size");
        }
        let mut parser = Parser::default();
        parser.push(&parts.read_buf);
        Some(Self { transport: Arc::new(transport), parser })
    }

    /// The connection, to write to from any task.
    #[must_use]
    pub fn transport(&self) -> Arc<Tcp> {
        self.transport.clone()
    }

    /// The next message, if all of it has been [received](Self::receive).
    ///
    /// # Errors
    /// The code to close the connection with: see [`Parser::next`].
    pub fn next(&mut self, limit: usize) -> Result<Option<Message>, CloseCode> {
        self.parser.next(limit)
    }

    /// Waits until bytes arrive, and reads them; `false` if the peer is gone. Nothing is lost when the future is dropped
    /// before it is ready.
    ///
    /// Take all there is from [`next`](Self::next) first: what was received before is kept until then.
    pub async fn receive(&mut self) -> bool {
        loop {
            if self.transport.readable().await.is_err() {
                return false;
            }
            match self.read() {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
    }

    /// Ends the connection once the last frame has been written: closes its sending side, then discards what arrives until
    /// the peer closes the other one, or has sent 1 MiB. The caller sets a time limit.
    ///
    /// A connection that is closed while bytes are unread is reset, and the peer may lose the last frame.
    pub async fn linger(self) {
        if self.transport.shut_down().is_err() {
            return;
        }
        let mut discarded = 0;
        while discarded < MAX_LINGER_BYTES && self.transport.readable().await.is_ok() {
            let mut buffer = [0; READ_BYTES];
            match self.transport.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => discarded += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        // On the stack, not in the socket: idle sockets would hold it too, and it would be most of their memory.
        let mut buffer = [0; READ_BYTES];
        let count = self.transport.try_read(&mut buffer)?;
        self.parser.push(&buffer[..count]);
        Ok(count)
    }
}
