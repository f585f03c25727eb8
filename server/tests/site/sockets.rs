//! The live protocol over real sockets.

use std::time::Duration;

use axum::http::StatusCode;
use campfire::model::RoomId;
use campfire::ops;
use campfire::ops::rooms::Audience;
use campfire::protocol::{ClientCommand, Cursor, ServerEvent};
use futures::{SinkExt, StreamExt};
use server::http;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message as WsMessage};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{Someone, TestSite};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(10);

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn say(&mut self, frame: &ClientCommand) {
        self.0.send(WsMessage::text(serde_json::to_string(frame).unwrap())).await.unwrap();
    }

    /// The next frame that says something; `None` when the server closed.
    async fn hear(&mut self) -> Option<ServerEvent> {
        loop {
            let message = timeout(SOON, self.0.next()).await.expect("the server says something soon")?;
            match message {
                Ok(WsMessage::Text(text)) => match serde_json::from_str(&text).unwrap() {
                    ServerEvent::Alive => {}
                    frame => return Some(frame),
                },
                Ok(WsMessage::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn hear_until(&mut self, mut wanted: impl FnMut(&ServerEvent) -> bool) -> Vec<ServerEvent> {
        let mut heard = Vec::new();
        loop {
            let frame = self.hear().await.expect("the socket is open");
            let done = wanted(&frame);
            heard.push(frame);
            if done {
                return heard;
            }
        }
    }
}

/// The site on a real port, until the test ends.
async fn serve(site: &TestSite) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = site.router.clone();
    let closing = site.close.subscribe();
    tokio::spawn(http::serve::serve(listener, router, closing));
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

async fn connected(address: &str, someone: &Someone) -> Socket {
    let mut socket = connect(address, &someone.browser.cookie, None).await.unwrap();
    assert!(matches!(socket.hear().await, Some(ServerEvent::Rooms { .. })));
    socket
}

async fn cursor(site: &TestSite, room_id: RoomId) -> Cursor {
    campfire::store::events::room_cursor(site.state.db.reader(), room_id).await.unwrap()
}

async fn focus(site: &TestSite, socket: &mut Socket, room_id: RoomId) {
    socket.say(&ClientCommand::Focus { room_id, cursor: cursor(site, room_id).await }).await;
    socket.hear_until(|frame| matches!(frame, ServerEvent::CaughtUp { .. })).await;
}

#[tokio::test]
async fn what_one_posts_edits_and_removes_the_other_hears_in_order() {
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
    let heard = socket.hear_until(|frame| matches!(frame, ServerEvent::MessageRemoved { .. })).await;
    let of_room: Vec<_> = heard.iter().filter(|frame| frame.position().is_some()).collect();
    assert!(matches!(of_room[0], ServerEvent::MessagePosted { message, .. } if message.body_html == "<p>hello</p>"));
    assert!(matches!(of_room[1], ServerEvent::MessageEdited { message, .. } if message.revision == 2));
    assert_eq!(of_room.len(), 3);
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Unread { .. })), "the message itself says so");
    socket.say(&ClientCommand::Blur).await;
    // The answer to what is said next shows that this has been heard.
    socket.say(&ClientCommand::Focus { room_id: RoomId(99), cursor: cursor(&site, room_id).await }).await;
    socket.hear_until(|frame| matches!(frame, ServerEvent::RoomRemoved { .. })).await;
    site.post(&ada, room_id, "elsewhere").await;
    let heard = socket.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
    assert!(heard.iter().all(|frame| frame.position().is_none()), "out of view only that there is something");
}

#[tokio::test]
async fn after_a_gap_the_state_now_is_told_subject_by_subject() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let (kept, edited, removed) = (
        site.post(&ada, room_id, "kept").await,
        site.post(&ada, room_id, "one").await,
        site.post(&ada, room_id, "x").await,
    );
    let seen = cursor(&site, room_id).await;
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::edit(&site.state, &member, edited.id, "two".parse().unwrap()).await.unwrap();
    ops::messages::remove(&site.state, &member, removed.id).await.unwrap();
    let new = site.post(&ada, room_id, "new").await;

    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;
    socket.say(&ClientCommand::Focus { room_id, cursor: seen.clone() }).await;
    let heard = socket.hear_until(|frame| matches!(frame, ServerEvent::CaughtUp { .. })).await;
    let told: Vec<_> = heard
        .iter()
        .filter_map(|frame| match frame {
            ServerEvent::MessageEdited { message, .. } => Some((message.id, message.body_html.as_str())),
            ServerEvent::MessageRemoved { message_id, .. } => Some((*message_id, "")),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(edited.id, "<p>two</p>"), (removed.id, ""), (new.id, "<p>new</p>")]);
    assert!(told.iter().all(|(id, _)| *id != kept.id));

    for strange in [Cursor { epoch: "another database".into(), ..seen.clone() }, Cursor { at: seen.at + 1, ..seen }] {
        socket.say(&ClientCommand::Focus { room_id, cursor: strange }).await;
        socket.hear_until(|frame| *frame == ServerEvent::Resync).await;
    }
}

#[tokio::test]
async fn an_outsider_hears_nothing_of_a_room() {
    let (site, ada) = TestSite::with_ada().await;
    let eve = site.join("Eve").await;
    let all_talk = site.all_talk(&ada).await;
    let room = site.closed_room(&ada, "Designers").await;
    let address = serve(&site).await;
    let mut socket = connected(&address, &eve).await;
    socket.say(&ClientCommand::Focus { room_id: room.id, cursor: cursor(&site, room.id).await }).await;
    assert_eq!(socket.hear().await, Some(ServerEvent::RoomRemoved { room_id: room.id }));
    site.post(&ada, room.id, "secret").await;
    let after = site.post(&ada, all_talk, "for all").await;
    // The next thing heard is the post in the common room: nothing came of the other.
    assert_eq!(socket.hear().await, Some(ServerEvent::Unread { room_id: all_talk, message_id: after.id }));
}

#[tokio::test]
async fn who_is_taken_out_of_a_room_hears_no_more_of_it() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let (room, all_talk) = (site.closed_room(&ada, "Designers").await, site.all_talk(&ada).await);
    let member = site.state.members.find(&ada.user, room.id).await.unwrap();
    let audience = |ids: &[_]| Audience::Chosen(ids.to_vec());
    let address = serve(&site).await;
    let mut socket = connected(&address, &bob).await;

    let both = audience(&[ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &member, "Designers".parse().unwrap(), both).await.unwrap();
    socket.hear_until(|frame| matches!(frame, ServerEvent::RoomAdded { room: added } if added.id == room.id)).await;
    focus(&site, &mut socket, room.id).await;
    site.post(&ada, room.id, "hello").await;
    socket.hear_until(|frame| matches!(frame, ServerEvent::MessagePosted { .. })).await;

    let alone = audience(&[ada.user.id]);
    ops::rooms::change(&site.state, &member, "Designers".parse().unwrap(), alone).await.unwrap();
    site.post(&ada, room.id, "secret").await;
    site.post(&ada, all_talk, "for all").await;
    let heard =
        socket.hear_until(|frame| matches!(frame, ServerEvent::Unread { room_id, .. } if *room_id == all_talk)).await;
    assert!(heard.contains(&ServerEvent::RoomRemoved { room_id: room.id }));
    assert!(heard.iter().all(|frame| frame.position().is_none()), "{heard:?}");
}

#[tokio::test]
async fn reading_in_one_tab_clears_the_mark_in_the_other() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let (mut one, mut other) = (connected(&address, &bob).await, connected(&address, &bob).await);
    let message = site.post(&ada, room_id, "hello").await;
    for socket in [&mut one, &mut other] {
        assert_eq!(socket.hear().await, Some(ServerEvent::Unread { room_id, message_id: message.id }));
    }
    one.say(&ClientCommand::Read { room_id, message_id: message.id }).await;
    assert_eq!(other.hear().await, Some(ServerEvent::Read { room_id, message_id: message.id }));
}

#[tokio::test]
async fn strangers_and_foreign_origins_get_no_socket() {
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
async fn signing_out_closes_the_sockets_of_that_browser_for_good() {
    let (site, mut ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let mut phone = site.browser();
    phone.post("/session", &[("email_address", "ada@example.com"), ("password", crate::support::PASSWORD)]).await;
    let mut on_phone = connect(&address, &phone.cookie, None).await.unwrap();
    let mut socket = connected(&address, &ada).await;
    ada.browser.post("/session", &[("_method", "delete")]).await;
    assert_eq!(socket.hear().await, Some(ServerEvent::Bye { reconnect: false }));
    assert_eq!(socket.hear().await, None);
    let bob = site.join("Bob").await;
    let message = site.post(&bob, site.all_talk(&bob).await, "still there?").await;
    on_phone
        .hear_until(|frame| matches!(frame, ServerEvent::Unread { message_id, .. } if *message_id == message.id))
        .await;
}

#[tokio::test]
async fn nonsense_and_too_large_frames_close_the_socket() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    for text in ["nonsense".to_owned(), "{}".to_owned(), "x".repeat(65 * 1024)] {
        let mut socket = connected(&address, &ada).await;
        // The server may close before all of it is sent.
        let _ = socket.0.send(WsMessage::text(text)).await;
        assert_eq!(socket.hear().await, None);
    }
    let mut socket = connected(&address, &ada).await;
    socket.0.send(WsMessage::text(r#"{"type":"from_the_future"}"#)).await.unwrap();
    focus(&site, &mut socket, site.all_talk(&ada).await).await;
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_own_code() {
    let (site, ada) = TestSite::with_ada().await;
    let address = serve(&site).await;
    let answered = async |sent: Option<CloseFrame>| {
        let mut socket = connected(&address, &ada).await;
        socket.0.close(sent).await.unwrap();
        loop {
            if let WsMessage::Close(answer) = timeout(SOON, socket.0.next()).await.unwrap().unwrap().unwrap() {
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
async fn at_the_end_sockets_are_told_to_come_back_and_the_listener_returns() {
    let (site, ada) = TestSite::with_ada().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (router, closing) = (site.router.clone(), site.close.subscribe());
    let serving = tokio::spawn(http::serve::serve(listener, router, closing));
    let mut socket = connected(&address, &ada).await;
    site.close.send(true).unwrap();
    assert_eq!(socket.hear().await, Some(ServerEvent::Bye { reconnect: true }));
    timeout(SOON, serving).await.expect("it ends within ten seconds").unwrap().unwrap();
}

/// Sends raw bytes and reads what comes back until the server closes.
async fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.expect("the server closes").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn broken_requests_are_answered_or_closed() {
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
async fn a_sender_that_ends_early_leaves_nothing_behind() {
    let (site, _ada) = TestSite::with_ada().await;
    let (_keep, closing) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(http::serve::serve(listener, site.router.clone(), closing));
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 60000\r\n\r\nhalf").await.unwrap();
    }
    let answer = raw(&address.to_string(), b"GET /up HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// The next presence that the socket hears of, as the ids of those here and how many there are.
async fn next_presence(socket: &mut Socket) -> (Vec<i64>, u32, Vec<i64>) {
    let heard = socket.hear_until(|frame| matches!(frame, ServerEvent::Presence { .. })).await;
    let Some(ServerEvent::Presence { here, here_count, online, .. }) = heard.into_iter().next_back() else {
        unreachable!()
    };
    (here.iter().map(|person| person.id.0).collect(), here_count, online.iter().map(|id| id.0).collect())
}

#[tokio::test]
async fn presence_is_told_to_those_in_the_room_and_ends_with_the_page_or_its_silence() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let mut watcher = connected(&address, &ada).await;
    focus(&site, &mut watcher, room_id).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![], 0, vec![]), "a page that says nothing is not looked at");

    let (ada_id, bob_id) = (ada.user.id.0, bob.user.id.0);
    let mut first = connected(&address, &bob).await;
    first.say(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![], 0, vec![bob_id]), "online, elsewhere");
    focus(&site, &mut first, room_id).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![bob_id], 1, vec![bob_id]));
    let mut second = connected(&address, &bob).await;
    focus(&site, &mut second, room_id).await;
    second.say(&ClientCommand::Present).await;
    first.say(&ClientCommand::Absent).await;
    watcher.say(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id, bob_id], 2, vec![ada_id, bob_id]), "the other page");
    // A page that vanishes without a word is gone with its connection.
    drop(second);
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id], 1, vec![ada_id]));
    first.say(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await.0, [ada_id, bob_id]);
    // One that stays connected and says nothing more is looked at for a minute.
    site.state.clock.advance(campfire::protocol::PRESENCE_TTL_MS);
    watcher.say(&ClientCommand::Present).await;
    assert_eq!(next_presence(&mut watcher).await, (vec![ada_id], 1, vec![ada_id]));
}

#[tokio::test]
async fn the_people_of_a_ping_see_each_other_online_and_strangers_do_not() {
    let (site, ada) = TestSite::with_ada().await;
    let (bob, eve) = (site.join("Bob").await, site.join("Eve").await);
    let ping = ops::rooms::ping(&site.state, &ada.user, vec![bob.user.id]).await.unwrap();
    let address = serve(&site).await;
    let (mut of_ada, mut of_eve) = (connected(&address, &ada).await, connected(&address, &eve).await);
    let mut of_bob = connected(&address, &bob).await;
    of_bob.say(&ClientCommand::Present).await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::Online { .. })).await;
    assert_eq!(heard.last(), Some(&ServerEvent::Online { room_id: ping.id, user_ids: vec![bob.user.id] }));
    // Whoever comes later is told how it is.
    let mut later = connect(&address, &ada.browser.cookie, None).await.unwrap();
    later.hear_until(|frame| matches!(frame, ServerEvent::Online { .. })).await;
    site.post(&ada, site.all_talk(&ada).await, "a mark for Eve").await;
    let heard = of_eve.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Online { .. })));
}

/// The socket ends within a second, and is told whether to come back.
async fn ends_for_good(socket: &mut Socket) {
    let ends = async {
        while let Some(frame) = socket.hear().await {
            if frame == (ServerEvent::Bye { reconnect: false }) {
                return true;
            }
        }
        false
    };
    assert_eq!(timeout(Duration::from_secs(1), ends).await, Ok(true));
}

#[tokio::test]
async fn a_revoked_session_loses_its_sockets_and_the_others_keep_theirs() {
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
    ends_for_good(&mut of_phone).await;
    assert_eq!(connect(&address, &phone.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    site.post(&ada, site.all_talk(&ada).await, "still there?").await;
    here.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
}

#[tokio::test]
async fn who_is_banned_or_removed_loses_every_socket_for_good() {
    let (site, ada) = TestSite::with_ada().await;
    let (bob, cleo) = (site.join("Bob").await, site.join("Cleo").await);
    let address = serve(&site).await;
    let (mut first, mut second) = (connected(&address, &bob).await, connected(&address, &bob).await);
    let mut of_cleo = connected(&address, &cleo).await;
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    ends_for_good(&mut first).await;
    ends_for_good(&mut second).await;
    ops::users::deactivate(&site.state, &ada.administrator(), cleo.user.id).await.unwrap();
    ends_for_good(&mut of_cleo).await;
    for someone in [&bob, &cleo] {
        assert_eq!(connect(&address, &someone.browser.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    }
}

#[tokio::test]
async fn a_socket_tells_of_a_room_its_members_and_nobody_else() {
    let (site, admin_inside) = TestSite::with_ada().await;
    let (creator, member, outsider) = (site.join("Bob").await, site.join("Cleo").await, site.join("Eve").await);
    let admin_outside = site.join("Max").await;
    site.db_set_role(admin_outside.user.id, campfire::model::Role::Administrator).await;
    let bot = site.join("Robo").await;
    let chosen = Audience::Chosen(vec![member.user.id, admin_inside.user.id, bot.user.id]);
    let room = ops::rooms::open(&site.state, &creator.user, "Club".parse().unwrap(), chosen).await.unwrap();
    site.db_set_role(bot.user.id, campfire::model::Role::Bot).await;
    let address = serve(&site).await;
    let place = cursor(&site, room.id).await;
    for (someone, is_inside) in
        [(&creator, true), (&member, true), (&outsider, false), (&admin_inside, true), (&admin_outside, false)]
    {
        let mut socket = connected(&address, someone).await;
        socket.say(&ClientCommand::Focus { room_id: room.id, cursor: place.clone() }).await;
        let answer = socket.hear_until(|frame| !matches!(frame, ServerEvent::Online { .. })).await;
        let expected = if is_inside {
            ServerEvent::CaughtUp { room_id: room.id, cursor: place.clone() }
        } else {
            ServerEvent::RoomRemoved { room_id: room.id }
        };
        assert_eq!(answer.last(), Some(&expected), "{}", someone.user.name);
        // Reading somewhere one is not changes nothing there.
        socket.say(&ClientCommand::Read { room_id: room.id, message_id: campfire::model::MessageId(1) }).await;
    }
    assert_eq!(connect(&address, &bot.browser.cookie, None).await.err(), Some(StatusCode::UNAUTHORIZED));
    assert_eq!(connect(&address, "", None).await.err(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn who_is_named_hears_it_and_only_they() {
    let (site, ada) = TestSite::with_ada().await;
    let (bob, cleo) = (site.join("Bob").await, site.join("Cleo").await);
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let (mut of_bob, mut of_cleo) = (connected(&address, &bob).await, connected(&address, &cleo).await);
    let message = site.post(&ada, room_id, "@Bob, look. Not @Cleopatra").await;
    of_bob.hear_until(|frame| *frame == ServerEvent::Mentioned { room_id, message_id: message.id }).await;
    site.post(&ada, room_id, "and that").await;
    let mut unread_count = 0;
    let heard = of_cleo
        .hear_until(|frame| {
            unread_count += usize::from(matches!(frame, ServerEvent::Unread { .. }));
            unread_count == 2
        })
        .await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Mentioned { .. })));
}

#[tokio::test]
async fn involvement_reaches_ones_own_pages_and_nobody_elses() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let (mut of_bob, mut of_ada) = (connected(&address, &bob).await, connected(&address, &ada).await);
    bob.browser.post(&format!("/rooms/{room_id}/involvement"), &[("involvement", "invisible")]).await;
    let heard = of_bob.hear_until(|frame| matches!(frame, ServerEvent::Involvement { .. })).await;
    assert_eq!(heard.len(), 1);
    // Hidden is not left: what is posted there is still told.
    site.post(&ada, room_id, "hello").await;
    of_bob.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
    site.post(&bob, room_id, "hello").await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Involvement { .. })));
}

#[tokio::test]
async fn who_writes_is_told_to_those_in_the_room_and_to_nobody_else() {
    let (site, ada) = TestSite::with_ada().await;
    let (bob, cleo) = (site.join("Bob").await, site.join("Cleo").await);
    let room_id = site.all_talk(&ada).await;
    let club = site.closed_room(&ada, "Club").await;
    let address = serve(&site).await;
    let (mut of_ada, mut of_bob, mut of_cleo) =
        (connected(&address, &ada).await, connected(&address, &bob).await, connected(&address, &cleo).await);
    focus(&site, &mut of_ada, room_id).await;
    focus(&site, &mut of_bob, room_id).await;
    // Said without a room in view it is told to nobody.
    of_cleo.say(&ClientCommand::Typing { active: true }).await;

    of_bob.say(&ClientCommand::Typing { active: true }).await;
    for _ in 0..20 {
        of_bob.say(&ClientCommand::Typing { active: true }).await;
    }
    for _ in 0..20 {
        of_bob.say(&ClientCommand::Typing { active: false }).await;
        of_bob.say(&ClientCommand::Typing { active: true }).await;
    }
    let is_typing = |frame: &ServerEvent| matches!(frame, ServerEvent::Typing { .. });
    let stopped = |frame: &ServerEvent| matches!(frame, ServerEvent::Typing { active: false, .. });
    let heard: Vec<_> = of_ada.hear_until(stopped).await.into_iter().filter(is_typing).collect();
    assert_eq!(heard.len(), 2, "said once within a second: {heard:?}");
    assert!(heard.iter().all(|frame| matches!(frame, ServerEvent::Typing { person, .. } if person.name == "Bob")));

    // What is said in one room is not heard in another.
    focus(&site, &mut of_ada, club.id).await;
    focus(&site, &mut of_cleo, room_id).await;
    of_cleo.say(&ClientCommand::Typing { active: true }).await;
    of_bob.hear_until(|frame| matches!(frame, ServerEvent::Typing { person, .. } if person.name == "Cleo")).await;
    site.post(&ada, club.id, "the next thing").await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::MessagePosted { .. })).await;
    assert!(!heard.iter().any(is_typing), "never across rooms: {heard:?}");
}

#[tokio::test]
async fn who_was_removed_from_a_room_types_to_nobody() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Club").await;
    let owner = site.state.members.find(&ada.user, room.id).await.unwrap();
    let both = Audience::Chosen(vec![ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &owner, "Club".parse().unwrap(), both).await.unwrap();
    let address = serve(&site).await;
    let (mut of_ada, mut of_bob) = (connected(&address, &ada).await, connected(&address, &bob).await);
    focus(&site, &mut of_ada, room.id).await;
    focus(&site, &mut of_bob, room.id).await;
    let alone = Audience::Chosen(vec![ada.user.id]);
    ops::rooms::change(&site.state, &owner, "Club".parse().unwrap(), alone).await.unwrap();
    of_bob.hear_until(|frame| matches!(frame, ServerEvent::RoomRemoved { .. })).await;
    of_bob.say(&ClientCommand::Typing { active: true }).await;
    of_bob.say(&ClientCommand::Focus { room_id: room.id, cursor: cursor(&site, room.id).await }).await;
    of_bob.say(&ClientCommand::Typing { active: true }).await;
    of_bob.hear_until(|frame| matches!(frame, ServerEvent::RoomRemoved { .. })).await;
    site.post(&ada, room.id, "the next thing").await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::MessagePosted { .. })).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Typing { .. })), "{heard:?}");
}

#[tokio::test]
async fn a_flood_of_frames_closes_its_socket_with_a_reason_and_slows_nobody() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let address = serve(&site).await;
    let (mut of_ada, mut of_bob) = (connected(&address, &ada).await, connected(&address, &bob).await);
    focus(&site, &mut of_ada, room_id).await;
    focus(&site, &mut of_bob, room_id).await;
    let typing = serde_json::to_string(&ClientCommand::Typing { active: true }).unwrap();
    // The server may hang up before all of it is said.
    for _ in 0..10_000 {
        if of_bob.0.feed(WsMessage::text(typing.clone())).await.is_err() {
            break;
        }
    }
    let _ = of_bob.0.flush().await;
    let (mut said_bye, mut reason) = (false, String::new());
    while let Ok(Some(Ok(message))) = timeout(SOON, of_bob.0.next()).await {
        match message {
            WsMessage::Text(text) => said_bye |= text.contains("\"bye\""),
            WsMessage::Close(Some(close)) => reason = close.reason.to_string(),
            _ => {}
        }
    }
    assert!(said_bye || reason.contains("Too many frames"), "closed without a word: {reason:?}");
    let before = campfire::clock::monotonic();
    site.post(&ada, room_id, "still here").await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::MessagePosted { .. })).await;
    assert!(before.elapsed() < Duration::from_secs(2));
    let typing_count = heard.iter().filter(|frame| matches!(frame, ServerEvent::Typing { active: true, .. })).count();
    assert!(typing_count <= 2, "{typing_count} of the flood came through");
}

#[tokio::test]
async fn boosts_are_live_and_are_caught_up_with() {
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
    let heard = socket.hear_until(|frame| matches!(frame, ServerEvent::MessageBoosted { .. })).await;
    assert!(!heard.iter().any(|frame| matches!(frame, ServerEvent::Unread { .. })), "a boost is nothing to read");
    let Some(ServerEvent::MessageBoosted { boosts_html, seq, .. }) = heard.last() else { unreachable!() };
    assert!(boosts_html.contains("🔥, 1: Ada"));

    let mut later = connected(&address, &bob).await;
    later.say(&ClientCommand::Focus { room_id, cursor: before }).await;
    let heard = later.hear_until(|frame| matches!(frame, ServerEvent::CaughtUp { .. })).await;
    let state = heard.iter().find_map(|frame| match frame {
        ServerEvent::MessageEdited { message, .. } => Some(message),
        _ => None,
    });
    let state = state.expect("the state now");
    assert_eq!((&state.boosts_html, state.boosts_seq), (boosts_html, *seq));
}

#[tokio::test]
async fn marking_unread_is_heard_in_ones_own_tabs_only() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    ops::memberships::mark_read(&site.state, &bob.current(), room_id, message.id).await.unwrap();
    let address = serve(&site).await;
    let (mut of_ada, mut of_bob) = (connected(&address, &ada).await, connected(&address, &bob).await);
    let member = site.state.members.find(&bob.user, room_id).await.unwrap();
    ops::memberships::mark_unread(&site.state, &member, message.id).await.unwrap();
    let wanted = ServerEvent::MarkedUnread { room_id, message_id: message.id, mention_count: 0 };
    of_bob.hear_until(|frame| *frame == wanted).await;
    site.post(&bob, room_id, "the next thing").await;
    let heard = of_ada.hear_until(|frame| matches!(frame, ServerEvent::Unread { .. })).await;
    assert!(!heard.contains(&wanted));
}
