//! The data: Ada, ten thousand others with sessions, and one room with all of them in it.

use std::path::Path;

use campfire::clock::Clock;
use campfire::model::RoomId;
use campfire::ops::rooms::{self, Audience};
use campfire::protocol::Cursor;
use campfire::state::AppState;
use campfire::store;
use sqlx::Connection;
use tempfile::TempDir;

use super::crowd::Place;
use super::poster::Author;
use crate::meter::{Server, data};

/// Number of people other than Ada.
pub const PEOPLE: usize = 10_000;

/// The data folder, and the session cookies of all people.
pub struct Site {
    executable: String,
    folder: TempDir,
    room_id: RoomId,
    ada: String,
    others: Vec<String>,
}

impl Site {
    /// Generates the data.
    pub async fn make(executable: String) -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let state = AppState::open(folder.path(), Clock::System).await.expect("the data can be opened");
        let (people, viewers) = data::make_people(&state, PEOPLE + 1).await;
        let name = "Everybody".parse().expect("a name");
        let room_id = rooms::open(&state, &people[0], name, Audience::Everyone).await.expect("a room").id;
        let mut others: Vec<String> = viewers.into_iter().map(|viewer| viewer.cookie).collect();
        let ada = others.remove(0);
        Self { executable, folder, room_id, ada, others }
    }

    /// Starts the server.
    pub fn start(&self) -> Server {
        Server::start(&self.executable, self.folder.path())
    }

    /// The executable and the data folder, to start the server from another thread.
    pub fn parts(&self) -> (String, &Path) {
        (self.executable.clone(), self.folder.path())
    }

    /// The room, with the current position in the log.
    pub async fn place(&self, server: &Server) -> Place {
        let mut database = data::database(self.folder.path()).await;
        let cursor: Cursor = store::events::room_cursor(&mut database, self.room_id).await.expect("a place in the log");
        database.close().await.expect("the database is let go of");
        Place { address: server.address.clone(), room_id: self.room_id, cursor }
    }

    /// Ada, the author of all posts.
    pub fn author(&self, server: &Server) -> Author {
        Author { address: server.address.clone(), cookie: self.ada.clone(), room_id: self.room_id }
    }

    /// The cookies of `count` sockets, each of another user: one may have few.
    pub fn cookies(&self, count: usize) -> Vec<&str> {
        assert!(count <= PEOPLE, "there are not so many people");
        self.others.iter().take(count).map(String::as_str).collect()
    }
}
