//! A push service on this machine: checks what it is sent as a strict one does, decrypts it, and answers what it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use campfire::model::PushSubscriptionId;
use campfire::ops::pushes::{Registered, Registration};
use campfire::{AppResult, ops};
use push::{Claim, Inbox, KeyPair, encode_key};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Someone, TestSite};

/// The origin from which devices have the site.
pub const ORIGIN: &str = "https://chat.example";

/// What the push service answers.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    /// A status, with a `Retry-After`, if that is not empty.
    Of(u16, &'static str),
    /// Nothing, for ever.
    Hang,
    /// The end of the connection.
    Close,
    /// 413 for a body of more than this number of bytes, and else 201.
    UpTo(usize),
}

/// A push that was taken or refused.
#[derive(Clone, Debug)]
pub struct Received {
    /// The device.
    pub device: u8,
    pub ttl: i64,
    pub urgency: String,
    pub topic: String,
    pub subject: Option<String>,
    /// Whether the signature is valid now, and for this service.
    pub is_signed: bool,
    pub body_bytes: usize,
    /// The decrypted text.
    pub message: Value,
}

impl Received {
    pub fn title(&self) -> &str {
        self.message["notification"]["title"].as_str().unwrap()
    }

    pub fn body(&self) -> &str {
        self.message["notification"]["body"].as_str().unwrap()
    }
}

#[derive(Default)]
struct Shared {
    received: Vec<Received>,
    answers: HashMap<u8, Answer>,
    /// The public keys that may send, and the present time in seconds.
    sender: Vec<u8>,
    now_s: i64,
    origin: String,
}

pub struct PushService {
    origin: String,
    shared: Arc<Mutex<Shared>>,
}

/// The secrets of the device of this number.
pub fn inbox(device: u8) -> Inbox {
    Inbox::new(KeyPair::from_private_key(&[device + 1; 32]).unwrap(), [device; 16])
}

impl PushService {
    /// A push service that the site may reach.
    pub async fn new(site: &TestSite) -> Self {
        site.state.outgoing.permit_pushes(["127.0.0.0/8".parse().unwrap()]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let sender = ops::pushes::key_pair(&site.state).await.unwrap().public_key().to_vec();
        let now_s = site.state.clock.now_ms() / 1_000;
        let shared = Shared { sender, now_s, origin: origin.clone(), ..Shared::default() };
        let service = Self { origin, shared: Arc::new(Mutex::new(shared)) };
        let shared = service.shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        service
    }

    /// What the browser of this number registers with.
    pub fn registration(&self, device: u8) -> Registration {
        let inbox = inbox(device);
        Registration {
            endpoint: format!("{}/{device}", self.origin),
            p256dh: encode_key(&inbox.p256dh()),
            auth: encode_key(&inbox.auth()),
            server_key: String::new(),
            origin: ORIGIN.into(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0".into(),
            is_by_click: false,
        }
    }

    /// Registers the browser of this number, in the person's session.
    pub async fn try_register(&self, site: &TestSite, person: &Someone, device: u8) -> AppResult<Registered> {
        ops::pushes::register(&site.state, &person.current(), self.registration(device)).await
    }

    pub async fn register(&self, site: &TestSite, person: &Someone, device: u8) {
        assert_eq!(self.try_register(site, person, device).await, Ok(Registered::Done));
    }

    /// From now on, pushes to this device are answered so; 201 until then.
    pub fn answer(&self, device: u8, answer: Answer) {
        self.shared.lock().unwrap().answers.insert(device, answer);
    }

    /// What has arrived since the last call, in the order of the devices.
    pub fn received(&self) -> Vec<Received> {
        let mut received = std::mem::take(&mut self.shared.lock().unwrap().received);
        received.sort_by_key(|received| received.device);
        received
    }

    /// The devices that have got something since the last call.
    pub fn devices(&self) -> Vec<u8> {
        self.received().iter().map(|received| received.device).collect()
    }
}

/// The device of a person.
pub async fn device(site: &TestSite, person: &Someone) -> ops::pushes::PushDevice {
    let mut devices = ops::pushes::list(&site.state, &person.current()).await.unwrap();
    assert_eq!(devices.len(), 1);
    devices.remove(0)
}

/// Its id.
pub async fn device_id(site: &TestSite, person: &Someone) -> PushSubscriptionId {
    device(site, person).await.id
}

async fn serve(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) -> std::io::Result<()> {
    let Some((head, body)) = read_request(&mut stream).await? else { return Ok(()) };
    let mut lines = head.lines();
    let device = lines.next().and_then(|line| line.strip_prefix("POST /")?.split([' ', '?']).next()?.parse().ok());
    let Some(device) = device else {
        return stream.write_all(b"HTTP/1.1 405 X\r\ncontent-length: 0\r\n\r\n").await;
    };
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let answer = {
        let mut shared = shared.lock().unwrap();
        let claim = Claim::verify(&header("authorization"));
        let is_signed = claim.as_ref().is_ok_and(|claim| {
            let lifetime_s = claim.expires_at_s - shared.now_s;
            claim.audience == shared.origin && claim.public_key == shared.sender && (1..=86_400).contains(&lifetime_s)
        });
        let is_encrypted = header("content-encoding") == "aes128gcm" && body.len() <= 4_096;
        let text = inbox(device).decrypt(&body).ok().filter(|_| is_encrypted);
        let message = text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        shared.received.push(Received {
            device,
            ttl: header("ttl").parse().unwrap_or(-1),
            urgency: header("urgency"),
            topic: header("topic"),
            subject: claim.ok().and_then(|claim| claim.subject),
            is_signed,
            body_bytes: body.len(),
            message,
        });
        shared.answers.get(&device).copied().unwrap_or(Answer::Of(201, ""))
    };
    let (status, retry_after) = match answer {
        Answer::Of(status, retry_after) => (status, retry_after),
        Answer::Close => return Ok(()),
        Answer::Hang => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            return Ok(());
        }
        Answer::UpTo(max_bytes) => (if body.len() > max_bytes { 413 } else { 201 }, ""),
    };
    let pause = if retry_after.is_empty() { String::new() } else { format!("retry-after: {retry_after}\r\n") };
    stream.write_all(format!("HTTP/1.1 {status} X\r\n{pause}content-length: 0\r\n\r\n").as_bytes()).await?;
    stream.shutdown().await
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let end = at + 4 + length.unwrap_or(0);
            if bytes.len() >= end {
                return Ok(Some((head, bytes[at + 4..end].to_vec())));
            }
        }
        let mut chunk = [0; 4_096];
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}
