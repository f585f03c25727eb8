//! `/cable`: the server's end of the live protocol, one task a socket.
//!
//! What happens is written to the sockets by the hub, in the order of the commits: who loses a room hears nothing of it
//! that came later. The task listens to its browser, and writes what its socket did not take at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use campfire::auth::CurrentUser;
use campfire::event::{ClientFrame, Cursor, MAX_FRAME_BYTES, ServerFrame, TYPING_EVERY_MS};
use campfire::live::{Connection, Frame, Order};
use campfire::model::{RoomId, SessionId, User};
use campfire::state::AppState;
use campfire::{AppError, AppResult, clock, ops, store};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::auth::SignedIn;
use crate::page::PageError;
use crate::websocket::{CloseCode, Handshake, Message, Tcp, WebSocket, close, control};
use crate::{Site, security};

/// How long a browser may leave what it is sent unread before it is given up.
const UNREAD_FOR: Duration = Duration::from_secs(30);

/// How many changed messages are told one by one; beyond that loading the page again is less.
const MOST_CHANGES: i64 = 200;

/// How often one page may say that somebody writes; what is said more often is passed over.
const TYPING_PAUSE: Duration = Duration::from_millis(TYPING_EVERY_MS * 9 / 10);

/// How often within a second somebody who stopped may begin again: at once for a person, not for a flood of both.
const TYPING_AGAIN: u32 = 3;

/// How many frames a page may say within a second. None of ours says a tenth of that.
const MOST_FRAMES_A_SECOND: u32 = 200;

/// The socket.
pub fn router() -> Router<Site> {
    Router::new().route("/cable", get(open))
}

async fn open(State(site): State<Site>, signed_in: Option<SignedIn>, mut request: Request) -> Response {
    // Browsers send cookies with any site's socket: the origin decides, and a socket always has one.
    let headers = request.headers();
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| !security::is_own_origin(origin, headers));
    if foreign || security::is_cross_site(headers) {
        return PageError(AppError::Forbidden).into_response();
    }
    let Some(SignedIn(current)) = signed_in else { return PageError(AppError::SignedOut).into_response() };
    match Handshake::of(&mut request) {
        Ok(handshake) => {
            handshake.answer(move |socket| serve(socket, site.state.clone(), current, site.closing.clone()))
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn serve(socket: WebSocket, state: AppState, current: CurrentUser, closing: watch::Receiver<bool>) {
    let connection = state.live.connect(current.user.id, &current.user.name, socket.wire());
    let mut session = Session {
        socket,
        state,
        user: current.user,
        session_id: current.session_id,
        connection,
        typing_told: None,
        typing: false,
        typing_again: 0,
        heard_since: clock::monotonic(),
        heard_count: 0,
    };
    let end = session.run(closing).await;
    let (reconnect, code, reason) = match end {
        End::Gone => return,
        End::Refused(code) => return session.connection.peer.close(&close(code, "")),
        End::Closing => (true, CloseCode::Away, ""),
        End::SignedOut => (false, CloseCode::Away, ""),
        End::TooMuch => (true, CloseCode::Policy, "Too many frames in a second."),
    };
    session.say(&ServerFrame::Bye { reconnect });
    session.finish().await;
    session.connection.peer.close(&close(code, reason));
}

/// Why a socket's task ends.
enum End {
    /// The browser left, or stopped reading.
    Gone,
    /// What it sent is no frame of a browser's.
    Refused(CloseCode),
    /// The program is about to end.
    Closing,
    /// The session was ended.
    SignedOut,
    /// The browser says more than any page of ours does.
    TooMuch,
}

struct Session {
    socket: WebSocket,
    state: AppState,
    user: User,
    session_id: SessionId,
    connection: Connection,
    /// When the others were told last that this person writes, and whether they still think so.
    typing_told: Option<Instant>,
    typing: bool,
    /// How often they began again since then, none of those times a second after the one before.
    typing_again: u32,
    /// When the second began in which frames are counted, and how many there were.
    heard_since: Instant,
    heard_count: u32,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.typing(false);
    }
}

impl Session {
    /// Says the state now, then sees to what the browser says and the hub orders, until something ends it. What
    /// happens is written to the socket by whoever makes it happen.
    async fn run(&mut self, mut closing: watch::Receiver<bool>) -> End {
        if let Err(end) = self.begin().await {
            return end;
        }
        let wire = self.socket.wire();
        loop {
            while let Some(order) = self.connection.peer.take_order() {
                if let Err(end) = self.obey(order).await {
                    return end;
                }
            }
            if self.connection.peer.is_gone() {
                return End::Gone;
            }
            let stuck_since = self.connection.peer.stuck_since();
            // Whoever does not read is not listened to either: their answers would only wait as well.
            if stuck_since.is_none() {
                match self.socket.next(MAX_FRAME_BYTES) {
                    Ok(None) => {}
                    Ok(Some(Message::Close)) => return End::Refused(CloseCode::Normal),
                    Ok(Some(_)) if self.is_too_much() => return End::TooMuch,
                    Ok(Some(Message::Text(text))) => match self.heard(&text).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    },
                    Ok(Some(Message::Ping(payload))) => {
                        self.connection.peer.say(&Frame { wire: control(0xA, &payload).into(), seq: None });
                        continue;
                    }
                    Ok(Some(Message::Other)) => continue,
                    Err(code) => return End::Refused(code),
                }
            }
            tokio::select! {
                biased;
                () = crate::closed(&mut closing) => return End::Closing,
                () = self.connection.peer.attention() => {}
                heard = self.socket.hear(), if stuck_since.is_none() => {
                    if !heard {
                        return End::Gone;
                    }
                }
                takes = takes_within(&wire, stuck_since), if stuck_since.is_some() => {
                    if !takes {
                        return End::Gone;
                    }
                    self.connection.peer.write_waiting();
                }
            }
        }
    }

    /// Does what the hub wants done.
    async fn obey(&mut self, order: Order) -> Result<(), End> {
        match order {
            Order::SignedOut(session_id) if session_id == self.session_id => return Err(End::SignedOut),
            Order::SignedOut(_) => {}
            Order::Left(room_id) => {
                self.typing = false;
                if self.connection.peer.in_view().is_none_or(|in_view| in_view == room_id) {
                    self.connection.leave();
                }
                self.say_presence();
            }
            Order::Unseen => {
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(false, in_view);
            }
            // What was missed may have been the loss of a room or of the session.
            Order::Behind => {
                self.connection.peer.hold();
                self.start_over().await?;
            }
        }
        Ok(())
    }

    /// Registers the person's rooms and says them. Subscribed first, read second: a change in between is heard.
    async fn begin(&mut self) -> Result<(), End> {
        let rooms = self.register().await.map_err(|_| End::Gone)?;
        // The session may have ended before this socket could hear of it.
        if !store::sessions::is_live(self.state.db.reader(), self.session_id).await.map_err(|_| End::Gone)? {
            return Err(End::SignedOut);
        }
        let online = self.connection.online_in_direct_rooms();
        let frames: Vec<_> = std::iter::once(&rooms).chain(&online).map(Frame::new).collect();
        // What happened since the rooms were read comes after them.
        self.connection.peer.begin(&frames);
        Ok(())
    }

    async fn register(&mut self) -> AppResult<ServerFrame> {
        let user_id = self.user.id;
        loop {
            let version = self.connection.membership_version();
            let rooms = store::memberships::list_rooms(self.state.db.reader(), user_id).await?;
            if self.connection.set_rooms(&rooms, version) {
                break;
            }
        }
        let db = self.state.db.reader();
        let viewer = store::users::find(db, user_id).await?.ok_or(AppError::SignedOut)?;
        let frame = store::frames::find(db, user_id, 0).await?.ok_or(AppError::NotFound)?;
        Ok(ServerFrame::Rooms { viewer, account: frame.account, rooms: frame.rooms })
    }

    /// Tells the hub what the page shows, and whether somebody looks at it.
    fn say_presence(&mut self) {
        let (present, in_view) = (self.connection.is_present(), self.connection.peer.in_view());
        self.connection.set_presence(present, in_view);
    }

    /// After frames of the person's were lost: says the rooms as they are, and checks the session and the room in view.
    async fn start_over(&mut self) -> Result<(), End> {
        self.begin().await?;
        if let Some(room_id) = self.connection.peer.in_view() {
            let found = store::memberships::find(self.state.db.reader(), self.user.id, room_id).await;
            if found.map_err(|_| End::Gone)?.is_none() {
                self.connection.leave();
                self.say(&ServerFrame::RoomRemoved { room_id });
            }
        }
        Ok(())
    }

    /// Counts a frame of the browser's; answers whether there are too many within a second.
    fn is_too_much(&mut self) -> bool {
        if self.heard_since.elapsed() >= Duration::from_secs(1) {
            (self.heard_since, self.heard_count) = (clock::monotonic(), 0);
        }
        self.heard_count += 1;
        self.heard_count > MOST_FRAMES_A_SECOND
    }

    /// Tells the others in the room in view that this person writes, not too often, or stopped, if they were told.
    fn typing(&mut self, active: bool) {
        let Some(room_id) = self.connection.peer.in_view() else { return };
        let news = match (active, self.typing) {
            (false, typing) => typing,
            (true, true) => self.typing_told.is_none_or(|told| told.elapsed() >= TYPING_PAUSE),
            (true, false) => {
                if self.typing_told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1)) {
                    self.typing_again = 0;
                }
                self.typing_again += 1;
                self.typing_again <= TYPING_AGAIN
            }
        };
        if news {
            self.typing = active;
            if active {
                self.typing_told = Some(clock::monotonic());
            }
            self.connection.tell_typing(room_id, active);
        }
    }

    async fn heard(&mut self, text: &str) -> Result<(), End> {
        // Nothing of ours says what cannot be read.
        match serde_json::from_str(text).map_err(|_| End::Gone)? {
            ClientFrame::Typing { active } => self.typing(active),
            ClientFrame::Focus { room_id, cursor } => {
                self.typing(false);
                // In a box: it runs seldom, and would make every socket's task as large as itself.
                let focused = Box::pin(self.focus(room_id, cursor)).await;
                self.say_presence();
                return focused;
            }
            ClientFrame::Blur => {
                self.typing(false);
                self.connection.leave();
                self.say_presence();
            }
            ClientFrame::Present => {
                self.connection.peer.seen(self.state.clock.now_ms());
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(true, in_view);
            }
            ClientFrame::Absent => {
                self.connection.peer.seen(0);
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(false, in_view);
            }
            ClientFrame::Read { room_id, message_id } => {
                let read = Box::pin(ops::messages::mark_read(&self.state, &self.user, room_id, message_id)).await;
                if let Err(error) = read {
                    tracing::warn!(%error, "a room could not be marked read");
                }
            }
            ClientFrame::Unknown => {}
        }
        Ok(())
    }

    /// Has a room in view from now on, and tells what changed in it since the page was made.
    async fn focus(&mut self, room_id: RoomId, cursor: Cursor) -> Result<(), End> {
        if !self.connection.enter(room_id) {
            self.say(&ServerFrame::RoomRemoved { room_id });
            return Ok(());
        }
        match self.catch_up(room_id, &cursor).await {
            Ok(Some((mut changes, now))) => {
                let told_seq = now.seq;
                changes.push(ServerFrame::CaughtUp { room_id, cursor: now });
                changes.extend(self.connection.presence(room_id));
                let frames: Vec<_> = changes.iter().map(Frame::new).collect();
                self.connection.peer.catch_up(room_id, &frames, told_seq);
            }
            Ok(None) => self.connection.peer.catch_up(room_id, &[Frame::new(&ServerFrame::Resync)], 0),
            Err(AppError::NotFound) => {
                self.connection.leave();
                self.say(&ServerFrame::RoomRemoved { room_id });
            }
            // The browser comes back by itself, and asks again.
            Err(_) => return Err(End::Gone),
        }
        Ok(())
    }

    /// The state now of every message that something happened to after `cursor`, and the place that is told up to;
    /// nothing when the log cannot tell.
    async fn catch_up(&mut self, room_id: RoomId, cursor: &Cursor) -> AppResult<Option<(Vec<ServerFrame>, Cursor)>> {
        let mut reader = self.state.db.reader().acquire().await?;
        let db = reader.db();
        store::memberships::find(&mut *db, self.user.id, room_id).await?.ok_or(AppError::NotFound)?;
        // The place first: what is committed while the rest is read is told again by the live stream.
        let now = store::events::room_cursor(&mut *db, room_id).await?;
        if !store::events::knows(&mut *db, cursor).await? {
            return Ok(None);
        }
        let changed = store::events::messages_since(&mut *db, room_id, cursor.seq, MOST_CHANGES + 1).await?;
        if i64::try_from(changed.len()).is_ok_and(|count| count > MOST_CHANGES) {
            return Ok(None);
        }
        let found = store::messages::list(&mut *db, &changed).await?;
        reader.release();
        let mut found: HashMap<_, _> = found.into_iter().map(|message| (message.id, message)).collect();
        let frames = changed.into_iter().map(|message_id| match found.remove(&message_id) {
            Some(message) => ServerFrame::MessageEdited { seq: cursor.seq, at: cursor.at, message },
            None => ServerFrame::MessageRemoved { seq: cursor.seq, at: cursor.at, room_id, message_id },
        });
        Ok(Some((frames.collect(), now)))
    }

    /// Says something to this page.
    fn say(&self, frame: &ServerFrame) {
        self.connection.peer.say(&Frame::new(frame));
    }

    /// Gives what waits a moment to leave.
    async fn finish(&self) {
        let leave = async {
            let wire = self.socket.wire();
            while self.connection.peer.stuck_since().is_some() && wire.writable().await {
                self.connection.peer.write_waiting();
            }
        };
        let _ = timeout(Duration::from_secs(1), leave).await;
    }
}

/// Waits until a socket that is stuck takes something; `false` when it has taken nothing for too long.
async fn takes_within(wire: &Tcp, stuck_since: Option<Instant>) -> bool {
    let Some(since) = stuck_since else { return std::future::pending().await };
    tokio::time::timeout_at((since + UNREAD_FOR).into(), wire.writable()).await.unwrap_or(false)
}
