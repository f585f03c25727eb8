//! `/cable`: the server's end of the live protocol, one task a socket.
//!
//! The person's stream comes before the room's, always: who loses a room hears nothing of it that came later.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message as WsMessage, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use campfire::auth::CurrentUser;
use campfire::event::{
    ClientFrame, Cursor, HEARTBEAT_MS, MAX_FRAME_BYTES, PRESENCE_TTL_MS, ServerFrame, TYPING_EVERY_MS,
};
use campfire::live::{Connection, Frame, Listener};
use campfire::model::RoomId;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops, store};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::auth::SignedIn;
use crate::page::PageError;
use crate::{Site, security};

/// How long a browser may leave what it is sent unread before it is given up.
const UNREAD_FOR: Duration = Duration::from_secs(30);

/// How many changed messages are told one by one; beyond that loading the page again is less.
const MOST_CHANGES: i64 = 200;

/// How often one page may say that somebody writes; what is said more often is passed over.
const TYPING_PAUSE: Duration = Duration::from_millis(TYPING_EVERY_MS * 9 / 10);

/// How soon somebody who stopped may begin again: at once for a person, not for a flood of both.
const TYPING_AGAIN: Duration = Duration::from_millis(250);

/// How many frames a page may say within a second. None of ours says a tenth of that.
const MOST_FRAMES_A_SECOND: u32 = 200;

/// The socket.
pub fn router() -> Router<Site> {
    Router::new().route("/cable", get(open))
}

async fn open(
    State(site): State<Site>,
    headers: HeaderMap,
    signed_in: Option<SignedIn>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    // Browsers send cookies with any site's socket: the origin decides, and a socket always has one.
    let foreign = headers.get(header::ORIGIN).is_some_and(|origin| !security::is_own_origin(origin, &headers));
    if foreign || security::is_cross_site(&headers) {
        return PageError(AppError::Forbidden).into_response();
    }
    let Some(SignedIn(current)) = signed_in else { return PageError(AppError::SignedOut).into_response() };
    match upgrade {
        // Small buffers: ten thousand sockets wait most of the time.
        Ok(upgrade) => upgrade
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_message_size(MAX_FRAME_BYTES)
            .max_frame_size(MAX_FRAME_BYTES)
            .on_upgrade(move |socket| serve(socket, site.state, current, site.closing)),
        Err(rejection) => rejection.into_response(),
    }
}

async fn serve(socket: WebSocket, state: AppState, current: CurrentUser, closing: watch::Receiver<bool>) {
    let connection = state.live.connect(current.user.id, &current.user.name);
    let mut session = Session {
        socket,
        state,
        current,
        connection,
        room: None,
        seen_at: 0,
        typing_told: None,
        typing: false,
        heard_since: Instant::now(),
        heard_count: 0,
    };
    let end = session.run(closing).await;
    let (frame, code, reason) = match end {
        End::Gone => return,
        End::Closing => (ServerFrame::Bye { reconnect: true }, close_code::AWAY, ""),
        End::SignedOut => (ServerFrame::Bye { reconnect: false }, close_code::AWAY, ""),
        End::TooMuch => (ServerFrame::Bye { reconnect: true }, close_code::POLICY, "Too many frames in a second."),
    };
    let _ = session.send(frame.to_json()).await;
    let close = CloseFrame { code, reason: reason.into() };
    let _ = timeout(Duration::from_secs(1), session.socket.send(WsMessage::Close(Some(close)))).await;
}

/// Why a socket's task ends.
enum End {
    /// The browser left, or stopped reading.
    Gone,
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
    current: CurrentUser,
    connection: Connection,
    room: Option<InView>,
    /// When the page said last that somebody looks at it.
    seen_at: i64,
    /// When the others were told last that this person writes, and whether they still think so.
    typing_told: Option<Instant>,
    typing: bool,
    /// When the second began in which frames are counted, and how many there were.
    heard_since: Instant,
    heard_count: u32,
}

/// The room in view.
struct InView {
    room_id: RoomId,
    frames: Listener,
    /// What the catch-up told already.
    told_seq: i64,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.typing(false);
    }
}

impl Session {
    /// Says the state now, then everything that happens, until something ends it.
    async fn run(&mut self, mut closing: watch::Receiver<bool>) -> End {
        match self.begin().await {
            Ok(true) => {}
            Ok(false) => return End::SignedOut,
            Err(Gone) => return End::Gone,
        }
        let heartbeat = Duration::from_millis(HEARTBEAT_MS);
        let mut next_beat = Instant::now() + heartbeat;
        loop {
            let sent = tokio::select! {
                biased;
                () = crate::closed(&mut closing) => return End::Closing,
                frame = self.connection.frames.recv() => match frame {
                    Ok(Frame::Text { json, .. }) => self.send(&*json).await,
                    Ok(Frame::Left(room_id)) => {
                        self.room.take_if(|room| room.room_id == room_id);
                        self.say_presence();
                        continue;
                    }
                    Ok(Frame::SignedOut(session_id)) if session_id == self.current.session_id => return End::SignedOut,
                    Ok(Frame::SignedOut(_)) => continue,
                    // What was missed may have been the loss of a room or of the session.
                    Err(RecvError::Lagged(_)) => match self.start_over().await {
                        Ok(true) => Ok(()),
                        Ok(false) => return End::SignedOut,
                        Err(gone) => Err(gone),
                    },
                    Err(RecvError::Closed) => return End::Gone,
                },
                frame = next_of_room(&mut self.room) => match frame {
                    Ok((json, seq)) if self.room.as_ref().is_some_and(|room| seq.is_none_or(|seq| seq > room.told_seq)) => {
                        self.send(&*json).await
                    }
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => self.send(ServerFrame::Resync.to_json()).await,
                    Err(RecvError::Closed) => {
                        self.room = None;
                        self.say_presence();
                        continue;
                    }
                },
                message = self.socket.recv() => match message {
                    Some(Ok(WsMessage::Close(_)) | Err(_)) | None => return End::Gone,
                    Some(Ok(_)) if self.is_too_much() => return End::TooMuch,
                    Some(Ok(WsMessage::Text(text))) => self.heard(&text).await,
                    Some(Ok(WsMessage::Binary(_) | WsMessage::Ping(_) | WsMessage::Pong(_))) => continue,
                },
                () = sleep_until(next_beat) => {
                    self.forget_the_unseen();
                    self.send(ServerFrame::Alive.to_json()).await
                }
            };
            if sent.is_err() {
                return End::Gone;
            }
            next_beat = Instant::now() + heartbeat;
        }
    }

    /// Registers the person's rooms and says them. Subscribed first, read second: a change in between is heard.
    /// Answers whether the session still lives: it may have ended before this socket could hear of it.
    async fn begin(&mut self) -> Result<bool, Gone> {
        let rooms = self.register().await.map_err(|_| Gone)?;
        if !store::sessions::is_live(self.state.db.reader(), self.current.session_id).await.map_err(|_| Gone)? {
            return Ok(false);
        }
        self.send(rooms.to_json()).await?;
        for online in self.connection.online_in_direct_rooms() {
            self.send(online.to_json()).await?;
        }
        Ok(true)
    }

    async fn register(&mut self) -> AppResult<ServerFrame> {
        let user_id = self.current.user.id;
        loop {
            let version = self.connection.membership_version();
            let rooms = store::memberships::list_rooms(self.state.db.reader(), user_id).await?;
            if self.connection.set_rooms(&rooms, version) {
                break;
            }
        }
        let mut reader = self.state.db.reader().acquire().await?;
        let viewer = store::users::find(&mut *reader, user_id).await?.ok_or(AppError::SignedOut)?;
        let frame = store::frames::find(&mut reader, user_id, 0).await?.ok_or(AppError::NotFound)?;
        Ok(ServerFrame::Rooms { viewer, account: frame.account, rooms: frame.rooms })
    }

    /// Tells the hub what the page shows, and whether somebody looks at it.
    fn say_presence(&mut self) {
        let present = self.connection.is_present();
        self.connection.set_presence(present, self.room.as_ref().map(|room| room.room_id));
    }

    /// A page that has not said for a while that somebody looks at it counts as one that nobody does.
    fn forget_the_unseen(&mut self) {
        if self.connection.is_present() && self.state.clock.now_ms() - self.seen_at >= PRESENCE_TTL_MS {
            self.connection.set_presence(false, self.room.as_ref().map(|room| room.room_id));
        }
    }

    /// After frames of the person's were lost: says the rooms as they are, and checks the session and the room in view.
    /// The room's own stream lost nothing. Answers whether the session still lives.
    async fn start_over(&mut self) -> Result<bool, Gone> {
        if !self.begin().await? {
            return Ok(false);
        }
        if let Some(room_id) = self.room.as_ref().map(|room| room.room_id) {
            let found = store::memberships::find(self.state.db.reader(), self.current.user.id, room_id).await;
            if found.map_err(|_| Gone)?.is_none() {
                self.room = None;
                self.send(ServerFrame::RoomRemoved { room_id }.to_json()).await?;
            }
        }
        Ok(true)
    }

    /// Counts a frame of the browser's; answers whether there are too many within a second.
    fn is_too_much(&mut self) -> bool {
        if self.heard_since.elapsed() >= Duration::from_secs(1) {
            (self.heard_since, self.heard_count) = (Instant::now(), 0);
        }
        self.heard_count += 1;
        self.heard_count > MOST_FRAMES_A_SECOND
    }

    /// Tells the others in the room in view that this person writes, not too often, or stopped, if they were told.
    fn typing(&mut self, active: bool) {
        let Some(room_id) = self.room.as_ref().map(|room| room.room_id) else { return };
        let pause = if self.typing { TYPING_PAUSE } else { TYPING_AGAIN };
        let news = if active { self.typing_told.is_none_or(|told| told.elapsed() >= pause) } else { self.typing };
        if news {
            self.typing = active;
            if active {
                self.typing_told = Some(Instant::now());
            }
            self.connection.tell_typing(room_id, active);
        }
    }

    async fn heard(&mut self, text: &str) -> Result<(), Gone> {
        let frame = match serde_json::from_str(text) {
            Ok(frame) => frame,
            // Nothing of ours says such a thing.
            Err(_) => return Err(Gone),
        };
        match frame {
            ClientFrame::Typing { active } => {
                self.typing(active);
                Ok(())
            }
            ClientFrame::Focus { room_id, cursor } => {
                self.typing(false);
                let focused = self.focus(room_id, cursor).await;
                self.say_presence();
                focused
            }
            ClientFrame::Blur => {
                self.typing(false);
                self.room = None;
                self.say_presence();
                Ok(())
            }
            ClientFrame::Present => {
                self.seen_at = self.state.clock.now_ms();
                self.connection.set_presence(true, self.room.as_ref().map(|room| room.room_id));
                Ok(())
            }
            ClientFrame::Absent => {
                self.connection.set_presence(false, self.room.as_ref().map(|room| room.room_id));
                Ok(())
            }
            ClientFrame::Read { room_id, message_id } => {
                if let Err(error) = ops::messages::mark_read(&self.state, &self.current.user, room_id, message_id).await
                {
                    tracing::warn!(%error, "a room could not be marked read");
                }
                Ok(())
            }
            ClientFrame::Unknown => Ok(()),
        }
    }

    /// Has a room in view from now on, and tells what changed in it since the page was made.
    async fn focus(&mut self, room_id: RoomId, cursor: Cursor) -> Result<(), Gone> {
        self.room = None;
        let Some(frames) = self.connection.listen(room_id) else {
            return self.send(ServerFrame::RoomRemoved { room_id }.to_json()).await;
        };
        let mut room = InView { room_id, frames, told_seq: 0 };
        match self.catch_up(room_id, &cursor).await {
            Ok(Some((changes, now))) => {
                room.told_seq = now.seq;
                self.room = Some(room);
                for change in changes {
                    self.send(change.to_json()).await?;
                }
                self.send(ServerFrame::CaughtUp { room_id, cursor: now }.to_json()).await?;
                match self.connection.presence(room_id) {
                    Some(presence) => self.send(presence.to_json()).await,
                    None => Ok(()),
                }
            }
            Ok(None) => {
                self.room = Some(room);
                self.send(ServerFrame::Resync.to_json()).await
            }
            Err(AppError::NotFound) => self.send(ServerFrame::RoomRemoved { room_id }.to_json()).await,
            // The browser comes back by itself, and asks again.
            Err(_) => Err(Gone),
        }
    }

    /// The state now of every message that something happened to after `cursor`, and the place that is told up to;
    /// nothing when the log cannot tell.
    async fn catch_up(&mut self, room_id: RoomId, cursor: &Cursor) -> AppResult<Option<(Vec<ServerFrame>, Cursor)>> {
        let mut reader = self.state.db.reader().acquire().await?;
        store::memberships::find(&mut *reader, self.current.user.id, room_id).await?.ok_or(AppError::NotFound)?;
        // The place first: what is committed while the rest is read is told again by the live stream.
        let now = store::events::room_cursor(&mut *reader, room_id).await?;
        if !store::events::knows(&mut *reader, cursor).await? {
            return Ok(None);
        }
        let changed = store::events::messages_since(&mut *reader, room_id, cursor.seq, MOST_CHANGES + 1).await?;
        if i64::try_from(changed.len()).is_ok_and(|count| count > MOST_CHANGES) {
            return Ok(None);
        }
        let mut frames = Vec::with_capacity(changed.len());
        for message_id in changed {
            frames.push(match store::messages::find(&mut reader, room_id, message_id).await? {
                Some(message) => ServerFrame::MessageEdited { seq: cursor.seq, at: cursor.at, message },
                None => ServerFrame::MessageRemoved { seq: cursor.seq, at: cursor.at, room_id, message_id },
            });
        }
        Ok(Some((frames, now)))
    }

    async fn send(&mut self, json: impl Into<axum::extract::ws::Utf8Bytes>) -> Result<(), Gone> {
        match timeout(UNREAD_FOR, self.socket.send(WsMessage::Text(json.into()))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

/// The browser is not there any more.
struct Gone;

/// The next frame of the room in view; never comes without one.
async fn next_of_room(room: &mut Option<InView>) -> Result<(std::sync::Arc<str>, Option<i64>), RecvError> {
    let Some(room) = room else { return std::future::pending().await };
    loop {
        if let Frame::Text { json, seq } = room.frames.recv().await? {
            return Ok((json, seq));
        }
    }
}
