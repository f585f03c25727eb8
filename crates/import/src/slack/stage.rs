//! Reads an export into a scratch database, once: who, where, and each message under its channel and time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::{Map, Value};

use super::elements::{Element, Elements};
use super::export::{Export, folded};
use super::json::{Fields, parse_ts};
use super::records::{Listed, absent, channel, user};
use super::{Channel, Person, Result, Tally};
use crate::record::{Role, RoomKind, User};

/// How many authors without a record become people; the messages of more have one author.
const MAX_STRANGERS: usize = 10_000;

/// How many messages one transaction takes.
const ROWS_PER_TRANSACTION: u64 = 50_000;

/// The id of the author of messages that name none.
const NOBODY: &str = "";

/// Messages that only say what somebody did to a channel.
const NOTICES: [&str; 27] = [
    "bot_add",
    "bot_disable",
    "bot_enable",
    "bot_remove",
    "channel_archive",
    "channel_convert_to_private",
    "channel_join",
    "channel_leave",
    "channel_name",
    "channel_posting_permissions",
    "channel_purpose",
    "channel_topic",
    "channel_unarchive",
    "group_archive",
    "group_join",
    "group_leave",
    "group_name",
    "group_purpose",
    "group_topic",
    "group_unarchive",
    "message_changed",
    "message_deleted",
    "message_replied",
    "pinned_item",
    "reminder_add",
    "sh_room_created",
    "unpinned_item",
];

/// What was read.
pub(super) struct Staged {
    pub stage: Connection,
    pub people: Vec<Person>,
    pub channels: Vec<Channel>,
    /// The id of the workspace.
    pub team: Option<String>,
    /// How many messages there are.
    pub total: u64,
    /// How many of them have files.
    pub with_files: u64,
}

/// Reads everything.
pub(super) fn stage(
    export: &mut Export,
    has_private: bool,
    scratch: &Path,
    tally: &mut Tally,
    progress: &mut dyn FnMut(u64),
) -> Result<Staged> {
    let connection = Connection::open(scratch.join("slack.sqlite3"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -16000;
         CREATE TABLE members (room INTEGER NOT NULL, person INTEGER NOT NULL, UNIQUE (room, person));
         CREATE TABLE messages (room INTEGER NOT NULL, ts INTEGER NOT NULL, author INTEGER NOT NULL, thread_ts INTEGER,
                                json BLOB NOT NULL, UNIQUE (room, ts));
         BEGIN",
    )?;
    let mut stager = Stager {
        connection,
        tally,
        people: Vec::new(),
        numbers: HashMap::new(),
        bots: HashMap::new(),
        strangers: 0,
        channels: Vec::new(),
        total: 0,
        with_files: 0,
        progress,
    };
    let team = stager.users(export);
    let folders = stager.rooms(export, has_private)?;
    for (number, folder) in folders {
        stager.folder(export, number, &folder)?;
    }
    stager.connection.execute_batch(
        "COMMIT;
         CREATE TABLE ordered (number INTEGER PRIMARY KEY, message INTEGER NOT NULL);
         INSERT INTO ordered (message) SELECT rowid FROM messages ORDER BY ts, room;
         CREATE UNIQUE INDEX ordered_messages ON ordered (message)",
    )?;
    let Stager { connection: stage, people, channels, total, with_files, .. } = stager;
    Ok(Staged { stage, people, channels, team, total, with_files })
}

struct Stager<'a> {
    connection: Connection,
    tally: &'a mut Tally,
    people: Vec<Person>,
    /// The number of each person, by id; of each author without a record, too.
    numbers: HashMap<String, i64>,
    /// The user of each bot, by the id of the bot.
    bots: HashMap<String, i64>,
    strangers: usize,
    channels: Vec<Channel>,
    total: u64,
    with_files: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Stager<'_> {
    /// Reads `users.json`. Returns the workspace that most of them belong to.
    fn users(&mut self, export: &mut Export) -> Option<String> {
        let mut teams: BTreeMap<String, u64> = BTreeMap::new();
        let mut users = Vec::new();
        objects(export, "", "users.json", self.tally, &mut |object, tally| {
            users.push(user(object, tally));
        });
        for Listed { slack_id, team, bot_id, mut user } in users {
            if slack_id.is_empty() {
                self.tally.drop("people without an id", 1);
                continue;
            }
            if self.numbers.contains_key(&slack_id) {
                self.tally.drop("people who are listed twice", 1);
                continue;
            }
            if !team.is_empty() {
                *teams.entry(team).or_default() += 1;
            }
            let number = self.people.len() as i64 + 1;
            user.id = number;
            if !bot_id.is_empty() {
                self.bots.insert(bot_id, number);
            }
            self.numbers.insert(slack_id.clone(), number);
            self.people.push(Person { slack_id, user });
        }
        // Of those with as many people, the first one by name.
        teams.into_iter().rev().max_by_key(|(_, count)| *count).map(|(team, _)| team)
    }

    /// Reads the lists of rooms. Returns the folder of each room that is taken.
    fn rooms(&mut self, export: &mut Export, has_private: bool) -> Result<Vec<(i64, String)>> {
        let by_folded: HashMap<String, String> =
            export.folders().map(|folder| (folded(folder), folder.to_owned())).collect();
        let mut used = HashSet::new();
        let mut folders = Vec::new();
        let lists = [
            ("channels.json", RoomKind::Open),
            ("groups.json", RoomKind::Closed),
            ("mpims.json", RoomKind::Direct),
            ("dms.json", RoomKind::Direct),
        ];
        let mut ids = HashSet::new();
        for (list, kind) in lists {
            let mut listed = Vec::new();
            objects(export, "", list, self.tally, &mut |object, tally| listed.push(channel(object, kind, tally)));
            for (mut channel, creator, members) in listed {
                if channel.slack_id.is_empty() {
                    self.tally.drop("channels without an id", 1);
                    continue;
                }
                if !ids.insert(channel.slack_id.clone()) {
                    self.tally.drop("channels that are listed twice", 1);
                    continue;
                }
                let names = [channel.room.name.as_str(), channel.slack_id.as_str()];
                let folder = names.iter().find_map(|name| by_folded.get(&folded(name))).cloned();
                let folder = folder.filter(|folder| used.insert(folder.clone()));
                if kind != RoomKind::Open && !has_private {
                    self.tally.drop("private channels and conversations: --private takes them", 1);
                    continue;
                }
                let number = self.channels.len() as i64 + 1;
                channel.room.id = number;
                channel.room.creator_id = self.numbers.get(&creator).copied().unwrap_or_default();
                self.members(number, kind, &members)?;
                if kind == RoomKind::Direct {
                    channel.room.name = String::new();
                }
                match folder {
                    Some(folder) => folders.push((number, folder)),
                    None => self.tally.change("channels without messages, which become empty rooms", 1),
                }
                if channel.is_archived {
                    self.tally.change("archived channels: they are rooms that nobody sees in the sidebar", 1);
                }
                self.channels.push(channel);
            }
        }
        for folder in export.folders().filter(|folder| !used.contains(*folder)) {
            // What is deeper, are files of messages.
            if !folder.contains('/') && !export.files(folder).is_empty() {
                self.tally.drop("folders of channels that are not listed", 1);
                self.tally.note(|| format!("the folder {folder} belongs to no channel that is listed"));
            }
        }
        Ok(folders)
    }

    fn members(&mut self, room: i64, kind: RoomKind, members: &[String]) -> Result<()> {
        for member in members {
            let number = match self.numbers.get(member) {
                Some(number) => *number,
                // Both ends of a conversation are kept.
                None if kind == RoomKind::Direct => self.stranger(member, member, Role::Member),
                None => {
                    self.tally.drop("memberships of people without a record", 1);
                    continue;
                }
            };
            let insert = "INSERT OR IGNORE INTO members (room, person) VALUES (?1, ?2)";
            self.connection.prepare_cached(insert)?.execute([room, number])?;
        }
        Ok(())
    }

    /// Reads the messages of a room.
    fn folder(&mut self, export: &mut Export, room: i64, folder: &str) -> Result<()> {
        let files = export.files(folder);
        if files.is_empty() {
            self.tally.change("channels without messages, which become empty rooms", 1);
        }
        for file in files {
            let mut failure = None;
            let mut tally = std::mem::take(self.tally);
            objects(export, folder, &file, &mut tally, &mut |object, tally| {
                if failure.is_none() {
                    std::mem::swap(self.tally, tally);
                    failure = self.message(room, object).err();
                    std::mem::swap(self.tally, tally);
                }
            });
            *self.tally = tally;
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    }

    fn message(&mut self, room: i64, object: &Map<String, Value>) -> Result<()> {
        let mut fields = Fields::new(object);
        let kind = fields.text("type");
        let subtype = fields.text("subtype");
        if !matches!(kind, "" | "message") {
            self.tally.drop("entries of channels that are no messages", 1);
            return Ok(());
        }
        if subtype == "tombstone" || fields.truth("hidden") {
            self.tally.drop("messages that were deleted in Slack, or are hidden", 1);
            return Ok(());
        }
        if NOTICES.contains(&subtype) {
            self.tally.drop("notices of what was done to channels (joined, left, topic, pins and so on)", 1);
            return Ok(());
        }
        let Some(ts) = object.get("ts").and_then(parse_ts) else {
            self.tally.drop("messages whose time cannot be read", 1);
            return Ok(());
        };
        let thread_ts = object.get("thread_ts").filter(|value| !value.is_null());
        let thread_ts = thread_ts.and_then(|value| {
            let parsed = parse_ts(value);
            if parsed.is_none() {
                self.tally.change("replies whose thread cannot be found: they stand alone", 1);
            }
            parsed
        });
        let author = self.author(object);
        let json = serde_json::to_vec(object).unwrap_or_default();
        let insert = "INSERT OR IGNORE INTO messages (room, ts, author, thread_ts, json) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![room, ts, author, thread_ts.filter(|thread_ts| *thread_ts != ts), json];
        if self.connection.prepare_cached(insert)?.execute(values)? == 0 {
            self.tally.drop("messages that are there twice", 1);
            return Ok(());
        }
        self.total += 1;
        self.with_files += u64::from(!fields.list("files").is_empty());
        if self.total.is_multiple_of(ROWS_PER_TRANSACTION) {
            self.connection.execute_batch("COMMIT; BEGIN")?;
        }
        if self.total.is_multiple_of(1_000) {
            (self.progress)(self.total);
        }
        Ok(())
    }

    /// The number of the author of a message, who is made if there is no record.
    fn author(&mut self, message: &Map<String, Value>) -> i64 {
        let mut fields = Fields::new(message);
        let (user, bot, username) = (fields.text("user"), fields.text("bot_id"), fields.text("username"));
        if let Some(number) = self.numbers.get(user).filter(|_| !user.is_empty()) {
            return *number;
        }
        if let Some(number) = self.bots.get(bot).filter(|_| !bot.is_empty()) {
            return *number;
        }
        self.tally.change("messages whose author has no record: the author is called as the message says", 1);
        let name_in = |profile: &str, names: &[&str]| {
            let profile = message.get(profile).and_then(Value::as_object);
            names.iter().find_map(|name| {
                profile.and_then(|profile| profile.get(*name)).and_then(Value::as_str).filter(|name| !name.is_empty())
            })
        };
        if !user.is_empty() {
            let name = name_in("user_profile", &["display_name", "real_name", "name"]).unwrap_or(user);
            let name = if username.is_empty() { name } else { username };
            return self.stranger(user, name, Role::Member);
        }
        if !bot.is_empty() {
            let name = name_in("bot_profile", &["name"]).unwrap_or(bot);
            return self.stranger(bot, if username.is_empty() { name } else { username }, Role::Bot);
        }
        if !username.is_empty() {
            return self.stranger(&format!("name {username}"), username, Role::Bot);
        }
        self.stranger(NOBODY, "Somebody", Role::Member)
    }

    /// The number of somebody without a record.
    fn stranger(&mut self, id: &str, name: &str, role: Role) -> i64 {
        // Bounded: a hostile export could name another one in every message.
        let (id, name) = if self.strangers < MAX_STRANGERS { (id, name) } else { (NOBODY, "Somebody") };
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        self.strangers += 1;
        let number = self.people.len() as i64 + 1;
        self.numbers.insert(id.to_owned(), number);
        let user = User { id: number, name: name.to_owned(), role, ..absent() };
        self.people.push(Person { slack_id: id.to_owned(), user });
        number
    }
}

/// Reads the objects of an array in a file. What is none is counted.
fn objects(
    export: &mut Export,
    folder: &str,
    name: &str,
    tally: &mut Tally,
    receive: &mut dyn FnMut(&Map<String, Value>, &mut Tally),
) {
    let path = || if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let read = export.read(folder, name, |input| {
        let mut elements = Elements::new(input);
        let mut buffer = Vec::new();
        while let Some(element) = elements.next(&mut buffer)? {
            match element {
                Element::Whole => {}
                Element::TooLong => {
                    tally.drop("messages and records of more than 4 MiB", 1);
                    tally.note(|| format!("{} has a record of more than 4 MiB", path()));
                    continue;
                }
                Element::Torn => {
                    tally.drop("files that end in the middle: what is before that is taken", 1);
                    tally.note(|| format!("{} ends in the middle", path()));
                    break;
                }
                Element::NoArray => {
                    tally.drop("files that are no list", 1);
                    tally.note(|| format!("{} is no list", path()));
                    break;
                }
            }
            let text = String::from_utf8_lossy(&buffer);
            if matches!(text, std::borrow::Cow::Owned(_)) {
                tally.change("records with bytes that are not UTF-8, which were replaced", 1);
            }
            match serde_json::from_str(&text) {
                Ok(Value::Object(object)) => receive(&object, tally),
                _ => tally.drop("records that are no objects of JSON", 1),
            }
        }
        Ok::<_, std::io::Error>(())
    });
    let problem = match read {
        Ok(None | Some(Ok(()))) => return,
        Ok(Some(Err(error))) | Err(error) => error,
    };
    tally.drop("files that cannot be read to their end", 1);
    tally.note(|| format!("{}: {problem}", path()));
}
