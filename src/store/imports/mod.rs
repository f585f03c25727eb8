//! Taking over the history of another chat: rows with the ids that they have there.
//!
//! Lists are bound as one JSON array. Rows that are there already stay as they are, so that everything can be done again.

pub mod held;
pub mod slack;

use serde::Serialize;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::{avatars, keys};
use crate::model::{FileKey, MessageId, RoomId, UserId};
use crate::store::json_ids;

/// An import, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredImport {
    /// The identity of its source.
    pub source: String,
    /// How far it is, as JSON.
    pub position: String,
    /// Its report, as JSON.
    pub report: String,
    /// When it was finished, in milliseconds since the epoch.
    pub finished_at: Option<i64>,
}

/// The import of this kind and source.
pub async fn find_of(db: impl SqliteExecutor<'_>, kind: &str, source: &str) -> sqlx::Result<Option<StoredImport>> {
    sqlx::query_as("SELECT source, position, report, finished_at FROM imports WHERE kind = $1 AND source = $2")
        .bind(kind)
        .bind(source)
        .fetch_optional(db)
        .await
}

/// The import of this kind.
pub async fn find(db: impl SqliteExecutor<'_>, kind: &str) -> sqlx::Result<Option<StoredImport>> {
    sqlx::query_as("SELECT source, position, report, finished_at FROM imports WHERE kind = $1")
        .bind(kind)
        .fetch_optional(db)
        .await
}

/// Whether the installation has been set up.
pub async fn is_in_use(db: impl SqliteExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users) OR EXISTS (SELECT 1 FROM accounts)").fetch_one(db).await
}

/// Stores how far an import is.
pub async fn note(db: impl SqliteExecutor<'_>, kind: &str, import: &StoredImport, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO imports (kind, source, position, report, started_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (kind, source) DO UPDATE SET position = $3, report = $4, finished_at = $6",
    )
    .bind(kind)
    .bind(&import.source)
    .bind(&import.position)
    .bind(&import.report)
    .bind(now_ms)
    .bind(import.finished_at)
    .execute(db)
    .await
    .map(drop)
}

/// The account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its name.
    pub name: String,
    /// Its join code.
    pub join_code: String,
    /// Its custom styles.
    pub custom_styles: String,
    /// Their digest.
    pub custom_styles_digest: String,
    /// Whether only administrators may create rooms.
    pub room_creation_restricted: bool,
    /// When it was made, in milliseconds since the epoch.
    pub created_at: i64,
}

/// Inserts the account.
pub async fn insert_account(db: impl SqliteExecutor<'_>, account: &NewAccount) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO accounts (name, join_code, custom_styles, custom_styles_digest, room_creation_restricted, created_at,
                               updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
    )
    .bind(&account.name)
    .bind(&account.join_code)
    .bind(&account.custom_styles)
    .bind(&account.custom_styles_digest)
    .bind(account.room_creation_restricted)
    .bind(account.created_at)
    .execute(db)
    .await
    .map(drop)
}

/// A user: id, name, e-mail address, hash of the password, role, status, bio, time of joining, key of the name, and what
/// it is ordered by, in hexadecimal digits.
pub type NewUser = (i64, String, Option<String>, Option<String>, i64, i64, String, i64, String, String);

/// Inserts users.
pub async fn insert_users(db: &mut SqliteConnection, users: &[NewUser]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO users (id, name, email_address, password_hash, role, status, bio, created_at, updated_at, name_key,
                            name_order)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
                value ->> 7, value ->> 8, unhex(value ->> 9)
           FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(users))
    .execute(&mut *db)
    .await?;
    keys::fill_address_keys(db).await.map(drop)
}

/// A bot: id of its user, token of its key, URL of its webhook.
pub type NewBot = (i64, String, Option<String>);

/// Inserts the key of a bot. Returns whether there was none.
pub async fn insert_bot(db: &mut SqliteConnection, bot_id: UserId, token: &str) -> sqlx::Result<bool> {
    let inserted = sqlx::query("INSERT INTO bots (user_id, token) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(bot_id)
        .bind(token)
        .execute(&mut *db)
        .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    avatars::note_change(db, bot_id).await?;
    Ok(true)
}

/// A room: id, kind, name, creator, key of a direct one, what the name is ordered by, times of its creation and of what
/// happened last.
pub type NewRoom = (i64, String, String, i64, Option<String>, String, i64, i64);

/// Inserts rooms.
pub async fn insert_rooms(db: impl SqliteExecutor<'_>, rooms: &[NewRoom]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO rooms (id, kind, name, creator_id, direct_key, name_order, created_at, updated_at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5), value ->> 6,
                value ->> 7
           FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(rooms))
    .execute(db)
    .await
    .map(drop)
}

/// A membership: room, user, involvement, and when it began.
pub type NewMembership = (i64, i64, String, i64);

/// Inserts memberships of rooms and users that exist. Returns how many there were.
pub async fn insert_memberships(db: impl SqliteExecutor<'_>, memberships: &[NewMembership]) -> sqlx::Result<u64> {
    let inserted = sqlx::query(
        "INSERT INTO memberships (room_id, user_id, involvement, created_at)
         SELECT rooms.id, users.id, new.value ->> 2, new.value ->> 3
           FROM json_each($1) AS new
           JOIN rooms ON rooms.id = new.value ->> 0
           JOIN users ON users.id = new.value ->> 1
          WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(memberships))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected())
}

/// Makes the ids of rows that are added from now on greater than these.
pub async fn reserve_ids(db: &mut SqliteConnection, ids: &[(&str, i64)]) -> sqlx::Result<()> {
    for (table, id) in ids {
        sqlx::query(
            "INSERT INTO sqlite_sequence (name, seq)
             SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = $1)",
        )
        .bind(*table)
        .bind(id)
        .execute(&mut *db)
        .await?;
        sqlx::query("UPDATE sqlite_sequence SET seq = MAX(seq, $2) WHERE name = $1")
            .bind(*table)
            .bind(id)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// A message, with its body in all forms.
#[derive(Clone, Debug, Serialize)]
pub struct NewMessage {
    /// Its id.
    pub id: i64,
    /// Its room.
    pub room_id: i64,
    /// Its author.
    pub creator_id: i64,
    /// The id that distinguishes it from others of its author.
    pub client_message_id: String,
    /// The digest that detects a changed retry, in hexadecimal digits.
    pub sent_digest: String,
    /// Markdown.
    pub source: String,
    /// Sanitised HTML.
    pub html: String,
    /// Plain text.
    pub text: String,
    /// The text for the index of words, where it differs.
    pub search_words: Option<String>,
    /// The text for the index of parts, where it differs.
    pub search_parts: Option<String>,
    /// Its content.
    pub search_marks: String,
    /// The version of the renderer.
    pub render_version: i64,
    /// How often it was edited, and once more.
    pub revision: i64,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// When it was edited last, in milliseconds since the epoch.
    pub updated_at: i64,
}

/// Those of these pairs of an author and a client message id that a message has, and its id.
pub async fn list_taken(db: impl SqliteExecutor<'_>, pairs: &[(i64, &str)]) -> sqlx::Result<Vec<(i64, String, i64)>> {
    sqlx::query_as(
        "SELECT messages.creator_id, messages.client_message_id, messages.id
           FROM json_each($1) AS wanted
           JOIN messages ON messages.creator_id = wanted.value ->> 0
                        AND messages.client_message_id = wanted.value ->> 1",
    )
    .bind(json_ids(pairs))
    .fetch_all(db)
    .await
}

/// Those of these pairs of an author and a client message id that a message had which was removed.
pub async fn list_removed(db: impl SqliteExecutor<'_>, pairs: &[(i64, &str)]) -> sqlx::Result<Vec<(i64, String)>> {
    sqlx::query_as(
        "SELECT removed.creator_id, removed.client_message_id
           FROM json_each($1) AS wanted
           JOIN removed_messages AS removed ON removed.creator_id = wanted.value ->> 0
                                           AND removed.client_message_id = wanted.value ->> 1",
    )
    .bind(json_ids(pairs))
    .fetch_all(db)
    .await
}

/// Inserts messages, and makes the newest of each room its newest message. Returns the ids of those that were not there.
pub async fn insert_messages(db: &mut SqliteConnection, messages: &[NewMessage]) -> sqlx::Result<Vec<MessageId>> {
    let rows = json_ids(messages);
    let inserted = sqlx::query_scalar(
        "INSERT INTO messages (id, room_id, creator_id, client_message_id, sent_digest, body_source, body_html, body_text,
                               search_words, search_parts, search_marks, render_version, revision, created_at,
                               updated_at)
         SELECT value ->> 'id', value ->> 'room_id', value ->> 'creator_id', value ->> 'client_message_id',
                unhex(value ->> 'sent_digest'), value ->> 'source', value ->> 'html', value ->> 'text',
                value ->> 'search_words', value ->> 'search_parts', value ->> 'search_marks',
                value ->> 'render_version', value ->> 'revision', value ->> 'created_at', value ->> 'updated_at'
           FROM json_each($1) WHERE TRUE ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(&rows)
    .fetch_all(&mut *db)
    .await?;
    sqlx::query(
        "UPDATE rooms SET last_message_id = MAX(last_message_id, newest.id)
           FROM (SELECT value ->> 'room_id' AS room_id, MAX(value ->> 'id') AS id FROM json_each($1) GROUP BY 1) AS newest
          WHERE rooms.id = newest.room_id",
    )
    .bind(&rows)
    .execute(db)
    .await?;
    Ok(inserted)
}

/// Inserts mentions: user, room, message and name. Only those of active members are stored.
pub async fn insert_mentions(db: impl SqliteExecutor<'_>, mentions: &[(i64, i64, i64, String)]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO mentions (user_id, room_id, message_id, name)
         SELECT users.id, new.value ->> 1, new.value ->> 2, new.value ->> 3
           FROM json_each($1) AS new
           JOIN users ON users.id = new.value ->> 0 AND users.status = 0
           JOIN memberships ON memberships.user_id = users.id AND memberships.room_id = new.value ->> 1
          WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(mentions))
    .execute(db)
    .await
    .map(drop)
}

/// Inserts boosts: message, booster, content and time. Returns how many were new, of users that exist.
pub async fn insert_boosts(db: impl SqliteExecutor<'_>, boosts: &[(i64, i64, String, i64)]) -> sqlx::Result<u64> {
    let inserted = sqlx::query(
        "INSERT INTO boosts (message_id, booster_id, content, created_at)
         SELECT new.value ->> 0, users.id, new.value ->> 2, new.value ->> 3
           FROM json_each($1) AS new JOIN users ON users.id = new.value ->> 1
          WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(boosts))
    .execute(db)
    .await?;
    Ok(inserted.rows_affected())
}

/// Up to `limit` messages of a room with ids below `before`, from the newest on: their ids and times.
pub async fn times_before(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    before: i64,
    limit: i64,
) -> sqlx::Result<Vec<(i64, i64)>> {
    sqlx::query_as(
        "SELECT id, created_at FROM messages
          WHERE room_id = $1 AND in_thread_only = FALSE AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(room_id)
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// How far a member has read: room, user, and the last message read.
pub type ReadPosition = (i64, i64, i64);

/// Marks rooms as read up to these messages. Members who have read further since stay there.
pub async fn mark_read(db: impl SqliteExecutor<'_>, positions: &[ReadPosition]) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE memberships SET read_message_id = MAX(read_message_id, reached.id)
           FROM (SELECT value ->> 0 AS room_id, value ->> 1 AS user_id, value ->> 2 AS id FROM json_each($1)) AS reached
          WHERE memberships.room_id = reached.room_id AND memberships.user_id = reached.user_id",
    )
    .bind(json_ids(positions))
    .execute(db)
    .await
    .map(drop)
}

/// Inserts recent searches: user, query and time.
pub async fn insert_searches(db: impl SqliteExecutor<'_>, searches: &[(i64, String, i64)]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO searches (user_id, query, searched_at)
         SELECT users.id, new.value ->> 1, new.value ->> 2
           FROM json_each($1) AS new JOIN users ON users.id = new.value ->> 0 WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(searches))
    .execute(db)
    .await
    .map(drop)
}

/// Inserts banned addresses: user, address and time.
pub async fn insert_bans(db: impl SqliteExecutor<'_>, bans: &[(i64, String, i64)]) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO bans (user_id, ip_address, created_at)
         SELECT users.id, new.value ->> 1, new.value ->> 2
           FROM json_each($1) AS new JOIN users ON users.id = new.value ->> 0 WHERE TRUE ON CONFLICT DO NOTHING",
    )
    .bind(json_ids(bans))
    .execute(db)
    .await
    .map(drop)
}

/// Gives the database another epoch: browsers load everything again.
pub async fn begin_epoch(db: impl SqliteExecutor<'_>) -> sqlx::Result<()> {
    sqlx::query("UPDATE event_log SET epoch = lower(hex(randomblob(16)))").execute(db).await.map(drop)
}

/// Up to `limit` pictures of messages without a preview, with keys above `after`.
pub async fn list_without_preview(db: impl SqliteExecutor<'_>, after: &str, limit: i64) -> sqlx::Result<Vec<FileKey>> {
    sqlx::query_scalar(
        "SELECT blobs.key FROM blobs JOIN attachments ON attachments.blob_key = blobs.key
          WHERE blobs.key > $1 AND blobs.width IS NOT NULL AND blobs.preview_type IS NULL ORDER BY blobs.key LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn rooms_are_read_up_to_messages_of_the_source_and_never_back() {
        let world = testing::world().await;
        let (room, bob) = (world.all_talk.id, world.bob.id.0);
        let mut ids = Vec::new();
        for text in ["one", "two", "posted meanwhile"] {
            ids.push(world.post(&world.ada, room, text).await.id.0);
        }
        let reader = world.state.db.reader();
        let times = times_before(reader, room, ids[2], 10).await.unwrap();
        assert_eq!(times.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[1], ids[0]]);
        assert_eq!(times_before(reader, room, ids[2], 1).await.unwrap().len(), 1);
        for (position, expected) in [(ids[1], ids[1]), (ids[0], ids[1])] {
            let mark = async move |tx: &mut crate::store::Tx| {
                Ok(mark_read(tx.db(), &[(room.0, bob, position), (99, bob, 1)]).await?)
            };
            world.state.db.write(mark).await.unwrap();
            let read = "SELECT read_message_id FROM memberships WHERE room_id = $1 AND user_id = $2";
            let read: i64 = sqlx::query_scalar(read).bind(room).bind(bob).fetch_one(reader).await.unwrap();
            assert_eq!(read, expected);
        }
    }
}
