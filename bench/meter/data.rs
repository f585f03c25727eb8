//! Generated data with a fixed seed: the same people, rooms and texts in every run. Only the times differ; the last
//! message is from now.

use std::net::Ipv4Addr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use campfire::access::{HashFor, Member};
use campfire::clock::Clock;
use campfire::model::Posted;
use campfire::model::{ClientMessageId, Message, Role, RoomId, User, UserId};
use campfire::ops::accounts::{self, Registration};
use campfire::ops::messages;
use campfire::ops::rooms::{self, Audience};
use campfire::state::AppState;
use campfire::store::sessions::SessionActivity;
use campfire::{AppResult, ops, store};
use sha2::{Digest, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use super::PASSWORD;
use super::random::Random;

/// Number of messages in the busy room, and in all other rooms together.
pub const IN_BUSY_ROOM: usize = 131;
pub const IN_OTHER_ROOMS: usize = 39;

/// Number of rooms other than the busy one and the one of the first run.
const OTHER_ROOMS: usize = 9;

/// A word that all but a few messages of the busy room contain.
pub const COMMON_WORD: &str = "walrus";

/// The interval between two messages, in milliseconds.
const MESSAGE_INTERVAL_MS: i64 = 20_000;

/// How long the sessions are valid, in milliseconds: a day.
const SESSION_MS: i64 = 24 * 60 * 60 * 1_000;

const SEED: u64 = 7;

const WORDS: [&str; 32] = [
    "the", "and", "of", "to", "we", "it", "that", "for", "on", "with", "this", "page", "draft", "meeting", "release",
    "tomorrow", "budget", "customer", "design", "server", "question", "answer", "ready", "maybe", "quickly", "review",
    "window", "garden", "coffee", "number", "shipped", "together",
];

const FIRST_NAMES: [&str; 10] = ["Ada", "Bob", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jo"];

/// The generated data.
pub struct Data {
    /// All people, each with a session. The first one is an administrator.
    pub viewers: Vec<Viewer>,
    /// The room that is read, and another one.
    pub busy_room: RoomId,
    pub other_room: RoomId,
    /// The messages of the busy room, oldest first.
    pub messages: Vec<Message>,
    /// Those that contain [`COMMON_WORD`], oldest first. No message of another room does.
    pub common: Vec<Message>,
}

/// A person with a session.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub id: UserId,
    pub name: String,
    pub email_address: String,
    /// Like `session_token=…`.
    pub cookie: String,
}

/// Generates the data in an empty folder: `people_count` people, all in each of eleven rooms, and 170 messages; the newest
/// ones of the busy room include every kind. All have the password [`PASSWORD`].
pub async fn make(folder: &Path, people_count: usize) -> Data {
    let now_ms = Clock::System.now_ms();
    let message_count = i64::try_from(IN_BUSY_ROOM + IN_OTHER_ROOMS).expect("it fits");
    let clock = Clock::manual(now_ms - message_count * MESSAGE_INTERVAL_MS);
    let state = AppState::open(folder, clock.clone()).await.expect("the data can be opened");
    let (people, viewers) = make_people(&state, people_count).await;
    admit_to_first_room(&state, &people).await;
    let mut maker = Maker { state, clock, random: Random(SEED), people };

    let mut room_ids = Vec::new();
    for number in 0..=OTHER_ROOMS {
        let name = if number == 0 { "Busy".to_owned() } else { format!("Room {number}") };
        let opened = rooms::open(&maker.state, &maker.people[0], name.parse().expect("a name"), Audience::Everyone);
        room_ids.push(opened.await.expect("a room").id);
    }
    let first_room = store::rooms::oldest_of(maker.state.db.reader(), viewers[0].id).await.expect("a reader");
    let busy_room = room_ids[0];
    let other_room = room_ids[1];
    room_ids[0] = first_room.expect("the room that every account begins with");

    for number in 0..IN_OTHER_ROOMS {
        let text = format!("Small talk {number}, with **bold** words: {}", sentence(&mut maker.random, 6));
        maker.post(number, room_ids[number % room_ids.len()], text).await;
    }
    let mut messages = Vec::new();
    let mut common = Vec::new();
    for number in 0..IN_BUSY_ROOM {
        let text = maker.text(number);
        let holds_common_word = text.contains(COMMON_WORD);
        let message = maker.post(number / 3, busy_room, text).await;
        let message = maker.change(number, message).await;
        if holds_common_word {
            common.push(message.clone());
        }
        messages.push(message);
    }
    Data { viewers, busy_room, other_room, messages, common }
}

/// Sets the account up with `count` people, each with a session: in one write, and with one hash of the password they
/// share. Only the first one, an administrator, is in the room of the first run.
pub async fn make_people(state: &AppState, count: usize) -> (Vec<User>, Vec<Viewer>) {
    let email_address = |number: usize| format!("person{number}@example.com");
    let registration = Registration {
        name: FIRST_NAMES[0].parse().expect("a name"),
        email_address: email_address(0).parse().expect("an address"),
        password: PASSWORD.parse().expect("a password"),
        from: Ipv4Addr::LOCALHOST.into(),
    };
    let hash = state.passwords.hash(&registration.password, HashFor::Operator).await.expect("a hash");
    let first = accounts::set_up(state, registration).await.expect("the first one").user;
    let made_ms = state.clock.now_ms();
    let now_ms = Clock::System.now_ms();
    let mut random = Random(SEED);
    let made = state.db.write(async move |tx| -> AppResult<(Vec<User>, Vec<Viewer>)> {
        let mut people = vec![first];
        let mut viewers = Vec::new();
        for number in 1..count {
            let name = FIRST_NAMES.get(number).map_or_else(|| format!("Person {number:04}"), ToString::to_string);
            let address = email_address(number).parse()?;
            let id = store::users::insert(tx.db(), &name.parse()?, &address, &hash, Role::Member, made_ms).await?;
            people.push(User { id, name, role: Role::Member });
        }
        for (number, person) in people.iter().enumerate() {
            let token = u128::from(random.next()) << 64 | u128::from(random.next());
            let activity = SessionActivity {
                user_id: person.id,
                ip_address: "127.0.0.1".into(),
                user_agent: String::new(),
                last_active_at: now_ms,
                expires_at: now_ms + SESSION_MS,
            };
            // The server stores the hash of a session's token.
            store::sessions::insert(tx.db(), &Sha256::digest(token.to_be_bytes()), &activity).await?;
            viewers.push(Viewer {
                id: person.id,
                name: person.name.clone(),
                email_address: email_address(number),
                cookie: format!("session_token={}", URL_SAFE_NO_PAD.encode(token.to_le_bytes())),
            });
        }
        Ok((people, viewers))
    });
    made.await.expect("people")
}

/// Adds everyone to the room of the first run.
async fn admit_to_first_room(state: &AppState, people: &[User]) {
    let ids = people.iter().map(|person| person.id).collect::<Vec<_>>();
    let now_ms = state.clock.now_ms();
    let admitted = state.db.write(async move |tx| -> AppResult<()> {
        for id in ids {
            store::memberships::grant_open_rooms(tx.db(), id, now_ms).await?;
        }
        Ok(())
    });
    admitted.await.expect("everybody is in the first room");
}

/// Opens the database of a folder, while the server runs or after it.
pub async fn database(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("campfire.sqlite3"));
    SqliteConnection::connect_with(&options).await.expect("the database")
}

struct Maker {
    state: AppState,
    clock: Clock,
    random: Random,
    people: Vec<User>,
}

impl Maker {
    /// Posts as one of the first ten people.
    async fn post(&mut self, person: usize, room_id: RoomId, text: String) -> Message {
        self.clock.advance(MESSAGE_INTERVAL_MS);
        let member = self.member(person, room_id).await;
        let mut randomness = [0; 10];
        randomness[..8].copy_from_slice(&self.random.next().to_be_bytes());
        let now_ms = u64::try_from(self.clock.now_ms()).expect("it is after 1970");
        let id = ClientMessageId::v7(now_ms, randomness);
        match messages::post(&self.state, &member, id, text.parse().expect("a draft")).await.expect("a post") {
            Posted::Stored(message) => message,
            Posted::Removed(_) => unreachable!("nothing is removed"),
        }
    }

    /// Boosts or edits a message if its number says so. Returns it as it is then.
    async fn change(&self, number: usize, message: Message) -> Message {
        match number {
            BOOSTED => {
                for (person, content) in [(1, "🎉"), (2, "🎉"), (3, "well done")] {
                    let member = self.member(person, message.room_id).await;
                    let content = content.parse().expect("a boost");
                    ops::boosts::boost(&self.state, &member, message.id, content).await.expect("it is boosted");
                }
                message
            }
            EDITED => {
                let member = self.member(number / 3, message.room_id).await;
                let draft = format!("{COMMON_WORD} number {number}, said better").parse().expect("a draft");
                messages::edit(&self.state, &member, message.id, draft).await.expect("its author edits it")
            }
            _ => message,
        }
    }

    async fn member(&self, person: usize, room_id: RoomId) -> Member {
        let person = &self.people[person % self.people.len().min(FIRST_NAMES.len())];
        self.state.members.find(person, room_id).await.expect("everybody is in")
    }

    /// The text of a message of the busy room: six kinds in turn, and among the newest ones one of every other kind.
    fn text(&mut self, number: usize) -> String {
        let words = sentence(&mut self.random, 12);
        let beginning = format!("{COMMON_WORD} number {number}");
        match number {
            BOLD => format!("{beginning}: **bold**, *slanted*, ~~struck~~ and `typed`"),
            SOUND => "/play tada".into(),
            EMOJI => "🎉🔥👍".into(),
            LONG => (0..50).fold(beginning, |text, line| text + &format!("\nline {line} {words}")),
            NUMBERED => format!("# {beginning}\n\n1. one\n2. two\n   - two and a half\n\n---\n\n{words}"),
            PLAIN_CODE => format!("{beginning}\n\n```\n{words}\n```"),
            FOREIGN => format!("{beginning} 明日は東京へ行きます — Größe ωμέγα"),
            _ => match number % 6 {
                0 => format!("{beginning} {words}"),
                1 => format!("{beginning}: see [the page](https://a.example/{number}) or https://b.example/{number}"),
                2 => format!("{beginning}\n\n> quoted {words}\n\n- one\n- two"),
                3 => format!("{beginning}\n\n```rust\nfn answer() -> u32 {{\n    {number} // {words}\n}}\n```"),
                4 => format!("{beginning}, @Bob, and a longer sentence that goes on for a while, as they do: {words}."),
                _ => format!("{beginning} 🎉 {words}"),
            },
        }
    }
}

/// The numbers of the messages of special kinds.
const BOLD: usize = 100;
const SOUND: usize = 103;
const EMOJI: usize = 106;
const LONG: usize = 109;
const NUMBERED: usize = 112;
const PLAIN_CODE: usize = 115;
const FOREIGN: usize = 118;
const BOOSTED: usize = 121;
const EDITED: usize = 124;

/// From `least` to twice as many words.
fn sentence(random: &mut Random, least: usize) -> String {
    let below = |random: &mut Random, limit: usize| usize::try_from(random.next() >> 33).expect("31 bits fit") % limit;
    let count = least + below(random, least);
    (0..count).map(|_| WORDS[below(random, WORDS.len())]).collect::<Vec<_>>().join(" ")
}
