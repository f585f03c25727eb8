//! Inboxes: what was said to each person, with whether they have seen it.
//!
//! The schema deletes entries with the message, and with the membership in its room: nobody has an entry of a room that
//! they are not in.

use sqlx::types::Json;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::json_ids;
use crate::model::{Cause, Delivery, InboxCount, MessageId, PAGE_SIZE, Person, Role, RoomId, RoomKind, UserId};

/// How many entries a person has at most. The oldest ones go.
pub const MAX_ENTRIES: i64 = 10_000;

/// An entry whose id is a multiple of this has its person's oldest entries removed: counting at each insertion would take
/// longer than the insertion.
const TRIM_EVERY: i64 = 64;

/// Something that was said to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence<'a> {
    /// The room.
    pub room_id: RoomId,
    /// The message that the entry leads to.
    pub message_id: MessageId,
    /// Who said it, who gets no entry themselves; `None` for a reminder.
    pub actor_id: Option<UserId>,
    /// The content of a boost, or the note of a reminder; otherwise empty.
    pub content: &'a str,
    /// When, in milliseconds since the epoch.
    pub at: i64,
}

/// An entry as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its id: the greater, the newer.
    pub id: i64,
    /// Why it is there.
    pub cause: Cause,
    /// Who said it.
    pub actor: Option<Person>,
    /// The room.
    pub room_id: RoomId,
    /// The kind of the room.
    pub room_kind: RoomKind,
    /// The name of the room; of a direct one the names of the other people in it.
    pub room_name: String,
    /// The message.
    pub message_id: MessageId,
    /// The beginning of the message's plain text.
    pub text: String,
    /// The names of the message's first files.
    pub file_names: Option<String>,
    /// The content of a boost, or the note of a reminder.
    pub content: String,
    /// Whether the person has not seen it yet.
    pub unread: bool,
    /// When, in milliseconds since the epoch.
    pub created_at: i64,
}

/// An expression: how the user `$user` wants to hear of `$cause`, as stored. The default is that of
/// [`Cause::default_delivery`], which a test compares.
macro_rules! delivery {
    ($user:literal, $cause:literal) => {
        concat!(
            "COALESCE((SELECT delivery FROM inbox_settings WHERE user_id = ",
            $user,
            " AND cause = ",
            $cause,
            "), CASE WHEN ",
            $cause,
            " IN ('boost', 'thread_answer') THEN 'quiet' ELSE 'notify' END)"
        )
    };
}

pub(super) use delivery;

/// A subquery: whether the message `messages` is in the inbox of the owner of `devices` as something said to them that
/// notifies, other than as a ping.
macro_rules! is_said_to_owner {
    () => {
        "EXISTS (SELECT 1 FROM inbox
                  WHERE inbox.message_id = messages.id AND inbox.user_id = devices.user_id AND inbox.notifies
                    AND inbox.cause IN ('mention', 'answer', 'thread_answer'))"
    };
}

pub(super) use is_said_to_owner;

/// An expression: the numbers of an [`InboxCount`] of the user `$user` as JSON. Counts are bounded, since every page has
/// them.
macro_rules! select_inbox_count {
    ($user:literal) => {
        concat!(
            "json_array((SELECT COUNT(*) FROM (SELECT 1 FROM inbox WHERE inbox.user_id = ",
            $user,
            " AND inbox.unread LIMIT 100)),
                        (SELECT COUNT(*) FROM (SELECT 1 FROM inbox WHERE inbox.user_id = ",
            $user,
            " AND inbox.unread AND inbox.notifies LIMIT 100)))"
        )
    };
}

pub(super) use select_inbox_count;

/// Inserts entries of the occurrence `$1` to `$5` for the pairs of user and cause in the JSON array `$wanted`.
macro_rules! insert_entries {
    ($wanted:literal) => {
        concat!(
            "INSERT INTO inbox (user_id, room_id, message_id, cause, actor_id, content, notifies, created_at)
             SELECT memberships.user_id, $1, $2, wanted.value ->> 1, $3, $4,
                    ",
            delivery!("memberships.user_id", "(wanted.value ->> 1)"),
            " = 'notify', $5
               FROM json_each(",
            $wanted,
            ") AS wanted
              CROSS JOIN memberships ON memberships.room_id = $1 AND memberships.user_id = wanted.value ->> 0
              CROSS JOIN users ON users.id = memberships.user_id AND users.status = 0 AND users.role <> $7
              WHERE ($3 IS NULL OR memberships.user_id <> $3)
                AND (memberships.involvement <> 'invisible' OR wanted.value ->> 1 = 'reminder')
                AND ",
            delivery!("memberships.user_id", "(wanted.value ->> 1)"),
            " <> 'off'
                AND (wanted.value ->> 1 <> 'ping'
                     OR memberships.involvement = 'everything'
                        AND NOT EXISTS (SELECT 1 FROM inbox AS other
                                         WHERE other.user_id = memberships.user_id AND other.room_id = $1
                                           AND other.unread AND other.cause = 'ping'))
              ORDER BY wanted.key
             ON CONFLICT DO NOTHING
             RETURNING id, user_id"
        )
    };
}

/// Inserts entries for these users, each with its cause: for those who are active members of the room and people, and want
/// to hear of that cause. Returns who got one.
///
/// A message is one entry of a person: of several causes the first in the list counts that the person wants to hear of.
/// Whoever has hidden the room gets reminders alone.
pub async fn insert(
    db: &mut SqliteConnection,
    occurrence: &Occurrence<'_>,
    receivers: &[(UserId, Cause)],
) -> sqlx::Result<Vec<UserId>> {
    if receivers.is_empty() {
        return Ok(Vec::new());
    }
    let inserted = bind(sqlx::query_as(insert_entries!("$6")), occurrence)
        .bind(json_ids(receivers))
        .bind(Role::Bot)
        .fetch_all(&mut *db)
        .await?;
    trimmed(db, inserted).await
}

/// Inserts entries of a message in a direct room for the others in it, except for those who have an unread one of that room,
/// and those who have muted it. Returns who got one.
pub async fn insert_pings(db: &mut SqliteConnection, occurrence: &Occurrence<'_>) -> sqlx::Result<Vec<UserId>> {
    let query = sqlx::query_as(insert_entries!(
        "(SELECT json_group_array(json_array(user_id, $6)) FROM memberships WHERE room_id = $1)"
    ));
    let inserted = bind(query, occurrence).bind(Cause::Ping).bind(Role::Bot).fetch_all(&mut *db).await?;
    trimmed(db, inserted).await
}

/// A query of [`insert_entries`], which returns ids of entries and their users.
type Insert<'q> = sqlx::query::QueryAs<'q, sqlx::Sqlite, (i64, UserId), sqlx::sqlite::SqliteArguments>;

fn bind<'q>(query: Insert<'q>, occurrence: &Occurrence<'_>) -> Insert<'q> {
    let Occurrence { room_id, message_id, actor_id, content, at } = occurrence;
    query.bind(*room_id).bind(*message_id).bind(*actor_id).bind((*content).to_owned()).bind(*at)
}

/// Removes the oldest entries of some of the users who got entries, and returns all of these users.
async fn trimmed(db: &mut SqliteConnection, inserted: Vec<(i64, UserId)>) -> sqlx::Result<Vec<UserId>> {
    for (_, user_id) in inserted.iter().filter(|(id, _)| id % TRIM_EVERY == 0) {
        trim(&mut *db, *user_id, MAX_ENTRIES).await?;
    }
    Ok(inserted.into_iter().map(|(_, user_id)| user_id).collect())
}

/// Removes the oldest entries of a user beyond `max_entries`.
async fn trim(db: impl SqliteExecutor<'_>, user_id: UserId, max_entries: i64) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM inbox
          WHERE user_id = $1
            AND id <= (SELECT id FROM inbox WHERE user_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)",
    )
    .bind(user_id)
    .bind(max_entries)
    .execute(db)
    .await
    .map(drop)
}

/// The counts of a user's unread entries.
pub async fn count(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<InboxCount> {
    let Json(count) =
        sqlx::query_scalar(concat!("SELECT ", select_inbox_count!("$1"))).bind(user_id).fetch_one(db).await?;
    Ok(count)
}

/// The counts of some users' unread entries.
pub async fn list_counts(db: impl SqliteExecutor<'_>, user_ids: &[UserId]) -> sqlx::Result<Vec<(UserId, InboxCount)>> {
    let Json(counts) = sqlx::query_scalar(concat!(
        "SELECT json_group_array(json_array(wanted.value, ",
        select_inbox_count!("wanted.value"),
        ")) FROM json_each($1) AS wanted"
    ))
    .bind(json_ids(user_ids))
    .fetch_one(db)
    .await?;
    Ok(counts)
}

/// Up to `limit` entries of a user, newest first, of those before `before`, or of all.
pub async fn page_before(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<InboxEntry>> {
    let rows: Vec<EntryRow> = sqlx::query_as(
        "SELECT inbox.id, inbox.cause, inbox.actor_id, actors.name AS actor_name, inbox.room_id,
                rooms.kind AS room_kind,
                CASE rooms.kind WHEN 'direct'
                THEN (SELECT group_concat(users.name, ', ') FROM memberships AS theirs
                        JOIN users ON users.id = theirs.user_id
                       WHERE theirs.room_id = rooms.id
                         AND (theirs.user_id <> $1 OR rooms.direct_key = CAST($1 AS TEXT)))
                ELSE rooms.name END AS room_name,
                inbox.message_id, substr(messages.body_text, 1, 400) AS text,
                (SELECT group_concat(name, ', ')
                   FROM (SELECT name FROM attachments WHERE message_id = inbox.message_id ORDER BY position LIMIT 3))
                AS file_names,
                inbox.content, inbox.unread, inbox.created_at
           FROM (SELECT id, cause, actor_id, room_id, message_id, content, unread, created_at
                   FROM inbox WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3 + 0) AS inbox
           JOIN rooms ON rooms.id = inbox.room_id
           JOIN messages ON messages.id = inbox.message_id
           LEFT JOIN users AS actors ON actors.id = inbox.actor_id
          ORDER BY inbox.id DESC",
    )
    .bind(user_id)
    .bind(before.unwrap_or(i64::MAX))
    .bind(limit)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(EntryRow::entry).collect())
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: i64,
    cause: Cause,
    actor_id: Option<UserId>,
    actor_name: Option<String>,
    room_id: RoomId,
    room_kind: RoomKind,
    room_name: Option<String>,
    message_id: MessageId,
    text: String,
    file_names: Option<String>,
    content: String,
    unread: bool,
    created_at: i64,
}

impl EntryRow {
    fn entry(self) -> InboxEntry {
        let Self { id, cause, room_id, room_kind, message_id, text, file_names, content, unread, created_at, .. } =
            self;
        let actor = self.actor_id.zip(self.actor_name).map(|(id, name)| Person { id, name });
        let room_name = self.room_name.unwrap_or_default();
        InboxEntry {
            id,
            cause,
            actor,
            room_id,
            room_kind,
            room_name,
            message_id,
            text,
            file_names,
            content,
            unread,
            created_at,
        }
    }
}

/// Marks the entries of a user about the messages of a room from `first` to `last` as read: they were shown. Reminders of
/// them, and answers that only a thread shows, only if it is one message: its person went to see that one. Returns how many
/// there were.
pub async fn mark_shown(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    (first, last): (MessageId, MessageId),
) -> sqlx::Result<u64> {
    let marked = sqlx::query(
        "UPDATE inbox SET unread = FALSE
          WHERE user_id = $1 AND room_id = $2 AND message_id BETWEEN $3 AND $4 AND unread
            AND (cause <> 'reminder' OR $3 = $4)
            AND ($3 = $4 OR NOT EXISTS (SELECT 1 FROM messages
                                         WHERE messages.id = inbox.message_id AND messages.in_thread_only))",
    )
    .bind(user_id)
    .bind(room_id)
    .bind(first)
    .bind(last)
    .execute(db)
    .await?;
    Ok(marked.rows_affected())
}

/// What of a user's inbox a page of a room shows, which is about to be displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownEntries {
    /// The first message that the page shows.
    pub first: MessageId,
    /// The last one.
    pub last: MessageId,
    /// The counts of the unread entries that displaying it reads.
    pub count: InboxCount,
}

/// The unread entries that displaying the newest page of a room reads, or the page at the message `at`; `None` without any.
pub async fn find_shown(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    at: Option<MessageId>,
) -> sqlx::Result<Option<ShownEntries>> {
    let (first, last, unread, badge): (MessageId, MessageId, u32, u32) = sqlx::query_as(
        "WITH page (first, last, read) AS (
             SELECT COALESCE($3, (SELECT MIN(id) FROM (SELECT id FROM messages WHERE room_id = $2
                                                         ORDER BY id DESC LIMIT $4)), 0),
                    COALESCE($3, rooms.last_message_id), memberships.read_message_id
               FROM rooms JOIN memberships ON memberships.room_id = rooms.id AND memberships.user_id = $1
              WHERE rooms.id = $2)
         SELECT COALESCE(MAX(page.first), 0), COALESCE(MAX(page.last), 0), COUNT(*), COALESCE(SUM(inbox.notifies), 0)
           FROM page JOIN inbox ON inbox.user_id = $1 AND inbox.room_id = $2 AND inbox.unread
          WHERE inbox.message_id <= page.last
            AND (inbox.message_id >= page.first AND (inbox.cause <> 'reminder' OR $3 IS NOT NULL)
                 OR $3 IS NULL AND inbox.message_id > page.read AND inbox.cause NOT IN ('boost', 'reminder'))",
    )
    .bind(user_id)
    .bind(room_id)
    .bind(at)
    .bind(PAGE_SIZE)
    .fetch_one(db)
    .await?;
    Ok((unread > 0).then_some(ShownEntries { first, last, count: InboxCount { unread, badge } }))
}

/// Whether a user has unread entries that [`mark_shown`] marks.
pub async fn has_shown(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    (first, last): (MessageId, MessageId),
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM inbox
                         WHERE user_id = $1 AND room_id = $2 AND message_id BETWEEN $3 AND $4 AND unread
                           AND (cause <> 'reminder' OR $3 = $4))",
    )
    .bind(user_id)
    .bind(room_id)
    .bind(first)
    .bind(last)
    .fetch_one(db)
    .await
}

/// Marks the entries of a user about the messages of a room up to `last` as read, as its member has posted after them, but
/// not those of boosts and reminders. Returns how many there were.
pub async fn mark_passed(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    last: MessageId,
) -> sqlx::Result<u64> {
    let marked = sqlx::query(
        "UPDATE inbox SET unread = FALSE
          WHERE user_id = $1 AND room_id = $2 AND message_id <= $3 AND unread AND cause NOT IN ('boost', 'reminder')
            AND NOT EXISTS (SELECT 1 FROM messages
                             WHERE messages.id = inbox.message_id AND messages.in_thread_only)",
    )
    .bind(user_id)
    .bind(room_id)
    .bind(last)
    .execute(db)
    .await?;
    Ok(marked.rows_affected())
}

/// Whether a user has unread entries about the answers of a thread in this room up to `last`.
pub async fn has_unread_of_thread(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    root_id: MessageId,
    last: MessageId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM inbox CROSS JOIN messages ON messages.id = inbox.message_id
                         WHERE inbox.user_id = $1 AND inbox.room_id = $4 AND inbox.unread
                           AND inbox.message_id > $2 AND inbox.message_id <= $3
                           AND inbox.cause <> 'reminder' AND messages.thread_root_id = $2)",
    )
    .bind(user_id)
    .bind(root_id)
    .bind(last)
    .bind(room_id)
    .fetch_one(db)
    .await
}

/// Marks the entries of a user about the answers of a thread in this room up to `last` as read, but not those of reminders.
/// Returns how many there were.
pub async fn mark_thread_shown(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    root_id: MessageId,
    last: MessageId,
) -> sqlx::Result<u64> {
    let marked = sqlx::query(
        "UPDATE inbox SET unread = FALSE
          WHERE user_id = $1 AND room_id = $4 AND unread AND message_id > $2 AND message_id <= $3
            AND cause <> 'reminder'
            AND EXISTS (SELECT 1 FROM messages
                         WHERE messages.id = inbox.message_id AND messages.thread_root_id = $2)",
    )
    .bind(user_id)
    .bind(root_id)
    .bind(last)
    .bind(room_id)
    .execute(db)
    .await?;
    Ok(marked.rows_affected())
}

/// Marks the entries of a user up to the entry `up_to` as read. Returns how many there were.
pub async fn mark_all_read(db: impl SqliteExecutor<'_>, user_id: UserId, up_to: i64) -> sqlx::Result<u64> {
    let marked = sqlx::query("UPDATE inbox SET unread = FALSE WHERE user_id = $1 AND unread AND id <= $2")
        .bind(user_id)
        .bind(up_to)
        .execute(db)
        .await?;
    Ok(marked.rows_affected())
}

/// Marks the entries of a user about a message and later ones of its room as unread again, but not those of boosts and
/// reminders; of a direct room the newest entry. Returns how many there were.
pub async fn mark_unread(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    room_id: RoomId,
    message_id: MessageId,
) -> sqlx::Result<u64> {
    let marked = sqlx::query(
        "UPDATE inbox SET unread = TRUE
          WHERE user_id = $1 AND room_id = $2 AND NOT unread
            AND (cause IN ('mention', 'answer', 'thread_answer') AND message_id >= $3
                    AND NOT EXISTS (SELECT 1 FROM messages
                                     WHERE messages.id = inbox.message_id AND messages.in_thread_only)
                 OR id = (SELECT MAX(id) FROM inbox WHERE user_id = $1 AND room_id = $2 AND cause = 'ping')
                    AND NOT EXISTS (SELECT 1 FROM inbox AS other
                                     WHERE other.user_id = $1 AND other.room_id = $2 AND other.unread
                                       AND other.cause = 'ping'))",
    )
    .bind(user_id)
    .bind(room_id)
    .bind(message_id)
    .execute(db)
    .await?;
    Ok(marked.rows_affected())
}

/// Removes the entries of a message that is about to be removed. An unread one of a direct room moves on to the next
/// message in it, if there is one. Returns whose entries there were.
pub async fn remove_of_message(db: &mut SqliteConnection, message_id: MessageId) -> sqlx::Result<Vec<UserId>> {
    let user_ids: Vec<UserId> = sqlx::query_scalar("SELECT DISTINCT user_id FROM inbox WHERE message_id = $1")
        .bind(message_id)
        .fetch_all(&mut *db)
        .await?;
    // Most messages have none.
    if user_ids.is_empty() {
        return Ok(user_ids);
    }
    sqlx::query(
        "UPDATE inbox SET message_id = next.id, actor_id = next.creator_id
           FROM messages AS next
          WHERE inbox.message_id = $1 AND inbox.cause = 'ping' AND inbox.unread
            AND next.id = (SELECT later.id FROM messages AS later
                            WHERE later.room_id = inbox.room_id AND later.id > $1
                              AND later.creator_id <> inbox.user_id
                            ORDER BY later.id LIMIT 1)
            AND NOT EXISTS (SELECT 1 FROM inbox AS other
                             WHERE other.user_id = inbox.user_id AND other.message_id = next.id)",
    )
    .bind(message_id)
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM inbox WHERE message_id = $1").bind(message_id).execute(db).await?;
    Ok(user_ids)
}

/// Removes the entries by which a message mentions users other than `mentioned`: it was edited. Returns whose entries there
/// were.
pub async fn remove_mentions(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    mentioned: &[UserId],
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "DELETE FROM inbox
          WHERE message_id = $1 AND cause = 'mention' AND user_id NOT IN (SELECT value FROM json_each($2))
         RETURNING user_id",
    )
    .bind(message_id)
    .bind(json_ids(mentioned))
    .fetch_all(db)
    .await
}

/// Removes the entry of a boost that was taken back. Returns whose it was.
pub async fn remove_boost(
    db: impl SqliteExecutor<'_>,
    message_id: MessageId,
    booster_id: UserId,
    content: &str,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar(
        "DELETE FROM inbox WHERE message_id = $1 AND cause = 'boost' AND actor_id = $2 AND content = $3
         RETURNING user_id",
    )
    .bind(message_id)
    .bind(booster_id)
    .bind(content.to_owned())
    .fetch_all(db)
    .await
}

/// The newest entry of a user about a message, if it notifies and the user has a device that takes pushes.
pub async fn find_pushed(
    db: impl SqliteExecutor<'_>,
    user_id: UserId,
    message_id: MessageId,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT id FROM inbox
          WHERE user_id = $1 AND message_id = $2 AND notifies
            AND id = (SELECT MAX(id) FROM inbox WHERE user_id = $1 AND message_id = $2)
            AND EXISTS (SELECT 1 FROM push_subscriptions
                         WHERE user_id = $1 AND dead_at IS NULL AND removed_at IS NULL)",
    )
    .bind(user_id)
    .bind(message_id)
    .fetch_optional(db)
    .await
}

/// Who has unread entries of a room.
pub async fn list_people_of_room(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar("SELECT DISTINCT user_id FROM inbox WHERE room_id = $1 AND unread ORDER BY user_id")
        .bind(room_id)
        .fetch_all(db)
        .await
}

/// Removes up to `limit` of the entries from before `before_ms`, in milliseconds since the epoch. Returns the users whose
/// entries they were, one for each entry.
pub async fn prune(db: impl SqliteExecutor<'_>, before_ms: i64, limit: i64) -> sqlx::Result<Vec<UserId>> {
    // The ids have the order of time: the scan ends at the first entry that is young enough.
    sqlx::query_scalar(
        "DELETE FROM inbox
          WHERE id IN (SELECT id FROM inbox
                        WHERE id < COALESCE((SELECT id FROM inbox WHERE created_at >= $1 ORDER BY id LIMIT 1),
                                            9223372036854775807)
                        ORDER BY id LIMIT $2)
         RETURNING user_id",
    )
    .bind(before_ms)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// How a user wants to hear of a cause.
pub async fn find_delivery(db: impl SqliteExecutor<'_>, user_id: UserId, cause: Cause) -> sqlx::Result<Delivery> {
    sqlx::query_scalar(concat!("SELECT ", delivery!("$1", "$2"))).bind(user_id).bind(cause).fetch_one(db).await
}

/// What a user has chosen, by cause; the rest is by default.
pub async fn list_settings(db: impl SqliteExecutor<'_>, user_id: UserId) -> sqlx::Result<Vec<(Cause, Delivery)>> {
    sqlx::query_as("SELECT cause, delivery FROM inbox_settings WHERE user_id = $1 ORDER BY cause")
        .bind(user_id)
        .fetch_all(db)
        .await
}

/// Stores how a user wants to hear of a cause, and what follows for the entries that there are.
pub async fn set_delivery(
    db: &mut SqliteConnection,
    user_id: UserId,
    cause: Cause,
    delivery: Delivery,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO inbox_settings (user_id, cause, delivery) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, cause) DO UPDATE SET delivery = excluded.delivery",
    )
    .bind(user_id)
    .bind(cause)
    .bind(delivery)
    .execute(&mut *db)
    .await?;
    sqlx::query("UPDATE inbox SET notifies = $3 WHERE user_id = $1 AND cause = $2 AND notifies <> $3")
        .bind(user_id)
        .bind(cause)
        .bind(delivery == Delivery::Notify)
        .execute(db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests;
