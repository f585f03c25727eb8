//! What frames are written to.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::ServerConnection;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::tls::Tls;

/// A connection that any task can write to, without waiting.
pub trait Transport: Send + Sync {
    /// Writes as many bytes of `buffers`, in their order, as the connection takes now, and returns how many.
    ///
    /// Bytes that are not written must come again, as the first ones of the next call.
    ///
    /// # Errors
    /// `WouldBlock` if it takes none now; anything else if the peer is gone.
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// A TCP connection, encrypted by TLS or not.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    tls: Option<Box<Mutex<Tls>>>,
}

impl From<TcpStream> for Tcp {
    fn from(stream: TcpStream) -> Self {
        Self { stream, tls: None }
    }
}

/// A connection after the handshake of TLS.
impl From<(TcpStream, ServerConnection)> for Tcp {
    fn from((stream, connection): (TcpStream, ServerConnection)) -> Self {
        Self { stream, tls: Some(Box::new(Mutex::new(Tls::new(connection)))) }
    }
}

impl Tcp {
    /// Waits until the connection takes more, after [`Transport::try_write`] returned `WouldBlock`. Returns `false` if
    /// the peer is gone.
    pub async fn writable(&self) -> bool {
        self.stream.writable().await.is_ok()
    }

    /// The TCP connection, for its options.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }

    /// Waits until something can be read, or the connection has ended.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        // What TLS has decrypted already makes no socket readable.
        if self.lock().is_some_and(|mut tls| tls.has_plaintext()) {
            return Ok(());
        }
        self.stream.readable().await
    }

    /// Reads what has arrived; 0 at the end of the connection.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.lock() {
            Some(mut tls) => tls.try_read(&self.stream, buffer),
            None => self.stream.try_read(buffer),
        }
    }

    /// Ends the sending side.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        if let Some(mut tls) = self.lock() {
            tls.close(&self.stream);
        }
        self.socket().shutdown(Shutdown::Write)
    }

    fn lock(&self) -> Option<MutexGuard<'_, Tls>> {
        // A connection whose lock is poisoned fails by itself at its next record.
        self.tls.as_ref().map(|tls| tls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Transport for Tcp {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Some(mut tls) = self.lock() {
            return tls.try_write(&self.stream, buffers);
        }
        // Straight to the system call. tokio would look first at what it noted of the socket's readiness, which lies
        // elsewhere in memory: half a millisecond of cache misses for a message to a thousand sockets.
        let socket = self.socket();
        let written = match buffers {
            [buffer] => socket.send(buffer),
            _ => socket.send_vectored(buffers),
        };
        match written {
            // Through tokio once more, to clear its note: otherwise `writable` would return at once.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.try_write_vectored(buffers),
            written => written,
        }
    }
}
