//! The live protocol over real sockets.

use std::time::Duration;

use axum::http::StatusCode;
use campfire::model::RoomId;
use campfire::ops;
use campfire::ops::rooms::Audience;
use campfire::protocol::{ClientCommand, Cursor, RoomEnd, ServerEvent};
use futures::{SinkExt, StreamExt};
use server::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message as WsMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Someone, TestSite};

/// Longer than anything that a test waits for takes.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub async fn send(&mut self, command: &ClientCommand) {
        self.0.send(WsMessage::text(serde_json::to_string(command).unwrap())).await.unwrap();
    }

    /// The next event other than `Alive`; `None` if the server closed the socket.
    pub async fn receive(&mut self) -> Option<ServerEvent> {
        loop {
            let message = timeout(TEST_TIMEOUT, self.0.next()).await.expect("the server sends an event")?;
            match message {
                Ok(WsMessage::Text(text)) => match serde_json::from_str(&text).unwrap() {
                    ServerEvent::Alive => {}
                    event => return Some(event),
                },
                Ok(WsMessage::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn receive_until(&mut self, mut wanted: impl FnMut(&ServerEvent) -> bool) -> Vec<ServerEvent> {
        let mut events = Vec::new();
        loop {
            let event = self.receive().await.expect("the socket is open");
            let done = wanted(&event);
            events.push(event);
            if done {
                return events;
            }
        }
    }
}

/// Serves the site on a TCP port until the test ends. Returns its address.
pub async fn serve(site: &TestSite) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(http::serve::serve(listener, site.site.clone(), site.router.clone()));
    address
}

async fn connect(address: &str, cookie: &str, origin: Option<&str>) -> Result<Socket, StatusCode> {
    let mut request = format!("ws://{address}/cable").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(Socket(socket)),
        Err(Error::Http(response)) => Err(StatusCode::from_u16(response.status().as_u16()).unwrap()),
        Err(error) => panic!("{error}"),
    }
}

pub async fn connected(address: &str, someone: &Someone) -> Socket {
    let mut socket = connect(address, &someone.browser.cookie, None).await.unwrap();
    assert!(matches!(socket.receive().await, Some(ServerEvent::Rooms { .. })));
    socket
}

pub async fn cursor(site: &TestSite, room_id: RoomId) -> Cursor {
    campfire::store::events::room_cursor(site.state.db.reader(), room_id).await.unwrap()
}

pub async fn focus(site: &TestSite, socket: &mut Socket, room_id: RoomId) {
    socket.send(&ClientCommand::Focus { room_id, cursor: cursor(site, room_id).await }).await;
    socket.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
}

#[tokio::test]
async fn events_of_the_room_in_view_are_received_in_order() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    focus(&site, &mut socket, room_id).await;

    let message = site.post(&ada, room_id, "hello").await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::edit(&site.state, &member, message.id, "goodbye".parse().unwrap()).await.unwrap();
    ops::messages::remove(&site.state, &member, message.id).await.unwrap();
    let events = socket.receive_until(|event| matches!(event, ServerEvent::MessageRemoved { .. })).await;
    let room_events: Vec<_> = events.iter().filter(|event| event.position().is_some()).collect();
    assert!(
        matches!(room_events[0], ServerEvent::MessagePosted { message, .. } if message.body_html == "<p>hello</p>")
    );
    assert!(matches!(room_events[1], ServerEvent::MessageEdited { message, .. } if message.revision == 2));
    assert_eq!(room_events.len(), 3);
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Unread { .. })), "the message itself is received");
    socket.send(&ClientCommand::Blur).await;
    // Commands are handled in order: the response to the next one shows that this one was handled.
    socket.send(&ClientCommand::Focus { room_id: RoomId(99), cursor: cursor(&site, room_id).await }).await;
    socket.receive_until(|event| matches!(event, ServerEvent::RoomRemoved { .. })).await;
    site.post(&ada, room_id, "elsewhere").await;
    let events = socket.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    assert!(events.iter().all(|event| event.position().is_none()), "out of view only that the room is unread");
}

#[tokio::test]
async fn catching_up_sends_the_current_state_of_each_changed_message() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let unchanged = site.post(&ada, room_id, "unchanged").await;
    let edited = site.post(&ada, room_id, "one").await;
    let removed = site.post(&ada, room_id, "x").await;
    let seen = cursor(&site, room_id).await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::edit(&site.state, &member, edited.id, "two".parse().unwrap()).await.unwrap();
    ops::messages::remove(&site.state, &member, removed.id).await.unwrap();
    let new = site.post(&ada, room_id, "new").await;

    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    socket.send(&ClientCommand::Focus { room_id, cursor: seen.clone() }).await;
    let events = socket.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    let changes: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::MessageEdited { message, .. } => Some((message.id, message.body_html.as_str())),
            ServerEvent::MessageRemoved { message_id, .. } => Some((*message_id, "")),
            _ => None,
        })
        .collect();
    assert_eq!(changes, [(edited.id, "<p>two</p>"), (removed.id, ""), (new.id, "<p>new</p>")]);
    assert!(changes.iter().all(|(id, _)| *id != unchanged.id));

    for unknown in [Cursor { epoch: "another database".into(), ..seen.clone() }, Cursor { at: seen.at + 1, ..seen }] {
        socket.send(&ClientCommand::Focus { room_id, cursor: unknown }).await;
        socket.receive_until(|event| *event == ServerEvent::Resync).await;
    }
}

/// 100 messages that take 34 MB as HTML, all of them new to the page.
#[tokio::test]
async fn catching_up_with_much_text_loads_the_page_again() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let seen = cursor(&site, room_id).await;
    let words = "- > a\n".repeat(5_300);
    let rendered = site.post(&ada, room_id, &words).await;
    for _ in 0..600_000 / rendered.html_bytes() {
        site.post(&ada, room_id, &words).await;
    }
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    socket.send(&ClientCommand::Focus { room_id, cursor: seen }).await;
    let events = socket.receive_until(|event| *event == ServerEvent::Resync).await;
    assert_eq!(events.len(), 1, "and not some of them first");
}

#[tokio::test]
async fn a_catch_up_goes_on_as_the_socket_accepts_it_and_live_events_follow() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let seen = cursor(&site, room_id).await;
    let mut posted = Vec::new();
    for _ in 0..14 {
        posted.push(site.post(&ada, room_id, &"a ".repeat(15_900)).await.id);
    }
    let address = serve(&site).await;
    let tcp = TcpSocket::new_v4().unwrap();
    // Less than the catch-up has, so that the socket blocks.
    tcp.set_recv_buffer_size(4 * 1024).unwrap();
    let stream = tcp.connect(address.parse().unwrap()).await.unwrap();
    let mut request = format!("ws://{address}/cable").into_client_request().unwrap();
    request.headers_mut().insert("cookie", bob.browser.cookie.parse().unwrap());
    let (socket, _) = tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await.unwrap();
    let mut socket = Socket(socket);
    assert!(matches!(socket.receive().await, Some(ServerEvent::Rooms { .. })));
    socket.send(&ClientCommand::Focus { room_id, cursor: seen }).await;
    // Handled while the catch-up waits: it is not read before the socket accepts more.
    socket.send(&ClientCommand::Typing { active: true }).await;
    let live = site.post(&ada, room_id, "meanwhile").await;
    let is_live = |event: &ServerEvent| match event {
        ServerEvent::MessagePosted { message, .. } | ServerEvent::MessageEdited { message, .. } => {
            message.id == live.id
        }
        _ => false,
    };
    let events = socket.receive_until(is_live).await;
    let caught_up: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::MessageEdited { message, .. } => Some(message.id),
            _ => None,
        })
        .filter(|message_id| *message_id != live.id)
        .collect();
    assert_eq!(caught_up, posted);
}

#[tokio::test]
async fn the_fifty_first_socket_of_a_user_is_refused_in_words() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let address = serve(&site).await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(connected(&address, &ada).await);
    }
    let mut refused = connect(&address, &ada.browser.cookie, None).await.unwrap();
    let Some(Ok(WsMessage::Close(Some(close)))) = timeout(TEST_TIMEOUT, refused.0.next()).await.unwrap() else {
        panic!("a close frame comes first")
    };
    assert_eq!(u16::from(close.code), 1008);
    assert!(close.reason.contains("Too many open pages"), "{}", close.reason);
    let _bob = connected(&address, &bob).await;
    sockets.pop().unwrap().0.close(None).await.unwrap();
    let reopened = async {
        // The server may not have noticed yet that one is closed.
        loop {
            let mut socket = connect(&address, &ada.browser.cookie, None).await.unwrap();
            if socket.receive().await.is_some() {
                return;
            }
        }
    };
    timeout(TEST_TIMEOUT, reopened).await.expect("there is space for one again");
}

/// Opens a socket by hand. Returns the connection after the handshake and the snapshot.
async fn raw_socket(address: &str, someone: &Someone) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /cable HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        someone.browser.cookie
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn violations_of_the_protocol_are_answered_with_their_close_code_whatever_follows_them() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    // With a masking key of zeros, the payload is as it is.
    let masked = |head: &[u8], payload: &[u8]| [head, &[0; 4], payload].concat();
    let close = |payload: &[u8]| masked(&[0x88, 0x80 | u8::try_from(payload.len()).unwrap()], payload);
    let mut cases = vec![
        (close(b""), None),
        (close(&[0x03, 0xe8]), Some(1000)),
        (close(b"\x03\xe8bye"), Some(1000)),
        (close(&[7]), Some(1002)),
        (close(b"\x03\xe8\xff\xfe"), Some(1007)),
        (close(&[[0x03, 0xe8].as_slice(), &[b'x'; 123]].concat()), Some(1000)),
        // A length in more bytes than it needs.
        (masked(&[0x81, 0xfe, 0, 5], b"hello"), Some(1002)),
        (masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 200], &[b'x'; 200]), Some(1002)),
        (masked(&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1], b"x"), Some(1002)),
        // A control frame that is too long, or fragmented.
        (masked(&[0x89, 0xfe, 0, 126], &[b'x'; 126]), Some(1002)),
        (masked(&[0x88, 0xfe, 0, 126], &[b'x'; 126]), Some(1002)),
        (masked(&[0x09, 0x81], b"x"), Some(1002)),
        // Reserved bits and opcodes, no mask, a continuation of nothing, text that is no UTF-8.
        (masked(&[0xc1, 0x81], b"x"), Some(1002)),
        (masked(&[0x83, 0x81], b"x"), Some(1002)),
        (masked(&[0x8b, 0x81], b"x"), Some(1002)),
        (b"\x81\x05hello".to_vec(), Some(1002)),
        (masked(&[0x80, 0x81], b"x"), Some(1002)),
        (masked(&[0x81, 0x82], b"\xc3\x28"), Some(1007)),
        // The rules of the application.
        (masked(&[0x81, 0x85], b"hello"), Some(1008)),
        (masked(&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1], b""), Some(1009)),
    ];
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push((close(&code.to_be_bytes()), Some(1002)));
    }
    for code in [1001_u16, 1003, 1007, 1011, 3000, 3999, 4000, 4999] {
        cases.push((close(&code.to_be_bytes()), Some(code)));
    }
    for (case, code) in cases {
        let mut stream = raw_socket(&address, &ada).await;
        // The server may close the connection before all of it is sent.
        let _ =
            stream.write_all(&[&case[..], &masked(&[0x82, 0xfe, 0x7f, 0xff], &[0; 0x7fff]).repeat(4)].concat()).await;
        let mut received = Vec::new();
        let end = timeout(TEST_TIMEOUT, stream.read_to_end(&mut received)).await.expect("the server closes");
        assert!(end.is_ok(), "{case:x?}: the connection is reset");
        let frame = match code {
            Some(code) => [&[0x88, 2][..], &code.to_be_bytes()].concat(),
            None => vec![0x88, 0],
        };
        let with_reason = |tail: &[u8]| {
            let reason = b"A message is not a command in JSON.";
            code == Some(1008) && tail.ends_with(reason)
        };
        assert!(
            received.ends_with(&frame) || with_reason(&received),
            "{case:x?}: {:x?}",
            received.split_off(received.len() - 8)
        );
    }
}

#[tokio::test]
async fn an_outsider_receives_no_events_of_a_room() {
    let (site, ada) = TestSite::with_ada().await;
    let eve = site.join("Eve").await;
    let all_talk = site.all_talk(&ada).await;
    let room = site.closed_room(&ada, "Designers").await;
    let address = serve(&site).await;
    let mut socket = connected(&address, &eve).await;
    socket.send(&ClientCommand::Focus { room_id: room.id, cursor: cursor(&site, room.id).await }).await;
    assert_eq!(socket.receive().await, Some(ServerEvent::RoomRemoved { room_id: room.id, end: None }));
    site.post(&ada, room.id, "secret").await;
    let after = site.post(&ada, all_talk, "for all").await;
    // The next event is that of the open room: none of the closed one was sent.
    assert_eq!(socket.receive().await, Some(ServerEvent::Unread { room_id: all_talk, message_id: after.id }));
}

#[tokio::test]
async fn a_removed_member_receives_no_further_events_of_the_room() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Designers").await;
    let all_talk = site.all_talk(&ada).await;
    let member = site.state.members.find(&ada.user, room.id).await.unwrap();
    let audience = |ids: &[_]| Audience::Chosen(ids.to_vec());
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;

    let both = audience(&[ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &member, "Designers".parse().unwrap(), both).await.unwrap();
    socket.receive_until(|event| matches!(event, ServerEvent::RoomAdded { room: added } if added.id == room.id)).await;
    focus(&site, &mut socket, room.id).await;
    site.post(&ada, room.id, "hello").await;
    socket.receive_until(|event| matches!(event, ServerEvent::MessagePosted { .. })).await;

    let alone = audience(&[ada.user.id]);
    ops::rooms::change(&site.state, &member, "Designers".parse().unwrap(), alone).await.unwrap();
    site.post(&ada, room.id, "secret").await;
    site.post(&ada, all_talk, "for all").await;
    let events = socket
        .receive_until(|event| matches!(event, ServerEvent::Unread { room_id, .. } if *room_id == all_talk))
        .await;
    let by = ada.user.person();
    let end = Some(RoomEnd { by, is_deleted: false });
    assert!(events.contains(&ServerEvent::RoomRemoved { room_id: room.id, end }), "{events:?}");
    assert!(events.iter().all(|event| event.position().is_none()), "{events:?}");
}

#[tokio::test]
async fn reading_in_one_tab_marks_the_room_read_in_the_others() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut one = connected(&address, &bob).await;
    let mut other = connected(&address, &bob).await;
    let message = site.post(&ada, room_id, "hello").await;
    for socket in [&mut one, &mut other] {
        assert_eq!(socket.receive().await, Some(ServerEvent::Unread { room_id, message_id: message.id }));
    }
    one.send(&ClientCommand::Read { room_id, message_id: message.id }).await;
    assert_eq!(other.receive().await, Some(ServerEvent::Read { room_id, message_id: message.id }));
}

#[tokio::test]
async fn sockets_without_a_session_or_of_other_origins_are_refused() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let refused = async |cookie: &str, origin: Option<&str>| connect(&address, cookie, origin).await.err();
    assert_eq!(refused("", None).await, Some(StatusCode::UNAUTHORIZED));
    assert_eq!(refused("session_token=AAAAAAAAAAAAAAAAAAAAAA", None).await, Some(StatusCode::UNAUTHORIZED));
    assert_eq!(refused(&ada.browser.cookie, Some("https://evil.example")).await, Some(StatusCode::FORBIDDEN));
    assert_eq!(refused(&ada.browser.cookie, Some("null")).await, Some(StatusCode::FORBIDDEN));
    let own = format!("http://{address}");
    assert_eq!(refused(&ada.browser.cookie, Some(&own)).await, None);
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_that_browser_without_reconnect() {
    let (site, mut ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let mut phone = site.browser();
    phone.post("/session", &[("email_address", "ada@example.com"), ("password", crate::support::PASSWORD)]).await;
    let mut on_phone = connect(&address, &phone.cookie, None).await.unwrap();
    let mut socket = connected(&address, &ada).await;
    ada.browser.post("/session", &[("_method", "delete")]).await;
    assert_eq!(socket.receive().await, Some(ServerEvent::Bye { reconnect: false }));
    assert_eq!(socket.receive().await, None);
    let bob = site.join("Bob").await;
    let message = site.post(&bob, site.all_talk(&bob).await, "still there?").await;
    on_phone
        .receive_until(|event| matches!(event, ServerEvent::Unread { message_id, .. } if *message_id == message.id))
        .await;
}

#[tokio::test]
async fn invalid_and_oversized_messages_close_the_socket() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    for text in ["nonsense".to_owned(), "{}".to_owned(), "x".repeat(65 * 1024)] {
        let mut socket = connected(&address, &ada).await;
        // The server may close the socket before all of it is sent.
        let _ = socket.0.send(WsMessage::text(text)).await;
        assert_eq!(socket.receive().await, None);
    }
    let mut socket = connected(&address, &ada).await;
    socket.0.send(WsMessage::text(r#"{"type":"from_the_future"}"#)).await.unwrap();
    focus(&site, &mut socket, site.all_talk(&ada).await).await;
}

#[tokio::test]
async fn the_code_of_a_close_frame_is_echoed() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let answered = async |sent: Option<CloseFrame>| {
        let mut socket = connected(&address, &ada).await;
        socket.0.close(sent).await.unwrap();
        loop {
            if let WsMessage::Close(answer) = timeout(TEST_TIMEOUT, socket.0.next()).await.unwrap().unwrap().unwrap() {
                return answer.map(|close| u16::from(close.code));
            }
        }
    };
    let close = |code: u16| Some(CloseFrame { code: code.into(), reason: "done".into() });
    assert_eq!(answered(close(1000)).await, Some(1000));
    assert_eq!(answered(close(4321)).await, Some(4321));
    assert_eq!(answered(None).await, None);
}

#[tokio::test]
async fn on_shutdown_sockets_are_told_to_reconnect_and_the_listener_returns() {
    let (site, ada) = TestSite::with_ada().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(http::serve::serve(listener, site.site.clone(), site.router.clone()));
    let mut socket = connected(&address, &ada).await;
    site.close.send(true).unwrap();
    assert_eq!(socket.receive().await, Some(ServerEvent::Bye { reconnect: true }));
    timeout(TEST_TIMEOUT, serving).await.expect("the listener returns").unwrap().unwrap();
}

/// Sends raw bytes and reads the response until the server closes the connection.
async fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("the server closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn malformed_requests_get_an_error_or_are_closed() {
    let (site, _ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let two_lengths = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\nabcde";
    let big_head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    let half = b"GET / HTTP/1.1\r\nhost: x\r\nx: ";
    let endless = b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nemail";
    let (two_lengths, big_head, half, endless) = tokio::join!(
        raw(&address, two_lengths),
        raw(&address, big_head.as_bytes()),
        raw(&address, half),
        raw(&address, endless)
    );
    assert!(two_lengths.starts_with("HTTP/1.1 400"), "{two_lengths}");
    assert!(big_head.starts_with("HTTP/1.1 431"), "{big_head}");
    assert!(half.is_empty() || half.starts_with("HTTP/1.1 408") || half.starts_with("HTTP/1.1 400"), "{half}");
    assert!(endless.is_empty() || endless.starts_with("HTTP/1.1 4"), "{endless}");
}

#[tokio::test]
async fn aborted_requests_do_not_block_others() {
    let (site, _ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\nhalf").await.unwrap();
    }
    let answer = raw(&address, b"GET /up HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// The next presence event: the ids of the people present, their number, and the ids of those online.
async fn next_presence(socket: &mut Socket) -> (Vec<i64>, u32, Vec<i64>) {
    let events = socket.receive_until(|event| matches!(event, ServerEvent::Presence { .. })).await;
    let Some(ServerEvent::Presence { here, here_count, online, .. }) = events.into_iter().next_back() else {
        unreachable!()
    };
    (here.iter().map(|person| person.id.0).collect(), here_count, online.iter().map(|id| id.0).collect())
}

#[tokio::test]
async fn presence_is_sent_to_the_room_and_ends_with_the_connection_or_expires() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut watcher = connected(&address, &ada).await;
    focus(&site, &mut watcher, room_id).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![], 0, vec![]), "a page that reports nothing is not present");

    let ada_id = ada.user.id.0;
    let bob_id = bob.user.id.0;
    let mut first = connected(&address, &bob).await;
    first.send(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![], 0, vec![bob_id]), "online, elsewhere");
    focus(&site, &mut first, room_id).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![bob_id], 1, vec![bob_id]));
    let mut second = connected(&address, &bob).await;
    focus(&site, &mut second, room_id).await;
    second.send(&ClientCommand::Present).await;
    first.send(&ClientCommand::Absent).await;
    watcher.send(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id, bob_id], 2, vec![ada_id, bob_id]), "the other page");
    // A page that disconnects without `Absent` is absent.
    drop(second);
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id], 1, vec![ada_id]));
    first.send(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await.0, [ada_id, bob_id]);
    // The presence of a page that stays connected without refreshing it expires.
    site.state.clock.advance(campfire::protocol::PRESENCE_TTL_MS);
    watcher.send(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id], 1, vec![ada_id]));
}

#[tokio::test]
async fn being_online_is_sent_to_people_with_a_common_ping_only() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let eve = site.join("Eve").await;
    let ping = ops::rooms::ping(&site.state, &ada.user, vec![bob.user.id]).await.unwrap();
    let address = serve(&site).await;
    let mut of_ada = connected(&address, &ada).await;
    let mut of_eve = connected(&address, &eve).await;
    let mut of_bob = connected(&address, &bob).await;
    of_bob.send(&ClientCommand::Present).await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::Online { .. })).await;
    assert_eq!(events.last(), Some(&ServerEvent::Online { room_id: ping.id, user_ids: vec![bob.user.id] }));
    // A socket that connects later receives the current state.
    let mut later = connect(&address, &ada.browser.cookie, None).await.unwrap();
    later.receive_until(|event| matches!(event, ServerEvent::Online { .. })).await;
    site.post(&ada, site.all_talk(&ada).await, "a marker for Eve").await;
    let events = of_eve.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Online { .. })));
}

/// Asserts that the socket is closed within a second, with the request not to reconnect.
async fn assert_signed_out(socket: &mut Socket) {
    let ends = async {
        while let Some(event) = socket.receive().await {
            if event == (ServerEvent::Bye { reconnect: false }) {
                return true;
            }
        }
        false
    };
    assert_eq!(timeout(Duration::from_secs(1), ends).await, Ok(true));
}

#[tokio::test]
async fn revoking_a_session_closes_its_sockets_only() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let address = serve(&site).await;
    let mut phone = site.browser();
    let form = [("email_address", "bob@example.com"), ("password", crate::support::PASSWORD)];
    phone.post("/session", &form).await;
    let sessions = campfire::store::sessions::list(site.state.db.reader(), bob.user.id, 0).await.unwrap();
    let mut of_phone = connect(&address, &phone.cookie, None).await.unwrap();
    let mut here = connected(&address, &bob).await;
    bob.browser.post(&format!("/users/me/sessions/{}", sessions[0].id), &[("_method", "delete")]).await;
    assert_signed_out(&mut of_phone).await;
    assert_eq!(connect(&address, &phone.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    site.post(&ada, site.all_talk(&ada).await, "still there?").await;
    here.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
}

#[tokio::test]
async fn banning_and_deactivation_close_all_sockets_without_reconnect() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let cleo = site.join("Cleo").await;
    let address = serve(&site).await;
    let mut first = connected(&address, &bob).await;
    let mut second = connected(&address, &bob).await;
    let mut of_cleo = connected(&address, &cleo).await;
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    assert_signed_out(&mut first).await;
    assert_signed_out(&mut second).await;
    ops::users::deactivate(&site.state, &ada.administrator(), cleo.user.id).await.unwrap();
    assert_signed_out(&mut of_cleo).await;
    for someone in [&bob, &cleo] {
        assert_eq!(connect(&address, &someone.browser.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    }
}

#[tokio::test]
async fn only_members_can_subscribe_to_a_room() {
    let (site, admin_inside) = TestSite::with_ada().await;
    let creator = site.join("Bob").await;
    let member = site.join("Cleo").await;
    let outsider = site.join("Eve").await;
    let admin_outside = site.join("Max").await;
    site.db_set_role(admin_outside.user.id, campfire::model::Role::Administrator).await;
    let bot = site.join("Robo").await;
    let chosen = Audience::Chosen(vec![member.user.id, admin_inside.user.id, bot.user.id]);
    let room = ops::rooms::open(&site.state, &creator.user, "Club".parse().unwrap(), chosen).await.unwrap();
    site.db_set_role(bot.user.id, campfire::model::Role::Bot).await;
    let address = serve(&site).await;
    let position = cursor(&site, room.id).await;
    for (someone, is_inside) in
        [(&creator, true), (&member, true), (&outsider, false), (&admin_inside, true), (&admin_outside, false)]
    {
        let mut socket = connected(&address, someone).await;
        socket.send(&ClientCommand::Focus { room_id: room.id, cursor: position.clone() }).await;
        let answer = socket.receive_until(|event| !matches!(event, ServerEvent::Online { .. })).await;
        let expected = if is_inside {
            ServerEvent::CaughtUp { room_id: room.id, cursor: position.clone() }
        } else {
            ServerEvent::RoomRemoved { room_id: room.id, end: None }
        };
        assert_eq!(answer.last(), Some(&expected), "{}", someone.user.name);
        // For an outsider this changes nothing.
        socket.send(&ClientCommand::Read { room_id: room.id, message_id: campfire::model::MessageId(1) }).await;
    }
    assert_eq!(connect(&address, &bot.browser.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(connect(&address, "", None).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn mentions_are_sent_to_the_mentioned_user_only() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let cleo = site.join("Cleo").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut of_bob = connected(&address, &bob).await;
    let mut of_cleo = connected(&address, &cleo).await;
    let message = site.post(&ada, room_id, "@Bob, look. Not @Cleopatra").await;
    of_bob.receive_until(|event| *event == ServerEvent::Mentioned { room_id, message_id: message.id }).await;
    site.post(&ada, room_id, "and that").await;
    let mut unread_count = 0;
    let events = of_cleo
        .receive_until(|event| {
            unread_count += usize::from(matches!(event, ServerEvent::Unread { .. }));
            unread_count == 2
        })
        .await;
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Mentioned { .. })));
}

#[tokio::test]
async fn involvement_is_sent_to_the_users_own_sockets_only() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut of_bob = connected(&address, &bob).await;
    let mut of_ada = connected(&address, &ada).await;
    bob.browser.post(&format!("/rooms/{room_id}/involvement"), &[("involvement", "invisible")]).await;
    let events = of_bob.receive_until(|event| matches!(event, ServerEvent::Involvement { .. })).await;
    assert_eq!(events.len(), 1);
    // Hiding a room does not end the membership: its events are still sent.
    site.post(&ada, room_id, "hello").await;
    of_bob.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    site.post(&bob, room_id, "hello").await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Involvement { .. })));
}

#[tokio::test]
async fn typing_is_sent_to_the_room_in_view_only() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let cleo = site.join("Cleo").await;
    let room_id = site.all_talk(&ada).await;
    let club = site.closed_room(&ada, "Club").await;
    let address = serve(&site).await;
    let mut of_ada = connected(&address, &ada).await;
    let mut of_bob = connected(&address, &bob).await;
    let mut of_cleo = connected(&address, &cleo).await;
    focus(&site, &mut of_ada, room_id).await;
    focus(&site, &mut of_bob, room_id).await;
    // Without a room in view it is ignored.
    of_cleo.send(&ClientCommand::Typing { active: true }).await;

    of_bob.send(&ClientCommand::Typing { active: true }).await;
    for _ in 0..20 {
        of_bob.send(&ClientCommand::Typing { active: true }).await;
    }
    for _ in 0..20 {
        of_bob.send(&ClientCommand::Typing { active: false }).await;
        of_bob.send(&ClientCommand::Typing { active: true }).await;
    }
    let is_typing = |event: &ServerEvent| matches!(event, ServerEvent::Typing { .. });
    let stopped = |event: &ServerEvent| matches!(event, ServerEvent::Typing { active: false, .. });
    let events: Vec<_> = of_ada.receive_until(stopped).await.into_iter().filter(is_typing).collect();
    assert_eq!(events.len(), 2, "published once within a second: {events:?}");
    assert!(events.iter().all(|event| matches!(event, ServerEvent::Typing { person, .. } if person.name == "Bob")));

    // Typing in one room is not sent to another.
    focus(&site, &mut of_ada, club.id).await;
    focus(&site, &mut of_cleo, room_id).await;
    of_cleo.send(&ClientCommand::Typing { active: true }).await;
    of_bob.receive_until(|event| matches!(event, ServerEvent::Typing { person, .. } if person.name == "Cleo")).await;
    site.post(&ada, club.id, "the next thing").await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::MessagePosted { .. })).await;
    assert!(!events.iter().any(is_typing), "never across rooms: {events:?}");
}

#[tokio::test]
async fn the_members_of_a_deleted_room_receive_who_deleted_it() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Club").await;
    let owner = site.state.members.find(&ada.user, room.id).await.unwrap();
    let both = Audience::Chosen(vec![ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &owner, "Club".parse().unwrap(), both).await.unwrap();
    let address = serve(&site).await;
    let mut of_bob = connected(&address, &bob).await;
    ops::rooms::remove(&site.state, &owner).await.unwrap();
    let events = of_bob.receive_until(|event| matches!(event, ServerEvent::RoomRemoved { .. })).await;
    let end = Some(RoomEnd { by: ada.user.person(), is_deleted: true });
    assert_eq!(events.last(), Some(&ServerEvent::RoomRemoved { room_id: room.id, end }));
}

#[tokio::test]
async fn typing_of_a_removed_member_is_ignored() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Club").await;
    let owner = site.state.members.find(&ada.user, room.id).await.unwrap();
    let both = Audience::Chosen(vec![ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &owner, "Club".parse().unwrap(), both).await.unwrap();
    let address = serve(&site).await;
    let mut of_ada = connected(&address, &ada).await;
    let mut of_bob = connected(&address, &bob).await;
    focus(&site, &mut of_ada, room.id).await;
    focus(&site, &mut of_bob, room.id).await;
    let alone = Audience::Chosen(vec![ada.user.id]);
    ops::rooms::change(&site.state, &owner, "Club".parse().unwrap(), alone).await.unwrap();
    of_bob.receive_until(|event| matches!(event, ServerEvent::RoomRemoved { .. })).await;
    of_bob.send(&ClientCommand::Typing { active: true }).await;
    of_bob.send(&ClientCommand::Focus { room_id: room.id, cursor: cursor(&site, room.id).await }).await;
    of_bob.send(&ClientCommand::Typing { active: true }).await;
    of_bob.receive_until(|event| matches!(event, ServerEvent::RoomRemoved { .. })).await;
    site.post(&ada, room.id, "the next thing").await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::MessagePosted { .. })).await;
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::Typing { .. })), "{events:?}");
}

#[tokio::test]
async fn a_flood_of_messages_closes_its_socket_and_does_not_delay_others() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut of_ada = connected(&address, &ada).await;
    let mut of_bob = connected(&address, &bob).await;
    focus(&site, &mut of_ada, room_id).await;
    focus(&site, &mut of_bob, room_id).await;
    let typing = serde_json::to_string(&ClientCommand::Typing { active: true }).unwrap();
    // The server may close the socket before all of it is sent.
    for _ in 0..10_000 {
        if of_bob.0.feed(WsMessage::text(typing.clone())).await.is_err() {
            break;
        }
    }
    let _ = of_bob.0.flush().await;
    let mut has_bye = false;
    let mut reason = String::new();
    while let Ok(Some(Ok(message))) = timeout(TEST_TIMEOUT, of_bob.0.next()).await {
        match message {
            WsMessage::Text(text) => has_bye |= text.contains("\"bye\""),
            WsMessage::Close(Some(close)) => reason = close.reason.to_string(),
            _ => {}
        }
    }
    assert!(has_bye || reason.contains("Too many frames"), "closed without a reason: {reason:?}");
    let before = campfire::clock::monotonic();
    site.post(&ada, room_id, "still here").await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::MessagePosted { .. })).await;
    assert!(before.elapsed() < Duration::from_secs(2));
    let typing_count = events.iter().filter(|event| matches!(event, ServerEvent::Typing { active: true, .. })).count();
    assert!(typing_count <= 2, "{typing_count} typing events of the flood were published");
}

#[tokio::test]
async fn boosts_are_sent_live_and_by_catching_up() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let before = cursor(&site, room_id).await;
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    focus(&site, &mut socket, room_id).await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::boosts::boost(&site.state, &member, message.id, "🔥".parse().unwrap()).await.unwrap();
    let events = socket.receive_until(|event| matches!(event, ServerEvent::MessageBoosted { .. })).await;
    assert!(
        !events.iter().any(|event| matches!(event, ServerEvent::Unread { .. })),
        "a boost does not mark the room unread"
    );
    let Some(ServerEvent::MessageBoosted { boosts_html, seq, .. }) = events.last() else { unreachable!() };
    assert!(boosts_html.contains("🔥, 1: Ada"));

    let mut later = connected(&address, &bob).await;
    later.send(&ClientCommand::Focus { room_id, cursor: before }).await;
    let events = later.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    let state = events.iter().find_map(|event| match event {
        ServerEvent::MessageEdited { message, .. } => Some(message),
        _ => None,
    });
    let state = state.expect("the message in its current state");
    assert_eq!((&state.boosts_html, state.boosts_seq), (boosts_html, *seq));
}

#[tokio::test]
async fn marking_unread_is_sent_to_the_users_own_sockets_only() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    ops::memberships::mark_read(&site.state, &bob.current(), room_id, message.id).await.unwrap();
    let address = serve(&site).await;
    let mut of_ada = connected(&address, &ada).await;
    let mut of_bob = connected(&address, &bob).await;
    let member = site.state.members.find(&bob.user, room_id).await.unwrap();
    ops::memberships::mark_unread(&site.state, &member, message.id).await.unwrap();
    let wanted = ServerEvent::MarkedUnread { room_id, message_id: message.id, mention_count: 0 };
    of_bob.receive_until(|event| *event == wanted).await;
    site.post(&bob, room_id, "the next thing").await;
    let events = of_ada.receive_until(|event| matches!(event, ServerEvent::Unread { .. })).await;
    assert!(!events.contains(&wanted));
}
