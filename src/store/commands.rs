//! Slash commands: the words that call bots, and the calls that are delivered to them.

use sqlx::SqliteExecutor;

use super::webhooks::DeliveredMessage;
use crate::model::{ClientMessageId, CommandWord, RoomId, RoomKind, UserId};

/// A bot that a word calls.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct CalledBot {
    /// The bot.
    pub id: UserId,
    /// Its name.
    pub name: String,
    /// Whether it has a webhook that is on.
    pub is_reachable: bool,
}

/// A call as its caller made it.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// The bot.
    pub bot_id: UserId,
    /// The room.
    pub room_id: RoomId,
    /// Who calls.
    pub caller_id: UserId,
    /// The id from the caller's browser.
    pub client_message_id: ClientMessageId,
    /// What was typed.
    pub call: String,
    /// Digest of room and text.
    pub digest: [u8; 32],
}

/// The words of a bot, sorted.
pub async fn list_of_bot(db: impl SqliteExecutor<'_>, bot_id: UserId) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT word FROM commands WHERE bot_id = $1 ORDER BY word").bind(bot_id).fetch_all(db).await
}

/// The name of another bot that has one of these words, with the word.
pub async fn find_taken(
    db: impl SqliteExecutor<'_>,
    bot_id: UserId,
    words: &[CommandWord],
) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "SELECT commands.word, users.name FROM commands JOIN users ON users.id = commands.bot_id
          WHERE commands.bot_id <> $1 AND commands.word IN (SELECT value FROM json_each($2))
          ORDER BY commands.word LIMIT 1",
    )
    .bind(bot_id)
    .bind(json_words(words))
    .fetch_optional(db)
    .await
}

/// Replaces the words of a bot. Returns whether they changed.
pub async fn set(db: &mut sqlx::SqliteConnection, bot_id: UserId, words: &[CommandWord]) -> sqlx::Result<bool> {
    let words = json_words(words);
    let removed =
        sqlx::query("DELETE FROM commands WHERE bot_id = $1 AND word NOT IN (SELECT value FROM json_each($2))")
            .bind(bot_id)
            .bind(&words)
            .execute(&mut *db)
            .await?;
    let added = sqlx::query(
        "INSERT INTO commands (word, bot_id) SELECT value, $1 FROM json_each($2)
          WHERE value NOT IN (SELECT word FROM commands WHERE bot_id = $1)",
    )
    .bind(bot_id)
    .bind(&words)
    .execute(db)
    .await?;
    Ok(removed.rows_affected() + added.rows_affected() > 0)
}

/// The words as a JSON array, for `json_each`.
fn json_words(words: &[CommandWord]) -> String {
    serde_json::to_string(&words.iter().map(CommandWord::as_str).collect::<Vec<_>>()).unwrap_or_default()
}

/// The active bot in a room that a word calls.
pub async fn find_called(
    db: impl SqliteExecutor<'_>,
    room_id: RoomId,
    word: &CommandWord,
) -> sqlx::Result<Option<CalledBot>> {
    sqlx::query_as(
        "SELECT users.id, users.name,
                EXISTS (SELECT 1 FROM webhooks WHERE webhooks.bot_id = users.id AND switched_off_at IS NULL) AS is_reachable
           FROM commands
           JOIN users ON users.id = commands.bot_id AND users.status = 0
           JOIN memberships ON memberships.user_id = users.id AND memberships.room_id = $1
          WHERE commands.word = $2",
    )
    .bind(room_id)
    .bind(word.as_str())
    .fetch_optional(db)
    .await
}

/// The words that call a bot in a room, sorted, each with the name of its bot.
pub async fn list_of_room(db: impl SqliteExecutor<'_>, room_id: RoomId) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as(
        "SELECT commands.word, users.name
           FROM commands
           JOIN users ON users.id = commands.bot_id AND users.status = 0
           JOIN memberships ON memberships.user_id = users.id AND memberships.room_id = $1
          ORDER BY commands.word",
    )
    .bind(room_id)
    .fetch_all(db)
    .await
}

/// The digest of an earlier call with this id.
pub async fn find_sent(
    db: impl SqliteExecutor<'_>,
    caller_id: UserId,
    client_message_id: &ClientMessageId,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT call_digest FROM deliveries WHERE caller_id = $1 AND client_call_id = $2")
        .bind(caller_id)
        .bind(client_message_id)
        .fetch_optional(db)
        .await
}

/// Queues a call for its bot's webhook.
pub async fn queue(db: impl SqliteExecutor<'_>, new: &NewCall, now_ms: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO deliveries
                (bot_id, room_id, caller_id, client_call_id, call, call_digest, run_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7)",
    )
    .bind(new.bot_id)
    .bind(new.room_id)
    .bind(new.caller_id)
    .bind(&new.client_message_id)
    .bind(&new.call)
    .bind(new.digest.as_slice())
    .bind(now_ms)
    .execute(db)
    .await
    .map(drop)
}

/// Loads a call as the message that it is delivered as, with the text as typed; `None` if its caller or its bot is no
/// member of its room any more.
pub async fn find_call(db: impl SqliteExecutor<'_>, delivery_id: i64) -> sqlx::Result<Option<DeliveredMessage>> {
    let found: Option<(UserId, String, RoomKind, String, String)> = sqlx::query_as(
        "SELECT users.id, users.name, rooms.kind, rooms.name, deliveries.call
           FROM deliveries
           JOIN users ON users.id = deliveries.caller_id AND users.status = 0
           JOIN rooms ON rooms.id = deliveries.room_id
           JOIN memberships AS of_caller ON of_caller.room_id = rooms.id AND of_caller.user_id = users.id
           JOIN memberships AS of_bot ON of_bot.room_id = rooms.id AND of_bot.user_id = deliveries.bot_id
          WHERE deliveries.id = $1",
    )
    .bind(delivery_id)
    .fetch_optional(db)
    .await?;
    Ok(found.map(|(creator_id, creator_name, room_kind, room_name, body_text)| DeliveredMessage {
        creator_id,
        creator_name,
        room_kind,
        room_name,
        body_html: String::new(),
        body_text,
        mentioned_as: None,
        reply_to: None,
    }))
}
