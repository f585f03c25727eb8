//! What frames are written to.

use std::io::{self, IoSlice};

use socket2::SockRef;
use tokio::net::TcpStream;

/// A connection that any task can write to, without waiting.
pub trait Transport: Send + Sync {
    /// Writes as many bytes of `buffers`, in their order, as the connection takes now, and returns how many.
    ///
    /// # Errors
    /// `WouldBlock` if it takes none now; anything else if the peer is gone.
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// A TCP connection.
#[derive(Debug)]
pub struct Tcp(pub(crate) TcpStream);

impl Tcp {
    /// Waits until the connection takes more, after [`Transport::try_write`] returned `WouldBlock`. Returns `false` if
    /// the peer is gone.
    pub async fn writable(&self) -> bool {
        self.0.writable().await.is_ok()
    }
}

impl Transport for Tcp {
    fn try_write(&self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        // Straight to the system call. tokio would look first at what it noted of the socket's readiness, which lies
        // elsewhere in memory: half a millisecond of cache misses for a message to a thousand sockets.
        let socket = SockRef::from(&self.0);
        let written = match buffers {
            [buffer] => socket.send(buffer),
            _ => socket.send_vectored(buffers),
        };
        match written {
            // Through tokio once more, to clear its note: otherwise `writable` would return at once.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.0.try_write_vectored(buffers),
            written => written,
        }
    }
}
