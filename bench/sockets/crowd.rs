//! Many sockets with one room in view.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use campfire::model::RoomId;
use campfire::protocol::{ClientCommand, Cursor};
use futures::{StreamExt, stream};
use tokio::task::JoinSet;

use super::board::{Board, Receiver};
use super::client::Socket;

/// How many connect at the same time.
const AT_ONCE: usize = 64;

/// Where they all go.
#[derive(Clone)]
pub struct Place {
    pub address: String,
    pub room_id: RoomId,
    /// What the page knows of the room.
    pub cursor: Cursor,
}

/// Sockets that hear everything. They stay open until they are closed.
pub struct Crowd {
    sockets: JoinSet<()>,
}

/// How long it took to connect.
pub struct Opened {
    /// All of them, until the last had the room in view.
    pub took: Duration,
    /// Each of them, from its first packet to the list of rooms.
    pub listed: Vec<Duration>,
    /// Each of them, until it had the room in view and was caught up.
    pub in_view: Vec<Duration>,
}

impl Crowd {
    /// Connects one socket for each cookie.
    ///
    /// # Panics
    /// When one of them is refused, or hears what it should not.
    pub async fn open(place: &Place, cookies: &[&str], board: &Arc<Board>) -> (Self, Opened) {
        let began = Instant::now();
        let mut opened = Opened { took: Duration::ZERO, listed: Vec::new(), in_view: Vec::new() };
        let mut sockets = JoinSet::new();
        let connect = async |cookie: &str| {
            let (began, mut receiver) = (Instant::now(), Receiver::new());
            let (socket, listed) = enter(place, cookie, None, &mut receiver, board).await?;
            io::Result::Ok((socket, receiver, listed, began.elapsed()))
        };
        let mut connecting = stream::iter(cookies).map(|cookie| connect(cookie)).buffer_unordered(AT_ONCE);
        while let Some(connected) = connecting.next().await {
            let (mut socket, mut receiver, listed, in_view) = connected.expect("everybody gets a socket");
            opened.listed.push(listed);
            opened.in_view.push(in_view);
            let board = board.clone();
            sockets.spawn(async move {
                hear_all(&mut socket, &mut receiver, &board).await;
                board.gone();
            });
        }
        opened.took = began.elapsed();
        board.check();
        (Self { sockets }, opened)
    }

    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Closes them all, as those of a browser that ends.
    pub async fn close(mut self) {
        self.sockets.shutdown().await;
    }
}

/// Connects, waits for the list of rooms, has the room in view and is caught up, from where the receiver stood before if
/// it stood anywhere. Answers with the socket, and how long the list took.
///
/// # Errors
/// When the server does not answer, or hangs up.
pub async fn enter(
    place: &Place,
    cookie: &str,
    receive_buffer_bytes: Option<u32>,
    receiver: &mut Receiver,
    board: &Board,
) -> io::Result<(Socket, Duration)> {
    let began = Instant::now();
    receiver.connect_again();
    let mut socket = Socket::open(&place.address, cookie, receive_buffer_bytes).await?;
    while !receiver.is_listed {
        hear(&mut socket, receiver, board).await?;
    }
    let listed = began.elapsed();
    let cursor = receiver.cursor.as_ref().unwrap_or(&place.cursor).clone();
    let focus = ClientCommand::Focus { room_id: place.room_id, cursor };
    socket.say(&serde_json::to_string(&focus).expect("frames are JSON")).await?;
    while !receiver.is_in_view {
        hear(&mut socket, receiver, board).await?;
    }
    Ok((socket, listed))
}

/// Hears until the connection ends.
pub async fn hear_all(socket: &mut Socket, receiver: &mut Receiver, board: &Board) {
    while hear(socket, receiver, board).await.is_ok() {}
}

async fn hear(socket: &mut Socket, receiver: &mut Receiver, board: &Board) -> io::Result<()> {
    match socket.hear(|frame| receiver.take(board, frame)).await? {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
