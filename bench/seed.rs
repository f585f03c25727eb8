//! Fills an empty data folder with an installation to develop on, and prints a sign-in link for each of its people.
//!
//! Usage: cargo run -p server --example seed FOLDER URL
//!
//! Eight people, twelve rooms of all kinds and 2,000 messages of all kinds: the same in every run except for their times,
//! the last of which is now. A folder that is set up already keeps its data and gets new links, valid for four hours.
//! Everything is made by the operations that handlers call, so that it follows the rules of the product.

#[path = "meter/random.rs"]
mod random;
#[path = "seed/texts.rs"]
mod texts;

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use campfire::access::{CurrentUser, Member};
use campfire::clock::Clock;
use campfire::model::{Answers, ClientMessageId, Message, MessageId, Posted, RoomId, SessionId, User, UserId};
use campfire::ops::accounts::{self, Registration};
use campfire::ops::rooms::{self, Audience};
use campfire::ops::{memberships, messages};
use campfire::state::AppState;
use campfire::{AppResult, ops, store};
use random::Random;
use texts::Kind;

/// The password of every person.
const PASSWORD: &str = "correct horse";

/// Names and addresses, in the order of the users' ids; the first one administers. Other scripts, marks, right-to-left
/// text, and one name near the limit of 100 characters.
const PEOPLE: [(&str, &str); 8] = [
    ("Ada Lovelace", "ada@example.com"),
    ("Bob Miller", "bob@example.com"),
    ("Ελένη Παπαδοπούλου", "eleni@example.com"),
    ("王小明", "xiaoming@example.com"),
    ("דנה כהן", "dana@example.com"),
    ("Zoë O’Brien-García", "zoe@example.com"),
    ("Nguyễn Thị Minh Khai", "khai@example.com"),
    (
        "Maximilian Wolfeschlegelsteinhausenbergerdorff von und zu Hohenfels-Montgomery-Featherstonehaugh",
        "max@example.com",
    ),
];

const ROOMS: usize = 12;

const MESSAGES: usize = 2_000;

/// Number of newest messages that are unread for everyone except their authors.
const UNREAD: usize = 40;

const SEED: u64 = 12;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(url)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        return Err("usage: seed FOLDER URL".into());
    };
    std::fs::create_dir_all(&folder)?;
    let state = AppState::open(&folder, Clock::System).await?;
    if !state.is_set_up().await? {
        drop(state);
        fill(&folder).await?;
    }
    // Opened again with the system's clock, because links expire by it.
    let state = AppState::open(&folder, Clock::System).await?;
    for (id, (name, _)) in (1..).zip(PEOPLE) {
        let transfer = ops::transfers::mint(&state, UserId(id)).await?;
        println!("{url}/session/transfers/{transfer}  {name}");
    }
    Ok(())
}

/// Makes everything in an empty folder.
async fn fill(folder: &Path) -> AppResult<()> {
    let mut random = Random(SEED);
    let pauses_ms: Vec<i64> = (0..MESSAGES).map(|_| pause_ms(&mut random)).collect();
    let clock = Clock::manual(Clock::System.now_ms() - pauses_ms.iter().sum::<i64>());
    let state = AppState::open(folder, clock).await.expect("the folder was opened a moment ago");
    let people = make_people(&state).await?;
    let rooms = make_rooms(&state, &people).await?;
    let mut author = None;
    let mut last = vec![None; rooms.len()];
    for (number, pause_ms) in pauses_ms.into_iter().enumerate() {
        state.clock.advance(pause_ms);
        let index = pick_room(&mut random);
        let members = &rooms[index].members;
        // One message in three has the author of the one before.
        let next = author.filter(|author| random.below(3) == 0 && members.contains(author));
        let next = next.unwrap_or_else(|| members[below(&mut random, members.len())]);
        author = Some(next);
        let member = state.members.find(&people[next], rooms[index].id).await?;
        let kind = Kind::of(&mut random);
        let mentioned = PEOPLE[members[below(&mut random, members.len())]].0;
        let text = texts::text(kind, &mut random, number, mentioned);
        let reply_to = last[index].filter(|_| kind == Kind::Quote);
        let message = post(&state, &member, &mut random, &text, reply_to).await?;
        if kind == Kind::Edited {
            let draft = format!("{text} (corrected)").parse()?;
            messages::edit(&state, &member, message.id, draft).await?;
        }
        boost(&state, &mut random, &people, &rooms[index], &message).await?;
        if number + UNREAD < MESSAGES {
            last[index] = Some(message.id);
        }
    }
    for (room, last) in rooms.iter().zip(last) {
        for (person, message_id) in room.members.iter().filter_map(|person| Some((person, last?))) {
            let current = CurrentUser { user: people[*person].clone(), session_id: SessionId(0) };
            memberships::mark_read(&state, &current, room.id, message_id).await?;
        }
    }
    Ok(())
}

/// A room, and its members as indices into [`PEOPLE`].
struct SeededRoom {
    id: RoomId,
    members: Vec<usize>,
}

async fn make_people(state: &AppState) -> AppResult<Vec<User>> {
    let mut people = Vec::new();
    for (name, email_address) in PEOPLE {
        let registration = Registration {
            name: name.parse()?,
            email_address: email_address.parse()?,
            password: PASSWORD.parse()?,
            from: Ipv4Addr::LOCALHOST.into(),
        };
        let sign_in = match store::accounts::find(state.db.reader()).await? {
            None => accounts::set_up(state, registration).await?,
            Some(account) => accounts::join(state, &account.join_code, registration).await?,
        };
        people.push(sign_in.user);
    }
    Ok(people)
}

/// Five open rooms, the one of the first run among them, three closed ones, and four direct ones.
async fn make_rooms(state: &AppState, people: &[User]) -> AppResult<Vec<SeededRoom>> {
    let everyone: Vec<usize> = (0..people.len()).collect();
    let first = store::rooms::oldest_of(state.db.reader(), people[0].id).await?.expect("the first run makes a room");
    let mut rooms = vec![SeededRoom { id: first, members: everyone.clone() }];
    for name in [
        "Engineering",
        "Design & UX 🎨",
        "Support",
        "Planning of the third and fourth quarter, with everybody who has an opinion on it, and minutes",
    ] {
        let room = rooms::open(state, &people[0], name.parse()?, Audience::Everyone).await?;
        rooms.push(SeededRoom { id: room.id, members: everyone.clone() });
    }
    for (name, members) in [("Board", vec![0, 1, 7]), ("項目計畫", vec![0, 3, 5, 6]), ("Γραφείο Αθηνών", vec![1, 2])]
    {
        let chosen = members.iter().map(|person| people[*person].id).collect();
        let room = rooms::open(state, &people[members[0]], name.parse()?, Audience::Chosen(chosen)).await?;
        rooms.push(SeededRoom { id: room.id, members });
    }
    for members in [vec![0], vec![0, 1], vec![0, 4], vec![0, 2, 3, 7]] {
        let others = members[1..].iter().map(|person| people[*person].id).collect();
        let room = rooms::ping(state, &people[0], others).await?;
        rooms.push(SeededRoom { id: room.id, members });
    }
    Ok(rooms)
}

async fn post(
    state: &AppState,
    member: &Member,
    random: &mut Random,
    text: &str,
    reply_to: Option<MessageId>,
) -> AppResult<Message> {
    let mut randomness = [0; 10];
    randomness[..8].copy_from_slice(&random.next().to_be_bytes());
    let now_ms = u64::try_from(state.clock.now_ms()).expect("it is after 1970");
    let client_message_id = ClientMessageId::v7(now_ms, randomness);
    let answers = reply_to.map(Answers::from).unwrap_or_default();
    let posted = messages::post_with_files(state, member, client_message_id, text, Vec::new(), answers).await?;
    match posted {
        Posted::Stored(message) => Ok(message),
        Posted::Removed(_) => unreachable!("a new id was never removed"),
    }
}

/// Boosts one message in six, by up to four of the room's people.
async fn boost(
    state: &AppState,
    random: &mut Random,
    people: &[User],
    room: &SeededRoom,
    message: &Message,
) -> AppResult<()> {
    if random.below(6) > 0 {
        return Ok(());
    }
    for _ in 0..=random.below(4) {
        let person = &people[room.members[below(random, room.members.len())]];
        let member = state.members.find(person, room.id).await?;
        let content = texts::BOOSTS[below(random, texts::BOOSTS.len())].parse()?;
        ops::boosts::boost(state, &member, message.id, content).await?;
    }
    Ok(())
}

/// The time before a message: seconds in a conversation, hours after one.
fn pause_ms(random: &mut Random) -> i64 {
    let seconds = if random.below(5) == 0 { 600 + random.below(6_600) } else { 5 + random.below(100) };
    i64::try_from(seconds * 1_000).expect("two hours fit")
}

/// The index of a room: most messages are in the first rooms, and every room has some.
fn pick_room(random: &mut Random) -> usize {
    let one = below(random, ROOMS);
    let other = below(random, ROOMS);
    one * other / (ROOMS - 1)
}

/// A random index into a list of this length.
fn below(random: &mut Random, length: usize) -> usize {
    usize::try_from(random.below(length as u64)).expect("a length fits")
}
