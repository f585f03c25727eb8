//! Posts over HTTP, by the page's server function.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use campfire::model::RoomId;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::board::{Board, Round, mark};
use crate::meter::http::{HttpConnection, call};
use crate::meter::uuid;

/// The text after a message's mark; its length is typical.
const WORDS: &str = " is what the one says to all the others here, and they read it.";

/// The author and room of posts.
#[derive(Clone)]
pub struct Author {
    pub address: String,
    pub cookie: String,
    pub room_id: RoomId,
}

impl Author {
    /// Opens a connection to post over.
    pub async fn connect(&self) -> Poster {
        Poster { author: self.clone(), connection: HttpConnection::open(&self.address).await }
    }

    /// Posts `posts_a_second` from one client, without waiting for deliveries.
    pub async fn paced(&self, board: &Board, posts_a_second: u32, post_count: u32, socket_count: usize) -> Round {
        let mut poster = self.connect().await;
        let mut clock = interval(Duration::from_secs(1) / posts_a_second);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for post in board.begin(post_count, socket_count) {
            clock.tick().await;
            poster.post(board, post, WORDS).await;
        }
        board.end().await
    }

    /// Posts one after the other, each when all sockets have received the one before.
    pub async fn one_by_one(&self, board: &Board, post_count: u32, socket_count: usize, words: &str) -> Round {
        let mut poster = self.connect().await;
        for post in board.begin(post_count, socket_count) {
            poster.post(board, post, words).await;
            board.seen_by_all(post).await;
        }
        board.end().await
    }

    /// Posts from `clients` clients, each as fast as it gets responses.
    pub async fn saturated(&self, board: &Arc<Board>, clients: usize, post_count: u32, socket_count: usize) -> Round {
        let mut posters = Vec::new();
        for _ in 0..clients {
            posters.push(self.connect().await);
        }
        let posts = board.begin(post_count, socket_count);
        let next = Arc::new(AtomicU32::new(posts.start));
        let end = posts.end;
        let mut tasks = JoinSet::new();
        for mut poster in posters {
            let board = board.clone();
            let next = next.clone();
            tasks.spawn(async move {
                loop {
                    let post = next.fetch_add(1, Relaxed);
                    if post >= end {
                        return;
                    }
                    poster.post(&board, post, WORDS).await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("a client ends well");
        }
        board.end().await
    }
}

/// A client that posts.
pub struct Poster {
    author: Author,
    connection: HttpConnection,
}

impl Poster {
    /// Posts the mark and `words`, and checks the response.
    ///
    /// # Panics
    /// If it is wrong.
    pub async fn post(&mut self, board: &Board, post: u32, words: &str) {
        let author = &self.author;
        let id = uuid();
        let body =
            format!(r#"{{"room_id":{},"client_message_id":"{id}","body":"{}{words}"}}"#, author.room_id, mark(post));
        let (head, body) = call(&author.cookie, "messages/post", body);
        board.sent(post);
        loop {
            let answer = self.connection.ask(&author.address, &head, &body).await;
            let text = String::from_utf8_lossy(&answer.body);
            // An overloaded server refuses: sent again, as the page's outbox does. The id makes it one message.
            if answer.status == 503 {
                board.refused();
                continue;
            }
            board.answered(post);
            let is_right = answer.status == 200 && text.contains(&id) && text.contains(&mark(post));
            assert!(is_right, "{}: {text}", answer.status);
            return;
        }
    }
}
