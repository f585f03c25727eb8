//! Imports ONCE Campfire on Rails.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use ::import::rails::{Source, Totals};
use ::import::{Membership, Status, User};
use pictures::{Bounds, Encoding};
use sha2::{Digest, Sha256};

use super::read_marks::ReadMarks;
use super::writer::{self, Begun, Position, ROWS_PER_STATEMENT, Taken, Writer};
use super::{ImportError, Progress, Report, files, prepare};
use crate::model::{AccountName, CustomStyles, RoomId, UserId, hex};
use crate::state::AppState;
use crate::store::imports::NewAccount;
use crate::store::{self, Tx};
use crate::{names, ops};

/// The kind of this import in the database.
const KIND: &str = "rails";

/// How many memberships one write takes.
const MEMBERSHIPS_PER_WRITE: u32 = 2_000;

/// How many times of messages are read at once.
const TIMES_PER_PAGE: i64 = 10_000;

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
    writer::dry_run(
        &mut |after, limit| Ok(source.messages(after, limit)?),
        &identity,
        &people.names,
        None,
        totals.messages,
        &mut report,
        progress,
    )?;
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
    let (is_begun, mut position, mut report) = match find_begun(state, &identity).await? {
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
        writer::note(state, KIND, &identity, &position, &report, false).await?;
    }
    let writer = Writer {
        state,
        data,
        kind: KIND,
        identity: &identity,
        names: &people.names,
        taken: Taken::Renamed,
        downloads: None,
    };
    let mut messages = |after, limit| Ok(source.messages(after, limit)?);
    let checkpoints = writer.write(&mut messages, &mut position, &mut report, totals.messages, progress).await?;
    mark_read(state, source, totals.last_message_id).await?;
    // To browsers, it is another database now.
    state.db.write(async |tx: &mut Tx| Ok(store::imports::begin_epoch(tx.db()).await?)).await?;
    writer.finish(&position, &report).await?;
    checkpoints.run().map_err(writer::broken)?;
    Ok(report)
}

/// Where the import of this source is. Refuses an installation that has something else.
async fn find_begun(state: &AppState, identity: &str) -> Result<Begun, ImportError> {
    let reader = state.db.reader();
    if let Some(stored) = store::imports::find(reader, KIND).await.map_err(crate::AppError::from)? {
        if stored.source != identity {
            return Err(ImportError::InUse);
        }
        return Ok(Begun::of(&stored));
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
    let stored = writer::stored(identity, &Position::default(), &Report::default(), None);
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
