//! What every measuring program needs: the executable on a port of its own, connections that check what they are told,
//! and people who sign in.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

/// The executable on a port of its own, pinned to the first core where `taskset` can. Dropping it ends it.
pub struct Server {
    process: Child,
    pub address: String,
}

impl Server {
    pub fn start(executable: &str, folder: &Path) -> Self {
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        Self::start_at(executable, folder, format!("127.0.0.1:{port}"))
    }

    /// Starts it where it was before, for those who come back.
    pub fn start_at(executable: &str, folder: &Path, address: String) -> Self {
        let mut command = Command::new("taskset");
        command.args(["-c", "0", executable]);
        if Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_err() {
            command = Command::new(executable);
        }
        command.args(["--listen", &address, "--data"]).arg(folder).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("the executable starts");
        let mut lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("it says something").expect("in words");
        assert!(line.starts_with("Campfire is listening on"), "{line}");
        Self { process, address }
    }

    /// What the system knows the process by.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to end, as an operator does, and waits until it has.
    pub fn end(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "the signal is sent");
        let ended = self.process.wait().expect("its end is told");
        assert!(ended.success(), "it ends in order: {ended}");
    }

    /// The time it has worked, as user and in the kernel.
    pub fn cpu(&self) -> Duration {
        let mut stat = String::new();
        let path = format!("/proc/{}/stat", self.process.id());
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut stat)).expect("Linux tells");
        // The name in brackets may hold blanks; what follows counts from the third field. A tick is 10 ms.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 = [11, 12].map(|index: usize| fields[index].parse::<u64>().expect("a number")).iter().sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Signs somebody in by the front door; answers with the cookie of their session.
pub async fn sign_in(address: &str, email_address: &str) -> String {
    let body: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email_address", email_address), ("password", PASSWORD)])
        .finish();
    let head = format!(
        "POST /session HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
        body.len()
    );
    let answer = HttpConnection::open(address).await.ask(address, &head, &body).await;
    assert_eq!(answer.status, 303, "{email_address} signs in");
    let cookie = field(&answer.head, "set-cookie").expect("a cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// A kept-alive connection that takes compressed answers.
pub struct HttpConnection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    /// Unpacked.
    pub body: Vec<u8>,
    /// As it came over the wire, without the head.
    pub wire_bytes: usize,
}

impl HttpConnection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket's option");
        Self { stream, buffer: Vec::new() }
    }

    /// `head` is the first line and the headers that matter here, each with its end.
    pub async fn ask(&mut self, address: &str, head: &str, body: &str) -> Answer {
        let request = format!("{head}host: {address}\r\naccept-encoding: gzip\r\n\r\n{body}");
        self.stream.write_all(request.as_bytes()).await.expect("a request");
        let end = self.read_until(b"\r\n\r\n").await;
        let head = String::from_utf8(self.buffer.drain(..end).collect()).expect("a head is text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let field = |name: &str| field(&head, name);
        let packed = match field("content-length").map(|length| length.parse().expect("a length")) {
            Some(length) => self.read(length).await,
            None if field("transfer-encoding") == Some("chunked") => self.read_chunks().await,
            None => Vec::new(),
        };
        let wire_bytes = packed.len();
        let body = if field("content-encoding") == Some("gzip") {
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut unpacked).expect("a whole answer");
            unpacked
        } else {
            packed
        };
        Answer { status, head, body, wire_bytes }
    }

    async fn read_until(&mut self, mark: &[u8]) -> usize {
        loop {
            if let Some(at) = self.buffer.windows(mark.len()).position(|window| window == mark) {
                return at + mark.len();
            }
            self.more().await;
        }
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            self.more().await;
        }
        self.buffer.drain(..length).collect()
    }

    async fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = self.read_until(b"\r\n").await;
            let line: Vec<u8> = self.buffer.drain(..end).collect();
            let length = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let length = length.expect("a length");
            body.extend(self.read(length).await);
            self.read(2).await;
            if length == 0 {
                return body;
            }
        }
    }

    async fn more(&mut self) {
        let mut piece = [0; 16 * 1_024];
        let count = self.stream.read(&mut piece).await.expect("an answer");
        assert!(count > 0, "the server hung up in the middle");
        self.buffer.extend_from_slice(&piece[..count]);
    }
}

/// The value of a header, however its name is written.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// A fresh id for a message.
pub fn uuid() -> String {
    uuid::Uuid::now_v7().to_string()
}
