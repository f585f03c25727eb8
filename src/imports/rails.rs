//! Imports ONCE Campfire on Rails.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::import::rails::{Source, Totals};
use ::import::{FileProblem, Membership, Status, User};
use pictures::{Bounds, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use super::files::{self, StoredFile};
use super::prepare::{self, Prepared};
use super::read_marks::ReadMarks;
use super::{ImportError, Progress, Report};
use crate::model::{AccountName, CustomStyles, FileKey, FileName, Job, RoomId, UserId, hex};
use crate::state::AppState;
use crate::store::imports::{NewAccount, StoredImport};
use crate::store::sqlite::copy::{self, Checkpoints};
use crate::store::{self, Tx};
use crate::{AppResult, jobs, names, ops};

/// The kind of this import in the database.
const KIND: &str = "rails";

/// How many messages one write takes: some hundredths of a second for those who wait behind it.
const BATCH_SIZE: u32 = 500;

/// How many batches are written before the write-ahead log is emptied: it has some 70 MB then.
const BATCHES_PER_CHECKPOINT: u32 = 16;

/// How many users or rooms one statement takes.
const ROWS_PER_STATEMENT: usize = 2_000;

/// How many memberships one write takes.
const MEMBERSHIPS_PER_WRITE: u32 = 2_000;

/// How many times of messages are read at once.
const TIMES_PER_PAGE: i64 = 10_000;

/// How far an import is. Each step is done again if it was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Memberships and pictures of people are there, too.
    has_people: bool,
    /// The number of the last message that is there.
    message_id: i64,
    /// How many messages of the source have been read.
    read_count: u64,
}

/// Counts what an import would do, without an installation.
///
/// # Errors
/// As [`ImportError`].
pub fn dry_run(source: &Source, progress: &mut dyn FnMut(Progress)) -> Result<Report, ImportError> {
    let mut report = Report::default();
    let totals = source.totals()?;
    let identity = source.identity()?;
    let people = People::read(source, &mut report)?;
    count_dropped(&totals, &mut report);
    let mut done = Progress { messages: 0, total: totals.messages };
    let mut after = 0;
    while let Some((messages, last)) = source.messages(after, BATCH_SIZE)? {
        for message in messages {
            let Some(prepared) = prepare::message(message, &identity, &people.names, &mut report) else { continue };
            report.keep("messages", 1);
            report.keep("boosts", prepared.boosts.len() as u64);
            for (file, ..) in &prepared.files {
                match file.copy(&mut std::io::sink()) {
                    Ok(_) => report.keep("files", 1),
                    Err(FileProblem::Read(error)) => {
                        report.drop("files that cannot be read: the import would end there", 1);
                        report.note(|| format!("file {:?} ({}): {error}", file.name, file.key));
                    }
                    Err(problem) => files::note_problem(file, &problem, &mut report),
                }
            }
            done.messages += 1;
        }
        after = last;
        progress(done);
    }
    Ok(report)
}

/// Imports a source into the installation of `state` in the folder `data`. Does nothing if that was done before.
///
/// # Errors
/// As [`ImportError`]. What is done by then stays, and the next run goes on.
pub async fn run(
    state: &AppState,
    data: &Path,
    source: &Source,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let identity = source.identity()?;
    let totals = source.totals()?;
    let begun = find_begun(state, &identity).await?;
    let (is_begun, mut position, mut report) = match begun {
        Begun::Finished(report) => return Ok(report),
        Begun::At(position, report) => (true, position, report),
        Begun::Never => (false, Position::default(), Report::default()),
    };
    if !position.has_people {
        // Counted anew, whatever a run that was cut off had counted.
        report = Report::default();
        count_dropped(&totals, &mut report);
    }
    let mut counted_before = Report::default();
    let people = People::read(source, if position.has_people { &mut counted_before } else { &mut report })?;
    if people.users.is_empty() {
        return Err(ImportError::Empty);
    }
    if !is_begun {
        begin(state, source, &identity, &people, &totals).await?;
    }
    if !position.has_people {
        insert_belongings(state, source, &people, &mut report).await?;
        position.has_people = true;
        note(state, &identity, position, &report, false).await?;
    }
    let mut done = Progress { messages: position.read_count, total: totals.messages };
    let checkpoints = Checkpoints::open(&data.join("campfire.sqlite3")).map_err(broken)?;
    let mut batch_count = 0_u32;
    let mut writing = None;
    while let Some((messages, last)) = source.messages(position.message_id, BATCH_SIZE)? {
        let read_count = messages.len() as u64;
        let mut batch = Vec::with_capacity(messages.len());
        for message in messages {
            batch.extend(prepare::message(message, &identity, &people.names, &mut report));
        }
        let mut blobs = Vec::new();
        for prepared in &mut batch {
            blobs.extend(files::store_files(state, prepared, &mut report).await?);
        }
        // This batch was read and rendered while the one before was written.
        finish_write(writing.take()).await?;
        batch_count += 1;
        if batch_count.is_multiple_of(BATCHES_PER_CHECKPOINT) {
            checkpoints.run().map_err(broken)?;
        }
        make_ids_unique(state, &mut batch, &identity, &mut report).await?;
        report.keep("messages", batch.len() as u64);
        position.message_id = last;
        position.read_count += read_count;
        writing = Some(start_write(state, batch, blobs, &identity, position, &mut report));
        done.messages = position.read_count;
        progress(done);
    }
    finish_write(writing).await?;
    finish(state, source, &identity, position, &totals, &mut report).await?;
    checkpoints.run().map_err(broken)?;
    Ok(report)
}

/// A failure of the database, for the log.
fn broken(error: copy::Error) -> ImportError {
    tracing::error!(%error, "the write-ahead log cannot be copied into the database");
    crate::AppError::Internal.into()
}

/// Waits for the write of a batch.
async fn finish_write(writing: Option<JoinHandle<AppResult<()>>>) -> AppResult<()> {
    match writing {
        Some(writing) => writing.await.map_err(|_| crate::AppError::Internal)?,
        None => Ok(()),
    }
}

enum Begun {
    Finished(Report),
    At(Position, Report),
    Never,
}

/// Where the import of this source is. Refuses an installation that has something else.
async fn find_begun(state: &AppState, identity: &str) -> Result<Begun, ImportError> {
    let reader = state.db.reader();
    if let Some(stored) = store::imports::find(reader, KIND).await.map_err(crate::AppError::from)? {
        if stored.source != identity {
            return Err(ImportError::InUse);
        }
        let report = serde_json::from_str(&stored.report).unwrap_or_default();
        if stored.finished_at.is_some() {
            return Ok(Begun::Finished(report));
        }
        return Ok(Begun::At(serde_json::from_str(&stored.position).unwrap_or_default(), report));
    }
    if store::imports::is_in_use(reader).await.map_err(crate::AppError::from)? {
        return Err(ImportError::InUse);
    }
    Ok(Begun::Never)
}

/// Inserts the account, its people and its rooms, all at once: as soon as there is a join code, somebody may join, who must
/// not get the number of somebody else.
async fn begin(
    state: &AppState,
    source: &Source,
    identity: &str,
    people: &People,
    totals: &Totals,
) -> Result<(), ImportError> {
    let account = source.account()?;
    if account.join_code.is_empty() {
        return Err(ImportError::Empty);
    }
    let styles: CustomStyles = account.custom_styles.parse().unwrap_or_default();
    let digest = if styles.as_str().is_empty() { String::new() } else { hex(&Sha256::digest(styles.as_str())[..8]) };
    let new = NewAccount {
        name: account.name.parse::<AccountName>().map_or_else(|_| "Campfire".into(), |name| name.as_str().to_owned()),
        join_code: account.join_code,
        custom_styles: styles.as_str().to_owned(),
        custom_styles_digest: digest,
        room_creation_restricted: account.room_creation_restricted,
        created_at: account.created_at,
    };
    let stored = stored(identity, Position::default(), &Report::default(), None);
    let last_ids = [
        ("users", people.users.iter().map(|user| user.0).max().unwrap_or_default()),
        ("rooms", people.rooms.iter().map(|room| room.0).max().unwrap_or_default()),
        ("messages", totals.last_message_id),
    ];
    let (users, bots, rooms) = (people.users.clone(), people.bots.clone(), people.rooms.clone());
    let begin = async move |tx: &mut Tx| {
        // Somebody may have set it up meanwhile.
        if store::imports::is_in_use(tx.db()).await? {
            return Ok(false);
        }
        store::imports::insert_account(tx.db(), &new).await?;
        store::imports::reserve_ids(tx.db(), &last_ids).await?;
        for chunk in users.chunks(ROWS_PER_STATEMENT) {
            store::imports::insert_users(tx.db(), chunk).await?;
        }
        for (id, token, webhook_url) in &bots {
            if store::imports::insert_bot(tx.db(), UserId(*id), token).await? {
                ops::webhooks::store_url(tx, UserId(*id), webhook_url.as_deref()).await?;
            }
        }
        for chunk in rooms.chunks(ROWS_PER_STATEMENT) {
            store::imports::insert_rooms(tx.db(), chunk).await?;
        }
        let now_ms = tx.now_ms();
        store::imports::note(tx.db(), KIND, &stored, now_ms).await?;
        Ok(true)
    };
    if !state.db.write(begin).await? {
        return Err(ImportError::InUse);
    }
    Ok(())
}

fn stored(identity: &str, position: Position, report: &Report, finished_at: Option<i64>) -> StoredImport {
    StoredImport {
        source: identity.to_owned(),
        position: serde_json::to_string(&position).unwrap_or_default(),
        report: serde_json::to_string(report).unwrap_or_default(),
        finished_at,
    }
}

async fn note(
    state: &AppState,
    identity: &str,
    position: Position,
    report: &Report,
    is_finished: bool,
) -> AppResult<()> {
    let finished_at = is_finished.then(|| state.clock.now_ms());
    let stored = stored(identity, position, report, finished_at);
    let note = async move |tx: &mut Tx| {
        let now_ms = tx.now_ms();
        Ok(store::imports::note(tx.db(), KIND, &stored, now_ms).await?)
    };
    state.db.write(note).await
}

/// The people and rooms of a source, as rows.
struct People {
    source_users: Vec<User>,
    users: Vec<store::imports::NewUser>,
    bots: Vec<store::imports::NewBot>,
    rooms: Vec<store::imports::NewRoom>,
    /// The name of each user.
    names: HashMap<i64, String>,
}

impl People {
    fn read(source: &Source, report: &mut Report) -> Result<Self, ImportError> {
        let source_users = source.users()?;
        let rooms = source.rooms()?;
        let direct: HashSet<i64> =
            rooms.iter().filter(|room| room.kind == ::import::RoomKind::Direct).map(|room| room.id).collect();
        let mut members: HashMap<i64, Vec<i64>> = HashMap::new();
        for_memberships(source, &mut |membership| {
            if direct.contains(&membership.room_id) {
                members.entry(membership.room_id).or_default().push(membership.user_id);
            }
        })?;
        let user_ids: HashSet<i64> = source_users.iter().map(|user| user.id).collect();
        let is_administrator =
            |user: &&User| user.role == ::import::Role::Administrator && user.status == Status::Active;
        let fallback = source_users.iter().find(is_administrator).or(source_users.first()).map_or(0, |user| user.id);
        let users = prepare::users(&source_users, report);
        let bots = prepare::bots(&source_users, report);
        let rooms = prepare::rooms(&rooms, &user_ids, &members, fallback, report);
        // As the source calls them: the text of messages has these names.
        let names = source_users.iter().map(|user| (user.id, user.name.trim().to_owned())).collect();
        Ok(Self { source_users, users, bots, rooms, names })
    }
}

fn for_memberships(source: &Source, receive: &mut dyn FnMut(&Membership)) -> Result<(), ImportError> {
    let mut after = 0;
    loop {
        let batch = source.memberships(after, 5_000)?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = last.id;
        batch.iter().for_each(&mut *receive);
    }
}

fn count_dropped(totals: &Totals, report: &mut Report) {
    report.drop("sessions: everybody signs in again, with the same password", totals.sessions);
    report.drop("subscriptions to notifications: people turn them on again", totals.push_subscriptions);
    report.drop("smaller versions of pictures: they are made anew", totals.variants);
    report.drop("messages of rooms or people that do not exist", totals.orphans);
    if totals.out_of_order > 0 {
        report.note(|| {
            format!(
                "{} messages were posted before one with a smaller number: they are in the order of the numbers",
                totals.out_of_order
            )
        });
    }
}

/// Inserts what belongs to people, other than their messages.
async fn insert_belongings(
    state: &AppState,
    source: &Source,
    people: &People,
    report: &mut Report,
) -> Result<(), ImportError> {
    names::mark_stored(&state.db).await?;
    let mut after = 0;
    let mut membership_count = 0;
    loop {
        let batch = source.memberships(after, MEMBERSHIPS_PER_WRITE)?;
        let Some(last) = batch.last() else { break };
        after = last.id;
        let all = batch.len() as u64;
        let rows: Vec<_> = batch.iter().map(prepare::membership).collect();
        let insert = async move |tx: &mut Tx| Ok(store::imports::insert_memberships(tx.db(), &rows).await?);
        let inserted = state.db.write(insert).await?;
        membership_count += all;
        // A run that was cut off has inserted some.
        report.drop("memberships of rooms or people that do not exist, or twice", all.saturating_sub(inserted));
    }
    report.keep("memberships", membership_count);
    insert_pictures(state, source, people, report).await?;
    let searches = prepare::searches(&source.searches()?, report);
    let bans = prepare::bans(&source.bans()?, report);
    let insert = async move |tx: &mut Tx| {
        store::imports::insert_searches(tx.db(), &searches).await?;
        Ok(store::imports::insert_bans(tx.db(), &bans).await?)
    };
    state.db.write(insert).await?;
    Ok(())
}

/// Takes over the pictures of people, and the logo.
async fn insert_pictures(
    state: &AppState,
    source: &Source,
    people: &People,
    report: &mut Report,
) -> Result<(), ImportError> {
    for user in &people.source_users {
        let Some(file) = &user.avatar else { continue };
        let Some(picture) = files::picture(state, file, Bounds::AVATAR, Encoding::Small, report).await? else {
            continue;
        };
        let user_id = UserId(user.id);
        let set = async move |tx: &mut Tx| Ok(store::avatars::set(tx.db(), user_id, &picture).await?);
        state.db.write(set).await?;
        report.keep("pictures of people", 1);
    }
    if let Some(file) = source.account()?.logo {
        let mut logos = Vec::new();
        for side in crate::ops::avatars::LOGO_SIDES {
            let bounds = Bounds { width: side, height: side };
            if let Some(picture) = files::picture(state, &file, bounds, Encoding::Png, report).await? {
                logos.push((side, picture.bytes));
            }
        }
        if logos.len() == crate::ops::avatars::LOGO_SIDES.len() {
            state.db.write(async move |tx: &mut Tx| Ok(store::avatars::set_logo(tx.db(), &logos).await?)).await?;
            report.keep("logo", 1);
        }
    }
    Ok(())
}

/// Gives messages another id whose own is that of another message of their author: here, they are unique.
async fn make_ids_unique(
    state: &AppState,
    batch: &mut [Prepared],
    identity: &str,
    report: &mut Report,
) -> AppResult<()> {
    let pairs: Vec<_> = batch.iter().map(|it| (it.row.creator_id, it.row.client_message_id.as_str())).collect();
    let taken = store::imports::list_taken(state.db.reader(), &pairs).await?;
    let mut seen: HashSet<(i64, String)> = taken.into_iter().collect();
    for Prepared { row, .. } in batch {
        if !seen.insert((row.creator_id, row.client_message_id.clone())) {
            report.change("messages whose id another one of the same person has");
            row.client_message_id = prepare::derived_id(identity, row.id);
            seen.insert((row.creator_id, row.client_message_id.clone()));
        }
    }
    Ok(())
}

/// Begins to write a batch, with how far the import is after it.
fn start_write(
    state: &AppState,
    batch: Vec<Prepared>,
    files: Vec<StoredFile>,
    identity: &str,
    position: Position,
    report: &mut Report,
) -> JoinHandle<AppResult<()>> {
    let mut mentions = Vec::new();
    let mut boosts = Vec::new();
    for Prepared { row, mentions: mentioned, boosts: own, .. } in &batch {
        mentions.extend(mentioned.iter().map(|(user_id, name)| (user_id.0, row.room_id, row.id, name.clone())));
        boosts.extend(own.iter().map(|(booster_id, content, at)| (row.id, *booster_id, content.clone(), *at)));
    }
    let text_bytes: HashMap<_, _> = batch.iter().map(|it| (it.id(), it.row.text.len())).collect();
    let rows: Vec<_> = batch.into_iter().map(|prepared| prepared.row).collect();
    let boost_count = boosts.len() as u64;
    // Counted before the write, which stores the count.
    report.keep("boosts", boost_count);
    let stored = stored(identity, position, report, None);
    let insert = async move |tx: &mut Tx| {
        let inserted = store::imports::insert_messages(tx.db(), &rows).await?;
        for message_id in inserted {
            tx.index(message_id, text_bytes.get(&message_id).copied().unwrap_or_default());
        }
        if !mentions.is_empty() {
            store::imports::insert_mentions(tx.db(), &mentions).await?;
        }
        if !boosts.is_empty() {
            store::imports::insert_boosts(tx.db(), &boosts).await?;
        }
        let now_ms = tx.now_ms();
        let mut by_message: Vec<(&StoredFile, Vec<(FileKey, FileName)>)> = Vec::new();
        for file in &files {
            store::files::insert_blob(tx.db(), &file.blob, now_ms, i64::MAX).await?;
            let named = (file.blob.key.clone(), file.name.clone());
            match by_message.last_mut() {
                Some((first, keys)) if first.message_id == file.message_id => keys.push(named),
                _ => by_message.push((file, vec![named])),
            }
        }
        for (StoredFile { room_id, message_id, .. }, keys) in by_message {
            store::files::attach(tx.db(), *room_id, *message_id, &keys).await?;
            let attached = store::files::list_of_message(tx.db(), *message_id).await?;
            store::files::note_extras(tx.db(), *message_id, &crate::richtext::extras_html(&attached), None).await?;
        }
        Ok(store::imports::note(tx.db(), KIND, &stored, now_ms).await?)
    };
    let db = state.db.clone();
    tokio::spawn(async move { db.write(insert).await })
}

/// Marks what people have read, up to the last message of the source: those that were posted here meanwhile stay unread.
async fn mark_read(state: &AppState, source: &Source, last_message_id: i64) -> Result<(), ImportError> {
    let mut rooms: HashMap<i64, ReadMarks> = HashMap::new();
    for_memberships(source, &mut |it| rooms.entry(it.room_id).or_default().add(it.user_id, it.unread_at))?;
    for (room_id, mut marks) in rooms {
        marks.sort();
        let mut before = last_message_id.saturating_add(1);
        while !marks.is_complete() {
            let page = store::imports::times_before(state.db.reader(), RoomId(room_id), before, TIMES_PER_PAGE).await;
            let page = page.map_err(crate::AppError::from)?;
            let Some((last_id, _)) = page.last() else { break };
            before = *last_id;
            page.iter().for_each(|(id, created_at)| marks.pass(*id, *created_at));
        }
        for chunk in marks.found.chunks(ROWS_PER_STATEMENT) {
            let rows: Vec<_> = chunk.iter().map(|(user_id, id)| (room_id, *user_id, *id)).collect();
            state.db.write(async move |tx: &mut Tx| Ok(store::imports::mark_read(tx.db(), &rows).await?)).await?;
        }
    }
    Ok(())
}

/// The steps that need all messages: read positions, and previews of pictures.
async fn finish(
    state: &AppState,
    source: &Source,
    identity: &str,
    position: Position,
    totals: &Totals,
    report: &mut Report,
) -> Result<(), ImportError> {
    mark_read(state, source, totals.last_message_id).await?;
    let mut last_key = String::new();
    loop {
        let keys = store::imports::list_without_preview(state.db.reader(), &last_key, 500).await;
        let keys = keys.map_err(crate::AppError::from)?;
        let Some(last) = keys.last() else { break };
        last_key = last.to_string();
        for key in keys {
            jobs::enqueue(state, Job::MakePreview { key }).await?;
        }
    }
    state.db.write(async |tx: &mut Tx| Ok(store::imports::begin_epoch(tx.db()).await?)).await?;
    note(state, identity, position, report, true).await?;
    Ok(())
}
