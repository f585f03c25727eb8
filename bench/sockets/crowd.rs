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

/// Number of concurrent connection attempts.
const CONCURRENT_CONNECTS: usize = 64;

/// The server and the room that all sockets have in view.
#[derive(Clone)]
pub struct Place {
    pub address: String,
    pub room_id: RoomId,
    /// The position in the log that the page contains.
    pub cursor: Cursor,
}

/// Sockets that receive everything until they are closed.
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
    /// If one of them is refused, or receives something unexpected.
    pub async fn open(place: &Place, cookies: &[&str], board: &Arc<Board>) -> (Self, Opened) {
        let began = Instant::now();
        let mut opened = Opened { took: Duration::ZERO, listed: Vec::new(), in_view: Vec::new() };
        let mut sockets = JoinSet::new();
        let connect = async |cookie: &str| {
            let began = Instant::now();
            let mut receiver = Receiver::new();
            let (socket, listed) = enter(place, cookie, None, &mut receiver, board).await?;
            io::Result::Ok((socket, receiver, listed, began.elapsed()))
        };
        let mut connecting = stream::iter(cookies).map(|cookie| connect(cookie)).buffer_unordered(CONCURRENT_CONNECTS);
        while let Some(connected) = connecting.next().await {
            let (mut socket, mut receiver, listed, in_view) = connected.expect("everybody gets a socket");
            opened.listed.push(listed);
            opened.in_view.push(in_view);
            let board = board.clone();
            sockets.spawn(async move {
                receive_all(&mut socket, &mut receiver, &board).await;
                board.closed();
            });
        }
        opened.took = began.elapsed();
        board.check();
        (Self { sockets }, opened)
    }

    pub fn len(&self) -> usize {
        self.sockets.len()
    }

    /// Closes all of them, as a browser that ends does.
    pub async fn close(mut self) {
        self.sockets.shutdown().await;
    }
}

/// Connects, waits for the list of rooms, focuses the room and catches up, from the receiver's own cursor if it has one.
/// Returns the socket, and the time until the list.
///
/// # Errors
/// If the server does not answer, or closes the connection.
pub async fn enter(
    place: &Place,
    cookie: &str,
    receive_buffer_bytes: Option<u32>,
    receiver: &mut Receiver,
    board: &Board,
) -> io::Result<(Socket, Duration)> {
    let began = Instant::now();
    receiver.reconnect();
    let mut socket = Socket::open(&place.address, cookie, receive_buffer_bytes).await?;
    while !receiver.is_listed {
        receive(&mut socket, receiver, board).await?;
    }
    let listed = began.elapsed();
    let cursor = receiver.cursor.as_ref().unwrap_or(&place.cursor).clone();
    let focus = ClientCommand::Focus { room_id: place.room_id, cursor };
    socket.send(&serde_json::to_string(&focus).expect("frames are JSON")).await?;
    while !receiver.is_in_view {
        receive(&mut socket, receiver, board).await?;
    }
    Ok((socket, listed))
}

/// Receives until the connection ends.
pub async fn receive_all(socket: &mut Socket, receiver: &mut Receiver, board: &Board) {
    while receive(socket, receiver, board).await.is_ok() {}
}

async fn receive(socket: &mut Socket, receiver: &mut Receiver, board: &Board) -> io::Result<()> {
    match socket.receive(|frame| receiver.receive(board, frame)).await? {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
