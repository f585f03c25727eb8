//! A TCP connection that ends when its client reads nothing.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long the kernel sends data to a client that acknowledges nothing before it ends the connection: the client has
/// vanished. Holds for WebSockets too.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// How much that is not sent yet the kernel takes for a connection, in bytes. A connection accepts more once half of it
/// is sent, so a client that reads less than that within the write timeout reads nothing.
const MAX_UNSENT_BYTES: u32 = 64 * 1024;

/// A connection whose writes fail once the client has accepted nothing for `timeout`. Without this, a response that
/// nobody reads would stay in memory for as long as the client likes.
#[derive(Debug)]
pub struct Timed {
    tcp: TcpStream,
    timeout: Duration,
    /// Runs while the connection accepts nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    /// Takes over an accepted connection.
    #[must_use]
    pub fn new(tcp: TcpStream, timeout: Duration) -> Self {
        set_options(&tcp);
        Self { tcp, timeout, stalled: None }
    }

    /// The result of a write, which is an error if the connection has accepted nothing for too long.
    fn in_time<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let timeout = self.timeout;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(timeout))).as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client reads nothing")))
    }
}

/// For the WebSocket that the connection becomes, which has its own write timeout.
impl From<Timed> for TcpStream {
    fn from(stream: Timed) -> Self {
        stream.tcp
    }
}

/// Sets what matters to every connection. A failure changes only how soon a useless connection ends.
fn set_options(tcp: &TcpStream) {
    // With Nagle's algorithm, the second part of a page would wait up to 40 ms for the acknowledgement of the first.
    let _ = tcp.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        let socket = SockRef::from(tcp);
        let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
        let _ = socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES);
    }
}

impl AsyncRead for Timed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(context, buffers);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair(timeout: Duration) -> (TcpStream, Timed) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (client, Timed::new(listener.accept().await.unwrap().0, timeout))
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_vanished_client_is_noticed_by_the_kernel_also_after_an_upgrade() {
        let (_client, stream) = pair(Duration::from_secs(1)).await;
        let tcp = TcpStream::from(stream);
        let socket = SockRef::from(&tcp);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), MAX_UNSENT_BYTES);
        assert!(tcp.nodelay().unwrap());
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_ends_the_connection() {
        let (_client, mut stream) = pair(Duration::from_millis(50)).await;
        let endless = vec![0; 64 * 1024];
        let error = loop {
            if let Err(error) = stream.write_all(&endless).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_everything() {
        const TOTAL: usize = 24 * 1024 * 1024;
        let (mut client, mut stream) = pair(Duration::from_secs(2)).await;
        let writing = tokio::spawn(async move { stream.write_all(&vec![7; TOTAL]).await });
        let mut buffer = vec![0; 512 * 1024];
        let mut count = 0;
        while count < TOTAL {
            // In total longer than the timeout of one write.
            tokio::time::sleep(Duration::from_millis(50)).await;
            count += client.read(&mut buffer).await.unwrap();
        }
        assert_eq!((count, writing.await.unwrap().is_ok()), (TOTAL, true));
    }
}
