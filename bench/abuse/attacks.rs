//! The abuses. Each is limited in number, and ends when it is asked to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use campfire::protocol::{ClientCommand, Cursor};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Site;
use crate::meter::http::{call, request};
use crate::meter::{sign_in_form, uuid};
use crate::others::status;

/// The number of the attacker among the people.
const ATTACKER: usize = 1;

/// Requests of large pages that are never read.
const UNREAD_PAGES: usize = 200;

/// Sockets that are never read: about as many as one person may have.
const UNREAD_SOCKETS: usize = 48;

/// Connections on which nothing is sent, and those on which half of a head is.
const SILENT: usize = 500;
const HALF: usize = 250;

/// Clients that post and preview hostile code, and the pause of each after an answer.
const COLOURING_CLIENTS: usize = 4;
const COLOURING_PAUSE: Duration = Duration::from_millis(200);

/// Connections that try passwords.
const PASSWORD_CLIENTS: usize = 100;

/// The receive buffer of a connection that is not read: the kernel's minimum.
const UNREAD_BUFFER_BYTES: u32 = 4 * 1_024;

/// After this time a request of the attacker's is given up.
const GIVE_UP: Duration = Duration::from_secs(10);

/// An abuse that is going on.
pub struct Attack {
    workload: String,
    /// Connections that are held open.
    held: Vec<TcpStream>,
    /// What goes on until the end.
    tasks: JoinSet<()>,
    counts: Arc<Counts>,
}

/// The answers that the attacker received.
#[derive(Default)]
struct Counts {
    taken: AtomicUsize,
    refused: AtomicUsize,
    unanswered: AtomicUsize,
}

impl Counts {
    fn count(&self, answer: Option<u16>) {
        let count = match answer {
            Some(200..400) => &self.taken,
            Some(_) => &self.refused,
            None => &self.unanswered,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Attack {
    fn new(workload: String) -> Self {
        Self { workload, held: Vec::new(), tasks: JoinSet::new(), counts: Arc::default() }
    }

    /// Ends it. Returns its name and what became of it.
    pub async fn end(mut self) -> (String, String) {
        self.tasks.shutdown().await;
        let mut closed_count = 0;
        for stream in &mut self.held {
            closed_count += usize::from(is_closed(stream));
        }
        let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let outcome = if self.held.is_empty() {
            let Counts { taken, refused, unanswered } = &*self.counts;
            format!("attacker: {} taken, {} refused, {} unanswered", count(taken), count(refused), count(unanswered))
        } else {
            let held_count = self.held.len();
            format!("attacker: {closed_count} of {held_count} connections closed by the server")
        };
        (self.workload, outcome)
    }
}

/// Whether the server has closed a connection. Discards what can be read of it.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 64 * 1_024];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

async fn connect_unread(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(UNREAD_BUFFER_BYTES).expect("a small buffer");
    socket.connect(address.parse().expect("an address")).await.expect("the server listens")
}

/// Asks for pages of large messages, a different one each time, and reads nothing.
pub async fn unread_pages(site: &Arc<Site>) -> Attack {
    let mut attack = Attack::new(format!("{UNREAD_PAGES} requests of large pages that are never read"));
    for number in 0..UNREAD_PAGES {
        let message_id = site.large_ids[number % site.large_ids.len()];
        let path = format!("/rooms/{}/@{message_id}", site.room_id);
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n\r\n", site.address(), site.cookie(ATTACKER));
        let mut stream = connect_unread(site.address()).await;
        // A server that limits connections may have closed this one already.
        let _ = stream.write_all(head.as_bytes()).await;
        attack.held.push(stream);
    }
    attack
}

/// Opens sockets that ask for all that changed, half of them for more than is sent one by one, and reads nothing.
pub async fn unread_catch_up(site: &Arc<Site>) -> Attack {
    let workload = format!("{UNREAD_SOCKETS} sockets that catch up with large messages and read nothing");
    let mut attack = Attack::new(workload);
    for number in 0..UNREAD_SOCKETS {
        let cursor = if number % 2 == 0 { &site.before_all } else { &site.before_some };
        attack.held.push(focus(site, site.cookie(ATTACKER), cursor).await);
    }
    // What is posted meanwhile waits for the sockets as well.
    for _ in 0..20 {
        let body = format!(
            r#"{{"room_id":{},"client_message_id":"{}","body":"{}"}}"#,
            site.room_id,
            uuid(),
            "plain words ".repeat(2_600)
        );
        let (head, body) = call(site.cookie(ATTACKER), "messages/post", body);
        let request = request(site.address(), &(head + "connection: close\r\n"), &body);
        let answer = timeout(GIVE_UP, status(site.address(), &request)).await;
        attack.counts.count(answer.ok().and_then(Result::ok));
    }
    attack
}

/// Opens a socket and sends `focus`.
async fn focus(site: &Arc<Site>, cookie: &str, cursor: &Cursor) -> TcpStream {
    let address = site.address();
    let mut stream = connect_unread(address).await;
    let head = format!(
        "GET /cable HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: {cookie}\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let command = ClientCommand::Focus { room_id: site.room_id, cursor: cursor.clone() };
    let text = serde_json::to_string(&command).expect("commands are JSON");
    let mut frame = vec![0x81];
    match u16::try_from(text.len()).expect("a command is short") {
        length @ 0..=125 => frame.push(0x80 | length.to_be_bytes()[1]),
        length => {
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    // The masking key is 0, so that the payload is as it is.
    frame.extend([0; 4]);
    frame.extend(text.bytes());
    let _ = stream.write_all(&[head.as_bytes(), &frame].concat()).await;
    stream
}

/// Connects and sends nothing, or half of a head.
pub async fn silent(site: &Arc<Site>) -> Attack {
    let mut attack = Attack::new(format!("{SILENT} silent connections, and {HALF} with half of a head"));
    for number in 0..SILENT + HALF {
        let Ok(mut stream) = TcpStream::connect(site.address()).await else { continue };
        if number >= SILENT {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\ncookie: ").await;
        }
        attack.held.push(stream);
    }
    attack
}

/// Posts and previews code that takes long to colour, of many languages.
pub fn colouring(site: &Arc<Site>) -> Attack {
    let mut attack = Attack::new(format!("{COLOURING_CLIENTS} clients that post and preview hostile code"));
    for client in 0..COLOURING_CLIENTS {
        let site = site.clone();
        let counts = attack.counts.clone();
        attack.tasks.spawn(async move {
            for number in client.. {
                let text = hostile_code(number);
                let (head, body) = if number % 2 == 0 {
                    let quoted = serde_json::to_string(&text).expect("a text is JSON");
                    let (room_id, id) = (site.room_id, uuid());
                    let body = format!(r#"{{"room_id":{room_id},"client_message_id":"{id}","body":{quoted}}}"#);
                    call(site.cookie(ATTACKER), "messages/post", body)
                } else {
                    let path = format!("/rooms/{}/messages/preview", site.room_id);
                    form(site.cookie(ATTACKER), &path, &[("body", &text)])
                };
                let request = request(site.address(), &(head + "connection: close\r\n"), &body);
                let answer = timeout(GIVE_UP, status(site.address(), &request)).await;
                counts.count(answer.ok().and_then(Result::ok));
                sleep(COLOURING_PAUSE).await;
            }
        });
    }
    attack
}

/// Code on which a grammar takes long.
fn hostile_code(number: usize) -> String {
    const LANGUAGES: [&str; 12] =
        ["sv", "php", "less", "scss", "markdown", "js", "rust", "python", "ruby", "perl", "html", "sql"];
    let language = LANGUAGES[number / 2 % LANGUAGES.len()];
    let line = match number % 5 {
        0 => "@a(".repeat(332),
        1 => "<<<A ".repeat(190),
        2 => "((((((((((".repeat(99),
        3 => "a\"'`/*".repeat(140),
        _ => "[x](".repeat(240),
    };
    format!("```{language}\n{}```", format!("{line}\n").repeat(12))
}

/// Tries wrong passwords, each from another address, and joins with a taken e-mail address.
pub fn passwords(site: &Arc<Site>) -> Attack {
    let mut attack = Attack::new(format!("{PASSWORD_CLIENTS} connections that try passwords"));
    for client in 0..PASSWORD_CLIENTS {
        let site = site.clone();
        let counts = attack.counts.clone();
        attack.tasks.spawn(async move {
            for number in 0_usize.. {
                let (head, body) = if client % 2 == 0 {
                    let person = &site.data.viewers[number % site.data.viewers.len()];
                    let (head, body) = sign_in_form(&person.email_address);
                    // Longer by nothing, and wrong.
                    (head, body.replace("horse", "house"))
                } else {
                    let fields = [
                        ("_method", "put"),
                        ("name", "Mallory"),
                        ("email_address", "mallory@example.com"),
                        ("present_password", "wrong horse"),
                        ("password", "another horse battery"),
                    ];
                    form(site.cookie(ATTACKER), "/users/me/profile", &fields)
                };
                let from = format!("x-forwarded-for: 198.18.{}.{}\r\n", client + 1, number % 250 + 1);
                let request = request(site.address(), &(head + &from + "connection: close\r\n"), &body);
                let answer = timeout(GIVE_UP, status(site.address(), &request)).await;
                counts.count(answer.ok().and_then(Result::ok));
                // So that a server that refuses at once is not measured as a server that is busy refusing.
                sleep(Duration::from_millis(100)).await;
            }
        });
    }
    attack
}

/// The head and body of a form.
fn form(cookie: &str, path: &str, fields: &[(&str, &str)]) -> (String, String) {
    let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let head = format!(
        "POST {path} HTTP/1.1\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {}\r\n",
        body.len()
    );
    (head, body)
}
