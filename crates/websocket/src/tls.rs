//! TLS below a WebSocket: encrypts what any task writes, without waiting.

use std::io::{self, IoSlice, Read, Write};

use rustls::ServerConnection;
use tokio::net::TcpStream;

/// How much is encrypted before it is given to the kernel, in bytes: the largest record of TLS (RFC 8446, section 5.1).
const RECORD_BYTES: usize = 16 * 1024;

/// The state of an encrypted connection.
///
/// A record cannot be taken back: once bytes are encrypted, they are to be sent, even if the kernel takes no more. So that
/// the caller comes back when it does, the last of these bytes counts as not written until its record is.
#[derive(Debug)]
pub(crate) struct Tls {
    connection: ServerConnection,
    /// Whether the first byte of the next call of [`Tls::try_write`] is in a record already.
    is_first_encrypted: bool,
}

impl Tls {
    pub(crate) fn new(connection: ServerConnection) -> Self {
        Self { connection, is_first_encrypted: false }
    }

    /// Like [`Transport::try_write`](crate::Transport::try_write).
    pub(crate) fn try_write(&mut self, stream: &TcpStream, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush(stream)?;
        let mut skipped = usize::from(self.is_first_encrypted);
        let mut accepted = skipped;
        let mut unsent = 0;
        for buffer in buffers {
            let mut rest = &buffer[skipped.min(buffer.len())..];
            skipped -= buffer.len() - rest.len();
            while !rest.is_empty() {
                let piece;
                (piece, rest) = rest.split_at(rest.len().min(RECORD_BYTES - unsent));
                self.connection.writer().write_all(piece)?;
                unsent += piece.len();
                accepted += piece.len();
                if unsent == RECORD_BYTES {
                    unsent = 0;
                    if !self.sent(stream)? {
                        return self.all_but_the_last(accepted);
                    }
                }
            }
        }
        if unsent > 0 && !self.sent(stream)? {
            return self.all_but_the_last(accepted);
        }
        self.is_first_encrypted = false;
        Ok(accepted)
    }

    fn all_but_the_last(&mut self, accepted: usize) -> io::Result<usize> {
        self.is_first_encrypted = true;
        match accepted - 1 {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    /// Sends the records; `false` if the kernel takes no more.
    fn sent(&mut self, stream: &TcpStream) -> io::Result<bool> {
        match self.flush(stream) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn flush(&mut self, stream: &TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(&mut Wire(stream))?;
        }
        Ok(())
    }

    /// Whether something is decrypted and not read yet.
    pub(crate) fn has_plaintext(&mut self) -> bool {
        self.connection.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() > 0)
    }

    /// Reads what has arrived; 0 at the end of the connection.
    pub(crate) fn try_read(&mut self, stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An end without the alert that announces it: the socket is over all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if self.connection.read_tls(&mut Wire(stream))? == 0 {
                return Ok(0);
            }
            let processed = self.connection.process_new_packets();
            // Answers of the protocol itself, like an alert. What the kernel does not take goes before the next frame.
            self.sent(stream)?;
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    /// Announces the end of the connection, if the kernel takes that at once.
    pub(crate) fn close(&mut self, stream: &TcpStream) {
        self.connection.send_close_notify();
        let _ = self.sent(stream);
    }
}

/// The connection as rustls reads and writes it.
struct Wire<'s>(&'s TcpStream);

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
