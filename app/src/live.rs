//! The browser's end of the socket: one a tab, for as long as the page lives.
//!
//! What arrives goes into signals: the list of rooms, and the timeline of the room in view. A connection that says
//! nothing for ten seconds is taken for dead. Reconnecting says where in the log the page stands, so that nothing that
//! happened meanwhile is missed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use campfire::AppError;
use campfire::event::{
    ClientFrame, PRESENCE_REFRESH_MS, SILENCE_MS, ServerFrame, TYPING_EVERY_MS, TYPING_TTL_MS, VISIBILITY_DELAY_MS,
};
use campfire::model::{
    Account, Involvement, Message, MessageId, Person, RoomId, RoomKind, SidebarRoom, User, UserId, paths,
};
use campfire::timeline::Timeline;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use crate::outbox::Outbox;
use crate::{Frame, api, browser};

/// The shortest and the longest pause before a new connection; each is stretched by up to its own length at random.
const PAUSE_MS: (f64, f64) = (500.0, 15_000.0);

/// How long a signed-out page stays, for the sake of the tab whose own navigation says so.
const LEAVE_AFTER: Duration = Duration::from_secs(1);

/// How the page hears from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The page is as fresh as its HTML; the first connection is being made.
    Fresh,
    Online,
    Offline,
}

/// What the socket feeds.
#[derive(Clone, Copy)]
pub struct Live {
    pub status: RwSignal<Status>,
    pub rooms: RwSignal<Vec<SidebarRoom>>,
    pub scene: RwSignal<Scene>,
}

/// What else the pages show. One signal: each kind of signal is code that every browser downloads.
#[derive(Clone, Debug)]
pub struct Scene {
    pub viewer: User,
    pub account: Account,
    /// The room in view, which is not the one that the URL names while the data of that is still on its way.
    pub room_id: Option<RoomId>,
    /// What the page in view is called.
    pub title: String,
    /// The last change of how much this person wants to hear of a room.
    pub involvement: Option<(RoomId, Involvement)>,
    /// Who is in the room in view.
    pub presence: Option<Presence>,
    /// Of the people in direct rooms, those who are online.
    pub online: BTreeMap<RoomId, Vec<UserId>>,
    /// Who writes in the room in view, and until when that is believed, in milliseconds since the epoch.
    pub typing: Vec<(Person, f64)>,
    pub reading: Reading,
}

/// Where in the room in view the reader stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The newest messages are out of sight.
    pub away: bool,
    /// How many came meanwhile.
    pub news_count: u32,
    /// Where the new ones begin.
    pub new_from: Option<MessageId>,
}

/// Who is in a room now, the reader included, and who of its members is online at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    pub room_id: RoomId,
    pub here: Vec<Person>,
    pub here_count: u32,
    pub online: Vec<UserId>,
}

/// The room in view, as the socket must know it.
#[derive(Clone, Copy)]
pub struct Focus {
    pub room_id: RoomId,
    pub timeline: RwSignal<Timeline>,
    /// Loads the page's data again.
    pub reload: Callback<()>,
    /// The person was taken out of the room, or it was removed.
    pub lost: Callback<()>,
}

impl Live {
    /// Nothing heard yet beyond what the page said, which shows this room.
    pub fn new(frame: &Frame, room_id: Option<RoomId>) -> Self {
        Self {
            status: RwSignal::new(Status::Fresh),
            rooms: RwSignal::new(frame.rooms.clone()),
            scene: RwSignal::new(Scene {
                viewer: frame.viewer.clone(),
                account: frame.account.clone(),
                room_id,
                title: String::new(),
                involvement: None,
                presence: None,
                online: BTreeMap::new(),
                typing: Vec::new(),
                reading: Reading::default(),
            }),
        }
    }

    /// Whether the viewer may make open and closed rooms.
    pub fn may_make_rooms(self) -> bool {
        self.scene.with(|scene| scene.viewer.may_make_rooms(scene.account.room_creation_restricted))
    }

    /// Puts a room into the sidebar, or anew into its place.
    fn put(self, room: &SidebarRoom) {
        self.rooms.update(|rooms| {
            rooms.retain(|known| known.id != room.id);
            rooms.push(room.clone());
            rooms.sort_by_key(SidebarRoom::sort_key);
        });
    }

    /// A direct room where something was posted goes to the front.
    fn bump(self, room_id: RoomId) {
        let is_direct = |room: &SidebarRoom| room.id == room_id && room.kind == RoomKind::Direct;
        if !self.rooms.with_untracked(|rooms| rooms.iter().any(is_direct)) {
            return;
        }
        self.rooms.update(|rooms| {
            let newest = rooms.iter().map(|room| room.active_at).max().unwrap_or_default();
            if let Some(room) = rooms.iter_mut().find(|room| is_direct(room)) {
                room.active_at = newest + 1;
            }
            rooms.sort_by_key(SidebarRoom::sort_key);
        });
    }

    /// Notes where the reader stands, if that is news.
    pub fn set_reading(self, change: impl FnOnce(&mut Reading)) {
        let before = self.scene.with_untracked(|scene| scene.reading);
        let mut reading = before;
        change(&mut reading);
        if reading != before {
            self.scene.update(|scene| scene.reading = reading);
        }
    }

    /// Notes who writes in the room in view.
    fn set_typing(self, person: &Person, active: bool) {
        #[expect(clippy::cast_precision_loss, reason = "five thousand")]
        let until_ms = browser::now_ms() + TYPING_TTL_MS as f64;
        self.scene.update(|scene| {
            scene.typing.retain(|(known, _)| known.id != person.id);
            if active && scene.viewer.id != person.id {
                scene.typing.push((person.clone(), until_ms));
            }
        });
    }

    /// Forgets those who have not said for a while that they write.
    fn forget_typing(self) {
        let now_ms = browser::now_ms();
        if self.scene.with_untracked(|scene| scene.typing.iter().any(|(_, until_ms)| *until_ms < now_ms)) {
            self.scene.update(|scene| scene.typing.retain(|(_, until_ms)| *until_ms >= now_ms));
        }
    }

    fn mark(self, room_id: RoomId, unread: bool) {
        let known =
            self.rooms.with_untracked(|rooms| rooms.iter().any(|room| room.id == room_id && room.unread != unread));
        if known {
            self.rooms.update(|rooms| {
                if let Some(room) = rooms.iter_mut().find(|room| room.id == room_id) {
                    room.unread = unread;
                    if !unread {
                        room.mention_count = 0;
                    }
                }
            });
        }
    }
}

#[derive(Default)]
struct Socket {
    live: Option<Live>,
    outbox: Option<Outbox>,
    focus: Option<Focus>,
    connection: Option<Connection>,
    /// Tells the connection that counts from those before it.
    generation: u32,
    last_heard_ms: f64,
    failure_count: u32,
    /// What the server was told last to be read, on this connection.
    read: Option<(RoomId, MessageId)>,
    /// The newest message known to be unread, by room: reading up to an older one leaves the room unread.
    unread: BTreeMap<RoomId, MessageId>,
    /// Frames since a page of older or newer messages was asked for; they may concern what is in it.
    held: Option<Vec<ServerFrame>>,
    /// The browser is signed out: there is nothing to come back to.
    left: bool,
    /// When the server was told last that somebody sees the page; nothing while nobody does.
    present_said_ms: Option<f64>,
    /// When the server was told last that the person writes; nothing when it knows that they do not.
    typing_said_ms: Option<f64>,
    /// The person wants to have this room unread: looking at it reads nothing until it is entered anew.
    unread_again: Option<RoomId>,
    /// Nobody saw the page when the line before what is new was drawn last.
    line_drawn: bool,
}

/// A WebSocket with the closures it calls.
struct Connection {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

thread_local! {
    static SOCKET: RefCell<Socket> = RefCell::default();
}

/// Connects, and stays connected. Called once, in the browser.
pub fn start(live: Live) {
    let outbox = use_context::<Outbox>();
    SOCKET.with_borrow_mut(|socket| (socket.live, socket.outbox) = (Some(live), outbox));
    connect();

    browser::listen_forever(&window(), "online", |_: Event| reconnect_now());
    browser::listen_forever(&window(), "offline", |_: Event| drop_connection());
    browser::listen_forever(&document(), "visibilitychange", |_: Event| {
        if browser::is_visible() {
            SOCKET.with_borrow_mut(|socket| socket.line_drawn = false);
            check();
            read_what_is_seen();
        }
        spawn_local(async {
            browser::sleep(Duration::from_millis(VISIBILITY_DELAY_MS)).await;
            say_presence();
        });
    });
    // A page kept by the browser while one was elsewhere comes back with a dead socket.
    browser::listen_forever(&window(), "pageshow", |_: Event| check());
    spawn_local(async move {
        loop {
            browser::sleep(Duration::from_secs(1)).await;
            check();
            refresh_presence();
            live.forget_typing();
        }
    });
}

/// Has this room in view from now on. Answers with what ends it.
pub fn focus(focus: Focus) -> impl FnOnce() + 'static {
    SOCKET.with_borrow_mut(|socket| {
        socket.focus = Some(focus);
        socket.held = None;
        socket.unread_again = None;
    });
    say_focus();
    let timeline = focus.timeline;
    move || {
        let left = SOCKET.with_borrow_mut(|socket| {
            // The next room may be in view already.
            let mine = socket.focus.is_some_and(|current| current.timeline == timeline);
            if mine {
                socket.focus = None;
            }
            mine
        });
        if left {
            say(&ClientFrame::Blur);
        }
    }
}

/// Loads the data of the room in view again.
pub fn reload() {
    if let Some(focus) = SOCKET.with_borrow(|socket| socket.focus) {
        focus.reload.run(());
    }
}

/// Keeps the frames from now on, for [`release`].
pub fn hold() {
    SOCKET.with_borrow_mut(|socket| socket.held = Some(Vec::new()));
}

/// Applies to the timeline again what was heard since [`hold`]; everything else has heard it already.
pub fn release() {
    let held = SOCKET.with_borrow_mut(|socket| socket.held.take());
    for frame in held.unwrap_or_default() {
        apply(&frame);
    }
}

/// Says that the person has read up to this message.
pub fn read(room_id: RoomId, message_id: MessageId) {
    if let Some(live) = SOCKET.with_borrow(|socket| socket.live) {
        live.mark(room_id, false);
    }
    let news =
        SOCKET.with_borrow_mut(|socket| socket.read.replace((room_id, message_id)) != Some((room_id, message_id)));
    if news {
        say(&ClientFrame::Read { room_id, message_id });
    }
}

/// Brings the room in view up to date; answers whether that changed anything.
fn apply(frame: &ServerFrame) -> bool {
    let Some(focus) = SOCKET.with_borrow(|socket| socket.focus) else { return false };
    // Positions move with every frame; only what is seen is worth a rendering.
    let changed = focus.timeline.try_update_untracked(|timeline| timeline.apply(frame)).unwrap_or_default();
    if changed {
        focus.timeline.try_update(|_| ());
    }
    changed
}

/// Takes in what happened, from wherever it was heard.
pub fn deliver(frame: &ServerFrame) {
    let (live, focus) = SOCKET.with_borrow(|socket| (socket.live, socket.focus));
    let changed = apply(frame);
    let Some(live) = live else { return };
    let in_view = |room_id| focus.is_some_and(|focus| focus.room_id == room_id) && browser::is_visible();
    match frame {
        ServerFrame::Rooms { viewer, account, rooms } => {
            set_viewer(live, viewer);
            set_account(live, account);
            // Who is online is said anew after this.
            live.scene.update(|scene| scene.online.clear());
            let mut rooms = rooms.clone();
            for room in &mut rooms {
                if in_view(room.id) {
                    (room.unread, room.mention_count) = (false, 0);
                }
            }
            if live.rooms.with_untracked(|known| *known != rooms) {
                live.rooms.set(rooms);
            }
            read_what_is_seen();
        }
        ServerFrame::Viewer { user } => set_viewer(live, user),
        ServerFrame::Account { account } => set_account(live, account),
        ServerFrame::Involvement { room, involvement } => {
            live.scene.update(|scene| scene.involvement = Some((room.id, *involvement)));
            if *involvement == Involvement::Invisible {
                live.rooms.update(|rooms| rooms.retain(|known| known.id != room.id));
            } else {
                live.put(room);
            }
        }
        ServerFrame::Presence { room_id, here, here_count, online } => {
            let (here, online) = (here.clone(), online.clone());
            let presence = Presence { room_id: *room_id, here, here_count: *here_count, online };
            live.scene.update(|scene| scene.presence = Some(presence));
        }
        ServerFrame::Online { room_id, user_ids } => {
            live.scene.update(|scene| {
                scene.online.insert(*room_id, user_ids.clone());
            });
        }
        ServerFrame::MessagePosted { message, .. } => {
            let own = live.scene.with_untracked(|scene| scene.viewer.id == message.creator_id);
            if own {
                live.bump(message.room_id);
            } else {
                heard_unread(live, message.room_id, message.id, in_view(message.room_id));
            }
            if focus.is_some_and(|focus| focus.room_id == message.room_id) {
                heard_message(live, message, changed);
            }
        }
        ServerFrame::Typing { room_id, person, active } if in_view(*room_id) => live.set_typing(person, *active),
        ServerFrame::MarkedUnread { room_id, message_id } => {
            SOCKET.with_borrow_mut(|socket| (socket.unread_again, socket.read) = (Some(*room_id), None));
            if focus.is_some_and(|focus| focus.room_id == *room_id) {
                live.set_reading(|reading| reading.new_from = Some(*message_id));
            }
            live.mark(*room_id, true);
        }
        ServerFrame::RoomAdded { room } => live.put(room),
        ServerFrame::RoomChanged { room_id, kind, name } => live.rooms.update(|rooms| {
            if let Some(room) = rooms.iter_mut().find(|room| room.id == *room_id) {
                (room.kind, room.name) = (*kind, name.clone());
            }
            rooms.sort_by_key(SidebarRoom::sort_key);
        }),
        ServerFrame::RoomRemoved { room_id } => {
            live.rooms.update(|rooms| rooms.retain(|room| room.id != *room_id));
            if let Some(focus) = focus.filter(|focus| focus.room_id == *room_id) {
                focus.lost.run(());
            }
        }
        ServerFrame::Unread { room_id, message_id } => {
            heard_unread(live, *room_id, *message_id, in_view(*room_id));
        }
        ServerFrame::Mentioned { room_id, .. } if !in_view(*room_id) => live.rooms.update(|rooms| {
            if let Some(room) = rooms.iter_mut().find(|room| room.id == *room_id) {
                room.mention_count += 1;
            }
        }),
        ServerFrame::Read { room_id, message_id } => {
            let newest = SOCKET.with_borrow(|socket| socket.unread.get(room_id).copied());
            if newest.is_none_or(|newest| *message_id >= newest) {
                live.mark(*room_id, false);
            }
        }
        ServerFrame::Resync => {
            if let Some(focus) = focus {
                focus.reload.run(());
            }
        }
        ServerFrame::Bye { reconnect: false } => leave(),
        _ => {}
    }
}

/// Somebody else posted in a room: it is unread unless somebody looks at it.
fn heard_unread(live: Live, room_id: RoomId, message_id: MessageId, seen: bool) {
    SOCKET.with_borrow_mut(|socket| socket.unread.insert(room_id, message_id));
    live.bump(room_id);
    if !seen {
        live.mark(room_id, true);
    }
}

/// A message was posted in the room in view; it is shown unless newer ones than those shown lie between.
fn heard_message(live: Live, message: &Message, shown: bool) {
    let own = live.scene.with_untracked(|scene| scene.viewer.id == message.creator_id);
    if shown {
        // The page's script says it to those who listen, and plays what is to be played.
        browser::tell("campfire:heard", &[if own { "" } else { &message.creator_name }, &message.body_html]);
    }
    if own {
        return;
    }
    let draw_line =
        !browser::is_visible() && !SOCKET.with_borrow_mut(|socket| std::mem::replace(&mut socket.line_drawn, true));
    live.set_reading(|reading| {
        if reading.away {
            reading.news_count += 1;
        }
        if draw_line {
            reading.new_from = Some(message.id);
        }
    });
    live.set_typing(&Person { id: message.creator_id, name: String::new() }, false);
}

/// Says that the person writes in the room in view, or stopped: not too often, and not to nobody.
pub fn typing(active: bool) {
    let news = SOCKET.with_borrow_mut(|socket| {
        let now_ms = browser::now_ms();
        #[expect(clippy::cast_precision_loss, reason = "a thousand")]
        let due = |said_ms: f64| now_ms - said_ms >= TYPING_EVERY_MS as f64;
        let news = socket.typing_said_ms.map_or(active, |said_ms| !active || due(said_ms));
        if news {
            socket.typing_said_ms = active.then_some(now_ms);
        }
        news
    });
    if news {
        say(&ClientFrame::Typing { active });
    }
}

fn set_viewer(live: Live, viewer: &User) {
    live.scene.update(|scene| scene.viewer.clone_from(viewer));
}

/// The account's name, its link, and its looks: the page wears other custom styles at once.
fn set_account(live: Live, account: &Account) {
    if live.scene.with_untracked(|scene| scene.account.custom_styles_digest != account.custom_styles_digest) {
        browser::wear(&account.custom_styles_path());
    }
    live.scene.update(|scene| scene.account.clone_from(account));
}

/// Says whether somebody sees the page, if that is news to the server.
fn say_presence() {
    let visible = browser::is_visible();
    let news = SOCKET.with_borrow_mut(|socket| {
        let news = socket.present_said_ms.is_some() != visible;
        socket.present_said_ms = visible.then(browser::now_ms);
        news
    });
    if news {
        say(if visible { &ClientFrame::Present } else { &ClientFrame::Absent });
    }
}

/// Says again that somebody sees the page, when that was said some time ago.
fn refresh_presence() {
    let due = SOCKET.with_borrow_mut(|socket| {
        #[expect(clippy::cast_precision_loss, reason = "fifty thousand")]
        let refresh_ms = PRESENCE_REFRESH_MS as f64;
        let due = socket.present_said_ms.is_some_and(|said_ms| browser::now_ms() - said_ms >= refresh_ms);
        if due {
            socket.present_said_ms = Some(browser::now_ms());
        }
        due
    });
    if due {
        say(&ClientFrame::Present);
    }
}

/// Says that the room in view is read, if somebody sees it.
pub fn read_what_is_seen() {
    let Some(focus) = SOCKET.with_borrow(|socket| socket.focus) else { return };
    if SOCKET.with_borrow(|socket| socket.unread_again) == Some(focus.room_id) {
        return;
    }
    if browser::is_visible()
        && let Some(Some(message_id)) = focus.timeline.try_with_untracked(Timeline::newest)
    {
        read(focus.room_id, message_id);
    }
}

fn connect() {
    if SOCKET.with_borrow(|socket| socket.left) {
        return;
    }
    let Ok(host) = window().location().host() else { return };
    let secure = window().location().protocol().is_ok_and(|protocol| protocol == "https:");
    let Ok(socket) = WebSocket::new(&[if secure { "wss://" } else { "ws://" }, &host, paths::CABLE].concat()) else {
        return;
    };

    let generation = SOCKET.with_borrow_mut(|socket| {
        socket.generation += 1;
        socket.last_heard_ms = browser::now_ms();
        socket.generation
    });
    let current = move || SOCKET.with_borrow(|socket| socket.generation == generation);

    let on_open = Closure::<dyn FnMut()>::new(move || {
        if current() {
            opened();
        }
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if current()
            && let Some(text) = event.data().as_string()
        {
            heard(&text);
        }
    });
    let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |_: CloseEvent| {
        if current() {
            // Dropping the connection here would free this very closure while it runs.
            spawn_local(async { drop_connection() });
        }
    });
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    let connection = Connection { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close };
    SOCKET.with_borrow_mut(|socket| socket.connection = Some(connection));
}

fn opened() {
    let (live, outbox) = SOCKET.with_borrow_mut(|socket| {
        socket.failure_count = 0;
        socket.read = None;
        socket.present_said_ms = None;
        socket.last_heard_ms = browser::now_ms();
        (socket.live, socket.outbox)
    });
    if let Some(live) = live {
        live.status.set(Status::Online);
    }
    say_focus();
    say_presence();
    if let Some(outbox) = outbox {
        outbox.send();
    }
}

fn heard(text: &str) {
    let Ok(frame) = serde_json::from_str::<ServerFrame>(text) else { return };
    SOCKET.with_borrow_mut(|socket| {
        socket.last_heard_ms = browser::now_ms();
        if let Some(held) = &mut socket.held {
            held.push(frame.clone());
        }
    });
    deliver(&frame);
}

/// Gives up a connection that has been silent for too long, and makes one where there is none.
fn check() {
    let silent = SOCKET.with_borrow(|socket| {
        #[expect(clippy::cast_precision_loss, reason = "ten thousand")]
        let silence_ms = SILENCE_MS as f64;
        socket.connection.is_some() && browser::now_ms() - socket.last_heard_ms > silence_ms
    });
    if silent {
        drop_connection();
    }
}

fn reconnect_now() {
    if SOCKET.with_borrow(|socket| socket.connection.is_none()) {
        connect();
    }
}

/// The connection is gone: say so, and make another one soon.
fn drop_connection() {
    let (live, generation, failure_count) = SOCKET.with_borrow_mut(|socket| {
        socket.connection = None;
        socket.generation += 1;
        socket.failure_count += 1;
        (socket.live, socket.generation, socket.failure_count)
    });
    if let Some(live) = live {
        live.status.set(Status::Offline);
    }
    if failure_count % 3 == 0 {
        spawn_local(async {
            // The server refuses the socket of a signed-out browser without saying so.
            if api::check_session().await == Err(AppError::SignedOut) {
                leave();
            }
        });
    }
    let pause_ms = (PAUSE_MS.0 * f64::from(1_u32 << (failure_count - 1).min(8))).min(PAUSE_MS.1);
    // Between the pause and twice the pause, but the first time up to 2 s: a thousand tabs must not come at once.
    let jitter = if failure_count == 1 { 3.0 } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 500 and 30,000")]
    let pause = Duration::from_millis((pause_ms * (1.0 + jitter * js_sys::Math::random())) as u64);
    spawn_local(async move {
        browser::sleep(pause).await;
        if SOCKET.with_borrow(|socket| socket.generation == generation && socket.connection.is_none()) {
            connect();
        }
    });
}

fn say_focus() {
    let Some(focus) = SOCKET.with_borrow(|socket| socket.focus) else { return };
    if let Some(cursor) = focus.timeline.try_with_untracked(|timeline| timeline.cursor.clone()) {
        say(&ClientFrame::Focus { room_id: focus.room_id, cursor });
    }
}

/// Says something if there is a connection; what matters is said again when there is one.
fn say(frame: &ClientFrame) {
    let Ok(json) = serde_json::to_string(frame) else { return };
    SOCKET.with_borrow(|socket| {
        if let Some(connection) = &socket.connection
            && connection.socket.ready_state() == WebSocket::OPEN
        {
            let _ = connection.socket.send_with_str(&json);
        }
    });
}

/// This browser is signed out. The tab that signed out is on its way already and must not be stopped.
fn leave() {
    SOCKET.with_borrow_mut(|socket| socket.left = true);
    spawn_local(async {
        browser::sleep(LEAVE_AFTER).await;
        let _ = window().location().assign(paths::SIGN_IN);
    });
}
