//! A running executable with generated data, and the checks of its responses.
//!
//! A response is parsed completely the first time its bytes are received. For the same bytes and the same viewer only the
//! freshness is checked again, so that the checks cost less than what is measured.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use campfire::model::{ClientMessageId, Message, PAGE_SIZE, Posted, RoomId, UserId};
use campfire::protocol::MessagePage;
use tempfile::TempDir;

use crate::meter::data::{self, COMMON_WORD, Data};
use crate::meter::http::{HttpConnection, Packed, call, field, request, unpack};
use crate::meter::{Server, uuid};
use crate::rounds::{Asked, Client};

/// How many of the newest different responses are remembered per viewer: concurrent clients receive some of them late.
const REMEMBERED: usize = 16;

/// Maximum number of search results.
const MAX_FOUND: usize = 100;

/// The kinds of reading requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    Up,
    RoomPage,
    OlderMessages,
    Search,
}

/// A running executable with generated data.
pub struct Site {
    pub server: Server,
    pub data: Data,
    folder: TempDir,
    /// By viewer.
    room_pages: Vec<Mutex<Seen<Page>>>,
    other_answers: Mutex<Seen<()>>,
    journal: Mutex<Journal>,
    /// The newest message of the busy room whose post was acknowledged.
    newest_acknowledged: AtomicI64,
    /// Whether a post into the other room was acknowledged since the first viewer read it.
    other_room_unread: AtomicBool,
}

/// The posted messages, and those of them that were acknowledged.
#[derive(Default)]
struct Journal {
    /// The messages of the busy room and their HTML, in the order of the ids.
    busy_room: Vec<(i64, String)>,
    /// The ids of messages that were sent into the busy room and not acknowledged yet.
    on_the_way: HashSet<String>,
    acknowledged: Vec<Post>,
}

/// A post that was acknowledged.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Post {
    pub creator_id: UserId,
    pub room_id: RoomId,
    pub client_message_id: String,
    pub message_id: i64,
}

/// The least that a room page must show: what was acknowledged before it was requested.
#[derive(Clone, Copy)]
struct Expected {
    newest: i64,
    other_room_unread: bool,
}

/// The content of a parsed room page, as far as it is compared.
#[derive(Clone, Copy)]
pub struct Page {
    newest: i64,
    pub other_room_unread: bool,
}

/// Responses that were parsed completely, the newest last.
struct Seen<T>(Vec<(Box<[u8]>, T)>);

impl<T: Copy> Seen<T> {
    fn find_or(&mut self, body: &[u8], read: impl FnOnce(&[u8]) -> T) -> T {
        if let Some((_, known)) = self.0.iter().rev().find(|(seen, _)| **seen == *body) {
            return *known;
        }
        let known = read(body);
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((body.into(), known));
        known
    }
}

impl Site {
    /// Makes the data in a folder inside `parent` and starts the executable on it.
    pub async fn start(executable: &str, parent: &Path, people_count: usize, options: &[&str]) -> Arc<Self> {
        let folder = tempfile::tempdir_in(parent).expect("a folder of its own");
        let data = data::make(folder.path(), people_count).await;
        let server = Server::start_with(executable, folder.path(), options);
        let busy_room: Vec<_> = data.messages.iter().map(|message| (message.id.0, message.body_html.clone())).collect();
        let newest = busy_room.last().expect("the room is busy").0;
        Arc::new(Self {
            server,
            room_pages: data.viewers.iter().map(|_| Mutex::new(Seen(Vec::new()))).collect(),
            other_answers: Mutex::new(Seen(Vec::new())),
            data,
            folder,
            journal: Mutex::new(Journal { busy_room, ..Journal::default() }),
            newest_acknowledged: AtomicI64::new(newest),
            other_room_unread: AtomicBool::new(false),
        })
    }

    /// Kills the executable: every acknowledged post must be stored. One that records a profile is asked to end instead,
    /// because it writes the profile on exit. Returns its folder and every acknowledged post.
    ///
    /// # Panics
    /// If clients are left.
    pub fn end(self: Arc<Self>) -> (TempDir, Vec<Post>) {
        let site = Arc::into_inner(self).expect("all clients are gone");
        if std::env::var_os("LLVM_PROFILE_FILE").is_some() {
            site.server.end();
        } else {
            drop(site.server);
        }
        (site.folder, site.journal.into_inner().unwrap_or_else(PoisonError::into_inner).acknowledged)
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// `count` clients on open connections. Each sends requests as its part of the viewers in turn, all for the same room.
    pub async fn readers(self: &Arc<Self>, reading: Reading, count: usize, viewer_count: usize) -> Vec<Reader> {
        let mut readers = Vec::with_capacity(count);
        for number in 0..count {
            let own = (0..viewer_count).filter(|viewer| viewer % count == number % viewer_count.min(count));
            let requests = own.map(|viewer| (viewer, self.request(reading, viewer))).collect();
            let connection = HttpConnection::open(self.address()).await;
            readers.push(Reader { site: self.clone(), connection, reading, requests, turn: 0 });
        }
        readers
    }

    /// `count` clients that post into a room, as the people from number `first_viewer` on.
    pub async fn posters(self: &Arc<Self>, room_id: RoomId, count: usize, first_viewer: usize) -> Vec<Poster> {
        let mut posters = Vec::with_capacity(count);
        for number in 0..count {
            let viewer = (first_viewer + number) % self.data.viewers.len();
            posters.push(Poster::open(self.clone(), room_id, viewer).await);
        }
        posters
    }

    fn request(&self, reading: Reading, viewer: usize) -> Vec<u8> {
        let cookie = &self.data.viewers[viewer].cookie;
        let room_id = self.data.busy_room;
        let (head, body) = match reading {
            Reading::Up => ("GET /up HTTP/1.1\r\n".to_owned(), String::new()),
            Reading::RoomPage => (format!("GET /rooms/{room_id} HTTP/1.1\r\ncookie: {cookie}\r\n"), String::new()),
            Reading::Search => {
                (format!("GET /searches?q={COMMON_WORD} HTTP/1.1\r\ncookie: {cookie}\r\n"), String::new())
            }
            Reading::OlderMessages => {
                let first = self.data.messages[self.data.messages.len() - page_size()].id;
                call(cookie, "messages/before", format!(r#"{{"room_id":{room_id},"message_id":{first}}}"#))
            }
        };
        request(self.address(), &head, &body)
    }

    fn expected(&self) -> Expected {
        Expected {
            newest: self.newest_acknowledged.load(Ordering::Relaxed),
            other_room_unread: self.other_room_unread.load(Ordering::Relaxed),
        }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first viewer's room page, compressed.
    pub async fn packed_room_page(&self) -> Vec<u8> {
        let mut connection = HttpConnection::open(self.address()).await;
        let packed = connection.exchange(&self.request(Reading::RoomPage, 0)).await;
        self.check_room_page(0, packed, self.expected());
        packed.body.to_vec()
    }

    /// Reads the other room as the first viewer, and waits until its unread mark is gone.
    pub async fn read_other_room(&self) {
        let mut connection = HttpConnection::open(self.address()).await;
        let cookie = &self.data.viewers[0].cookie;
        let head = format!("GET /rooms/{} HTTP/1.1\r\ncookie: {cookie}\r\n", self.data.other_room);
        let asked = connection.exchange(&request(self.address(), &head, "")).await;
        assert_eq!(asked.status, 200, "the other room's page");
        // The read position is stored after the page was sent.
        for _ in 0..10_000 {
            let packed = connection.exchange(&self.request(Reading::RoomPage, 0)).await;
            if !self.check_room_page(0, packed, self.expected()).other_room_unread {
                return;
            }
        }
        panic!("a room that was looked at stays unread");
    }

    fn check(&self, reading: Reading, viewer: usize, packed: Packed<'_>, expected: Expected) {
        match reading {
            Reading::Up => {
                assert_eq!((packed.status, packed.body), (200, b"up\n".as_slice()), "it is up");
                assert_eq!(field(packed.head, "content-type"), Some("text/plain; charset=utf-8"));
            }
            Reading::RoomPage => drop(self.check_room_page(viewer, packed, expected)),
            Reading::OlderMessages => {
                check_head(packed, "application/json", Some("gzip"));
                self.other_answers().find_or(packed.body, |body| self.read_older_messages(&unpack(body)));
            }
            Reading::Search => {
                check_head(packed, "text/html; charset=utf-8", Some("gzip"));
                self.other_answers().find_or(packed.body, |body| self.read_found(&unpacked_text(body)));
            }
        }
    }

    fn other_answers(&self) -> MutexGuard<'_, Seen<()>> {
        self.other_answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_room_page(&self, viewer: usize, packed: Packed<'_>, expected: Expected) -> Page {
        check_head(packed, "text/html; charset=utf-8", Some("gzip"));
        let mut seen = self.room_pages[viewer].lock().unwrap_or_else(PoisonError::into_inner);
        let page = seen.find_or(packed.body, |body| self.read_room_page(viewer, &unpacked_text(body)));
        assert!(page.newest >= expected.newest, "a page shows what was acknowledged before it was asked for");
        assert!(page.other_room_unread || !expected.other_room_unread, "a room with an acknowledged post is unread");
        page
    }

    /// Checks a room page completely: its viewer, and the newest messages in order, each with its text.
    fn read_room_page(&self, viewer: usize, text: &str) -> Page {
        check_whole(text);
        let viewer = &self.data.viewers[viewer];
        let profile = between(text, "class=\"sidebar__profile\"", "</a>").expect("a way to one's profile");
        assert!(profile.contains(&format!("<bdi class=\"sidebar__name\">{}</bdi>", viewer.name)), "{profile}");
        let ids = ids_behind(text, "id=\"message-");
        assert_eq!(ids.len(), page_size(), "a page is full");
        assert!(ids.is_sorted_by(|one, other| one < other), "messages are in order: {ids:?}");

        let journal = self.journal();
        let mut unacknowledged = 0;
        for id in &ids {
            let says = said(text, *id);
            match journal.busy_room.binary_search_by_key(id, |(known, _)| *known) {
                Ok(at) => assert_eq!(says, journal.busy_room[at].1, "message {id} says what was written"),
                // Stored, and its response has not arrived: its text contains its id.
                Err(_) => {
                    let posted = says.strip_prefix("<p>words of ").and_then(|rest| rest.strip_suffix("</p>"));
                    assert!(posted.is_some_and(|id| journal.on_the_way.contains(id)), "nobody wrote {says}");
                    unacknowledged += 1;
                }
            }
        }
        let first = ids[0];
        let newest = ids[ids.len() - 1];
        let known = journal.busy_room.iter().rev().skip_while(|(id, _)| *id > newest);
        let between = known.take_while(|(id, _)| *id >= first).count();
        assert_eq!(between + unacknowledged, ids.len(), "no message between them is left out");

        let other = format!("<a href=\"/rooms/{}\"", self.data.other_room);
        let before = text.find(&other).and_then(|at| text[..at].rfind("<li").map(|start| &text[start..at]));
        Page { newest, other_room_unread: before.expect("the other room is listed").contains("unread") }
    }

    fn read_older_messages(&self, body: &[u8]) {
        let page: MessagePage = serde_json::from_slice(body).expect("a page of messages");
        let messages = &self.data.messages;
        assert!(page.has_more, "there are older messages still");
        assert_eq!(page.messages, messages[messages.len() - 2 * page_size()..messages.len() - page_size()]);
    }

    fn read_found(&self, text: &str) {
        check_whole(text);
        let common = &self.data.common;
        let wanted: &[Message] = &common[common.len().saturating_sub(MAX_FOUND)..];
        let found: Vec<_> = text.split("class=\"found__link\" href=\"").skip(1).collect();
        let ids = found.iter().filter_map(|row| row.split('"').next()?.rsplit_once('@')?.1.parse().ok());
        let ids: Vec<i64> = ids.collect();
        let newest: Vec<_> = wanted.iter().rev().map(|message| message.id.0).collect();
        // A page ends where it has enough bytes.
        assert!(!ids.is_empty() && newest.starts_with(&ids), "the newest that hold the word, newest first: {ids:?}");
        for row in found {
            assert!(row.contains("<mark>"), "what was looked for is marked in {row}");
        }
    }
}

/// A client that sends reading requests.
pub struct Reader {
    site: Arc<Site>,
    connection: HttpConnection,
    reading: Reading,
    /// Encoded requests by viewer.
    requests: Vec<(usize, Vec<u8>)>,
    turn: usize,
}

impl Client for Reader {
    async fn ask(&mut self) -> Asked {
        let (viewer, request) = &self.requests[self.turn];
        self.turn = (self.turn + 1) % self.requests.len();
        let expected = self.site.expected();
        let began = std::time::Instant::now();
        let packed = self.connection.exchange(request).await;
        let took = began.elapsed();
        self.site.check(self.reading, *viewer, packed, expected);
        Asked { took, bytes: packed.body.len() }
    }

    fn warm_up_count(&self) -> usize {
        self.requests.len()
    }
}

/// A client that posts.
pub struct Poster {
    site: Arc<Site>,
    connection: HttpConnection,
    viewer: usize,
    room_id: RoomId,
    /// The encoded request; the message's id is written at `places` before each use.
    request: Vec<u8>,
    places: Vec<usize>,
}

impl Poster {
    async fn open(site: Arc<Site>, room_id: RoomId, viewer: usize) -> Self {
        let placeholder = "x".repeat(36);
        let arguments =
            format!(r#"{{"room_id":{room_id},"client_message_id":"{placeholder}","body":"words of {placeholder}"}}"#);
        let (head, body) = call(&site.data.viewers[viewer].cookie, "messages/post", arguments);
        let request = request(site.address(), &head, &body);
        let text = std::str::from_utf8(&request).expect("a request is text");
        let places = text.match_indices(&placeholder).map(|(at, _)| at).collect();
        let connection = HttpConnection::open(site.address()).await;
        Self { connection, viewer, room_id, places, request, site }
    }
}

impl Client for Poster {
    async fn ask(&mut self) -> Asked {
        let id = uuid();
        for at in &self.places {
            self.request[*at..*at + id.len()].copy_from_slice(id.as_bytes());
        }
        let is_busy_room = self.room_id == self.site.data.busy_room;
        if is_busy_room {
            self.site.journal().on_the_way.insert(id.clone());
        }
        let began = std::time::Instant::now();
        let packed = self.connection.exchange(&self.request).await;
        let took = began.elapsed();

        // A response of this size is not compressed.
        check_head(packed, "application/json", None);
        let Ok(Posted::Stored(message)) = serde_json::from_slice(packed.body) else {
            panic!("a post is answered with its message");
        };
        let viewer = &self.site.data.viewers[self.viewer];
        assert_eq!(
            message.client_message_id.as_ref().map(ClientMessageId::as_str),
            Some(&*id),
            "the message that was posted"
        );
        assert_eq!(message.body_html, format!("<p>words of {id}</p>"), "with its words");
        assert_eq!(
            (message.creator_id, &message.creator_name, message.room_id, message.revision),
            (viewer.id, &viewer.name, self.room_id, 1)
        );

        let mut journal = self.site.journal();
        if is_busy_room {
            journal.on_the_way.remove(&id);
            let at = journal.busy_room.partition_point(|(known, _)| *known < message.id.0);
            journal.busy_room.insert(at, (message.id.0, message.body_html));
            self.site.newest_acknowledged.fetch_max(message.id.0, Ordering::Relaxed);
        } else if self.room_id == self.site.data.other_room && self.viewer != 0 {
            self.site.other_room_unread.store(true, Ordering::Relaxed);
        }
        let post =
            Post { creator_id: viewer.id, room_id: self.room_id, client_message_id: id, message_id: message.id.0 };
        journal.acknowledged.push(post);
        Asked { took, bytes: packed.body.len() }
    }
}

fn page_size() -> usize {
    usize::try_from(PAGE_SIZE).expect("a page is small")
}

fn check_head(packed: Packed<'_>, content_type: &str, coding: Option<&str>) {
    assert_eq!(packed.status, 200, "{}", String::from_utf8_lossy(packed.body));
    assert_eq!(field(packed.head, "content-type"), Some(content_type));
    assert_eq!(field(packed.head, "content-encoding"), coding);
}

fn unpacked_text(packed: &[u8]) -> String {
    String::from_utf8(unpack(packed)).expect("a page is text")
}

/// Checks that the text is one whole document.
fn check_whole(text: &str) {
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>"), "a whole document");
    assert_eq!(text.matches("</html>").count(), 1, "one document");
}

/// The HTML of a message's body in a page.
fn said(text: &str, id: i64) -> &str {
    let (_, rest) = text.split_once(&format!("id=\"says-{id}\"")).expect("a message has a body");
    let (_, rest) = rest.split_once('>').expect("a tag ends");
    rest.split_once("</div>").expect("a body ends").0
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    text.split_once(begin)?.1.split_once(end).map(|(between, _)| between)
}

/// The numbers right after each `mark`, in the order of the text.
fn ids_behind(text: &str, mark: &str) -> Vec<i64> {
    let pieces = text.split(mark).skip(1);
    // The page's menu template has the same prefix without a number.
    pieces.filter_map(|rest| rest.split('"').next().and_then(|id| id.parse().ok())).collect()
}
