//! Imports an export of Slack.
//!
//! Unlike a Campfire, Slack has no numbers that could be kept, so that a history is imported into an installation that is
//! set up, and may be in use. What each person and room became is stored ([`crate::store::imports::slack`]), and a message
//! has an id that follows from its channel and time: another export of the same workspace adds what is new.
//!
//! The numbers of messages are reserved before the first one is written, so that they are in the order of time, whoever
//! posts meanwhile; and the same after a run that was cut off.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::import::slack::{Places, Source, Tally};
use ::import::{Membership, Room, RoomKind, User};

use super::downloads::Downloads;
use super::writer::{self, Begun, Position, Taken, Writer};
use super::{ImportError, Progress, Report, held, prepare};
use crate::model::{RoomId, UserId};
use crate::state::AppState;
use crate::store::imports::slack::{ImportedRoom, ImportedUser};
use crate::store::imports::{NewRoom, NewUser};
use crate::store::{self, Tx};
use crate::{AppError, AppResult, names};

/// The kind of this import in the database.
pub(super) const KIND: &str = "slack";

/// How many people or rooms one write takes.
const ROWS_PER_WRITE: usize = 500;

/// How many memberships one write takes.
const MEMBERSHIPS_PER_WRITE: u32 = 2_000;

/// Counts what an import would do. Of an installation, it reads who is there by now.
///
/// # Errors
/// As [`ImportError`].
pub async fn dry_run(
    source: &mut Source,
    installation: Option<&AppState>,
    trusted: &[String],
    downloads: Option<&Downloads>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let mut report = Report::default();
    report.absorb(source.tally());
    if let Some(state) = installation {
        let trusted = held::trusted(state, trusted).await?;
        held::foresee(state, source, &trusted, &mut report).await?;
    }
    let users = prepare::users(&users(source), &mut report);
    let by_number = |number: i64| number;
    let rooms = rooms(source, 1, &by_number, &mut report)?;
    source.place(Places {
        users: users.iter().map(|user| (user.0, (user.0, user.1.clone()))).collect(),
        rooms: rooms.iter().map(|room| (room.0, (room.0, room.2.clone()))).collect(),
        base_id: 0,
    });
    let names = users.into_iter().map(|user| (user.0, user.1)).collect();
    let (source, total) = (&*source, source.total());
    writer::dry_run(
        &mut |after, limit| Ok(source.messages(after, limit)?),
        source.identity(),
        &names,
        downloads,
        total,
        &mut report,
        progress,
    )?;
    Ok(report)
}

/// Imports a source into the installation of `state` in the folder `data`. Does nothing if that was done before.
///
/// Private rooms are held back from people who can sign in already, other than those with the addresses `trusted`: they
/// are given what was held back before, too.
///
/// # Errors
/// As [`ImportError`]. What is done by then stays, and the next run goes on.
pub async fn run(
    state: &AppState,
    data: &Path,
    source: &mut Source,
    trusted: &[String],
    downloads: Option<&Downloads>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let identity = source.identity().to_owned();
    let trusted = held::trusted(state, trusted).await?;
    let stored = store::imports::find_of(state.db.reader(), KIND, &identity).await.map_err(AppError::from)?;
    let begin = || Position { fingerprint: source.fingerprint().to_owned(), ..Position::default() };
    let (mut position, mut report) = match stored.as_ref().map(Begun::of) {
        Some(Begun::At(position, report)) if position.fingerprint == source.fingerprint() => (position, report),
        Some(Begun::Finished(mut report)) if is_of(stored.as_ref(), source.fingerprint()) => {
            held::settle(state, &identity, &trusted, &mut report).await?;
            return Ok(report);
        }
        Some(Begun::At(cut_off, _)) => {
            let first_base_id = cut_off.first_base_id.or(cut_off.has_people.then_some(cut_off.base_id));
            (Position { first_base_id, ..begin() }, Report::default())
        }
        _ => (begin(), Report::default()),
    };
    let administrator = store::imports::slack::first_administrator(state.db.reader()).await.map_err(AppError::from)?;
    let administrator = administrator.ok_or(ImportError::NotSetUp)?;
    let is_begun = position.has_people;
    if !is_begun {
        // Counted anew, whatever a run that was cut off had counted.
        report = Report::default();
        report.absorb(source.tally());
        writer::note(state, KIND, &identity, &position, &report, false).await?;
        insert_people(state, source, &identity, &mut report).await?;
        insert_rooms(state, source, &identity, administrator, &mut report).await?;
    }
    let mut places = places(state, source, &identity).await?;
    if !is_begun {
        source.place(places.clone());
        insert_memberships(state, source, &identity, &mut report).await?;
        let waiting = store::imports::slack::list_waiting(state.db.reader(), KIND, &identity).await;
        let waiting = waiting.map_err(AppError::from)?;
        report.keep("people who may join with their e-mail addresses", waiting.len() as u64);
        // Not before: somebody who joined while memberships were missing would be given private rooms afterwards.
        let insert = async move |tx: &mut Tx| Ok(store::placeholders::insert(tx.db(), &waiting).await?);
        state.db.write(insert).await?;
        let total = i64::try_from(source.total()).unwrap_or(i64::MAX);
        let reserve = async move |tx: &mut Tx| Ok(store::imports::slack::reserve(tx.db(), "messages", total).await?);
        position.base_id = state.db.write(reserve).await?;
        position.message_id = position.base_id;
        position.first_base_id.get_or_insert(position.base_id);
        position.has_people = true;
        writer::note(state, KIND, &identity, &position, &report, false).await?;
    }
    held::settle(state, &identity, &trusted, &mut report).await?;
    places.base_id = position.base_id;
    let names: HashMap<i64, String> = places.users.values().cloned().collect();
    let room_ids: Vec<i64> = places.rooms.values().map(|(id, _)| *id).collect();
    source.place(places);
    let (source, total) = (&*source, source.total());
    let (kind, identity, taken) = (KIND, identity.as_str(), Taken::LeftOut);
    let writer = Writer { state, data, kind, identity, names: &names, taken, downloads };
    let mut messages = |after, limit| Ok(source.messages(after, limit)?);
    let checkpoints = writer.write(&mut messages, &mut position, &mut report, total, progress).await?;
    // Of an open room, everybody is a member.
    let people = store::imports::slack::count_users(state.db.reader()).await.map_err(AppError::from)?;
    let rooms_per_write = usize::try_from(i64::from(MEMBERSHIPS_PER_WRITE) / people.max(1)).unwrap_or(1).max(1);
    for chunk in room_ids.chunks(rooms_per_write) {
        let first = position.first_base_id.unwrap_or(position.base_id);
        let (room_ids, last) = (chunk.to_vec(), position.message_id);
        let read =
            async move |tx: &mut Tx| Ok(store::imports::slack::mark_read(tx.db(), &room_ids, first, last).await?);
        state.db.write(read).await?;
    }
    // Browsers load everything again: new messages of rooms that they have are in none of their events.
    state.db.write(async |tx: &mut Tx| Ok(store::imports::begin_epoch(tx.db()).await?)).await?;
    writer.finish(&position, &report).await?;
    checkpoints.run().map_err(writer::broken)?;
    Ok(report)
}

/// Whether a finished import was one of this very export, with these options.
fn is_of(stored: Option<&store::imports::StoredImport>, fingerprint: &str) -> bool {
    let position = stored.and_then(|stored| serde_json::from_str::<Position>(&stored.position).ok());
    position.is_some_and(|position| position.fingerprint == fingerprint)
}

fn users(source: &Source) -> Vec<User> {
    source.people().iter().map(|person| person.user.clone()).collect()
}

/// The rooms as rows, with their numbers in the source. `user_id` has the number of each person here.
fn rooms(
    source: &Source,
    fallback_id: i64,
    user_id: &dyn Fn(i64) -> i64,
    report: &mut Report,
) -> Result<Vec<NewRoom>, ImportError> {
    let mut members = HashMap::new();
    let mut rooms = Vec::new();
    let mut user_ids: HashSet<i64> = source.people().iter().map(|person| user_id(person.user.id)).collect();
    user_ids.insert(fallback_id);
    for channel in source.channels() {
        if channel.room.kind == RoomKind::Direct {
            let people = source.members(channel.room.id)?;
            members.insert(channel.room.id, people.into_iter().map(user_id).collect());
        }
        // Slack does not say who began a conversation.
        let first = members.get(&channel.room.id).and_then(|people: &Vec<i64>| people.first()).copied();
        // Who made a room may delete it: not whoever joins with that person's address.
        let creator_id = if channel.room.kind == RoomKind::Direct { first } else { None };
        rooms.push(Room { creator_id: creator_id.unwrap_or(fallback_id), ..channel.room.clone() });
    }
    Ok(prepare::rooms(&rooms, &user_ids, &members, fallback_id, report))
}

/// Makes people who are not here yet; those with the address of somebody who is are that person.
async fn insert_people(
    state: &AppState,
    source: &Source,
    identity: &str,
    report: &mut Report,
) -> Result<(), ImportError> {
    let rows = prepare::users(&users(source), report);
    for (rows, people) in rows.chunks(ROWS_PER_WRITE).zip(source.people().chunks(ROWS_PER_WRITE)) {
        let chunk: Vec<(String, NewUser)> =
            people.iter().map(|person| person.slack_id.clone()).zip(rows.iter().cloned()).collect();
        let identity = identity.to_owned();
        state.db.write(async move |tx: &mut Tx| insert_chunk_of_people(tx, &identity, chunk).await).await?;
    }
    // Two people who look alike are told apart.
    names::mark_stored(&state.db).await?;
    let imported = store::imports::slack::list_users(state.db.reader(), KIND, identity).await;
    let was_here = imported.map_err(AppError::from)?.iter().filter(|user| user.was_here).count();
    if was_here > 0 {
        report.keep("people who were here already, found by their e-mail addresses", was_here as u64);
    }
    Ok(())
}

async fn insert_chunk_of_people(tx: &mut Tx, identity: &str, chunk: Vec<(String, NewUser)>) -> AppResult<()> {
    let ids: Vec<&str> = chunk.iter().map(|(slack_id, _)| slack_id.as_str()).collect();
    let known = store::imports::slack::list_known_users(tx.db(), KIND, identity, &ids).await?;
    let known: HashSet<String> = known.into_iter().collect();
    let (mut new, mut imported) = (Vec::new(), Vec::new());
    for (slack_id, mut row) in chunk {
        if known.contains(&slack_id) {
            continue;
        }
        if let Some(address) = row.2.clone() {
            if let Some((user_id, _)) = store::users::find_by_email(tx.db(), &address).await? {
                imported.push(ImportedUser { source_id: slack_id, user_id: user_id.0, name: row.1, was_here: true });
                continue;
            }
            // That of somebody who was banned stays theirs.
            if store::users::is_email_taken(tx.db(), &address).await? {
                row.2 = None;
            }
        }
        new.push((slack_id, row));
    }
    let before = store::imports::slack::reserve(tx.db(), "users", new.len() as i64).await?;
    let mut rows = Vec::with_capacity(new.len());
    for (index, (slack_id, mut row)) in new.into_iter().enumerate() {
        row.0 = before + 1 + index as i64;
        imported.push(ImportedUser { source_id: slack_id, user_id: row.0, name: row.1.clone(), was_here: false });
        rows.push(row);
    }
    store::imports::insert_users(tx.db(), &rows).await?;
    Ok(store::imports::slack::insert_users(tx.db(), KIND, identity, &imported).await?)
}

/// Makes rooms that are not here yet.
async fn insert_rooms(
    state: &AppState,
    source: &Source,
    identity: &str,
    administrator: UserId,
    report: &mut Report,
) -> Result<(), ImportError> {
    let users = places(state, source, identity).await?.users;
    let user_id = |number: i64| users.get(&number).map_or(0, |(id, _)| *id);
    let rows = rooms(source, administrator.0, &user_id, report)?;
    for (rows, channels) in rows.chunks(ROWS_PER_WRITE).zip(source.channels().chunks(ROWS_PER_WRITE)) {
        let chunk: Vec<(String, NewRoom)> =
            channels.iter().map(|channel| channel.slack_id.clone()).zip(rows.iter().cloned()).collect();
        let identity = identity.to_owned();
        let insert = async move |tx: &mut Tx| insert_chunk_of_rooms(tx, &identity, chunk).await;
        for _ in 0..state.db.write(insert).await? {
            report.change("pings of the same people twice: the first one is found by pinging them again");
        }
    }
    Ok(())
}

/// Returns how many direct rooms there are already with the same people.
async fn insert_chunk_of_rooms(tx: &mut Tx, identity: &str, chunk: Vec<(String, NewRoom)>) -> AppResult<usize> {
    let known = store::imports::slack::list_rooms(tx.db(), KIND, identity).await?;
    let known: HashSet<String> = known.into_iter().map(|room| room.source_id).collect();
    let new: Vec<_> = chunk.into_iter().filter(|(slack_id, _)| !known.contains(slack_id)).collect();
    let keys: Vec<&str> = new.iter().filter_map(|(_, row)| row.4.as_deref()).collect();
    let taken: HashSet<String> = store::imports::slack::list_taken_keys(tx.db(), &keys).await?.into_iter().collect();
    let before = store::imports::slack::reserve(tx.db(), "rooms", new.len() as i64).await?;
    let (mut rows, mut imported) = (Vec::new(), Vec::new());
    for (index, (slack_id, mut row)) in new.into_iter().enumerate() {
        row.0 = before + 1 + index as i64;
        row.4 = row.4.filter(|key| !taken.contains(key));
        imported.push((slack_id, row.0));
        rows.push(row);
    }
    store::imports::insert_rooms(tx.db(), &rows).await?;
    store::imports::slack::insert_rooms(tx.db(), KIND, identity, &imported).await?;
    Ok(taken.len())
}

/// What people and rooms have become, by their numbers in the source.
async fn places(state: &AppState, source: &Source, identity: &str) -> AppResult<Places> {
    let reader = state.db.reader();
    let users = store::imports::slack::list_users(reader, KIND, identity).await?;
    let users: HashMap<String, (i64, String)> =
        users.into_iter().map(|user| (user.source_id, (user.user_id, user.name))).collect();
    let rooms = store::imports::slack::list_rooms(reader, KIND, identity).await?;
    let rooms: HashMap<String, ImportedRoom> = rooms.into_iter().map(|room| (room.source_id.clone(), room)).collect();
    let mut places = Places::default();
    for person in source.people() {
        if let Some(user) = users.get(&person.slack_id) {
            places.users.insert(person.user.id, user.clone());
        }
    }
    for channel in source.channels() {
        let room_id = rooms.get(&channel.slack_id).and_then(|room| room.room_id);
        if let Some(room_id) = room_id {
            places.rooms.insert(channel.room.id, (room_id, channel.room.name.clone()));
        }
    }
    Ok(places)
}

/// Makes people members of the rooms that are new. Of open ones, everyone is: those who were not in the channel do not see
/// it in the sidebar.
async fn insert_memberships(
    state: &AppState,
    source: &Source,
    identity: &str,
    report: &mut Report,
) -> Result<(), ImportError> {
    let rooms = store::imports::slack::list_rooms(state.db.reader(), KIND, identity).await.map_err(AppError::from)?;
    let waiting: HashSet<i64> = rooms.iter().filter(|room| !room.ready).filter_map(|room| room.room_id).collect();
    let mut after = 0;
    while let Some((batch, last)) = source.memberships(after, MEMBERSHIPS_PER_WRITE)? {
        after = last;
        let new: Vec<Membership> = batch.into_iter().filter(|it| waiting.contains(&it.room_id)).collect();
        let rows: Vec<_> = new.iter().map(prepare::membership).collect();
        let insert = async move |tx: &mut Tx| Ok(store::imports::held::insert_or_hold(tx.db(), &rows).await?);
        let held = state.db.write(insert).await?;
        report.keep("memberships", (new.len() as u64).saturating_sub(held));
    }
    let archived: HashSet<&str> =
        source.channels().iter().filter(|it| it.is_archived).map(|it| it.slack_id.as_str()).collect();
    for room in rooms.iter().filter(|room| !room.ready) {
        let is_archived = archived.contains(room.source_id.as_str());
        let (room, identity) = (room.clone(), identity.to_owned());
        let complete = async move |tx: &mut Tx| {
            if let Some(room_id) = room.room_id {
                let (room_id, now_ms) = (RoomId(room_id), tx.now_ms());
                store::imports::slack::insert_everyone(tx.db(), KIND, &identity, room_id, is_archived, now_ms).await?;
            }
            Ok(store::imports::slack::mark_ready(tx.db(), KIND, &identity, &room.source_id).await?)
        };
        state.db.write(complete).await?;
    }
    Ok(())
}

impl Report {
    /// Adds what a source has counted itself.
    fn absorb(&mut self, tally: &Tally) {
        for (what, count) in &tally.dropped {
            self.drop(what, *count);
        }
        for (what, count) in &tally.changed {
            *self.changed.entry((*what).to_owned()).or_default() += count;
        }
        for note in &tally.notes {
            self.note(|| note.clone());
        }
        self.more_notes += tally.more_notes;
    }
}

#[cfg(test)]
mod tests;
