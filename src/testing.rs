//! Fixtures for tests: a real database in a temporary folder, three users and a room.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::access::{Administrator, CurrentUser, Member};
use crate::clock::Clock;
use crate::model::Posted;
use crate::model::{
    ClientMessageId, Credential, Message, MessageId, Role, Room, RoomId, SessionId, SidebarRoom, User, UserId,
};
use crate::ops::accounts::{self, Registration};
use crate::ops::messages;
use crate::ops::rooms::{self, Audience};
use crate::protocol::MessagePage;
use crate::richtext::{self, Body};
use crate::state::AppState;
use crate::store::messages::NewMessage;
use crate::store::sessions::SessionActivity;
use crate::store::{self, Tx};

/// The password of all users.
pub const PASSWORD: &str = "correct horse";

/// The address of all requests.
pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// An empty database. Its folder is deleted when this is dropped.
pub struct Empty {
    state: AppState,
    _folder: TempDir,
}

impl std::ops::Deref for Empty {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.state
    }
}

/// An empty database, before the account is set up.
pub async fn state() -> Empty {
    state_in(tempfile::tempdir().unwrap()).await
}

async fn state_in(folder: TempDir) -> Empty {
    let state = AppState::open(folder.path(), Clock::manual(1_700_000_000_000)).await.unwrap();
    Empty { state, _folder: folder }
}

/// Ada, an administrator, and Bob and Cleo, members, all in the open room "All Talk".
pub struct World {
    pub state: AppState,
    pub ada: User,
    pub bob: User,
    pub cleo: User,
    pub all_talk: Room,
    folder: TempDir,
}

/// A database with an account, three users and an open room.
pub async fn world() -> World {
    people(state().await).await
}

/// The same in memory, where the system has a file system for that: for tests with thousands of commits.
pub async fn world_in_memory() -> World {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    people(state_in(folder.unwrap()).await).await
}

async fn people(empty: Empty) -> World {
    let Empty { state, _folder: folder } = empty;
    let ada = accounts::set_up(&state, registration("Ada")).await.unwrap().user;
    let code = store::accounts::find(state.db.reader()).await.unwrap().unwrap().join_code;
    let bob = accounts::join(&state, &code, registration("Bob")).await.unwrap().user;
    let cleo = accounts::join(&state, &code, registration("Cleo")).await.unwrap().user;
    begin_sessions(&state, [ada.id, bob.id, cleo.id]).await;
    let room_id = store::rooms::oldest_of(state.db.reader(), ada.id).await.unwrap().unwrap();
    let all_talk = state.members.find(&ada, room_id).await.unwrap().room;
    World { state, ada, bob, cleo, all_talk, folder }
}

/// Inserts a session for each of the users, with the user's number as its own: they are the next ones in order.
pub async fn begin_sessions<const COUNT: usize>(state: &AppState, user_ids: [UserId; COUNT]) {
    let begin = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        for user_id in user_ids {
            let activity = SessionActivity {
                user_id,
                ip_address: LOCAL.to_string(),
                user_agent: String::new(),
                last_active_at: now_ms,
                expires_at: i64::MAX,
            };
            let session_id = store::sessions::insert(tx.db(), &user_id.0.to_be_bytes(), &activity).await?;
            assert_eq!(session_id.0, user_id.0);
        }
        Ok(())
    };
    state.db.write(begin).await.unwrap();
}

/// A message to insert. Its client message id and its time depend on `number`.
pub fn new_message(room_id: RoomId, creator_id: UserId, number: u8, text: &str) -> NewMessage {
    let rendered = richtext::render(&"12".parse().unwrap(), &richtext::Names::none());
    NewMessage {
        room_id,
        creator_id,
        credential: Credential::Program,
        client_message_id: format!("d6cb4fd2-6f0b-4a55-9b3e-1f3a4a4f8f{number:02}").parse().unwrap(),
        sent_digest: [number; 32],
        body: Body { source: text.into(), ..rendered.body },
        answer: None,
        created_at: 1_000 + i64::from(number),
        reply_to: None,
        is_reading: true,
    }
}

/// The user as the current one of a request, with the session that the fixture made.
pub fn current(user: &User) -> CurrentUser {
    CurrentUser { user: user.clone(), session_id: SessionId(user.id.0) }
}

/// A proof that the user is an administrator, whether or not they are one in the database.
pub fn as_administrator(user: &User) -> Administrator {
    let user = User { role: Role::Administrator, ..user.clone() };
    Administrator::of(current(&user)).unwrap()
}

/// The registration of a user with this name.
pub fn registration(name: &str) -> Registration {
    registration_at(name, &format!("{}@example.com", name.to_lowercase()))
}

/// The registration of a user with this name and e-mail address.
pub fn registration_at(name: &str, email_address: &str) -> Registration {
    Registration {
        name: name.parse().unwrap(),
        email_address: email_address.parse().unwrap(),
        password: PASSWORD.parse().unwrap(),
        from: LOCAL,
    }
}

impl World {
    /// A connection to the same file, like that of another program.
    pub async fn other_connection(&self) -> SqliteConnection {
        let path = self.database_path();
        SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    /// The file of the database, in the data folder.
    pub fn database_path(&self) -> PathBuf {
        self.folder.path().join("campfire.sqlite3")
    }

    /// The state of another program on the same folder.
    pub async fn open_again(&self) -> AppState {
        AppState::open(self.folder.path(), self.state.clock.clone()).await.unwrap()
    }

    /// The user as a member of the room.
    pub async fn member(&self, user: &User, room_id: RoomId) -> Member {
        self.state.members.find(user, room_id).await.unwrap()
    }

    /// The user's sidebar.
    pub async fn sidebar(&self, user_id: UserId) -> Vec<SidebarRoom> {
        store::layouts::find(self.state.db.reader(), user_id, 0).await.unwrap().unwrap().rooms
    }

    /// The newest page of a room.
    pub async fn newest_page(&self, room_id: RoomId) -> MessagePage {
        let mut reader = self.state.db.reader().acquire().await.unwrap();
        store::messages::page_before(reader.db(), room_id, MessageId(i64::MAX)).await.unwrap()
    }

    /// A closed room created by Ada for herself and `others`.
    pub async fn open_closed_room(&self, name: &str, others: &[&User]) -> Room {
        let chosen = others.iter().map(|user| user.id).collect();
        rooms::open(&self.state, &self.ada, name.parse().unwrap(), Audience::Chosen(chosen)).await.unwrap()
    }

    /// Posts a message with a new client message id.
    pub async fn post(&self, user: &User, room_id: RoomId, words: &str) -> Message {
        let member = self.member(user, room_id).await;
        let id = ClientMessageId::v7(7, uuid::Uuid::new_v4().as_bytes()[..10].try_into().unwrap());
        match messages::post(&self.state, &member, id, words.parse().unwrap()).await.unwrap() {
            Posted::Stored(message) => message,
            Posted::Removed(_) => unreachable!("a fresh id was never removed"),
        }
    }
}
