//! The connection that hyper serves: TCP, or TLS over TCP, whose refusals have words.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;
use websocket::Tcp;

use super::refusals;
use super::timed::Timed;

/// A connection. What hyper refuses without words is refused with words.
#[derive(Debug)]
pub struct Stream {
    io: Io,
    /// What remains to be written in place of a refusal without words.
    refusal: Option<&'static [u8]>,
}

#[derive(Debug)]
enum Io {
    Plain(Timed),
    /// Boxed: the state of TLS is a kilobyte.
    Tls(Box<TlsStream<Timed>>),
}

impl From<Timed> for Stream {
    fn from(stream: Timed) -> Self {
        Self { io: Io::Plain(stream), refusal: None }
    }
}

impl From<TlsStream<Timed>> for Stream {
    fn from(stream: TlsStream<Timed>) -> Self {
        Self { io: Io::Tls(Box::new(stream)), refusal: None }
    }
}

impl Stream {
    /// Writes `refusal` in place of these bytes, which count as written once it is.
    fn poll_refuse(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        mut refusal: &'static [u8],
    ) -> Poll<io::Result<usize>> {
        while !refusal.is_empty() {
            self.refusal = Some(refusal);
            let count = ready!(self.io().poll_write(context, refusal))?;
            refusal = &refusal[count..];
        }
        self.refusal = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn io(&mut self) -> Pin<&mut dyn ReadWrite> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream),
            Io::Tls(stream) => Pin::new(&mut **stream),
        }
    }
}

trait ReadWrite: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> ReadWrite for T {}

/// For the WebSocket that the connection becomes.
impl From<Stream> for Tcp {
    fn from(stream: Stream) -> Self {
        match stream.io {
            Io::Plain(stream) => Self::from(tokio::net::TcpStream::from(stream)),
            Io::Tls(stream) => {
                let (stream, connection) = stream.into_inner();
                Self::from((stream.into(), connection))
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.refusal.or_else(|| refusals::in_words(bytes)) {
            Some(refusal) => self.poll_refuse(context, bytes, refusal),
            None => self.io().poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal is one buffer.
        let mut filled = buffers.iter().filter(|buffer| !buffer.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(context, only);
        }
        self.io().poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(stream) => stream.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(context)
    }
}
