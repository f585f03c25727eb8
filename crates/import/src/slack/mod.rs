//! Slack: an export, as ZIP or folder, of Slack itself or of a program that makes the same.
//!
//! `users.json`, `channels.json`, `groups.json`, `dms.json` and `mpims.json` say who and where; the folder of each channel
//! has a file of messages for each day. All of it is read once, element by element, into a database in a scratch folder
//! ([`stage`]): it puts messages in order, finds the ones that are there twice, and the first message of each thread, in
//! bounded memory. Then it is asked like any other source, in batches.
//!
//! What cannot be understood is counted ([`Tally`]) and left out, never an error: an export is what people have.

mod convert;
mod elements;
mod export;
mod files;
mod json;
mod records;
mod stage;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, params};
use thiserror::Error;

use crate::record::{Involvement, Membership, Message, Room, RoomKind, Status, User};
use export::Export;
use files::FileIndex;

/// How many bytes of JSON a batch has at most, beside its first message.
const MAX_BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How many notes are kept.
const MAX_NOTES: usize = 200;

/// Why an export cannot be read.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error("{file}: {1}", file = .0.display())]
    Io(PathBuf, io::Error),
    /// The archive is damaged, or of a form that is not read.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// There is none of the lists of an export.
    #[error("this is no export of Slack: it has neither channels.json nor another list of channels or people")]
    NoExport,
    /// There is nobody in it, and no room.
    #[error("this export has neither people nor channels: there is nothing to import")]
    Empty,
    /// The scratch database cannot be written or read.
    #[error("the messages cannot be put in order: {0}")]
    Scratch(#[from] rusqlite::Error),
}

type Result<T> = std::result::Result<T, SourceError>;

/// What is taken of an export.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Private channels and direct messages, too.
    pub has_private: bool,
    /// A folder with the files of the messages, beside those in the export's own folder.
    pub files: Option<&'a Path>,
}

/// What was counted while an export was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Number of left out things by kind.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Number of changed things by kind.
    pub changed: BTreeMap<&'static str, u64>,
    /// Single things that somebody may want to look at.
    pub notes: Vec<String>,
    /// How many more notes there were.
    pub more_notes: u64,
}

impl Tally {
    fn drop(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.dropped.entry(what).or_default() += count;
        }
    }

    fn change(&mut self, what: &'static str, count: u64) {
        if count > 0 {
            *self.changed.entry(what).or_default() += count;
        }
    }

    fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note().chars().filter(|c| !c.is_control()).collect());
        } else {
            self.more_notes += 1;
        }
    }
}

/// Somebody in an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The id that Slack gave.
    pub slack_id: String,
    /// The record. Its number is that of the person in this source.
    pub user: User,
}

/// A channel or conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The id that Slack gave.
    pub slack_id: String,
    /// The record. Its number is that of the room in this source, and its creator's that of a person in it, or 0.
    pub room: Room,
    /// It was put away: nobody wants it in the sidebar.
    pub is_archived: bool,
}

/// What people and rooms of a source have become.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Number and name of each person here, by the number in the source.
    pub users: HashMap<i64, (i64, String)>,
    /// Number and name of each room here, by the number in the source. Messages of others are left out.
    pub rooms: HashMap<i64, (i64, String)>,
    /// The number of the message before the first one.
    pub base_id: i64,
}

/// An export that has been read.
pub struct Source {
    stage: Connection,
    identity: String,
    fingerprint: String,
    tally: Tally,
    files: FileIndex,
    people: Vec<Person>,
    channels: Vec<Channel>,
    total: u64,
    with_files: u64,
    places: Places,
    /// The names that several people have here.
    shared_names: HashSet<String>,
    /// The number of each person, by the id of Slack.
    by_id: HashMap<String, i64>,
    /// The name of each open room, by the id of Slack.
    open_names: HashMap<String, String>,
}

impl Source {
    /// Reads a whole export into `scratch`, an existing folder. `progress` is told how many messages were read.
    ///
    /// # Errors
    /// As [`SourceError`].
    pub fn read(path: &Path, options: Options<'_>, scratch: &Path, progress: &mut dyn FnMut(u64)) -> Result<Self> {
        let mut tally = Tally::default();
        let mut export = Export::open(path, &mut tally)?;
        let mut fingerprint = crate::hex(&export.fingerprint());
        fingerprint.push_str(if options.has_private { "+private" } else { "" });
        let mut files = FileIndex::default();
        for folder in path.is_dir().then_some(path).into_iter().chain(options.files) {
            files.add(folder, &mut tally);
        }
        let staged = stage::stage(&mut export, options.has_private, scratch, &mut tally, progress)?;
        let stage::Staged { stage, people, channels, team, total, with_files } = staged;
        if people.is_empty() && channels.is_empty() {
            return Err(SourceError::Empty);
        }
        let least_channel = channels.iter().map(|channel| channel.slack_id.as_str()).min();
        let identity = team.unwrap_or_else(|| least_channel.unwrap_or_default().to_owned());
        let by_id = people.iter().map(|person| (person.slack_id.clone(), person.user.id)).collect();
        let open = channels.iter().filter(|channel| channel.room.kind == RoomKind::Open);
        let open_names = open.map(|channel| (channel.slack_id.clone(), channel.room.name.clone())).collect();
        let (places, shared_names) = (Places::default(), HashSet::new());
        Ok(Self {
            stage,
            identity,
            fingerprint,
            tally,
            files,
            people,
            channels,
            total,
            with_files,
            places,
            shared_names,
            by_id,
            open_names,
        })
    }

    /// Identity of the workspace: every export of it has the same.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Identity of this export with these options.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What was counted while it was read.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many messages there are.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// How many messages have files, if not one file is beside the export: Slack's own exports have none.
    #[must_use]
    pub fn without_files(&self) -> u64 {
        if self.files.is_empty() { self.with_files } else { 0 }
    }

    /// All people and bots, in the order of their numbers.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// All rooms, in the order of their numbers.
    #[must_use]
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// The members of a channel, by their numbers in the source.
    ///
    /// # Errors
    /// When the scratch database cannot be read.
    pub fn members(&self, room: i64) -> Result<Vec<i64>> {
        let mut query = self.stage.prepare_cached("SELECT person FROM members WHERE room = ?1 ORDER BY person")?;
        let members = query.query_map([room], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(members)
    }

    /// Says what people and rooms have become. Everything below speaks of them by their numbers and names here.
    pub fn place(&mut self, places: Places) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for (_, name) in places.users.values() {
            *counts.entry(name.to_lowercase()).or_default() += 1;
        }
        self.shared_names = counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect();
        self.places = places;
    }

    /// Up to `limit` memberships of channels with numbers above `after`, in their order; and the number of the last one
    /// that was looked at, `None` at the end.
    ///
    /// # Errors
    /// When the scratch database cannot be read.
    pub fn memberships(&self, after: i64, limit: u32) -> Result<Option<(Vec<Membership>, i64)>> {
        let mut query = self
            .stage
            .prepare_cached("SELECT rowid, room, person FROM members WHERE rowid > ?1 ORDER BY rowid LIMIT ?2")?;
        let mut rows = query.query(params![after, limit])?;
        let (mut memberships, mut last) = (Vec::new(), None);
        while let Some(row) = rows.next()? {
            let (id, room, person): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            last = Some(id);
            let channel = usize::try_from(room - 1).ok().and_then(|index| self.channels.get(index));
            let (Some(channel), Some((room_id, _)), Some((user_id, _))) =
                (channel, self.places.rooms.get(&room), self.places.users.get(&person))
            else {
                continue;
            };
            // Who has left is a member of conversations only, as after leaving here.
            let person = usize::try_from(person - 1).ok().and_then(|index| self.people.get(index));
            let is_active = person.is_some_and(|person| person.user.status == Status::Active);
            if !is_active && channel.room.kind != RoomKind::Direct {
                continue;
            }
            let involvement = match channel.room.kind {
                RoomKind::Direct => Involvement::Everything,
                _ if channel.is_archived => Involvement::Invisible,
                _ => Involvement::Mentions,
            };
            let created_at = channel.room.created_at;
            memberships.push(Membership {
                id,
                room_id: *room_id,
                user_id: *user_id,
                involvement,
                unread_at: None,
                created_at,
            });
        }
        Ok(last.map(|last| (memberships, last)))
    }

    /// Up to `limit` messages with numbers above `after`, in the order of their times; and the number of the last one that
    /// was looked at, `None` at the end.
    ///
    /// # Errors
    /// When the scratch database cannot be read.
    pub fn messages(&self, after: i64, limit: u32) -> Result<Option<(Vec<Message>, i64)>> {
        let mut query = self.stage.prepare_cached(
            "SELECT ordered.number, room, ts, author, thread_ts, json
               FROM ordered JOIN messages ON messages.rowid = ordered.message
              WHERE ordered.number > ?1 ORDER BY ordered.number LIMIT ?2",
        )?;
        let mut rows = query.query(params![after - self.places.base_id, limit])?;
        let (mut messages, mut last, mut bytes) = (Vec::new(), None, 0);
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            last = Some(self.places.base_id + number);
            let json: Vec<u8> = row.get(5)?;
            bytes += json.len();
            let staged = convert::Staged {
                number,
                room: row.get(1)?,
                ts: row.get(2)?,
                author: row.get(3)?,
                thread_ts: row.get(4)?,
                json,
            };
            messages.extend(self.message(&staged)?);
            if bytes > MAX_BATCH_BYTES {
                break;
            }
        }
        Ok(last.map(|last| (messages, last)))
    }

    /// The first message of a thread.
    fn root(&self, room: i64, ts: i64) -> Result<Option<convert::Staged>> {
        let mut query = self.stage.prepare_cached(
            "SELECT ordered.number, author, json FROM messages JOIN ordered ON ordered.message = messages.rowid
              WHERE room = ?1 AND ts = ?2",
        )?;
        let found = query.query_row(params![room, ts], |row| {
            let (number, author, json) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(convert::Staged { number, room, ts, author, thread_ts: None, json })
        });
        Ok(found.optional()?)
    }
}
