//! A mail server on this machine, which keeps what it receives.

use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use mailin::response::{NO_MAILBOX, OK};
use mailin::{Action, Handler, Response, SessionBuilder};

/// How long a mail is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A running server. It ends with the process.
#[derive(Debug)]
pub struct MailServer {
    /// Its URL.
    pub url: String,
    received: Receiver<ReceivedMail>,
}

/// A mail as it was received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedMail {
    /// The recipient of the envelope.
    pub recipient: String,
    /// The mail, headers and all.
    pub content: String,
}

impl MailServer {
    /// Starts a server that takes mail for everybody but `refused@…`.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn start() -> io::Result<Self> {
        Self::start_at(0)
    }

    /// The same at this port.
    ///
    /// # Errors
    /// When no socket can be opened.
    pub fn start_at(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let url = format!("smtp://{}", listener.local_addr()?);
        let (send, received) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inbox = Inbox { send: send.clone(), mail: ReceivedMail::default() };
                // A connection that breaks off concerns its client alone.
                std::thread::spawn(move || serve(stream, inbox).is_ok());
            }
        });
        Ok(Self { url, received })
    }

    /// Waits for the next mail.
    ///
    /// # Errors
    /// When none comes.
    pub fn receive(&self) -> io::Result<ReceivedMail> {
        self.received.recv_timeout(TIMEOUT).map_err(io::Error::other)
    }

    /// Whether no mail has come that was not received yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.received.try_recv().is_err()
    }
}

fn serve(mut stream: TcpStream, inbox: Inbox) -> io::Result<()> {
    let mut session = SessionBuilder::new("mail.test").build(stream.peer_addr()?.ip(), inbox);
    session.greeting().write_to(&mut stream)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        let response = session.process(&line);
        line.clear();
        match response.action {
            Action::NoReply => {}
            Action::Close => return response.write_to(&mut stream),
            Action::Reply | Action::UpgradeTls => response.write_to(&mut stream)?,
        }
    }
    Ok(())
}

struct Inbox {
    send: Sender<ReceivedMail>,
    mail: ReceivedMail,
}

impl Handler for Inbox {
    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        self.mail = ReceivedMail::default();
        OK
    }

    fn rcpt(&mut self, to: &str) -> Response {
        if to.starts_with("refused@") {
            return NO_MAILBOX;
        }
        to.clone_into(&mut self.mail.recipient);
        OK
    }

    fn data(&mut self, line: &[u8]) -> io::Result<()> {
        self.mail.content.push_str(&String::from_utf8_lossy(line));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        // Nobody waits any more for what comes after the test.
        let _ = self.send.send(std::mem::take(&mut self.mail));
        OK
    }
}
