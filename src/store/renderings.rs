//! Rendering stored messages anew after the renderer has changed.

use std::collections::HashMap;

use sqlx::types::Json;
use sqlx::{SqliteConnection, SqliteExecutor};

use super::json_ids;
use crate::model::{MessageId, Person, RoomId, UserId};
use crate::richtext::{Body, Mention};

/// A stored message, as far as its rendering goes.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredRendering {
    /// The message.
    pub id: MessageId,
    /// Its room.
    pub room_id: RoomId,
    /// Its revision: grows with every edit.
    pub revision: i64,
    /// When it was posted, in milliseconds since the epoch.
    pub created_at: i64,
    /// The body in its stored forms.
    #[sqlx(flatten)]
    pub body: Body,
    /// The names and media types of its files.
    pub files: Json<Vec<(String, String)>>,
}

/// Notes that this version of the renderer runs, unless that is known. Messages that are stored now are to be rendered.
pub async fn begin(db: impl SqliteExecutor<'_>, version: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO renderings (version, before_id) SELECT $1, COALESCE(MAX(id), 0) + 1 FROM messages WHERE TRUE
         ON CONFLICT DO NOTHING",
    )
    .bind(version)
    .execute(db)
    .await
    .map(drop)
}

/// The message before which those are that this version has yet to render; `None` if it has rendered all, or has not begun.
pub async fn position(db: impl SqliteExecutor<'_>, version: i64) -> sqlx::Result<Option<MessageId>> {
    sqlx::query_scalar("SELECT before_id FROM renderings WHERE version = $1 AND before_id > 1")
        .bind(version)
        .fetch_optional(db)
        .await
}

/// Stores that the messages from this one on have been rendered; `None` for all.
pub async fn advance(db: impl SqliteExecutor<'_>, version: i64, before: Option<MessageId>) -> sqlx::Result<()> {
    sqlx::query("UPDATE renderings SET before_id = $2 WHERE version = $1")
        .bind(version)
        .bind(before.map_or(0, |before| before.0))
        .execute(db)
        .await
        .map(drop)
}

/// The `limit` newest messages before one, newest first.
pub async fn list_before(
    db: impl SqliteExecutor<'_>,
    before: MessageId,
    limit: i64,
) -> sqlx::Result<Vec<StoredRendering>> {
    sqlx::query_as(
        "SELECT id, room_id, revision, created_at, body_source, body_html, body_text, search_words, search_parts,
                search_marks, render_version,
                (SELECT json_group_array(json_array(attachments.name, blobs.content_type) ORDER BY position)
                   FROM attachments JOIN blobs ON blobs.key = attachments.blob_key
                  WHERE attachments.message_id = messages.id) AS files
           FROM messages WHERE id < $1 ORDER BY id DESC LIMIT $2 + 0",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The users that each of these messages mentions, with the names that its source calls them by.
pub async fn list_mentions(
    db: impl SqliteExecutor<'_>,
    message_ids: &[MessageId],
) -> sqlx::Result<HashMap<MessageId, Vec<Mention>>> {
    let rows: Vec<(MessageId, UserId, String)> = sqlx::query_as(
        "SELECT message_id, user_id, name FROM mentions WHERE message_id IN (SELECT value FROM json_each($1))
          ORDER BY message_id, user_id",
    )
    .bind(json_ids(message_ids))
    .fetch_all(db)
    .await?;
    let mut mentions: HashMap<MessageId, Vec<Mention>> = HashMap::new();
    for (message_id, user_id, name) in rows {
        mentions.entry(message_id).or_default().push(Mention { user_id, name });
    }
    Ok(mentions)
}

/// The active members of a room, each with the time of joining.
pub async fn list_members(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<(Person, i64)>> {
    let rows: Vec<(UserId, String, i64)> = sqlx::query_as(
        "SELECT users.id, users.name, memberships.created_at
           FROM memberships JOIN users ON users.id = memberships.user_id
          WHERE memberships.room_id = $1 AND users.status = 0 ORDER BY users.id",
    )
    .bind(room_id)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, name, joined_at)| (Person { id, name }, joined_at)).collect())
}

/// Stores that these messages look the same as this version renders them.
pub async fn confirm(db: impl SqliteExecutor<'_>, version: i64, message_ids: &[MessageId]) -> sqlx::Result<()> {
    sqlx::query("UPDATE messages SET render_version = $1 WHERE id IN (SELECT value FROM json_each($2))")
        .bind(version)
        .bind(json_ids(message_ids))
        .execute(db)
        .await
        .map(drop)
}

/// Replaces the rendering of a message, unless it was edited since its `revision`, and returns whether it did. With the
/// same text its search entries are left alone.
pub async fn replace(db: &mut SqliteConnection, stored: &StoredRendering, body: &Body) -> sqlx::Result<bool> {
    let is_found_alike = stored.body.text == body.text
        && stored.body.search_words == body.search_words
        && stored.body.search_parts == body.search_parts
        && stored.body.search_marks == body.search_marks;
    // A trigger of `body_text` writes the search entries.
    let sql = if is_found_alike {
        "UPDATE messages SET body_html = $3, render_version = $4 WHERE id = $1 AND revision = $2"
    } else {
        "UPDATE messages SET body_html = $3, render_version = $4, body_text = $5, search_words = $6, search_parts = $7,
                             search_marks = $8
          WHERE id = $1 AND revision = $2"
    };
    let query = sqlx::query(sql).bind(stored.id).bind(stored.revision).bind(&body.html).bind(body.render_version);
    let query = if is_found_alike {
        query
    } else {
        query.bind(&body.text).bind(&body.search_words).bind(&body.search_parts).bind(&body.search_marks)
    };
    Ok(query.execute(db).await?.rows_affected() > 0)
}

/// Makes a message mention these users. Those that it mentions already stay, members or not; of the others, active members
/// of its room are added.
pub async fn replace_mentions(
    db: &mut SqliteConnection,
    room_id: RoomId,
    message_id: MessageId,
    mentions: &[Mention],
) -> sqlx::Result<()> {
    let rows: Vec<_> = mentions.iter().map(|mention| (mention.user_id.0, &mention.name)).collect();
    let rows = serde_json::to_string(&rows).expect("numbers and names are JSON");
    sqlx::query(
        "DELETE FROM mentions
          WHERE message_id = $1 AND user_id NOT IN (SELECT value ->> 0 FROM json_each($2))",
    )
    .bind(message_id)
    .bind(&rows)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO mentions (user_id, room_id, message_id, name, in_thread_only)
         SELECT users.id, $1, $2, named.value ->> 1,
                COALESCE((SELECT in_thread_only FROM messages WHERE id = $2), FALSE)
           FROM json_each($3) AS named
           JOIN users ON users.id = named.value ->> 0 AND users.status = 0
           JOIN memberships ON memberships.user_id = users.id AND memberships.room_id = $1
          WHERE TRUE
         ON CONFLICT DO NOTHING",
    )
    .bind(room_id)
    .bind(message_id)
    .bind(&rows)
    .execute(db)
    .await
    .map(drop)
}
