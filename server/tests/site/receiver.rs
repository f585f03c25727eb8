//! A real receiver of webhooks on this machine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The behaviour of a test receiver.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status, a content type (none if empty) and a body.
    Of(u16, &'static str, &'static [u8]),
    /// A text for the caller of a command alone.
    OnlyMe(&'static str),
    /// Nothing, for ever.
    Hang,
    /// A status without a body, after a second.
    Slow(u16),
    /// A head, and then a byte now and then.
    Drip,
    /// A gigabyte of compressed zeros, as far as it is read.
    Bomb,
    /// A redirect to another path of itself.
    Redirect,
}

/// A request that a receiver got.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A receiver of webhooks, with its answers; the last one is repeated.
pub struct Receiver {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl Receiver {
    pub async fn new(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.to_vec()));
        let receiver = Self { url, received: received.clone(), answers: answers.clone() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, answers) = (received.clone(), answers.clone());
                tokio::spawn(async move {
                    let _ = serve(stream, &received, &answers).await;
                });
            }
        });
        receiver
    }

    pub fn answer_from_now_on(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![answer];
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Returns once so many requests were received, whether they are answered or not.
    pub async fn received_count(&self, count: usize) {
        while self.received().len() < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    received: &Mutex<Vec<Received>>,
    answers: &Mutex<Vec<Answer>>,
) -> std::io::Result<()> {
    let request = read_request(&mut stream).await?;
    received.lock().unwrap().push(request);
    let answer = {
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
    };
    match answer {
        Answer::Of(status, content_type, body) => {
            let kind =
                if content_type.is_empty() { String::new() } else { format!("content-type: {content_type}\r\n") };
            let head = format!("HTTP/1.1 {status} X\r\n{kind}content-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body).await?;
        }
        Answer::OnlyMe(text) => {
            let kind = "content-type: text/plain\r\nx-campfire-visible: only-me";
            let head = format!("HTTP/1.1 200 X\r\n{kind}\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            stream.write_all(head.as_bytes()).await?;
        }
        Answer::Redirect => {
            stream
                .write_all(b"HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/other\r\ncontent-length: 0\r\n\r\n")
                .await?;
        }
        Answer::Slow(status) => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
        }
        Answer::Hang => tokio::time::sleep(Duration::from_secs(60)).await,
        Answer::Drip => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Answer::Bomb => {
            let head = b"HTTP/1.1 200 X\r\ncontent-type: text/plain\r\ncontent-length: 1073741824\r\n\r\n";
            stream.write_all(head).await?;
            let zeros = vec![b'0'; 1024 * 1024];
            for _ in 0..1024 {
                stream.write_all(&zeros).await?;
            }
        }
    }
    stream.shutdown().await
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Received> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
            let headers: HashMap<_, _> = lines
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .collect();
            if body.len() >= headers["content-length"].parse().unwrap() {
                return Ok(Received { path, headers, body: body.to_owned() });
            }
        }
        let count = stream.read(&mut chunk).await?;
        // The beginning of TLS, which is not spoken here.
        if count == 0 || (bytes.is_empty() && chunk[0] == 0x16) {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
}
