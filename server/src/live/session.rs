//! One socket: receives its browser's commands, and writes what the socket did not take at once.
//!
//! Events are written to the sockets by the hub, in the order of the commits, so whoever loses a room receives nothing of
//! it that came later. This task only reads, runs commands and drains the queue.

use std::time::Duration;

use campfire::access::CurrentUser;
use campfire::live::{Connection, EncodedEvent, PeerCommand};
use campfire::model::RoomId;
use campfire::ops::sync::CatchUp;
use campfire::protocol::{ClientCommand, Cursor, MAX_COMMAND_BYTES, ServerEvent, TYPING_EVERY_MS};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use websocket::{CloseCode, Message, Tcp, WebSocket, encode};

/// How long a browser may leave what it is sent unread before it is given up.
const UNREAD_FOR: Duration = Duration::from_secs(30);

/// How often one page may say that somebody writes; what is said more often is passed over.
const TYPING_PAUSE: Duration = Duration::from_millis(TYPING_EVERY_MS * 9 / 10);

/// How often within a second somebody who stopped may begin again: at once for a person, not for a flood of both.
const TYPING_AGAIN: u32 = 3;

/// How many frames a page may say within a second. None of ours says a tenth of that.
const MAX_COMMANDS_PER_SECOND: u32 = 200;

/// Serves one socket until something ends it.
pub(super) async fn serve(socket: WebSocket, state: AppState, current: CurrentUser, closing: watch::Receiver<bool>) {
    let connection = state.live.connect(current.user.id, &current.user.name, socket.transport());
    let mut session = Session {
        socket,
        state,
        current,
        connection,
        typing_told: None,
        typing: false,
        typing_again: 0,
        heard_since: Instant::now(),
        heard_count: 0,
    };
    let end = session.run(closing).await;
    let (reconnect, code, reason) = match end {
        End::Gone => return,
        End::Left(code) => return session.connection.peer.close(&encode::close_reply(code)),
        End::Refused(code) => return session.connection.peer.close(&encode::close(code, "")),
        End::Closing => (true, CloseCode::GOING_AWAY, ""),
        End::SignedOut => (false, CloseCode::GOING_AWAY, ""),
        End::TooMuch => (true, CloseCode::POLICY_VIOLATION, "Too many frames in a second."),
    };
    session.say(&ServerEvent::Bye { reconnect });
    session.finish().await;
    session.connection.peer.close(&encode::close(code, reason));
}

/// Why a socket's task ends.
enum End {
    /// The connection ended, or the browser stopped reading.
    Gone,
    /// The browser sent a close frame, with this code.
    Left(Option<CloseCode>),
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
    current: CurrentUser,
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
        let transport = self.socket.transport();
        loop {
            while let Some(command) = self.connection.peer.take_command() {
                if let Err(end) = self.handle_command(command).await {
                    return end;
                }
            }
            if self.connection.peer.is_gone() {
                return End::Gone;
            }
            let stuck_since = self.connection.peer.stuck_since();
            // Whoever does not read is not listened to either: their answers would only wait as well.
            if stuck_since.is_none() {
                match self.socket.next(MAX_COMMAND_BYTES) {
                    Ok(None) => {}
                    Ok(Some(Message::Close(code))) => return End::Left(code),
                    Ok(Some(_)) if self.is_too_much() => return End::TooMuch,
                    Ok(Some(Message::Text(text))) => match self.heard(&text).await {
                        Ok(()) => continue,
                        Err(end) => return end,
                    },
                    Ok(Some(Message::Ping(payload))) => {
                        self.connection.peer.say(&EncodedEvent { wire: encode::pong(&payload), seq: None });
                        continue;
                    }
                    Ok(Some(Message::Binary(_) | Message::Pong(_))) => continue,
                    Err(code) => return End::Refused(code),
                }
            }
            tokio::select! {
                biased;
                () = crate::closed(&mut closing) => return End::Closing,
                () = self.connection.peer.attention() => {}
                received = self.socket.receive(), if stuck_since.is_none() => {
                    if !received {
                        return End::Gone;
                    }
                }
                takes = takes_within(&transport, stuck_since), if stuck_since.is_some() => {
                    if !takes {
                        return End::Gone;
                    }
                    self.connection.peer.write_waiting();
                }
            }
        }
    }

    /// Does what the hub wants done.
    async fn handle_command(&mut self, command: PeerCommand) -> Result<(), End> {
        match command {
            PeerCommand::SignedOut(session_id) if session_id == self.current.session_id => return Err(End::SignedOut),
            PeerCommand::SignedOut(_) => {}
            PeerCommand::Left(room_id) => {
                self.typing = false;
                if self.connection.peer.in_view().is_none_or(|in_view| in_view == room_id) {
                    self.connection.leave();
                }
                self.say_presence();
            }
            PeerCommand::Unseen => {
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(false, in_view);
            }
            // What was missed may have been the loss of a room or of the session.
            PeerCommand::Behind => {
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
        if !ops::sessions::is_live(&self.state, &self.current).await.map_err(|_| End::Gone)? {
            return Err(End::SignedOut);
        }
        let online = self.connection.online_in_direct_rooms();
        let frames: Vec<_> = std::iter::once(&rooms).chain(&online).map(EncodedEvent::new).collect();
        // What happened since the rooms were read comes after them.
        self.connection.peer.begin(&frames);
        Ok(())
    }

    async fn register(&mut self) -> AppResult<ServerEvent> {
        loop {
            let version = self.connection.membership_version();
            let rooms = ops::rooms::list(&self.state, &self.current).await?;
            if self.connection.set_rooms(&rooms, version) {
                break;
            }
        }
        ops::sync::rooms(&self.state, &self.current).await
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
            let is_member = ops::sync::is_member(&self.state, &self.current, room_id).await;
            if !is_member.map_err(|_| End::Gone)? {
                self.connection.leave();
                self.say(&ServerEvent::RoomRemoved { room_id });
            }
        }
        Ok(())
    }

    /// Counts a frame of the browser's; answers whether there are too many within a second.
    fn is_too_much(&mut self) -> bool {
        if self.heard_since.elapsed() >= Duration::from_secs(1) {
            (self.heard_since, self.heard_count) = (Instant::now(), 0);
        }
        self.heard_count += 1;
        self.heard_count > MAX_COMMANDS_PER_SECOND
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
                self.typing_told = Some(Instant::now());
            }
            self.connection.tell_typing(room_id, active);
        }
    }

    async fn heard(&mut self, text: &str) -> Result<(), End> {
        // Nothing of ours says what cannot be read.
        match serde_json::from_str(text).map_err(|_| End::Gone)? {
            ClientCommand::Typing { active } => self.typing(active),
            ClientCommand::Focus { room_id, cursor } => {
                self.typing(false);
                // In a box: it runs seldom, and would make every socket's task as large as itself.
                let focused = Box::pin(self.focus(room_id, cursor)).await;
                self.say_presence();
                return focused;
            }
            ClientCommand::Blur => {
                self.typing(false);
                self.connection.leave();
                self.say_presence();
            }
            ClientCommand::Present => {
                self.connection.peer.seen(self.state.clock.now_ms());
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(true, in_view);
            }
            ClientCommand::Absent => {
                self.connection.peer.seen(0);
                let in_view = self.connection.peer.in_view();
                self.connection.set_presence(false, in_view);
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

    /// Has a room in view from now on, and tells what changed in it since the page was made.
    async fn focus(&mut self, room_id: RoomId, cursor: Cursor) -> Result<(), End> {
        if !self.connection.enter(room_id) {
            self.say(&ServerEvent::RoomRemoved { room_id });
            return Ok(());
        }
        match ops::sync::catch_up(&self.state, &self.current, room_id, &cursor).await {
            Ok(CatchUp::Changes(mut changes, position)) => {
                let told_seq = position.seq;
                changes.push(ServerEvent::CaughtUp { room_id, cursor: position });
                changes.extend(self.connection.presence(room_id));
                let frames: Vec<_> = changes.iter().map(EncodedEvent::new).collect();
                self.connection.peer.catch_up(room_id, &frames, told_seq);
            }
            Ok(CatchUp::Resync) => {
                self.connection.peer.catch_up(room_id, &[EncodedEvent::new(&ServerEvent::Resync)], 0)
            }
            Err(AppError::NotFound) => {
                self.connection.leave();
                self.say(&ServerEvent::RoomRemoved { room_id });
            }
            // The browser comes back by itself, and asks again.
            Err(_) => return Err(End::Gone),
        }
        Ok(())
    }

    /// Says something to this page.
    fn say(&self, frame: &ServerEvent) {
        self.connection.peer.say(&EncodedEvent::new(frame));
    }

    /// Gives what waits a moment to leave.
    async fn finish(&self) {
        let leave = async {
            let transport = self.socket.transport();
            while self.connection.peer.stuck_since().is_some() && transport.writable().await {
                self.connection.peer.write_waiting();
            }
        };
        let _ = timeout(Duration::from_secs(1), leave).await;
    }
}

/// Waits until a socket that is stuck takes something; `false` when it has taken nothing for too long.
async fn takes_within(transport: &Tcp, stuck_since: Option<std::time::Instant>) -> bool {
    let Some(since) = stuck_since else { return std::future::pending().await };
    let until = Instant::from_std(since) + UNREAD_FOR;
    tokio::time::timeout_at(until, transport.writable()).await.unwrap_or(false)
}
