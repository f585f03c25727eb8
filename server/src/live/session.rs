//! One socket's task: receives commands from the browser and from the hub, and flushes the socket's send queue.
//!
//! The hub writes events to the sockets itself, in commit order, so a removed member receives no later event of the
//! room. This task only reads, runs commands and flushes.

use std::io::IoSlice;
use std::time::{Duration, Instant};

use campfire::access::CurrentUser;
use campfire::live::{Connection, EncodedEvent, MAX_SOCKETS_PER_USER, PeerCommand};
use campfire::model::RoomId;
use campfire::ops::sync::{CatchUp, Changes, Next};
use campfire::protocol::{ClientCommand, Cursor, MAX_COMMAND_BYTES, ServerEvent};
use campfire::state::AppState;
use campfire::{AppError, AppResult, clock, ops};
use tokio::sync::watch;
use tokio::time::timeout;
use websocket::{CloseCode, Message, Transport, WebSocket, encode};

/// How long a socket may accept nothing of what is queued for it before it is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the queue is flushed before a socket is closed.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The period in which [`MAX_COMMANDS_PER_SECOND`] is counted.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// How many messages a client may send in a second. Our pages send less than a tenth of that.
const MAX_COMMANDS_PER_SECOND: u32 = 200;

/// How long a closed socket is read for the client's own end of the connection, so that the last frame is not lost.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// The reason in the close frame of a socket beyond [`MAX_SOCKETS_PER_USER`].
const TOO_MANY_SOCKETS: &str = "Too many open pages. Close some, then reload this one.";

/// Serves one socket until it is closed.
pub(super) async fn serve(socket: WebSocket, state: AppState, current: CurrentUser, closing: watch::Receiver<bool>) {
    let Some(connection) = state.live.connect(current.user.id, &current.user.name, socket.transport()) else {
        tracing::warn!(user.id = %current.user.id, "more than {MAX_SOCKETS_PER_USER} sockets of one user");
        let refusal = encode::close(CloseCode::POLICY_VIOLATION, TOO_MANY_SOCKETS);
        // A client that does not receive the close frame still notices the end of the connection.
        let _ = socket.transport().try_write(&[IoSlice::new(&refusal)]);
        return linger(socket).await;
    };
    let mut session = Session {
        socket,
        state,
        current,
        connection,
        catching_up: None,
        rate_window_start: clock::monotonic(),
        rate_window_count: 0,
    };
    let end = session.run(closing).await;
    match end {
        End::Disconnected => return,
        End::Closed(code) => session.connection.peer.close(&encode::close_reply(code)),
        End::Refused(code, reason) => session.connection.peer.close(&encode::close(code, reason)),
        End::ShuttingDown => session.say_goodbye(true, CloseCode::GOING_AWAY, "").await,
        End::SignedOut => session.say_goodbye(false, CloseCode::GOING_AWAY, "").await,
        End::RateExceeded => {
            session.say_goodbye(true, CloseCode::POLICY_VIOLATION, "Too many frames in a second.").await;
        }
    }
    let Session { socket, connection, .. } = session;
    drop(connection);
    linger(socket).await;
}

/// Waits until the client has closed its end of the connection, for at most [`LINGER_TIMEOUT`].
async fn linger(socket: WebSocket) {
    let _ = timeout(LINGER_TIMEOUT, socket.linger()).await;
}

/// Why a socket's task ends.
enum End {
    /// The connection is lost, timed out, or unusable after an error: nothing more is sent, and the browser reconnects.
    Disconnected,
    /// The browser closed the socket: its code is echoed (RFC 6455, section 5.5.1).
    Closed(Option<CloseCode>),
    /// The browser violated the protocol: a close frame with this code and reason is sent.
    Refused(CloseCode, &'static str),
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
    /// The rest of the catch-up of the room in view. Boxed: it is rare, and every socket holds this field.
    catching_up: Option<Box<Changes>>,
    rate_window_start: Instant,
    /// How many messages were received in the window.
    rate_window_count: u32,
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
                if let Some(changes) = self.catching_up.take() {
                    match Box::pin(self.continue_catch_up(changes)).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    }
                }
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
                    Err(code) => return End::Refused(code, ""),
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
                is_writable = writable_in_time(transport.writable(), blocked_since), if blocked_since.is_some() => {
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
                self.send(&ServerEvent::RoomRemoved { room_id, end: None });
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
        let command = serde_json::from_str(text)
            .map_err(|_| End::Refused(CloseCode::POLICY_VIOLATION, "A message is not a command in JSON."))?;
        match command {
            ClientCommand::Typing { active: true } => self.connection.start_typing(),
            ClientCommand::Typing { active: false } => self.connection.stop_typing(),
            ClientCommand::Focus { room_id, cursor } => {
                self.connection.stop_typing();
                // Boxed: it is rare, and would otherwise enlarge the future of every socket's task by its own size.
                let focused = Box::pin(self.focus(room_id, cursor)).await;
                self.update_viewed_room();
                return focused;
            }
            ClientCommand::Blur => {
                self.catching_up = None;
                self.connection.stop_typing();
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
            ClientCommand::Describe { room_id } => Box::pin(self.describe(room_id)).await?,
            ClientCommand::Read { room_id, message_id } => {
                let read = Box::pin(ops::memberships::mark_read(&self.state, &self.current, room_id, message_id)).await;
                if let Err(error) = read {
                    tracing::warn!(%error, "a room could not be marked read");
                }
            }
            ClientCommand::Shown { room_id, first, last } => {
                let shown = Box::pin(ops::inbox::mark_shown(&self.state, &self.current, room_id, (first, last))).await;
                match shown {
                    Ok(Some(count)) => self.send(&ServerEvent::Inbox { count, room_id: None }),
                    Ok(None) => {}
                    Err(error) => tracing::warn!(%error, "entries of an inbox could not be marked read"),
                }
            }
            ClientCommand::ReadThread { room_id, root_id, message_id } => {
                let current = &self.current;
                let read = ops::threads::mark_read(&self.state, current, room_id, root_id, message_id);
                if let Err(error) = Box::pin(read).await {
                    tracing::warn!(%error, "a thread could not be marked read");
                }
            }
            ClientCommand::Unknown => {}
        }
        Ok(())
    }

    /// Subscribes to a room, and begins to send its changes since `cursor`, the position in the event log that the page
    /// contains.
    async fn focus(&mut self, room_id: RoomId, cursor: Cursor) -> Result<(), End> {
        self.catching_up = None;
        if !self.connection.subscribe(room_id) {
            self.send(&ServerEvent::RoomRemoved { room_id, end: None });
            return Ok(());
        }
        match ops::sync::catch_up(&self.state, &self.current, room_id, &cursor).await {
            Ok(CatchUp::Changes(changes)) => self.catching_up = Some(Box::new(changes)),
            Ok(CatchUp::Resync) => self.complete_catch_up(room_id, vec![ServerEvent::Resync], 0),
            Err(AppError::NotFound) => {
                self.connection.unsubscribe();
                self.send(&ServerEvent::RoomRemoved { room_id, end: None });
            }
            // The browser reconnects and retries.
            Err(_) => return Err(End::Disconnected),
        }
        Ok(())
    }

    /// Sends a room as the user's sidebar shows it, unless it is hidden there.
    async fn describe(&mut self, room_id: RoomId) -> Result<(), End> {
        // What happens in the room while it is read follows it.
        self.connection.peer.buffer_user_events();
        let room = ops::sync::sidebar_room(&self.state, &self.current, room_id).await.map_err(|_| End::Disconnected)?;
        let event = room.map(|room| EncodedEvent::new(&ServerEvent::RoomAdded { room }));
        self.connection.peer.send_snapshot(event.as_slice());
        Ok(())
    }

    /// Sends the next piece of a catch-up, of which the socket has accepted everything so far, or its end.
    async fn continue_catch_up(&mut self, mut changes: Box<Changes>) -> Result<(), End> {
        let room_id = changes.room_id;
        match ops::sync::next_piece(&self.state, &mut changes).await.map_err(|_| End::Disconnected)? {
            Next::Piece(events) => {
                let piece: Vec<_> = events.iter().map(EncodedEvent::new).collect();
                if self.connection.peer.send_catch_up(room_id, &piece) {
                    self.catching_up = Some(changes);
                } else {
                    self.complete_catch_up(room_id, Vec::new(), 0);
                }
            }
            Next::Complete => {
                let caught_up_seq = changes.position.seq;
                let mut last = vec![ServerEvent::CaughtUp { room_id, cursor: changes.position }];
                last.extend(self.connection.presence(room_id));
                self.complete_catch_up(room_id, last, caught_up_seq);
            }
            Next::Resync => self.complete_catch_up(room_id, vec![ServerEvent::Resync], 0),
        }
        Ok(())
    }

    /// Sends the end of a catch-up, then what happened in the room meanwhile. Does nothing if the room left the view.
    fn complete_catch_up(&self, room_id: RoomId, last: Vec<ServerEvent>, caught_up_seq: i64) {
        let last: Vec<_> = last.iter().map(EncodedEvent::new).collect();
        self.connection.peer.complete_catch_up(room_id, &last, caught_up_seq);
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

    /// Sends an event to this socket only.
    fn send(&self, event: &ServerEvent) {
        self.connection.peer.send(&EncodedEvent::new(event));
    }

    /// Sends `Bye` after what is queued, then a close frame.
    async fn say_goodbye(&self, reconnect: bool, code: CloseCode, reason: &str) {
        self.send(&ServerEvent::Bye { reconnect });
        self.drain().await;
        self.connection.peer.close(&encode::close(code, reason));
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
async fn writable_in_time(writable: impl Future<Output = bool>, blocked_since: Option<Instant>) -> bool {
    let Some(blocked_since) = blocked_since else { return std::future::pending().await };
    let deadline = blocked_since + WRITE_TIMEOUT;
    tokio::time::timeout_at(deadline.into(), writable).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_socket_is_given_up_when_it_has_accepted_nothing_for_thirty_seconds() {
        let seconds_ago = |seconds| clock::monotonic().checked_sub(Duration::from_secs(seconds)).unwrap();
        assert!(!writable_in_time(pending(), Some(seconds_ago(30))).await);
        assert!(writable_in_time(ready(true), Some(seconds_ago(20))).await, "it accepts bytes again");
        assert!(!writable_in_time(ready(false), Some(seconds_ago(20))).await, "the connection is lost");
        assert_eq!(writable_in_time(pending(), Some(seconds_ago(20))).now_or_never(), None, "not yet");
        assert_eq!(writable_in_time(ready(true), None).now_or_never(), None, "it is not blocked");
    }
}
