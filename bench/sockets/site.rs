//! The data: Ada, ten thousand others who are signed in, and one room with everybody in it.

use std::path::Path;

use campfire::clock::Clock;
use campfire::event::Cursor;
use campfire::model::{Role, RoomId, UserId};
use campfire::ops::accounts::{self, Registration};
use campfire::ops::rooms::{self, Audience};
use campfire::state::AppState;
use campfire::store::sessions::Sighting;
use campfire::{AppResult, store};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use tower_sessions::session::Id;

use super::crowd::Place;
use super::poster::Author;
use crate::meter::{PASSWORD, Server};

/// How many people there are beside Ada.
pub const PEOPLE: usize = 10_000;

/// How long their sessions last, in milliseconds: a day.
const SESSION_MS: i64 = 24 * 60 * 60 * 1_000;

/// A folder with everything in it, and the cookies of all.
pub struct Site {
    executable: String,
    folder: TempDir,
    room_id: RoomId,
    ada: String,
    others: Vec<String>,
}

/// Whose sockets they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// All of them are tabs of Ada's browser.
    OneUser,
    /// Each belongs to somebody else.
    DistinctUsers,
}

impl Owners {
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneUser => "one user",
            Self::DistinctUsers => "distinct users",
        }
    }
}

impl Site {
    /// Makes the data.
    pub async fn make(executable: String) -> Self {
        let folder = tempfile::tempdir().expect("a folder of its own");
        let state = AppState::open(folder.path(), Clock::System).await.expect("the data can be opened");
        let ada = accounts::set_up(
            &state,
            Registration {
                name: "Ada".parse().expect("a name"),
                email_address: "ada@example.com".parse().expect("an address"),
                password: PASSWORD.parse().expect("a password"),
            },
        );
        let ada = ada.await.expect("Ada");
        let tokens: Vec<Id> = (0..=PEOPLE).map(|_| Id::default()).collect();
        let cookies = tokens.iter().map(|token| format!("session_token={token}")).collect();
        let (ada_id, now_ms) = (ada.id, Clock::System.now_ms());
        let made = state.db.write(async move |tx| -> AppResult<()> {
            for (number, token) in tokens.into_iter().enumerate() {
                let user_id = if number == 0 { ada_id } else { somebody(tx, number, now_ms).await? };
                store::sessions::insert(tx.db(), &token_hash(token), &sighting(user_id, now_ms)).await?;
            }
            Ok(())
        });
        made.await.expect("people with sessions");
        let name = "Everybody".parse().expect("a name");
        let room_id = rooms::open(&state, &ada, name, Audience::Everyone).await.expect("a room").id;
        let mut others: Vec<String> = cookies;
        let ada = others.remove(0);
        Self { executable, folder, room_id, ada, others }
    }

    /// Starts the server.
    pub fn start(&self) -> Server {
        Server::start(&self.executable, self.folder.path())
    }

    /// What it takes to start the server, for a thread of its own.
    pub fn parts(&self) -> (String, &Path) {
        (self.executable.clone(), self.folder.path())
    }

    /// Where the sockets go, with the place in the log as it is now.
    pub async fn place(&self, server: &Server) -> Place {
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("campfire.sqlite3"));
        let mut database = SqliteConnection::connect_with(&options).await.expect("the database");
        let cursor: Cursor = store::events::room_cursor(&mut database, self.room_id).await.expect("a place in the log");
        database.close().await.expect("the database is let go of");
        Place { address: server.address.clone(), room_id: self.room_id, cursor }
    }

    /// Ada, who posts.
    pub fn author(&self, server: &Server) -> Author {
        Author { address: server.address.clone(), cookie: self.ada.clone(), room_id: self.room_id }
    }

    /// The cookies of so many sockets.
    pub fn cookies(&self, owners: Owners, count: usize) -> Vec<&str> {
        assert!(count <= PEOPLE, "there are not so many people");
        match owners {
            Owners::OneUser => vec![&*self.ada; count],
            Owners::DistinctUsers => self.others.iter().take(count).map(String::as_str).collect(),
        }
    }
}

/// What the server knows a token by.
fn token_hash(token: Id) -> Vec<u8> {
    Sha256::digest(token.0.to_be_bytes()).to_vec()
}

/// A member without a password: the session is all they need.
async fn somebody(tx: &mut store::Tx, number: usize, now_ms: i64) -> AppResult<UserId> {
    let (name, address) = (format!("Person {number:05}").parse()?, format!("person{number}@example.com").parse()?);
    Ok(store::users::insert(tx.db(), &name, &address, "none", Role::Member, now_ms).await?)
}

fn sighting(user_id: UserId, now_ms: i64) -> Sighting {
    Sighting {
        user_id,
        ip_address: "127.0.0.1".into(),
        user_agent: String::new(),
        last_active_at: now_ms,
        expires_at: now_ms + SESSION_MS,
    }
}
