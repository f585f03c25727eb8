//! One socket's task: receives commands from the browser and from the hub, and flushes the socket's send queue.
//!
//! The hub writes events to the sockets itself, in commit order, so a removed member receives no later event of the
//! room. This task only reads, runs commands and flushes.

use std::time::{Duration, Instant};

use campfire::access::CurrentUser;
use campfire::live::{Connection, EncodedEvent, PeerCommand};
use campfire::model::RoomId;
use campfire::ops::sync::CatchUp;
use campfire::protocol::{ClientCommand, Cursor, MAX_COMMAND_BYTES, ServerEvent, TYPING_EVERY_MS};
use campfire::state::AppState;
use campfire::{AppError, AppResult, clock, ops};
use tokio::sync::watch;
use tokio::time::timeout;
use websocket::{CloseCode, Message, Tcp, WebSocket, encode};

/// How long a socket may accept nothing of what is queued for it before it is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the queue is flushed before a socket is closed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How often one page's `typing` is published at most while it stays active; more frequent ones are ignored. A tenth
/// below the interval of the browser, which is never exact.
const TYPING_INTERVAL: Duration = Duration::from_millis(TYPING_EVERY_MS * 9 / 10);

/// The gap between two typing starts after which [`MAX_TYPING_RESTARTS`] is counted anew.
const TYPING_RESTART_WINDOW: Duration = Duration::from_secs(1);

/// How often typing may start again without a gap: a user who stops and continues is published at once, a flood of
/// starts and stops is not.
const MAX_TYPING_RESTARTS: u32 = 3;

/// The period in which [`MAX_COMMANDS_PER_SECOND`] is counted.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// How many messages a client may send in a second. Our pages send less than a tenth of that.
const MAX_COMMANDS_PER_SECOND: u32 = 200;

/// Serves one socket until it is closed.
pub(super) async fn serve(socket: WebSocket, state: AppState, current: CurrentUser, closing: watch::Receiver<bool>) {
    let connection = state.live.connect(current.user.id, &current.user.name, socket.transport());
    let mut session = Session {
        socket,
        state,
        current,
        connection,
        typing_published_at: None,
        is_typing: false,
        typing_restarts: 0,
        rate_window_start: clock::monotonic(),
        rate_window_count: 0,
    };
    let end = session.run(closing).await;
    let (reconnect, code, reason) = match end {
        End::Disconnected => return,
        End::Closed(code) => return session.connection.peer.close(&encode::close_reply(code)),
        End::Refused(code) => return session.connection.peer.close(&encode::close(code, "")),
        End::ShuttingDown => (true, CloseCode::GOING_AWAY, ""),
        End::SignedOut => (false, CloseCode::GOING_AWAY, ""),
        End::RateExceeded => (true, CloseCode::POLICY_VIOLATION, "Too many frames in a second."),
    };
    session.send(&ServerEvent::Bye { reconnect });
    session.drain().await;
    session.connection.peer.close(&encode::close(code, reason));
}

/// Why a socket's task ends.
enum End {
    /// The connection is lost, timed out, or unusable after an error: nothing more is sent, and the browser reconnects.
    Disconnected,
    /// The browser closed the socket: its code is echoed (RFC 6455, section 5.5.1).
    Closed(Option<CloseCode>),
    /// The browser violated the WebSocket protocol: a close frame with this code is sent.
    Refused(CloseCode),
    /// The server is shutting down.
    ShuttingDown,
    /// The user's session ended.
    SignedOut,
    /// The client sent more than [`MAX_COMMANDS_PER_SECOND`].
    RateExceeded,
}

struct Session {
    socket: WebSocket,
    state: AppState,
    current: CurrentUser,
    connection: Connection,
    /// When `active` typing was last published.
    typing_published_at: Option<Instant>,
    /// Whether the last published typing was `active`.
    is_typing: bool,
    /// How often typing started without a gap of [`TYPING_RESTART_WINDOW`].
    typing_restarts: u32,
    rate_window_start: Instant,
    /// How many messages were received in the window.
    rate_window_count: u32,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.set_typing(false);
    }
}

impl Session {
    /// Sends the snapshot, then handles messages from the browser and commands from the hub until one ends the session.
    async fn run(&mut self, mut closing: watch::Receiver<bool>) -> End {
        if let Err(end) = self.send_snapshot().await {
            return end;
        }
        let transport = self.socket.transport();
        loop {
            while let Some(command) = self.connection.peer.next_command() {
                if let Err(end) = self.handle_peer_command(command).await {
                    return end;
                }
            }
            if self.connection.peer.is_closed() {
                return End::Disconnected;
            }
            let blocked_since = self.connection.peer.blocked_since();
            // A blocked socket is not read either: the answers would only fill its queue.
            if blocked_since.is_none() {
                match self.socket.next(MAX_COMMAND_BYTES) {
                    Ok(None) => {}
                    Ok(Some(Message::Close(code))) => return End::Closed(code),
                    Ok(Some(_)) if self.exceeds_rate() => return End::RateExceeded,
                    Ok(Some(Message::Text(text))) => match self.handle_client_command(&text).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    },
                    Ok(Some(Message::Ping(payload))) => {
                        self.connection.peer.send(&EncodedEvent { bytes: encode::pong(&payload), seq: None });
                        continue;
                    }
                    Ok(Some(Message::Binary(_) | Message::Pong(_))) => continue,
                    Err(code) => return End::Refused(code),
                }
            }
            tokio::select! {
                biased;
                () = crate::closed(&mut closing) => return End::ShuttingDown,
                () = self.connection.peer.wakeup() => {}
                is_open = self.socket.receive(), if blocked_since.is_none() => {
                    if !is_open {
                        return End::Disconnected;
                    }
                }
                is_writable = writable_in_time(&transport, blocked_since), if blocked_since.is_some() => {
                    if !is_writable {
                        return End::Disconnected;
                    }
                    self.connection.peer.flush();
                }
            }
        }
    }

    async fn handle_peer_command(&mut self, command: PeerCommand) -> Result<(), End> {
        match command {
            PeerCommand::SessionEnded(session_id) if session_id == self.current.session_id => {
                return Err(End::SignedOut);
            }
            PeerCommand::SessionEnded(_) => {}
            PeerCommand::MembershipEnded(room_id) => {
                self.is_typing = false;
                if self.connection.peer.room_in_view().is_none_or(|in_view| in_view == room_id) {
                    self.connection.unsubscribe();
                }
                self.update_viewed_room();
            }
            PeerCommand::PresenceExpired => self.set_presence(false),
            // The dropped events may include the end of a membership or of the session.
            PeerCommand::UserEventsDropped => {
                self.connection.peer.buffer_user_events();
                self.resend_snapshot().await?;
            }
        }
        Ok(())
    }

    /// Registers the user's rooms in the hub and sends the snapshot. Events published while it is read are buffered and
    /// sent after it, so no change is missed.
    async fn send_snapshot(&mut self) -> Result<(), End> {
        let rooms = self.register_rooms().await.map_err(|_| End::Disconnected)?;
        // The session may have ended before this socket was registered in the hub.
        if !ops::sessions::is_live(&self.state, &self.current).await.map_err(|_| End::Disconnected)? {
            return Err(End::SignedOut);
        }
        let online = self.connection.online_in_direct_rooms();
        let events: Vec<_> = std::iter::once(&rooms).chain(&online).map(EncodedEvent::new).collect();
        self.connection.peer.send_snapshot(&events);
        Ok(())
    }

    async fn register_rooms(&mut self) -> AppResult<ServerEvent> {
        loop {
            let version = self.connection.membership_version();
            let rooms = ops::rooms::list(&self.state, &self.current).await?;
            if self.connection.set_rooms(&rooms, version) {
                break;
            }
        }
        ops::sync::rooms(&self.state, &self.current).await
    }

    /// Sends a new snapshot after user events were dropped, and checks the session and the membership of the room in
    /// view again.
    async fn resend_snapshot(&mut self) -> Result<(), End> {
        self.send_snapshot().await?;
        if let Some(room_id) = self.connection.peer.room_in_view() {
            let is_member = ops::sync::is_member(&self.state, &self.current, room_id).await;
            if !is_member.map_err(|_| End::Disconnected)? {
                self.connection.unsubscribe();
                self.send(&ServerEvent::RoomRemoved { room_id });
            }
        }
        Ok(())
    }

    /// Counts a message from the client; `true` when it is one too many in a second.
    fn exceeds_rate(&mut self) -> bool {
        if self.rate_window_start.elapsed() >= RATE_WINDOW {
            self.rate_window_start = clock::monotonic();
            self.rate_window_count = 0;
        }
        self.rate_window_count += 1;
        self.rate_window_count > MAX_COMMANDS_PER_SECOND
    }

    async fn handle_client_command(&mut self, text: &str) -> Result<(), End> {
        // Our pages send only valid JSON; unknown commands of newer pages deserialize as `Unknown`.
        match serde_json::from_str(text).map_err(|_| End::Disconnected)? {
            ClientCommand::Typing { active } => self.set_typing(active),
            ClientCommand::Focus { room_id, cursor } => {
                self.set_typing(false);
                // Boxed: it is rare, and would otherwise enlarge the future of every socket's task by its own size.
                let focused = Box::pin(self.focus(room_id, cursor)).await;
                self.update_viewed_room();
                return focused;
            }
            ClientCommand::Blur => {
                self.set_typing(false);
                self.connection.unsubscribe();
                self.update_viewed_room();
            }
            ClientCommand::Present => {
                self.connection.peer.touch_presence(self.state.clock.now_ms());
                self.set_presence(true);
            }
            ClientCommand::Absent => {
                self.connection.peer.clear_presence();
                self.set_presence(false);
            }
            ClientCommand::Read { room_id, message_id } => {
                let read = Box::pin(ops::memberships::mark_read(&self.state, &self.current, room_id, message_id)).await;
                if let Err(error) = read {
                    tracing::warn!(%error, "a room could not be marked read");
                }
            }
            ClientCommand::Unknown => {}
        }
        Ok(())
    }

    /// Subscribes to a room and sends its changes since `cursor`, the position in the event log that the page contains.
    async fn focus(&mut self, room_id: RoomId, cursor: Cursor) -> Result<(), End> {
        if !self.connection.subscribe(room_id) {
            self.send(&ServerEvent::RoomRemoved { room_id });
            return Ok(());
        }
        match ops::sync::catch_up(&self.state, &self.current, room_id, &cursor).await {
            Ok(CatchUp::Changes(mut changes, position)) => {
                let caught_up_seq = position.seq;
                changes.push(ServerEvent::CaughtUp { room_id, cursor: position });
                changes.extend(self.connection.presence(room_id));
                let events: Vec<_> = changes.iter().map(EncodedEvent::new).collect();
                self.connection.peer.complete_catch_up(room_id, &events, caught_up_seq);
            }
            Ok(CatchUp::Resync) => {
                let resync = EncodedEvent::new(&ServerEvent::Resync);
                self.connection.peer.complete_catch_up(room_id, &[resync], 0);
            }
            Err(AppError::NotFound) => {
                self.connection.unsubscribe();
                self.send(&ServerEvent::RoomRemoved { room_id });
            }
            // The browser reconnects and retries.
            Err(_) => return Err(End::Disconnected),
        }
        Ok(())
    }

    /// Updates the hub's presence after the room in view changed.
    fn update_viewed_room(&mut self) {
        self.set_presence(self.connection.is_present());
    }

    /// Updates the hub's presence with the page's visibility and the room in view.
    fn set_presence(&mut self, present: bool) {
        let room_in_view = self.connection.peer.room_in_view();
        self.connection.set_presence(present, room_in_view);
    }

    /// Publishes to the room in view that the user is typing, within the rate limits, or stopped, if typing was
    /// published.
    fn set_typing(&mut self, active: bool) {
        let Some(room_id) = self.connection.peer.room_in_view() else { return };
        let is_published = match (active, self.is_typing) {
            (false, is_typing) => is_typing,
            (true, true) => self.typing_published_at.is_none_or(|at| at.elapsed() >= TYPING_INTERVAL),
            (true, false) => {
                if self.typing_published_at.is_none_or(|at| at.elapsed() >= TYPING_RESTART_WINDOW) {
                    self.typing_restarts = 0;
                }
                self.typing_restarts += 1;
                self.typing_restarts <= MAX_TYPING_RESTARTS
            }
        };
        if is_published {
            self.is_typing = active;
            if active {
                self.typing_published_at = Some(clock::monotonic());
            }
            self.connection.publish_typing(room_id, active);
        }
    }

    /// Sends an event to this socket only.
    fn send(&self, event: &ServerEvent) {
        self.connection.peer.send(&EncodedEvent::new(event));
    }

    /// Flushes the send queue until it is empty, for at most [`DRAIN_TIMEOUT`].
    async fn drain(&self) {
        let drained = async {
            let transport = self.socket.transport();
            while self.connection.peer.blocked_since().is_some() && transport.writable().await {
                self.connection.peer.flush();
            }
        };
        let _ = timeout(DRAIN_TIMEOUT, drained).await;
    }
}

/// Waits until a blocked socket is writable; `false` when it has been blocked for [`WRITE_TIMEOUT`].
async fn writable_in_time(transport: &Tcp, blocked_since: Option<Instant>) -> bool {
    let Some(blocked_since) = blocked_since else { return std::future::pending().await };
    let deadline = blocked_since + WRITE_TIMEOUT;
    tokio::time::timeout_at(deadline.into(), transport.writable()).await.unwrap_or(false)
}
